//! What is owed to a link that is told nothing any more does not stay owed for ever.

use std::time::Duration;

use sluice_testkit::neighbours::{Lie, Lies};

use super::{LINKS, Town, link};
use crate::world::acme;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const HOUR: Duration = Duration::from_secs(3_600);
const INCIDENT: &str = "sluice:link/servicenow";

impl Town {
    async fn declared(&self, links: &str) {
        let mut folder = acme();
        folder.insert("told.yaml".to_owned(), links.as_bytes().to_vec());
        self.world.engine.apply(&self.world.admin, &folder, "test", None).await.unwrap();
    }

    /// What is in a state that the link `servicenow` is owed.
    fn of_servicenow(&self, state: &str) -> usize {
        let rows = self.outbox(state).into_iter();
        rows.filter(|row| row.effect.link == "servicenow").count()
    }

    async fn give_up(&self) -> usize {
        self.world.engine.give_up_orphaned_effects().await.unwrap()
    }
}

#[tokio::test]
async fn what_is_owed_to_a_link_that_is_gone_or_renamed_is_given_up_and_can_be_told_after_all() {
    let renamed = LINKS.replace("name: servicenow", "name: snow");
    let heard = LINKS.replacen("    tell: [change, approval, decision, deployment]\n", "", 1);
    let heard = heard.replacen(
        "credentials: {password",
        "secrets: [{env: RULE}]\n    credentials: {password",
        1,
    );
    for after in ["links: []\n", &renamed, &heard] {
        let town = Town::start().await;
        let number = town.deploy("payments", 31).await;
        let owed = town.of_servicenow("pending");
        assert!(owed > 0);
        assert_eq!(town.give_up().await, 0, "it is declared, and will be told");
        town.world
            .engine
            .pause_link(&town.world.admin, "servicenow", "a rest".to_owned())
            .await
            .unwrap();
        assert_eq!(town.give_up().await, 0, "a pause keeps what is owed");
        town.world.engine.resume_link(&town.world.admin, "servicenow").await.unwrap();
        town.declared(after).await;
        assert!(town.give_up().await >= owed, "{after}");
        assert_eq!(town.give_up().await, 0, "{after}");
        assert_eq!((town.of_servicenow("pending"), town.of_servicenow("given_up")), (0, owed));
        let row = town.outbox("given_up").into_iter().find(|row| row.effect.link == "servicenow");
        let said = row.unwrap().last_error;
        assert_eq!(said.as_deref(), Some("client: the link is told nothing any more"));
        // Declared again, a person may have it told all the same.
        town.declared(LINKS).await;
        let replayed = town.world.engine.replay_link(&town.world.admin, "servicenow", None).await;
        assert_eq!(replayed.unwrap().value, owed as u64);
        town.settle(DAY).await;
        assert_eq!((town.of_servicenow("pending"), town.of_servicenow("given_up")), (0, 0));
        let ours = i64::from(town.state_here(number).servicenow()).to_string();
        assert_eq!(town.state_there(number), Some(ours), "{after}");
    }
}

#[tokio::test]
async fn what_an_earlier_link_of_the_name_gave_up_keeps_no_incident_open() {
    let town = Town::start().await;
    town.deploy("payments", 32).await;
    town.declared("links: []\n").await;
    town.give_up().await;
    let given_up = town.of_servicenow("given_up");
    assert!(given_up > 0);
    town.declared(LINKS).await;
    town.world.clock.advance(DAY);
    town.net.lie(Lies::always(Lie::Unreachable));
    town.deploy("ledger", 33).await;
    town.settle(2 * HOUR).await;
    assert!(town.world.engine.standing().incident_from(INCIDENT).is_some());
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    assert_eq!((town.of_servicenow("pending"), town.of_servicenow("given_up")), (0, given_up));
    assert!(town.world.engine.standing().incident_from(INCIDENT).is_none());
}

#[tokio::test]
async fn the_incident_of_a_link_that_is_gone_is_over() {
    let town = Town::start().await;
    town.servicenow.lock().unwrap().ignored = vec!["correlation_id".to_owned()];
    town.deploy("payments", 31).await;
    town.world.engine.deliver_by(&link("servicenow")).await.unwrap();
    assert!(town.of_servicenow("given_up") > 0);
    assert!(town.world.engine.standing().incident_from(INCIDENT).is_some());
    town.declared("links: []\n").await;
    town.give_up().await;
    assert!(town.world.engine.standing().incident_from(INCIDENT).is_none());
    let size = town.world.engine.standing().size;
    town.give_up().await;
    assert_eq!(town.world.engine.standing().size, size, "there is nothing more to record");
}
