//! The main job from end to end, without HTTP.

use std::time::Duration;

use sluice_core::change::{ChangeKind, ChangeOutcome, ChangeState};
use sluice_core::gate::Decision;
use sluice_core::ids::ChangeNumber;
use sluice_engine::EngineError;
use sluice_engine::store::Span;

use crate::world::{World, against, commit_id, digest, open, question};

#[tokio::test]
async fn a_low_risk_change_flows_through_and_closes_by_itself() {
    let world = World::start().await;
    let answer = world.ask(question("docs", 1, 1)).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let number = answer.change.unwrap();
    assert_eq!(number, ChangeNumber(1));
    assert_eq!(world.change(number).state, ChangeState::Scheduled);
    let redeemed = world.redeem(&answer, [digest(1)].into()).await.unwrap();
    assert_eq!(world.change(number).state, ChangeState::Implement);
    world
        .report(redeemed.deployment, serde_json::json!({"state": "succeeded", "health": "healthy"}))
        .await;
    let change = world.change(number);
    assert_eq!(
        (change.state, change.outcome),
        (ChangeState::Closed, Some(ChangeOutcome::Successful))
    );
}

#[tokio::test]
async fn the_receipt_of_a_decision_verifies_with_the_public_key_alone() {
    let world = World::start().await;
    let answer = world.ask(question("docs", 1, 1)).await;
    let receipt = answer.receipt.unwrap();
    let entry = world.engine.readers().entry(receipt.index).unwrap().unwrap();
    let key = world.engine.keys().log_key.parse().unwrap();
    let checkpoint = receipt.verify(Some(&entry.bytes), &[key]).unwrap();
    assert_eq!(checkpoint.origin, "acme.example/sluice");
}

#[tokio::test]
async fn the_same_request_has_one_effect_and_one_answer() {
    let world = World::start().await;
    let ask = |hash| world.engine.ask(&world.pipeline, "same", hash, question("docs", 1, 1), None);
    let (first, second) = (ask([1; 32]).await.unwrap(), ask([1; 32]).await.unwrap());
    assert_eq!(first.pass, second.pass);
    assert_eq!(first.id, second.id);
    assert!(second.replayed && !first.replayed);
    let other = ask([2; 32]).await;
    assert!(
        matches!(other, Err(EngineError::Refused(refusal)) if refusal.code == "idempotency_key_reused")
    );
}

#[tokio::test]
async fn a_pass_is_redeemed_once_and_only_for_its_digests() {
    let world = World::start().await;
    let answer = world.ask(question("docs", 1, 1)).await;
    let code = |result: Result<_, EngineError>| match result {
        Err(EngineError::Refused(refusal)) => refusal.code,
        _ => "redeemed".to_owned(),
    };
    assert_eq!(code(world.redeem(&answer, [digest(9)].into()).await.map(drop)), "digest_mismatch");
    assert_eq!(code(world.redeem(&answer, [digest(1)].into()).await.map(drop)), "redeemed");
    assert_eq!(code(world.redeem(&answer, [digest(1)].into()).await.map(drop)), "pass_redeemed");
}

#[tokio::test]
async fn a_high_risk_change_waits_for_people_and_then_goes() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    asked.paths = vec!["db/migrations/0042.sql".into()];
    let answer = world.ask(asked.clone()).await;
    assert_eq!(answer.decision, Decision::Wait, "{:#?}", answer.reasons);
    let number = answer.change.unwrap();
    assert_eq!(world.change(number).state, ChangeState::Authorize);
    for handle in ["alice", "bob", "chidi", "dana", "emre", "fatima", "grace", "ines", "henrik"] {
        let person = world.person(handle).await;
        // Those who may not speak for any rule are refused; that is part of the test of others.
        let _ = world.approve(&person, number).await;
    }
    world.clock.advance(Duration::from_secs(600));
    let answer = world.ask(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    assert_eq!(answer.change, Some(number), "asking again is about the same change");
    world.ask(question("docs", 3, 3)).await;
    let span = Span { to_us: i64::MAX, ..Span::default() };
    let passages = world.engine.readers().passages(&span).unwrap();
    let by_people: Vec<_> =
        passages.iter().map(|it| (it.people, it.awaited_us / 1_000_000)).collect();
    assert_eq!(by_people, [(true, 600), (false, 0)]);
}

