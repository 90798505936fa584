//! What a neighbour tells of our own writes, late, again, or while we do not know that they arrived: it sets nothing back.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::change::ChangeState;
use sluice_core::incident::{IncidentState, Resolution};
use sluice_core::problem::ProblemState;
use sluice_engine::{Delivery, IncidentStep, ProblemStep};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Lie, Lies};

use super::tasks::{INC, PRB, links};
use super::{JIRA, LINKS, Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The link, with the secret that its business rule signs with.
fn heard(authority: &str) -> String {
    let secret = "secrets: [{env: RULE}]\n    credentials: {password";
    links(authority).replace("credentials: {password", secret)
}

impl Town {
    /// What the business rule would send of a record as it is now.
    fn row(&self, table: &str, correlation: &str) -> Value {
        let servicenow = self.servicenow.lock().unwrap();
        json!(servicenow.tasks.live(table, correlation)[0].fields)
    }

    /// A delivery of the business rule.
    async fn rule_tells(&self, id: &str, table: &str, record: &Value) {
        let bytes = serde_json::to_vec(&json!({ "table": table, "record": record })).unwrap();
        let mac = hmac_sha256(&NamedSecrets::of("RULE"), &bytes);
        let mac = format!("sha256={}", data_encoding::BASE64.encode(&mac));
        let delivery = Delivery::of_body(bytes, self.world.engine.now())
            .with_header("x-sluice-delivery", id)
            .with_header("x-sluice-signature", &mac);
        self.world.hear("servicenow", delivery).await;
    }
}

/// Also within the second that their times have, and where the rule tells no count.
#[tokio::test]
async fn a_delivery_of_an_older_write_of_ours_sets_nothing_back() {
    for (pause_s, counts) in [(5, true), (0, true), (0, false), (5, false)] {
        for authority in ["mirrored", "native"] {
            let town = Town::with(&heard(authority)).await;
            town.fail(1).await;
            town.settle(DAY).await;
            let first = town.row("incident", INC);
            town.world.clock.advance(Duration::from_secs(60));
            let mut written = vec![first];
            for state in [IncidentState::InProgress, IncidentState::OnHold] {
                town.world.clock.advance(Duration::from_secs(pause_s));
                town.step(1, IncidentStep::Move(state)).await;
                town.world.engine.deliver().await.unwrap();
                written.push(town.row("incident", INC));
            }
            town.world.clock.advance(Duration::from_secs(pause_s));
            for (place, mut record) in written.into_iter().enumerate().rev() {
                if !counts {
                    record.as_object_mut().unwrap().remove("sys_mod_count");
                }
                town.rule_tells(&format!("late-{place}"), "incident", &record).await;
                let at = format!("{authority} {pause_s} {counts} {place}");
                assert_eq!(town.incident(1).state, IncidentState::OnHold, "{at}");
                town.look_there().await;
                town.settle(DAY).await;
                assert_eq!(town.there("incident", INC, "state"), "3", "{at}");
                assert_eq!(town.disagreements(), [], "{at}");
            }
        }
    }
}

/// The write has arrived and its answer has not, and ours has gone on, or back, when they tell of it.
#[tokio::test]
async fn a_delivery_of_a_write_of_which_we_do_not_know_sets_nothing_back() {
    for next in
        [IncidentStep::Move(IncidentState::InProgress), IncidentStep::Resolve(Resolution::Fixed)]
    {
        let town = Town::with(&heard("mirrored")).await;
        town.fail(1).await;
        town.step(1, IncidentStep::Move(IncidentState::InProgress)).await;
        town.settle(DAY).await;
        town.world.clock.advance(Duration::from_secs(60));
        town.step(1, IncidentStep::Move(IncidentState::OnHold)).await;
        town.net.lie(Lies::always(Lie::DoneAndBroken));
        while town.there("incident", INC, "state") != "3" {
            town.net.lie(Lies::once_after(1, Lie::DoneAndBroken));
            town.settle(Duration::from_secs(1)).await;
            town.world.clock.advance(Duration::from_secs(60));
        }
        let ours = town.row("incident", INC);
        town.net.lie(Lies::always(Lie::Unreachable));
        town.step(1, next).await;
        let wanted = town.incident(1).state;
        town.rule_tells("echo", "incident", &ours).await;
        assert_eq!(town.incident(1).state, wanted);
        assert_eq!(town.disagreements(), []);
        town.net.lie(Lies::none());
        town.settle(DAY).await;
        town.look_there().await;
        town.settle(DAY).await;
        assert_eq!(town.incident(1).state, wanted);
        let there = if wanted == IncidentState::Resolved { "6" } else { "2" };
        assert_eq!(town.there("incident", INC, "state"), there);
        assert_eq!(town.disagreements(), []);
    }
}

/// A problem walks from state to state: where it stands on the way is our own doing too.
#[tokio::test]
async fn a_walk_whose_answer_was_lost_on_the_way_goes_on() {
    for answers in 0..12 {
        let town = Town::with(&heard("mirrored")).await;
        town.fail(1).await;
        let number = town.open_problem(1).await;
        town.settle(DAY).await;
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        let step = ProblemStep::Move(ProblemState::FixInProgress);
        engine.advance_problem(admin, number, step, "a larger pool".into()).await.unwrap();
        town.net.lie(Lies::once_after(answers, Lie::LostAnswer));
        engine.deliver().await.unwrap();
        town.look_there().await;
        town.settle(DAY).await;
        town.look_there().await;
        assert_eq!(town.problem(1).state, ProblemState::FixInProgress, "{answers}");
        assert_eq!(town.there("problem", PRB, "state"), "104", "{answers}");
        assert_eq!(town.disagreements(), [], "{answers}");
    }
}

/// They bring it back by hand to where a reading had seen it before we moved it on.
#[tokio::test]
async fn what_is_brought_back_by_hand_is_followed_though_it_was_seen_before() {
    let town = Town::with(&heard("mirrored")).await;
    town.fail(1).await;
    town.step(1, IncidentStep::Move(IncidentState::InProgress)).await;
    town.settle(DAY).await;
    town.look_there().await;
    town.step(1, IncidentStep::Move(IncidentState::OnHold)).await;
    town.settle(DAY).await;
    town.world.clock.advance(Duration::from_secs(60));
    town.edit("incident", INC, &[("state", "2")]);
    town.look_there().await;
    assert_eq!(town.incident(1).state, IncidentState::InProgress);
    assert_eq!(town.disagreements(), []);
}

/// An issue that was canceled by hand and opened again, of which the first is told last.
#[tokio::test]
async fn a_delivery_that_tells_late_of_a_cancellation_cancels_nothing() {
    let links = format!("links:{JIRA}")
        .replace("      project: OPS", "      authority: jira\n      project: OPS");
    let town = Town::with(&links).await;
    let number = town.world.ask(question("payments", 2, 2)).await.change.unwrap();
    town.settle(DAY).await;
    let label = format!("sluice-{number}");
    let state = town.state_here(number);
    let set = |status: &str| {
        town.world.clock.advance(Duration::from_secs(5));
        let now = town.world.engine.now();
        town.jira.lock().unwrap().set(&label, status, now);
        let jira = town.jira.lock().unwrap();
        let issue = jira.live(&label)[0];
        json!({ "id": issue.id, "key": issue.key, "fields": issue.fields })
    };
    let (canceled, opened) = (set("Canceled"), set("Awaiting approval"));
    town.world.clock.advance(Duration::from_secs(31));
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    for (id, issue) in [("late-1", &opened), ("late-2", &canceled)] {
        let at = town.world.engine.now().as_millisecond();
        let body = json!({ "webhookEvent": "jira:issue_updated", "timestamp": at, "issue": issue });
        let bytes = serde_json::to_vec(&body).unwrap();
        let mac = hmac_sha256(&NamedSecrets::of("JIRA_WEBHOOK"), &bytes);
        let delivery = Delivery::of_body(bytes, town.world.engine.now())
            .with_header("content-type", "application/json")
            .with_header("x-atlassian-webhook-identifier", id)
            .with_header(
                "x-hub-signature",
                &format!("sha256={}", data_encoding::HEXLOWER.encode(&mac)),
            );
        town.world.hear("jira", delivery).await;
        assert_eq!(town.state_here(number), state, "{id}");
        assert_ne!(town.state_here(number), ChangeState::Canceled);
    }
}

/// What was given up and is told anew says what happened, and brings nothing back to where it stood then.
#[tokio::test]
async fn what_is_replayed_after_something_newer_sets_nothing_back() {
    for authority in ["native", "mirrored"] {
        let town = Town::with(&links(authority)).await;
        town.fail(1).await;
        town.settle(DAY).await;
        town.net.lie(Lies::always(Lie::Broken));
        town.step(1, IncidentStep::Move(IncidentState::InProgress)).await;
        town.settle(5 * DAY).await;
        assert_eq!(town.outbox("given_up").len(), 1, "{authority}");
        town.net.lie(Lies::none());
        town.step(1, IncidentStep::Move(IncidentState::OnHold)).await;
        town.settle(DAY).await;
        assert_eq!(town.there("incident", INC, "state"), "3", "{authority}");
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        engine.replay_link(admin, "servicenow", None).await.unwrap();
        town.settle(DAY).await;
        town.look_there().await;
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        assert_eq!(town.there("incident", INC, "state"), "3", "{authority}");
        assert_eq!(town.incident(1).state, IncidentState::OnHold, "{authority}");
        assert_eq!(town.disagreements(), [], "{authority}");
    }
}

#[tokio::test]
async fn what_is_replayed_of_a_change_alters_no_record_and_no_mark_on_its_commit() {
    let town = Town::with(&format!("{LINKS}{JIRA}")).await;
    town.net.lie(Lies::always(Lie::Broken));
    let asked = question("payments", 2, 2);
    let number = town.world.ask(asked.clone()).await.change.unwrap();
    town.settle(5 * DAY).await;
    assert!(!town.outbox("given_up").is_empty());
    town.net.lie(Lies::none());
    assert_eq!(town.deploy_as(asked, 2).await, number, "it is the same change");
    town.settle(DAY).await;
    let shown = || {
        let servicenow = town.servicenow.lock().unwrap();
        let change = servicenow.live(&format!("sluice-{number}"))[0].clone();
        let jira = town.jira.lock().unwrap();
        let issue = jira.live(&format!("sluice-{number}"))[0].clone();
        let github = town.github.lock().unwrap();
        let status = github.statuses.last().unwrap()["state"].clone();
        let slack = town.slack.lock().unwrap();
        let root = slack.roots()[0]["blocks"].clone();
        let change = ["state", "description"].map(|name| change.field(name).to_owned());
        (change, issue.status().to_owned(), issue.fields["description"].clone(), status, root)
    };
    let before = shown();
    let notes = town.servicenow.lock().unwrap().journal.len();
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    for link in ["servicenow", "slack", "github-told", "jira"] {
        engine.replay_link(admin, link, None).await.unwrap();
    }
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    assert_eq!(shown(), before);
    assert_eq!(town.disagreements(), []);
    assert!(town.servicenow.lock().unwrap().journal.len() > notes, "what happened is said");
}
