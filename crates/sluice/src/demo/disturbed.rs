//! What is broken when the story has been told, and the cause behind what was broken before.

use serde_json::{Value, json};
use sluice_engine::Engine;

use super::clock::StoryClock;
use super::company;
use super::telling::{expect, good};
use super::wire::{Answered, Wire};
use crate::failure::Failure;

/// Services on which no others depend: what is open there weighs on no change but theirs.
const LATE: &str = "mobile-backend";
const SLOW: &str = "web-shop";
/// The service whose deployments were undone.
const UNDONE: &str = "search";

/// A problem that is a known error, and an incident that is worked on.
pub(super) async fn past(engine: &Engine, wire: &Wire, clock: &StoryClock) -> Result<(), Failure> {
    let henrik = company::person(engine, "henrik").await?;
    let listed = wire.get(&henrik, &format!("/api/v1/incidents?service={UNDONE}")).await?;
    let undone = listed.body["items"].as_array().cloned().unwrap_or_default();
    let all = |name: &str| -> Vec<Value> { undone.iter().map(|it| it[name].clone()).collect() };
    let problem = json!({
        "title": "The index is read while it is written anew", "services": [UNDONE],
        "incidents": all("number"), "changes": all("change"),
        "note": "Latency doubled after both deployments, for as long as the index was built.",
    });
    let opened = said(wire, &henrik, "/api/v1/problems", &problem).await?;
    let one = format!("/api/v1/problems/{}/move", opened.text("/problem"));
    clock.pass_minutes(45);
    // Sessions of people end by themselves when they are not used for a while.
    let henrik = company::person(engine, "henrik").await?;
    let looked = json!({"state": "investigating", "note": "Comparing the two deployments."});
    said(wire, &henrik, &one, &looked).await?;
    clock.pass_minutes(5 * 60);
    let henrik = company::person(engine, "henrik").await?;
    let known = json!({
        "state": "known_error",
        "note": "Deploy while few people search, and build the index on one machine before.",
    });
    said(wire, &henrik, &one, &known).await?;
    clock.lead_to_before_now(150);
    let grace = company::person(engine, "grace").await?;
    let late = json!({
        "title": "Push messages arrive minutes late", "services": [LATE],
        "environment": "production", "severity": "warning", "note": "Told by the service desk.",
    });
    let opened = said(wire, &grace, "/api/v1/incidents", &late).await?;
    let one = format!("/api/v1/incidents/{}/move", opened.text("/incident"));
    for (minutes, state, note) in [
        (6, "acknowledged", "Looking at the queue."),
        (21, "in_progress", "One of three workers does not take messages. It is being replaced."),
    ] {
        clock.pass_minutes(minutes);
        said(wire, &grace, &one, &json!({"state": state, "note": note})).await?;
    }
    Ok(())
}

/// An incident that nobody has looked at.
pub(super) async fn begin(engine: &Engine, wire: &Wire) -> Result<(), Failure> {
    let fatima = company::person(engine, "fatima").await?;
    let slow = json!({
        "title": "Checkout is slow for customers in the south", "services": [SLOW],
        "environment": "production", "severity": "high",
        "note": "Every fifth request takes more than three seconds. The rest is as always.",
    });
    said(wire, &fatima, "/api/v1/incidents", &slow).await?;
    good("one incident is worked on, one is new, and the cause behind two that are over is known");
    Ok(())
}

/// Says something to the server, which has to take it.
async fn said(wire: &Wire, token: &str, path: &str, body: &Value) -> Result<Answered, Failure> {
    let answered = wire.post(token, path, body).await?;
    if ![200, 201].contains(&answered.status) {
        expect(false, &format!("`{path}` is taken"), &answered)?;
    }
    Ok(answered)
}
