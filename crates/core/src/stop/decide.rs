//! Stopping the line, lifting the stop, and granting exceptions.

use jiff::{SignedDuration, Timestamp};

use super::{Exception, Stop, event};
use crate::calendar::Window;
use crate::event::Event;
use crate::ids::{ExceptionId, PersonId, StopId};
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::standing::Standing;

/// The longest time an exception may hold.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Stops the line.
pub fn pull(stop: Stop) -> Result<Vec<Event>, Refusal> {
    reason_given(&stop.reason)?;
    Ok(vec![event::StopPulled { stop }.into()])
}

/// Lifts a stop.
pub fn lift(standing: &Standing, stop: &StopId, reason: &str) -> Result<Vec<Event>, Refusal> {
    if !standing.stops.contains_key(stop) {
        return Err(Refusal::missing(
            "stop_unknown",
            format!("no stop `{stop}` is in force"),
            "list the stops in force",
        ));
    }
    reason_given(reason)?;
    Ok(vec![event::StopLifted { stop: stop.clone(), reason: reason.to_owned() }.into()])
}

/// Grants an exception.
pub fn grant(
    standing: &Standing,
    exception: Exception,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    reason_given(&exception.reason)?;
    let known = match exception.lifts.split_once(':') {
        Some((_, "*"))
            if exception.lifts.starts_with("stop:") || exception.lifts.starts_with("freeze:") =>
        {
            true
        }
        Some(("stop", id)) => standing.stops.contains_key(id),
        Some(("freeze", window)) => standing.window(window).is_some(),
        Some(("rule", rule)) if is_barrier(rule) => {
            return Err(Refusal::invalid(
                "barrier_by_rule",
                format!("`{rule}` speaks for every stop or freeze, and each says who may pass it"),
                "give `stop:<id>`, `freeze:<window>`, `stop:*` or `freeze:*`",
            ));
        }
        Some(("rule", rule)) => !rule.is_empty(),
        _ => false,
    };
    if !known {
        return Err(Refusal::invalid(
            "nothing_to_lift",
            format!("`{}` is nothing that an exception can lift", exception.lifts),
            "give `stop:<id>`, `freeze:<window>`, `rule:<rule>`, `stop:*` or `freeze:*`",
        ));
    }
    check_grantor(standing, &exception)?;
    if exception.until <= now {
        return Err(Refusal::invalid(
            "ends_in_the_past",
            format!("`until` {} is not in the future", exception.until),
            "give a later time",
        ));
    }
    if exception.until.duration_since(now) > LONGEST {
        return Err(Refusal::invalid(
            "too_long",
            "an exception holds for at most 7 days",
            "give an earlier `until`",
        ));
    }
    Ok(vec![event::ExceptionGranted { exception }.into()])
}

/// Whether a rule is the voice of stops or of freezes. What passes one of them is an exception to it, by somebody who may.
pub fn is_barrier(rule: &str) -> bool {
    matches!(rule, "stop.in_force" | "freeze.in_force")
}

/// A freeze may name who alone may pass it. Who passes all freezes at once has to be one of them for each.
fn check_grantor(standing: &Standing, exception: &Exception) -> Result<(), Refusal> {
    let Some(named) = exception.lifts.strip_prefix("freeze:") else { return Ok(()) };
    let mut meant = standing
        .windows()
        .filter(|window| named == "*" || window.name == named)
        .filter(|window| window.scope.overlaps(&exception.scope));
    let closed = meant.find(|window| !is_grantor(standing, window, exception));
    let Some(window) = closed else { return Ok(()) };
    Err(Refusal::forbidden(
        "not_a_grantor",
        format!(
            "an exception to `freeze:{}` is granted by {} only",
            window.name,
            window.grants.join(" or ")
        ),
        "ask one of them",
    ))
}

/// Whether whoever granted an exception may pass a freeze: it names persons, `team:`, `role:` and `claim:`, or nobody. What
/// two people opened together passes all.
fn is_grantor(standing: &Standing, window: &Window, exception: &Exception) -> bool {
    let selected = |person: &PersonId| {
        let mut selectors = window.grants.iter();
        selectors.any(|selector| selects(standing, selector, person, &exception.scope))
    };
    window.grants.is_empty()
        || exception.agreed_by.is_some()
        || exception.by.as_ref().is_some_and(selected)
}

/// Whether an exception passes what is named (`stop:...`, `freeze:...`) at `now`. A freeze that came, or was altered, after
/// the exception was granted may have other grantors.
pub fn passes(standing: &Standing, exception: &Exception, name: &str, now: Timestamp) -> bool {
    let window = name.strip_prefix("freeze:").and_then(|name| standing.window(name));
    exception.lifts(name, now)
        && window.is_none_or(|window| is_grantor(standing, window, exception))
}

fn selects(standing: &Standing, selector: &str, person: &PersonId, scope: &Scope) -> bool {
    let organisation = &standing.organisation;
    let Some(declared) = organisation.acting(person) else { return false };
    match selector.split_once(':') {
        Some(("team", team)) => {
            organisation.teams.get(team).is_some_and(|team| team.members.contains(person))
        }
        Some(("role", role)) => organisation
            .roles_of(person)
            .any(|held| held.role == role && held.scope.overlaps(scope)),
        Some(("claim", claim)) => declared.claims.contains(claim),
        Some(_) => false,
        None => selector == person.as_str(),
    }
}

/// Takes an exception back.
pub fn revoke(
    standing: &Standing,
    exception: &ExceptionId,
    reason: &str,
) -> Result<Vec<Event>, Refusal> {
    if !standing.exceptions.contains_key(exception) {
        return Err(Refusal::missing(
            "exception_unknown",
            format!("no exception `{exception}` is in force"),
            "list the exceptions in force",
        ));
    }
    reason_given(reason)?;
    Ok(vec![
        event::ExceptionRevoked { exception: exception.clone(), reason: reason.to_owned() }.into(),
    ])
}

/// Whether a reason is one: up to 1,000 characters that say something and do nothing to a terminal.
pub fn reason_given(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::invalid(
            "reason_missing",
            "a reason is needed",
            "say why, in a sentence",
        ));
    }
    if reason.chars().count() > 1000 {
        return Err(Refusal::invalid(
            "reason_too_long",
            "the reason has more than 1000 characters",
            "say it shorter",
        ));
    }
    if reason.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
        return Err(Refusal::invalid(
            "bad_reason",
            "the reason has control characters",
            "say why, in a sentence",
        ));
    }
    Ok(())
}
