//! What forges and deployment tools tell, and what becomes of it.

use sluice_core::change::{ChangeOutcome, ChangeState};
use sluice_core::deployment::DeploymentState;
use sluice_core::gate::Decision;

use crate::world::{World, commit_id, digest, question};

fn repository() -> serde_json::Value {
    serde_json::json!({"id": 1, "full_name": "acme/payments", "default_branch": "main", "html_url": "https://github.com/acme/payments"})
}

async fn push(world: &World, number: u8, id: &str) {
    let commit = commit_id(number);
    let body = serde_json::json!({
        "ref": "refs/heads/main", "before": commit_id(99).as_str(), "after": commit.as_str(), "created": false,
        "deleted": false, "forced": false, "compare": "https://github.com/acme/payments/compare/a...b",
        "repository": repository(), "sender": {"login": "chidi-acme", "id": 2, "type": "User"},
        "pusher": {"name": "chidi-acme", "email": "chidi.okafor@acme.example"}, "head_commit": null,
        "commits": [{"id": commit.as_str(), "message": "Round amounts", "timestamp": "2026-03-04T09:00:00Z",
            "author": {"name": "Chidi", "email": "chidi.okafor@acme.example", "username": "chidi-acme"},
            "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
            "added": [], "removed": [], "modified": ["src/amounts.rs"], "distinct": true, "url": "https://x", "tree_id": "x"}],
    });
    world.github("push", id, &body).await;
}

pub(crate) async fn status(world: &World, number: u8, state: &str, id: &str) {
    told_of(world, number, state, id, None).await;
}

/// What GitHub tells of a deployment by an attempt of a run.
async fn told_of(world: &World, number: u8, state: &str, id: &str, run: Option<(u32, u32)>) {
    let run = run.map(|(run, attempt)| serde_json::json!({"id": run, "run_attempt": attempt}));
    let body = serde_json::json!({
        "action": "created",
        "deployment_status": {"id": 7, "state": state, "environment": "production", "created_at": "2026-03-04T10:00:00Z",
            "updated_at": "2026-03-04T10:00:00Z", "description": "", "target_url": "", "creator": {"login": "chidi-acme", "id": 2, "type": "User"}},
        "deployment": {"id": 5, "sha": commit_id(number).as_str(), "ref": "main", "task": "deploy", "environment": "production",
            "created_at": "2026-03-04T10:00:00Z", "updated_at": "2026-03-04T10:00:00Z", "payload": {}, "creator": {"login": "chidi-acme", "id": 2, "type": "User"}},
        "workflow_run": run, "repository": repository(), "sender": {"login": "chidi-acme", "id": 2, "type": "User"},
    });
    world.github("deployment_status", id, &body).await;
}

#[tokio::test]
async fn a_merge_opens_the_change_that_the_pipeline_then_asks_for() {
    let world = World::start().await;
    push(&world, 21, "push-1").await;
    let standing = world.engine.standing();
    let opened = standing.changes.values().next().unwrap();
    assert_eq!((standing.changes.len(), opened.state), (1, ChangeState::New));
    let answer = world.ask(question("payments", 21, 21)).await;
    assert_eq!(answer.change, Some(opened.number));
    // The same delivery once more changes nothing.
    let size = world.engine.standing().size;
    push(&world, 21, "push-1").await;
    assert_eq!(world.engine.standing().size, size);
}

#[tokio::test]
async fn a_deployment_that_the_pipeline_reported_itself_is_not_told_a_second_time_by_its_forge() {
    let world = World::start().await;
    push(&world, 22, "push-2").await;
    let mut asked = question("payments", 22, 22);
    asked.emergency = Some("payments fail".into());
    let answer = world.ask(asked).await;
    let Decision::Allow = answer.decision else {
        panic!("{:#?}", answer.reasons);
    };
    let redeemed = world.redeem(&answer, [digest(22)].into()).await.unwrap();
    status(&world, 22, "in_progress", "status-1").await;
    world
        .report(redeemed.deployment, serde_json::json!({"state": "succeeded", "health": "healthy"}))
        .await;
    status(&world, 22, "success", "status-2").await;
    status(&world, 22, "in_progress", "status-3").await;
    let change = world.change(answer.change.unwrap());
    assert_eq!(change.outcome, Some(ChangeOutcome::Successful));
    assert_eq!(world.engine.standing().deployments_counted, redeemed.deployment.0);
}

