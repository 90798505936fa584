//! Jenkins: builds that wait for the gate, are stopped, and are begun when their change may go.

use std::time::Duration;

use serde_json::json;
use sluice_core::change::ChangeState;
use sluice_core::gate::Decision;
use sluice_core::ids::ChangeNumber;
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Build, Lie, Lies};

use super::{Town, link};
use crate::world::{commit_id, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(super) const LINKS: &str = r#"
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

pub(super) fn said_by_build(seed: u8, environment: &str) -> serde_json::Value {
    json!({
        "event": "gate.waiting", "job": "acme/payments", "build": 7, "environment": environment,
        "url": "https://jenkins.test/job/acme/job/payments/7/",
        "repository": "https://github.com/acme/payments.git", "commit": commit_id(seed).as_str(),
    })
}

/// A build of payments, as Jenkins knows it.
pub(super) fn running(seed: u8) -> Build {
    let made_of = (commit_id(seed).to_string(), "git@github.com:acme/payments.git".to_owned());
    Build { building: true, made_of: Some(made_of), ..Build::default() }
}

impl Town {
    /// A build of payments comes to its input step, and says so.
    pub(super) async fn build_waits(&self, seed: u8) {
        self.builds(Build { input: Some("Sluice".to_owned()), ..running(seed) });
        self.build_says(seed).await;
    }

    pub(super) fn builds(&self, build: Build) {
        self.jenkins.lock().unwrap().builds.insert(PATH.to_owned(), build);
    }

    /// Denied while its build waits.
    pub(super) async fn denied(&self, seed: u8) {
        self.build_says(seed).await;
        self.stop_the_line().await;
        assert_eq!(self.world.engine.answer_waiting_runs().await.unwrap(), 1);
    }

    pub(super) fn details(&self, state: &str) -> Vec<String> {
        let rows = self.outbox(state).into_iter();
        rows.filter_map(|row| row.last_error).collect()
    }

    async fn build_says(&self, seed: u8) {
        self.build_tells(seed, "production", None).await;
        while self.world.engine.interpret_inbox().await.unwrap() > 0 {}
    }

    /// The build says for which environment it comes to wait; nobody has read it yet.
    pub(super) async fn build_tells(&self, seed: u8, environment: &str, at: Option<&str>) {
        let mut body = said_by_build(seed, environment);
        if let Some(at) = at {
            body["at"] = json!(at);
        }
        self.delivered("builds", &body).await;
    }

    pub(super) async fn delivered(&self, by: &str, body: &serde_json::Value) {
        let bytes = serde_json::to_vec(body).unwrap();
        let secret = NamedSecrets::of("JENKINS_HOOK");
        let delivery = Delivery::of_body(bytes, self.world.engine.now())
            .with_header("x-sluice-token", std::str::from_utf8(&secret).unwrap());
        let hook = self.world.engine.hook_of(&link(by));
        let received = self.world.engine.receive(&hook, delivery).await;
        assert!(matches!(received, Received::Stored { .. }), "{received:?}");
    }

    /// The gate is asked for whatever waits; gives how many were answered for good.
    pub(super) async fn asked(&self) -> usize {
        while self.world.engine.interpret_inbox().await.unwrap() > 0 {}
        self.world.engine.answer_waiting_runs().await.unwrap()
    }

    async fn approved(&self, number: ChangeNumber) {
        for handle in ["bob", "grace", "ines"] {
            if self.state_here(number) != ChangeState::Scheduled {
                let person = self.world.person(handle).await;
                self.world.approve(&person, number).await.unwrap();
            }
        }
    }

    pub(super) fn build(&self) -> Build {
        self.jenkins.lock().unwrap().builds[PATH].clone()
    }

    async fn stop_the_line(&self) {
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
    }

    pub(super) fn asked_of_jenkins(&self, what: &str) -> usize {
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
async fn a_build_that_comes_to_the_gate_again_is_answered_again() {
    let town = Town::with(LINKS).await;
    let waits = town.world.ask(question("payments", 109, 109)).await;
    town.build_waits(109).await;
    town.world.engine.answer_waiting_runs().await.unwrap();
    town.approved(waits.change.unwrap()).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.settle(DAY).await;
    assert!(town.build().proceeded);
    // An hour later its next stage waits, and it says the same of itself.
    town.world.clock.advance(Duration::from_secs(3_600));
    town.build_waits(109).await;
    // What comes twice at once is one question.
    town.build_says(109).await;
    town.world.engine.answer_waiting_runs().await.unwrap();
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let build = town.build();
    assert!(build.proceeded && build.input.is_none(), "{build:?}");
    assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 2);
}

/// Staging goes at once, production waits for people; both wait at the same step, one after the other.
#[tokio::test]
async fn the_answer_for_one_environment_lets_nothing_past_the_step_of_another() {
    const A_WHILE: Duration = Duration::from_secs(6);
    let (first, second) = ("2026-03-04T10:00:00Z", "2026-03-04T10:05:00Z");
    for (at, case) in [
        (None, "lost"),
        (None, "lost and unread"),
        (None, "comes again before the next stage"),
        (None, "comes again after it"),
        (Some((first, second)), "lost"),
        (Some((first, second)), "comes again after it"),
    ] {
        let town = Town::with(LINKS).await;
        let waits = town.world.ask(question("payments", 112, 112)).await;
        let next = Some("Sluice".to_owned());
        town.builds(Build { input: next.clone(), then: next.clone(), ..running(112) });
        let staging = at.map(|(first, _)| first);
        town.build_tells(112, "staging", staging).await;
        assert_eq!(town.asked().await, 1, "{case}");
        if case.starts_with("lost") {
            // It is let on to its next stage, and the answer to that is lost.
            town.net.lie(Lies::once_after(2, Lie::LostAnswer));
            town.world.engine.deliver().await.unwrap();
        } else {
            town.builds(Build { input: next.clone(), ..running(112) });
            town.settle(A_WHILE).await;
        }
        assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 1, "{case}");
        town.world.clock.advance(A_WHILE);
        if case == "comes again before the next stage" {
            town.build_tells(112, "staging", staging).await;
            assert_eq!(town.asked().await, 1, "{case}");
            town.world.engine.deliver().await.unwrap();
        }
        town.builds(Build { input: next.clone(), ..running(112) });
        town.build_tells(112, "production", at.map(|(_, second)| second)).await;
        if case != "lost and unread" {
            assert_eq!(town.asked().await, 0, "{case}");
        }
        if case == "comes again after it" {
            town.world.clock.advance(A_WHILE);
            town.build_tells(112, "staging", staging).await;
            assert_eq!(town.asked().await, 0, "{case}");
        }
        for _ in 0..5 {
            town.settle(Duration::from_secs(60)).await;
            assert_eq!(town.asked().await, 0, "{case}");
        }
        assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 1, "{case} {at:?}");
        assert!(town.build().input.is_some() && !town.build().aborted, "{case}");
        // Its own answer is still told.
        town.approved(waits.change.unwrap()).await;
        assert_eq!(town.asked().await, 1, "{case}");
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]), "{case}");
        assert!(town.build().proceeded && town.build().input.is_none(), "{case}");
        assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 2, "{case}");
    }
}

