//! GitLab's API: commit statuses that know which transitions are legal, notes, deployments that wait.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen, gitlab_described};

/// The account that speaks to it.
const US: u64 = 7;

/// A part of GitLab.
#[derive(Debug, Default)]
pub struct GitLab {
    /// Commit statuses, oldest first.
    pub statuses: Vec<Value>,
    /// Notes: number of the merge request, note.
    pub notes: Vec<(String, Value)>,
    /// A note that somebody adds when a page of so many was read.
    pub added_after: Option<(usize, (String, Value))>,
    /// Deployments.
    pub deployments: Vec<Value>,
    /// Approvals: id of the deployment, what was said.
    pub approvals: Vec<(u64, Value)>,
    /// Freeze periods: project, and the period.
    pub periods: Vec<(String, Value)>,
    /// Issues: project, and the issue.
    pub issues: Vec<(String, Value)>,
    /// External status checks: number of the merge request, head, and the check.
    pub checks: Vec<(String, String, Value)>,
    /// How often a check that would be `pending` is refused, as by earlier versions.
    pub refuses_pending: usize,
    /// Whether merge requests are as if they were not there, as for an account that may not see them.
    pub hides_proposals: bool,
    /// What was asked that GitLab does not describe, and why it does not fit.
    pub not_described: Vec<String>,
    counted: u64,
}

impl GitLab {
    /// A deployment that waits for an approval.
    pub fn block(&mut self, id: u64, environment: &str, sha: &str, pipeline: u64) {
        self.deployments.push(json!({
            "id": id, "status": "blocked", "sha": sha, "environment": { "name": environment },
            "deployable": { "id": id + 1_000, "pipeline": { "id": pipeline, "sha": sha } },
        }));
    }

    /// Asks a check of a merge request, whose head is another one from now on.
    pub fn check(&mut self, iid: &str, id: u64, sha: &str) {
        self.checks.retain(|(of, _, check)| of != iid || check["id"] != id);
        let check = json!({ "id": id, "name": "Sluice", "external_url": "https://sluice.test", "status": "pending" });
        self.checks.push((iid.to_owned(), sha.to_owned(), check));
    }

    fn check_response(&mut self, iid: &str, seen: &Seen) -> Said {
        let body = seen.json();
        let id = &body["external_status_check_id"];
        let found = self.checks.iter_mut().find(|(of, _, check)| of == iid && check["id"] == *id);
        let Some((_, head, check)) = found else { return problem(404) };
        if body["sha"] != head.as_str() {
            return problem(409);
        }
        let status = body["status"].as_str().unwrap_or("passed");
        if !["passed", "failed", "pending"].contains(&status) {
            return problem(400);
        }
        if status == "pending" && self.refuses_pending > 0 {
            self.refuses_pending -= 1;
            return problem(400);
        }
        check["status"] = json!(status);
        Said::json(
            201,
            &json!({ "id": 1, "merge_request": { "iid": iid }, "external_status_check": check }),
        )
    }

    fn status(&mut self, sha: &str, seen: &Seen) -> Said {
        let body = seen.json();
        let state = body["state"].as_str().unwrap_or_default();
        let words = ["pending", "running", "success", "failed", "canceled", "skipped"];
        if !words.contains(&state) {
            return problem(400);
        }
        let before = self
            .statuses
            .iter()
            .rev()
            .find(|one| one["sha"] == sha && one["name"] == body["name"])
            .map(|one| one["status"].clone());
        if before
            .is_some_and(|before| before == state && (state == "pending" || state == "running"))
        {
            return Said::json(
                400,
                &json!({ "message": { "state": "Cannot transition status via :enqueue from :pending" } }),
            );
        }
        self.counted += 1;
        let made = json!({
            "id": self.counted, "sha": sha, "status": state, "name": body["name"],
            "description": body["description"], "target_url": body["target_url"],
        });
        self.statuses.push(made.clone());
        Said::json(201, &made)
    }

