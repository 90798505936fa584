//! External status checks of GitLab: the gate's dry answer stands on the merge request as long as it is open.

use std::time::Duration;

use serde_json::json;
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::gate::Decision;
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Lie, Lies};

use super::gitlab::TOLD;
use super::servicenow::differing;
use super::{Town, link};
use crate::world::{commit_id, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn start() -> Town {
    start_with("links: []\n").await
}

async fn start_with(files: &str) -> Town {
    let told = TOLD.1.replace("per_minute: 2000", "per_minute: 2000, status_checks: production");
    Town::edited(files, &[(TOLD.0, &told)]).await
}

impl Town {
    /// GitLab asks the check with id 5 on merge request 12, signed as it signs checks.
    async fn asks(&self, seed: u8, state: &str, secret: &str) -> bool {
        self.asks_of("acme/ledger", seed, state, secret).await
    }

    async fn asks_of(&self, project: &str, seed: u8, state: &str, secret: &str) -> bool {
        let sha = commit_id(seed).to_string();
        let (action, state) =
            if state == "reopened" { ("reopen", "opened") } else { ("update", state) };
        let body = json!({
            "object_kind": "merge_request",
            "object_attributes": { "iid": 12, "action": action, "state": state, "last_commit": { "id": sha } },
            "project": { "id": 3, "default_branch": "main", "path_with_namespace": project,
                "web_url": format!("https://gitlab.com/{project}") },
            "user": { "id": 51, "name": "Ann", "username": "ann" },
            "external_approval_rule": { "id": 5, "name": "Sluice", "external_url": "https://sluice.test" },
        });
        let bytes = serde_json::to_vec(&body).unwrap();
        let mac = hmac_sha256(&NamedSecrets::of(secret), &bytes);
        let delivery = Delivery::of_body(bytes, self.world.engine.now())
            .with_header("content-type", "application/json")
            .with_header("x-gitlab-signature", &data_encoding::HEXLOWER.encode(&mac));
        let hook = self.world.engine.hook_of(&link("gitlab"));
        let received = self.world.engine.receive(&hook, delivery).await;
        while self.world.engine.interpret_inbox().await.unwrap() > 0 {}
        matches!(received, Received::Stored { .. })
    }

    /// The head of the merge request is this commit now, and GitLab asks.
    pub(super) async fn proposed(&self, seed: u8) {
        self.gitlab.lock().unwrap().check("12", 5, commit_id(seed).as_str());
        assert!(self.asks(seed, "opened", "ACME_GITLAB_SECRET").await);
    }

    async fn answered(&self) -> usize {
        let count = self.world.engine.answer_checks().await.unwrap();
        self.settle(DAY).await;
        assert_eq!((self.outbox("pending"), self.outbox("given_up")), (vec![], vec![]));
        count
    }

    pub(super) fn check_says(&self) -> String {
        let gitlab = self.gitlab.lock().unwrap();
        gitlab.checks[0].2["status"].as_str().unwrap().to_owned()
    }

    /// A change of the ledger for the commit that everybody has agreed to, in hours where it may go.
    async fn agreed(&self, seed: u8) {
        let mut asked = question("ledger", seed, u32::from(seed));
        asked.repository = Some("gitlab.com/acme/ledger".to_owned());
        let number = self.world.ask(asked.clone()).await.change.unwrap();
        for handle in ["alice", "bob", "dana", "emre", "grace"] {
            let person = self.world.person(handle).await;
            // Not everybody has a say.
            let _ = self.world.approve(&person, number).await;
        }
        asked.run.id = format!("acme/ledger/agreed-{seed}");
        let answer = self.world.ask(asked).await;
        assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    }
}

#[tokio::test]
async fn a_check_says_what_the_gate_would_say_and_says_it_anew_when_that_alters() {
    let town = start().await;
    town.proposed(41).await;
    // Nothing was brought for the commit, and nobody has agreed.
    assert_eq!(town.answered().await, 1);
    assert_ne!(town.check_says(), "passed");
    assert_eq!(town.world.engine.standing().changes.len(), 0, "a dry answer opens nothing");
    assert_eq!(town.answered().await, 0);
    town.agreed(41).await;
    assert_eq!(town.answered().await, 1);
    assert_eq!(town.check_says(), "passed");
    let admin = &town.world.admin;
    town.world.engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
    assert_eq!(town.answered().await, 1);
    assert_eq!(town.check_says(), "failed");
    // Another head begins anew, and one that is merged asks no more.
    town.proposed(42).await;
    assert_eq!((town.check_says().as_str(), town.answered().await), ("pending", 1));
    assert_eq!(town.check_says(), "failed");
    assert!(town.asks(42, "merged", "ACME_GITLAB_SECRET").await);
    town.world.clock.advance(DAY);
    assert_eq!(town.answered().await, 0);
}

#[tokio::test]
async fn a_proposal_that_is_opened_again_is_answered_again() {
    let town = start().await;
    town.proposed(47).await;
    assert_eq!(town.answered().await, 1);
    let said = town.check_says();
    assert!(town.asks(47, "closed", "ACME_GITLAB_SECRET").await);
    assert_eq!(town.answered().await, 0);
    town.gitlab.lock().unwrap().check("12", 5, commit_id(47).as_str());
    assert!(town.asks(47, "reopened", "ACME_GITLAB_SECRET").await);
    assert_eq!((town.answered().await, town.check_says()), (1, said));
}

/// GitLab sends the same bytes when somebody retries a check, without anything that tells them apart.
#[tokio::test]
async fn a_check_that_is_retried_is_answered_again() {
    let town = start().await;
    town.proposed(51).await;
    assert_eq!(town.answered().await, 1);
    let said = town.check_says();
    for _ in 0..3 {
        // Whoever retries it resets it.
        town.gitlab.lock().unwrap().checks[0].2["status"] = json!("pending");
        town.world.clock.advance(Duration::from_secs(20));
        assert!(town.asks(51, "opened", "ACME_GITLAB_SECRET").await);
        // The same delivery twice within a moment is one question.
        assert!(town.asks(51, "opened", "ACME_GITLAB_SECRET").await);
        assert_eq!((town.answered().await, town.check_says()), (1, said.clone()));
    }
}

/// An account that may not see the merge request never will by being asked again.
#[tokio::test]
async fn a_proposal_that_is_not_there_is_a_difference_and_given_up_by_nobody() {
    let town = start().await;
    town.gitlab.lock().unwrap().hides_proposals = true;
    town.proposed(48).await;
    for _ in 0..3 {
        assert_eq!(town.answered().await, 1);
        town.world.clock.advance(Duration::from_secs(3_700));
    }
    let differing = differing(&town);
    assert_eq!(differing.len(), 1, "{differing:#?}");
    assert_eq!((differing[0].about.as_str(), differing[0].theirs.as_str()), ("check", "not_found"));
}

#[tokio::test]
async fn where_pending_is_not_taken_the_check_does_not_stay_passed() {
    let town = start().await;
    let mut asked = question("ledger", 49, 49);
    asked.repository = Some("gitlab.com/acme/ledger".to_owned());
    assert_eq!(town.world.ask(asked).await.decision, Decision::Wait);
    town.settle(DAY).await;
    town.proposed(49).await;
    {
        let mut gitlab = town.gitlab.lock().unwrap();
        gitlab.checks[0].2["status"] = json!("passed");
        gitlab.refuses_pending = 1;
    }
    assert_eq!(town.answered().await, 1);
    assert_eq!(town.check_says(), "failed");
    assert_eq!(town.gitlab.lock().unwrap().refuses_pending, 0, "it was to be pending");
}

/// A question about more services than one question can have is refused; who asks after it is answered all the same.
#[tokio::test]
async fn one_that_cannot_be_answered_holds_up_no_other() {
    let mut files = "services:\n".to_owned();
    for count in 0..51 {
        files += &format!(
            "  - {{name: crowd-{count}, title: Crowd, owner: payments, tier: tier-1, class: api, \
             repositories: [gitlab.com/acme/crowd]}}\n"
        );
    }
    let town = start_with(&files).await;
    assert!(town.asks_of("acme/crowd", 50, "opened", "ACME_GITLAB_SECRET").await);
    town.proposed(50).await;
    let before = town.check_says();
    town.world
        .engine
        .pull_stop(&town.world.admin, Default::default(), "a drill".into())
        .await
        .unwrap();
    assert_eq!((before.as_str(), town.answered().await), ("pending", 1));
    assert_eq!(town.check_says(), "failed");
}

#[tokio::test]
async fn only_who_knows_the_secret_can_ask() {
    let town = start().await;
    assert!(!town.asks(43, "opened", "ANOTHER").await);
    assert_eq!(town.answered().await, 0);
}

#[tokio::test]
async fn without_an_environment_nobody_answers() {
    let town = Town::edited("links: []\n", &[TOLD]).await;
    town.proposed(44).await;
    assert_eq!(town.answered().await, 0);
    assert_eq!(town.check_says(), "pending");
}

#[tokio::test]
async fn an_allow_that_is_told_late_is_asked_for_anew() {
    let town = start().await;
    town.agreed(45).await;
    town.settle(DAY).await;
    town.proposed(45).await;
    town.net.lie(Lies::always(Lie::Unreachable));
    assert_eq!(town.world.engine.answer_checks().await.unwrap(), 1);
    town.settle(Duration::from_secs(600)).await;
    let admin = &town.world.admin;
    town.world.engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    assert_eq!(town.check_says(), "pending");
    assert_eq!(town.answered().await, 1);
    assert_eq!(town.check_says(), "failed");
}

#[tokio::test]
async fn whatever_gitlab_answers_the_check_says_it_in_the_end() {
    let lies = [Lie::LostAnswer, Lie::DoneAndPage, Lie::Page, Lie::Broken, Lie::Empty, Lie::Cut];
    for lie in lies {
        for answers in 0..3 {
            let town = start().await;
            town.proposed(46).await;
            town.net.lie(Lies::once_after(answers, lie));
            town.world
                .engine
                .pull_stop(&town.world.admin, Default::default(), "a drill".into())
                .await
                .unwrap();
            assert_eq!(town.answered().await, 1, "{lie:?} {answers}");
            assert_eq!(town.check_says(), "failed", "{lie:?} {answers}");
        }
    }
}
