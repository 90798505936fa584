//! A company of any size, and the questions its pipelines ask.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

/// Files that declare `services` services in two environments, with teams, a rule, windows and evidence.
pub fn files(services: usize, tier: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    files.insert("sluice.yaml".to_owned(), BASE.to_owned());
    for (part, numbers) in (0..services).collect::<Vec<_>>().chunks(10_000).enumerate() {
        let mut text = String::from("services:\n");
        for number in numbers {
            let needs = if number % 5 == 0 && *number > 0 {
                format!(", depends_on: [s{:06}]", number - 1)
            } else {
                String::new()
            };
            let _ = writeln!(
                text,
                "  - {{name: s{number:06}, owner: team{}, class: frontend, tier: {tier}{needs}}}",
                number % 4
            );
        }
        files.insert(format!("services/{part}.yaml"), text);
    }
    files
}

const BASE: &str = "\
settings: {title: Bench, production_environment: production, business_hours: [0, 24], business_days: [mon, tue, wed, thu, fri, sat, sun]}
environments:
  - {name: production, tier: production}
people:
  - {handle: ann, name: Ann, emails: [ann@bench.example], roles: [change_manager, incident_manager, auditor, administrator]}
  - {handle: ben, name: Ben, emails: [ben@bench.example]}
teams:
  - {name: team0, members: [ann]}
  - {name: team1, members: [ben]}
  - {name: team2, members: [ann, ben]}
  - {name: team3, members: [ben]}
approval_rules:
  - {name: owners, scope: {environment_tiers: [production]}, min_risk: medium, approvers: {teams: ['@owner']}}
evidence_rules:
  - {name: tests, scope: {environment_tiers: [production]}, requires: [test_report]}
windows:
  - {name: close, kind: freeze, scope: {labels: {close: 'yes'}}, zone: Europe/Berlin, start: 2026-01-01T00:00:00, duration: 8h, rrule: FREQ=MONTHLY;BYMONTHDAY=-1}
  - {name: night, kind: maintenance, scope: {environment_tiers: [production]}, zone: UTC, start: 2026-01-01T02:00:00, duration: 2h, rrule: FREQ=DAILY}
";

/// The question of one service's pipeline.
pub fn question(service: usize, run: u64) -> Value {
    let commit = format!("{:040x}", service + 1);
    let digest = format!("sha256:{:064x}", service + 1);
    json!({
        "service": format!("s{service:06}"), "environment": "production", "version": "1.2.3",
        "commit": commit, "artifacts": [digest],
        "run": {"system": "github:github.com", "id": format!("bench/s{service:06}/{run}"), "attempt": 1},
        "evidence": [{"type": "test_report", "name": "unit", "status": "passed"}],
        "lines_changed": 12,
    })
}
