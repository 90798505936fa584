//! Settings for telling Jenkins, under `api`, and who we are there.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::Value;

use super::build::{self, Declared};
use crate::connector::Problem;
use crate::kit::answers::{self, header, not_understood};
use crate::kit::percent;
use crate::kit::repository::host_of;
use crate::kit::settings::Settings;
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Session, Step, Trouble, Verb,
};

/// The header that a crumb is sent in, since Jenkins 2.0.
const CRUMB: &str = "jenkins-crumb";

/// Checked settings.
pub(super) struct Api {
    /// The controller's root, without a slash at its end.
    pub(super) url: String,
    /// What stands in the names of its runs.
    pub(super) system: String,
    pub(super) user: String,
    /// The credential: an API token needs no crumb, a password does.
    credential: [&'static str; 1],
    /// Id of the `input` step that waits for the gate.
    input: String,
    /// The same for single environments, where they are not all let on by one.
    inputs: BTreeMap<String, String>,
    /// The job that is built when a merge has opened a change of the service: service, full name of the job.
    pub(super) jobs: BTreeMap<String, String>,
    /// What the builds of jobs are for, where that is declared.
    pub(super) waits: BTreeMap<String, Declared>,
    /// Whether the build of a change that is canceled is stopped.
    pub(super) stop_canceled: bool,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Api {
    /// Reads `api` and `url` of a link's settings.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let Some(api) = value.get("api") else {
            return Err(vec![Problem {
                path: "/api".to_owned(),
                message: "`api` is missing: it says who we are over there".to_owned(),
                help: "write `api: {user: sluice}`, with the credential `api_token`".to_owned(),
            }]);
        };
        let mut settings = Settings::of(api, "/api");
        let root = value.get("url").and_then(Value::as_str).map(|url| url.trim_end_matches('/'));
        let url = settings.base_url("url", root);
        let user = settings.needed("user", "the account whose API token it is");
        let ways = [("api_token", "api_token"), ("password", "password")];
        let credential = settings.choice("login", &ways).unwrap_or("api_token");
        let input = settings.text("input", "the id of the `input` step").unwrap_or_default();
        let input = if input.is_empty() { "Sluice".to_owned() } else { input };
        let inputs = settings.texts("inputs", "an environment and the id of its `input` step");
        let help = "a large letter, then letters, digits, `-` and `_`, such as `Sluice`";
        if !is_id(&input) {
            settings.problem("input", "`input` is not the id of a step", help);
        }
        if !inputs.values().all(|id| is_id(id)) {
            settings.problem("inputs", "`inputs` has what is not the id of a step", help);
        }
        let jobs = settings.texts("jobs", "a service and the full name of its job");
        let waits = build::declared(&mut settings);
        let stop_canceled = settings.flag("stop_canceled", false);
        let outlet = Outlet { urls: vec![url.clone()], networks: settings.networks() };
        let pace =
            Pace { per_minute: settings.number("per_minute", 120, (1, 2_000)), settle_s: 10 };
        let system = format!("jenkins:{}", host_of(root.unwrap_or(&url)).unwrap_or_default());
        let problems = settings.finish();
        let credential = [credential];
        let api = Self {
            url,
            system,
            user,
            credential,
            input,
            inputs,
            jobs,
            waits,
            stop_canceled,
            outlet,
            pace,
        };
        if problems.is_empty() { Ok(api) } else { Err(problems) }
    }

    /// Id of the `input` step at which builds wait for an environment.
    pub(super) fn input(&self, environment: &str) -> &str {
        self.inputs.get(environment).unwrap_or(&self.input)
    }

    pub(super) fn credentials(&self) -> &[&'static str] {
        &self.credential
    }

    /// With a password, every request that alters something wants a crumb, and the session that it belongs to.
    pub(super) fn authenticate(&self, so_far: &[Exchange], with: &Credentials) -> Step<Session> {
        let [name] = self.credential;
        let Some(secret) = with.text(name) else {
            let detail = "a credential of the link is not there";
            return Step::Retry(Trouble::new(Because::Auth, detail));
        };
        let pair = BASE64.encode(format!("{}:{secret}", self.user).as_bytes());
        let mut headers = vec![("authorization", format!("Basic {pair}"))];
        if name == "password" {
            let Some(asked) = so_far.last() else {
                let ask =
                    Ask::new("crumb", Verb::Get, format!("{}/crumbIssuer/api/json", self.url));
                let session = Session { headers, until: None };
                return Step::Send(ask.header("accept", "application/json").by(&session));
            };
            // Without a crumb issuer nobody asks for crumbs.
            if !is_missing(asked) {
                match crumb(asked) {
                    Ok(more) => headers.extend(more),
                    Err(step) => return step,
                }
            }
        }
        Step::Done(Session { headers, until: None })
    }
}

/// Jenkins writes the first letter large in addresses, whatever the pipeline says.
fn is_id(input: &str) -> bool {
    let named = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    input.bytes().all(named) && input.starts_with(|c: char| c.is_ascii_uppercase())
}

fn crumb(asked: &Exchange) -> Result<Vec<(&'static str, String)>, Step<Session>> {
    let answer = answers::json(asked)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let named = text("crumbRequestField").is_some_and(|name| name.eq_ignore_ascii_case(CRUMB));
    let Some(crumb) = text("crumb").filter(|crumb| named && !crumb.is_empty()) else {
        return Err(not_understood("the answer holds no crumb"));
    };
    let mut headers = vec![(CRUMB, crumb.to_owned())];
    let cookie = asked.answer.as_ref().ok().and_then(|reply| header(reply, "set-cookie"));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next());
    headers.extend(cookie.map(|cookie| ("cookie", cookie.to_owned())));
    Ok(headers)
}

/// Whether there is no such thing. Jenkins says so by a page, as it says everything that is no API.
pub(super) fn is_missing(asked: &Exchange) -> bool {
    asked.answer.as_ref().is_ok_and(|reply| reply.status == 404)
}

/// The JSON of an answer about a job or a build.
pub(super) fn read<T>(asked: &Exchange) -> Result<Value, Step<T>> {
    match is_missing(asked) {
        true => Err(answers::refused(answers::replied(asked)?)),
        false => answers::json(asked),
    }
}

/// The address of a job by its full name: `acme/payments`.
pub(super) fn job(url: &str, name: &str) -> String {
    let parts = name.split('/').filter(|part| !part.is_empty());
    let path: String = parts.map(|part| format!("/job/{}", percent::encode(part))).collect();
    format!("{url}{path}")
}
