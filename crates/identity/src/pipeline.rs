//! What GitHub, GitLab and Jenkins say of a run in its token, in our words.
//!
//! The names of systems and runs are those that the connectors give to deliveries of the same
//! systems, so that what a token allows and what a delivery tells find each other.
//!
//! Sources: GitHub's OpenID Connect reference, GitLab's ID tokens, the README of Jenkins' OpenID
//! Connect provider plugin.

use std::collections::BTreeMap;

use sluice_core::ids::CommitId;
use sluice_core::organisation::PipelineSystem;
use sluice_core::run::RunRef;

use crate::claims::{Claims, Scalar};

/// A run, as its token describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineRun {
    /// The run.
    pub run: RunRef,
    /// The commit it runs on, where the token says.
    pub commit: Option<CommitId>,
    /// The account that started it, `github:alice`.
    pub actor: Option<String>,
    /// Whether it runs for a proposal that is not merged: code that nobody has accepted yet.
    pub proposal: bool,
    /// Every simple claim as text, for rules to compare with; the subject among them.
    pub said: BTreeMap<String, String>,
}

/// Whether tokens of the system have `nbf` and `jti`. Those of Jenkins have neither.
pub fn demands_all(system: PipelineSystem) -> bool {
    match system {
        PipelineSystem::Github | PipelineSystem::Gitlab => true,
        PipelineSystem::Jenkins => false,
    }
}

/// Describes the run. The name of the claim that is missing otherwise.
pub fn pipeline_run(system: PipelineSystem, claims: &Claims) -> Result<PipelineRun, &'static str> {
    match system {
        PipelineSystem::Github => github(claims),
        PipelineSystem::Gitlab => gitlab(claims),
        PipelineSystem::Jenkins => jenkins(claims),
    }
}

fn github(claims: &Claims) -> Result<PipelineRun, &'static str> {
    let host = match host_of(&claims.issuer)? {
        "token.actions.githubusercontent.com" => "github.com",
        // Data residency has `token.actions.SUBDOMAIN.ghe.com`, a server of one's own its name.
        host => host.strip_prefix("token.actions.").unwrap_or(host),
    };
    let repository = needed(claims, "repository")?.to_lowercase();
    let attempt = needed(claims, "run_attempt")?.parse().map_err(|_| "run_attempt")?;
    let run = RunRef {
        system: format!("github:{host}"),
        id: format!("{repository}/{}", digits(needed(claims, "run_id")?, "run_id")?),
        attempt,
        url: None,
    };
    let event = needed(claims, "event_name")?;
    Ok(PipelineRun {
        run,
        commit: commit(claims),
        actor: claims.text("actor").map(|actor| format!("github:{actor}")),
        proposal: event.starts_with("pull_request") || event.starts_with("merge_group"),
        said: said(claims),
    })
}

fn gitlab(claims: &Claims) -> Result<PipelineRun, &'static str> {
    let host = host_of(&claims.issuer)?;
    let run = RunRef {
        system: format!("gitlab:{host}"),
        id: digits(needed(claims, "pipeline_id")?, "pipeline_id")?.to_owned(),
        attempt: 1,
        url: None,
    };
    let source = needed(claims, "pipeline_source")?;
    Ok(PipelineRun {
        run,
        commit: commit(claims),
        actor: claims.text("user_login").map(|login| format!("gitlab:{login}")),
        proposal: matches!(source, "merge_request_event" | "external_pull_request_event"),
        said: said(claims),
    })
}

/// The subject is the job's address, `https://ci.example.org/job/acme/job/payments/`.
fn jenkins(claims: &Claims) -> Result<PipelineRun, &'static str> {
    let host = host_of(&claims.issuer)?;
    let path = claims.subject.split_once("://").and_then(|(_, rest)| rest.split_once("/job/"));
    let (_, jobs) = path.ok_or("sub")?;
    let job = jobs.trim_end_matches('/').split("/job/").collect::<Vec<_>>().join("/");
    let Some(Scalar::Number(build @ 1..)) = claims.others.get("build_number") else {
        return Err("build_number");
    };
    let run = RunRef {
        system: format!("jenkins:{host}"),
        id: format!("{job}/{build}"),
        attempt: 1,
        url: None,
    };
    Ok(PipelineRun { run, commit: None, actor: None, proposal: false, said: said(claims) })
}

/// Host, and port where one is written.
fn host_of(issuer: &str) -> Result<&str, &'static str> {
    let rest = issuer.strip_prefix("https://").ok_or("iss")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() { Err("iss") } else { Ok(host) }
}

fn needed<'c>(claims: &'c Claims, name: &'static str) -> Result<&'c str, &'static str> {
    claims.text(name).ok_or(name)
}

fn digits<'t>(text: &'t str, name: &'static str) -> Result<&'t str, &'static str> {
    let sound = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if sound { Ok(text) } else { Err(name) }
}

fn commit(claims: &Claims) -> Option<CommitId> {
    CommitId::parse(claims.text("sha")?).ok()
}

fn said(claims: &Claims) -> BTreeMap<String, String> {
    let mut said: BTreeMap<String, String> = claims
        .others
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Scalar::Text(text) => text.clone(),
                Scalar::Truth(truth) => truth.to_string(),
                Scalar::Number(number) => number.to_string(),
            };
            (name.clone(), text)
        })
        .collect();
    said.insert("sub".to_owned(), claims.subject.clone());
    said
}
