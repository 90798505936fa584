//! Mail: who gets what, in which thread, and what waits until morning.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_core::gate::Question;
use sluice_core::scope::Scope;
use sluice_engine::store::{OutboxFilter, Page};
use sluice_testkit::FakeClock;
use sluice_testkit::neighbours::{Letter, Lie, Lies, MailServer, Neighbours, Shared};

use crate::world::{World, acme, digest, question};

const HOUR: Duration = Duration::from_secs(3_600);

/// A company whose link has these settings beside server and sender.
pub(super) struct Office {
    pub(super) world: World,
    net: Arc<Neighbours>,
    pub(super) server: Shared<MailServer>,
}

impl Office {
    pub(super) async fn start(at: &str, tell: &str, settings: &str) -> Self {
        let clock = Arc::new(FakeClock::at(at));
        let server = Shared::<MailServer>::default();
        let net = Neighbours::new(&clock).with("mail.test", Arc::clone(&server) as Arc<Mutex<_>>);
        let net = Arc::new(net);
        let mut folder = acme();
        let link = format!(
            "links:\n  - name: mail\n    connector: mail\n    credentials: {{password: {{env: MAIL}}}}\n    tell: {tell}\n    settings: {{url: \"smtps://mail.test:465\", user: sluice, from: sluice@acme.example, {settings}}}\n"
        );
        folder.insert("mail.yaml".to_owned(), link.into_bytes());
        let world = World::among(&clock, Arc::clone(&net) as _, &folder).await;
        Self { world, net, server }
    }

    /// Tells what is due now, and after each of so many hours.
    pub(super) async fn hours(&self, count: u32) {
        self.world.engine.deliver().await.unwrap();
        for _ in 0..count {
            self.world.clock.advance(HOUR);
            self.world.engine.deliver().await.unwrap();
        }
    }

    pub(super) fn letters(&self) -> Vec<Letter> {
        self.server.lock().unwrap().letters.clone()
    }
}

#[tokio::test]
async fn approvers_hear_why_until_when_and_what_to_do_in_the_thread_of_the_change() {
    let office =
        Office::start("2026-03-04T10:00:00Z", "[approval, decision]", "to: [approvers, owners]")
            .await;
    let answer = office.world.ask(question("payments", 61, 61)).await;
    let number = answer.change.unwrap();
    office.hours(1).await;
    let letters = office.letters();
    assert!(letters.len() >= 2, "{letters:#?}");
    for letter in &letters {
        assert!(letter.to.contains(&"bob.baker@acme.example".to_owned()), "{:?}", letter.to);
        assert!(letter.to.iter().all(|to| !to.contains("noreply") && !to.contains("home.example")));
        let thread = format!("<{number}@acme.example>");
        assert_eq!(letter.header("In-Reply-To"), Some(thread.as_str()));
        assert_eq!(letter.header("Auto-Submitted"), Some("auto-generated"));
        assert!(letter.text.contains("multipart/alternative"), "{}", letter.text);
    }
    let text = letters.iter().map(|letter| letter.text.as_str()).collect::<String>();
    for said in [
        "approvals.owner-approval",
        "Would pass if one more person",
        "An approver looks at the change and decides.",
        &format!("https://sluice.acme.example/changes/{number}"),
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let ids: std::collections::BTreeSet<_> =
        letters.iter().map(|letter| letter.header("Message-ID").unwrap()).collect();
    assert_eq!(ids.len(), letters.len());
}

#[tokio::test]
async fn a_team_a_role_a_person_and_an_address_are_found() {
    for (to, reached) in [
        ("team:storefront", "dana.lindqvist@acme.example"),
        ("role:change_manager", "grace.mwangi@acme.example"),
        ("person:emre", "emre.yildiz@acme.example"),
        ("desk@acme.example", "desk@acme.example"),
    ] {
        let office =
            Office::start("2026-03-04T10:00:00Z", "[decision]", &format!("to: [\"{to}\"]")).await;
        office.world.ask(question("payments", 62, 62)).await;
        office.hours(0).await;
        let letters = office.letters();
        assert_eq!(letters.len(), 1, "{to}");
        assert!(letters[0].to.contains(&reached.to_owned()), "{to}: {:?}", letters[0].to);
        assert!(!letters[0].to.contains(&"alice.archer@acme.example".to_owned()), "{to}");
    }
}

#[tokio::test]
async fn at_night_only_what_cannot_wait_is_sent() {
    let quiet = "to: [owners, desk@acme.example], quiet: {from: \"20:00\", to: \"07:00\", zone: Europe/Berlin}";
    let office = Office::start("2026-03-04T21:30:00Z", "[decision, stop]", quiet).await;
    office.world.ask(question("payments", 63, 63)).await;
    office.hours(2).await;
    assert_eq!(office.letters(), []);
    let grace = office.world.person("grace").await;
    office.world.engine.pull_stop(&grace, Scope::default(), "card network".into()).await.unwrap();
    office.hours(0).await;
    let letters = office.letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].text.contains("card network"), "{}", letters[0].text);
    office.hours(8).await;
    let letters = office.letters();
    assert_eq!(letters.len(), 2);
    let seven = "2026-03-05T06:00:00Z".parse().unwrap();
    assert!(letters[1].at >= seven, "{:?}", letters[1].at);
}

