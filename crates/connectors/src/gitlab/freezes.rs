//! Freeze periods that are equal to what our calendar closes.
//!
//! A period over there has no name, so that ours are known by their time zone: `Etc/UTC`, which nobody chooses, and which
//! is the same as `UTC`. Periods in any other zone are people's, and are left alone. They are made for what is closed in
//! the weeks ahead and taken away when it is over, because a `cron` expression knows no year.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::Api;
use super::tell::Said;
use crate::kit::answers::{self, is_status, not_understood};
use crate::tell::{Receipt, Step, Talk, Verb};

/// The zone that makes a period ours.
const OURS: &str = "Etc/UTC";

/// When a period begins and ends.
type Times = (String, String);

/// One of ours over there.
struct Period {
    id: u64,
    times: Times,
}

/// What is still to be done.
enum Next {
    Make(Times),
    Move(u64, Times),
    Remove(u64),
}

/// Makes, moves and takes away periods, one after the other, until they are what is closed.
pub(super) fn kept(api: &Api, talk: &Talk<'_>) -> Said<Receipt> {
    let Some(project) = talk.effect.entity.strip_prefix("calendar/") else {
        return Ok(Receipt::plain());
    };
    let Some(looked) = talk.last("periods") else {
        let path = "freeze_periods?per_page=100";
        return Err(Step::Send(api.ask("periods", Verb::Get, project, path, talk.session)));
    };
    let answer = answers::json(looked)?;
    let listed = answer.as_array();
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of periods"))?;
    let theirs: Vec<Period> = listed.iter().filter_map(ours).collect();
    let wanted: BTreeSet<Times> =
        talk.effect.closed.iter().filter_map(|span| times(span.from, span.until)).collect();
    let mut steps = plan(theirs, &wanted).into_iter();
    for exchange in talk.so_far.iter().filter(|exchange| exchange.step == "period") {
        match steps.next() {
            // It was taken away before an answer was lost, or by hand.
            Some(Next::Remove(_)) if is_status(exchange, &[404]) => {}
            Some(Next::Remove(_)) => drop(answers::done(exchange)?),
            Some(Next::Make(times) | Next::Move(_, times)) => {
                let made = ours(&answers::json(exchange)?);
                if made.is_none_or(|made| made.times != times) {
                    return Err(not_understood("the answer is not the period that was sent"));
                }
            }
            None => {}
        }
    }
    let body = |(start, end): Times| json!({ "freeze_start": start, "freeze_end": end, "cron_timezone": OURS });
    let ask = |verb, path: String| api.ask("period", verb, project, &path, talk.session);
    let ask = match steps.next() {
        None => return Ok(Receipt::plain()),
        Some(Next::Make(times)) => ask(Verb::Post, "freeze_periods".to_owned()).json(&body(times)),
        Some(Next::Move(id, times)) => {
            ask(Verb::Put, format!("freeze_periods/{id}")).json(&body(times))
        }
        Some(Next::Remove(id)) => ask(Verb::Delete, format!("freeze_periods/{id}")),
    };
    Err(Step::Send(ask))
}

/// From what is there to what is wanted. One that is there twice is kept once.
fn plan(theirs: Vec<Period>, wanted: &BTreeSet<Times>) -> Vec<Next> {
    let mut missing = wanted.clone();
    let surplus: Vec<u64> = theirs
        .into_iter()
        .filter(|period| !missing.remove(&period.times))
        .map(|it| it.id)
        .collect();
    let mut surplus = surplus.into_iter();
    let mut steps: Vec<Next> = missing
        .into_iter()
        .map(|times| match surplus.next() {
            Some(id) => Next::Move(id, times),
            None => Next::Make(times),
        })
        .collect();
    steps.extend(surplus.map(Next::Remove));
    steps
}

fn ours(period: &Value) -> Option<Period> {
    let text = |name: &str| period.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = period.get("id").and_then(Value::as_u64)?;
    let times = (text("freeze_start")?, text("freeze_end")?);
    (text("cron_timezone")? == OURS).then_some(Period { id, times })
}

/// Minutes are all that there is: rather a part of one too early and too late.
fn times(from: Timestamp, until: Timestamp) -> Option<Times> {
    let whole = until.as_second() % 60 == 0 && until.subsec_nanosecond() == 0;
    let until = if whole { until } else { until.checked_add(SignedDuration::from_mins(1)).ok()? };
    Some((cron(from), cron(until)))
}

fn cron(at: Timestamp) -> String {
    at.strftime("%-M %-H %-d %-m *").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_as_wide_as_what_is_closed_or_wider() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let check = |from: &str, until: &str, start: &str, end: &str| {
            let wanted = (start.to_owned(), end.to_owned());
            assert_eq!(times(at(from), at(until)), Some(wanted), "{from} {until}");
        };
        check("2026-12-24T17:00:00Z", "2027-01-04T06:00:00Z", "0 17 24 12 *", "0 6 4 1 *");
        check("2026-03-01T00:05:59Z", "2026-03-01T09:59:59.5Z", "5 0 1 3 *", "0 10 1 3 *");
    }
}
