//! Deployments that end for want of news, and what is told of them after all.

use sluice_core::change::{ChangeOutcome, ChangeState};
use sluice_core::deployment::{
    self, Deployment, DeploymentReport, DeploymentState, Health, Place, StartReport, Strategy,
};
use sluice_core::event::Event;
use sluice_core::ids::{ChangeNumber, DeploymentNumber};

use crate::world::{Play, allow, commit, digest, production, question, service};

use DeploymentState::{Failed, RolledBack, Succeeded};

/// Deploys `shop`, what is built of a commit, under a change.
fn begin(play: &mut Play, change: Option<ChangeNumber>, of: u8) -> DeploymentNumber {
    let report = StartReport {
        change,
        service: service("shop"),
        environment: production(),
        version: Some(of.to_string()),
        commit: Some(commit(of)),
        artifacts: [digest(of)].into(),
        run: None,
        pass: None,
        strategy: Strategy::default(),
        at: play.now,
    };
    let (number, events) = deployment::start(&play.standing, report);
    play.play(events);
    play.later(1);
    number
}

fn change(play: &mut Play, of: u8) -> Option<ChangeNumber> {
    Some(play.ask(&question("shop", of, of), &allow()).change)
}

fn tell(
    play: &mut Play,
    known: &Deployment,
    state: DeploymentState,
    health: Health,
) -> Result<(), String> {
    let report = DeploymentReport {
        state,
        started_at: None,
        ended_at: None,
        health: Some(health),
        note: String::new(),
        rollback: None,
    };
    let number = known.number;
    let events = deployment::end(&play.standing, number, Some(known), report, play.now);
    play.play(events.map_err(|refusal| refusal.code)?);
    play.later(1);
    Ok(())
}

/// The same of one that is at hand.
fn told(play: &mut Play, number: DeploymentNumber, state: DeploymentState) -> Result<(), String> {
    let known = known(play, number);
    tell(play, &known, state, Health::Unknown)
}

fn known(play: &Play, number: DeploymentNumber) -> Deployment {
    play.standing.deployments[&number].as_ref().clone()
}

fn time_out(play: &mut Play) {
    play.later(24 * 60);
    let due = deployment::overdue(&play.standing, play.now, 50);
    play.play(due);
}

fn give_up(play: &mut Play, number: DeploymentNumber) {
    let known = known(play, number);
    play.play(deployment::give_up(&play.standing, &known, "it was killed", play.now).unwrap());
}

fn shop(play: &Play) -> &Place {
    play.standing.place(&service("shop"), &production()).unwrap()
}

fn incidents(play: &Play) -> Vec<DeploymentNumber> {
    play.standing.incidents.values().filter_map(|incident| incident.deployment).collect()
}

#[test]
fn what_ends_late_for_want_of_news_leaves_what_a_newer_one_brought() {
    for by_hand in [false, true] {
        let mut play = Play::start();
        let (first, second) = (change(&mut play, 1), change(&mut play, 2));
        let old = begin(&mut play, first, 1);
        let again = begin(&mut play, first, 1);
        let new = begin(&mut play, second, 2);
        told(&mut play, again, Succeeded).unwrap();
        told(&mut play, new, Succeeded).unwrap();
        let (since, ended) = (shop(&play).since, shop(&play).last_ended_at);
        if by_hand {
            give_up(&mut play, old)
        } else {
            time_out(&mut play)
        }
        let place = shop(&play);
        assert_eq!(place.recent, [(old, Failed), (again, Succeeded), (new, Succeeded)]);
        assert_eq!((place.since, place.last_ended_at), (since, ended));
        assert_eq!(place.version.as_deref(), Some("2"));
        let change = play.change(first.unwrap());
        assert!(change.deployed.contains("shop"), "it was deployed by the one after");
        assert_eq!((change.state, change.running.len()), (ChangeState::Review, 0));
        assert_eq!(incidents(&play), []);
        assert!(play.standing.denied_digests.is_empty());
        told(&mut play, new, RolledBack).unwrap();
        assert_eq!(shop(&play).version.as_deref(), Some("1"), "the newest is at hand");
    }
}

