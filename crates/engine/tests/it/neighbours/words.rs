//! Words of approvers over there: of which revision they speak, which of several counts, and whose record it is.

use std::time::Duration;

use serde_json::json;
use sluice_core::change::{ApprovalVerdict, ChangeState};
use sluice_core::ids::ChangeNumber;
use sluice_testkit::neighbours::{Lie, Lies};

use super::servicenow::disagreements;
use super::{JIRA, LINKS, Town, link};
use crate::world::{digest, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const BOB: &str = "bob.baker@acme.example";

/// A change that waits at a neighbour that says who may: the town, the change, and what its record is found by.
struct Waiting {
    town: Town,
    number: ChangeNumber,
    sign: String,
    neighbour: &'static str,
}

impl Waiting {
    async fn at(neighbour: &'static str) -> Self {
        let links = match neighbour {
            "servicenow" => {
                LINKS.replace("user: sluice\n", "user: sluice\n      authority: servicenow\n")
            }
            _ => format!(
                "links:\n{}",
                JIRA.replace("      project: OPS", "      authority: jira\n      project: OPS")
            ),
        };
        let town = Town::with(&links).await;
        town.servicenow.lock().unwrap().needs_approval = true;
        town.jira.lock().unwrap().guarded = vec!["Awaiting implementation"];
        let number = town.world.ask(question("payments", 51, 51)).await.change.unwrap();
        town.settle(DAY).await;
        Self { town, number, sign: format!("sluice-{number}"), neighbour }
    }

    /// The run brings another artifact: there is a new revision, and the neighbour is told.
    async fn revise(&self, seed: u8) {
        self.altered(seed).await;
        self.town.settle(DAY).await;
        assert_eq!(self.shown(), self.town.world.change(self.number).revision.digest.to_string());
    }

    /// The same, and the neighbour is not told yet.
    async fn altered(&self, seed: u8) {
        let before = self.town.world.change(self.number).revision.digest;
        let mut other = question("payments", 51, 51);
        other.artifacts = [digest(seed)].into();
        let answer = self.town.world.ask(other).await;
        assert_eq!(answer.change, Some(self.number));
        assert_ne!(self.town.world.change(self.number).revision.digest, before);
    }

    /// The revision that the record shows.
    fn shown(&self) -> String {
        let text = match self.neighbour {
            "servicenow" => {
                let servicenow = self.town.servicenow.lock().unwrap();
                servicenow.live(&self.sign)[0].field("description").to_owned()
            }
            _ => {
                self.town.jira.lock().unwrap().live(&self.sign)[0].fields["description"].to_string()
            }
        };
        let (_, rest) = text.split_once("Revision: ").unwrap();
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == ':').collect()
    }

    fn say(&self, email: &str, word: &str) {
        let now = self.town.world.engine.now();
        if self.neighbour == "servicenow" {
            self.town.servicenow.lock().unwrap().approve(&self.sign, email, word, now);
        } else {
            let approver = json!({ "accountId": "557058:somebody", "emailAddress": email });
            self.town.jira.lock().unwrap().approve(&self.sign, approver, word, now);
        }
    }

    fn later(&self, seconds: u64) {
        self.town.world.clock.advance(Duration::from_secs(seconds));
    }

    async fn read_back(&self) {
        self.later(60);
        self.town.world.engine.poll_by(&link(self.neighbour)).await.unwrap();
    }

    /// What was said so far, as it counts.
    fn words(&self) -> Vec<ApprovalVerdict> {
        self.town.world.change(self.number).approvals.iter().map(|given| given.verdict).collect()
    }

    fn size(&self) -> u64 {
        self.town.world.engine.standing().size
    }
}

const NEIGHBOURS: [&str; 2] = ["servicenow", "jira"];

#[tokio::test]
async fn a_word_that_was_given_before_the_revision_was_shown_does_not_count_for_it() {
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        waiting.later(60);
        waiting.say(BOB, "approved");
        waiting.later(5);
        waiting.revise(77).await;
        waiting.read_back().await;
        assert_eq!(waiting.words(), [], "{neighbour}");
        assert_eq!(disagreements(&waiting.town), ["approval"], "{neighbour}");
        // Said anew, it is about what is shown, and has its own time.
        waiting.say(BOB, "approved");
        let said_at = waiting.town.world.engine.now();
        waiting.read_back().await;
        let change = waiting.town.world.change(waiting.number);
        assert_eq!(change.approvals.len(), 1, "{neighbour}");
        assert_eq!(change.approvals[0].revision, change.revision.digest);
        assert_eq!(change.approvals[0].at.as_second(), said_at.as_second(), "{neighbour}");
    }
}

