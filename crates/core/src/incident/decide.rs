//! What opens, moves and ends an incident.

use std::collections::BTreeSet;

use super::{Incident, IncidentState, OF_DEPLOYMENT, Resolution, event};
use crate::deployment::{Deployment, DeploymentState, Health, is_outdated};
use crate::event::Event;
use crate::ids::{ChangeNumber, IncidentNumber, ServiceName};
use crate::refusal::Refusal;
use crate::standing::Standing;

/// The most characters of a title.
const TITLE: usize = 200;
/// The most characters of a severity, and of an environment.
const WORD: usize = 64;
/// The most characters of a note.
const NOTE: usize = 2_000;

/// What somebody says of an incident that they open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// What told of it, where it was no person.
    pub source: Option<String>,
    /// What it is about.
    pub title: String,
    /// The services that suffer.
    pub services: BTreeSet<ServiceName>,
    /// Their environment.
    pub environment: Option<String>,
    /// Severity.
    pub severity: String,
    /// The change that it came with.
    pub change: Option<ChangeNumber>,
    /// What else is known.
    pub note: String,
}

/// Opens an incident.
///
/// Checks, in order: its words; that it names services, which are declared; that its change exists.
pub fn open(
    standing: &Standing,
    opening: Opening,
) -> Result<(IncidentNumber, Vec<Event>), Refusal> {
    check_words(&opening.title, &opening.note)?;
    check_word("severity", &opening.severity)?;
    check_word("environment", opening.environment.as_deref().unwrap_or_default())?;
    check_services(standing, &opening.services)?;
    if let Some(change) = opening.change {
        check_change(standing, change)?;
    }
    let number = standing.next_incident();
    let opened = event::Opened {
        incident: number,
        source: opening.source,
        title: opening.title,
        services: opening.services,
        environment: opening.environment,
        severity: opening.severity,
        change: opening.change,
        deployment: None,
        note: opening.note,
    };
    Ok((number, vec![opened.into()]))
}

/// What something other than a person says of an incident: opened once for each source, and over when it says so.
/// Words that are too long are cut, and made one line.
pub fn report(
    standing: &Standing,
    source: &str,
    service: Option<&ServiceName>,
    told: Opening,
    is_over: bool,
) -> Option<Event> {
    match (is_over, standing.incident_from(source), service) {
        (true, Some(known), _) => Some(
            event::Resolved {
                incident: known.number,
                resolution: Resolution::Recovered,
                note: told.note,
            }
            .into(),
        ),
        (false, None, Some(service)) => Some(
            event::Opened {
                incident: standing.next_incident(),
                source: Some(source.to_owned()),
                title: cut(&told.title, TITLE),
                services: std::iter::once(service.clone()).collect(),
                environment: told.environment.map(|name| cut(&name, WORD)),
                severity: cut(&told.severity, WORD),
                change: told.change,
                deployment: None,
                note: told.note.chars().take(NOTE).collect(),
            }
            .into(),
        ),
        (true, None, _) | (false, Some(_), _) | (false, None, None) => None,
    }
}

/// Says that it is worked on, or waits.
pub fn move_to(
    incident: &Incident,
    state: IncidentState,
    note: String,
) -> Result<Vec<Event>, Refusal> {
    check_open(incident)?;
    check_note(&note)?;
    if state.is_over() {
        return Err(Refusal::invalid(
            "resolution_missing",
            "how it ended has to be said",
            "resolve it: `sluice incident resolve`",
        ));
    }
    if state == incident.state {
        return Err(Refusal::conflict(
            "already_so",
            format!("{} is {} already", incident.number, state.as_str()),
            "nothing is left to do",
        ));
    }
    Ok(vec![event::Moved { incident: incident.number, state, note }.into()])
}

/// Ends an incident.
pub fn resolve(
    incident: &Incident,
    resolution: Resolution,
    note: String,
) -> Result<Vec<Event>, Refusal> {
    check_open(incident)?;
    check_note(&note)?;
    if note.trim().is_empty() {
        return Err(Refusal::invalid(
            "note_missing",
            "what ended it has to be said",
            "say it in a sentence",
        ));
    }
    Ok(vec![event::Resolved { incident: incident.number, resolution, note }.into()])
}

