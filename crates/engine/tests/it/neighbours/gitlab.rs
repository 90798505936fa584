//! GitLab: a status on the commit, one note on the merge request, and deployments that wait for the gate.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::gate::Decision;
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Lie, Lies};

use super::{Town, link};
use crate::world::{commit_id, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(crate) const TOLD: (&str, &str) = (
    "    secrets: [{env: ACME_GITLAB_SECRET}]\n    settings:\n",
    "    secrets: [{env: ACME_GITLAB_SECRET}]\n    credentials: {token: {env: GITLAB}}\n    tell: [decision, change]\n    settings:\n      api: {url: \"https://gitlab.test/api/v4\", per_minute: 2000}\n",
);

async fn start() -> Town {
    Town::edited("links: []\n", &[TOLD]).await
}

impl Town {
    fn of_gitlab(&self, state: &str) -> usize {
        self.outbox(state).iter().filter(|row| row.effect.link == "gitlab").count()
    }

    /// A signed delivery of GitLab's, taken in and interpreted.
    async fn gitlab_tells(&self, id: &str, body: &Value) {
        let now = self.world.engine.now();
        let (bytes, at) = (serde_json::to_vec(body).unwrap(), now.as_second());
        let mut signed = format!("{id}.{at}.").into_bytes();
        signed.extend_from_slice(&bytes);
        let mac = hmac_sha256(&NamedSecrets::of("ACME_GITLAB_SECRET"), &signed);
        let delivery = Delivery::of_body(bytes, now)
            .with_header("content-type", "application/json")
            .with_header("webhook-id", id)
            .with_header("webhook-timestamp", &at.to_string())
            .with_header(
                "webhook-signature",
                &format!("v1,{}", data_encoding::BASE64.encode(&mac)),
            );
        let hook = self.world.engine.hook_of(&link("gitlab"));
        let received = self.world.engine.receive(&hook, delivery).await;
        assert!(matches!(received, Received::Stored { .. }), "{received:?}");
        while self.world.engine.interpret_inbox().await.unwrap() > 0 {}
    }

    pub(crate) async fn merged(&self, seed: u8) {
        let sha = commit_id(seed).to_string();
        self.gitlab_tells(
            &format!("merge-{seed}"),
            &json!({
                "object_kind": "merge_request",
                "object_attributes": {
                    "action": "merge", "author_id": 52, "iid": 12, "last_commit": { "id": sha },
                    "merge_commit_sha": sha, "source_branch": "rounding", "target_branch": "main",
                    "state": "merged", "title": "Round half to even",
                    "url": "https://gitlab.com/acme/ledger/-/merge_requests/12",
                },
                "project": { "id": 3, "default_branch": "main", "path_with_namespace": "acme/ledger",
                    "web_url": "https://gitlab.com/acme/ledger" },
                "user": { "id": 51, "name": "Ann", "username": "ann" },
            }),
        )
        .await;
    }

    async fn blocked(&self, id: u64, seed: u8) {
        let sha = commit_id(seed).to_string();
        self.gitlab.lock().unwrap().block(id, "prod", &sha, u64::from(seed));
        self.gitlab_tells(
            &format!("blocked-{id}"),
            &json!({
                "object_kind": "deployment", "deployment_id": id, "status": "blocked", "environment": "prod",
                "commit_url": format!("https://gitlab.com/acme/ledger/-/commit/{sha}"),
                "project": { "id": 3, "default_branch": "main", "path_with_namespace": "acme/ledger",
                    "web_url": "https://gitlab.com/acme/ledger" },
                "user": { "id": 51, "name": "Ann", "username": "ann" },
            }),
        )
        .await;
    }
}

/// What people write on a merge request does not hold up what the gate says next: it is told in the order of a change.
#[tokio::test]
async fn long_notes_of_others_hold_up_nothing() {
    let town = start().await;
    town.merged(81).await;
    for (id, size) in (1_000..1_100).map(|id| (id, if id == 1_050 { 1 << 20 } else { 30_000 })) {
        let note = json!({ "id": id, "body": "x".repeat(size), "author": { "id": 52 } });
        town.gitlab.lock().unwrap().notes.push(("12".to_owned(), note));
    }
    let mut asked = question("ledger", 81, 81);
    asked.repository = Some("gitlab.com/acme/ledger".to_owned());
    asked.evidence.clear();
    for run in ["acme/ledger/81", "acme/ledger/82"] {
        asked.run.id = run.to_owned();
        asked.lines_changed = Some(run.len() as u64);
        assert_ne!(town.world.ask(asked.clone()).await.decision, Decision::Allow);
        town.world.engine.deliver_by(&link("gitlab")).await.unwrap();
        assert_eq!(town.of_gitlab("pending"), 0, "{run}");
    }
    let gitlab = town.gitlab.lock().unwrap();
    let ours = gitlab.notes.iter().filter(|(_, note)| note["author"]["id"] != 52);
    assert_eq!(ours.count(), 1);
}

/// Our note is the last one of a page, and the first one of the next when somebody has written in between.
#[tokio::test]
async fn our_note_that_is_seen_on_two_pages_stays() {
    let town = start().await;
    town.merged(82).await;
    let other = |id: u64| {
        let note = json!({ "id": id, "body": "x".repeat(30_000), "author": { "id": 52 } });
        ("12".to_owned(), note)
    };
    town.gitlab.lock().unwrap().notes.extend((1_000..1_030).map(other));
    let mut asked = question("ledger", 82, 82);
    asked.repository = Some("gitlab.com/acme/ledger".to_owned());
    asked.evidence.clear();
    assert_ne!(town.world.ask(asked.clone()).await.decision, Decision::Allow);
    town.settle(DAY).await;
    let ours = || {
        let gitlab = town.gitlab.lock().unwrap();
        let ours = gitlab.notes.iter().filter(|(_, note)| note["author"]["id"] != 52);
        ours.map(|(_, note)| note["id"].clone()).collect::<Vec<_>>()
    };
    let before = ours();
    assert_eq!(before.len(), 1);
    {
        let mut gitlab = town.gitlab.lock().unwrap();
        gitlab.notes.extend((2_000..2_019).map(other));
        gitlab.added_after = Some((20, other(3_000)));
    }
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
    town.world.ask(asked).await;
    town.settle(DAY).await;
    assert!(town.gitlab.lock().unwrap().added_after.is_none());
    assert_eq!(ours(), before);
}

#[tokio::test]
async fn the_reasons_stand_on_the_commit_and_in_one_note_on_the_merge_request() {
    let town = start().await;
    town.merged(81).await;
    let mut asked = question("ledger", 81, 81);
    asked.repository = Some("gitlab.com/acme/ledger".to_owned());
    asked.evidence.clear();
    let denied = town.world.ask(asked.clone()).await;
    assert_ne!(denied.decision, Decision::Allow);
    town.settle(DAY).await;
    asked.run.id = "acme/ledger/82".to_owned();
    let again = town.world.ask(asked).await;
    assert_ne!(again.decision, Decision::Allow);
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let gitlab = town.gitlab.lock().unwrap();
    let status = gitlab.statuses.last().unwrap();
    assert_eq!(status["name"], "sluice/production");
    assert!(["failed", "pending"].contains(&status["status"].as_str().unwrap()), "{status}");
    let [(iid, note)] = gitlab.notes.as_slice() else { panic!("{:#?}", gitlab.notes) };
    assert_eq!(iid, "12");
    let text = note["body"].as_str().unwrap();
    assert!(text.contains("Would pass if") && text.contains("<!-- sluice:CHG"), "{text}");
}

#[tokio::test]
async fn a_deployment_that_waits_asks_the_gate_and_is_answered() {
    let town = start().await;
    town.merged(83).await;
    // A job before has brought the evidence for the commit.
    let mut asked = question("ledger", 83, 83);
    asked.repository = Some("gitlab.com/acme/ledger".to_owned());
    town.world.ask(asked).await;
    town.blocked(15, 83).await;
    // Another one waits for the same commit, and nobody has asked for it.
    town.gitlab.lock().unwrap().block(16, "prod", commit_id(83).as_str(), 830);
    // It waits for people, and nothing is said to it yet.
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
    town.settle(DAY).await;
    assert_eq!(town.gitlab.lock().unwrap().approvals, []);
    town.world
        .engine
        .pull_stop(&town.world.admin, Default::default(), "a drill".into())
        .await
        .unwrap();
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.settle(DAY).await;
    {
        let gitlab = town.gitlab.lock().unwrap();
        let [(id, said)] = gitlab.approvals.as_slice() else { panic!("{:#?}", gitlab.approvals) };
        assert_eq!((*id, said["status"].as_str()), (15, Some("rejected")));
        assert!(said["comment"].as_str().unwrap().contains("stop"), "{said}");
    }
    // It has its answer: nobody asks for it again.
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
}

#[tokio::test]
async fn cut_after_any_exchange_and_begun_anew_nothing_is_said_twice() {
    for lie in [Lie::LostAnswer, Lie::DoneAndPage, Lie::Twice] {
        for answers in 0..8 {
            let town = start().await;
            town.merged(84).await;
            let mut asked = question("ledger", 84, 84);
            asked.repository = Some("gitlab.com/acme/ledger".to_owned());
            asked.evidence.clear();
            town.world.ask(asked.clone()).await;
            town.net.lie(Lies::once_after(answers, lie));
            town.settle(DAY).await;
            // What was said twice is seen when something is said again.
            asked.run.id = "acme/ledger/85".to_owned();
            town.world.ask(asked).await;
            town.settle(DAY).await;
            assert_eq!(town.outbox("pending"), [], "{lie:?} {answers}");
            assert_eq!(town.outbox("given_up"), [], "{lie:?} {answers}");
            let gitlab = town.gitlab.lock().unwrap();
            assert_eq!(gitlab.notes.len(), 1, "{lie:?} {answers}");
            let same =
                |pair: &[Value]| pair[0]["status"] == "pending" && pair[1]["status"] == "pending";
            assert!(!gitlab.statuses.windows(2).any(same), "{lie:?} {answers}");
        }
    }
}

/// Seed 287 of the episodes: nothing more was said after the note that was made twice.
#[tokio::test]
async fn a_last_note_that_was_made_twice_is_kept_once() {
    for answers in 0..8 {
        let town = start().await;
        town.merged(86).await;
        let mut asked = question("ledger", 86, 86);
        asked.repository = Some("gitlab.com/acme/ledger".to_owned());
        asked.evidence.clear();
        town.world.ask(asked).await;
        town.net.lie(Lies::once_after(answers, Lie::Twice));
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        assert_eq!(town.gitlab.lock().unwrap().notes.len(), 1, "{answers}");
    }
}

#[tokio::test]
async fn nobody_gets_anothers_deployment_approved_by_naming_it() {
    let town = start().await;
    let sha = commit_id(87).to_string();
    town.gitlab.lock().unwrap().block(17, "prod", &sha, 87);
    let mut asked = question("ledger", 87, 87);
    asked.emergency = Some("the ledger is down".into());
    asked.run.system = "gitlab:gitlab.com".to_owned();
    asked.run.id = "acme/ledger/deployments/17".to_owned();
    assert_eq!(town.world.ask(asked).await.decision, Decision::Allow);
    town.settle(DAY).await;
    assert_eq!(town.gitlab.lock().unwrap().approvals, []);
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
}
