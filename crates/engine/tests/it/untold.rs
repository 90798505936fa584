//! Outcomes of deployments: what is told of them too late, wrongly or never.

use std::sync::Arc;
use std::time::Duration;

use sluice_core::change::{ChangeOutcome, ChangeState};
use sluice_core::deployment::{Deployment, DeploymentReport, DeploymentState, Health};
use sluice_core::gate::Decision;
use sluice_core::ids::DeploymentNumber;
use sluice_core::permission::Permission;
use sluice_engine::store::Span;
use sluice_engine::{CallerKind, EngineError, Redeemed};
use sluice_testkit::FakeClock;

use crate::world::{World, acme, against, commit_id, digest, open, question};

const HOUR: Duration = Duration::from_secs(3_600);

/// A deployment of a service that runs in an environment.
async fn running(world: &World, service: &str, environment: &str, seed: u8) -> Redeemed {
    let mut asked = question(service, seed, seed.into());
    asked.environment = environment.parse().unwrap();
    asked.emergency = (service == "payments").then(|| "payments fail".to_owned());
    let answer = world.ask(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    world.redeem(&answer, [digest(seed)].into()).await.unwrap()
}

async fn told(world: &World, number: DeploymentNumber, report: serde_json::Value) -> String {
    let (key, report) = (world.key(), serde_json::from_value(report).unwrap());
    let told = world.engine.deployment_outcome(&world.pipeline, &key, [0; 32], number, report);
    code(told.await.map(drop))
}

fn code(answer: Result<(), EngineError>) -> String {
    match answer {
        Ok(()) => "recorded".to_owned(),
        Err(EngineError::Refused(refusal)) => refusal.code,
        Err(other) => other.to_string(),
    }
}

#[tokio::test]
async fn soak_times_begin_when_the_outcome_was_recorded_whatever_it_says() {
    let world = World::start().await;
    let one = running(&world, "docs", "staging", 1).await;
    for (report, wanted) in [
        (serde_json::json!({"ended_at": "2020-01-01T00:00:00Z"}), "before_the_start"),
        (serde_json::json!({"started_at": "2020-01-01T00:00:00Z"}), "before_the_start"),
        (serde_json::json!({"ended_at": "2026-03-05T10:00:00Z"}), "ended_in_the_future"),
        (serde_json::json!({"started_at": "2026-03-05T10:00:00Z"}), "ended_in_the_future"),
    ] {
        let mut report = report;
        report["state"] = "succeeded".into();
        assert_eq!(told(&world, one.deployment, report).await, wanted);
    }
    let rolled_back = serde_json::json!({"state": "rolled_back", "rollback": {"reason": "x", "ended_at": "2020-01-01T00:00:00Z"}});
    assert_eq!(told(&world, one.deployment, rolled_back).await, "before_the_start");
    world.clock.advance(HOUR);
    let ended_at = "2026-03-04T10:10:00Z";
    let report = serde_json::json!({"state": "succeeded", "ended_at": ended_at});
    assert_eq!(told(&world, one.deployment, report).await, "recorded");
    let standing = world.engine.standing();
    let place = standing.places.values().next().unwrap();
    assert_eq!(place.since, Some("2026-03-04T11:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn what_ran_long_enough_in_the_environment_before_goes_on_when_something_newer_runs_there() {
    let mut folder = acme();
    let text = String::from_utf8(folder.get("sluice.yaml").unwrap().to_vec()).unwrap();
    let said = "    aliases: [prod, live]\n";
    let soaking = format!("{said}    after: staging\n    soak: 30m\n");
    assert!(text.contains(said));
    folder.insert("sluice.yaml", text.replace(said, &soaking));
    let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
    let world = World::among(&clock, Arc::new(sluice_engine::outbound::Nowhere), &folder).await;
    for seed in [1, 2, 3] {
        let staged = running(&world, "docs", "staging", seed).await;
        let report = serde_json::json!({"state": "succeeded"});
        assert_eq!(told(&world, staged.deployment, report).await, "recorded");
        world.clock.advance(if seed == 1 { HOUR } else { HOUR / 60 });
    }
    for (seed, rules) in [(1, &[][..]), (2, &["order.previous"]), (3, &["order.soak"])] {
        let answer = world.ask(question("docs", seed, 40 + u32::from(seed))).await;
        let order = against(&answer).into_iter().filter(|rule| rule.starts_with("order."));
        assert_eq!(order.collect::<Vec<_>>(), rules, "{seed}");
    }
}

#[tokio::test]
async fn an_outcome_that_is_never_told_is_waited_for_so_long_and_not_longer() {
    let world = World::start().await;
    let docs = running(&world, "docs", "production", 1).await;
    let payments = running(&world, "payments", "production", 2).await;
    let waits = world.ask(question("docs", 3, 3)).await;
    let reason = waits.reasons.iter().find(|reason| reason.rule == "conflicts.running").unwrap();
    assert_eq!(reason.until, Some("2026-03-05T10:00:00Z".parse().unwrap()));

    world.clock.advance(24 * HOUR);
    world.engine.keep_deadlines().await.unwrap();
    let standing = world.engine.standing();
    for redeemed in [&docs, &payments] {
        let ended = world.engine.deployment(redeemed.deployment).unwrap().unwrap();
        let report = ended.report.unwrap();
        assert_eq!((ended.state, report.health), (DeploymentState::Failed, Some(Health::Unknown)));
        assert_eq!(report.note, "no outcome was told within 24 hours");
        assert_eq!(world.change(redeemed.change.unwrap()).state, ChangeState::Review);
        let of = |number| Some(number) == Some(redeemed.deployment);
        assert_eq!(
            standing.incidents.values().filter(|one| one.deployment.is_some_and(of)).count(),
            1
        );
    }
    let again = world.ask(question("docs", 3, 4)).await;
    assert!(!against(&again).contains(&"conflicts.running".to_owned()), "{:?}", against(&again));
    world.clock.advance(25 * HOUR);
    world.engine.keep_deadlines().await.unwrap();
    assert_eq!(world.change(docs.change.unwrap()).outcome, Some(ChangeOutcome::Unsuccessful));

    // A restart that reads the whole ledger comes to the same.
    let before = world.engine.standing();
    let World { engine, dir, clock, .. } = world;
    engine.shutdown();
    let engine = open(dir.path(), &clock, 9);
    assert_eq!(engine.standing().deployments, before.deployments);
    assert_eq!(engine.standing().incidents, before.incidents);
}

#[tokio::test]
async fn whoever_may_edit_the_change_ends_a_deployment_by_hand() {
    let world = World::start().await;
    let docs = running(&world, "docs", "production", 1).await;
    let give_up = async |caller, reason: &str| {
        let ended = world.engine.give_up_deployment(caller, docs.deployment, reason.to_owned());
        code(ended.await.map(drop))
    };
    assert!(give_up(&world.pipeline, "killed").await.contains("change.edit"));
    let editor = world.token(CallerKind::Pipeline, None, &[Permission::ChangeEdit]).await;
    assert_eq!(give_up(&editor, " ").await, "reason_missing");
    assert_eq!(give_up(&editor, "the run was killed").await, "recorded");
    assert_eq!(give_up(&editor, "the run was killed").await, "already_ended");
    let ended = world.engine.deployment(docs.deployment).unwrap().unwrap();
    assert_eq!(ended.report.unwrap().note, "the run was killed");
    assert_eq!(world.change(docs.change.unwrap()).state, ChangeState::Review);
}

#[tokio::test]
async fn at_a_place_without_changes_the_newer_deployment_ends_the_older() {
    let world = World::start().await;
    let mut begun = Vec::new();
    for seed in 1..=3 {
        begun.push(running(&world, "docs", "staging", seed).await.deployment);
    }
    let standing = world.engine.standing();
    let at_hand = |at: usize| standing.deployments.get(&begun[at]);
    assert_eq!(at_hand(2).unwrap().state, DeploymentState::Running);
    let older = at_hand(1).unwrap();
    assert_eq!(older.report.as_ref().unwrap().note, "no outcome was told before DEP0000003 began");
    assert!(at_hand(0).unwrap().untold, "its outcome may come yet");
    // Until its place knows of it no more.
    let good = serde_json::json!({"state": "succeeded"});
    assert_eq!(told(&world, begun[2], good.clone()).await, "recorded");
    for seed in 4..=22 {
        let newer = running(&world, "docs", "staging", seed).await.deployment;
        assert_eq!(told(&world, newer, good.clone()).await, "recorded");
    }
    let standing = world.engine.standing();
    assert_eq!(standing.deployments.len(), 1, "the last one may be undone");
}

#[tokio::test]
async fn reminders_keep_no_change_alive_and_leave_its_record_as_it_is() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let number = world.ask(asked).await.change.unwrap();
    let before = world.change(number);
    world.clock.advance(5 * HOUR);
    assert!(world.engine.keep_deadlines().await.unwrap() > 0);
    let reminded = world.change(number);
    assert!(reminded.reminded_at.is_some());
    assert_eq!(
        (reminded.version_of_record, reminded.updated_at),
        (before.version_of_record, before.updated_at)
    );
    for _ in 0..91 {
        world.clock.advance(24 * HOUR);
        world.engine.keep_deadlines().await.unwrap();
    }
    assert_eq!(world.change(number).state, ChangeState::Canceled);
}

#[tokio::test]
async fn an_outcome_that_is_told_after_all_corrects_the_record_once() {
    let world = World::start().await;
    let docs = running(&world, "docs", "production", 1).await;
    let first = running(&world, "docs", "staging", 4).await.deployment;
    let good = serde_json::json!({"state": "succeeded"});
    for seed in 5..=25 {
        let newer = running(&world, "docs", "staging", seed).await.deployment;
        assert_eq!(told(&world, newer, good.clone()).await, "recorded");
    }
    world.clock.advance(24 * HOUR);
    world.engine.keep_deadlines().await.unwrap();
    let number = docs.deployment;
    let untold = world.engine.deployment(number).unwrap().unwrap();
    assert!(untold.untold && world.engine.deployment(first).unwrap().unwrap().untold);

    // The same key twice is one outcome; another key tells it again.
    let healthy: DeploymentReport = serde_json::from_value(
        serde_json::json!({"state": "succeeded", "health": "healthy", "ended_at": "2026-03-04T10:20:00Z"}),
    )
    .unwrap();
    for _ in 0..2 {
        let report = healthy.clone();
        let told =
            world.engine.deployment_outcome(&world.pipeline, "late", [0; 32], number, report);
        assert_eq!(told.await.unwrap().value.report.as_ref(), Some(&untold_by(&untold, &healthy)));
    }
    assert_eq!(told(&world, number, good.clone()).await, "already_ended");
    let change = world.change(docs.change.unwrap());
    assert_eq!(change.outcome, Some(ChangeOutcome::Successful));
    assert!(world.engine.standing().incidents.is_empty(), "it was none");

    // One that is not at hand any more, told by two at once; what came after it goes on.
    assert!(!world.engine.standing().deployments.contains_key(&first));
    let both = tokio::join!(told(&world, first, good.clone()), told(&world, first, good));
    assert_eq!(both, ("recorded".to_owned(), "already_ended".to_owned()));
    let corrected = world.engine.deployment(first).unwrap().unwrap();
    assert_eq!((corrected.commit, corrected.untold), (Some(commit_id(4)), false));
    let standing = world.engine.standing();
    let place = standing.place(&corrected.service, &corrected.environment).unwrap();
    assert_eq!(place.commit, Some(commit_id(25)));
    let to_us = world.engine.now().as_microsecond();
    let span = Span { from_us: to_us - 48 * 3_600_000_000, to_us, ..Span::default() };
    let days = world.engine.readers().deployed_by_day(&span).unwrap();
    let days: Vec<_> = days.into_iter().map(|day| (day.ended, day.failed)).collect();
    assert_eq!(days, [(23, 0)]);
    same_by_a_replay(world);
}

/// What is recorded of an outcome that was told.
fn untold_by(untold: &Deployment, told: &DeploymentReport) -> DeploymentReport {
    DeploymentReport { started_at: Some(untold.started_at), ..told.clone() }
}

/// The standing and the views are what the entries say, read from the first.
fn same_by_a_replay(world: World) {
    let World { engine, dir, clock, .. } = world;
    let before = engine.standing();
    engine.shutdown();
    let report = sluice_engine::fsck::fsck(dir.path()).unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    let engine = open(dir.path(), &clock, 9);
    assert_eq!(
        (&engine.standing().places, &engine.standing().deployments),
        (&before.places, &before.deployments)
    );
}
