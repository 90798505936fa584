//! A Jira project: issues with a workflow, comments, links, approvals of requests, and a search that lags.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen};

/// An issue.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Id, of digits.
    pub id: String,
    /// Key.
    pub key: String,
    /// Fields, as they would be shown.
    pub fields: Value,
    /// Comments.
    pub comments: Vec<Value>,
    /// Remote links.
    pub links: Vec<Value>,
    /// Approvals, where it is a request.
    pub approvals: Vec<Value>,
    /// Whether our account made it.
    ours: bool,
    visible_at: Timestamp,
}

impl Issue {
    /// Name of the status.
    pub fn status(&self) -> &str {
        self.fields["status"]["name"].as_str().unwrap_or_default()
    }

    /// Whether it has a label.
    pub fn has(&self, label: &str) -> bool {
        self.fields["labels"].as_array().is_some_and(|labels| labels.iter().any(|l| l == label))
    }
}

/// The project.
#[derive(Debug)]
pub struct Jira {
    /// Issues.
    pub issues: Vec<Issue>,
    /// Statuses in the order in which the workflow leads through them; `Canceled` and `Failed` are reached from all.
    pub workflow: Vec<&'static str>,
    /// For so many seconds a new issue is not found by a search.
    pub search_lag_s: i64,
    /// Whether labels are not on the form of the request type.
    pub no_labels: bool,
    /// Statuses that only people bring an issue to.
    pub guarded: Vec<&'static str>,
    /// Whether it is a Data Center: REST 2, texts in its own markup, no requests of a desk, no search by token.
    pub data_center: bool,
    /// Permissions that the account lacks.
    pub lacks: Vec<&'static str>,
    counted: u64,
}

impl Default for Jira {
    fn default() -> Self {
        Self {
            issues: Vec::new(),
            workflow: vec![
                "Open",
                "Awaiting approval",
                "Awaiting implementation",
                "Implementing",
                "Completed",
            ],
            search_lag_s: 0,
            no_labels: false,
            guarded: Vec::new(),
            data_center: false,
            lacks: Vec::new(),
            counted: 0,
        }
    }
}

const DONE: [&str; 3] = ["Completed", "Failed", "Canceled"];

impl Jira {
    /// Issues with a label.
    pub fn live(&self, label: &str) -> Vec<&Issue> {
        self.issues.iter().filter(|issue| issue.has(label)).collect()
    }

    /// Somebody moves an issue by hand.
    pub fn set(&mut self, label: &str, status: &str, now: Timestamp) {
        for issue in self.issues.iter_mut().filter(|issue| issue.has(label)) {
            put_status(&mut issue.fields, status, now);
        }
    }

    /// Somebody makes an issue of their own that bears a label; gives its id.
    pub fn squat(&mut self, label: &str, status: &str, text: &str, now: Timestamp) -> String {
        let fields = json!({ "labels": [label], "description": text, "summary": "of mine" });
        let (id, _) = self.create(&fields, now);
        if let Some(issue) = self.issues.last_mut() {
            issue.ours = false;
            put_status(&mut issue.fields, status, now);
        }
        id
    }

    /// An issue is as if our account had made it.
    pub fn adopt(&mut self, id: &str) {
        self.issues.iter_mut().filter(|issue| issue.id == id).for_each(|issue| issue.ours = true);
    }

    /// A step of several approvers who were asked when the request was made; it is over as soon as somebody declines, or
    /// nobody is pending. While one is not over, it is the one that is meant.
    pub fn approve_together(&mut self, label: &str, said: &[(Value, &str)], now: Timestamp) {
        let is_over = said.iter().all(|(_, word)| *word != "pending");
        for issue in self.issues.iter_mut().filter(|issue| issue.has(label)) {
            issue.fields["updated"] = json!(stamp(now));
            issue
                .approvals
                .retain(|step| step["name"] != "Board" || !step["completedDate"].is_null());
            let approvers = said
                .iter()
                .map(|(approver, word)| json!({ "approver": approver, "approverDecision": word }));
            let mut step = json!({
                "id": (issue.approvals.len() + 1).to_string(), "name": "Board",
                "approvers": approvers.collect::<Vec<_>>(),
                "createdDate": { "iso8601": issue.fields["created"] },
            });
            if is_over {
                step["completedDate"] = json!({ "epochMillis": now.as_millisecond() });
            }
            issue.approvals.push(step);
        }
    }

