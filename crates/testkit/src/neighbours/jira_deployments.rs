//! Jira's deployments: updates that count where their number is higher, and a gating that Jira decides by issues of its own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen};

/// The part of a site that takes deployments.
#[derive(Debug, Default)]
pub struct JiraDeployments {
    /// Deployments by pipeline, environment and number, as they stand.
    pub deployments: BTreeMap<(String, String, u64), Value>,
    /// States that each was seen in, in order.
    pub states: Vec<(String, String)>,
    /// What the gating says to all deployments that asked for it; `awaiting` where nothing is set.
    pub says: Option<&'static str>,
    /// Ids of services that the site has; all where there are none.
    pub services: Vec<String>,
    gated: BTreeMap<(String, String, u64), u64>,
}

impl JiraDeployments {
    fn bulk(&mut self, seen: &Seen) -> Said {
        let body = seen.json();
        let (mut accepted, mut rejected, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for deployment in body["deployments"].as_array().into_iter().flatten() {
            let number = deployment["deploymentSequenceNumber"].as_u64();
            let update = deployment["updateSequenceNumber"].as_u64();
            let (Some(number), Some(update)) = (number, update) else { return problem(400) };
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let key = (
                word(&deployment["pipeline"]["id"]),
                word(&deployment["environment"]["id"]),
                number,
            );
            let said = json!({ "pipelineId": key.0, "environmentId": key.1, "deploymentSequenceNumber": number });
            if let Some(missing) = missing(deployment) {
                rejected.push(json!({ "key": said, "errors": [{ "message": missing }] }));
                continue;
            }
            let id = word(&deployment["associations"][0]["values"][0]);
            if !self.services.is_empty() && !self.services.contains(&id) {
                unknown.push(json!({ "associationType": "serviceIdOrKeys", "values": [id] }));
            }
            // Older updates are dropped, and nobody is told.
            let known =
                self.deployments.get(&key).and_then(|it| it["updateSequenceNumber"].as_u64());
            if known.is_none_or(|known| update > known) {
                self.states.push((key.0.clone(), word(&deployment["state"])));
                if deployment["commands"][0]["command"] == "initiate_deployment_gating" {
                    let count = self.gated.len() as u64 + 1;
                    self.gated.entry(key.clone()).or_insert(count);
                }
                self.deployments.insert(key, deployment.clone());
            }
            accepted.push(said);
        }
        let answer = json!({
            "acceptedDeployments": accepted, "rejectedDeployments": rejected,
            "unknownIssueKeys": [], "unknownAssociations": unknown,
        });
        Said::json(202, &answer)
    }

    fn gating(&self, (pipeline, environment, number): (&str, &str, &str)) -> Said {
        let number = number.parse().unwrap_or(0);
        let key = (pipeline.to_owned(), environment.to_owned(), number);
        let Some(issue) = self.gated.get(&key) else { return problem(404) };
        let details = json!([{ "type": "issue", "issueKey": format!("GATE-{issue}"), "issueLink": "https://jira.test" }]);
        Said::json(
            200,
            &json!({
                "gatingStatus": self.says.unwrap_or("awaiting"), "details": details, "updatedTimestamp": "2026-03-04T10:00:00Z",
                "pipelineId": pipeline, "environmentId": environment, "deploymentSequenceNumber": number,
            }),
        )
    }
}

/// What a deployment has to have, and the longest that it may be.
fn missing(deployment: &Value) -> Option<&'static str> {
    let states =
        ["unknown", "pending", "in_progress", "cancelled", "failed", "rolled_back", "successful"];
    let types = ["unmapped", "development", "testing", "staging", "production"];
    let word = |place: &str| deployment.pointer(place).and_then(Value::as_str).unwrap_or_default();
    let short = |place: &str, most: usize| (1..=most).contains(&word(place).chars().count());
    if !states.contains(&word("/state")) || !types.contains(&word("/environment/type")) {
        return Some("state or type");
    }
    let sound =
        [("/displayName", 255), ("/url", 2_000), ("/description", 255), ("/pipeline/url", 2_000)];
    if !sound.iter().all(|(place, most)| short(place, *most)) {
        return Some("a text is missing or too long");
    }
    let dated = word("/lastUpdated").parse::<Timestamp>().is_ok();
    let associated =
        deployment["associations"].as_array().is_some_and(|all| (1..=3).contains(&all.len()));
    (!dated || !associated || word("/schemaVersion") != "1.0").then_some("a member is missing")
}

impl Neighbour for JiraDeployments {
    fn answer(&mut self, seen: &Seen, _: Timestamp) -> Said {
        if seen.path == "/oauth/token" {
            let asked = seen.json();
            let ours =
                asked["client_secret"].as_str().is_some_and(|it| it.starts_with("secret-of-"));
            return match ours && asked["audience"] == "api.atlassian.com" {
                true => Said::json(
                    200,
                    &json!({ "access_token": "t0k3n", "token_type": "Bearer", "expires_in": 900 }),
                ),
                false => problem(401),
            };
        }
        if seen.headers.get("authorization").is_none_or(|shown| shown != "Bearer t0k3n") {
            return problem(401);
        }
        let parts = seen.parts();
        let rest = parts.strip_prefix(["jira", "deployments", "0.1", "cloud", "c1"].as_slice());
        match (seen.method.as_str(), rest) {
            ("POST", Some(["bulk"])) => self.bulk(seen),
            (
                "GET",
                Some(
                    [
                        "pipelines",
                        pipeline,
                        "environments",
                        environment,
                        "deployments",
                        number,
                        "gating-status",
                    ],
                ),
            ) => self.gating((*pipeline, *environment, *number)),
            _ => problem(404),
        }
    }
}

fn problem(status: u16) -> Said {
    Said::json(status, &json!({ "errorMessages": ["no"] }))
}