#[tokio::test]
async fn a_deployment_that_nobody_asked_for_is_on_record_without_a_change() {
    let world = World::start().await;
    status(&world, 23, "in_progress", "status-4").await;
    status(&world, 23, "success", "status-5").await;
    let deployments: Vec<_> = world.engine.standing().deployments.values().cloned().collect();
    assert!(!deployments.is_empty());
    for deployment in deployments {
        assert_eq!((deployment.change, deployment.state), (None, DeploymentState::Succeeded));
    }
    assert!(world.engine.standing().changes.is_empty());
}

#[tokio::test]
async fn a_late_outcome_is_of_the_attempt_that_is_told() {
    use DeploymentState::{Failed, Running, Succeeded};
    // The run, attempt and commit of the first and of the second; how the first ends late, and how both stand then.
    for (first, second, told, stand) in [
        ((7, 1, 31), (7, 2, 31), "failure", [Failed, Running]),
        ((7, 1, 31), (8, 1, 31), "success", [Succeeded, Running]),
        ((7, 1, 31), (8, 1, 32), "failure", [Failed, Running]),
    ] {
        let world = World::start().await;
        let case = format!("{first:?} {second:?} {told}");
        told_of(&world, first.2, "in_progress", "one", Some((first.0, first.1))).await;
        world.clock.advance(std::time::Duration::from_secs(24 * 3_600));
        world.engine.keep_deadlines().await.unwrap();
        told_of(&world, second.2, "in_progress", "two", Some((second.0, second.1))).await;
        told_of(&world, first.2, told, "three", Some((first.0, first.1))).await;
        let of_payments = |world: &World| -> Vec<_> {
            let standing = world.engine.standing();
            let all = standing.deployments.values();
            let all = all.filter(|it| it.service.as_str() == "payments");
            all.map(|it| (it.state, it.untold)).collect()
        };
        assert_eq!(of_payments(&world), [(stand[0], false), (stand[1], false)], "{case}");
        told_of(&world, second.2, "success", "four", Some((second.0, second.1))).await;
        assert_eq!(of_payments(&world).last(), Some(&(Succeeded, false)), "{case}");
    }
}

#[tokio::test]
async fn an_outcome_that_is_told_after_a_newer_one_sets_nothing_back() {
    let world = World::start().await;
    let both = [(31, 7), (32, 8)];
    for (commit, run) in both {
        told_of(&world, commit, "in_progress", &format!("began-{run}"), Some((run, 1))).await;
    }
    let counted = world.engine.standing().deployments_counted;
    for (commit, run) in both.into_iter().rev() {
        world.clock.advance(std::time::Duration::from_secs(60));
        told_of(&world, commit, "success", &format!("ended-{run}"), Some((run, 1))).await;
    }
    let standing = world.engine.standing();
    assert_eq!(standing.deployments_counted, counted, "nothing ran a second time");
    let first = world.engine.deployment(sluice_core::ids::DeploymentNumber(1)).unwrap().unwrap();
    assert_eq!((first.state, first.untold), (DeploymentState::Succeeded, false));
    for place in standing.places.values() {
        assert_eq!(place.commit, Some(commit_id(32)));
        assert!(place.recent.iter().all(|(_, state)| *state == DeploymentState::Succeeded));
    }
    assert!(standing.deployments.values().all(|it| it.commit == Some(commit_id(32))));
}
