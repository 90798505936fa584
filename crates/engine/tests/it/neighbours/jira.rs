//! Jira: one issue for each change, whatever happens on the way.

use std::time::Duration;

use serde_json::json;
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::change::{ApprovalVerdict, ChangeState};
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Lie, Lies};

use super::servicenow::disagreements;
use super::{JIRA, Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn start() -> Town {
    Town::with(&format!("links:\n{JIRA}")).await
}

async fn theirs() -> Town {
    let links = JIRA.replace("      project: OPS", "      authority: jira\n      project: OPS");
    let town = Town::with(&format!("links:\n{links}")).await;
    town.jira.lock().unwrap().guarded = vec!["Awaiting implementation"];
    town
}

/// The status that the settings name for a state.
pub(super) fn status_of(state: ChangeState) -> &'static str {
    match state {
        ChangeState::New | ChangeState::Assess => "Open",
        ChangeState::Authorize => "Awaiting approval",
        ChangeState::Scheduled => "Awaiting implementation",
        ChangeState::Implement | ChangeState::Review => "Implementing",
        ChangeState::Closed => "Completed",
        ChangeState::Canceled => "Canceled",
    }
}

#[tokio::test]
async fn a_change_is_one_request_that_walks_along_to_its_end() {
    let town = start().await;
    let number = town.deploy("payments", 61).await;
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
    assert_eq!(town.outbox("given_up"), []);
    let jira = town.jira.lock().unwrap();
    let live = jira.live(&format!("sluice-{number}"));
    let [issue] = live.as_slice() else { panic!("{live:#?}") };
    assert_eq!(issue.status(), status_of(town.state_here(number)));
    assert!(issue.fields["description"].to_string().contains("Revision: sha256:"));
    assert_eq!(issue.links.len(), 1);
    assert_eq!(
        issue.links[0]["object"]["url"],
        format!("https://sluice.acme.example/changes/{number}")
    );
    // Each comment is there once, and for agents only.
    let mut texts: Vec<String> = issue.comments.iter().map(|one| one["body"].to_string()).collect();
    assert!(texts.len() >= 2, "{texts:#?}");
    assert!(issue.comments.iter().all(|one| one["properties"][0]["key"] == "sd.public.comment"));
    let count = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), count);
}

/// Anybody may write comments, and what is owed of a change is told in its order.
#[tokio::test]
async fn long_comments_of_others_hold_up_nothing() {
    for size in [32_000, 300_000] {
        let town = start().await;
        let number = town.world.ask(question("payments", 88, 88)).await.change.unwrap();
        town.settle(DAY).await;
        let before = {
            let mut jira = town.jira.lock().unwrap();
            let comments = &mut jira.issues[0].comments;
            let before = comments.len();
            comments.extend((0..40).map(|id| json!({ "id": id, "body": "x".repeat(size) })));
            before
        };
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        engine.cancel_change(admin, number, None, "not now".into()).await.unwrap();
        let began = town.world.engine.now();
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]), "{size}");
        let took = town.world.engine.now().duration_since(began);
        assert!(took.as_secs() < 600, "{size}: {took:?}");
        let jira = town.jira.lock().unwrap();
        assert_eq!(jira.issues[0].status(), "Canceled", "{size}");
        let ours = jira.issues[0].comments.iter().filter(|one| one["properties"].is_array());
        let mut texts: Vec<String> = ours.map(|one| one["body"].to_string()).collect();
        let count = texts.len();
        texts.sort();
        texts.dedup();
        assert!(count > before && texts.len() == count, "{size}: {texts:#?}");
    }
}

#[tokio::test]
async fn cut_after_any_exchange_and_begun_anew_nothing_is_made_twice() {
    for lie in [Lie::LostAnswer, Lie::DoneAndPage, Lie::Twice] {
        for answers in 0..14 {
            let town = start().await;
            town.jira.lock().unwrap().search_lag_s = 50;
            let number = town.deploy("payments", 62).await;
            town.net.lie(Lies::once_after(answers, lie));
            town.settle(DAY).await;
            assert_eq!(town.outbox("pending"), [], "{lie:?} {answers}");
            let jira = town.jira.lock().unwrap();
            let live = jira.live(&format!("sluice-{number}"));
            assert_eq!(live.len(), 1, "{lie:?} {answers}");
            assert_eq!(live[0].status(), status_of(town.state_here(number)), "{lie:?} {answers}");
            let mut keys: Vec<String> =
                live[0].comments.iter().map(|one| one["body"].to_string()).collect();
            let count = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!((keys.len(), live[0].links.len()), (count, 1), "{lie:?} {answers}");
        }
    }
}