#[tokio::test]
async fn where_environments_have_steps_of_their_own_each_is_answered_at_its_own() {
    let links = LINKS.replace("user: sluice,", "user: sluice, inputs: {staging: Staging},");
    let town = Town::with(&links).await;
    town.world.ask(question("payments", 113, 113)).await;
    town.builds(Build { input: Some("Sluice".to_owned()), ..running(113) });
    town.build_tells(113, "production", None).await;
    assert_eq!(town.asked().await, 0);
    town.world.clock.advance(Duration::from_secs(6));
    town.build_tells(113, "staging", None).await;
    assert_eq!(town.asked().await, 1);
    town.settle(Duration::from_secs(30)).await;
    assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 0, "{:?}", town.build());
    town.builds(Build { input: Some("Staging".to_owned()), ..running(113) });
    town.settle(Duration::from_secs(120)).await;
    assert!(town.build().proceeded);
    assert_eq!(town.asked_of_jenkins("/input/Staging/proceedEmpty"), 1);
    // The other question waits on.
    town.stop_the_line().await;
    town.builds(Build { input: Some("Sluice".to_owned()), ..running(113) });
    assert_eq!(town.asked().await, 1);
    town.settle(DAY).await;
    assert!(town.build().aborted);
}

#[tokio::test]
async fn an_answer_that_was_given_before_a_question_is_none_to_it() {
    let town = Town::with(LINKS).await;
    town.builds(Build { input: Some("Sluice".to_owned()), ..running(114) });
    town.net.lie(Lies::always(Lie::Unreachable));
    town.build_tells(114, "staging", None).await;
    assert_eq!(town.asked().await, 1);
    town.world.engine.deliver().await.unwrap();
    // The build is restarted, comes to the gate again, and by now nothing may go.
    town.world.clock.advance(Duration::from_secs(6));
    town.build_tells(114, "staging", None).await;
    town.stop_the_line().await;
    town.net.lie(Lies::none());
    while town.world.engine.interpret_inbox().await.unwrap() > 0 {}
    town.settle(Duration::from_secs(30)).await;
    assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 0);
    assert_eq!(town.asked().await, 1);
    town.settle(DAY).await;
    assert!(town.build().aborted && town.asked_of_jenkins("/proceedEmpty") == 0);
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
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
    town.settle(DAY).await;
    let (engine, number) = (&town.world.engine, waits.change.unwrap());
    engine.cancel_change(&town.world.admin, number, None, "not now".into()).await.unwrap();
    town.settle(DAY).await;
    assert!(town.build().aborted);
    assert_eq!(town.asked_of_jenkins("/stop"), 1);
}

