//! Credentials that expire: told in advance, to whoever is told of incidents, and over when the date is another one.

use std::time::Duration;

use super::Town;
use crate::world::acme;

const DAY: Duration = Duration::from_secs(24 * 3_600);

const CREDENTIAL: &str = "sluice:credential/github-told/token";

/// Expires three weeks from the beginning.
fn links(day: &str) -> String {
    format!(
        r#"
links:
  - name: github-told
    connector: github
    credentials: {{token: {{env: GITHUB_TOKEN}}}}
    credential_expires: {{token: {day}}}
    tell: [decision]
    settings: {{api: {{url: "https://github.test"}}}}
  - name: slack
    connector: slack
    credentials: {{bot_token: {{env: SLACK}}}}
    tell: [incident]
    settings: {{url: "https://slack.test", channel: C1}}
"#
    )
}

impl Town {
    async fn renewed(&self, day: &str) {
        let mut folder = acme();
        folder.insert("told.yaml".to_owned(), links(day).into_bytes());
        self.world.engine.apply(&self.world.admin, &folder, "test", None).await.unwrap();
    }

    fn said(&self) -> Vec<String> {
        let slack = self.slack.lock().unwrap();
        slack.messages.iter().map(|said| said["text"].as_str().unwrap().to_owned()).collect()
    }

    fn expires_soon(&self) -> Option<bool> {
        let cards = self.world.engine.links().unwrap();
        let card = cards.into_iter().find(|card| card.name.as_str() == "github-told").unwrap();
        card.expires.map(|first| first.soon)
    }
}

#[tokio::test]
async fn a_credential_that_expires_is_told_of_two_weeks_before_and_once() {
    let town = Town::with(&links("2026-03-25")).await;
    town.world.engine.keep_deadlines().await.unwrap();
    assert!(town.world.engine.standing().incident_from(CREDENTIAL).is_none());
    assert_eq!(town.expires_soon(), Some(false));
    town.world.clock.advance(7 * DAY);
    for _ in 0..3 {
        town.world.engine.keep_deadlines().await.unwrap();
    }
    assert!(town.world.engine.standing().incident_from(CREDENTIAL).is_some());
    assert_eq!(town.expires_soon(), Some(true));
    town.settle(DAY).await;
    let said = town.said();
    let [one] = said.as_slice() else { panic!("{said:#?}") };
    assert!(one.contains("`token` of the link `github-told` expires on 2026-03-25"), "{one}");
}

#[tokio::test]
async fn a_later_date_ends_the_warning() {
    let town = Town::with(&links("2026-03-06")).await;
    town.world.engine.keep_deadlines().await.unwrap();
    assert!(town.world.engine.standing().incident_from(CREDENTIAL).is_some());
    town.renewed("2027-03-06").await;
    town.world.engine.keep_deadlines().await.unwrap();
    assert!(town.world.engine.standing().incident_from(CREDENTIAL).is_none());
    assert_eq!(town.expires_soon(), Some(false));
    town.settle(DAY).await;
    assert_eq!(town.said().len(), 2, "{:#?}", town.said());
}

#[tokio::test]
async fn a_date_that_moved_and_is_still_soon_is_the_one_that_is_warned_of() {
    let town = Town::with(&links("2026-03-06")).await;
    town.world.engine.keep_deadlines().await.unwrap();
    town.renewed("2026-03-10").await;
    for _ in 0..3 {
        town.world.engine.keep_deadlines().await.unwrap();
    }
    let standing = town.world.engine.standing();
    let title = &standing.incident_from(CREDENTIAL).unwrap().title;
    assert!(title.ends_with("2026-03-10"), "{title}");
    town.settle(DAY).await;
    assert_eq!(town.said().len(), 3, "{:#?}", town.said());
}
