//! The life cycle of a change: which command is accepted in which state, and what follows from outcomes.

use sluice_core::change::command::{Approve, Cancel, Close, Review};
use sluice_core::change::{
    self, ApprovalVerdict, Change, ChangeKind, ChangeOutcome, ChangeState, Debt, DebtKind,
};
use sluice_core::deployment::{self, DeploymentReport, DeploymentState, Health, StartReport};
use sluice_core::event::Event;
use sluice_core::ids::DeploymentNumber;

use crate::world::{Play, allow, author, item, person, production, question, service};

/// A change in a given state.
fn change_in(state: ChangeState) -> Change {
    let mut play = Play::start();
    let number = play.ask(&question("shop", 1, 1), &allow()).change;
    Change { state, ..play.change(number).clone() }
}

#[test]
fn each_command_is_accepted_in_its_states_only() {
    use ChangeState::{
        Assess, Authorize, Canceled, Closed, Implement, New, Review as InReview, Scheduled,
    };
    let all = [New, Assess, Authorize, Scheduled, Implement, InReview, Closed, Canceled];
    let organisation = Play::start().standing.organisation;
    let cancel = |change: &Change| {
        change::cancel(change, &Cancel { change: change.number, because: String::new() }).is_ok()
    };
    let close = |change: &Change| {
        let (outcome, note) = (ChangeOutcome::Successful, String::new());
        change::close(change, &Close { change: change.number, outcome, note }).is_ok()
    };
    let approve = |change: &Change| {
        change::approve(change, &organisation, &yes(change, 1), change.updated_at).is_ok()
    };
    type Accepts<'a> = &'a dyn Fn(&Change) -> bool;
    let check = |name: &str, accepts: Accepts<'_>, wanted: &[ChangeState]| {
        let accepted: Vec<_> =
            all.into_iter().filter(|state| accepts(&change_in(*state))).collect();
        assert_eq!(accepted, wanted, "{name}");
    };
    check("cancel", &cancel, &[New, Assess, Authorize, Scheduled]);
    check("close", &close, &[InReview]);
    check("approve", &approve, &[New, Assess, Authorize, Scheduled, Implement, InReview]);
}

#[test]
fn an_approval_that_is_owed_is_taken_after_the_change_is_over() {
    let organisation = Play::start().standing.organisation;
    let mut change = change_in(ChangeState::Closed);
    let since = change.updated_at;
    let debt = |kind, of: &str| Debt { kind, of: of.into(), since, due: since, settled_at: None };
    change.debts = vec![debt(DebtKind::Approval, "owner")];
    assert!(change::approve(&change, &organisation, &yes(&change, 1), since).is_ok());
    change.debts = vec![debt(DebtKind::Review, "emergency")];
    let refused = change::approve(&change, &organisation, &yes(&change, 1), since).unwrap_err();
    assert_eq!(refused.0.code, "change_over");
}

#[test]
fn an_approval_is_checked_in_the_order_of_the_contract() {
    let organisation = Play::start().standing.organisation;
    let mut change = change_in(ChangeState::Authorize);
    change.involved = [author(2)].into();
    let code = |alter: &dyn Fn(&mut Approve)| {
        let mut command = yes(&change, 1);
        alter(&mut command);
        match change::approve(&change, &organisation, &command, change.updated_at) {
            Ok(events) => {
                let mut again = change.clone();
                for event in &events {
                    again = change::apply(Some(&again), event, change.updated_at).unwrap();
                }
                let twice = change::approve(&again, &organisation, &command, change.updated_at);
                format!("given, then {}", twice.unwrap_err().0.code)
            }
            Err((refusal, event)) => {
                let recorded = event.is_some();
                if recorded { format!("{}, recorded", refusal.code) } else { refusal.code }
            }
        }
    };
    let stale = crate::world::digest(99);
    assert_eq!(code(&|_| {}), "given, then already_given");
    assert_eq!(code(&|command| command.revision = stale.clone()), "revision_outdated");
    assert_eq!(code(&|command| command.on_behalf_of = Some(person(2))), "not_a_delegate");
    assert_eq!(code(&|command| command.on_behalf_of = Some(person(1))), "not_a_delegate");
    assert_eq!(code(&|command| command.person = person(5)), "not_an_approver, recorded");
    assert_eq!(code(&|command| command.person = person(2)), "own_change, recorded");
    let rejects = |command: &mut Approve| {
        (command.person, command.verdict) = (person(2), ApprovalVerdict::Reject);
    };
    assert_eq!(code(&rejects), "given, then already_given");
    let delegate = |command: &mut Approve| {
        (command.person, command.on_behalf_of) = (person(5), Some(person(1)));
    };
    assert_eq!(code(&delegate), "given, then already_given");
}