    /// An approver says `approved` or `declined` to a request: a step for each word.
    pub fn approve(&mut self, label: &str, approver: Value, decision: &str, now: Timestamp) {
        for issue in self.issues.iter_mut().filter(|issue| issue.has(label)) {
            issue.fields["updated"] = json!(stamp(now));
            issue.approvals.push(json!({
                "id": (issue.approvals.len() + 1).to_string(), "name": "Change authority", "finalDecision": decision, "canAnswerApproval": false,
                "approvers": [{ "approver": approver, "approverDecision": decision }],
                "createdDate": { "iso8601": issue.fields["created"] },
                "completedDate": { "epochMillis": now.as_millisecond() },
            }));
        }
    }

    fn create(&mut self, fields: &Value, now: Timestamp) -> (String, String) {
        self.counted += 1;
        let (id, key) = (format!("{}", 10_000 + self.counted), format!("OPS-{}", self.counted));
        let mut fields = fields.clone();
        if fields.get("labels").is_none() {
            fields["labels"] = json!([]);
        }
        fields["created"] = json!(stamp(now));
        put_status(&mut fields, self.workflow.first().copied().unwrap_or("Open"), now);
        let lag = SignedDuration::from_secs(self.search_lag_s);
        self.issues.push(Issue {
            id: id.clone(),
            key: key.clone(),
            fields,
            comments: Vec::new(),
            links: Vec::new(),
            approvals: Vec::new(),
            ours: true,
            visible_at: now.checked_add(lag).unwrap_or(now),
        });
        (id, key)
    }

    /// Whether a Data Center has such an address, and takes what is sent there.
    fn is_for_data_center(&self, seen: &Seen) -> bool {
        let body = seen.json();
        let texts = [body.pointer("/fields/description"), body.get("body")];
        let mut comments = body["update"]["comment"].as_array().into_iter().flatten();
        seen.path.starts_with("/rest/api/2/")
            && !seen.path.ends_with("/search/jql")
            && !seen.query.contains_key("nextPageToken")
            && texts.into_iter().flatten().all(Value::is_string)
            && comments.all(|comment| comment["add"]["body"].is_string())
    }

    fn made(&mut self, seen: &Seen, now: Timestamp) -> Said {
        let body = seen.json();
        if body.get("requestTypeId").is_some() {
            if self.no_labels {
                return Said::json(
                    400,
                    &json!({ "errorMessage": "Field labels is not on the form" }),
                );
            }
            let (id, key) = self.create(&body["requestFieldValues"], now);
            return Said::json(201, &json!({ "issueId": id, "issueKey": key }));
        }
        let fields = &body["fields"];
        if ["project", "issuetype", "summary"].iter().any(|name| fields.get(*name).is_none()) {
            return problem(400);
        }
        let (id, key) = self.create(fields, now);
        Said::json(201, &json!({ "id": id, "key": key, "self": format!("https://jira.test/{id}") }))
    }