/// The change is revised, and one answer is lost while the neighbour is told. Approvers see the new revision all the
/// same, unless it is the answer to what shows it: then nobody knows since when.
#[tokio::test]
async fn a_word_counts_that_is_given_while_it_is_not_known_how_telling_went() {
    for neighbour in NEIGHBOURS {
        let mut said = 0;
        for lost in 0.. {
            let waiting = Waiting::at(neighbour).await;
            let town = &waiting.town;
            waiting.later(60);
            waiting.altered(77).await;
            town.net.lie(Lies::once_after(lost, Lie::LostAnswer));
            town.world.engine.deliver_by(&link(neighbour)).await.unwrap();
            town.net.lie(Lies::none());
            if town.outbox("pending").iter().all(|row| row.effect.link != neighbour) {
                // No answer was the lost one.
                break;
            }
            let is_shown =
                waiting.shown() == town.world.change(waiting.number).revision.digest.to_string();
            let seen = town.net.seen();
            let (_, last) = seen.last().unwrap();
            let shows =
                last.method != "GET" && String::from_utf8_lossy(&last.body).contains("Revision: ");
            if !is_shown || shows {
                continue;
            }
            said += 1;
            waiting.later(2);
            waiting.say(BOB, "approved");
            waiting.read_back().await;
            town.settle(DAY).await;
            let words = (waiting.words(), disagreements(town));
            assert_eq!(words, (vec![ApprovalVerdict::Approve], vec![]), "{neighbour}: {lost}");
        }
        assert!(said > 0, "{neighbour}");
    }
}

#[tokio::test]
async fn an_approval_that_something_else_alters_later_is_not_given_later() {
    let waiting = Waiting::at("servicenow").await;
    waiting.later(60);
    waiting.say(BOB, "approved");
    waiting.revise(77).await;
    waiting.later(60);
    let now = waiting.town.world.engine.now();
    waiting.town.servicenow.lock().unwrap().touch_approvals(now);
    waiting.read_back().await;
    assert_eq!(waiting.words(), []);
    assert_eq!(disagreements(&waiting.town), ["approval"]);
}

#[tokio::test]
async fn a_word_is_not_given_when_the_last_of_the_others_is() {
    // Bob says yes, the change is revised, and only then Carla says hers: the step has her time alone.
    let waiting = Waiting::at("jira").await;
    let bob = json!({ "accountId": "557058:b", "emailAddress": BOB });
    let carla = json!({ "accountId": "557058:c", "emailAddress": "nora.novak@acme.example" });
    let say = |carlas: &str| {
        let now = waiting.town.world.engine.now();
        let said = [(bob.clone(), "approved"), (carla.clone(), carlas)];
        waiting.town.jira.lock().unwrap().approve_together(&waiting.sign, &said, now);
    };
    waiting.later(60);
    say("pending");
    waiting.later(5);
    waiting.revise(77).await;
    waiting.later(60);
    say("approved");
    waiting.read_back().await;
    assert_eq!(waiting.words(), []);
    assert_eq!(disagreements(&waiting.town), ["approval"; 2], "neither of the two words counts");
}

#[tokio::test]
async fn of_two_words_of_one_person_the_newest_counts_and_nothing_is_said_twice() {
    use ApprovalVerdict::{Approve, Reject};
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        waiting.later(60);
        waiting.say(BOB, "approved");
        waiting.later(60);
        waiting.say(BOB, no(neighbour));
        waiting.read_back().await;
        assert_eq!(waiting.words(), [Approve, Reject], "{neighbour}");
        // However often it is read again, nothing is added to the ledger.
        let size = waiting.size();
        for _ in 0..4 {
            waiting.read_back().await;
        }
        assert_eq!((waiting.words().len(), waiting.size()), (2, size), "{neighbour}");
    }
}

#[tokio::test]
async fn what_was_refused_is_recorded_once_and_not_with_every_reading() {
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        waiting.later(60);
        for somebody in ["mallory@elsewhere.example", "chidi.okafor@acme.example"] {
            waiting.say(somebody, "approved");
            waiting.say(somebody, "approved");
        }
        waiting.read_back().await;
        let size = waiting.size();
        for _ in 0..4 {
            waiting.read_back().await;
        }
        assert_eq!(waiting.size(), size, "{neighbour}");
        assert_eq!(waiting.words(), [], "{neighbour}");
    }
}

