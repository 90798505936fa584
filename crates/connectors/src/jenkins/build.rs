//! What Jenkins itself says of a build, and whether that is what the build said of itself.
//!
//! One hook token is shared by many pipelines, so a body proves nothing about the build that it names.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kit::repository::from_address;
use crate::kit::settings::Settings;
use crate::tell::Waits;

/// What is read of a build.
pub(super) const TREE: &str = "number,building,result,actions[lastBuiltRevision[SHA1],remoteUrls]";

/// What the builds of a job, or of all jobs in a folder, are for.
pub(super) struct Declared {
    repository: String,
    environment: String,
}

/// Reads `waits`: full names of jobs or folders, with repository and environment.
pub(super) fn declared(settings: &mut Settings<'_>) -> BTreeMap<String, Declared> {
    let mut declared = BTreeMap::new();
    let Some(value) = settings.value("waits") else { return declared };
    let Some(members) = value.as_object() else {
        let help = "write `acme/payments: {repository: github.com/acme/payments, environment: production}`";
        settings.problem("waits", "`waits` must be a mapping of jobs", help);
        return declared;
    };
    for (job, given) in members {
        let path = format!("/api/waits/{}", job.replace('~', "~0").replace('/', "~1"));
        let mut of = Settings::of(given, path);
        let help = "host and path of a repository, such as `github.com/acme/payments`";
        let written = of.needed("repository", help);
        let repository =
            from_address(&written).or_else(|| from_address(&format!("https://{written}")));
        if repository.is_none() && !written.is_empty() {
            of.problem("repository", "`repository` is not a repository", help);
        }
        let environment = of.needed("environment", "the name that the pipeline reports");
        settings.absorb(of.finish());
        let repository = repository.unwrap_or_default();
        declared.insert(job.trim_matches('/').to_owned(), Declared { repository, environment });
    }
    declared
}

/// What is declared of a job: by its own name, else by the nearest folder that it is in.
fn of_job<'a>(declared: &'a BTreeMap<String, Declared>, job: &str) -> Option<&'a Declared> {
    let mut name = job.trim_matches('/');
    loop {
        if let Some(found) = declared.get(name) {
            return Some(found);
        }
        name = name.rsplit_once('/')?.0;
    }
}

/// Whether a build is what it said when it came to wait; else why it gets no answer.
pub(super) fn is_what_it_said(
    build: &Value,
    job: &str,
    declared: &BTreeMap<String, Declared>,
    said: &Waits,
) -> Result<(), &'static str> {
    let declared = of_job(declared, job);
    if let Some(declared) = declared {
        if declared.repository != said.repository {
            return Err("the build says that it is of another repository than is declared");
        }
        if declared.environment != said.environment {
            return Err("the build says that it is for another environment than is declared");
        }
    }
    let actions = build.get("actions").and_then(Value::as_array).into_iter().flatten();
    // A build checks out libraries too, so it has several of these.
    let mut ours = actions.filter(|action| is_of(action, &said.repository)).peekable();
    if ours.peek().is_none() {
        return match declared {
            Some(_) => Ok(()),
            None => Err("Jenkins does not say that the build is of the repository that it named"),
        };
    }
    let commit = said.commit.as_str();
    let sha = |action: &Value| {
        let sha = action.pointer("/lastBuiltRevision/SHA1").and_then(Value::as_str);
        sha.is_some_and(|sha| sha.eq_ignore_ascii_case(commit))
    };
    let is_made_of = ours.any(sha);
    if is_made_of { Ok(()) } else { Err("the build is made of another commit than it named") }
}

fn is_of(action: &Value, repository: &str) -> bool {
    let urls = action.get("remoteUrls").and_then(Value::as_array).into_iter().flatten();
    let mut names = urls.filter_map(Value::as_str).filter_map(from_address);
    names.any(|name| name == repository)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::ids::CommitId;

    use super::*;

    #[test]
    fn a_build_is_what_jenkins_and_the_settings_say_it_is() {
        let (ours, other) = ("ab".repeat(20), "cd".repeat(20));
        let of = |sha: &str, url: &str| json!({ "lastBuiltRevision": { "SHA1": sha }, "remoteUrls": [url] });
        let (here, library) = ("git@github.com:acme/Payments.git", "https://github.com/acme/lib");
        let text = json!({ "waits": { "acme/payments": {
            "repository": "https://github.com/acme/payments.git", "environment": "production",
        } } });
        let mut settings = Settings::of(&text, "/api");
        let said = declared(&mut settings);
        assert_eq!(settings.finish(), []);
        let none = BTreeMap::new();
        for (actions, job, declared, environment, is_believed) in [
            (json!([{}, of(&ours, here)]), "any", &none, "production", true),
            (json!([of(&other, library), of(&ours, here)]), "any", &none, "staging", true),
            (json!([of(&other, here)]), "any", &none, "production", false),
            (json!([of(&ours, library)]), "any", &none, "production", false),
            (json!([of(&other, here), of(&ours, library)]), "any", &none, "production", false),
            (json!([{}]), "any", &none, "production", false),
            (json!(null), "acme/paymentsx", &said, "production", false),
            (json!([{}]), "acme/payments", &said, "production", true),
            (json!([of(&ours, library)]), "acme/payments/main", &said, "production", true),
            (json!([of(&other, here)]), "acme/payments/main", &said, "production", false),
            (json!([of(&ours, here)]), "acme/payments/main", &said, "staging", false),
        ] {
            let waits = Waits {
                repository: "github.com/acme/payments".to_owned(),
                environment: environment.to_owned(),
                commit: CommitId::parse(&ours).expect("a commit"),
                since: jiff::Timestamp::UNIX_EPOCH,
                let_on: None,
                again: false,
            };
            let build = json!({ "building": true, "actions": actions });
            let found = is_what_it_said(&build, job, declared, &waits);
            assert_eq!(found.is_ok(), is_believed, "{job} {environment} {build}: {found:?}");
        }
    }
}