#[test]
fn a_review_is_owed_before_it_is_given_and_not_by_those_involved() {
    let organisation = Play::start().standing.organisation;
    let mut change = change_in(ChangeState::Closed);
    let since = change.updated_at;
    change.involved = [author(2)].into();
    let review = |change: &Change, by: u8, finding: &str| {
        let command = Review { change: change.number, person: person(by), finding: finding.into() };
        change::review(change, &organisation, &command).map_err(|refusal| refusal.code)
    };
    assert_eq!(review(&change, 1, "fine").unwrap_err(), "nothing_owed");
    change.debts = vec![Debt {
        kind: DebtKind::Review,
        of: "emergency".into(),
        since,
        due: since,
        settled_at: None,
    }];
    assert_eq!(review(&change, 2, "fine").unwrap_err(), "own_change");
    assert_eq!(review(&change, 1, " ").unwrap_err(), "finding_missing");
    let events = review(&change, 1, "fine").unwrap();
    let after = change::apply(Some(&change), &events[0], since).unwrap();
    assert!(!after.is_open());
}

/// Deploys `shop` under a change, and gives the deployment.
fn deployed(play: &mut Play, commit: u8) -> DeploymentNumber {
    let asked = play.ask(&question("shop", commit, commit), &allow());
    let report = StartReport {
        change: Some(asked.change),
        service: service("shop"),
        environment: production(),
        version: None,
        commit: None,
        artifacts: [crate::world::digest(commit)].into(),
        run: None,
        pass: asked.pass,
        strategy: deployment::Strategy::default(),
        at: play.now,
    };
    let (number, events) = deployment::start(&play.standing, report);
    play.play(events);
    number
}

fn report(state: DeploymentState, health: Option<Health>) -> DeploymentReport {
    DeploymentReport {
        state,
        started_at: None,
        ended_at: None,
        health,
        note: String::new(),
        rollback: None,
    }
}

fn end(play: &mut Play, number: DeploymentNumber, report: DeploymentReport) -> Result<(), String> {
    let known = play.standing.deployments.get(&number).cloned();
    let events = deployment::end(&play.standing, number, known.as_deref(), report, play.now);
    play.play(events.map_err(|refusal| refusal.code)?);
    Ok(())
}

#[test]
fn the_end_of_a_deployment_leads_its_change_where_it_belongs() {
    use ChangeOutcome::{RolledBack, Successful, SuccessfulWithIssues, Unsuccessful};
    use DeploymentState as State;
    for (state, health, outcome, denied) in [
        (State::Succeeded, Some(Health::Healthy), Some(Successful), false),
        (State::Succeeded, Some(Health::Degraded), Some(SuccessfulWithIssues), false),
        (State::Succeeded, Some(Health::Unhealthy), Some(Unsuccessful), true),
        (State::Succeeded, None, None, false),
        (State::Failed, None, None, false),
        (State::Failed, Some(Health::Unhealthy), Some(Unsuccessful), true),
        (State::RolledBack, None, Some(RolledBack), true),
    ] {
        let mut play = Play::start();
        let number = deployed(&mut play, 1);
        let change = play.standing.deployments[&number].change.unwrap();
        assert_eq!(play.change(change).state, ChangeState::Implement);
        end(&mut play, number, report(state, health)).unwrap();
        let closed = play.recorded.iter().find_map(|recorded| match &recorded.event {
            Event::ChangeClosed(event) => Some(event.outcome),
            _ => None,
        });
        assert_eq!(closed, outcome, "{state:?} {health:?}");
        assert_eq!(play.standing.changes.contains_key(&change), outcome.is_none());
        let kept = play.standing.denied_digests.contains_key(&crate::world::digest(1));
        assert_eq!(kept, denied, "{state:?} {health:?}");
    }
}