/// What was held of a change is told with what cannot wait, and before it: there is one order of each record.
#[tokio::test]
async fn a_change_that_becomes_an_emergency_waits_behind_nothing() {
    for hold in
        ["quiet: {from: \"20:00\", to: \"07:00\", zone: Europe/Berlin}", "digest_minutes: 600"]
    {
        let settings = format!("to: [desk@acme.example], {hold}");
        let office = Office::start("2026-03-04T21:30:00Z", "[change, decision]", &settings).await;
        let asked = question("payments", 75, 75);
        let number = office.world.ask(asked.clone()).await.change.unwrap();
        // Of another change nothing becomes urgent.
        let other = office.world.ask(question("ledger", 76, 76)).await.change.unwrap();
        office.hours(1).await;
        assert_eq!(office.letters(), [], "{hold}");
        let urgent = Question { emergency: Some("payments fail".into()), ..asked };
        assert_eq!(office.world.ask(urgent).await.change, Some(number));
        office.hours(0).await;
        let letters = office.letters();
        let last = letters.last().unwrap_or_else(|| panic!("nothing was sent: {hold}"));
        assert!(last.text.contains("the gate says allow"), "{}", last.text);
        let owed = office.world.engine.readers().outbox(&OutboxFilter::default(), Page::default());
        let owed: Vec<_> = owed.unwrap().into_iter().filter(|row| row.state == "pending").collect();
        assert!(owed.iter().all(|row| row.effect.entity == other.to_string()), "{hold}: {owed:#?}");
        if hold.starts_with("quiet") {
            assert!(!owed.is_empty(), "the other one waits until morning");
            assert!(letters.iter().all(|letter| !letter.text.contains(&other.to_string())));
        }
    }
}

/// What failed before the night is held like everything else; what is owed anew of it too.
#[tokio::test]
async fn what_failed_before_it_was_held_holds_up_no_emergency() {
    let quiet =
        "to: [desk@acme.example], quiet: {from: \"20:00\", to: \"07:00\", zone: Europe/Berlin}";
    let office = Office::start("2026-03-04T18:59:50Z", "[change, decision]", quiet).await;
    office.server.lock().unwrap().code = Some(451);
    let asked = question("payments", 79, 79);
    office.world.ask(asked.clone()).await;
    office.hours(0).await;
    office.server.lock().unwrap().code = None;
    office.hours(2).await;
    assert_eq!(office.letters(), [], "it is night");
    office.world.ask(Question { emergency: Some("payments fail".into()), ..asked }).await;
    // The server fails once more: what waits after a failure is not pressed.
    office.server.lock().unwrap().code = Some(451);
    office.hours(0).await;
    assert_eq!(office.letters(), []);
    office.server.lock().unwrap().code = None;
    office.hours(1).await;
    let owed = office.world.engine.readers().outbox_owed("mail").unwrap();
    assert_eq!((owed.pending, owed.given_up), (0, 0));
    assert!(office.letters().last().unwrap().text.contains("the gate says allow"));
}

