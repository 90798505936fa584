//! Jenkins: builds that wait for the gate, are stopped, and are begun when their change may go.

use std::time::Duration;

use serde_json::json;
use sluice_core::change::ChangeState;
use sluice_core::ids::ChangeNumber;
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Build, Lie, Lies};

use super::{Town, link};
use crate::world::{commit_id, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

const LINKS: &str = r#"
links:
  - name: builds
    connector: jenkins
    secrets: [{env: JENKINS_HOOK}]
    credentials: {api_token: {env: JENKINS}}
    tell: [decision, change]
    settings:
      url: https://jenkins.test/
      api: {user: sluice, stop_canceled: true, jobs: {ledger: acme/deploy-ledger}}
"#;

const PATH: &str = "job/acme/job/payments/7";

impl Town {
    /// A build of payments comes to its input step, and says so.
    async fn build_waits(&self, seed: u8) {
        let build = Build { building: true, input: Some("Sluice".to_owned()), ..Build::default() };
        self.jenkins.lock().unwrap().builds.insert(PATH.to_owned(), build);
        self.build_says(seed).await;
    }

    async fn build_says(&self, seed: u8) {
        let body = json!({
            "event": "gate.waiting", "job": "acme/payments", "build": 7, "environment": "production",
            "url": "https://jenkins.test/job/acme/job/payments/7/",
            "repository": "https://github.com/acme/payments.git", "commit": commit_id(seed).as_str(),
        });
        let bytes = serde_json::to_vec(&body).unwrap();
        let secret = NamedSecrets::of("JENKINS_HOOK");
        let delivery = Delivery::of_body(bytes, self.world.engine.now())
            .with_header("x-sluice-token", std::str::from_utf8(&secret).unwrap());
        let hook = self.world.engine.hook_of(&link("builds"));
        let received = self.world.engine.receive(&hook, delivery).await;
        assert!(matches!(received, Received::Stored { .. }), "{received:?}");
        while self.world.engine.interpret_inbox().await.unwrap() > 0 {}
    }

    async fn approved(&self, number: ChangeNumber) {
        for handle in ["bob", "grace", "ines"] {
            if self.state_here(number) != ChangeState::Scheduled {
                let person = self.world.person(handle).await;
                self.world.approve(&person, number).await.unwrap();
            }
        }
    }

    fn build(&self) -> Build {
        self.jenkins.lock().unwrap().builds[PATH].clone()
    }

    async fn stop_the_line(&self) {
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
    }

    fn asked_of_jenkins(&self, what: &str) -> usize {
        self.net.seen().iter().filter(|(_, seen)| seen.path.ends_with(what)).count()
    }
}

#[tokio::test]
async fn a_build_that_waits_goes_on_when_people_have_approved() {
    let town = Town::with(LINKS).await;
    let waits = town.world.ask(question("payments", 101, 101)).await;
    town.build_waits(101).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
    town.approved(waits.change.unwrap()).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let build = town.build();
    assert!(build.proceeded && !build.aborted, "{build:?}");
}

#[tokio::test]
async fn the_job_of_a_change_that_a_merge_has_opened_is_built_once() {
    for lie in [None, Some(Lie::LostAnswer), Some(Lie::DoneAndPage), Some(Lie::Cut)] {
        for answers in 0..3 {
            let town = Town::with(LINKS).await;
            if let Some(lie) = lie {
                town.net.lie(Lies::once_after(answers, lie));
            }
            town.merged(105).await;
            town.settle(DAY).await;
            assert_eq!(town.outbox("pending"), [], "{lie:?} {answers}");
            let jenkins = town.jenkins.lock().unwrap();
            let [(job, given)] = jenkins.queued.as_slice() else {
                panic!("{lie:?} {answers}: {:#?}", jenkins.queued)
            };
            assert_eq!(job, "job/acme/job/deploy-ledger");
            assert_eq!(given["SLUICE_CHANGE"], ChangeNumber(1).to_string());
            assert_eq!(given["SLUICE_COMMIT"], commit_id(105).as_str());
            assert_eq!(given["SLUICE_ENVIRONMENT"], "production");
        }
    }
}

#[tokio::test]
async fn a_change_that_a_run_has_asked_for_begins_no_build() {
    let town = Town::with(LINKS).await;
    let mut asked = question("ledger", 107, 107);
    asked.repository = Some("gitlab.com/acme/ledger".to_owned());
    town.world.ask(asked).await;
    town.settle(DAY).await;
    assert_eq!(town.jenkins.lock().unwrap().queued, []);
}

#[tokio::test]
async fn the_build_of_a_change_that_is_canceled_is_stopped() {
    let town = Town::with(LINKS).await;
    let waits = town.world.ask(question("payments", 106, 106)).await;
    town.build_waits(106).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
    let (engine, number) = (&town.world.engine, waits.change.unwrap());
    engine.cancel_change(&town.world.admin, number, None, "not now".into()).await.unwrap();
    town.settle(DAY).await;
    assert!(town.build().aborted);
    assert_eq!(town.asked_of_jenkins("/stop"), 1);
}

#[tokio::test]
async fn a_build_that_may_not_go_is_aborted_once_whatever_becomes_of_the_answers() {
    for lie in [Lie::LostAnswer, Lie::DoneAndPage, Lie::Broken, Lie::Page, Lie::Elsewhere] {
        for answers in 0..4 {
            let town = Town::with(LINKS).await;
            town.world.ask(question("payments", 102, 102)).await;
            town.build_waits(102).await;
            assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
            town.settle(DAY).await;
            assert!(town.build().input.is_some(), "it waits for people");
            town.stop_the_line().await;
            assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
            town.net.lie(Lies::once_after(answers, lie));
            town.settle(DAY).await;
            assert_eq!(town.outbox("pending"), [], "{lie:?} {answers}");
            assert_eq!(town.outbox("given_up"), [], "{lie:?} {answers}");
            let build = town.build();
            assert!(build.aborted && !build.proceeded, "{lie:?} {answers}: {build:?}");
        }
    }
}

#[tokio::test]
async fn a_build_that_said_so_early_is_answered_when_it_waits() {
    let town = Town::with(LINKS).await;
    town.world.ask(question("payments", 103, 103)).await;
    let running = Build { building: true, ..Build::default() };
    town.jenkins.lock().unwrap().builds.insert(PATH.to_owned(), running);
    town.build_says(103).await;
    town.stop_the_line().await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.world.engine.deliver().await.unwrap();
    assert!(!town.build().aborted);
    town.jenkins.lock().unwrap().builds.get_mut(PATH).unwrap().input = Some("Sluice".to_owned());
    town.settle(DAY).await;
    assert!(town.build().aborted);
}

#[tokio::test]
async fn who_logs_in_by_password_shows_a_crumb() {
    let links = LINKS
        .replace("{api_token: {env: JENKINS}}", "{password: {env: JENKINS}}")
        .replace("user: sluice,", "user: sluice, login: password,");
    let town = Town::with(&links).await;
    town.jenkins.lock().unwrap().crumbs = true;
    let trial = town.world.engine.test_link(&town.world.admin, "builds").await.unwrap();
    assert!(trial.ok, "{trial:?}");
    town.world.ask(question("payments", 104, 104)).await;
    town.build_waits(104).await;
    town.stop_the_line().await;
    town.world.engine.answer_waiting_runs().await.unwrap();
    town.settle(DAY).await;
    assert!(town.build().aborted);
    assert_eq!(town.asked_of_jenkins("/crumbIssuer/api/json"), 1, "the session is kept");
}