#[test]
fn a_deployment_opens_an_incident_once_and_none_where_something_newer_is_good() {
    use DeploymentState::{Failed, RolledBack, Succeeded};
    let counts = |play: &Play| (play.standing.incidents.len(), play.standing.incidents_counted);
    let mut play = Play::start();
    let first = deployed(&mut play, 1);
    end(&mut play, first, report(Failed, None)).unwrap();
    assert_eq!(counts(&play), (1, 1));
    let second = deployed(&mut play, 2);
    end(&mut play, second, report(Succeeded, Some(Health::Healthy))).unwrap();
    assert_eq!(counts(&play), (0, 1), "it is made good");
    end(&mut play, first, report(RolledBack, None)).unwrap();
    assert_eq!(counts(&play), (0, 1), "undone after that, it is no other incident");

    // What comes up unhealthy makes nothing good.
    let third = deployed(&mut play, 3);
    end(&mut play, third, report(Failed, None)).unwrap();
    let fourth = deployed(&mut play, 4);
    end(&mut play, fourth, report(Succeeded, Some(Health::Unhealthy))).unwrap();
    assert_eq!(counts(&play), (2, 3));
    let last = play.standing.incidents.values().next_back().unwrap();
    assert_eq!((last.deployment, last.title.ends_with("is unhealthy")), (Some(fourth), true));
    end(&mut play, fourth, report(RolledBack, None)).unwrap();
    assert_eq!(counts(&play), (2, 3), "it has its incident already");
    let fifth = deployed(&mut play, 5);
    end(&mut play, fifth, report(Succeeded, None)).unwrap();
    assert_eq!(counts(&play), (0, 3));
}

#[test]
fn a_deployment_ends_once_and_can_be_undone_once() {
    use DeploymentState::{Failed, RolledBack, Running, Succeeded};
    let check = |first, second, wanted: &str| {
        let mut play = Play::start();
        let number = deployed(&mut play, 1);
        let ends = [first, second].map(|state| end(&mut play, number, report(state, None)));
        let last = ends.into_iter().find_map(Result::err).unwrap_or_default();
        assert_eq!(last, wanted, "{first:?} then {second:?}");
    };
    check(Running, Succeeded, "outcome_missing");
    check(Succeeded, Succeeded, "already_ended");
    check(Failed, Succeeded, "already_ended");
    check(RolledBack, Succeeded, "already_ended");
    check(Succeeded, Failed, "");
    check(Succeeded, RolledBack, "");
    check(Failed, RolledBack, "");
}

#[test]
fn a_model_is_earned_by_a_streak_and_lost_by_failures() {
    let mut play = Play::start();
    play.declare(item(
        "change_model",
        serde_json::json!({"name": "routine", "scope": {"services": ["shop"]}, "max_risk": "medium",
            "earned_after": 3, "lost_after": 1}),
    ));
    let kind =
        |play: &Play, commit| play.place(&question("shop", commit, commit), None).change.kind;
    for commit in 1..=3 {
        assert_eq!(kind(&play, commit), ChangeKind::Normal, "commit {commit}");
        let number = deployed(&mut play, commit);
        end(&mut play, number, report(DeploymentState::Succeeded, Some(Health::Healthy))).unwrap();
    }
    assert_eq!(kind(&play, 4), ChangeKind::Standard);
    let number = deployed(&mut play, 4);
    end(&mut play, number, report(DeploymentState::RolledBack, None)).unwrap();
    assert_eq!(kind(&play, 5), ChangeKind::Normal);
}

#[test]
fn a_change_that_nobody_touches_is_given_up_and_one_in_review_is_closed() {
    let organisation = Play::start().standing.organisation;
    for (state, hours, wanted) in [
        (ChangeState::New, 90 * 24 - 1, None),
        (ChangeState::New, 90 * 24, Some("change.canceled")),
        (ChangeState::Scheduled, 90 * 24, Some("change.canceled")),
        (ChangeState::Implement, 90 * 24, None),
        (ChangeState::Review, 23, None),
        (ChangeState::Review, 24, Some("change.closed")),
        (ChangeState::Closed, 90 * 24, None),
    ] {
        let change = change_in(state);
        let now = change.updated_at + jiff::SignedDuration::from_hours(hours);
        let events = change::overdue(&change, &organisation, &[], now);
        assert_eq!(events.first().map(Event::name), wanted, "{state:?} after {hours} h");
    }
}

fn yes(change: &Change, by: u8) -> Approve {
    Approve {
        change: change.number,
        person: person(by),
        on_behalf_of: None,
        verdict: ApprovalVerdict::Approve,
        revision: change.revision.digest.clone(),
        reason: String::new(),
        auth_time: None,
        login: None,
        given_at: None,
    }
}
