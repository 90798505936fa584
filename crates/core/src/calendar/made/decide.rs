//! Proposing, agreeing and refusing.

use jiff::{SignedDuration, Timestamp};

use super::PREFIX;
use super::event::{Agreed, Deed, WindowEnded, WindowProposed, WindowRefused, WindowSet};
use super::state::is_long_over;
use crate::calendar::{HORIZON_DAYS, OCCURRENCES_LIMIT, Window};
use crate::event::Event;
use crate::ids::{Digest, PersonId, ProposalId};
use crate::organisation::{EnvironmentTier, Organisation};
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::standing::Standing;
use crate::stop::reason_given;

/// The most windows that hold at a time, and the most proposals that wait.
const MOST: usize = 500;
/// The most selectors of those who may grant an exception.
const GRANTS: usize = 20;

/// What somebody wants, and whether a second person has to agree.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The id that the proposal gets.
    pub proposal: ProposalId,
    /// What is to be done.
    pub deed: Deed,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub by: PersonId,
    /// When it can be confirmed at the earliest; none where no second person has to agree.
    pub from: Option<Timestamp>,
}

/// Proposes to make, alter or end a window, or does so where nobody else has to agree.
pub fn propose(standing: &Standing, intent: Intent, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    reason_given(&intent.reason)?;
    let Intent { proposal, deed, reason, by, from } = intent;
    let known = standing.made.windows.get(deed.name());
    match &deed {
        Deed::Set { window } => {
            if known.is_none() {
                room(standing, now)?;
            }
            check(&standing.organisation, window, now)?;
        }
        Deed::End { name } if known.is_none() => return Err(unknown(standing, name)),
        Deed::End { .. } => {}
    }
    let Some(from) = from else { return Ok(vec![done(deed, reason, by, None)]) };
    let waiting = standing.made.proposals.values().filter(|it| it.waits(now));
    if waiting.count() >= MOST {
        let message = format!("{MOST} proposals wait for a second person already");
        return Err(Refusal::conflict("too_many_proposals", message, "confirm or refuse some"));
    }
    let over = known.map(|known| digest_of(&known.window));
    Ok(vec![WindowProposed { proposal, deed, over, reason, by, from }.into()])
}

/// A second person agrees; it holds from now on.
pub fn confirm(
    standing: &Standing,
    proposal: &ProposalId,
    by: &PersonId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let proposed = waiting(standing, proposal, now)?;
    if proposed.by == *by {
        return Err(Refusal::forbidden(
            "same_person",
            "whoever proposed it cannot confirm it",
            "ask a second person with `calendar.edit`",
        ));
    }
    if now < proposed.from {
        let message = format!("it can be confirmed from {} on", proposed.from);
        return Err(Refusal::conflict("cooling_off", message, "wait until then"));
    }
    let stands = standing.made.windows.get(proposed.deed.name());
    if stands.map(|stands| digest_of(&stands.window)) != proposed.over {
        return Err(Refusal::conflict(
            "window_outdated",
            "the window was altered or ended since this was proposed",
            "refuse it, and propose it again over what stands now",
        ));
    }
    if let Deed::Set { window } = &proposed.deed {
        if stands.is_none() {
            room(standing, now)?;
        }
        check(&standing.organisation, window, now)?;
    }
    let agreed = Agreed { proposal: proposal.clone(), by: by.clone() };
    let WindowProposed { deed, reason, by, .. } = proposed.clone();
    Ok(vec![done(deed, reason, by, Some(agreed))])
}

/// Somebody refuses a proposal, or takes their own back.
pub fn refuse(
    standing: &Standing,
    proposal: &ProposalId,
    by: &PersonId,
    because: &str,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let proposed = waiting(standing, proposal, now)?;
    reason_given(because)?;
    let refused = WindowRefused {
        proposal: proposal.clone(),
        name: proposed.deed.name().to_owned(),
        by: by.clone(),
        because: because.to_owned(),
    };
    Ok(vec![refused.into()])
}

fn waiting<'a>(
    standing: &'a Standing,
    proposal: &ProposalId,
    now: Timestamp,
) -> Result<&'a WindowProposed, Refusal> {
    let found = standing.made.proposals.get(proposal).filter(|it| it.waits(now));
    found.map(|it| &it.proposed).ok_or_else(|| {
        let message = format!("no proposal `{proposal}` waits");
        Refusal::missing("proposal_unknown", message, "list what waits for a second person")
    })
}

fn done(deed: Deed, reason: String, by: PersonId, agreed: Option<Agreed>) -> Event {
    match deed {
        Deed::Set { window } => WindowSet { window, reason, by, agreed }.into(),
        Deed::End { name } => WindowEnded { name, reason, by, agreed }.into(),
    }
}

