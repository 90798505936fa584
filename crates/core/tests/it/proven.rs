//! What an environment has proven, and what a change goes on with.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sluice_core::change::ChangeState;
use sluice_core::deployment::{self, Deployment, DeploymentState, Proven, StartReport, Strategy};
use sluice_core::event::Event;
use sluice_core::ids::{ChangeNumber, PassId};

use crate::trail::told;
use crate::world::{Play, allow, commit, digest, production, question, service, wants};

use DeploymentState::{Failed, RolledBack, Succeeded};

fn start(play: &mut Play, change: Option<ChangeNumber>, name: &str, number: u8) {
    start_by(play, change, name, number, None);
}

fn start_by(
    play: &mut Play,
    change: Option<ChangeNumber>,
    name: &str,
    number: u8,
    pass: Option<PassId>,
) {
    let report = StartReport {
        change,
        service: service(name),
        environment: production(),
        version: Some(number.to_string()),
        commit: Some(commit(number)),
        artifacts: [digest(number)].into(),
        run: None,
        pass,
        strategy: Strategy::default(),
        at: play.now,
    };
    let (_, events) = deployment::start(&play.standing, report);
    play.play(events);
}

/// The last deployment ends so.
fn end(play: &mut Play, state: DeploymentState) {
    let last = play.recorded.iter().rev().find_map(|recorded| match &recorded.event {
        Event::DeploymentStarted(event) => Some(event.deployment.clone()),
        _ => None,
    });
    end_of(play, &last.unwrap(), state);
}

fn end_of(play: &mut Play, known: &Deployment, state: DeploymentState) {
    let report = told(state, None);
    let ended = deployment::end(&play.standing, known.number, Some(known), report, play.now);
    play.play(ended.unwrap());
}

#[test]
fn what_ran_long_enough_and_was_not_undone_is_proven() {
    // What is deployed (and how it ends) and how many minutes pass; what of 1 is proven after it, where it has to run for
    // an hour: since which minute, and when that is enough.
    type Case<'a> = (&'a [(u8, DeploymentState, i64)], Option<(i64, i64)>);
    let cases: [Case<'_>; 10] = [
        (&[(1, Succeeded, 10)], Some((0, 60))),
        (&[(1, Succeeded, 90)], Some((0, 60))),
        (&[(1, Succeeded, 90), (2, Succeeded, 10)], Some((0, 60))),
        (&[(1, Succeeded, 30), (2, Succeeded, 90)], None),
        (&[(1, Failed, 90), (2, Succeeded, 10)], None),
        // Undone, what ran before does so again: of 2 nothing is proven, of 1 what was before.
        (&[(1, Succeeded, 90), (2, Succeeded, 5), (2, RolledBack, 5)], Some((0, 60))),
        (&[(1, Succeeded, 30), (2, Succeeded, 5), (2, RolledBack, 5)], Some((35, 95))),
        (&[(2, Succeeded, 30), (1, Succeeded, 90), (1, RolledBack, 5)], None),
        (&[(1, Succeeded, 90), (2, Succeeded, 10), (1, Succeeded, 10)], Some((100, 160))),
        (&[(2, Succeeded, 90)], None),
    ];
    for (steps, wanted) in cases {
        let mut play = Play::start();
        let begin = play.now;
        for (number, state, minutes) in steps {
            if *state != RolledBack {
                start(&mut play, None, "shop", *number);
            }
            end(&mut play, *state);
            play.later(*minutes);
        }
        let place = play.standing.place(&service("shop"), &production()).unwrap();
        let after = |minutes| begin + SignedDuration::from_mins(minutes);
        let wanted = wanted.map(|(since, over)| Proven {
            since: Some(after(since)),
            soaked_at: Some(after(over)),
        });
        let soak = SignedDuration::from_hours(1);
        let by = |artifacts: BTreeSet<_>, number| place.proven(&artifacts, &commit(number), soak);
        assert_eq!(by([digest(1)].into(), 9), wanted, "by its artifacts: {steps:?}");
        assert_eq!(by(BTreeSet::new(), 1), wanted, "by its commit: {steps:?}");
        assert_eq!(by([digest(1), digest(7)].into(), 1), None, "with something else: {steps:?}");
    }
}

#[test]
fn a_change_goes_on_with_what_was_begun_and_nothing_else() {
    let mut play = Play::start();
    let asked = play.ask(&question("shop", 1, 1), &allow());
    let number = asked.change;
    let goes_on = |play: &Play, name, of: u8, artifact: u8| {
        play.change(number).goes_on_with(&service(name), &commit(of), &[digest(artifact)].into())
    };
    assert!(!goes_on(&play, "shop", 1, 1), "nothing was begun");
    start_by(&mut play, Some(number), "shop", 1, asked.pass);
    assert!(goes_on(&play, "shop", 1, 1));
    assert!(!goes_on(&play, "shop", 1, 2), "another build of the commit");
    assert!(!goes_on(&play, "shop", 2, 1), "another commit");
    assert!(goes_on(&play, "pay", 1, 5), "another service of the same commit");
    // That something else is asked for alters nothing.
    let other = question("shop", 2, 1);
    assert_eq!(play.ask(&other, &allow()).change, number, "the same run");
    assert!(goes_on(&play, "shop", 1, 1) && !goes_on(&play, "shop", 2, 2));
    end(&mut play, Succeeded);
    assert!(!goes_on(&play, "shop", 1, 1), "it is not being implemented any more");
    start(&mut play, Some(number), "shop", 1);
    assert!(!goes_on(&play, "shop", 1, 1), "it is seen to run again, and had no pass for that");
}

#[test]
fn what_was_only_seen_to_run_was_not_begun() {
    for verdict in [allow(), wants(&["owner"], false)] {
        let mut play = Play::start();
        let number = play.ask(&question("shop", 1, 1), &verdict).change;
        start(&mut play, Some(number), "shop", 1);
        let change = play.change(number);
        assert_eq!(change.state, ChangeState::Implement);
        assert!(!change.goes_on_with(&service("shop"), &commit(1), &[digest(1)].into()));
    }
}

#[test]
fn what_is_seen_to_run_keeps_nothing_begun() {
    let mut play = Play::start();
    let asked = play.ask(&question("shop", 1, 1), &allow());
    let number = asked.change;
    let goes_on = |play: &Play, name: &str| {
        let change = play.change(number);
        assert_eq!(change.state, ChangeState::Implement);
        change.goes_on_with(&service(name), &commit(1), &[digest(1)].into())
    };
    start_by(&mut play, Some(number), "shop", 1, asked.pass);
    let begun = *play.change(number).running.first().unwrap();
    start(&mut play, Some(number), "pay", 1);
    assert!(goes_on(&play, "shop"));
    let known = play.standing.deployments[&begun].clone();
    end_of(&mut play, &known, Succeeded);
    assert!(!goes_on(&play, "shop") && !goes_on(&play, "pay"), "only what was seen runs yet");
}
