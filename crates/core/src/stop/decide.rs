//! Stopping the line, lifting the stop, and granting exceptions.

use jiff::{SignedDuration, Timestamp};

use super::{Exception, Stop, event};
use crate::event::Event;
use crate::ids::{ExceptionId, StopId};
use crate::refusal::Refusal;
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
        Some(("freeze", window)) => standing.organisation.windows.contains_key(window),
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

fn reason_given(reason: &str) -> Result<(), Refusal> {
    let length = reason.trim().chars().count();
    if length == 0 {
        return Err(Refusal::invalid(
            "reason_missing",
            "a reason is needed",
            "say why, in a sentence",
        ));
    }
    if length > 1000 {
        return Err(Refusal::invalid(
            "reason_too_long",
            "the reason has more than 1000 characters",
            "say it shorter",
        ));
    }
    Ok(())
}
