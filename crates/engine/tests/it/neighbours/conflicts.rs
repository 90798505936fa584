//! Conflicts that a ServiceNow instance finds for change requests: read back when it has looked, and not only when the
//! change is told the next time.

use std::time::Duration;

use sluice_core::ids::ChangeNumber;

use super::tasks::links;
use super::{Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Town {
    /// A change that waits for people, and what its scan will find.
    async fn waits(&self, seed: u8, found: &[&str]) -> ChangeNumber {
        let asked = question("payments", seed, u32::from(seed));
        let number = self.world.ask(asked).await.change.unwrap();
        // The scan begins, and time stands still.
        self.world.engine.deliver().await.unwrap();
        self.finds(number, found);
        number
    }

    fn finds(&self, number: ChangeNumber, found: &[&str]) {
        let mut servicenow = self.servicenow.lock().unwrap();
        let id = servicenow.live(&format!("sluice-{number}"))[0].field("sys_id").to_owned();
        let found = found.iter().map(|kind| (*kind).to_owned()).collect();
        servicenow.tasks.conflicts.insert(id, found);
    }

    fn conflicts(&self, number: ChangeNumber) -> Option<String> {
        let readers = self.world.engine.readers();
        let known = readers.external_refs("servicenow", &number.to_string()).unwrap();
        known.into_iter().find(|known| known.name == "conflicts").map(|known| known.value)
    }

    async fn reads_back(&self) {
        self.world.clock.advance(Duration::from_secs(31));
        while self.world.engine.poll_by(&link("servicenow")).await.unwrap() > 0 {}
    }

    fn asked_for_conflicts(&self) -> usize {
        let seen = self.net.seen();
        let asked = seen.iter().filter(|(_, seen)| seen.path.ends_with("/conflict"));
        asked.filter(|(_, seen)| seen.method == "GET").count()
    }
}

#[tokio::test]
async fn what_a_scan_has_found_is_read_back_without_anything_being_told() {
    let town = Town::with(&links("native")).await;
    let number = town.waits(1, &["blackout", "assigned_to", "blackout"]).await;
    assert_eq!(town.conflicts(number), None);
    town.reads_back().await;
    assert_eq!(town.conflicts(number).as_deref(), Some("3: assigned_to, blackout"));
    let references = || {
        let readers = town.world.engine.readers();
        readers.entries(0, 1_000).unwrap().len()
    };
    // It is asked for once, and recorded once.
    town.world.clock.advance(Duration::from_secs(120));
    town.reads_back().await;
    let (asked, entries) = (town.asked_for_conflicts(), references());
    for _ in 0..3 {
        town.reads_back().await;
    }
    assert_eq!((town.asked_for_conflicts(), references()), (asked, entries));
    // Somebody over there has it looked at again.
    town.finds(number, &[]);
    let now = town.world.engine.now();
    let later = now.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let correlation = format!("sluice-{number}");
    let edits = [("conflict_last_run", later.as_str())];
    town.servicenow.lock().unwrap().edit(&correlation, &edits, now);
    town.reads_back().await;
    assert_eq!(town.conflicts(number).as_deref(), Some("none"));
}

#[tokio::test]
async fn more_than_one_reading_takes_are_read_by_the_next_ones() {
    let town = Town::with(&links("native")).await;
    let mut numbers = Vec::new();
    for seed in 1..=20 {
        numbers.push(town.waits(seed, &["blackout"]).await);
    }
    town.settle(DAY).await;
    // All of them are altered in the same second.
    let now = town.world.engine.now();
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        for number in &numbers {
            let correlation = format!("sluice-{number}");
            servicenow.edit(&correlation, &[("urgency", "2")], now);
        }
    }
    town.reads_back().await;
    town.reads_back().await;
    for number in &numbers {
        assert_eq!(town.conflicts(*number).as_deref(), Some("1: blackout"), "{number}");
    }
    town.world.clock.advance(Duration::from_secs(120));
    town.reads_back().await;
    town.reads_back().await;
    let asked = town.asked_for_conflicts();
    town.reads_back().await;
    assert_eq!(town.asked_for_conflicts(), asked, "nothing was altered since");
}

/// Where it is not wanted, nobody asks; of what is implemented, nobody asks any more.
#[tokio::test]
async fn conflicts_are_asked_for_where_they_matter() {
    let town = Town::with(&links("native").replace("read_conflicts: true", "")).await;
    town.waits(1, &["blackout"]).await;
    town.reads_back().await;
    assert_eq!(town.asked_for_conflicts(), 0);
    let town = Town::with(&links("native")).await;
    town.deploy("payments", 2).await;
    town.settle(DAY).await;
    let told = town.asked_for_conflicts();
    town.reads_back().await;
    assert_eq!(town.asked_for_conflicts(), told);
}
