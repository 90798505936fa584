//! Where ServiceNow has the authority, what its approvers say counts here by the same rules.

use std::time::Duration;

use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::change::ApprovalVerdict;
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;

use super::servicenow::disagreements;
use super::{LINKS, Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn theirs() -> (Town, sluice_core::ids::ChangeNumber, String) {
    let town =
        Town::with(&LINKS.replace("user: sluice\n", "user: sluice\n      authority: servicenow\n"))
            .await;
    town.servicenow.lock().unwrap().needs_approval = true;
    let answer = town.world.ask(question("payments", 51, 51)).await;
    let number = answer.change.unwrap();
    town.settle(DAY).await;
    (town, number, format!("sluice-{number}"))
}

#[tokio::test]
async fn an_approval_over_there_is_taken_over_for_the_revision_that_was_shown() {
    let (town, number, correlation) = theirs().await;
    let now = town.world.engine.now();
    town.servicenow.lock().unwrap().approve(
        &correlation,
        "bob.baker@acme.example",
        "approved",
        now,
    );
    town.world.engine.poll_by(&link("servicenow")).await.unwrap();
    let change = town.world.change(number);
    let approval = change.approvals.first().expect("an approval was taken over");
    assert_eq!(approval.verdict, ApprovalVerdict::Approve);
    assert_eq!(approval.revision, change.revision.digest);
    assert!(approval.reason.contains("servicenow"), "{}", approval.reason);
    // Read again, it is the same approval.
    town.world.clock.advance(Duration::from_secs(60));
    town.world.engine.poll_by(&link("servicenow")).await.unwrap();
    assert_eq!(town.world.change(number).approvals.len(), 1);
}

#[tokio::test]
async fn an_approval_by_nobody_we_know_or_by_the_author_does_not_count() {
    let (town, number, correlation) = theirs().await;
    let now = town.world.engine.now();
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        servicenow.approve(&correlation, "mallory@elsewhere.example", "approved", now);
        servicenow.approve(&correlation, "chidi.okafor@acme.example", "approved", now);
    }
    town.world.engine.poll_by(&link("servicenow")).await.unwrap();
    assert!(town.world.change(number).approvals.is_empty());
    assert_eq!(disagreements(&town), ["approval", "approval"]);
}

#[tokio::test]
async fn an_approval_of_an_earlier_revision_does_not_count() {
    let (town, number, correlation) = theirs().await;
    let now = town.world.engine.now();
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        let other = format!("Revision: sha256:{}", "0".repeat(64));
        servicenow.edit(&correlation, &[("description", &other)], now);
        servicenow.approve(&correlation, "bob.baker@acme.example", "approved", now);
    }
    town.world.engine.poll_by(&link("servicenow")).await.unwrap();
    assert!(town.world.change(number).approvals.is_empty());
    assert_eq!(disagreements(&town), ["approval"]);
}

#[tokio::test]
async fn a_business_rule_tells_of_an_approval_at_once_and_it_counts_once() {
    let links = LINKS.replace(
        "    credentials: {password: {env: SNOW}}\n",
        "    secrets: [{env: RULE}]\n    credentials: {password: {env: SNOW}}\n",
    );
    let town =
        Town::with(&links.replace("user: sluice\n", "user: sluice\n      authority: servicenow\n"))
            .await;
    let number = town.world.ask(question("payments", 52, 52)).await.change.unwrap();
    town.settle(DAY).await;
    let (correlation, now) = (format!("sluice-{number}"), town.world.engine.now());
    let record = {
        let mut servicenow = town.servicenow.lock().unwrap();
        servicenow.approve(&correlation, "bob.baker@acme.example", "approved", now);
        serde_json::json!(servicenow.approvals()[0].fields)
    };
    let body = serde_json::json!({ "table": "sysapproval_approver", "record": record });
    let bytes = serde_json::to_vec(&body).unwrap();
    let hook = town.world.engine.hook_of(&link("servicenow"));
    for (secret, is_taken) in [("ANOTHER", false), ("RULE", true)] {
        let mac = hmac_sha256(&NamedSecrets::of(secret), &bytes);
        let delivery = Delivery::of_body(bytes.clone(), now)
            .with_header("x-sluice-delivery", "1-1")
            .with_header(
                "x-sluice-signature",
                &format!("sha256={}", data_encoding::BASE64.encode(&mac)),
            );
        let received = town.world.engine.receive(&hook, delivery).await;
        assert_eq!(matches!(received, Received::Stored { .. }), is_taken, "{received:?}");
    }
    while town.world.engine.interpret_inbox().await.unwrap() > 0 {}
    assert_eq!(town.world.change(number).approvals.len(), 1);
    town.world.engine.poll_by(&link("servicenow")).await.unwrap();
    assert_eq!(town.world.change(number).approvals.len(), 1);
    assert!(disagreements(&town).is_empty());
}