/// What the end of a deployment means: one of a change that failed, was undone or is unhealthy opens an incident, once;
/// one that succeeded otherwise ends those that earlier ones opened at its place.
pub fn after_deployment(
    standing: &Standing,
    deployment: &Deployment,
    state: DeploymentState,
    health: Health,
) -> Vec<Event> {
    let how = match (state, health) {
        (DeploymentState::Running, _) => return Vec::new(),
        (DeploymentState::Succeeded, Health::Unhealthy) => "is unhealthy",
        (DeploymentState::Succeeded, _) => return made_good(standing, deployment),
        (DeploymentState::RolledBack, _) => "was rolled back",
        (DeploymentState::Failed, _) => "failed",
    };
    let source = format!("{OF_DEPLOYMENT}{}", deployment.number);
    let is_told = standing.incident_from(&source).is_some() || was_bad(deployment);
    if deployment.change.is_none() || is_told || is_outdated(standing, deployment) {
        return Vec::new();
    }
    let version = deployment.version.as_deref();
    let what = version.map_or(String::new(), |version| format!(" {version}"));
    let title = format!("{}: {}{what} {how}", deployment.number, deployment.service);
    let opened = event::Opened {
        incident: standing.next_incident(),
        source: Some(source),
        title: title.chars().take(TITLE).collect(),
        services: std::iter::once(deployment.service.clone()).collect(),
        environment: Some(deployment.environment.to_string()),
        severity: "warning".to_owned(),
        change: deployment.change,
        deployment: Some(deployment.number),
        note: String::new(),
    };
    vec![opened.into()]
}

fn made_good(standing: &Standing, deployment: &Deployment) -> Vec<Event> {
    let here = standing.incidents.values().filter(|incident| {
        incident.is_of_deployment()
            && incident.services.contains(&deployment.service)
            && incident.environment.as_deref() == Some(deployment.environment.as_str())
            && incident.deployment.is_some_and(|failed| failed <= deployment.number)
    });
    let note = format!("{} succeeded", deployment.number);
    let over = here.map(|incident| event::Resolved {
        incident: incident.number,
        // Its own was opened for want of news, and it has succeeded after all.
        resolution: match incident.deployment == Some(deployment.number) {
            true => Resolution::Unfounded,
            false => Resolution::Fixed,
        },
        note: note.clone(),
    });
    over.map(Event::from).collect()
}

/// Whether it was known as bad before what is reported now: then its incident was opened, whether it is over or not.
fn was_bad(deployment: &Deployment) -> bool {
    let health = deployment.report.as_ref().and_then(|report| report.health);
    deployment.state == DeploymentState::Failed || health == Some(Health::Unhealthy)
}

fn check_open(incident: &Incident) -> Result<(), Refusal> {
    if incident.state.is_over() {
        return Err(Refusal::conflict(
            "incident_over",
            format!("{} is {} already", incident.number, incident.state.as_str()),
            "open another one",
        ));
    }
    Ok(())
}

/// The words of an incident or a problem.
pub(crate) fn check_words(title: &str, note: &str) -> Result<(), Refusal> {
    let is_line = !title.trim().is_empty() && !title.chars().any(char::is_control);
    if !is_line || title.chars().count() > TITLE {
        return Err(Refusal::invalid(
            "title_unfit",
            format!("a title is one line of 1 to {TITLE} characters"),
            "say what is wrong, and put the rest into the note",
        ));
    }
    check_note(note)
}

/// A word of whoever told of it, which may be missing.
fn check_word(name: &str, word: &str) -> Result<(), Refusal> {
    if word.chars().any(char::is_control) || word.chars().count() > WORD {
        return Err(Refusal::invalid(
            "over_limit",
            format!("`{name}` is one line of at most {WORD} characters"),
            "put the rest into the note",
        ));
    }
    Ok(())
}

/// The beginning of a text, as one line.
fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

pub(crate) fn check_note(note: &str) -> Result<(), Refusal> {
    let odd = note.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if odd || note.chars().count() > NOTE {
        return Err(Refusal::invalid(
            "over_limit",
            format!("a note has at most {NOTE} characters, none of them a control character"),
            "say it shorter",
        ));
    }
    Ok(())
}

pub(crate) fn check_services(
    standing: &Standing,
    services: &BTreeSet<ServiceName>,
) -> Result<(), Refusal> {
    let known = &standing.organisation.services;
    if services.is_empty() || services.len() > 50 {
        return Err(Refusal::invalid(
            "services_unfit",
            "it concerns 1 to 50 services",
            "name those that suffer",
        ));
    }
    match services.iter().find(|name| !known.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(Refusal::missing(
            "service_unknown",
            format!("there is no service `{name}`"),
            "see `sluice apply` for how services are declared",
        )),
    }
}

pub(crate) fn check_change(standing: &Standing, change: ChangeNumber) -> Result<(), Refusal> {
    if (1..=standing.changes_counted).contains(&change.0) {
        return Ok(());
    }
    Err(Refusal::missing(
        "change_unknown",
        format!("there is no change {change}"),
        "check the number",
    ))
}
