//! Settings for telling GitHub, under `api`, and who we are there: an App's installation, or a token.

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::connector::Problem;
use crate::kit::answers;
use crate::kit::answers::not_understood;
use crate::kit::settings::Settings;
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Session, Step, Trouble, Verb,
};

/// The version of the API that is spoken.
const API_VERSION: &str = "2022-11-28";
/// An assertion lives so long, in seconds; ten minutes are the most that is taken.
const ASSERTION_S: i64 = 540;
/// Ended so much before they say, in seconds.
const MARGIN_S: i64 = 120;

/// Checked settings.
pub(super) struct Api {
    /// Base address of the API.
    pub(super) url: String,
    /// The host whose repositories are told of.
    pub(super) host: String,
    /// Who we are.
    pub(super) account: Account,
    /// Whether an issue is opened for a deployment that failed or was rolled back.
    pub(super) issues: bool,
    /// Their names of our environments, where they differ.
    environments: BTreeMap<String, String>,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

/// Who we are.
pub(super) enum Account {
    /// An App, by its client id, installed as this installation; the credential is `private_key`.
    App { app: String, installation: u64 },
    /// A token, the credential `token`. It makes commit statuses instead of check runs.
    Token,
}

impl Api {
    /// Reads `api` and `host` of a link's settings.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let host = value.get("host").and_then(Value::as_str).unwrap_or("github.com").to_lowercase();
        let Some(api) = value.get("api") else {
            return Err(vec![Problem {
                path: "/api".to_owned(),
                message: "`api` is missing: it says who we are over there".to_owned(),
                help: "write `api: {app: Iv23..., installation: 1234}`".to_owned(),
            }]);
        };
        let mut settings = Settings::of(api, "/api");
        let url = if host == "github.com" {
            "https://api.github.com".to_owned()
        } else {
            format!("https://{host}/api/v3")
        };
        let url = settings.base_url("url", Some(&url));
        let help = "the App's client id; without it the credential `token` is used";
        let account = match settings.text("app", help) {
            None => Account::Token,
            Some(app) => {
                let help = "the number of the installation, as in its address";
                let installation = settings.value("installation").and_then(Value::as_u64);
                if installation.is_none() {
                    settings.problem("installation", "`installation` is not a number", help);
                }
                Account::App { app, installation: installation.unwrap_or_default() }
            }
        };
        if matches!(account, Account::Token) {
            settings.leave("installation");
        }
        let environments = environments(&mut settings);
        let issues = settings.flag("issues", false);
        let outlet = Outlet { urls: vec![url.clone()], networks: settings.networks() };
        let pace = Pace { per_minute: settings.number("per_minute", 80, (1, 250)), settle_s: 30 };
        let problems = settings.finish();
        let api = Self { url, host, account, issues, environments, outlet, pace };
        if problems.is_empty() { Ok(api) } else { Err(problems) }
    }

    /// Their name of one of our environments.
    pub(super) fn environment<'a>(&'a self, ours: &'a str) -> &'a str {
        self.environments.get(ours).map_or(ours, String::as_str)
    }

    pub(super) fn ask(&self, step: &'static str, verb: Verb, path: &str) -> Ask {
        Ask::new(step, verb, format!("{}{path}", self.url))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION)
    }

    pub(super) fn authenticate(
        &self,
        so_far: &[Exchange],
        with: &Credentials,
        now: Timestamp,
    ) -> Step<Session> {
        let missing = || Trouble::new(Because::Auth, "a credential of the link is not there");
        let (app, installation) = match &self.account {
            Account::App { app, installation } => (app, *installation),
            Account::Token => {
                return match with.text("token") {
                    None => Step::Retry(missing()),
                    Some(token) => Step::Done(bearer(token, None)),
                };
            }
        };
        if let Some(exchange) = so_far.last() {
            return installed(exchange);
        }
        let Some(key) = with.text("private_key") else { return Step::Retry(missing()) };
        match assertion(app, key, now) {
            None => {
                Step::Retry(Trouble::new(Because::Auth, "the private key is not an RSA key in PEM"))
            }
            Some(assertion) => Step::Send(
                self.ask(
                    "token",
                    Verb::Post,
                    &format!("/app/installations/{installation}/access_tokens"),
                )
                .json(&json!({}))
                .secret("authorization", format!("Bearer {assertion}")),
            ),
        }
    }
}

fn environments(settings: &mut Settings<'_>) -> BTreeMap<String, String> {
    let help = "our name and theirs, such as `production: prod`";
    match settings.value("environments") {
        None => BTreeMap::new(),
        Some(Value::Object(members)) if members.values().all(Value::is_string) => members
            .iter()
            .filter_map(|(ours, theirs)| Some((ours.clone(), theirs.as_str()?.to_owned())))
            .collect(),
        Some(_) => {
            settings.problem("environments", "`environments` must be a mapping of names", help);
            BTreeMap::new()
        }
    }
}

fn bearer(token: &str, until: Option<Timestamp>) -> Session {
    Session { headers: vec![("authorization", format!("Bearer {token}"))], until }
}

fn installed(exchange: &Exchange) -> Step<Session> {
    let answer = match answers::json(exchange) {
        Ok(answer) => answer,
        // An installation that is not there may be made again: it is tried again.
        Err(Step::GiveUp(trouble)) => {
            return Step::Retry(Trouble { reason: Because::Auth, ..trouble });
        }
        Err(step) => return step,
    };
    let token = answer.get("token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let until = answer.get("expires_at").and_then(Value::as_str);
    let until = until.and_then(|text| text.parse::<Timestamp>().ok());
    match (token, until) {
        (Some(token), Some(until)) => {
            let until = until.checked_sub(SignedDuration::from_secs(MARGIN_S)).unwrap_or(until);
            Step::Done(bearer(token, Some(until)))
        }
        _ => not_understood("the answer holds no token"),
    }
}

/// A JWT signed with the App's key (RS256); `None` where the key is none.
fn assertion(app: &str, pem: &str, now: Timestamp) -> Option<String> {
    let key = private_key(pem)?;
    let now_s = now.as_second();
    let header = json!({ "alg": "RS256", "typ": "JWT" }).to_string();
    let claims = json!({ "iat": now_s - 60, "exp": now_s + ASSERTION_S, "iss": app }).to_string();
    let signed = format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(header.as_bytes()),
        BASE64URL_NOPAD.encode(claims.as_bytes())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    // The signature is the same each time; chance only blinds the computation.
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
    Some(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
}

/// An RSA key in PEM: PKCS#1, as GitHub gives it, or PKCS#8.
fn private_key(pem: &str) -> Option<RsaKeyPair> {
    let body: String =
        pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64.decode(body.as_bytes()).ok()?;
    if pem.contains("BEGIN RSA PRIVATE KEY") {
        RsaKeyPair::from_der(&der).ok()
    } else {
        RsaKeyPair::from_pkcs8(&der).ok()
    }
}