#[tokio::test]
async fn an_issue_that_was_made_twice_is_kept_once_and_the_other_says_so() {
    let town = start().await;
    town.net.lie(Lies::always(Lie::Twice));
    let number = town.deploy("payments", 63).await;
    town.settle(DAY).await;
    let jira = town.jira.lock().unwrap();
    assert_eq!(jira.issues.len(), 2);
    assert_eq!(jira.live(&format!("sluice-{number}")).len(), 1);
    let aside = jira.live(&format!("sluice-{number}-duplicate"));
    let [aside] = aside.as_slice() else { panic!("{:#?}", jira.issues) };
    assert!(aside.comments[0].to_string().contains("Duplicate of OPS-1"), "{aside:#?}");
}

#[tokio::test]
async fn a_label_that_cannot_be_set_is_given_up_at_once() {
    let town = start().await;
    town.jira.lock().unwrap().no_labels = true;
    town.deploy("payments", 64).await;
    town.settle(DAY).await;
    let given_up = town.outbox("given_up");
    assert!(!given_up.is_empty());
    assert!(given_up.iter().all(|row| row.last_error.as_deref().unwrap().starts_with("client:")));
    assert!(town.jira.lock().unwrap().issues.is_empty());
}

#[tokio::test]
async fn an_approval_of_a_request_counts_by_mail_or_by_account() {
    for approver in [
        json!({ "accountId": "557058:bob", "emailAddress": "bob.baker@acme.example" }),
        json!({ "accountId": "557058:BOB" }),
    ] {
        let town = theirs().await;
        let answer = town.world.ask(question("payments", 65, 65)).await;
        let number = answer.change.unwrap();
        town.settle(DAY).await;
        let label = format!("sluice-{number}");
        assert_eq!(town.jira.lock().unwrap().live(&label)[0].status(), "Awaiting approval");
        let now = town.world.engine.now();
        let is_known = approver.get("emailAddress").is_some();
        town.jira.lock().unwrap().approve(&label, approver, "approved", now);
        town.world.engine.poll_by(&link("jira")).await.unwrap();
        let change = town.world.change(number);
        if is_known {
            assert_eq!(change.approvals.first().unwrap().verdict, ApprovalVerdict::Approve);
            assert_eq!(change.approvals[0].revision, change.revision.digest);
        } else {
            // Nobody has declared that account.
            assert_eq!(disagreements(&town), ["approval"]);
        }
    }
}

#[tokio::test]
async fn what_was_done_by_hand_is_recorded_and_not_overwritten() {
    let town = start().await;
    let number = town.world.ask(question("payments", 66, 66)).await.change.unwrap();
    town.settle(DAY).await;
    let label = format!("sluice-{number}");
    town.jira.lock().unwrap().set(&label, "Canceled", town.world.engine.now());
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    assert!(!town.state_here(number).is_over());
    assert_eq!(disagreements(&town), ["state"]);
    town.world.clock.advance(Duration::from_secs(60));
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    assert_eq!(disagreements(&town), ["state"]);
    assert_eq!(town.jira.lock().unwrap().live(&label)[0].status(), "Canceled");
}

#[tokio::test]
async fn where_jira_has_the_authority_a_request_that_is_canceled_there_is_canceled_here() {
    let town = theirs().await;
    let number = town.world.ask(question("payments", 67, 67)).await.change.unwrap();
    town.settle(DAY).await;
    let label = format!("sluice-{number}");
    town.jira.lock().unwrap().set(&label, "Canceled", town.world.engine.now());
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    assert_eq!(town.state_here(number), ChangeState::Canceled);
}

#[tokio::test]
async fn a_webhook_tells_at_once_and_what_comes_both_ways_counts_once() {
    let town = start().await;
    let number = town.world.ask(question("payments", 69, 69)).await.change.unwrap();
    town.settle(DAY).await;
    let label = format!("sluice-{number}");
    let now = town.world.engine.now();
    town.jira.lock().unwrap().set(&label, "Completed", now);
    for (id, wanted) in [("hook-1", 1), ("hook-2", 1)] {
        let issue = {
            let jira = town.jira.lock().unwrap();
            let issue = jira.live(&label)[0].clone();
            json!({ "id": issue.id, "key": issue.key, "fields": issue.fields })
        };
        let body = json!({
            "timestamp": now.as_millisecond(), "webhookEvent": "jira:issue_updated", "id": id, "issue": issue,
        });
        let bytes = serde_json::to_vec(&body).unwrap();
        let mac = hmac_sha256(&NamedSecrets::of("JIRA_WEBHOOK"), &bytes);
        let delivery = Delivery::of_body(bytes, now)
            .with_header("x-atlassian-webhook-identifier", id)
            .with_header(
                "x-hub-signature",
                &format!("sha256={}", data_encoding::HEXLOWER.encode(&mac)),
            );
        let hook = town.world.engine.hook_of(&link("jira"));
        let received = town.world.engine.receive(&hook, delivery).await;
        assert!(matches!(received, Received::Stored { duplicate: false, .. }), "{received:?}");
        while town.world.engine.interpret_inbox().await.unwrap() > 0 {}
        assert_eq!(disagreements(&town).len(), wanted, "{id}");
    }
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    assert_eq!(disagreements(&town), ["state"]);
}
