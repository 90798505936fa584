//! Settings for telling GitLab, under `api`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::account::Account;
use crate::kit::percent;
use crate::kit::settings::Settings;
use crate::tell::{Ask, Outlet, Pace, Session, Verb};

/// Checked settings.
pub(super) struct Api {
    /// Base address of the API.
    pub(super) url: String,
    /// The host whose projects are told of.
    pub(super) host: String,
    pub(super) account: Account,
    /// Whether deployments that wait are approved and rejected.
    pub(super) deployments: bool,
    /// Whether the reasons are said on the merge request.
    pub(super) notes: bool,
    /// Whether an issue is opened for a deployment that failed or was rolled back.
    pub(super) issues: bool,
    /// Our environment that external status checks ask about; without one they get no answer.
    pub(super) checks: Option<String>,
    /// The projects whose freeze periods are kept equal to ours, with our name of the environment.
    pub(super) freezes: BTreeMap<String, String>,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Api {
    /// Reads `api` and `host` of a link's settings.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let host = value.get("host").and_then(Value::as_str).unwrap_or("gitlab.com").to_lowercase();
        let Some(api) = value.get("api") else {
            return Err(vec![Problem {
                path: "/api".to_owned(),
                message: "`api` is missing: it says how GitLab is told".to_owned(),
                help: "write `api: {}`, with the credential `token`".to_owned(),
            }]);
        };
        let mut settings = Settings::of(api, "/api");
        let url = settings.base_url("url", Some(&format!("https://{host}/api/v4")));
        let deployments = settings.flag("approve_deployments", true);
        let notes = settings.flag("notes", true);
        let issues = settings.flag("issues", false);
        let checks = settings
            .text("status_checks", "the environment that is asked about, such as `production`");
        let freezes = settings
            .texts("freezes", "the project and our environment, such as `acme/ledger: production`");
        let outlet = Outlet { urls: vec![url.clone()], networks: settings.networks() };
        let pace =
            Pace { per_minute: settings.number("per_minute", 300, (1, 2_000)), settle_s: 30 };
        let account = Account::header("private-token", "token");
        let problems = settings.finish();
        let api =
            Self { url, host, account, deployments, notes, issues, checks, freezes, outlet, pace };
        if problems.is_empty() { Ok(api) } else { Err(problems) }
    }

    /// A request about a project.
    pub(super) fn ask(
        &self,
        step: &'static str,
        verb: Verb,
        project: &str,
        path: &str,
        session: &Session,
    ) -> Ask {
        let project = percent::encode(project);
        Ask::new(step, verb, format!("{}/projects/{project}/{path}", self.url))
            .header("accept", "application/json")
            .by(session)
    }
}
