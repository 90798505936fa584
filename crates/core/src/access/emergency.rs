//! Break-glass: the emergency path that two people open together.
//!
//! It lifts stops and freezes for one service in one environment, for an hour, by exceptions that stand in the ledger
//! like all others and cost a review like all others. The gate is still asked, as an emergency: what its policy denies
//! even then stays denied. Nothing in here lets anything through by itself.

use jiff::{SignedDuration, Timestamp};

use super::another::another;
use super::event::{GlassAsked, GlassOpened};
use super::{Glass, Proposer, still_may};
use crate::event::Event;
use crate::gate::{Question, find};
use crate::ids::{EnvironmentName, ExceptionId, GrantId, PersonId, ServiceName};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::scope::{Scope, Target};
use crate::standing::Standing;
use crate::stop::Exception;
use crate::stop::event::ExceptionGranted;

/// How long it stays open.
const OPEN: SignedDuration = SignedDuration::from_mins(60);

/// Paths that wait or are open at the same time.
const MOST: usize = 20;

/// Asks for it. A refusal names services that whoever asks sees, and counts the others.
pub fn ask(
    standing: &Standing,
    asked: GlassAsked,
    sees: impl Fn(&ServiceName) -> bool,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let reason = asked.question.emergency.as_deref().unwrap_or_default();
    if reason.trim().is_empty() || !(10..=1_000).contains(&reason.chars().count()) {
        return Err(Refusal::invalid(
            "bad_reason",
            "a reason of 10 to 1000 characters is needed",
            "say what is broken, and why it cannot wait",
        ));
    }
    covers_change(standing, &asked.question, sees)?;
    let alive = standing.access.glasses.values().filter(|one| one.is_open(now) || one.waits(now));
    if alive.count() >= MOST {
        let message = format!("{MOST} emergency paths wait or are open");
        return Err(Refusal::conflict("too_many_emergencies", message, "wait for one to end"));
    }
    Ok(vec![asked.into()])
}

/// A second person opens it. A refusal names services that they see, and counts the others.
pub fn open(
    standing: &Standing,
    id: &GrantId,
    by: &PersonId,
    exceptions: [ExceptionId; 2],
    sees: impl Fn(&ServiceName) -> bool,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let glass = found(standing, id)?;
    let words = ("whoever asked for the emergency path cannot open it", "break_glass.use");
    another(standing, &glass.asked.by, by, now, words)?;
    if !glass.waits(now) {
        return Err(Refusal::conflict(
            "not_waiting",
            format!("`{id}` is open already, or was asked for more than half an hour ago"),
            "ask for it again",
        ));
    }
    let GlassAsked { question, by: asker, groups, .. } = &glass.asked;
    let proposer = Proposer { person: asker, groups: groups.as_ref(), at: glass.at };
    still_may(standing, proposer, Permission::BreakGlass, |scopes| {
        let mut targets = targets(standing, question);
        targets.all(|target| scopes.iter().any(|scope| scope.covers(&target)))
    })?;
    covers_change(standing, question, sees)?;
    let until = now.saturating_add(OPEN).unwrap_or(Timestamp::MAX);
    let mut services = question.services.clone();
    services.insert(question.service.clone());
    let scope = Scope {
        services: services.iter().map(ToString::to_string).collect(),
        environments: [question.environment.to_string()].into(),
        ..Scope::default()
    };
    let reason = question.emergency.clone().unwrap_or_default();
    let opened = GlassOpened { id: id.clone(), by: by.clone(), until };
    let lifts = ["stop:*", "freeze:*"].into_iter().zip(exceptions);
    let granted = lifts.map(|(lifts, exception)| {
        let exception = Exception {
            id: exception,
            lifts: lifts.to_owned(),
            scope: scope.clone(),
            reason: format!("break-glass {id}: {reason}"),
            by: Some(glass.asked.by.clone()),
            agreed_by: Some(by.clone()),
            since: now,
            until,
        };
        Event::from(ExceptionGranted { exception })
    });
    Ok(std::iter::once(opened.into()).chain(granted).collect())
}

/// The change that it is for becomes an emergency as a whole, with what emergencies may pass: each of its services has to
/// be named, and so to be covered by those who open it.
fn covers_change(
    standing: &Standing,
    question: &Question,
    sees: impl Fn(&ServiceName) -> bool,
) -> Result<(), Refusal> {
    let environment = own_name(standing, question);
    let Some(change) = find(standing, question, environment) else { return Ok(()) };
    let named = |service: &&ServiceName| {
        **service == question.service || question.services.contains(*service)
    };
    let others = change.services.iter().filter(|service| !named(service));
    let (seen, hidden): (Vec<&ServiceName>, Vec<&ServiceName>) = others.partition(|it| sees(it));
    if seen.is_empty() && hidden.is_empty() {
        return Ok(());
    }
    let number = change.number;
    let mut along: Vec<String> = seen.iter().map(|service| format!("`{service}`")).collect();
    along.extend((!hidden.is_empty()).then(|| match hidden.len() {
        1 => "one service that you do not see".to_owned(),
        many => format!("{many} services that you do not see"),
    }));
    Err(Refusal::conflict(
        "emergency_not_covered",
        format!(
            "{number} takes {} along, which the emergency path does not cover",
            along.join(" and ")
        ),
        format!(
            "name all its services, or cancel or close {number} first, or ask with another commit: that has a change of its own"
        ),
    ))
}

fn own_name<'a>(standing: &'a Standing, question: &'a Question) -> &'a EnvironmentName {
    let known = standing.organisation.environment_named(question.environment.as_str());
    known.map_or(&question.environment, |found| &found.name)
}

/// All that an emergency path would let through.
pub fn targets<'a>(
    standing: &'a Standing,
    question: &'a Question,
) -> impl Iterator<Item = Target> + 'a {
    let organisation = &standing.organisation;
    let environment = own_name(standing, question);
    let services = question.services.iter().chain([&question.service]);
    services.map(move |name| organisation.target(name, environment))
}

/// An emergency path by id.
pub fn found<'a>(standing: &'a Standing, id: &GrantId) -> Result<&'a Glass, Refusal> {
    standing.access.glasses.get(id).map(AsRef::as_ref).ok_or_else(|| {
        let message = format!("no emergency path `{id}` waits or is open");
        Refusal::missing("emergency_unknown", message, "see `sluice break-glass list`")
    })
}