fn room(standing: &Standing, now: Timestamp) -> Result<(), Refusal> {
    let windows = standing.made.windows.values();
    if windows.filter(|it| !is_long_over(&it.window.schedule, now)).count() < MOST {
        return Ok(());
    }
    let message = format!("{MOST} windows were made here already");
    Err(Refusal::conflict("too_many_windows", message, "end some, or declare them in files"))
}

fn unknown(standing: &Standing, name: &str) -> Refusal {
    if standing.organisation.windows.contains_key(name) {
        return Refusal::conflict(
            "declared_in_files",
            format!("the window `{name}` is declared in the organisation's files"),
            "alter it there, and apply them: `sluice apply DIR`",
        );
    }
    let message = format!("no window `{name}` was made here");
    Refusal::missing("window_unknown", message, "list the windows: `sluice calendar window list`")
}

/// What names a window as it stands.
pub fn digest_of(window: &Window) -> Digest {
    Digest::of(&serde_json::to_vec(window).unwrap_or_default())
}

/// Whether a window can hold: it is understood, it still comes, and it speaks of what there is.
pub fn check(organisation: &Organisation, window: &Window, now: Timestamp) -> Result<(), Refusal> {
    if organisation.windows.contains_key(&window.name) || !window.name.starts_with(PREFIX) {
        return Err(Refusal::conflict(
            "declared_in_files",
            format!("the window `{}` belongs to the organisation's files", window.name),
            "alter it there, and apply them: `sluice apply DIR`",
        ));
    }
    let length = window.title.trim().chars().count();
    if !(1..=120).contains(&length) || window.title.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            "bad_title",
            "a title has 1 to 120 characters, none of them a control character",
            "say in a few words what the window is",
        ));
    }
    if window.reason.chars().count() > 1_000 {
        let message = "the window's reason has more than 1000 characters";
        return Err(Refusal::invalid("reason_too_long", message, "say it shorter"));
    }
    if let Err(problem) = window.validate() {
        return Err(Refusal::invalid("bad_window", problem.to_string(), problem.help()));
    }
    if !comes(window, now) {
        let message = format!("the window never comes within {HORIZON_DAYS} days");
        return Err(Refusal::invalid("window_over", message, "give a later end, or a rule"));
    }
    let odd = |text: &String| PersonId::parse(text).is_err() && !is_selector(text);
    if window.grants.len() > GRANTS || window.grants.iter().any(odd) {
        return Err(Refusal::invalid(
            "bad_grants",
            format!("who may grant exceptions is at most {GRANTS} persons, teams, roles or claims"),
            "write `role:change_manager`, `team:NAME`, `claim:NAME=VALUE` or a person's id",
        ));
    }
    known_scope(organisation, &window.scope)
}

fn comes(window: &Window, now: Timestamp) -> bool {
    let horizon = SignedDuration::from_hours(HORIZON_DAYS * 24);
    let to = now.saturating_add(horizon).unwrap_or(Timestamp::MAX);
    let expanded = window.schedule.expand(now, to, window.kind.reading(), OCCURRENCES_LIMIT);
    expanded.is_ok_and(|expanded| expanded.occurrences.iter().any(|it| it.end > now))
}

fn is_selector(text: &str) -> bool {
    let known = text.split_once(':').filter(|(kind, _)| ["team", "role", "claim"].contains(kind));
    known.is_some_and(|(_, name)| !name.is_empty() && name.len() <= 200)
}

/// A scope that names what is not there holds nothing, and looks as if it did.
fn known_scope(organisation: &Organisation, scope: &Scope) -> Result<(), Refusal> {
    let tiers = [
        EnvironmentTier::Development,
        EnvironmentTier::Test,
        EnvironmentTier::Staging,
        EnvironmentTier::Production,
    ];
    let first = |set: &std::collections::BTreeSet<String>, known: &dyn Fn(&str) -> bool| {
        set.iter().find(|name| !known(name)).cloned()
    };
    let checks = [
        ("service", first(&scope.services, &|name| organisation.services.contains_key(name))),
        ("team", first(&scope.teams, &|name| organisation.teams.contains_key(name))),
        (
            "environment",
            first(&scope.environments, &|name| organisation.environments.contains_key(name)),
        ),
        (
            "tier of environments",
            first(&scope.environment_tiers, &|name| tiers.iter().any(|it| it.as_str() == name)),
        ),
    ];
    let unknown = checks.into_iter().find_map(|(what, name)| Some((what, name?)));
    let Some((what, name)) = unknown else { return Ok(()) };
    let message = format!("there is no {what} `{name}`");
    Err(Refusal::invalid("scope_unknown", message, "name what is declared"))
}
