//! What opens, links, moves and ends a problem.

use std::collections::BTreeSet;

use super::{Problem, ProblemState, event};
use crate::event::Event;
use crate::ids::{ChangeNumber, IncidentNumber, ProblemNumber, ServiceName};
use crate::incident::{check_change, check_note, check_services, check_words};
use crate::refusal::Refusal;
use crate::standing::Standing;

/// The most incidents, and the most changes, of one problem.
const LINKS: usize = 200;

/// What somebody says of a problem that they open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// The neighbour's record that it is taken over from.
    pub source: Option<String>,
    /// What it is about.
    pub title: String,
    /// The services that it lies in.
    pub services: BTreeSet<ServiceName>,
    /// Its incidents.
    pub incidents: BTreeSet<IncidentNumber>,
    /// Its changes.
    pub changes: BTreeSet<ChangeNumber>,
    /// What else is known.
    pub note: String,
}

/// Opens a problem.
///
/// Checks, in order: its words; that it names services, which are declared; that what it links exists.
pub fn open(standing: &Standing, opening: Opening) -> Result<(ProblemNumber, Vec<Event>), Refusal> {
    check_words(&opening.title, &opening.note)?;
    check_services(standing, &opening.services)?;
    check_links(standing, &opening.incidents, &opening.changes)?;
    let number = standing.next_problem();
    let opened = event::Opened {
        problem: number,
        source: opening.source,
        title: opening.title,
        services: opening.services,
        incidents: opening.incidents,
        changes: opening.changes,
        note: opening.note,
    };
    Ok((number, vec![opened.into()]))
}

/// Links more incidents and changes to a problem; what is linked already is left out.
pub fn link(
    standing: &Standing,
    problem: &Problem,
    incidents: &BTreeSet<IncidentNumber>,
    changes: &BTreeSet<ChangeNumber>,
) -> Result<Vec<Event>, Refusal> {
    check_open(problem)?;
    check_links(standing, incidents, changes)?;
    let incidents: BTreeSet<_> = incidents.difference(&problem.incidents).copied().collect();
    let changes: BTreeSet<_> = changes.difference(&problem.changes).copied().collect();
    if incidents.is_empty() && changes.is_empty() {
        return Err(Refusal::conflict(
            "already_so",
            format!("{} has all of them already", problem.number),
            "nothing is left to do",
        ));
    }
    let after = (problem.incidents.len() + incidents.len(), problem.changes.len() + changes.len());
    if after.0 > LINKS || after.1 > LINKS {
        return Err(too_many());
    }
    Ok(vec![event::Linked { problem: problem.number, incidents, changes }.into()])
}

/// Says where a problem stands.
pub fn move_to(
    problem: &Problem,
    state: ProblemState,
    note: String,
) -> Result<Vec<Event>, Refusal> {
    check_open(problem)?;
    check_note(&note)?;
    if state.is_over() {
        return Err(Refusal::invalid(
            "resolution_missing",
            "how it ended has to be said",
            "resolve it: `sluice problem resolve`",
        ));
    }
    if state == problem.state {
        return Err(Refusal::conflict(
            "already_so",
            format!("{} is {} already", problem.number, state.as_str()),
            "nothing is left to do",
        ));
    }
    Ok(vec![event::Moved { problem: problem.number, state, note }.into()])
}

/// Ends a problem.
pub fn resolve(problem: &Problem, note: String) -> Result<Vec<Event>, Refusal> {
    check_open(problem)?;
    check_note(&note)?;
    if note.trim().is_empty() {
        return Err(Refusal::invalid(
            "note_missing",
            "what ended it has to be said",
            "say it in a sentence",
        ));
    }
    Ok(vec![event::Resolved { problem: problem.number, note }.into()])
}

fn check_open(problem: &Problem) -> Result<(), Refusal> {
    if problem.state.is_over() {
        return Err(Refusal::conflict(
            "problem_over",
            format!("{} is {} already", problem.number, problem.state.as_str()),
            "open another one",
        ));
    }
    Ok(())
}

fn check_links(
    standing: &Standing,
    incidents: &BTreeSet<IncidentNumber>,
    changes: &BTreeSet<ChangeNumber>,
) -> Result<(), Refusal> {
    if incidents.len() > LINKS || changes.len() > LINKS {
        return Err(too_many());
    }
    for incident in incidents {
        if !(1..=standing.incidents_counted).contains(&incident.0) {
            return Err(Refusal::missing(
                "incident_unknown",
                format!("there is no incident {incident}"),
                "check the number",
            ));
        }
    }
    changes.iter().try_for_each(|change| check_change(standing, *change))
}

fn too_many() -> Refusal {
    Refusal::invalid(
        "over_limit",
        format!("a problem has at most {LINKS} incidents and {LINKS} changes"),
        "open another one for the rest",
    )
}
