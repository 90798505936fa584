//! A Jenkins controller: builds that wait at an input step, are stopped and queued, and crumbs for those who log in by
//! password.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen, pairs};

/// A build.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// Whether it runs.
    pub building: bool,
    /// The input step that it waits at.
    pub input: Option<String>,
    /// The input step that it comes to when it is let on.
    pub then: Option<String>,
    /// What it was made of: commit and address of the repository. Libraries come beside it.
    pub made_of: Option<(String, String)>,
    /// Whether it was let on.
    pub proceeded: bool,
    /// Whether it was aborted or stopped.
    pub aborted: bool,
}

/// A controller.
#[derive(Debug, Default)]
pub struct Jenkins {
    /// Builds by the path of their job and their number: `job/acme/job/payments/42`.
    pub builds: BTreeMap<String, Build>,
    /// What was queued: path of the job, parameters.
    pub queued: Vec<(String, BTreeMap<String, String>)>,
    /// How many of what was queued were built: the first ones.
    pub begun: usize,
    /// Of what is built, what was stopped: places in the queue that it had, from 1.
    pub stopped: BTreeSet<usize>,
    /// Who has begun the builds, where that was not our account.
    pub begun_by: Option<&'static str>,
    /// What was taken from the queue: places in it, from 1.
    pub canceled: BTreeSet<usize>,
    /// Whether accounts log in by password, and have to show a crumb.
    pub crumbs: bool,
}

impl Jenkins {
    fn is_known(&self, seen: &Seen) -> bool {
        let shown = seen.headers.get("authorization").is_some_and(|it| it.starts_with("Basic "));
        let header = |name: &str| seen.headers.get(name).map(String::as_str);
        let crumb = header("jenkins-crumb") == Some("crumb-1")
            && header("cookie") == Some("JSESSIONID.1=node0");
        shown && (!self.crumbs || seen.method == "GET" || crumb)
    }

    /// What is queued, or was built of a job, with its parameters.
    fn parameters(&self, job: Option<&str>) -> Vec<Value> {
        let all = (1..).zip(&self.queued).filter(|(place, _)| !self.canceled.contains(place));
        let of = all.filter(|(place, (of, _))| match job {
            Some(job) => of == job && *place <= self.begun,
            None => *place > self.begun,
        });
        let listed = of.map(|(place, (_, given))| {
            let given: Vec<Value> =
                given.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            let actions =
                json!([{}, { "_class": "hudson.model.ParametersAction", "parameters": given }]);
            match job {
                Some(_) => {
                    let by = self.begun_by.unwrap_or("sluice");
                    let cause = json!({ "_class": "hudson.model.CauseAction", "causes": [{ "userId": by }] });
                    let mut actions = actions;
                    actions.as_array_mut().expect("a list").push(cause);
                    let building = !self.stopped.contains(&place);
                    json!({ "number": place, "building": building, "actions": actions })
                }
                None => json!({ "id": place, "actions": actions }),
            }
        });
        listed.collect()
    }

    /// What was queued and not taken from the queue.
    pub fn live(&self) -> usize {
        self.queued.len() - self.canceled.len()
    }

    /// What is asked of a build.
    fn build(&mut self, path: &str, method: &str, rest: &[&str]) -> Said {
        let Some(build) = self.builds.get_mut(path) else { return page(404) };
        match (method, rest) {
            ("GET", ["api", "json"]) => {
                let revision = |(sha, url): &(String, String)| json!({ "lastBuiltRevision": { "SHA1": sha }, "remoteUrls": [url] });
                let library = ("0".repeat(40), "https://git.test/acme/pipelines.git".to_owned());
                let mut actions = vec![json!({}), revision(&library)];
                actions.extend(build.made_of.as_ref().map(revision));
                let building = build.building;
                let body = json!({ "number": 1, "building": building, "result": null, "actions": actions });
                Said::json(200, &body)
            }
            ("GET", ["wfapi", "pendingInputActions"]) => {
                let pending = build.input.iter().map(|id| json!({ "id": id, "message": "wait" }));
                Said::json(200, &json!(pending.collect::<Vec<_>>()))
            }
            ("POST", ["input", id, what]) if build.input.as_deref() == Some(*id) => {
                build.proceeded = *what == "proceedEmpty";
                build.input = build.then.take().filter(|_| build.proceeded);
                build.aborted = *what == "abort";
                build.building = build.proceeded;
                page(200)
            }
            ("POST", ["stop"]) => {
                build.aborted = true;
                build.building = false;
                page(302)
            }
            _ => page(404),
        }
    }
}

impl Neighbour for Jenkins {
    fn answer(&mut self, seen: &Seen, _: Timestamp) -> Said {
        if !self.is_known(seen) {
            return page(403);
        }
        let parts = seen.parts();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["crumbIssuer", "api", "json"]) if self.crumbs => {
                let body = json!({ "crumb": "crumb-1", "crumbRequestField": "Jenkins-Crumb" });
                let mut said = Said::json(200, &body);
                let cookie = "JSESSIONID.1=node0; Path=/; HttpOnly".to_owned();
                said.headers.push(("set-cookie".to_owned(), cookie));
                said
            }
            ("GET", ["me", "api", "json"]) => Said::json(200, &json!({ "id": "sluice" })),
            ("GET", ["queue", "api", "json"]) => {
                Said::json(200, &json!({ "items": self.parameters(None) }))
            }
            ("GET", ["job", .., "api", "json"]) if !parts.iter().any(|it| is_number(it)) => {
                let job = parts[..parts.len() - 2].join("/");
                Said::json(200, &json!({ "builds": self.parameters(Some(&job)) }))
            }
            ("POST", ["job", .., "buildWithParameters"]) => {
                let job = parts[..parts.len() - 1].join("/");
                self.queued.push((job, pairs(&String::from_utf8_lossy(&seen.body))));
                let mut said = page(201);
                let at = format!("https://jenkins.test/queue/item/{}/", self.queued.len());
                said.headers.push(("location".to_owned(), at));
                said
            }
            ("POST", ["queue", "cancelItem"]) => {
                let place = seen.query.get("id").and_then(|id| id.parse().ok()).unwrap_or(0);
                match place > self.begun && place <= self.queued.len() {
                    true => drop(self.canceled.insert(place)),
                    false => return page(404),
                }
                page(302)
            }
            ("POST", ["job", .., place, "stop"])
                if !self.builds.contains_key(&parts[..parts.len() - 1].join("/")) =>
            {
                match place.parse::<usize>() {
                    Ok(place) if place <= self.begun => drop(self.stopped.insert(place)),
                    _ => return page(404),
                }
                page(302)
            }
            (method, ["job", ..]) => {
                let Some(at) = parts.iter().position(|it| is_number(it)) else { return page(404) };
                let (path, rest) = parts.split_at(at + 1);
                self.build(&path.join("/"), method, rest)
            }
            _ => page(404),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        if seen.path.ends_with("/buildWithParameters") {
            self.answer(seen, now);
        }
    }
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Everything that is no API is a page over there.
fn page(status: u16) -> Said {
    let headers = vec![("content-type".to_owned(), "text/html;charset=utf-8".to_owned())];
    Said { status, headers, body: b"<html>Jenkins</html>".to_vec() }
}
