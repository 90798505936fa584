//! Every request that is sent is one that the vendor's own OpenAPI description knows: path, method, query and body.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::Signer;
use sluice_testkit::neighbours::Seen;

use super::{JIRA, LINKS, Town};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Sent, and not in the descriptions at hand: Jira's is of 2024-07, before this search came.
const NOT_DESCRIBED: [&str; 1] = ["GET /rest/api/3/search/jql"];

#[tokio::test]
async fn every_request_is_one_that_the_vendor_describes() {
    let Some(folder) = shared() else {
        println!("SKIPPED: shared data absent (openapi)");
        return;
    };
    let town = everything_told().await;
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    for (vendor, host, files) in [
        (
            "jira",
            "jira.test",
            ["jira-cloud-platform-v3-2024-07.json.zst", "jira-service-management-cloud.json"]
                .as_slice(),
        ),
        ("github", "github.test", &["github-api.github.com.json.zst"]),
        (
            "servicenow",
            "servicenow.test",
            &[
                "servicenow-table_latest.json",
                "servicenow-sn_chg_rest_change_management_latest.json",
            ],
        ),
    ] {
        let Some(descriptions) =
            files.iter().map(|file| read(&folder.join(file))).collect::<Option<Vec<_>>>()
        else {
            println!("SKIPPED: `zstd` is not there to unpack the description of {vendor}");
            continue;
        };
        let mut described = Described { descriptions, validators: BTreeMap::new() };
        for (_, seen) in town.net.seen().iter().filter(|(at, _)| at == host) {
            described.check(vendor, seen);
            *checked.entry(vendor).or_default() += 1;
        }
    }
    println!("requests that are as described: {checked:?}");
    assert!(checked.values().all(|count| *count > 10), "{checked:?}");
}

/// Changes through their lives, told to everybody, by an App and by a token, as requests and as issues.
async fn everything_told() -> Town {
    let dir = tempfile::tempdir().unwrap();
    let (key, signer) = (dir.path().join("app.pem"), Signer::new("app"));
    std::fs::write(&key, signer.private_key_pem()).unwrap();
    let issues = JIRA.replace("name: jira\n", "name: jira-issues\n").replace(
        "      service_desk: {id: \"4\", request_type: \"21\"}\n",
        "      correlation_prefix: issues\n",
    );
    let app = format!(
        "  - name: app\n    connector: github\n    credentials: {{private_key: {{file: {}}}}}\n    tell: [decision, change, deployment]\n    settings: {{api: {{url: \"https://github.test\", app: Iv23li, installation: 7, issues: true}}}}\n",
        key.display()
    );
    let links = format!("{LINKS}{JIRA}{issues}{app}")
        .replace("user: sluice\n", "user: sluice\n      authority: servicenow\n");
    let town = Town::with(
        &links.replace("      project: OPS", "      authority: jira\n      project: OPS"),
    )
    .await;
    {
        let mut github = town.github.lock().unwrap();
        github.app = Some(signer);
        github.waiting.push(("acme/payments".to_owned(), "131".to_owned()));
    }
    town.deploy("payments", 131).await;
    town.world.ask(question("ledger", 132, 132)).await;
    town.end_as(question("web-shop", 133, 133), 133, json!({ "state": "failed" })).await;
    town.settle(DAY).await;
    assert_eq!(town.github.lock().unwrap().issues.len(), 1);
    for link in ["servicenow", "jira", "jira-issues", "github-told", "app"] {
        let trial = town.world.engine.test_link(&town.world.admin, link).await.unwrap();
        assert!(trial.ok, "{link}: {trial:?}");
        town.world.engine.poll_by(&super::link(link)).await.unwrap();
    }
    town
}

struct Described {
    descriptions: Vec<Value>,
    validators: BTreeMap<String, Option<jsonschema::Validator>>,
}

impl Described {
    fn check(&mut self, vendor: &str, seen: &Seen) {
        let what = format!("{} {}", seen.method, seen.path);
        if NOT_DESCRIBED.contains(&what.as_str()) {
            return;
        }
        let (index, template) =
            self.found(seen).unwrap_or_else(|| panic!("{vendor}: {what} is not described"));
        let description = &self.descriptions[index];
        let item = &description["paths"][&template];
        let operation = &item[seen.method.to_lowercase()];
        for name in seen.query.keys() {
            let declared = [&item["parameters"], &operation["parameters"]]
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .map(|one| resolved(description, one))
                .any(|one| one["in"] == "query" && one["name"] == *name);
            assert!(declared, "{vendor}: {what} has no parameter `{name}`");
        }
        if seen.body.is_empty() {
            assert_ne!(operation["requestBody"]["required"], true, "{vendor}: {what} needs a body");
            return;
        }
        let validator = self
            .validators
            .entry(format!("{index} {} {template}", seen.method))
            .or_insert_with(|| {
                let body = resolved(description, &operation["requestBody"]);
                let schema = body.pointer("/content/application~1json/schema")?;
                let whole = json!({ "allOf": [schema], "components": description["components"] });
                let built = jsonschema::options()
                    .with_draft(jsonschema::Draft::Draft4)
                    .offline()
                    .build(&whole);
                Some(built.unwrap_or_else(|error| panic!("{what}: {error}")))
            });
        if let Some(validator) = validator {
            let body = seen.json();
            let errors: Vec<String> =
                validator.iter_errors(&body).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{vendor}: {what}: {errors:?}\n{body:#}");
        }
    }

    /// The path that fits with the fewest placeholders.
    fn found(&self, seen: &Seen) -> Option<(usize, String)> {
        let parts = seen.parts();
        let method = seen.method.to_lowercase();
        let mut fitting: Vec<(usize, usize, String)> = Vec::new();
        for (index, description) in self.descriptions.iter().enumerate() {
            for (template, item) in description["paths"].as_object().into_iter().flatten() {
                let wanted: Vec<&str> =
                    template.split('/').filter(|part| !part.is_empty()).collect();
                let is_free = |part: &str| part.starts_with('{');
                let fits = wanted.len() == parts.len()
                    && wanted
                        .iter()
                        .zip(&parts)
                        .all(|(wanted, part)| is_free(wanted) || wanted == part);
                if fits && item.get(&method).is_some() {
                    let free = wanted.iter().filter(|part| is_free(part)).count();
                    fitting.push((free, index, template.clone()));
                }
            }
        }
        fitting.sort();
        fitting.into_iter().next().map(|(_, index, template)| (index, template))
    }
}

fn resolved<'a>(description: &'a Value, part: &'a Value) -> &'a Value {
    match part.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#')) {
        Some(at) => description.pointer(at).unwrap_or(part),
        None => part,
    }
}

fn read(path: &std::path::Path) -> Option<Value> {
    let bytes = match path.extension().is_some_and(|kind| kind == "zst") {
        true => Command::new("zstd").arg("-dc").arg(path).output().ok()?.stdout,
        false => std::fs::read(path).ok()?,
    };
    serde_json::from_slice(&bytes).ok()
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
fn shared() -> Option<PathBuf> {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/openapi"));
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("SLUICE_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(!required, "the shared data are required, and the descriptions are absent");
    None
}
