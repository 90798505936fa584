//! What GitLab's API takes, by its REST documentation and by its OpenAPI description of 2026 (`openapi_v2.yaml`): no
//! member and no parameter goes unknown, and none that is needed is missing.
//!
//! Two parts are taken from the documentation alone, as the description has nothing of them: notes of merge requests,
//! and external status checks. In one place we go by the documentation against the description: `labels` is a text of
//! names with commas between, where the description has a list.

use serde_json::Value;

use super::Seen;

/// What a member of a body may be.
enum Takes {
    /// A text.
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A number.
    Number,
}

/// An operation: method, path below a project, parameters of the query, members of the body; those with `!` are needed.
struct Operation(
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, Takes)],
);

use Takes::{Number, Text, Word};

const PAGED: [&str; 2] = ["page", "per_page"];

const OPERATIONS: &[Operation] = &[
    Operation(
        "GET",
        "repository/commits/*/statuses",
        &["ref", "stage", "name", "pipeline_id", "all", "order_by", "sort"],
        &[],
    ),
    Operation(
        "POST",
        "statuses/*",
        &[],
        &[
            ("state!", Word(&["pending", "running", "success", "failed", "canceled", "skipped"])),
            ("ref", Text),
            ("target_url", Text),
            ("description", Text),
            ("name", Text),
            ("context", Text),
            ("pipeline_id", Number),
        ],
    ),
    Operation(
        "POST",
        "deployments/*/approval",
        &[],
        &[
            ("status!", Word(&["approved", "rejected"])),
            ("comment", Text),
            ("represented_as", Text),
        ],
    ),
    Operation("GET", "freeze_periods", &[], &[]),
    Operation("POST", "freeze_periods", &[], PERIOD),
    Operation("PUT", "freeze_periods/*", &[], PERIOD),
    Operation("DELETE", "freeze_periods/*", &[], &[]),
    Operation("GET", "issues", &["state", "order_by", "sort", "labels", "search", "in"], &[]),
    Operation(
        "POST",
        "issues",
        &[],
        &[("title!", Text), ("description", Text), ("labels", Text), ("issue_type", Text)],
    ),
    Operation(
        "PUT",
        "issues/*",
        &[],
        &[
            ("title", Text),
            ("description", Text),
            ("labels", Text),
            ("state_event", Word(&["reopen", "close"])),
        ],
    ),
    Operation("GET", "merge_requests/*/notes", &["sort", "order_by"], &[]),
    Operation("POST", "merge_requests/*/notes", &[], &[("body!", Text), ("internal", Text)]),
    Operation("PUT", "merge_requests/*/notes/*", &[], &[("body!", Text)]),
    Operation("DELETE", "merge_requests/*/notes/*", &[], &[]),
    Operation("GET", "merge_requests/*/status_checks", &[], &[]),
    Operation(
        "POST",
        "merge_requests/*/status_check_responses",
        &[],
        &[
            ("sha!", Text),
            ("external_status_check_id!", Number),
            ("status!", Word(&["passed", "failed", "pending"])),
        ],
    ),
];

const PERIOD: &[(&str, Takes)] =
    &[("freeze_start!", Text), ("freeze_end!", Text), ("cron_timezone", Text)];

/// What is wrong with a request, where something is.
pub(super) fn problem(seen: &Seen) -> Option<String> {
    let what = format!("{} {}", seen.method, seen.path);
    let (_, below) = seen.path.split_once("/api/v4/")?;
    if seen.method == "GET" && ["user", "personal_access_tokens/self"].contains(&below) {
        return None;
    }
    let path = below.strip_prefix("projects/").and_then(|path| path.split_once('/'));
    let Some((_, path)) = path else { return Some(format!("{what} is not described")) };
    let operation = OPERATIONS.iter().find(|it| it.0 == seen.method && fits(it.1, path));
    let Some(Operation(_, _, query, members)) = operation else {
        return Some(format!("{what} is not described"));
    };
    let is_known =
        |name: &&String| query.contains(&name.as_str()) || PAGED.contains(&name.as_str());
    if let Some(name) = seen.query.keys().find(|name| !is_known(name)) {
        return Some(format!("{what} has no parameter `{name}`"));
    }
    body(&seen.json(), members).map(|problem| format!("{what}: {problem}"))
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, parts): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    wanted.len() == parts.len()
        && wanted.iter().zip(&parts).all(|(wanted, part)| *wanted == "*" || wanted == part)
}

fn body(body: &Value, members: &[(&str, Takes)]) -> Option<String> {
    let none = serde_json::Map::new();
    let given = body.as_object().unwrap_or(&none);
    for (name, value) in given {
        let takes = members.iter().find(|(known, _)| known.trim_end_matches('!') == name);
        let is_taken = match takes {
            None => return Some(format!("there is no `{name}`")),
            Some((_, Text)) => value.is_string(),
            Some((_, Number)) => value.is_u64(),
            Some((_, Word(words))) => value.as_str().is_some_and(|word| words.contains(&word)),
        };
        if !is_taken {
            return Some(format!("`{name}` may not be {value}"));
        }
    }
    let mut needed = members.iter().filter_map(|(name, _)| name.strip_suffix('!'));
    let missing = needed.find(|name| !given.contains_key(*name));
    missing.map(|name| format!("`{name}` is missing"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_gitlab_does_not_take_is_named() {
        for (method, path, body, wrong) in [
            ("POST", "statuses/abc", json!({ "state": "success", "name": "x" }), ""),
            ("POST", "statuses/abc", json!({ "state": "ok" }), "`state` may not be"),
            ("POST", "statuses/abc", json!({ "name": "x" }), "`state` is missing"),
            ("POST", "freeze_periods", json!({ "freeze_begin": "x" }), "there is no"),
            ("PATCH", "issues/1", json!({}), "is not described"),
        ] {
            let seen = Seen {
                method: method.to_owned(),
                path: format!("/api/v4/projects/acme%2Fledger/{path}"),
                query: Default::default(),
                headers: Default::default(),
                body: body.to_string().into_bytes(),
            };
            let said = problem(&seen).unwrap_or_default();
            assert!(said.contains(wrong) && said.is_empty() == wrong.is_empty(), "{path}: {said}");
        }
    }
}