    fn found(&self, seen: &Seen, now: Timestamp) -> Said {
        let jql = seen.query.get("jql").map_or("", String::as_str);
        let label = jql.split_once("labels = \"").and_then(|(_, rest)| rest.split_once('"'));
        let since = jql.split_once("updated >= \"-").and_then(|(_, rest)| rest.split_once('m'));
        let since = since.and_then(|(minutes, _)| minutes.parse::<i64>().ok()).map(|minutes| {
            stamp(now.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(now))
        });
        let behind = jql.split_once("key > \"").and_then(|(_, rest)| rest.split_once('"'));
        let behind = behind.map(|(key, _)| key_number(key));
        let of_ours = jql.contains("creator = currentUser()");
        let labelled = jql.contains("labels IS NOT EMPTY");
        let issues = self.issues.iter().filter(|issue| {
            issue.visible_at <= now
                && behind.is_none_or(|behind| key_number(&issue.key) > behind)
                && (issue.ours || !of_ours)
                && (!labelled || issue.fields["labels"] != json!([]))
                && label.is_none_or(|(label, _)| issue.has(label))
                && since.as_deref().is_none_or(|since| {
                    issue.fields["updated"].as_str().is_some_and(|updated| updated >= since)
                })
        });
        let mut issues: Vec<&Issue> = issues.collect();
        if jql.contains("ORDER BY updated") {
            issues.sort_by_key(|issue| issue.fields["updated"].as_str().map(str::to_owned));
        }
        if jql.contains("ORDER BY key") {
            issues.sort_by_key(|issue| key_number(&issue.key));
        }
        let number = |name: &str| seen.query.get(name).and_then(|value| value.parse().ok());
        let most: usize = number("maxResults").unwrap_or(50);
        let start: usize = number("startAt").or(number("nextPageToken")).unwrap_or(0);
        let (total, end) = (issues.len(), start.saturating_add(most));
        let page: Vec<Value> =
            issues.into_iter().skip(start).take(most).map(|issue| shown_in(issue, seen)).collect();
        let mut found = json!({ "issues": page });
        if seen.path.ends_with("/jql") {
            found["isLast"] = json!(end >= total);
            if end < total {
                found["nextPageToken"] = json!(end.to_string());
            }
        } else {
            found["startAt"] = json!(start);
            found["total"] = json!(total);
        }
        Said::json(200, &found)
    }

    fn moved(&mut self, id: &str, seen: &Seen, now: Timestamp) -> Said {
        let wanted = seen.json()["transition"]["id"].as_str().unwrap_or_default().to_owned();
        let reachable = self.reachable(id);
        let to = reachable.into_iter().find(|to| transition_id(to) == wanted);
        let (Some(to), Some(issue)) = (to, self.issues.iter_mut().find(|issue| issue.id == id))
        else {
            return problem(400);
        };
        put_status(&mut issue.fields, to, now);
        nothing()
    }

    fn reachable(&self, id: &str) -> Vec<&'static str> {
        let Some(issue) = self.issues.iter().find(|issue| issue.id == id) else {
            return Vec::new();
        };
        if DONE.contains(&issue.status()) {
            return Vec::new();
        }
        let at = self.workflow.iter().position(|status| *status == issue.status());
        let next = at.and_then(|at| self.workflow.get(at + 1).copied());
        let all = next.into_iter().chain(["Failed", "Canceled"]);
        all.filter(|status| !self.guarded.contains(status)).collect()
    }

    fn transitions(&self, id: &str) -> Said {
        let listed: Vec<Value> = self
            .reachable(id)
            .into_iter()
            .map(|to| json!({ "id": transition_id(to), "name": format!("To {to}"), "to": { "name": to } }))
            .collect();
        Said::json(200, &json!({ "transitions": listed }))
    }

    fn edited(&mut self, id: &str, seen: &Seen, now: Timestamp) -> Said {
        let Some(issue) = self.issues.iter_mut().find(|issue| issue.id == id) else {
            return problem(404);
        };
        let body = seen.json();
        for (name, value) in body["fields"].as_object().into_iter().flatten() {
            issue.fields[name] = value.clone();
        }
        for change in body["update"]["labels"].as_array().into_iter().flatten() {
            let Some(labels) = issue.fields["labels"].as_array_mut() else { continue };
            if let Some(removed) = change.get("remove") {
                labels.retain(|label| label != removed);
            }
            labels.extend(change.get("add").cloned());
        }
        for change in body["update"]["comment"].as_array().into_iter().flatten() {
            issue.comments.push(change["add"].clone());
        }
        issue.fields["updated"] = json!(stamp(now));
        nothing()
    }

    fn issue(&mut self, seen: &Seen, id: &str, rest: &[&str], now: Timestamp) -> Said {
        match (seen.method.as_str(), rest) {
            ("GET", ["transitions"]) => return self.transitions(id),
            ("POST", ["transitions"]) => return self.moved(id, seen, now),
            ("PUT", []) => return self.edited(id, seen, now),
            _ => {}
        }
        let Some(issue) = self.issues.iter_mut().find(|issue| issue.id == id) else {
            return problem(404);
        };
        match (seen.method.as_str(), rest) {
            ("GET", []) => Said::json(200, &shown(issue)),
            ("GET", ["comment"]) => {
                let number = |name: &str| seen.query.get(name).and_then(|text| text.parse().ok());
                let page = issue.comments.iter().rev().skip(number("startAt").unwrap_or(0));
                let page: Vec<&Value> = page.take(number("maxResults").unwrap_or(50)).collect();
                Said::json(200, &json!({ "comments": page }))
            }
            ("POST", ["comment"]) => {
                let mut comment = seen.json();
                comment["id"] = json!(format!("{}", issue.comments.len() + 1));
                issue.comments.push(comment.clone());
                Said::json(201, &comment)
            }
            ("POST", ["remotelink"]) => {
                let link = seen.json();
                let known = issue.links.iter().position(|one| one["globalId"] == link["globalId"]);
                let index = known.unwrap_or(issue.links.len());
                if known.is_none() {
                    issue.links.push(link);
                }
                let status = if known.is_some() { 200 } else { 201 };
                Said::json(status, &json!({ "id": index + 1, "self": "https://jira.test/link" }))
            }
            ("GET", ["approval"]) => Said::json(
                200,
                &json!({ "size": issue.approvals.len(), "isLastPage": true, "values": issue.approvals }),
            ),
            _ => problem(404),
        }
    }
}