    fn note(&mut self, iid: &str, id: Option<&str>, seen: &Seen) -> Said {
        let body = seen.json()["body"].clone();
        // A line that begins with a slash is a command over there.
        if body.as_str().is_none_or(|text| text.lines().any(|line| line.starts_with('/'))) {
            return problem(400);
        }
        if let Some(id) = id {
            let found =
                self.notes.iter_mut().find(|(of, note)| of == iid && number(&note["id"], id));
            let Some((_, note)) = found else { return problem(404) };
            note["body"] = body;
            return Said::json(200, note);
        }
        self.counted += 1;
        let made = json!({ "id": self.counted, "body": body, "author": { "id": US } });
        self.notes.push((iid.to_owned(), made.clone()));
        Said::json(201, &made)
    }

    /// Freeze periods of a project: an expression of five fields each, in a zone.
    fn period(&mut self, project: &str, id: Option<&str>, seen: &Seen) -> Said {
        let body = seen.json();
        let is_cron = |name: &str| {
            body[name].as_str().is_some_and(|text| text.split_whitespace().count() == 5)
        };
        if !is_cron("freeze_start") || !is_cron("freeze_end") {
            return problem(400);
        }
        let zone = body["cron_timezone"].as_str().unwrap_or("UTC");
        let mut made = json!({
            "freeze_start": body["freeze_start"], "freeze_end": body["freeze_end"], "cron_timezone": zone,
        });
        if let Some(id) = id {
            let found = self.periods.iter_mut().find(|(_, period)| number(&period["id"], id));
            let Some((_, period)) = found else { return problem(404) };
            made["id"] = period["id"].clone();
            *period = made;
            return Said::json(200, period);
        }
        self.counted += 1;
        made["id"] = json!(self.counted);
        self.periods.push((project.to_owned(), made.clone()));
        Said::json(201, &made)
    }

    fn issue(&mut self, project: &str, seen: &Seen) -> Said {
        let body = seen.json();
        if body["title"].as_str().is_none_or(str::is_empty) {
            return problem(400);
        }
        self.counted += 1;
        let labels: Vec<&str> = body["labels"].as_str().unwrap_or_default().split(',').collect();
        let made = json!({
            "id": self.counted, "iid": self.counted, "state": "opened", "title": body["title"],
            "description": body["description"], "labels": labels,
        });
        self.issues.push((project.to_owned(), made.clone()));
        Said::json(201, &made)
    }

    /// What people keep beside their code: freeze periods and issues.
    fn kept(&mut self, seen: &Seen, parts: &[&str]) -> Said {
        match (seen.method.as_str(), parts) {
            ("GET", [_, "projects", project, "freeze_periods"]) => {
                let of = self.periods.iter().filter(|(of, _)| of == project);
                Said::json(200, &json!(of.map(|(_, period)| period).collect::<Vec<_>>()))
            }
            ("POST", [_, "projects", project, "freeze_periods"]) => {
                self.period(project, None, seen)
            }
            ("PUT", [_, "projects", project, "freeze_periods", id]) => {
                self.period(project, Some(*id), seen)
            }
            ("DELETE", [_, "projects", _, "freeze_periods", id]) => {
                let before = self.periods.len();
                self.periods.retain(|(_, period)| !number(&period["id"], id));
                match self.periods.len() < before {
                    true => Said { status: 204, headers: Vec::new(), body: Vec::new() },
                    false => problem(404),
                }
            }
            (_, [_, "projects", _, "merge_requests", _, "status_checks"])
                if self.hides_proposals =>
            {
                problem(404)
            }
            ("GET", [_, "projects", _, "merge_requests", iid, "status_checks"]) => {
                let of = self.checks.iter().filter(|(of, _, _)| of == iid);
                Said::json(200, &json!(of.map(|(_, _, check)| check).collect::<Vec<_>>()))
            }
            ("POST", [_, "projects", _, "merge_requests", iid, "status_check_responses"]) => {
                self.check_response(iid, seen)
            }
            ("GET", [_, "projects", project, "issues"]) => {
                let wanted = seen.query.get("search").cloned().unwrap_or_default();
                let of = self.issues.iter().filter(|(of, issue)| {
                    of == project && issue["title"].as_str().unwrap_or_default().contains(&wanted)
                });
                Said::json(200, &json!(of.map(|(_, issue)| issue).collect::<Vec<_>>()))
            }
            ("POST", [_, "projects", project, "issues"]) => self.issue(project, seen),
            ("PUT", [_, "projects", project, "issues", iid]) => {
                let found = self
                    .issues
                    .iter_mut()
                    .find(|(of, issue)| of == project && number(&issue["iid"], iid));
                let Some((_, issue)) = found else { return problem(404) };
                let body = seen.json();
                if body["state_event"] == "close" {
                    issue["state"] = json!("closed");
                }
                if body["title"].is_string() {
                    issue["title"] = body["title"].clone();
                }
                Said::json(200, issue)
            }
            _ => problem(404),
        }
    }