#[tokio::test]
async fn nobody_approves_what_they_wrote_under_any_of_their_names() {
    let world = World::start().await;
    let commit = commit_id(3);
    let push = serde_json::json!({
        "ref": "refs/heads/main", "before": commit_id(2).as_str(), "after": commit.as_str(), "created": false,
        "deleted": false, "forced": false, "compare": "https://github.com/acme/payments/compare/a...b",
        "repository": {"id": 1, "full_name": "acme/payments", "default_branch": "main", "html_url": "https://github.com/acme/payments"},
        "sender": {"login": "web-flow", "id": 2, "type": "User"},
        "pusher": {"name": "alice-acme", "email": "alice@users.noreply.github.com"},
        "head_commit": null,
        "commits": [{"id": commit.as_str(), "message": "Round amounts", "timestamp": "2026-03-04T09:00:00Z",
            "author": {"name": "Alice", "email": "alice.archer@acme.example", "username": "alice-acme"},
            "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
            "added": [], "removed": [], "modified": ["src/amounts.rs"], "distinct": true, "url": "https://x", "tree_id": "x"}],
    });
    world.github("push", "delivery-1", &push).await;
    let mut asked = question("payments", 3, 3);
    asked.lines_changed = Some(2_000);
    let answer = world.ask(asked).await;
    let number = answer.change.unwrap();
    let alice = world.person("alice").await;
    let refused = world.approve(&alice, number).await;
    assert!(
        matches!(&refused, Err(EngineError::Refused(refusal)) if refusal.code == "own_change"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_stop_holds_the_next_question_and_its_lifting_lets_it_go() {
    let world = World::start().await;
    let stop = world
        .engine
        .pull_stop(
            &world.admin,
            serde_json::from_str(r#"{"services":["docs"]}"#).unwrap(),
            "broken".into(),
        )
        .await
        .unwrap()
        .value;
    let held = world.ask(question("docs", 1, 1)).await;
    assert_ne!(held.decision, Decision::Allow);
    assert!(against(&held).iter().any(|rule| rule.starts_with("stop")), "{:?}", against(&held));
    world.engine.lift_stop(&world.admin, &stop.id, "mended".into()).await.unwrap();
    assert_eq!(world.ask(question("docs", 1, 1)).await.decision, Decision::Allow);
}

#[tokio::test]
async fn a_rolled_back_digest_is_refused() {
    let world = World::start().await;
    let answer = world.ask(question("docs", 4, 4)).await;
    let redeemed = world.redeem(&answer, [digest(4)].into()).await.unwrap();
    let report = serde_json::json!({"state": "rolled_back", "health": "unhealthy",
        "rollback": {"reason": "error rate", "to_version": "1.3.0", "automatic": true}});
    world.report(redeemed.deployment, report).await;
    assert_eq!(world.change(answer.change.unwrap()).outcome, Some(ChangeOutcome::RolledBack));
    let again = world.ask(question("docs", 4, 5)).await;
    assert_eq!(again.decision, Decision::Deny, "{:#?}", again.reasons);
}

#[tokio::test]
async fn an_emergency_goes_first_and_owes_its_approval() {
    let world = World::start().await;
    let mut asked = question("payments", 5, 5);
    asked.emergency = Some("payments fail for all customers".into());
    asked.lines_changed = Some(900);
    let answer = world.ask(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let change = world.change(answer.change.unwrap());
    assert_eq!(change.kind, ChangeKind::Emergency);
    assert!(change.owed().count() >= 2, "{:?}", change.debts);
}

#[tokio::test]
async fn a_restart_stands_where_it_stopped() {
    let world = World::start().await;
    let answer = world.ask(question("docs", 1, 1)).await;
    let before = world.engine.standing();
    let World { engine, dir, clock, .. } = world;
    engine.shutdown();
    let engine = open(dir.path(), &clock, 2);
    assert_eq!(*engine.standing(), *before);
    assert!(engine.standing().passes.contains_key(&answer.pass.unwrap().id));
}
