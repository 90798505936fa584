//! Neighbours that lie by a seed. Whatever they do: nothing is lost, at most one object lives for each change, and
//! when they are well again both sides are equal.

use std::time::Duration;

use sluice_core::gate::{Decision, Question};
use sluice_testkit::SeededRng;
use sluice_testkit::neighbours::Lies;

use super::gitlab::TOLD;
use super::{JIRA, LINKS, Town};
use crate::world::{commit_id, question};

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
    for seed in seeds() {
        episode(seed).await;
        println!("seed {seed}: both sides are equal");
    }
}

/// All ten thousand, or the part of them that `SLUICE_EPISODES=from..to` names.
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("SLUICE_EPISODES") else { return 0..10_000 };
    let part =
        text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    part.unwrap_or_else(|| panic!("SLUICE_EPISODES is `from..to`, not `{text}`"))
}

async fn episode(seed: u64) {
    let rng = SeededRng::new(seed);
    let town = Town::edited(&format!("{LINKS}{JIRA}"), &[TOLD]).await;
    town.servicenow.lock().unwrap().search_lag_s = i64::try_from(rng.number() % 61).unwrap();
    town.jira.lock().unwrap().search_lag_s = i64::try_from(rng.number() % 61).unwrap();
    town.net.lie(Lies::seeded(seed, 100 + rng.number() % 500));
    let mut numbers = Vec::new();
    for (index, service) in ["payments", "ledger", "web-shop"].into_iter().enumerate() {
        let commit = u8::try_from(60 + index).unwrap();
        let asked = match service {
            "ledger" => town.held_up(commit).await,
            _ => question(service, commit, u32::from(commit)),
        };
        numbers.push(town.deploy_as(asked, commit).await);
        town.settle(Duration::from_secs(rng.number() % 1_200)).await;
    }
    town.settle(Duration::from_secs(3_600 + rng.number() % 7_200)).await;
    // They are well again.
    town.net.lie(Lies::none());
    for link in ["servicenow", "slack", "github-told", "jira", "gitlab"] {
        let _ = town.world.engine.replay_link(&town.world.admin, link, None).await;
    }
    town.settle(3 * DAY).await;
    for state in ["given_up", "pending"] {
        assert_eq!(town.outbox(state), [], "seed {seed}: something is {state}");
    }
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
    let gitlab = town.gitlab.lock().unwrap();
    let sha = commit_id(61).to_string();
    let on_commit: Vec<&str> = gitlab
        .statuses
        .iter()
        .filter(|status| status["sha"] == sha.as_str())
        .filter_map(|status| status["status"].as_str())
        .collect();
    assert_eq!(on_commit.last(), Some(&"success"), "seed {seed}: {on_commit:?}");
    assert_eq!(gitlab.notes.len(), 1, "seed {seed}: {:#?}", gitlab.notes);
    assert!(gitlab.notes[0].1["body"].to_string().contains(&numbers[1].to_string()), "seed {seed}");
    for number in [&numbers[0], &numbers[2]] {
        assert!(town.github.lock().unwrap().statuses.iter().any(|status| {
            status["description"].as_str().unwrap_or_default().starts_with(&number.to_string())
        }));
    }
}

impl Town {
    /// A change of the ledger that is merged in GitLab and has to wait first, so that its merge request gets a note.
    async fn held_up(&self, seed: u8) -> Question {
        self.merged(seed).await;
        let mut asked = question("ledger", seed, u32::from(seed));
        asked.repository = Some("gitlab.com/acme/ledger".to_owned());
        let evidence = std::mem::take(&mut asked.evidence);
        assert_ne!(self.world.ask(asked.clone()).await.decision, Decision::Allow);
        asked.run.id = format!("acme/ledger/again-{seed}");
        Question { evidence, ..asked }
    }
}
