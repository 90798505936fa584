//! From a merge to a closed change with other systems than GitHub, as their deliveries tell it.

use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::change::{ChangeOutcome, ChangeState};
use sluice_core::deployment::DeploymentState;
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::ChangeNumber;
use sluice_engine::Delivery;
use sluice_testkit::NamedSecrets;

use crate::world::{World, commit_id, digest, question};

/// A signed delivery of GitLab.
async fn gitlab(world: &World, event: &str, id: &str, mut body: serde_json::Value) {
    body["project"] = serde_json::json!({
        "id": 3, "path_with_namespace": "acme/ledger", "web_url": "https://gitlab.com/acme/ledger",
        "default_branch": "main",
    });
    let bytes = serde_json::to_vec(&body).unwrap();
    let sent = world.engine.now().as_second().to_string();
    let signed = [id.as_bytes(), b".", sent.as_bytes(), b".", &bytes].concat();
    let mac = hmac_sha256(&NamedSecrets::of("ACME_GITLAB_SECRET"), &signed);
    let signature = format!("v1,{}", data_encoding::BASE64.encode(&mac));
    let delivery = Delivery::of_body(bytes, world.engine.now())
        .with_header("content-type", "application/json")
        .with_header("x-gitlab-event", event)
        .with_header("idempotency-key", id)
        .with_header("webhook-id", id)
        .with_header("webhook-timestamp", &sent)
        .with_header("webhook-signature", &signature);
    world.hear("gitlab", delivery).await;
}

/// A push: who of GitLab, onto what, which commits.
async fn gitlab_push(world: &World, branch: &str, before: u8, commits: &[u8], who: &str) {
    let zero = "0".repeat(40);
    let before = if before == 0 { zero } else { commit_id(before).to_string() };
    let tip = commit_id(*commits.last().unwrap());
    let listed: Vec<_> = commits
        .iter()
        .map(|number| {
            serde_json::json!({
                "id": commit_id(*number).as_str(), "message": "Book fees apart\n", "timestamp": "2026-03-04T09:00:00+00:00",
                "author": {"name": who, "email": format!("1-{who}@users.noreply.gitlab.com")},
                "added": [], "modified": ["src/fees.rs"], "removed": [],
            })
        })
        .collect();
    let body = serde_json::json!({
        "object_kind": "push", "event_name": "push", "before": before, "after": tip.as_str(), "checkout_sha": tip.as_str(),
        "ref": format!("refs/heads/{branch}"), "user_id": 4, "user_name": who, "user_username": who, "user_email": "",
        "total_commits_count": commits.len(), "commits": listed,
    });
    gitlab(world, "Push Hook", &format!("push-{branch}-{tip}"), body).await;
}

/// A job of the pipeline of a commit.
async fn gitlab_job(world: &World, pipeline: u32, commit: u8, name: &str, status: &str) {
    let body = serde_json::json!({
        "object_kind": "build", "build_id": 9, "build_name": name, "build_stage": "deploy", "build_status": status,
        "build_started_at": "2026-03-04 10:00:00 UTC", "build_finished_at": null, "pipeline_id": pipeline,
        "sha": commit_id(commit).as_str(), "environment": {"name": "production", "action": "start"},
        "repository": {"homepage": "https://gitlab.com/acme/ledger"},
    });
    gitlab(world, "Job Hook", &format!("job-{pipeline}-{name}-{status}"), body).await;
}

/// A large change of the ledger, asked for by a pipeline of GitLab.
fn of_gitlab(commit: u8, pipeline: u32) -> Question {
    let mut asked = question("ledger", commit, 1);
    asked.run.system = "gitlab:gitlab.com".into();
    asked.run.id = pipeline.to_string();
    asked.lines_changed = Some(2_000);
    asked
}

/// A merge request of dana's, merged by bob; gives the change that it opened.
async fn merged(world: &World) -> ChangeNumber {
    gitlab_push(world, "fees", 0, &[80], "dlindqvist").await;
    let body = serde_json::json!({
        "object_kind": "merge_request",
        "user": {"id": 5, "username": "bbaker", "name": "Bob Baker", "email": "[REDACTED]"},
        "object_attributes": {"id": 99, "iid": 12, "action": "merge", "state": "merged", "title": "Book fees apart",
            "author_id": 4, "source_branch": "fees", "target_branch": "main", "last_commit": {"id": commit_id(80).as_str()},
            "merge_commit_sha": commit_id(81).as_str(), "updated_at": "2026-03-04 09:30:00 UTC",
            "url": "https://gitlab.com/acme/ledger/-/merge_requests/12"},
        "reviewers": [{"id": 4, "username": "dlindqvist"}],
    });
    gitlab(world, "Merge Request Hook", "merge-12", body).await;
    gitlab_push(world, "main", 79, &[80, 81], "bbaker").await;
    let standing = world.engine.standing();
    let change = standing.changes.values().next().unwrap();
    assert_eq!((standing.changes.len(), change.state), (1, ChangeState::New));
    assert_eq!(change.origin.proposal.as_deref(), Some("12"));
    change.number
}