impl Neighbour for Jira {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        if seen.path == "/oauth/token" || seen.path == "/rest/oauth2/latest/token" {
            return Said::json(
                200,
                &json!({ "access_token": "t0k3n", "token_type": "Bearer", "expires_in": 3600 }),
            );
        }
        if seen.path == "/_edge/tenant_info" {
            return Said::json(200, &json!({ "cloudId": "c1" }));
        }
        if !seen.headers.contains_key("authorization") {
            return problem(401);
        }
        let parts = seen.parts();
        if self.data_center && !self.is_for_data_center(seen) {
            return problem(if parts.get(2) == Some(&"2") { 400 } else { 404 });
        }
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["rest", "api", _, "mypermissions"]) => {
                let named =
                    "BROWSE_PROJECTS,CREATE_ISSUES,EDIT_ISSUES,TRANSITION_ISSUES,ADD_COMMENTS";
                let all = named.split(',').map(|name| {
                    let has = !self.lacks.contains(&name);
                    (name.to_owned(), json!({ "havePermission": has }))
                });
                let all: serde_json::Map<String, Value> = all.collect();
                Said::json(200, &json!({ "permissions": all }))
            }
            ("GET", ["rest", "api", _, "search"] | ["rest", "api", _, "search", "jql"]) => {
                self.found(seen, now)
            }
            ("POST", ["rest", "api", _, "issue"] | ["rest", "servicedeskapi", "request"]) => {
                self.made(seen, now)
            }
            (_, ["rest", "api", _, "issue", id, rest @ ..])
            | (_, ["rest", "servicedeskapi", "request", id, rest @ ..]) => {
                self.issue(seen, id, rest, now)
            }
            _ => problem(404),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        if seen.path.ends_with("/issue") || seen.path.ends_with("/request") {
            self.made(seen, now);
        }
    }
}

fn shown(issue: &Issue) -> Value {
    json!({ "id": issue.id, "key": issue.key, "fields": issue.fields })
}

/// With the fields that are asked for.
fn shown_in(issue: &Issue, seen: &Seen) -> Value {
    let mut issue = shown(issue);
    if let (Some(asked), Some(fields)) = (seen.query.get("fields"), issue["fields"].as_object_mut())
    {
        fields.retain(|name, _| asked.split(',').any(|field| field == name));
    }
    issue
}

fn put_status(fields: &mut Value, status: &str, now: Timestamp) {
    let category = if DONE.contains(&status) { "done" } else { "indeterminate" };
    fields["status"] = json!({ "name": status, "statusCategory": { "key": category } });
    fields["updated"] = json!(stamp(now));
}

fn key_number(key: &str) -> u64 {
    key.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn transition_id(to: &str) -> String {
    to.bytes().map(u32::from).sum::<u32>().to_string()
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

fn nothing() -> Said {
    Said { status: 204, headers: Vec::new(), body: Vec::new() }
}

fn problem(status: u16) -> Said {
    Said::json(status, &json!({ "errorMessages": ["no"], "errors": {} }))
}
