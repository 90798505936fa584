//! Incidents and problems as records: what opens them, who ends them, what they hang together with.

use std::collections::BTreeSet;

use sluice_core::ids::{IncidentNumber, ServiceName};
use sluice_core::incident::{self, Incident, IncidentState, Resolution};
use sluice_core::problem::{self, Problem, ProblemState};
use sluice_engine::{EngineError, IncidentStep, ProblemStep};

use crate::world::{World, digest, question};

fn incident(world: &World, number: u64) -> Incident {
    let row = world.engine.readers().incident(number).unwrap().unwrap();
    serde_json::from_str(&row.body).unwrap()
}

fn services(names: &[&str]) -> BTreeSet<ServiceName> {
    names.iter().map(|name| ServiceName::parse(name).unwrap()).collect()
}

fn code(error: EngineError) -> String {
    match error {
        EngineError::Refused(refusal) => refusal.code.to_string(),
        other => other.to_string(),
    }
}

/// Every row of every view is what the entries say.
fn explained(world: World) {
    let World { engine, dir, .. } = world;
    engine.shutdown();
    let report = sluice_engine::fsck::fsck(dir.path()).unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
}

/// A deployment of `payments` by the emergency way, with its end.
async fn deploy(world: &World, seed: u8, state: &str) -> sluice_core::ids::ChangeNumber {
    let mut asked = question("payments", seed, u32::from(seed));
    asked.emergency = Some("payments fail".into());
    let answer = world.ask(asked).await;
    let redeemed = world.redeem(&answer, [digest(seed)].into()).await.unwrap();
    world.report(redeemed.deployment, serde_json::json!({ "state": state })).await;
    answer.change.unwrap()
}

#[tokio::test]
async fn a_deployment_that_fails_opens_an_incident_and_the_next_good_one_ends_it() {
    let world = World::start().await;
    let change = deploy(&world, 1, "failed").await;
    let opened = incident(&world, 1);
    assert_eq!(opened.state, IncidentState::New);
    assert_eq!((opened.change, opened.deployment.map(|number| number.0)), (Some(change), Some(1)));
    assert_eq!(opened.services, services(&["payments"]));
    assert_eq!(opened.title, "DEP0000001: payments failed");
    // It counts at the gate as the failure that it is, and not a second time.
    let asked = world.ask(question("payments", 2, 2)).await;
    assert!(asked.reasons.iter().all(|reason| reason.rule != "conflicts.incident"));
    deploy(&world, 3, "succeeded").await;
    let over = incident(&world, 1);
    assert_eq!((over.state, over.resolution), (IncidentState::Resolved, Some(Resolution::Fixed)));
    assert!(world.engine.standing().incidents.is_empty());
    explained(world);
}

#[tokio::test]
async fn people_open_and_resolve_incidents_where_they_may_and_problems_gather_them() {
    let world = World::start().await;
    let (owner, manager) = (world.person("fatima").await, world.person("henrik").await);
    let opening = |service: &str| incident::Opening {
        title: "checkout is slow".into(),
        services: services(&[service]),
        environment: Some("production".into()),
        ..incident::Opening::default()
    };
    let refused = world.engine.open_incident(&owner, opening("payments")).await.unwrap_err();
    assert_eq!(code(refused), "outside_scope");
    let number = world.engine.open_incident(&owner, opening("web-shop")).await.unwrap().value;
    assert_eq!(number, IncidentNumber(1));
    let step = IncidentStep::Move(IncidentState::InProgress);
    world.engine.advance_incident(&owner, number, step.clone(), String::new()).await.unwrap();
    let again = world.engine.advance_incident(&owner, number, step, String::new()).await;
    assert_eq!(code(again.unwrap_err()), "already_so");
    let step = IncidentStep::Resolve(Resolution::WorkedAround);
    world.engine.advance_incident(&owner, number, step.clone(), "cache".into()).await.unwrap();
    let again = world.engine.advance_incident(&owner, number, step, "cache".into()).await;
    assert_eq!(code(again.unwrap_err()), "incident_over");
    assert_eq!(incident(&world, 1).state, IncidentState::Resolved);

    // A problem may gather incidents that are over; more is linked as it comes.
    let opening = problem::Opening {
        title: "the cache is too small".into(),
        services: services(&["web-shop"]),
        incidents: [number].into(),
        ..problem::Opening::default()
    };
    let refused = world.engine.open_problem(&world.pipeline, opening.clone()).await;
    assert!(refused.is_err(), "a pipeline opens no problem");
    let found = world.engine.open_problem(&manager, opening).await.unwrap().value;
    let link = ProblemStep::Link([IncidentNumber(9)].into(), BTreeSet::new());
    let unknown = world.engine.advance_problem(&manager, found, link, String::new()).await;
    assert_eq!(code(unknown.unwrap_err()), "incident_unknown");
    let step = ProblemStep::Move(ProblemState::KnownError);
    world.engine.advance_problem(&manager, found, step, "size of it".into()).await.unwrap();
    let step = ProblemStep::Resolve;
    world.engine.advance_problem(&manager, found, step, "it is larger".into()).await.unwrap();
    let row = world.engine.readers().problem(found.0).unwrap().unwrap();
    let record: Problem = serde_json::from_str(&row.body).unwrap();
    assert_eq!((record.state, record.incidents), (ProblemState::Resolved, [number].into()));
    explained(world);
}