#[tokio::test]
async fn an_emergency_is_found_among_however_much_is_held_and_told_in_its_order() {
    let quiet =
        "to: [desk@acme.example], quiet: {from: \"20:00\", to: \"07:00\", zone: Europe/Berlin}";
    let office = Office::start("2026-03-04T21:30:00Z", "[change, decision]", quiet).await;
    let asked = question("payments", 1, 1);
    let number = office.world.ask(asked.clone()).await.change.unwrap();
    for seed in 2..110 {
        office.world.ask(question("ledger", seed, u32::from(seed))).await;
    }
    // One more of the first change that can wait, and one that cannot.
    let mut again = asked.clone();
    again.lines_changed = Some(7);
    office.world.ask(again).await;
    office.hours(1).await;
    assert_eq!(office.letters(), []);
    let owed = office.world.engine.readers().outbox_owed("mail").unwrap();
    assert!(owed.pending > 200, "{owed:?}");
    let of_first = || {
        let readers = office.world.engine.readers();
        readers.outbox_of("mail", &number.to_string(), 0, 100).unwrap()
    };
    let before = of_first();
    assert!(before.len() >= 3, "{before:#?}");
    office.world.ask(Question { emergency: Some("payments fail".into()), ..asked }).await;
    // Six messages at once, and then one each second.
    for _ in 0..9 {
        office.hours(0).await;
        office.world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(of_first(), []);
    let letters = office.letters();
    assert!(letters.iter().all(|letter| letter.text.contains(&number.to_string())));
    assert!(letters.len() > before.len());
    let place = |word: &str| letters.iter().position(|letter| letter.text.contains(word));
    let (wait, allow) = (place("the gate says wait"), place("the gate says allow"));
    assert!(wait.is_some() && wait < allow, "{wait:?} {allow:?}");
    assert_eq!(allow, Some(letters.len() - 1));
}

#[tokio::test]
async fn a_digest_says_in_one_message_what_happened_in_its_time() {
    let office = Office::start(
        "2026-03-04T10:00:00Z",
        "[change, decision]",
        "to: [\"desk@acme.example\"], digest_minutes: 30",
    )
    .await;
    for seed in 64..67 {
        office.world.ask(question("payments", seed, u32::from(seed))).await;
    }
    office.hours(0).await;
    assert_eq!(office.letters(), []);
    office.hours(2).await;
    let letters = office.letters();
    assert_eq!(letters.len(), 1, "{letters:#?}");
    let subject = letters[0].header("Subject").unwrap();
    assert!(subject.contains(" more"), "{subject}");
    for number in ["CHG0000001", "CHG0000002", "CHG0000003"] {
        assert!(letters[0].text.contains(number), "{number}");
    }
    assert_eq!(letters[0].header("In-Reply-To"), None);
    let owed = office.world.engine.readers().outbox_owed("mail").unwrap();
    assert_eq!((owed.pending, owed.given_up), (0, 0));
}

#[tokio::test]
async fn a_message_whose_receipt_was_lost_comes_again_as_the_same() {
    let office =
        Office::start("2026-03-04T10:00:00Z", "[decision]", "to: [\"desk@acme.example\"]").await;
    office.world.ask(question("payments", 68, 68)).await;
    office.net.lie(Lies::once_after(0, Lie::LostAnswer));
    office.hours(1).await;
    let letters = office.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].header("Message-ID"), letters[1].header("Message-ID"));
}

#[tokio::test]
async fn what_the_server_says_decides_what_follows() {
    for (code, word, given_up) in [
        (535, "auth", 0),
        (451, "server", 0),
        (452, "rate_limited", 0),
        (421, "unreachable", 0),
        (554, "client", 1),
    ] {
        let office =
            Office::start("2026-03-04T10:00:00Z", "[decision]", "to: [\"desk@acme.example\"]")
                .await;
        office.server.lock().unwrap().code = Some(code);
        office.world.ask(question("payments", 69, 69)).await;
        office.hours(0).await;
        let readers = office.world.engine.readers();
        let error = readers.link_health("mail").unwrap().unwrap().last_error.unwrap();
        assert!(error.starts_with(word), "{code}: {error}");
        assert_eq!(readers.outbox_owed("mail").unwrap().given_up, given_up, "{code}");
        office.server.lock().unwrap().code = None;
        office.hours(12).await;
        assert_eq!(office.letters().len(), 1 - usize::try_from(given_up).unwrap(), "{code}");
    }
}

#[tokio::test]
async fn what_reaches_nobody_is_not_silent() {
    let office = Office::start("2026-03-04T10:00:00Z", "[decision]", "to: [\"team:nobody\"]").await;
    office.world.ask(question("payments", 70, 70)).await;
    office.hours(0).await;
    let readers = office.world.engine.readers();
    assert_eq!(readers.outbox_owed("mail").unwrap().given_up, 1);
    assert!(office.world.engine.standing().incident_from("sluice:link/mail").is_some());
}

