//! Settings of a link to Jira's deployments.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::account::{self, Account, TokenForm};
use crate::kit::settings::Settings;
use crate::tell::{Outlet, Pace};

/// What Jira knows of environments.
const TYPES: [&str; 5] = ["unmapped", "development", "testing", "staging", "production"];

/// Checked settings.
pub(super) struct Config {
    /// Base address of the API for the site.
    pub(super) base: String,
    /// Address of the site itself.
    pub(super) site: String,
    /// Its id in the cloud.
    pub(super) cloud: String,
    pub(super) account: Account,
    /// Our services, and their ids over there.
    pub(super) services: BTreeMap<String, String>,
    /// Our environments, and their types over there.
    environments: BTreeMap<String, String>,
    /// Whether Jira's gating is asked for.
    pub(super) gating: bool,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        let url = settings.base_url("url", Some("https://api.atlassian.com"));
        let site = settings.base_url("site", None);
        let help = "the id of the site in the cloud, from `/_edge/tenant_info`";
        let cloud = settings.needed("cloud_id", help);
        let sound = |b: u8| b.is_ascii_hexdigit() || b == b'-';
        if cloud.len() > 64 || !cloud.bytes().all(sound) {
            settings.problem("cloud_id", "`cloud_id` is not the id of a site", help);
        }
        let form = TokenForm::Json { audience: "api.atlassian.com" };
        let account = account::client(&mut settings, format!("{url}/oauth/token"), form);
        let help = "our services with their ids in Jira, such as `payments: b:YXJp...`";
        let services = settings.texts("services", help);
        if services.is_empty() {
            settings.problem("services", "`services` names no service", help);
        }
        let help =
            "our environments with a type: `development`, `testing`, `staging` or `production`";
        let environments = settings.texts("environments", help);
        if environments.values().any(|kind| !TYPES.contains(&kind.as_str())) {
            settings.problem("environments", "`environments` has a type that is none", help);
        }
        let gating = settings.flag("gating", false);
        let outlet =
            Outlet { urls: vec![url.clone(), site.clone()], networks: settings.networks() };
        let pace =
            Pace { per_minute: settings.number("per_minute", 120, (1, 2_000)), settle_s: 30 };
        let problems = settings.finish();
        let base = format!("{url}/jira/deployments/0.1/cloud/{cloud}");
        let config =
            Self { base, site, cloud, account, services, environments, gating, outlet, pace };
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The type of an environment; what is not named is what it is called.
    pub(super) fn type_of<'a>(&'a self, environment: &'a str) -> &'a str {
        let named = self.environments.get(environment).map_or(environment, String::as_str);
        if TYPES.contains(&named) { named } else { "unmapped" }
    }

    /// Address of the deployments of a service to an environment.
    pub(super) fn place(&self, service: &str, environment: &str) -> String {
        format!("{}/pipelines/{service}/environments/{environment}", self.base)
    }
}
