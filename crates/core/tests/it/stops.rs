//! Stops and exceptions: what can be granted, by whom, for how long.

use jiff::SignedDuration;
use serde_json::json;
use sluice_core::ids::{ExceptionId, StopId};
use sluice_core::scope::Scope;
use sluice_core::stop::{self, Exception, Stop};

use crate::world::{Play, item, person};

fn stopped(play: &mut Play) -> StopId {
    let id: StopId = "s-0001".parse().unwrap();
    let (scope, reason) = (Scope::default(), "smoke".to_owned());
    let stop = Stop { id: id.clone(), scope, reason, by: None, since: play.now };
    play.play(stop::pull(stop).unwrap());
    id
}

fn exception(play: &Play, lifts: &str, by: u8, hours: i64) -> Exception {
    Exception {
        id: "x-0001".parse().unwrap(),
        lifts: lifts.into(),
        scope: Scope::default(),
        reason: "urgent".into(),
        by: Some(person(by)),
        agreed_by: None,
        since: play.now,
        until: play.now + SignedDuration::from_hours(hours),
    }
}

#[test]
fn an_exception_lifts_something_that_is_there_for_a_week_at_most() {
    let mut play = Play::start();
    stopped(&mut play);
    play.declare(item(
        "window",
        json!({"name": "freeze", "title": "Freeze", "kind": "freeze", "grants": ["role:manager", "team:web"],
            "scope": {}, "in_flight": "finish", "reason": "",
            "schedule": {"zone": "UTC", "start": "2026-03-04T00:00:00", "end": "2026-03-05T00:00:00"}}),
    ));
    let code = |exception: Exception| {
        stop::grant(&play.standing, exception, play.now)
            .map_or_else(|no| no.code, |_| "granted".into())
    };
    for (lifts, by, hours, wanted) in [
        ("stop:s-0001", 5, 1, "granted"),
        ("stop:s-0002", 5, 1, "nothing_to_lift"),
        ("stop:*", 5, 1, "granted"),
        ("freeze:other", 4, 1, "nothing_to_lift"),
        ("freeze:freeze", 4, 1, "granted"),
        ("freeze:freeze", 1, 1, "granted"),
        ("freeze:freeze", 5, 1, "not_a_grantor"),
        ("freeze:*", 4, 1, "granted"),
        ("freeze:*", 5, 1, "not_a_grantor"),
        ("rule:evidence.missing", 5, 1, "granted"),
        ("rule:", 5, 1, "nothing_to_lift"),
        ("rule:stop.in_force", 5, 1, "barrier_by_rule"),
        ("rule:freeze.in_force", 4, 1, "barrier_by_rule"),
        ("rule:freeze.release_window", 5, 1, "granted"),
        ("everything", 5, 1, "nothing_to_lift"),
        ("stop:*", 5, 0, "ends_in_the_past"),
        ("stop:*", 5, 7 * 24, "granted"),
        ("stop:*", 5, 7 * 24 + 1, "too_long"),
    ] {
        assert_eq!(
            code(exception(&play, lifts, by, hours)),
            wanted,
            "{lifts} by {by} for {hours} h"
        );
    }
    let mute = Exception { reason: " ".into(), ..exception(&play, "stop:*", 5, 1) };
    assert_eq!(code(mute), "reason_missing");
}

#[test]
fn a_stop_is_lifted_once_and_an_exception_revoked_once() {
    let mut play = Play::start();
    let id = stopped(&mut play);
    let lift = |play: &Play, reason: &str| {
        stop::lift(&play.standing, &id, reason).map_err(|refusal| refusal.code)
    };
    assert_eq!(lift(&play, "").unwrap_err(), "reason_missing");
    let events = lift(&play, "mended").unwrap();
    play.play(events);
    assert_eq!(lift(&play, "mended").unwrap_err(), "stop_unknown");
    let granted = exception(&play, "rule:x", 5, 1);
    play.play(stop::grant(&play.standing, granted, play.now).unwrap());
    let id: ExceptionId = "x-0001".parse().unwrap();
    let events = stop::revoke(&play.standing, &id, "over").unwrap();
    play.play(events);
    assert_eq!(stop::revoke(&play.standing, &id, "over").unwrap_err().code, "exception_unknown");
}