#[tokio::test]
async fn who_waits_for_nobody_has_no_approvers_and_that_is_no_failure() {
    let office =
        Office::start("2026-03-04T10:00:00Z", "[change, decision]", "to: [approvers]").await;
    let mut asked = question("payments", 71, 71);
    asked.emergency = Some("payments fail".into());
    let answer = office.world.ask(asked).await;
    let redeemed = office.world.redeem(&answer, [digest(71)].into()).await.unwrap();
    let report = serde_json::json!({ "state": "succeeded", "health": "healthy" });
    office.world.report(redeemed.deployment, report).await;
    office.hours(1).await;
    let owed = office.world.engine.readers().outbox_owed("mail").unwrap();
    assert_eq!((owed.pending, owed.given_up), (0, 0));
    assert!(office.world.engine.standing().incident_from("sluice:link/mail").is_none());
}

/// Some of those who should hear are unknown to the server: the others hear, and it is written down.
#[tokio::test]
async fn who_is_not_taken_is_a_difference() {
    let office = Office::start(
        "2026-03-04T10:00:00Z",
        "[decision]",
        "to: [\"desk@acme.example\", \"gone@acme.example\"]",
    )
    .await;
    office.server.lock().unwrap().refused = 1;
    let number = office.world.ask(question("payments", 72, 72)).await.change.unwrap();
    office.hours(1).await;
    assert_eq!(office.letters().len(), 1);
    let readers = office.world.engine.readers();
    let known = readers.external_refs("mail", &number.to_string()).unwrap();
    let differs = known.iter().find(|known| known.name == "differs.recipients").unwrap();
    assert_eq!(differs.value, "2|1 are not taken");
    let owed = readers.outbox_owed("mail").unwrap();
    assert_eq!((owed.pending, owed.given_up), (0, 0));
}

/// Whose mailbox takes nothing just now gets it later, alone; nobody gets it twice, and nothing waits for it.
#[tokio::test]
async fn who_is_deferred_gets_it_later_and_nobody_twice() {
    for digest in ["", ", digest_minutes: 5"] {
        let to = format!("to: [\"a@acme.example\", \"b@acme.example\", \"person:emre\"]{digest}");
        let office = Office::start("2026-03-04T10:00:00Z", "[change, decision]", &to).await;
        let late = ["b@acme.example", "emre.yildiz@acme.example"];
        office.server.lock().unwrap().deferred = late.map(str::to_owned).into();
        office.world.ask(question("payments", 73, 73)).await;
        office.world.ask(question("ledger", 74, 74)).await;
        office.hours(3).await;
        let first = office.letters();
        assert!(first.iter().all(|letter| letter.to == ["a@acme.example"]), "{first:#?}");
        let health = office.world.engine.readers().link_health("mail").unwrap().unwrap();
        assert_eq!(health.failures, 0, "the server is well");
        // One after the other is taken again.
        for one in late {
            office.server.lock().unwrap().deferred.remove(one);
            office.hours(12).await;
        }
        let letters = office.letters();
        for one in late {
            let got: Vec<_> = letters.iter().filter(|letter| letter.to == [one]).collect();
            assert_eq!(got.len(), first.len(), "{one}{digest}");
            let is_same = |one: &Letter, other: &Letter| match digest {
                "" => one.header("Message-ID") == other.header("Message-ID"),
                _ => ["CHG0000001", "CHG0000002"].iter().all(|it| one.text.contains(it)),
            };
            let is_there = |one: &Letter| got.iter().any(|other| is_same(other, one));
            assert!(first.iter().all(is_there), "{one}{digest}: {got:#?}");
        }
        assert_eq!(letters.len(), 3 * first.len());
        let owed = office.world.engine.readers().outbox_owed("mail").unwrap();
        assert_eq!((owed.pending, owed.given_up), (0, 0));
    }
}

#[tokio::test]
async fn a_mailbox_that_stays_full_is_given_up_after_three_days_and_shuts_nobody_out() {
    let to = "to: [\"a@acme.example\", \"b@acme.example\"]";
    let office = Office::start("2026-03-04T10:00:00Z", "[decision]", to).await;
    office.server.lock().unwrap().deferred = ["b@acme.example".to_owned()].into();
    office.world.ask(question("payments", 77, 77)).await;
    office.hours(71).await;
    office.world.ask(question("ledger", 78, 78)).await;
    office.hours(0).await;
    assert_eq!(office.letters().len(), 2);
    office.hours(8).await;
    let owed = office.world.engine.readers().outbox_owed("mail").unwrap();
    assert_eq!((owed.pending, owed.given_up), (1, 1));
    // It is an entry, and nothing that the link would recover from.
    assert!(office.world.engine.standing().incident_from("sluice:link/mail").is_none());
    let given_up = super::servicenow::given_up(&office.world);
    assert_eq!(given_up, ["CHG0000001 rate_limited"]);
}
