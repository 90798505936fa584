//! Open incidents at the gate: they weigh, are named, a policy can hold for them, and their end lets go.

use std::time::Duration;

use sluice_core::gate::Decision;
use sluice_core::ids::ServiceName;
use sluice_core::incident::Opening;
use sluice_engine::Delivery;
use sluice_testkit::NamedSecrets;

use crate::world::{World, acme, question};

/// An incident of a service begins or ends, told by a producer of CDEvents.
pub(crate) async fn incident(world: &World, predicate: &str, service: &str) {
    let id = format!("{predicate}-{service}");
    let (source, kind) =
        ("https://watch.acme.example", format!("dev.cdevents.incident.{predicate}.0.3.0"));
    let body = serde_json::json!({
        "context": {"specversion": "0.5.1", "id": id, "source": source, "type": kind, "timestamp": "2026-03-04T10:00:00Z"},
        "subject": {"id": format!("INC {service}+1"), "content": {
            "description": "latency above 100 ms", "environment": {"id": "production"}, "service": {"id": service}}},
    });
    let token = String::from_utf8(NamedSecrets::of("ACME_CDEVENTS_SECRET")).unwrap();
    let delivery = Delivery::of_body(serde_json::to_vec(&body).unwrap(), world.engine.now())
        .with_header("content-type", "application/json")
        .with_header("ce-id", &id)
        .with_header("ce-source", source)
        .with_header("ce-specversion", "1.0")
        .with_header("ce-type", &kind)
        .with_header("authorization", &format!("Bearer {token}"));
    world.hear("tekton", delivery).await;
}

#[tokio::test]
async fn an_open_incident_weighs_on_what_it_concerns_and_on_nothing_else() {
    // `docs` stands alone; `payments` depends on `ledger`, and `web-shop` depends on `payments`.
    for (service, asked, concerns) in [
        ("docs", "docs", true),
        ("ledger", "payments", true),
        ("web-shop", "payments", false),
        ("search", "docs", false),
    ] {
        let world = World::start().await;
        let before = world.ask(question(asked, 1, 1)).await;
        incident(&world, "detected", service).await;
        let during = world.ask(question(asked, 1, 1)).await;
        incident(&world, "resolved", service).await;
        let after = world.ask(question(asked, 1, 1)).await;
        let named = |answer: &sluice_engine::GateAnswer| {
            answer.reasons.iter().any(|reason| reason.rule == "conflicts.incident")
        };
        assert_eq!((named(&before), named(&during), named(&after)), (false, concerns, false));
        let more = during.risk.score - before.risk.score;
        assert_eq!(more > 0, concerns, "{service} for {asked}: {:#?}", during.risk);
        assert_eq!(after.risk.score, before.risk.score);
    }
}

#[tokio::test]
async fn an_incident_of_several_services_is_one_of_the_nearest() {
    // `ledger`, which `payments` needs, comes first by its name.
    for (services, said) in
        [(vec!["ledger", "payments"], "payments"), (vec!["docs", "ledger"], "ledger")]
    {
        let world = World::start().await;
        let services = services.into_iter().map(|name| ServiceName::parse(name).unwrap());
        let title = "sums are wrong".to_owned();
        let services = services.collect();
        let opening = Opening { title, services, ..Opening::default() };
        world.engine.open_incident(&world.admin, opening).await.unwrap();
        let answer = world.ask(question("payments", 1, 1)).await;
        let reason = answer.reasons.iter().find(|reason| reason.rule == "conflicts.incident");
        let message = &reason.unwrap().message;
        assert!(message.ends_with(&format!("`{said}`")), "{message}");
    }
}

#[tokio::test]
async fn a_guardrail_that_holds_for_incidents_lets_go_when_the_last_one_ends() {
    let mut folder = acme();
    let rules = "guardrails:\n  - name: calm\n    steps:\n      - if: no open incidents\n        on_fail: wait\n        \
                 message: an incident is open\n        pass_if: the incident were over\n";
    folder.insert("policies/calm.yaml".to_owned(), rules.as_bytes().to_vec());
    let clock = std::sync::Arc::new(sluice_testkit::FakeClock::at("2026-03-04T10:00:00Z"));
    let nowhere = std::sync::Arc::new(sluice_engine::outbound::Nowhere);
    let world = World::among(&clock, nowhere, &folder).await;
    incident(&world, "detected", "docs").await;
    let held = world.ask(question("docs", 2, 2)).await;
    assert_eq!(held.decision, Decision::Wait, "{:#?}", held.reasons);
    let asked = question("docs", 2, 2);
    let waits =
        world.engine.ask(&world.pipeline, "calm", [0; 32], asked, Some(Duration::from_secs(600)));
    let (answer, ()) = tokio::join!(waits, incident(&world, "resolved", "docs"));
    assert_eq!(answer.unwrap().decision, Decision::Allow);
}
