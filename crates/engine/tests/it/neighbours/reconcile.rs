//! Whether both sides are equal is asked of the neighbour itself, and alters nothing unless somebody wants it to.

use std::time::Duration;

use super::{JIRA, LINKS, Town};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn told() -> (Town, Vec<String>) {
    let town = Town::with(&format!("{LINKS}{JIRA}")).await;
    let mut labels = Vec::new();
    for (index, service) in ["payments", "ledger", "web-shop"].into_iter().enumerate() {
        let number = town.deploy(service, u8::try_from(101 + index).unwrap()).await;
        labels.push(format!("sluice-{number}"));
    }
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
    (town, labels)
}

#[tokio::test]
async fn both_sides_are_proved_equal_without_altering_anything() {
    let (town, _) = told().await;
    let before = town.net.seen().len();
    for link in ["servicenow", "jira"] {
        let result = town.world.engine.reconcile_link(&town.world.admin, link, true).await.unwrap();
        assert_eq!((result.compared, result.equal), (3, 3), "{link}: {:#?}", result.differing);
    }
    let asked = town.net.seen().split_off(before);
    assert!(!asked.is_empty() && asked.iter().all(|(_, seen)| seen.method == "GET"));
}

#[tokio::test]
async fn what_differs_is_listed_and_what_can_be_is_mended() {
    let (town, labels) = told().await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let now = engine.now();
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        // One goes back, one is lost, and one was canceled by hand.
        servicenow.edit(&labels[0], &[("state", "-5")], now);
        servicenow.changes.retain(|record| record.field("correlation_id") != labels[1]);
        servicenow.edit(&labels[2], &[("state", "4")], now);
    }
    let result = engine.reconcile_link(admin, "servicenow", true).await.unwrap();
    assert_eq!((result.compared, result.equal, result.owed_anew), (3, 0, 1), "{result:#?}");
    let mut about: Vec<(&str, &str, bool)> = result
        .differing
        .iter()
        .map(|one| (one.about.as_str(), one.theirs.as_str(), one.mendable))
        .collect();
    about.sort_unstable();
    assert_eq!(
        about,
        [
            ("state", "an earlier one", true),
            ("state", "canceled", false),
            ("unknown", "the change request is gone, or may no longer be read", false),
        ]
    );
    town.settle(DAY).await;
    let result = engine.reconcile_link(admin, "servicenow", false).await.unwrap();
    assert_eq!((result.equal, result.differing.len()), (1, 2), "{result:#?}");
}

#[tokio::test]
async fn a_neighbour_that_was_away_for_an_hour_is_equal_again() {
    let town = Town::with(&format!("{LINKS}{JIRA}")).await;
    town.net.lie(sluice_testkit::neighbours::Lies::always(
        sluice_testkit::neighbours::Lie::Unreachable,
    ));
    for seed in [111, 112] {
        town.deploy(if seed == 111 { "payments" } else { "ledger" }, seed).await;
    }
    town.settle(Duration::from_secs(3_600)).await;
    town.net.lie(sluice_testkit::neighbours::Lies::none());
    for link in ["servicenow", "jira"] {
        let result =
            town.world.engine.reconcile_link(&town.world.admin, link, false).await.unwrap();
        assert_eq!(result.equal, 0);
        assert!(result.differing.iter().all(|one| one.theirs == "it is still owed"));
    }
    town.settle(DAY).await;
    for link in ["servicenow", "jira"] {
        let result =
            town.world.engine.reconcile_link(&town.world.admin, link, false).await.unwrap();
        assert_eq!((result.compared, result.equal), (2, 2), "{link}: {:#?}", result.differing);
    }
}

/// Where they have to act, their record waits. Both sides do not say the same then, and nobody but them can mend it.
#[tokio::test]
async fn a_record_that_waits_for_their_approvers_is_not_equal_to_one_that_went_on() {
    let links = format!("{LINKS}{JIRA}")
        .replace("user: sluice\n", "user: sluice\n      authority: servicenow\n")
        .replace("      project: OPS", "      authority: jira\n      project: OPS");
    let town = Town::with(&links).await;
    town.servicenow.lock().unwrap().needs_approval = true;
    town.jira.lock().unwrap().guarded = vec!["Awaiting implementation"];
    let number = town.deploy("payments", 104).await;
    town.settle(DAY).await;
    assert_eq!(town.state_there(number).as_deref(), Some("-3"), "they did not act");
    let ours = town.state_here(number).as_str();
    assert!(town.state_here(number) > sluice_core::change::ChangeState::Authorize);
    for link in ["servicenow", "jira"] {
        let result = town.world.engine.reconcile_link(&town.world.admin, link, true).await.unwrap();
        let [one] = result.differing.as_slice() else { panic!("{link}: {result:#?}") };
        let said = (one.about.as_str(), one.ours.as_str(), one.theirs.as_str(), one.mendable);
        assert_eq!(said, ("state", ours, "authorize", false), "{link}");
        assert_eq!((result.equal, result.owed_anew), (0, 0), "{link}");
    }
}

#[tokio::test]
async fn who_keeps_no_records_is_not_compared() {
    let (town, _) = told().await;
    let refused = town.world.engine.reconcile_link(&town.world.admin, "slack", false).await;
    assert!(refused.is_err());
}