#[tokio::test]
async fn an_older_word_there_does_not_override_a_newer_one_given_here() {
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        waiting.later(60);
        waiting.say(BOB, no(neighbour));
        waiting.later(20);
        let world = &waiting.town.world;
        let bob = world.person("bob").await;
        world.approve(&bob, waiting.number).await.unwrap();
        waiting.read_back().await;
        assert_eq!(waiting.words(), [ApprovalVerdict::Approve], "{neighbour}");
        assert_eq!(disagreements(&waiting.town), ["approval"], "{neighbour}");
    }
}

#[tokio::test]
async fn a_record_of_somebody_else_that_bears_our_number_neither_cancels_nor_approves() {
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        waiting.later(60);
        let (town, sign) = (&waiting.town, &waiting.sign);
        let text = format!("Revision: {}", waiting.shown());
        let now = town.world.engine.now();
        if neighbour == "servicenow" {
            let mut servicenow = town.servicenow.lock().unwrap();
            let index = servicenow.squat(sign, &text, now);
            let squatted = servicenow.changes.remove(index);
            // Approved before the real one is, and canceled.
            servicenow.changes.insert(0, squatted);
            servicenow.approve(sign, BOB, "approved", now);
            servicenow.changes[0].fields.insert("state".into(), "4".into());
        } else {
            let mut jira = town.jira.lock().unwrap();
            let id = jira.squat(sign, "Canceled", &text, now);
            let approver = json!({ "accountId": "557058:b", "emailAddress": BOB });
            jira.approve(sign, approver, "approved", now);
            jira.issues
                .iter_mut()
                .filter(|issue| issue.id != id)
                .for_each(|issue| issue.approvals.clear());
        }
        waiting.read_back().await;
        assert!(!town.state_here(waiting.number).is_over(), "{neighbour}");
        assert_eq!(waiting.words(), [], "{neighbour}");
        // What is told goes to the record that is known, and the other one is left alone.
        waiting.revise(78).await;
        assert_eq!(town.outbox("given_up"), [], "{neighbour}");
    }
}

#[tokio::test]
async fn a_record_that_was_there_before_ours_is_not_taken_for_it() {
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        let town = &waiting.town;
        let next = format!("sluice-{}", waiting.number.to_string().replace("01", "02"));
        let now = town.world.engine.now();
        if neighbour == "servicenow" {
            town.servicenow.lock().unwrap().squat(&next, "mine", now);
        } else {
            town.jira.lock().unwrap().squat(&next, "Open", "mine", now);
        }
        waiting.later(60);
        let number = town.world.ask(question("ledger", 52, 52)).await.change.unwrap();
        assert_eq!(format!("sluice-{number}"), next);
        town.settle(DAY).await;
        let references =
            town.world.engine.readers().external_refs(neighbour, &number.to_string()).unwrap();
        let id = references.iter().find(|row| ["sys_id", "issue_id"].contains(&row.name.as_str()));
        let id = &id.unwrap().value;
        let theirs = if neighbour == "servicenow" {
            town.servicenow.lock().unwrap().changes[1].field("sys_id").to_owned()
        } else {
            town.jira.lock().unwrap().issues[1].id.clone()
        };
        assert_ne!(*id, theirs, "{neighbour}");
    }
}

#[tokio::test]
async fn a_surplus_record_that_is_canceled_cancels_nothing_here() {
    for neighbour in NEIGHBOURS {
        let waiting = Waiting::at(neighbour).await;
        waiting.later(60);
        let (town, sign) = (&waiting.town, &waiting.sign);
        let now = town.world.engine.now();
        // Made twice by an answer that was lost; one of them is ended by hand before anybody has looked.
        if neighbour == "servicenow" {
            let mut servicenow = town.servicenow.lock().unwrap();
            let index = servicenow.squat(sign, "", now);
            servicenow.changes[index].fields.insert("sys_created_by".into(), "sluice".into());
        } else {
            let mut jira = town.jira.lock().unwrap();
            let id = jira.squat(sign, "Canceled", "", now);
            jira.adopt(&id);
        }
        waiting.revise(78).await;
        waiting.read_back().await;
        assert_eq!(town.state_here(waiting.number), ChangeState::Authorize, "{neighbour}");
        assert_eq!(disagreements(town), [] as [&str; 0], "{neighbour}");
        if neighbour == "servicenow" {
            let servicenow = town.servicenow.lock().unwrap();
            assert_eq!(servicenow.changes[1].field("state"), "4");
            assert_eq!(servicenow.changes[1].field("correlation_id"), format!("{sign}-duplicate"));
        }
    }
}

fn no(neighbour: &str) -> &'static str {
    if neighbour == "jira" { "declined" } else { "rejected" }
}
