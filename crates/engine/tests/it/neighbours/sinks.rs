//! Dashboards, logs, pagers, channels and sinks of events: what is told arrives, whatever they do.

use std::path::Path;
use std::time::Duration;

use sluice_testkit::SeededRng;
use sluice_testkit::neighbours::{Lie, Lies};

use super::Town;
use crate::incidents::incident;
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn links(dir: &Path) -> String {
    let (workflow, signing) = (dir.join("workflow"), dir.join("signing"));
    std::fs::write(&workflow, "https://sinks.test/workflows/17/invoke?sig=s3cr3t\n").unwrap();
    let secret = data_encoding::BASE64.encode(b"a signing key of 24 bytes");
    std::fs::write(&signing, format!("whsec_{secret}\n")).unwrap();
    let all = "tell: [change, approval, decision, deployment, stop, incident]";
    let mut text = "links:\n".to_owned();
    for (kind, credential, more) in [
        ("grafana", "token", ""),
        ("datadog", "api_key", ""),
        ("splunk", "token", ""),
        ("elastic", "api_key", ""),
        ("otlp", "token", ""),
        ("pagerduty", "routing_key", ""),
        ("jsm", "api_key", ""),
        ("ntfy", "token", ", topic: t"),
    ] {
        text.push_str(&format!(
            "  - name: {kind}\n    connector: {kind}\n    credentials: {{{credential}: {{env: A}}}}\n    {all}\n    settings: {{url: \"https://sinks.test\"{more}, per_minute: 600}}\n"
        ));
    }
    text.push_str(&format!(
        "  - name: teams\n    connector: teams\n    credentials: {{workflow_url: {{file: {}}}}}\n    {all}\n    settings: {{url: \"https://sinks.test\", per_minute: 600}}\n",
        workflow.display()
    ));
    text.push_str(&format!(
        "  - name: events\n    connector: cdevents\n    credentials: {{signing_secret: {{file: {}}}}}\n    {all}\n    settings: {{sink: {{url: \"https://sinks.test/in\"}}}}\n",
        signing.display()
    ));
    text
}

async fn lived(town: &Town) {
    town.deploy("payments", 121).await;
    town.world.ask(question("ledger", 122, 122)).await;
    let stop = town
        .world
        .engine
        .pull_stop(&town.world.admin, Default::default(), "a drill".into())
        .await
        .unwrap();
    let id = stop.value.id;
    town.world.engine.lift_stop(&town.world.admin, &id, "over".into()).await.unwrap();
}

#[tokio::test]
async fn what_is_told_arrives_once_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::with(&links(dir.path())).await;
    lived(&town).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let told = town.outbox("delivered").iter().filter(|row| row.effect.link == "events").count();
    check_counts(&town, told);
    for name in [
        "grafana",
        "datadog",
        "splunk",
        "elastic",
        "otlp",
        "pagerduty",
        "jsm",
        "ntfy",
        "teams",
        "events",
    ] {
        let trial = town.world.engine.test_link(&town.world.admin, name).await.unwrap();
        assert!(trial.ok, "{name}: {trial:?}");
    }
}

#[tokio::test]
async fn what_can_be_known_again_comes_once_and_nothing_is_lost() {
    for lie in
        [Lie::LostAnswer, Lie::DoneAndBroken, Lie::DoneAndPage, Lie::Broken, Lie::TooMuch(Some(7))]
    {
        let dir = tempfile::tempdir().unwrap();
        let town = Town::with(&links(dir.path())).await;
        lived(&town).await;
        town.net.lie(Lies::always(lie));
        town.world.engine.deliver().await.unwrap();
        town.net.lie(Lies::none());
        town.settle(3 * DAY).await;
        check(&town, &format!("{lie:?}"));
    }
}

#[tokio::test]
async fn whatever_sinks_do_everything_arrives_in_the_end() {
    for seed in 0..8 {
        let rng = SeededRng::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let town = Town::with(&links(dir.path())).await;
        town.net.lie(Lies::seeded(seed, 100 + rng.number() % 500));
        lived(&town).await;
        town.settle(Duration::from_secs(3_600 + rng.number() % 7_200)).await;
        town.net.lie(Lies::none());
        for row in town.outbox("given_up") {
            let _ = town.world.engine.replay_link(&town.world.admin, &row.effect.link, None).await;
        }
        town.settle(3 * DAY).await;
        check(&town, &format!("seed {seed}"));
    }
}

fn check(town: &Town, what: &str) {
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]), "{what}");
    let told = town.outbox("delivered").iter().filter(|row| row.effect.link == "events").count();
    let sinks = town.sinks.lock().unwrap();
    let once = [sinks.annotations.len(), sinks.documents.len(), sinks.published.len()];
    assert_eq!(once, [told; 3], "{what}");
    let at_least = [
        sinks.events.len(),
        sinks.collected.len(),
        sinks.records.len(),
        sinks.messages.len(),
        sinks.cards.len(),
    ];
    assert!(at_least.iter().all(|count| *count >= told), "{what}: {told} {at_least:?}");
    // A link that had nothing but bad luck for an hour is an incident, which alerts too, and is over like the stop.
    for (alerts, over) in [(&sinks.alerts, "resolve"), (&sinks.operations, "closed")] {
        let stops = alerts.keys().filter(|key| !key.starts_with("INC")).count();
        assert_eq!(stops, 1, "{what}: {alerts:?}");
        assert!(alerts.values().all(|last| last == over), "{what}: {alerts:?}");
    }
}

#[tokio::test]
async fn an_alert_is_closed_whatever_stands_in_the_id_of_its_incident() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::with(&links(dir.path())).await;
    for predicate in ["detected", "resolved"] {
        incident(&town.world, predicate, "payments").await;
        town.settle(DAY).await;
    }
    let sinks = town.sinks.lock().unwrap();
    let alerts: Vec<_> =
        sinks.operations.iter().map(|(id, it)| (id.as_str(), it.as_str())).collect();
    let [(alias, "closed")] = alerts.as_slice() else { panic!("{alerts:?}") };
    // It is the number here: what the reporter calls it goes nowhere.
    assert_eq!(*alias, "INC0000001");
}

fn check_counts(town: &Town, told: usize) {
    let sinks = town.sinks.lock().unwrap();
    let counts = [
        sinks.annotations.len(),
        sinks.events.len(),
        sinks.collected.len(),
        sinks.documents.len(),
        sinks.records.len(),
        sinks.messages.len(),
        sinks.cards.len(),
        sinks.published.len(),
        // A stop is one alert that was opened and closed.
        sinks.changes.len() + 2,
    ];
    assert!(told >= 6 && counts.iter().all(|count| *count == told), "{told}: {counts:?}");
    let resolved: Vec<&str> = sinks.alerts.values().map(String::as_str).collect();
    assert_eq!(resolved, ["resolve"]);
    let card = sinks.cards.last().unwrap().to_string();
    assert!(card.contains("AdaptiveCard"), "{card}");
    let linked = sinks
        .published
        .values()
        .any(|event| event["data"]["context"]["links"][0].to_string().contains("change.opened"));
    assert!(linked, "events of one change are linked to the one that opened it");
}
