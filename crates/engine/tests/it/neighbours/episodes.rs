//! Neighbours that lie by a seed. Whatever they do: nothing is lost, at most one object lives for each change, and
//! when they are well again both sides are equal.

use std::time::Duration;

use sluice_testkit::SeededRng;
use sluice_testkit::neighbours::Lies;

use super::{JIRA, LINKS, Town};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test]
async fn whatever_neighbours_do_both_sides_are_equal_in_the_end() {
    for seed in 0..24 {
        episode(seed).await;
    }
}

#[tokio::test]
#[ignore = "an hour of episodes; for the nightly run, with --release"]
async fn ten_thousand_episodes_end_with_both_sides_equal() {
    for seed in 0..10_000 {
        episode(seed).await;
    }
}

async fn episode(seed: u64) {
    let rng = SeededRng::new(seed);
    let town = Town::with(&format!("{LINKS}{JIRA}")).await;
    town.servicenow.lock().unwrap().search_lag_s = i64::try_from(rng.number() % 61).unwrap();
    town.jira.lock().unwrap().search_lag_s = i64::try_from(rng.number() % 61).unwrap();
    town.net.lie(Lies::seeded(seed, 100 + rng.number() % 500));
    let mut numbers = Vec::new();
    for (index, service) in ["payments", "ledger", "web-shop"].into_iter().enumerate() {
        let commit = u8::try_from(60 + index).unwrap();
        numbers.push(town.deploy(service, commit).await);
        town.settle(Duration::from_secs(rng.number() % 1_200)).await;
    }
    town.settle(Duration::from_secs(3_600 + rng.number() % 7_200)).await;
    // They are well again.
    town.net.lie(Lies::none());
    for link in ["servicenow", "slack", "github-told", "jira"] {
        let _ = town.world.engine.replay_link(&town.world.admin, link, None).await;
    }
    town.settle(3 * DAY).await;
    assert_eq!(town.outbox("pending").len(), 0, "seed {seed}: something is still owed");
    assert_eq!(town.outbox("given_up").len(), 0, "seed {seed}: something was given up");
    let servicenow = town.servicenow.lock().unwrap();
    for number in &numbers {
        let live = servicenow.live(&format!("sluice-{number}"));
        assert_eq!(live.len(), 1, "seed {seed}: {number} has {} live records", live.len());
        let ours = i64::from(town.state_here(*number).servicenow()).to_string();
        assert_eq!(live[0].field("state"), ours, "seed {seed}: {number}");
    }
    let jira = town.jira.lock().unwrap();
    for number in &numbers {
        let live = jira.live(&format!("sluice-{number}"));
        assert_eq!(live.len(), 1, "seed {seed}: {number} has {} live issues", live.len());
        let status = super::jira::status_of(town.state_here(*number));
        assert_eq!(live[0].status(), status, "seed {seed}: {number}");
    }
    for number in &numbers {
        assert!(town.github.lock().unwrap().statuses.iter().any(|status| {
            status["description"].as_str().unwrap_or_default().starts_with(&number.to_string())
        }));
    }
}
