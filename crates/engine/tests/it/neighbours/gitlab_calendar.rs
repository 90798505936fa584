//! GitLab's freeze periods are what our calendar closes, and what failed has an issue.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::neighbours::{Lie, Lies};

use super::Town;
use super::gitlab::TOLD;
use crate::world::{acme, digest, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A week ahead, and one that begins every Sunday.
const WINDOWS: &str = r#"
windows:
  - {name: easter, title: Easter, kind: freeze, zone: UTC, scope: {services: [ledger]}, start: 2026-03-11T18:00:00, duration: 36h, reason: test}
  - {name: audit, title: Audit, kind: freeze, zone: UTC, scope: {services: [ledger]}, start: 2026-03-20T00:00:00, duration: 3d, reason: test}
"#;

fn told() -> (&'static str, String) {
    let (from, to) = TOLD;
    let to = to
        .replace("tell: [decision, change]", "tell: [decision, change, deployment, calendar]")
        .replace(
            "per_minute: 2000",
            "per_minute: 2000, issues: true, freezes: {acme/ledger: production}",
        );
    (from, to)
}

async fn start(windows: &str) -> Town {
    let (from, to) = told();
    Town::edited(windows, &[(from, to.as_str())]).await
}

impl Town {
    async fn with_windows(&self, windows: &str) {
        let (from, to) = told();
        let mut folder = acme();
        folder.insert("told.yaml".to_owned(), windows.as_bytes().to_vec());
        let own = String::from_utf8(folder.get("links.yaml").unwrap().to_vec()).unwrap();
        folder.insert("links.yaml", own.replace(from, &to));
        self.world.engine.apply(&self.world.admin, &folder, "test", None).await.unwrap();
        self.kept().await;
    }

    /// The calendar is looked at, and told until nothing is owed.
    async fn kept(&self) {
        self.world.engine.owe_calendars().await.unwrap();
        self.settle(DAY).await;
        assert_eq!((self.outbox("pending"), self.outbox("given_up")), (vec![], vec![]));
    }

    /// Begin and end of all periods of a zone.
    fn periods(&self, zone: &str) -> Vec<(String, String)> {
        let gitlab = self.gitlab.lock().unwrap();
        let of = gitlab.periods.iter().filter(|(_, period)| period["cron_timezone"] == zone);
        let text = |period: &Value, name: &str| period[name].as_str().unwrap().to_owned();
        let mut found: Vec<_> = of
            .map(|(_, period)| (text(period, "freeze_start"), text(period, "freeze_end")))
            .collect();
        found.sort();
        found
    }

    fn has(&self, start: &str, end: &str) -> bool {
        self.periods("Etc/UTC").contains(&(start.to_owned(), end.to_owned()))
    }
}

const EASTER: (&str, &str) = ("0 18 11 3 *", "0 6 13 3 *");
const AUDIT: (&str, &str) = ("0 0 20 3 *", "0 0 23 3 *");
const LONGER: (&str, &str) = ("0 0 20 3 *", "0 0 24 3 *");

#[tokio::test]
async fn freeze_periods_are_made_moved_and_taken_away_and_those_of_people_are_left() {
    let town = start(WINDOWS).await;
    let theirs = json!({ "id": 900, "freeze_start": "0 23 * * 5", "freeze_end": "0 7 * * 1", "cron_timezone": "UTC" });
    town.gitlab.lock().unwrap().periods.push(("acme%2Fledger".to_owned(), theirs));
    town.kept().await;
    assert!(
        town.has(EASTER.0, EASTER.1) && town.has(AUDIT.0, AUDIT.1),
        "{:?}",
        town.periods("Etc/UTC")
    );
    let before = town.periods("Etc/UTC").len();
    // Nothing is asked of anybody while nothing changes.
    let asked = town.net.seen().len();
    assert_eq!(town.world.engine.owe_calendars().await.unwrap(), 0);
    town.settle(Duration::from_secs(3_600)).await;
    assert_eq!(town.net.seen().len(), asked);
    // Longer: the period is moved.
    town.with_windows(&WINDOWS.replace("duration: 3d", "duration: 4d")).await;
    assert!(town.has(LONGER.0, LONGER.1) && !town.has(AUDIT.0, AUDIT.1));
    assert_eq!(town.periods("Etc/UTC").len(), before);
    assert!(
        town.net
            .seen()
            .iter()
            .any(|(_, seen)| seen.method == "PUT" && seen.path.contains("freeze_periods"))
    );
    // And back again.
    town.with_windows(WINDOWS).await;
    assert!(town.has(AUDIT.0, AUDIT.1) && !town.has(LONGER.0, LONGER.1));
    // Over: it is gone, because an expression knows no year.
    town.world.clock.advance(30 * DAY);
    town.kept().await;
    assert!(!town.has(EASTER.0, EASTER.1) && !town.has(AUDIT.0, AUDIT.1));
    town.with_windows("windows: []\n").await;
    assert_eq!(town.periods("UTC"), [("0 23 * * 5".to_owned(), "0 7 * * 1".to_owned())]);
}

#[tokio::test]
async fn cut_after_any_exchange_periods_are_equal_in_the_end() {
    for lie in [Lie::LostAnswer, Lie::DoneAndPage, Lie::Twice, Lie::WrongObject, Lie::Broken] {
        for answers in 0..5 {
            let town = start(WINDOWS).await;
            town.net.lie(Lies::once_after(answers, lie));
            town.kept().await;
            // What they made twice is seen when they are told of the calendar again.
            town.with_windows(&WINDOWS.replace("duration: 3d", "duration: 4d")).await;
            let periods = town.periods("Etc/UTC");
            let distinct: BTreeSet<_> = periods.iter().cloned().collect();
            assert_eq!(distinct.len(), periods.len(), "{lie:?} {answers}: {periods:?}");
            assert!(
                town.has(LONGER.0, LONGER.1) && !town.has(AUDIT.0, AUDIT.1),
                "{lie:?} {answers}"
            );
        }
    }
}

#[tokio::test]
async fn what_failed_has_one_issue_and_what_went_well_has_none() {
    let check = async |lie: Option<Lie>, state: &str, title: Option<&str>| {
        let town = start("windows: []\n").await;
        let mut asked = question("ledger", 91, 91);
        asked.repository = Some("gitlab.com/acme/ledger".to_owned());
        asked.emergency = Some("the books do not balance".into());
        let answer = town.world.ask(asked).await;
        let redeemed = town.world.redeem(&answer, [digest(91)].into()).await.unwrap();
        town.settle(DAY).await;
        if let Some(lie) = lie {
            town.net.lie(Lies::once_after(1, lie));
        }
        town.world.report(redeemed.deployment, json!({ "state": state })).await;
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        let gitlab = town.gitlab.lock().unwrap();
        let titles = gitlab.issues.iter().map(|(_, issue)| issue["title"].as_str().unwrap());
        let titles: Vec<&str> = titles.map(|title| title.split_once(": ").unwrap().1).collect();
        assert_eq!(titles, title.into_iter().collect::<Vec<_>>(), "{lie:?} {state}");
    };
    check(None, "succeeded", None).await;
    for lie in [None, Some(Lie::LostAnswer), Some(Lie::DoneAndPage)] {
        check(lie, "failed", Some("ledger 1.91.0 failed in production")).await;
        check(lie, "rolled_back", Some("ledger 1.91.0 was rolled back in production")).await;
    }
}