#[test]
fn what_is_told_after_the_end_corrects_it_once() {
    use Health::{Healthy, Unhealthy, Unknown};
    let closed = |outcome| (ChangeState::Closed, Some(outcome));
    let review = (ChangeState::Review, None);
    for (state, health, of_change, version, is_open, denied) in [
        (Succeeded, Unknown, review, Some("1"), false, false),
        (Succeeded, Healthy, closed(ChangeOutcome::Successful), Some("1"), false, false),
        (Succeeded, Unhealthy, closed(ChangeOutcome::Unsuccessful), Some("1"), true, true),
        (Failed, Unknown, review, None, true, false),
        (Failed, Unhealthy, closed(ChangeOutcome::Unsuccessful), None, true, true),
        (RolledBack, Unknown, closed(ChangeOutcome::RolledBack), None, true, true),
    ] {
        for by_hand in [false, true] {
            let mut play = Play::start();
            let change = change(&mut play, 1);
            let one = begin(&mut play, change, 1);
            if by_hand {
                give_up(&mut play, one)
            } else {
                time_out(&mut play)
            }
            assert!(known(&play, one).untold);
            let before = known(&play, one).report;
            let was = known(&play, one);
            tell(&mut play, &was, state, health).unwrap();
            let corrected = play.recorded.iter().find_map(|recorded| match &recorded.event {
                Event::DeploymentCorrected(event) => Some(event.clone()),
                _ => None,
            });
            let corrected = corrected.unwrap();
            assert_eq!(Some(corrected.before), before);
            let now = known(&play, one);
            assert_eq!((&now, now.state, now.untold), (&corrected.deployment, state, false));
            assert_eq!(shop(&play).recent, [(one, state)]);
            assert_eq!(shop(&play).version.as_deref(), version, "{state:?} {health:?}");
            let ended = play.standing.changes.get(&change.unwrap());
            let closed = play.recorded.iter().find_map(|recorded| match &recorded.event {
                Event::ChangeClosed(event) => Some(event.outcome),
                _ => None,
            });
            assert_eq!((ended.map_or(ChangeState::Closed, |it| it.state), closed), of_change);
            assert_eq!(!incidents(&play).is_empty(), is_open, "{state:?} {health:?}");
            assert_eq!(play.standing.incidents_counted, 1);
            assert_eq!(!play.standing.denied_digests.is_empty(), denied);
            // What was told once stands as if it had been told in time.
            assert_eq!(tell(&mut play, &now, state, health).unwrap_err(), "already_ended");
            if state == Failed {
                let other = tell(&mut play, &now, Succeeded, Unknown);
                assert_eq!(other.unwrap_err(), "already_ended");
            }
        }
    }
}

#[test]
fn what_is_told_after_a_newer_one_began_alters_its_record_alone() {
    for newer_ended in [None, Some(Succeeded), Some(Failed)] {
        for state in [Succeeded, Failed, RolledBack] {
            let mut play = Play::start();
            let (first, second) = (change(&mut play, 1), change(&mut play, 2));
            let old = begin(&mut play, first, 1);
            give_up(&mut play, old);
            let new = begin(&mut play, second, 2);
            if let Some(newer) = newer_ended {
                told(&mut play, new, newer).unwrap();
            }
            let before = shop(&play).clone();
            let was = known(&play, old);
            tell(&mut play, &was, state, Health::Unknown).unwrap();
            let mut wanted = before.clone();
            wanted.recent[0] = (old, state);
            assert_eq!(*shop(&play), wanted, "{newer_ended:?} {state:?}");
            // Its own change is told as much as it would have been in time.
            let deployed = play.standing.changes.get(&first.unwrap());
            let is_deployed = deployed.is_some_and(|change| change.deployed.contains("shop"));
            assert_eq!(is_deployed, state == Succeeded);
            assert_eq!(
                play.change(second.unwrap()).running.len(),
                usize::from(newer_ended.is_none())
            );
        }
    }
}

#[test]
fn what_a_newer_one_of_the_change_brought_is_neither_undone_nor_refused() {
    let mut play = Play::start();
    let change = change(&mut play, 1);
    let old = begin(&mut play, change, 1);
    give_up(&mut play, old);
    let again = begin(&mut play, change, 1);
    told(&mut play, again, Succeeded).unwrap();
    let was = known(&play, old);
    tell(&mut play, &was, RolledBack, Health::Unhealthy).unwrap();
    let after = play.change(change.unwrap());
    assert!(after.deployed.contains("shop") && after.state == ChangeState::Review);
    assert!(play.standing.denied_digests.is_empty(), "it runs well since");
    assert_eq!(shop(&play).version.as_deref(), Some("1"));
}

#[test]
fn what_people_closed_stays_closed_when_it_is_told_better() {
    let mut play = Play::start();
    let change = change(&mut play, 1).unwrap();
    let one = begin(&mut play, Some(change), 1);
    give_up(&mut play, one);
    let was = known(&play, one);
    let (outcome, note) = (ChangeOutcome::Unsuccessful, "we gave up".to_owned());
    play.play([sluice_core::change::event::Closed { change, outcome, note }.into()]);
    let incident = play.standing.incidents.keys().next().copied().unwrap();
    let resolution = sluice_core::incident::Resolution::WorkedAround;
    let note = "by hand".to_owned();
    play.play([sluice_core::incident::event::Resolved { incident, resolution, note }.into()]);
    let before = play.recorded.len();
    tell(&mut play, &was, Succeeded, Health::Healthy).unwrap();
    let after: Vec<_> = play.recorded[before..].iter().map(|it| it.event.name()).collect();
    assert_eq!(after, ["deployment.corrected"]);
}