    fn approval(&mut self, id: &str, seen: &Seen, now: Timestamp) -> Said {
        let found = self.deployments.iter_mut().find(|one| number(&one["id"], id));
        let Some(deployment) = found else { return problem(404) };
        if deployment["status"] != "blocked" {
            return problem(400);
        }
        let body = seen.json();
        let status = body["status"].clone();
        deployment["status"] = json!(if status == "approved" { "created" } else { "failed" });
        self.approvals.push((id.parse().unwrap_or(0), body.clone()));
        Said::json(
            201,
            &json!({ "status": status, "comment": body["comment"], "created_at": now.to_string() }),
        )
    }
}

impl Neighbour for GitLab {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        if !seen.headers.get("private-token").is_some_and(|shown| shown.starts_with("secret-of-")) {
            return problem(401);
        }
        if let Some(wrong) = gitlab_described::problem(seen) {
            self.not_described.push(wrong);
            return problem(400);
        }
        let parts = seen.parts();
        let parts: Vec<&str> = parts.iter().skip_while(|part| **part != "v4").copied().collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", [_, "personal_access_tokens", "self"]) => {
                Said::json(200, &json!({ "id": 1, "scopes": ["api"], "expires_at": "2026-12-31" }))
            }
            ("GET", [_, "user"]) => Said::json(200, &json!({ "id": US })),
            ("GET", [_, "projects", _, "repository", "commits", sha, "statuses"]) => {
                let name = seen.query.get("name");
                let found: Vec<&Value> = self
                    .statuses
                    .iter()
                    .filter(|one| {
                        one["sha"] == *sha && name.is_none_or(|name| one["name"] == *name)
                    })
                    .collect();
                Said::json(200, &json!(found))
            }
            ("POST", [_, "projects", _, "statuses", sha]) => self.status(sha, seen),
            ("GET", [_, "projects", _, "merge_requests", iid, "notes"]) => {
                let number = |name: &str| seen.query.get(name).and_then(|value| value.parse().ok());
                let (rows, page) = (number("per_page").unwrap_or(20), number("page").unwrap_or(1));
                let of = self.notes.iter().rev().filter(|(of, _)| of == iid);
                let of = of.skip((page - 1) * rows).take(rows);
                let said = Said::json(200, &json!(of.map(|(_, note)| note).collect::<Vec<_>>()));
                let added = self.added_after.take_if(|(of, _)| *of == rows);
                self.notes.extend(added.map(|(_, note)| note));
                said
            }
            ("POST", [_, "projects", _, "merge_requests", iid, "notes"]) => {
                self.note(iid, None, seen)
            }
            ("PUT", [_, "projects", _, "merge_requests", iid, "notes", id]) => {
                self.note(iid, Some(*id), seen)
            }
            ("DELETE", [_, "projects", _, "merge_requests", _, "notes", id]) => {
                self.notes.retain(|(_, note)| !number(&note["id"], id));
                Said { status: 204, headers: Vec::new(), body: Vec::new() }
            }
            ("GET", [_, "projects", _, "deployments"]) => {
                let wanted = |one: &&Value| {
                    seen.query.get("status").is_none_or(|status| one["status"] == *status)
                        && seen
                            .query
                            .get("environment")
                            .is_none_or(|name| one["environment"]["name"] == *name)
                };
                Said::json(200, &json!(self.deployments.iter().filter(wanted).collect::<Vec<_>>()))
            }
            ("POST", [_, "projects", _, "deployments", id, "approval"]) => {
                self.approval(id, seen, now)
            }
            _ => self.kept(seen, &parts),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        let twice = ["/notes", "/freeze_periods", "/issues"];
        if seen.method == "POST" && twice.iter().any(|end| seen.path.ends_with(end)) {
            self.answer(seen, now);
        }
    }
}

fn number(value: &Value, text: &str) -> bool {
    text.parse().ok() == value.as_u64()
}

fn problem(status: u16) -> Said {
    Said::json(status, &json!({ "message": "no" }))
}
