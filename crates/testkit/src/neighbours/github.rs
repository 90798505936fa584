//! GitHub's API: installation tokens, check runs, commit statuses, deployment protection rules.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen};
use crate::signer::Signer;

/// A part of GitHub.
#[derive(Default)]
pub struct GitHub {
    /// Check runs, as they would be shown.
    pub check_runs: Vec<Value>,
    /// Commit statuses.
    pub statuses: Vec<Value>,
    /// Runs that wait at a protection rule: path of the repository, run.
    pub waiting: Vec<(String, String)>,
    /// What the rules were told: run, body.
    pub rules: Vec<(String, Value)>,
    /// Issues: path of the repository, issue.
    pub issues: Vec<(String, Value)>,
    /// Tokens that were given out.
    pub tokens: u64,
    /// Whether the account lacks the permission for check runs.
    pub no_checks: bool,
    /// The App's key; without it every assertion is believed.
    pub app: Option<Signer>,
}

impl GitHub {
    fn check(&mut self, seen: &Seen, id: Option<u64>) -> Said {
        let Value::Object(given) = seen.json() else { return problem(400) };
        let index = match id {
            Some(id) => self.check_runs.iter().position(|run| run["id"] == id),
            None => {
                if !given.contains_key("name") || !given.contains_key("head_sha") {
                    return problem(422);
                }
                self.check_runs.push(json!({ "id": 1_000 + self.check_runs.len() }));
                Some(self.check_runs.len() - 1)
            }
        };
        let Some(run) = index.and_then(|index| self.check_runs.get_mut(index)) else {
            return problem(404);
        };
        for (name, value) in given {
            run[name] = value;
        }
        Said::json(if id.is_some() { 200 } else { 201 }, run)
    }

    fn issues_of(&mut self, repository: String, rest: &[&str], seen: &Seen) -> Said {
        match (seen.method.as_str(), rest) {
            ("GET", []) => {
                let of = self.issues.iter().filter(|(of, _)| *of == repository);
                Said::json(200, &json!(of.map(|(_, issue)| issue).collect::<Vec<_>>()))
            }
            ("POST", []) => self.issue(repository, seen),
            ("PATCH", [number]) => {
                let found = self.issues.iter_mut().find(|(of, issue)| {
                    *of == repository && issue["number"].as_u64() == number.parse().ok()
                });
                let Some((_, issue)) = found else { return problem(404) };
                for (name, value) in seen.json().as_object().into_iter().flatten() {
                    issue[name] = value.clone();
                }
                Said::json(200, issue)
            }
            _ => problem(404),
        }
    }

    fn issue(&mut self, repository: String, seen: &Seen) -> Said {
        let mut made = seen.json();
        if made["title"].as_str().is_none_or(str::is_empty) {
            return problem(422);
        }
        made["number"] = json!(1 + self.issues.len());
        made["state"] = json!("open");
        self.issues.push((repository, made.clone()));
        Said::json(201, &made)
    }

    fn rule(&mut self, repository: String, run: &str, seen: &Seen) -> Said {
        let body = seen.json();
        let Some(at) =
            self.waiting.iter().position(|waits| waits.0 == repository && waits.1 == run)
        else {
            return problem(404);
        };
        if body.get("state").is_some() {
            self.waiting.remove(at);
        }
        self.rules.push((run.to_owned(), body));
        Said { status: 204, headers: Vec::new(), body: Vec::new() }
    }
}

impl Neighbour for GitHub {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        let Some(shown) = seen.headers.get("authorization") else { return problem(401) };
        let parts = seen.parts();
        if let ["app", "installations", _, "access_tokens"] = parts.as_slice() {
            let assertion = shown.strip_prefix("Bearer ").unwrap_or_default();
            if let Some(app) = &self.app {
                let Some(claims) = app.claims(assertion) else { return problem(401) };
                let lives_s =
                    claims["exp"].as_i64().unwrap_or(0) - claims["iat"].as_i64().unwrap_or(0);
                if claims["iss"] != "Iv23li"
                    || lives_s > 600
                    || claims["exp"].as_i64() <= Some(now.as_second())
                {
                    return problem(401);
                }
            }
            self.tokens += 1;
            let until = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
            return match shown.split('.').count() {
                3 => Said::json(
                    201,
                    &json!({ "token": format!("ghs_{}", self.tokens), "expires_at": until.to_string() }),
                ),
                _ => problem(401),
            };
        }
        if !shown.starts_with("Bearer ghs_") && !shown.starts_with("Bearer secret-of-") {
            return problem(401);
        }
        match (seen.method.as_str(), parts.as_slice()) {
            _ if self.no_checks && parts.contains(&"check-runs") => problem(403),
            ("GET", ["rate_limit"]) => Said::json(200, &json!({ "resources": {}, "rate": {} })),
            ("GET", ["repos", _, _, "commits", sha, "check-runs"]) => {
                let name = seen.query.get("check_name");
                let found: Vec<&Value> = self
                    .check_runs
                    .iter()
                    .filter(|run| {
                        run["head_sha"] == *sha && name.is_none_or(|name| run["name"] == *name)
                    })
                    .collect();
                Said::json(200, &json!({ "total_count": found.len(), "check_runs": found }))
            }
            (_, ["repos", owner, name, "issues", rest @ ..]) => {
                self.issues_of(format!("{owner}/{name}"), rest, seen)
            }
            ("POST", ["repos", _, _, "check-runs"]) => self.check(seen, None),
            ("PATCH", ["repos", _, _, "check-runs", id]) => {
                self.check(seen, id.parse().ok().or(Some(0)))
            }
            ("POST", ["repos", _, _, "statuses", sha]) => {
                let mut status = seen.json();
                status["sha"] = json!(sha);
                self.statuses.push(status.clone());
                Said::json(201, &status)
            }
            (
                "POST",
                ["repos", owner, name, "actions", "runs", run, "deployment_protection_rule"],
            ) => {
                let (repository, run) = (format!("{owner}/{name}"), (*run).to_owned());
                self.rule(repository, &run, seen)
            }
            _ => problem(404),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        let twice = ["/check-runs", "/issues", "/statuses"];
        if seen.method == "POST" && twice.iter().any(|part| seen.path.contains(part)) {
            self.answer(seen, now);
        }
    }
}

fn problem(status: u16) -> Said {
    Said::json(status, &json!({ "message": "no", "documentation_url": "https://docs.github.com" }))
}
