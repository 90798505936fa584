//! How a link fares, as people see it: nothing good that did not happen, nothing bad that nobody hears of, and no answer
//! again and again.

use std::time::Duration;

use sluice_testkit::neighbours::{Lie, Lies};

use super::{LINKS, Town};
use crate::world::question;

const DAY: Duration = Duration::from_secs(86_400);

/// A forge that has nothing of what is deployed.
const GITLAB: &str = r#"
  - name: gitlab-told
    connector: gitlab
    credentials: {token: {env: GITLAB_TOKEN}}
    tell: [change, decision]
    settings: {host: gitlab.com, api: {url: "https://gitlab.test/api/v4"}}
"#;

impl Town {
    pub(super) fn is_disturbed(&self, link: &str) -> bool {
        let source = format!("sluice:link/{link}");
        self.world.engine.standing().incident_from(&source).is_some()
    }
}

#[tokio::test]
async fn who_was_told_nothing_has_not_answered() {
    let town = Town::with(&format!("{LINKS}{GITLAB}")).await;
    town.deploy("payments", 61).await;
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
    let cards = town.world.engine.links().unwrap();
    let good = |name: &str| cards.iter().find(|card| card.name.as_str() == name).unwrap();
    assert_eq!(good("gitlab-told").last_good_at, None, "nothing was said there");
    assert!(good("servicenow").last_good_at.is_some());
    assert!(!town.net.seen().iter().any(|(host, _)| host == "gitlab.test"));
}

#[tokio::test]
async fn an_answer_that_says_nothing_new_is_said_once() {
    let town = Town::start().await;
    let asked = || question("payments", 63, 63);
    let number = town.world.ask(asked()).await.change.unwrap();
    town.settle(Duration::from_secs(60)).await;
    let notes = |town: &Town| {
        let servicenow = town.servicenow.lock().unwrap();
        let said = servicenow.journal.iter().filter(|(_, note)| note.contains("the gate says"));
        said.count()
    };
    let messages = |town: &Town| town.slack.lock().unwrap().messages.len();
    let statuses = |town: &Town| town.github.lock().unwrap().statuses.len();
    let before = (notes(&town), messages(&town), statuses(&town));
    assert_eq!(before.0, 1, "{:#?}", town.servicenow.lock().unwrap().journal);
    for _ in 0..6 {
        town.world.ask(asked()).await;
        town.settle(Duration::from_secs(60)).await;
    }
    assert_eq!(
        (notes(&town), messages(&town), statuses(&town)),
        before,
        "{:#?}",
        town.servicenow.lock().unwrap().journal
    );
    assert_eq!(town.outbox("pending"), []);
    // What is new is said: the same, in an emergency.
    town.deploy_as(asked(), 63).await;
    town.settle(DAY).await;
    assert_eq!(notes(&town), 2, "{:#?}", town.servicenow.lock().unwrap().journal);
    let ours = i64::from(town.state_here(number).servicenow()).to_string();
    assert_eq!(town.state_there(number), Some(ours));
}

#[tokio::test]
async fn a_link_that_fails_for_an_hour_is_an_incident_until_it_goes_again() {
    let town = Town::start().await;
    town.net.lie(Lies::always(Lie::Unreachable));
    town.deploy("payments", 64).await;
    town.settle(Duration::from_secs(1_800)).await;
    assert!(!town.is_disturbed("servicenow"), "half an hour is no outage");
    town.settle(Duration::from_secs(3_600)).await;
    assert!(town.is_disturbed("servicenow") && town.is_disturbed("slack"));
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
    assert!(!town.is_disturbed("servicenow") && !town.is_disturbed("slack"));
}

#[tokio::test]
async fn a_credential_that_is_not_accepted_is_an_incident_soon() {
    let town = Town::start().await;
    town.slack.lock().unwrap().error = Some("invalid_auth".to_owned());
    town.deploy("payments", 65).await;
    town.settle(Duration::from_secs(1_500)).await;
    assert!(town.is_disturbed("slack") && !town.is_disturbed("servicenow"));
    town.slack.lock().unwrap().error = None;
    town.settle(DAY).await;
    assert!(!town.is_disturbed("slack"));
    assert_eq!(town.slack.lock().unwrap().roots().len(), 1);
}

/// What begins and ends an incident is one rule: it does not come and go with each thing that is told.
#[tokio::test]
async fn trouble_of_one_record_is_no_outage_and_an_outage_is_one_incident() {
    const HOURS: Duration = Duration::from_secs(6 * 3_600);
    let town = Town::start().await;
    let fails_on = |word: Option<&str>| {
        town.slack.lock().unwrap().fails_on = word.map(str::to_owned);
    };
    let opened = || town.world.engine.standing().incidents_counted;
    fails_on(Some("payments"));
    for (service, seed) in [("payments", 76), ("docs", 77)] {
        town.world.ask(question(service, seed, seed.into())).await;
    }
    town.settle(HOURS).await;
    assert!(!town.outbox("pending").is_empty());
    assert_eq!((opened(), town.is_disturbed("slack")), (0, false), "others went well");

    town.slack.lock().unwrap().error = Some("internal_error".to_owned());
    town.world.ask(question("ledger", 78, 78)).await;
    town.settle(HOURS).await;
    assert_eq!((opened(), town.is_disturbed("slack")), (1, true), "nothing goes well");

    // Now one goes well, and what was owed for hours does not.
    town.slack.lock().unwrap().error = None;
    fails_on(Some("ledger"));
    let before = town.slack.lock().unwrap().messages.len();
    town.world.ask(question("docs", 79, 79)).await;
    town.settle(HOURS).await;
    assert!(town.slack.lock().unwrap().messages.len() > before);
    assert_eq!((opened(), town.is_disturbed("slack")), (1, true), "not all is well");
    fails_on(None);
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
    assert_eq!((opened(), town.is_disturbed("slack")), (1, false));
}

/// Much to tell, and little that may be said in a minute: approvers over there count in time all the same.
#[tokio::test]
async fn a_link_with_much_to_tell_is_read_back() {
    let slowly = LINKS.replace("user: sluice\n", "user: sluice\n      authority: servicenow\n");
    let slowly = slowly.replacen("per_minute: 6000", "per_minute: 30", 1);
    let town = Town::with(&slowly).await;
    let number = town.world.ask(question("payments", 66, 66)).await.change.unwrap();
    town.settle(Duration::from_secs(600)).await;
    for seed in 67..75 {
        town.world.ask(question("ledger", seed, u32::from(seed))).await;
    }
    town.world.engine.deliver().await.unwrap();
    assert!(!town.outbox("pending").is_empty());
    let (who, now) = ("bob.baker@acme.example", town.world.engine.now());
    let correlation = format!("sluice-{number}");
    town.servicenow.lock().unwrap().approve(&correlation, who, "approved", now);
    town.world.engine.poll_by(&super::link("servicenow")).await.unwrap();
    assert_eq!(town.world.change(number).approvals.len(), 1);
}