#[tokio::test]
async fn a_build_that_may_not_go_is_aborted_once_whatever_becomes_of_the_answers() {
    for lie in [Lie::LostAnswer, Lie::DoneAndPage, Lie::Broken, Lie::Page, Lie::Elsewhere] {
        for answers in 0..5 {
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
    for outages in [0, 7] {
        let town = Town::with(LINKS).await;
        town.world.ask(question("payments", 103, 103)).await;
        town.builds(running(103));
        town.denied(103).await;
        town.net.lie(Lies::always(Lie::Unreachable));
        for _ in 0..outages {
            town.world.engine.deliver().await.unwrap();
            town.world.clock.advance(Duration::from_secs(240));
        }
        town.net.lie(Lies::none());
        town.settle(Duration::from_secs(600)).await;
        let before = town.world.engine.readers().link_health("builds").unwrap();
        town.settle(Duration::from_secs(600)).await;
        assert!(!town.build().aborted);
        assert_eq!(town.details("pending"), ["not_yet: the build does not wait yet"]);
        let after = town.world.engine.readers().link_health("builds").unwrap();
        assert_eq!(after, before, "nothing has failed");
        town.builds(Build { input: Some("Sluice".to_owned()), ..running(103) });
        town.settle(Duration::from_secs(120)).await;
        assert!(town.build().aborted, "{outages}");
    }
}

#[tokio::test]
async fn that_a_build_went_on_without_its_denial_is_said() {
    let town = Town::with(LINKS).await;
    town.world.ask(question("payments", 108, 108)).await;
    town.builds(running(108));
    town.denied(108).await;
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
    let said = "client: the build goes on, and has not waited for its answer";
    assert_eq!(town.details("given_up"), [said]);
}

#[tokio::test]
async fn nobody_gets_anothers_build_let_on_aborted_or_stopped_by_naming_it() {
    let town = Town::with(LINKS).await;
    town.builds(Build { input: Some("Sluice".to_owned()), ..running(109) });
    let ask = |run: u32, emergency: Option<&str>| {
        let mut asked = question("payments", 109, run);
        asked.run.system = "jenkins:jenkins.test".to_owned();
        asked.run.id = "acme/payments/7".to_owned();
        asked.emergency = emergency.map(str::to_owned);
        asked
    };
    let waits = town.world.ask(ask(1, None)).await;
    assert_eq!(waits.decision, Decision::Wait);
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    engine.cancel_change(admin, waits.change.unwrap(), None, "not now".into()).await.unwrap();
    assert_eq!(town.world.ask(ask(2, Some("down"))).await.decision, Decision::Allow);
    town.settle(DAY).await;
    town.stop_the_line().await;
    assert_eq!(town.world.ask(ask(3, None)).await.decision, Decision::Deny);
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    assert!(town.build().input.is_some() && !town.build().aborted, "{:?}", town.build());
    assert_eq!(town.asked_of_jenkins(""), 0);
}

#[tokio::test]
async fn a_build_that_is_not_what_its_body_said_gets_no_answer() {
    let declared = LINKS.replace(
        "stop_canceled: true,",
        "stop_canceled: true, waits: {acme: {repository: github.com/acme/payments, environment: production}},",
    );
    let elsewhere = declared.replace("environment: production", "environment: staging");
    let (ours, other) = (running(110), running(111));
    let unsaid = Build { made_of: None, ..running(110) };
    for (links, build, why) in [
        (LINKS, &ours, None),
        (LINKS, &other, Some("client: the build is made of another commit than it named")),
        (
            LINKS,
            &unsaid,
            Some("client: Jenkins does not say that the build is of the repository that it named"),
        ),
        (&declared, &unsaid, None),
        (&declared, &other, Some("client: the build is made of another commit than it named")),
        (
            &elsewhere,
            &ours,
            Some("client: the build says that it is for another environment than is declared"),
        ),
    ] {
        let town = Town::with(links).await;
        town.world.ask(question("payments", 110, 110)).await;
        town.builds(Build { input: Some("Sluice".to_owned()), ..build.clone() });
        town.denied(110).await;
        town.settle(DAY).await;
        assert_eq!(town.outbox("pending"), [], "{why:?}");
        assert_eq!(town.build().aborted, why.is_none(), "{why:?}");
        assert_eq!(town.details("given_up"), why.as_slice(), "{build:?}");
    }
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

#[tokio::test]
async fn a_build_that_was_queued_twice_of_one_request_is_taken_from_the_queue_again() {
    let mut twice = 0;
    for answers in 0..6 {
        let town = Town::with(LINKS).await;
        town.net.lie(Lies::once_after(answers, Lie::Twice));
        town.merged(120).await;
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        let jenkins = town.jenkins.lock().unwrap();
        assert_eq!(jenkins.live(), 1, "{answers}: {:#?}", jenkins.queued);
        twice += jenkins.canceled.len();
    }
    assert_eq!(twice, 1);
}

/// Of two builds of one request that have both begun, the younger is stopped. One that somebody else has begun is
/// wanted by them: which it is to be is for people to say.
#[tokio::test]
async fn a_build_that_has_begun_twice_is_stopped_where_it_is_ours() {
    for (by, stopped) in [(None, 1), (Some("ann"), 0)] {
        let town = Town::with(LINKS).await;
        {
            let mut jenkins = town.jenkins.lock().unwrap();
            (jenkins.begun, jenkins.begun_by) = (2, by);
        }
        town.net.lie(Lies::once_after(2, Lie::Twice));
        town.merged(121).await;
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        assert_eq!(town.jenkins.lock().unwrap().live(), 2);
        let places: Vec<usize> = town.jenkins.lock().unwrap().stopped.iter().copied().collect();
        assert_eq!(places.len(), stopped);
        assert!(places.iter().all(|place| *place == 2), "the younger one: {places:?}");
        let differing = super::servicenow::differing(&town);
        let differing: Vec<(&str, &str)> =
            differing.iter().map(|it| (it.about.as_str(), it.theirs.as_str())).collect();
        let recorded = if stopped == 0 { vec![("build", "2 are built")] } else { Vec::new() };
        assert_eq!(differing, recorded);
    }
}
