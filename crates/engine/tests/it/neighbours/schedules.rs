//! Blackout and maintenance schedules of ServiceNow: windows of the calendar, kept over there and judged here.

use std::time::Duration;

use sluice_core::calendar::WindowKind;
use sluice_core::gate::Decision;
use sluice_core::ids::ServiceName;
use sluice_testkit::neighbours::{Lie, Lies};

use super::servicenow::differing;
use super::{Town, link};
use crate::world::{acme, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

const LINKS: &str = r#"
links:
  - name: servicenow
    connector: servicenow
    credentials: {password: {env: SNOW}}
    tell: [change]
    settings:
      url: https://servicenow.test
      user: sluice
      per_minute: 6000
      schedules:
        zone: Europe/Berlin
        scope: {environments: [production]}
        of: {Tills: {services: [payments]}}
"#;

impl Town {
    async fn read(&self) -> usize {
        self.world.clock.advance(Duration::from_secs(300));
        self.world.engine.read_windows_by(&link("servicenow")).await.unwrap()
    }

    fn blackout(&self, name: &str, from: &str, to: &str, more: &[(&str, &str)]) -> String {
        let mut servicenow = self.servicenow.lock().unwrap();
        let schedule = servicenow.calendars.schedule("blackout", name, "Europe/Berlin");
        servicenow.calendars.span(&schedule, from, to, more)
    }

    fn titles(&self) -> Vec<String> {
        let standing = self.world.engine.standing();
        standing.theirs.values().map(|theirs| theirs.window.title.clone()).collect()
    }

    /// Which freezes hold an emergency for a service now.
    async fn held_by(&self, service: &str, seed: u8) -> Vec<String> {
        let asked = question(service, seed, u32::from(seed));
        let answer = self.world.ask(asked).await;
        let frozen = answer.reasons.iter().filter(|reason| reason.rule == "freeze.in_force");
        assert!(frozen.clone().count() == 0 || answer.decision != Decision::Allow);
        frozen.map(|reason| reason.message.clone()).collect()
    }

    fn unread(&self) -> Vec<String> {
        differing(self).into_iter().map(|it| format!("{} {}", it.about, it.ours)).collect()
    }
}

/// It is Wednesday the 4th of March, 11 o'clock in Berlin.
#[tokio::test]
async fn a_blackout_holds_what_it_covers_until_it_ends_over_there() {
    let town = Town::with(LINKS).await;
    let span = town.blackout("Year end", "20260304T090000", "20260304T180000", &[]);
    assert_eq!(town.read().await, 1);
    let held = town.held_by("payments", 21).await;
    assert!(held.iter().any(|message| message.contains("Year end")), "{held:?}");
    // It is among what comes, with where it is from.
    let payments = ServiceName::parse("payments").unwrap();
    let next = town.world.engine.next_windows(&payments, Some("production"), 10);
    let next = next.iter().find(|window| window.title == "Year end").expect("it comes");
    assert_eq!(
        (next.kind, next.start.to_string()),
        (WindowKind::Freeze, "2026-03-04T08:00:00Z".to_owned())
    );
    assert_eq!(next.reason, "ServiceNow's blackout schedule `Year end`");
    assert!(next.name.starts_with("servicenow-"), "{}", next.name);
    // Elsewhere it holds nothing.
    assert_eq!(
        town.world
            .engine
            .next_windows(&payments, Some("staging"), 10)
            .iter()
            .filter(|it| it.title == "Year end")
            .count(),
        0
    );
    // Read again, nothing is new; altered over there, it is altered here.
    assert_eq!(town.read().await, 0);
    town.servicenow.lock().unwrap().calendars.edit(&span, &[("end_date_time", "20260304T090500")]);
    assert_eq!(town.read().await, 1);
    assert_eq!(town.held_by("payments", 22).await, Vec::<String>::new());
    town.servicenow.lock().unwrap().calendars.delete(&span);
    assert_eq!(town.read().await, 1);
    assert_eq!(town.titles(), Vec::<String>::new());
}

#[tokio::test]
async fn schedules_hold_where_the_link_says_and_maintenance_holds_nothing() {
    let town = Town::with(LINKS).await;
    town.blackout("Tills", "20260304T080000Z", "20260304T170000Z", &[]);
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        let schedule = servicenow.calendars.schedule("maintenance", "Patch night", "");
        let weekly = [("repeat_type", "weekly"), ("days_of_week", "3"), ("name", "Patches")];
        servicenow.calendars.span(&schedule, "20260225T090000", "20260225T190000", &weekly);
        let other = servicenow.calendars.schedule("plain", "Opening hours", "");
        servicenow.calendars.span(&other, "20260304T000000", "20260305T000000", &[]);
        servicenow.calendars.drops_walks = true;
    }
    assert_eq!(town.read().await, 2);
    let mut titles = town.titles();
    titles.sort();
    assert_eq!(titles, ["Patches", "Tills"]);
    assert_eq!(town.held_by("payments", 23).await.len(), 1);
    assert_eq!(town.held_by("ledger", 24).await, Vec::<String>::new());
    let ledger = ServiceName::parse("ledger").unwrap();
    let next = town.world.engine.next_windows(&ledger, Some("production"), 10);
    let patches = next.iter().find(|window| window.title == "Patches").expect("it comes");
    assert_eq!(
        (patches.kind, patches.start.to_string()),
        (WindowKind::Maintenance, "2026-03-04T08:00:00Z".to_owned())
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_a_difference_once_and_opens_nothing() {
    let town = Town::with(LINKS).await;
    let span = town.blackout("Year end", "20260304T090000", "20260304T180000", &[]);
    town.blackout("Odd", "20260304T090000", "20260304T180000", &[("repeat_type", "lunar")]);
    assert_eq!(town.read().await, 1);
    assert_eq!(town.unread(), ["window not_read"]);
    // One that was read, and is something else now that cannot be read, holds as it was.
    town.servicenow.lock().unwrap().calendars.edit(&span, &[("start_date_time", "tomorrow")]);
    for _ in 0..2 {
        assert_eq!(town.read().await, 0);
    }
    assert_eq!(town.unread(), ["window not_read", "window not_read"]);
    assert_eq!(town.held_by("payments", 25).await.len(), 1);
    // What is taken out of a blackout is not taken out of ours.
    town.servicenow.lock().unwrap().calendars.edit(&span, &[("type", "exclude")]);
    assert_eq!(town.read().await, 0);
    assert_eq!(town.held_by("payments", 26).await.len(), 1);
    // Read again as it was, it is no difference any more, and told of anew when it is one again.
    let was = [("start_date_time", "20260304T090000"), ("type", "blackout")];
    town.servicenow.lock().unwrap().calendars.edit(&span, &was);
    town.read().await;
    town.servicenow.lock().unwrap().calendars.edit(&span, &[("type", "exclude")]);
    town.read().await;
    assert_eq!(town.unread().len(), 4);
}

#[tokio::test]
async fn nothing_ends_that_was_not_seen_to_be_gone() {
    for lie in [
        Lie::Broken,
        Lie::Page,
        Lie::Empty,
        Lie::Cut,
        Lie::Unreachable,
        Lie::TooMuch(Some(7)),
        Lie::Elsewhere,
    ] {
        let town = Town::with(LINKS).await;
        town.blackout("Year end", "20260304T090000", "20260306T180000", &[]);
        town.read().await;
        town.net.lie(Lies::always(lie));
        town.read().await;
        assert_eq!(town.titles(), ["Year end"], "{lie:?}");
    }
    // Rows that the account may not see any more are there all the same.
    let town = Town::with(LINKS).await;
    let span = town.blackout("Year end", "20260304T090000", "20260306T180000", &[]);
    town.read().await;
    town.servicenow.lock().unwrap().calendars.hidden = vec![span];
    assert_eq!(town.read().await, 0);
    assert_eq!(town.titles(), ["Year end"]);
}

#[tokio::test]
async fn a_field_that_may_not_be_seen_ends_no_freeze_and_is_a_difference_once() {
    for field in ["schedule", "sys_class_name", "sys_id"] {
        let town = Town::with(LINKS).await;
        town.blackout("Year end", "20260304T090000", "20260306T180000", &[]);
        assert_eq!(town.read().await, 1);
        let hide = |fields: Vec<String>| {
            town.servicenow.lock().unwrap().calendars.hidden_fields = fields;
        };
        hide(vec![field.to_owned()]);
        for _ in 0..2 {
            assert_eq!(town.read().await, 0, "{field}");
        }
        assert_eq!(town.titles(), ["Year end"], "{field}");
        assert_eq!(town.held_by("payments", 27).await.len(), 1, "{field}");
        assert_eq!(town.unread(), ["window incomplete"], "{field}");
        // Seen whole in between, it is told of anew.
        hide(Vec::new());
        town.read().await;
        hide(vec![field.to_owned()]);
        town.read().await;
        assert_eq!(town.unread().len(), 2, "{field}");
    }
}

#[tokio::test]
async fn more_than_a_page_is_read_whole() {
    let town = Town::with(LINKS).await;
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        let schedule = servicenow.calendars.schedule("blackout", "Many", "UTC");
        for count in 0..620 {
            // Most of them are long over.
            let year = if count % 2 == 0 { 2_020 } else { 2_027 };
            let day = format!("{year}01{:02}T{:02}0000", 1 + count % 28, count % 23);
            let end = format!("{year}01{:02}T{:02}3000", 1 + count % 28, count % 23);
            servicenow.calendars.span(&schedule, &day, &end, &[]);
        }
    }
    assert_eq!(town.read().await, 310);
    assert_eq!(town.read().await, 0);
    let pages =
        town.net.seen().iter().filter(|(_, seen)| seen.path.ends_with("cmn_schedule_span")).count();
    assert_eq!(pages, 4);
}

#[tokio::test]
async fn windows_of_a_link_that_is_gone_end_and_a_pause_ends_none() {
    let town = Town::with(LINKS).await;
    town.blackout("Year end", "20260304T090000", "20260306T180000", &[]);
    town.read().await;
    town.world
        .engine
        .pause_link(&town.world.admin, "servicenow", "a rest".to_owned())
        .await
        .unwrap();
    assert_eq!((town.read().await, town.titles().len()), (0, 1));
    assert_eq!(town.world.engine.end_orphaned_windows().await.unwrap(), 0);
    let mut folder = acme();
    folder.insert("told.yaml".to_owned(), b"links: []\n".to_vec());
    town.world.engine.apply(&town.world.admin, &folder, "test", None).await.unwrap();
    assert_eq!(town.world.engine.end_orphaned_windows().await.unwrap(), 1);
    assert_eq!(town.titles(), Vec::<String>::new());
    town.settle(DAY).await;
}

#[tokio::test]
async fn a_scope_that_names_nothing_that_is_there_is_a_difference() {
    let links = LINKS.replace("services: [payments]", "services: [paymets]");
    let town = Town::with(&links).await;
    town.blackout("Tills", "20260304T090000", "20260306T180000", &[]);
    assert_eq!(town.read().await, 0);
    assert_eq!(town.unread(), ["window not_read"]);
}
