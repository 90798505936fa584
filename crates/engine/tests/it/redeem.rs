//! Between allow and redeem the world changes: each way in which it does refuses the pass.

use sluice_core::change::{ChangeState, EvidenceStatus};
use sluice_core::gate::Decision;
use sluice_core::ids::ChangeNumber;
use sluice_core::scope::Scope;
use sluice_core::verdict::Effect;
use sluice_engine::organisation_files::Folder;
use sluice_engine::{EngineError, GateAnswer};

use crate::world::{World, acme, digest, question};

/// Applies the example company with a file altered.
async fn apply(world: &World, path: &str, alter: impl Fn(&str) -> String) {
    let mut folder: Folder = acme();
    let text = folder.get(path).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
    let altered = alter(&text);
    assert_ne!(altered, text, "{path} is altered");
    folder.insert(path.to_owned(), altered.into_bytes());
    world.engine.apply(&world.admin, &folder, "test", None).await.unwrap();
}

async fn freeze(world: &World) {
    apply(world, "calendar/windows.yaml", |text| {
        format!(
            "{text}\n  - name: sudden\n    title: Sudden\n    kind: freeze\n    scope: {{services: [payments]}}\n    start: 2026-03-04T00:00:00\n    duration: 48h\n    reason: test\n"
        )
    })
    .await;
}

/// A high-risk change, approved and allowed.
async fn allowed(world: &World) -> GateAnswer {
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    asked.paths = vec!["db/migrations/0042.sql".into()];
    let number: ChangeNumber = world.ask(asked.clone()).await.change.unwrap();
    for handle in ["bob", "grace", "ines"] {
        world.approve(&world.person(handle).await, number).await.unwrap();
    }
    let answer = world.ask(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    answer
}

async fn refusal(world: &World, answer: &GateAnswer) -> String {
    match world.redeem(answer, [digest(2)].into()).await {
        Ok(_) => "redeemed".to_owned(),
        Err(EngineError::Refused(refusal)) => refusal.code,
        Err(other) => other.to_string(),
    }
}

#[tokio::test]
async fn nothing_happened_and_the_pass_is_taken() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    assert_eq!(refusal(&world, &answer).await, "redeemed");
}

#[tokio::test]
async fn a_stop_was_pulled() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    let scope = serde_json::from_str(r#"{"services":["payments"]}"#).unwrap();
    world.engine.pull_stop(&world.admin, scope, "broken".into()).await.unwrap();
    assert_eq!(refusal(&world, &answer).await, "stopped");
}

#[tokio::test]
async fn a_freeze_was_declared() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    freeze(&world).await;
    assert_eq!(refusal(&world, &answer).await, "freeze_started");
}

#[tokio::test]
async fn an_approver_lost_the_role() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    apply(&world, "people.yaml", |text| text.replacen("role: change_manager", "role: clerk", 1))
        .await;
    assert_eq!(refusal(&world, &answer).await, "approval_lost");
}

#[tokio::test]
async fn the_change_was_revised() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    let mut other = question("payments", 2, 2);
    other.artifacts = [digest(99)].into();
    world.ask(other).await;
    assert_eq!(refusal(&world, &answer).await, "pass_superseded");
}

#[tokio::test]
async fn another_policy_is_in_force() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    apply(&world, "policies/acme.rego", |text| format!("{text}\n# A word.\n")).await;
    assert_eq!(refusal(&world, &answer).await, "policy_changed");
}

#[tokio::test]
async fn somebody_said_no() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    let number = answer.change.unwrap();
    let input = sluice_engine::ApprovalInput {
        verdict: sluice_core::change::ApprovalVerdict::Reject,
        revision: world.change(number).revision.digest,
        reason: "wait".into(),
        on_behalf_of: None,
    };
    let henrik = world.person("henrik").await;
    world.engine.approve(&henrik, number, None, input).await.unwrap();
    assert_eq!(refusal(&world, &answer).await, "approval_lost");
}

#[tokio::test]
async fn a_check_failed() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    let mut failed = question("payments", 2, 2);
    failed.evidence[0].status = EvidenceStatus::Failed;
    failed.lines_changed = Some(2_000);
    failed.paths = vec!["db/migrations/0042.sql".into()];
    assert_eq!(world.ask(failed).await.decision, Decision::Deny);
    assert_eq!(refusal(&world, &answer).await, "gate_closed");
}

/// What lets a pass through that stood in its way is paid for at the moment when it does.
#[tokio::test]
async fn a_stop_was_pulled_and_somebody_excepted_it() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    let number = answer.change.unwrap();
    let scope: Scope =
        serde_json::from_str(r#"{"services":["payments"],"environment_tiers":["production"]}"#)
            .unwrap();
    world.engine.pull_stop(&world.admin, scope.clone(), "broken".into()).await.unwrap();
    let until = world.engine.now() + jiff::SignedDuration::from_mins(10);
    let henrik = world.person("henrik").await;
    let granted = world
        .engine
        .grant_exception(&henrik, "stop:*".into(), scope, "it mends it".into(), until)
        .await
        .unwrap();
    assert_eq!(world.change(number).owed().count(), 0);
    assert_eq!(refusal(&world, &answer).await, "redeemed");
    let owed: Vec<_> = world.change(number).owed().map(|debt| debt.of.clone()).collect();
    assert_eq!(owed, [format!("exception:{}", granted.value.id)]);
}

#[tokio::test]
async fn its_time_was_over() {
    let world = World::start().await;
    let answer = allowed(&world).await;
    world.clock.advance(std::time::Duration::from_secs(15 * 60));
    assert_eq!(refusal(&world, &answer).await, "pass_expired");
}

#[tokio::test]
async fn a_pass_ends_where_the_next_freeze_begins() {
    let world = World::start().await;
    // Five minutes before the weekend freeze of what follows the banks.
    world.clock.advance(std::time::Duration::from_secs((2 * 24 + 6) * 3_600 + 55 * 60));
    let mut asked = question("settlement-batch", 3, 3);
    asked.emergency = Some("payments fail".into());
    let answer = world.ask(asked).await;
    if let Some(pass) = answer.pass {
        assert_eq!(pass.expires_at.to_string(), "2026-03-06T17:00:00Z");
    } else {
        panic!("{:#?}", answer.reasons);
    }
}

#[tokio::test]
async fn what_its_forge_sees_begin_in_a_freeze_was_not_begun() {
    let world = World::start().await;
    freeze(&world).await;
    let mut asked = question("payments", 2, 2);
    let first = world.ask(asked.clone()).await;
    let frozen = |answer: &GateAnswer| {
        let waits = answer.reasons.iter().filter(|reason| reason.effect == Effect::Wait);
        waits.map(|reason| reason.rule.as_str()).any(|rule| rule == "freeze.in_force")
    };
    assert!(frozen(&first), "{:#?}", first.reasons);
    crate::correlate::status(&world, 2, "in_progress", "status-1").await;
    assert_eq!(world.change(first.change.unwrap()).state, ChangeState::Implement);
    asked.run.attempt = 2;
    let again = world.ask(asked).await;
    assert_eq!(again.change, first.change);
    assert!(frozen(&again), "{:#?}", again.reasons);
}
