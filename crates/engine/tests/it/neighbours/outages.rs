//! When an incident stands for a link, and when it does not: by the whole engine. The rule as a table stands beside it.

use std::time::Duration;

use sluice_core::gate::Question;

use super::mail::Office;
use super::{LINKS, Town, jenkins, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(86_400);
const QUIET: &str =
    "to: [desk@acme.example], quiet: {from: \"20:00\", to: \"07:00\", zone: Europe/Berlin}";

impl Office {
    fn is_disturbed(&self) -> bool {
        self.world.engine.standing().incident_from("sluice:link/mail").is_some()
    }
}

/// What can be read tells nothing.
#[tokio::test]
async fn a_link_that_reads_well_and_cannot_write_is_an_incident() {
    let polled = LINKS.replace("user: sluice\n", "user: sluice\n      authority: servicenow\n");
    for (status, before, after) in [(403, 10, 20), (500, 60, 120)] {
        let town = Town::with(&polled).await;
        town.servicenow.lock().unwrap().writes = Some(status);
        town.world.ask(question("payments", 140, 140)).await;
        let began = town.world.engine.now();
        let passed = || town.world.engine.now().duration_since(began).as_secs() / 60;
        while passed() < after {
            town.settle(Duration::from_secs(29)).await;
            town.world.clock.advance(Duration::from_secs(31));
            town.world.engine.poll_by(&link("servicenow")).await.unwrap();
            assert!(passed() >= before || !town.is_disturbed("servicenow"), "{status}");
        }
        let health = town.world.engine.readers().link_health("servicenow").unwrap().unwrap();
        assert!(health.last_good_us.is_some() && health.last_told_us.is_none(), "{health:?}");
        assert!(town.is_disturbed("servicenow"), "{status}");
        town.servicenow.lock().unwrap().writes = None;
        town.settle(DAY).await;
        assert!(!town.is_disturbed("servicenow"), "{status}");
    }
}

/// A build is to be aborted, and we may not; of the rest Jenkins is told nothing.
#[tokio::test]
async fn what_needs_no_word_ends_no_incident() {
    let town = Town::with(jenkins::LINKS).await;
    town.world.ask(question("payments", 141, 141)).await;
    town.build_waits(141).await;
    town.denied(141).await;
    town.jenkins.lock().unwrap().crumbs = true;
    town.settle(Duration::from_secs(1_500)).await;
    assert!(town.is_disturbed("builds"));
    let opened = || town.world.engine.standing().incidents_counted;
    let before = opened();
    town.world.ask(question("docs", 142, 142)).await;
    town.settle(Duration::from_secs(1_500)).await;
    assert!(town.is_disturbed("builds") && opened() == before);
    town.jenkins.lock().unwrap().crumbs = false;
    town.settle(DAY).await;
    assert!(!town.is_disturbed("builds") && town.build().aborted);
}

#[tokio::test]
async fn what_is_held_until_morning_keeps_no_incident() {
    let office = Office::start("2026-03-04T17:20:00Z", "[change, decision]", QUIET).await;
    office.server.lock().unwrap().code = Some(451);
    office.world.ask(question("payments", 143, 143)).await;
    office.hours(1).await;
    assert!(office.is_disturbed());
    office.hours(1).await;
    office.server.lock().unwrap().code = None;
    let urgent = Question { emergency: Some("down".into()), ..question("ledger", 144, 144) };
    office.world.ask(urgent).await;
    office.hours(0).await;
    assert!(!office.letters().is_empty() && !office.is_disturbed());
    assert!(office.world.engine.readers().outbox_owed("mail").unwrap().pending > 0);
}

/// Held for nine hours it was not owed for nine hours.
#[tokio::test]
async fn what_was_held_all_night_is_no_outage_in_the_morning() {
    let office = Office::start("2026-03-04T20:00:00Z", "[decision]", QUIET).await;
    office.world.ask(question("payments", 145, 145)).await;
    office.hours(9).await;
    office.server.lock().unwrap().code = Some(451);
    office.world.clock.advance(Duration::from_secs(3_600));
    for _ in 0..5 {
        office.hours(0).await;
        assert!(!office.is_disturbed());
        office.world.clock.advance(Duration::from_secs(600));
    }
    office.hours(2).await;
    assert!(office.is_disturbed());
}

#[tokio::test]
async fn a_full_mailbox_keeps_no_incident_and_hides_none() {
    let to = "to: [\"a@acme.example\", \"b@acme.example\"]";
    let office = Office::start("2026-03-04T10:00:00Z", "[decision]", to).await;
    office.server.lock().unwrap().deferred = ["b@acme.example".to_owned()].into();
    office.world.ask(question("payments", 146, 146)).await;
    office.hours(3).await;
    assert!(!office.is_disturbed());
    // The server goes away, for everybody.
    office.server.lock().unwrap().code = Some(421);
    office.hours(1).await;
    let health = office.world.engine.readers().link_health("mail").unwrap().unwrap();
    assert!(health.failures > 0, "{health:?}");
    office.world.ask(question("ledger", 147, 147)).await;
    office.hours(2).await;
    assert!(office.is_disturbed());
    office.server.lock().unwrap().code = None;
    office.hours(1).await;
    assert_eq!(office.letters().len(), 2);
    assert!(!office.is_disturbed());
}

/// Asked to come again, and then not taken at all: as if it had not been taken at once.
#[tokio::test]
async fn who_is_deferred_and_then_refused_is_a_difference() {
    let to = "to: [\"a@acme.example\", \"b@acme.example\"]";
    let office = Office::start("2026-03-04T10:00:00Z", "[decision]", to).await;
    office.server.lock().unwrap().deferred = ["b@acme.example".to_owned()].into();
    let number = office.world.ask(question("payments", 148, 148)).await.change.unwrap();
    office.hours(1).await;
    {
        let mut server = office.server.lock().unwrap();
        server.deferred.clear();
        server.unknown = ["b@acme.example".to_owned()].into();
    }
    office.hours(6).await;
    let readers = office.world.engine.readers();
    let owed = readers.outbox_owed("mail").unwrap();
    assert_eq!((owed.pending, owed.given_up, office.is_disturbed()), (0, 0, false));
    let known = readers.external_refs("mail", &number.to_string()).unwrap();
    let differs = known.iter().find(|known| known.name == "differs.recipients").unwrap();
    assert_eq!(differs.value, "1|1 are not taken");
}

/// Counted from when it was given up, and not from when it would have been tried again.
#[tokio::test]
async fn what_is_given_up_is_so_from_now_on() {
    let town = Town::start().await;
    town.servicenow.lock().unwrap().ignored = vec!["correlation_id".to_owned()];
    town.deploy("payments", 149).await;
    town.world.engine.deliver_by(&link("servicenow")).await.unwrap();
    let given_up = town.outbox("given_up");
    let now_us = town.world.engine.now().as_microsecond();
    assert!(!given_up.is_empty() && given_up.iter().all(|row| row.effect.next_us <= now_us));
}