#[tokio::test]
async fn a_merge_request_of_gitlab_goes_to_production_and_closes() {
    let world = World::start().await;
    let number = merged(&world).await;
    let body = serde_json::json!({
        "object_kind": "pipeline", "user": {"id": 5, "username": "bbaker", "name": "Bob Baker"},
        "object_attributes": {"id": 31, "ref": "main", "sha": commit_id(81).as_str(), "status": "running",
            "created_at": "2026-03-04 09:31:00 UTC"},
    });
    gitlab(&world, "Pipeline Hook", "pipeline-31", body).await;
    let answer = world.ask_unheard(of_gitlab(81, 31)).await;
    assert_eq!((answer.decision, answer.change), (Decision::Wait, Some(number)));
    // Bob merged it, and it was Dana's.
    let bob = world.person("bob").await;
    assert!(world.approve(&bob, number).await.is_err());
    for handle in ["alice", "grace"] {
        let person = world.person(handle).await;
        world.approve(&person, number).await.unwrap();
    }
    let answer = world.ask_unheard(of_gitlab(81, 31)).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let redeemed = world.redeem(&answer, [digest(81)].into()).await.unwrap();
    assert_eq!(world.change(number).state, ChangeState::Implement);
    // The pipeline reports, and GitLab tells the same by its jobs and its deployment.
    gitlab_job(&world, 31, 81, "deploy-production", "running").await;
    world.report(redeemed.deployment, serde_json::json!({"state": "succeeded"})).await;
    gitlab_job(&world, 31, 81, "deploy-production", "success").await;
    let body = serde_json::json!({
        "object_kind": "deployment", "status": "success", "status_changed_at": "2026-03-04 10:00:00 +0000",
        "deployment_id": 15, "deployable_id": 9, "environment": "production", "short_sha": "51515151",
        "commit_url": format!("https://gitlab.com/acme/ledger/-/commit/{}", commit_id(81)),
        "user": {"id": 5, "username": "bbaker", "name": "Bob Baker"},
    });
    gitlab(&world, "Deployment Hook", "deployment-15", body).await;
    assert_eq!(world.change(number).state, ChangeState::Review);
    gitlab_job(&world, 31, 81, "smoke", "success").await;
    let change = world.change(number);
    assert_eq!(
        (change.state, change.outcome),
        (ChangeState::Closed, Some(ChangeOutcome::Successful))
    );
    assert_eq!(world.engine.standing().deployments_counted, 1, "one deployment, told four times");
}

#[tokio::test]
async fn stages_lead_a_change_from_its_merge_to_its_end() {
    let stages: [(&str, &str, ChangeState, Option<ChangeOutcome>); 4] = [
        ("deploy-production", "running", ChangeState::Implement, None),
        ("deploy-production", "success", ChangeState::Review, None),
        ("unit-tests", "success", ChangeState::Review, None),
        ("smoke", "success", ChangeState::Closed, Some(ChangeOutcome::Successful)),
    ];
    let failing: [(&str, &str, ChangeState, Option<ChangeOutcome>); 2] = [
        ("deploy-production", "success", ChangeState::Review, None),
        ("smoke", "failed", ChangeState::Closed, Some(ChangeOutcome::Unsuccessful)),
    ];
    for stages in [&stages[..], &failing[..]] {
        let world = World::start().await;
        let number = merged(&world).await;
        let answer = world.ask_unheard(of_gitlab(81, 32)).await;
        assert_eq!(world.change(number).state, ChangeState::Authorize, "{:?}", answer.decision);
        for handle in ["alice", "grace"] {
            let person = world.person(handle).await;
            world.approve(&person, number).await.unwrap();
        }
        world.ask_unheard(of_gitlab(81, 32)).await;
        assert_eq!(world.change(number).state, ChangeState::Scheduled);
        for (name, status, state, outcome) in stages {
            gitlab_job(&world, 32, 81, name, status).await;
            let change = world.change(number);
            assert_eq!((change.state, change.outcome), (*state, *outcome), "{name} {status}");
        }
    }
}

