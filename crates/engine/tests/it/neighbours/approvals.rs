//! Where ServiceNow has the authority, what its approvers say counts here by the same rules.

use std::time::Duration;

use sluice_core::change::ApprovalVerdict;

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
