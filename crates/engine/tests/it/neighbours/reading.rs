//! Reading back: however much there is, and whatever happens meanwhile, everything is taken in once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use sluice_core::ids::ChangeNumber;
use sluice_engine::{Engine, EngineError, EngineOptions};
use sluice_testkit::{NamedSecrets, SeededRng};
use tokio::task::JoinSet;

use super::servicenow::disagreements;
use super::{JIRA, LINKS, Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const BOB: &str = "bob.baker@acme.example";

fn jira(authority: &str) -> String {
    let with = format!("      authority: {authority}\n      project: OPS");
    format!("links:\n{}", JIRA.replace("      project: OPS", &with))
}

fn servicenow() -> String {
    LINKS.replace("user: sluice\n", "user: sluice\n      authority: servicenow\n")
}

async fn waiting(links: &str) -> (Town, ChangeNumber) {
    let town = Town::with(links).await;
    town.servicenow.lock().unwrap().needs_approval = true;
    town.jira.lock().unwrap().guarded = vec!["Awaiting implementation"];
    let number = town.world.ask(question("payments", 51, 51)).await.change.unwrap();
    town.settle(DAY).await;
    (town, number)
}

impl Town {
    async fn read_back(&self, name: &str) -> usize {
        self.world.clock.advance(Duration::from_secs(31));
        self.world.engine.poll_by(&link(name)).await.unwrap()
    }

    fn cursor(&self, name: &str) -> String {
        let health = self.world.engine.readers().link_health(name).unwrap().unwrap();
        health.cursor.unwrap()
    }
}

#[tokio::test]
async fn a_burst_of_issues_is_passed_page_by_page() {
    for product in ["", "      product: data_center\n      auth: bearer\n"] {
        let links = jira("sluice")
            .replace("      service_desk: {id: \"4\", request_type: \"21\"}\n", product);
        let links = if product.is_empty() {
            links
        } else {
            links.replace("      user: sluice@acme.example\n", "")
        };
        let (town, number) = waiting(&links).await;
        let label = format!("sluice-{number}");
        town.world.clock.advance(Duration::from_secs(60));
        {
            let (mut jira, now) = (town.jira.lock().unwrap(), town.world.engine.now());
            for _ in 0..450 {
                jira.squat("of-others", "Open", "", now);
            }
        }
        town.world.clock.advance(Duration::from_secs(1));
        town.jira.lock().unwrap().set(&label, "Completed", town.world.engine.now());
        town.read_back("jira").await;
        assert_eq!(disagreements(&town), ["state"], "{product}");
    }
}

#[tokio::test]
async fn more_issues_than_a_search_by_time_gets_behind_are_gone_through_by_key() {
    for (authority, product) in [
        ("sluice", ""),
        ("jira", ""),
        ("sluice", "      product: data_center\n      auth: bearer\n"),
    ] {
        let links = match product {
            "" => jira(authority),
            product => jira(authority)
                .replace("      service_desk: {id: \"4\", request_type: \"21\"}\n", product)
                .replace("      user: sluice@acme.example\n", ""),
        };
        let (town, number) = waiting(&links).await;
        let label = format!("sluice-{number}");
        town.world.clock.advance(Duration::from_secs(60));
        {
            let (mut jira, now) = (town.jira.lock().unwrap(), town.world.engine.now());
            for _ in 0..1_450 {
                jira.squat("of-others", "Open", "", now);
            }
        }
        town.world.clock.advance(Duration::from_secs(1));
        town.jira.lock().unwrap().set(&label, "Completed", town.world.engine.now());
        for goes_on_by in ['#', '~', '~'] {
            assert_eq!(disagreements(&town), [""; 0]);
            town.read_back("jira").await;
            let cursor = town.cursor("jira");
            assert!(cursor.contains(goes_on_by), "{authority} {product}: {cursor}");
        }
        town.read_back("jira").await;
        assert_eq!(disagreements(&town), ["state"], "{authority} {product}");
        town.world.clock.advance(Duration::from_secs(660));
        for _ in 0..5 {
            town.read_back("jira").await;
        }
        let cursor = town.cursor("jira");
        assert!(!cursor.contains(['~', '#']), "it came to the end: {cursor}");
    }
}

/// What somebody writes into issues stops no reading: pages of them that are too large are read in smaller ones.
#[tokio::test]
async fn long_descriptions_do_not_stop_the_reading() {
    let long = "x".repeat(20_000);
    for authority in ["sluice", "jira"] {
        let (town, number) = waiting(&jira(authority)).await;
        let label = format!("sluice-{number}");
        town.world.clock.advance(Duration::from_secs(60));
        {
            let (mut jira, now) = (town.jira.lock().unwrap(), town.world.engine.now());
            for _ in 0..100 {
                jira.squat("of-others", "Open", &long, now);
            }
        }
        town.world.clock.advance(Duration::from_secs(1));
        town.jira.lock().unwrap().set(&label, "Completed", town.world.engine.now());
        town.read_back("jira").await;
        assert_eq!(disagreements(&town), ["state"], "{authority}");
        let health = town.world.engine.readers().link_health("jira").unwrap().unwrap();
        assert_eq!(health.failures, 0, "{authority}: {:?}", health.last_error);
    }
}

#[tokio::test]
async fn more_requests_than_one_reading_takes_are_gone_through_by_the_next_ones() {
    let (town, number) = waiting(&jira("jira")).await;
    let label = format!("sluice-{number}");
    town.world.clock.advance(Duration::from_secs(60));
    {
        let (mut jira, now) = (town.jira.lock().unwrap(), town.world.engine.now());
        for other in 0..90 {
            jira.squat(&format!("sluice-CHG00009{other:02}"), "Open", "", now);
        }
    }
    town.world.clock.advance(Duration::from_secs(1));
    let approver = json!({ "accountId": "557058:b", "emailAddress": BOB });
    town.jira.lock().unwrap().approve(&label, approver, "approved", town.world.engine.now());
    for _ in 0..4 {
        town.world.engine.poll_by(&link("jira")).await.unwrap();
    }
    assert_eq!(town.world.change(number).approvals.len(), 1);
}

#[tokio::test]
async fn more_records_than_one_page_are_read_and_the_end_is_never_set_back() {
    let (town, number) = waiting(&servicenow()).await;
    town.read_back("servicenow").await;
    let before = town.cursor("servicenow");
    let correlation = format!("sluice-{number}");
    {
        let (mut servicenow, now) = (town.servicenow.lock().unwrap(), town.world.engine.now());
        // An approval that is older than the records, of which there are more than fit a page.
        servicenow.approve(&correlation, "mallory@elsewhere.example", "approved", now);
    }
    town.world.clock.advance(Duration::from_secs(30));
    {
        let (mut servicenow, now) = (town.servicenow.lock().unwrap(), town.world.engine.now());
        for other in 0..1_200 {
            servicenow.squat(&format!("sluice-CHG9{other:06}"), "", now);
        }
    }
    town.world.clock.advance(Duration::from_secs(1));
    town.servicenow.lock().unwrap().edit(&correlation, &[("state", "4")], town.world.engine.now());
    let edited = town.world.engine.now().strftime("%Y-%m-%d %H:%M:%S").to_string();
    town.read_back("servicenow").await;
    assert!(town.state_here(number).is_over());
    assert!(town.cursor("servicenow") > before);
    for _ in 0..3 {
        town.read_back("servicenow").await;
    }
    let cursor = town.cursor("servicenow");
    assert!(cursor.ends_with(&format!(";records={edited}")), "{cursor}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_ledger_had_no_room_for_is_read_again() {
    let (town, number) = waiting(&servicenow()).await;
    town.read_back("servicenow").await;
    let correlation = format!("sluice-{number}");
    // The older of two words is not read again by itself once the newer one counts as read.
    for email in [BOB, "mallory@elsewhere.example"] {
        town.world.clock.advance(Duration::from_secs(60));
        let now = town.world.engine.now();
        town.servicenow.lock().unwrap().approve(&correlation, email, "approved", now);
    }
    let Town { world, net, .. } = town;
    world.engine.shutdown();
    let full = Arc::new(AtomicBool::new(false));
    let engine = Engine::open(EngineOptions {
        net,
        origin: Some("acme.example/sluice".to_owned()),
        clock: Arc::clone(&world.clock) as _,
        rng: Arc::new(SeededRng::new(3)),
        secrets: Arc::new(NamedSecrets),
        full_anchor: Some(Arc::clone(&full)),
        ..EngineOptions::new(world.dir.path())
    })
    .unwrap();
    // What is decided cannot be anchored for a while, and more comes than can wait.
    full.store(true, Ordering::Relaxed);
    let mut waiting = JoinSet::new();
    let (held, admin) = (engine.clone(), world.admin.clone());
    waiting.spawn(async move {
        held.pause_link(&admin, "slack", "for a while".into()).await.map(|_| ())
    });
    loop {
        let (engine, admin) = (engine.clone(), world.admin.clone());
        waiting.spawn(async move { engine.resume_link(&admin, "github-told").await.map(|_| ()) });
        match waiting.try_join_next() {
            Some(Ok(Err(EngineError::Unavailable(why)))) if why.code == "overloaded" => break,
            _ => tokio::task::yield_now().await,
        }
    }
    engine.poll_by(&link("servicenow")).await.unwrap_err();
    assert_eq!(engine.change(number).unwrap().unwrap().approvals, []);
    full.store(false, Ordering::Relaxed);
    while waiting.join_next().await.is_some() {}
    world.clock.advance(Duration::from_secs(31));
    engine.poll_by(&link("servicenow")).await.unwrap();
    assert_eq!(engine.change(number).unwrap().unwrap().approvals.len(), 1);
}

#[tokio::test]
async fn a_hint_is_kept_until_something_was_read() {
    let (town, number) = waiting(&jira("jira")).await;
    town.read_back("jira").await;
    // A delivery hurries the reading, and Jira is away at that moment.
    town.net.lie(sluice_testkit::neighbours::Lies::always(
        sluice_testkit::neighbours::Lie::Unreachable,
    ));
    let body = json!({ "timestamp": 0, "webhookEvent": "jira:issue_updated",
        "issue": { "id": "1", "key": "OPS-1", "fields": { "labels": [], "status": { "name": "Open" } } } });
    let bytes = serde_json::to_vec(&body).unwrap();
    let mac =
        sluice_connectors::kit::signature::hmac_sha256(&NamedSecrets::of("JIRA_WEBHOOK"), &bytes);
    let delivery = sluice_engine::Delivery::of_body(bytes, town.world.engine.now()).with_header(
        "x-hub-signature",
        &format!("sha256={}", data_encoding::HEXLOWER.encode(&mac)),
    );
    town.world.hear("jira", delivery).await;
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    town.net.lie(sluice_testkit::neighbours::Lies::none());
    let approver = json!({ "accountId": "557058:b", "emailAddress": BOB });
    let (label, now) = (format!("sluice-{number}"), town.world.engine.now());
    town.jira.lock().unwrap().approve(&label, approver, "approved", now);
    town.world.clock.advance(Duration::from_secs(1));
    town.world.engine.poll_by(&link("jira")).await.unwrap();
    assert_eq!(town.world.change(number).approvals.len(), 1);
}

#[tokio::test]
async fn a_new_revision_is_shown_also_when_the_change_goes_a_step_at_once() {
    // The answer that revises it also authorizes it: there is one commit, and one thing is told of the state.
    let town = Town::start().await;
    let number = town.world.ask(question("payments", 51, 51)).await.change.unwrap();
    town.settle(DAY).await;
    let mut other = question("payments", 51, 51);
    other.artifacts = [crate::world::digest(77)].into();
    other.emergency = Some("payments fail".into());
    town.world.ask(other).await;
    town.settle(DAY).await;
    let servicenow = town.servicenow.lock().unwrap();
    let shown = servicenow.changes[0].field("description").to_owned();
    let revision = town.world.change(number).revision.digest.to_string();
    assert!(shown.contains(&revision), "{shown}");
}

#[tokio::test]
async fn a_revision_that_is_not_shown_is_found_by_comparing_and_mended() {
    let (town, number) = waiting(&servicenow()).await;
    let correlation = format!("sluice-{number}");
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let other = format!("Revision: sha256:{}", "0".repeat(64));
    town.servicenow.lock().unwrap().edit(&correlation, &[("description", &other)], engine.now());
    let result = engine.reconcile_link(admin, "servicenow", true).await.unwrap();
    assert_eq!(result.differing[0].about, "revision", "{result:#?}");
    town.settle(DAY).await;
    let result = engine.reconcile_link(admin, "servicenow", false).await.unwrap();
    assert_eq!((result.equal, result.differing.len()), (1, 0), "{result:#?}");
    // Who spoke while another one was shown is not heard for this one.
    town.world.clock.advance(Duration::from_secs(60));
    town.servicenow.lock().unwrap().edit(&correlation, &[("description", &other)], engine.now());
    town.servicenow.lock().unwrap().approve(&correlation, BOB, "approved", engine.now());
    town.world.clock.advance(Duration::from_secs(60));
    engine.reconcile_link(admin, "servicenow", true).await.unwrap();
    town.settle(DAY).await;
    town.read_back("servicenow").await;
    assert_eq!(town.world.change(number).approvals, []);
}

#[tokio::test]
async fn a_small_workflow_has_one_status_for_several_states() {
    let statuses = "
        new: Open
        authorize: open
        scheduled: Implementing
        implement: Implementing
        review: Implementing
        closed: Completed
        canceled: Completed
";
    let (before, _) = JIRA.split_once("      statuses:").unwrap();
    let links = format!("links:\n{before}      statuses:{statuses}")
        .replace("      service_desk: {id: \"4\", request_type: \"21\"}\n", "");
    let town = Town::with(&links).await;
    town.jira.lock().unwrap().workflow = vec!["Open", "Implementing", "Completed"];
    let number = town.deploy("payments", 61).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let label = format!("sluice-{number}");
    let is_over = town.state_here(number).is_over();
    let status = if is_over { "Completed" } else { "Implementing" };
    assert_eq!(town.jira.lock().unwrap().live(&label)[0].status(), status);
    town.read_back("jira").await;
    assert_eq!(disagreements(&town), [] as [&str; 0]);
}