/// An event of a producer of CDEvents, in structured mode.
async fn cdevent(world: &World, kind: &str, id: &str, subject: &str, content: serde_json::Value) {
    let source = "https://tekton.acme.example/cluster-a";
    let kind = format!("dev.cdevents.{kind}");
    let body = serde_json::json!({
        "specversion": "1.0", "id": id, "source": source, "type": kind, "datacontenttype": "application/json",
        "data": {
            "context": {"specversion": "0.5.1", "id": id, "source": source, "type": kind, "timestamp": "2026-03-04T10:00:00Z"},
            "subject": {"id": subject, "content": content},
        },
    });
    let token = String::from_utf8(NamedSecrets::of("ACME_CDEVENTS_SECRET")).unwrap();
    let delivery = Delivery::of_body(serde_json::to_vec(&body).unwrap(), world.engine.now())
        .with_header("content-type", "application/cloudevents+json")
        .with_header("authorization", &format!("Bearer {token}"));
    world.hear("tekton", delivery).await;
}

/// A large change of the ledger, asked for by a pipeline of Tekton that states who wrote it.
fn of_tekton(world: &World, commit: u8) -> Question {
    let mut asked = question("ledger", commit, 1);
    asked.run.system = "tekton:cluster-a.acme.example".into();
    asked.run.id = "run-1".into();
    asked.lines_changed = Some(2_000);
    asked.authors = world.engine.stated_authors(&["dana.lindqvist@acme.example".into()]).unwrap();
    asked
}

/// The package of a commit's artifact.
fn package(commit: u8) -> String {
    format!("pkg:oci/ledger@{}?tag=1.{commit}.0", digest(commit)).replace("sha256:", "sha256%3A")
}

async fn deployed(world: &World, kind: &str, id: &str, commit: u8) {
    let content =
        serde_json::json!({"environment": {"id": "production"}, "artifactId": package(commit)});
    cdevent(world, &format!("service.{kind}.0.3.0"), id, "ledger", content).await;
}

#[tokio::test]
async fn a_run_told_by_cdevents_goes_to_production_and_closes() {
    // Whether the pipeline redeems its pass, or only its system tells that it was deployed.
    for redeems in [true, false] {
        let world = World::start().await;
        world.believe_pipelines().await;
        let started = serde_json::json!({"pipelineName": "release", "uri": "https://tekton.acme.example/run-1"});
        cdevent(&world, "pipelinerun.started.0.3.0", "e-1", "run-1", started).await;
        let packaged = serde_json::json!({"change": {"id": commit_id(82).as_str(), "source": "https://gitlab.com"}});
        cdevent(&world, "artifact.packaged.0.3.0", "e-2", &package(82), packaged).await;
        let answer = world.ask_unheard(of_tekton(&world, 82)).await;
        let number = answer.change.unwrap();
        assert_eq!(answer.decision, Decision::Wait, "{:#?}", answer.reasons);
        for handle in ["bob", "grace"] {
            let person = world.person(handle).await;
            world.approve(&person, number).await.unwrap();
        }
        let answer = world.ask_unheard(of_tekton(&world, 82)).await;
        assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
        if redeems {
            world.redeem(&answer, [digest(82)].into()).await.unwrap();
        }
        deployed(&world, "deployed", "e-3", 82).await;
        let change = world.change(number);
        assert_eq!((change.state, change.deployments.len()), (ChangeState::Review, 1), "{redeems}");
        let verified = serde_json::json!({"taskName": "smoke", "outcome": "success", "pipelineRun": {"id": "run-1"}});
        cdevent(&world, "taskrun.finished.0.3.0", "e-4", "task-9", verified).await;
        let change = world.change(number);
        assert_eq!(
            (change.state, change.outcome),
            (ChangeState::Closed, Some(ChangeOutcome::Successful)),
            "{redeems}"
        );
    }
}

#[tokio::test]
async fn another_artifact_that_is_reported_is_not_the_deployment_that_runs() {
    let world = World::start().await;
    world.believe_pipelines().await;
    let mut asked = of_tekton(&world, 83);
    asked.emergency = Some("nothing is booked".into());
    let answer = world.ask_unheard(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let redeemed = world.redeem(&answer, [digest(83)].into()).await.unwrap();
    deployed(&world, "deployed", "e-5", 84).await;
    let standing = world.engine.standing();
    let running = &standing.deployments[&redeemed.deployment];
    assert_eq!(running.state, DeploymentState::Running);
    let other =
        standing.deployments.values().find(|it| it.artifacts.contains(&digest(84))).unwrap();
    assert_eq!((other.change, other.state), (None, DeploymentState::Succeeded));
    // What is undone is what was brought.
    deployed(&world, "deployed", "e-6", 83).await;
    assert_eq!(world.change(answer.change.unwrap()).state, ChangeState::Review);
}
