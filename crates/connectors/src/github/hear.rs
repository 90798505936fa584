//! Verifying GitHub's deliveries and finding out which event each is.

use std::borrow::Cow;

use serde::Deserialize;
use sluice_core::run::RunRef;
use sluice_core::signal::{Heard, Outcome, Signal, Who};

use crate::connector::{Hear, Unreadable};
use crate::github::config::Config;
use crate::github::wire::{Common, User};
use crate::github::{artifacts, deployments, evidence, guess, proposals, push, runs};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, need, need_text, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{Encoding, SignatureProblem, Verified, verify_hmac_header};
use crate::kit::{percent, repository, text};

/// A configured GitHub link.
pub(crate) struct GitHubLink {
    pub(crate) config: Config,
}

impl Hear for GitHubLink {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        verify_hmac_header(delivery, secrets, "x-hub-signature-256", "sha256=", Encoding::Hex)
    }

    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        delivery.id_in("x-github-delivery")
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }

    fn guess(&self, delivery: &Delivery) -> Option<(Vec<(String, String)>, String)> {
        if delivery.header("x-github-event").is_some() {
            return None;
        }
        let event = guess::event_of(&json_of(delivery).ok()?)?;
        let note =
            format!("event guessed: without an `X-GitHub-Event` header it looks like `{event}`");
        Some((vec![("x-github-event".to_owned(), event.to_owned())], note))
    }
}

impl GitHubLink {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        let look_alike = ["x-gitea-event", "x-gogs-event", "x-forgejo-event"];
        if look_alike.iter().any(|header| delivery.header(header).is_some()) {
            let reason = "it comes from Gitea, Gogs or Forgejo, which only resemble GitHub";
            return Err(ignored("other_sender", reason));
        }
        let body = json_of(delivery)?;
        check(&body, &Limits::HOOK)?;
        let event = delivery.header("x-github-event").ok_or_else(|| {
            unreadable("event_header_missing", "the header `X-GitHub-Event` is missing")
        })?;
        let common: Common = read(&body)?;
        Event { config: &self.config, common, body: &body }.signals(event)
    }
}

/// The JSON of a delivery, be it the body or the member `payload` of a form.
fn json_of(delivery: &Delivery) -> Result<Cow<'_, [u8]>, Halt> {
    if delivery.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return Ok(Cow::Borrowed(&delivery.body));
    }
    let mut payloads =
        delivery.body.split(|byte| *byte == b'&').filter_map(|pair| pair.strip_prefix(b"payload="));
    let (Some(payload), None) = (payloads.next(), payloads.next()) else {
        return Err(unreadable("not_a_form", "the form has not exactly one field `payload`"));
    };
    let spaced: Vec<u8> =
        payload.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let json = percent::decode(&spaced)
        .ok_or_else(|| unreadable("not_utf8", "the field `payload` is not UTF-8"))?;
    Ok(Cow::Owned(json.into_bytes()))
}

/// One event with what all events have in common already read.
pub(crate) struct Event<'a> {
    pub(crate) config: &'a Config,
    pub(crate) common: Common,
    body: &'a [u8],
}

impl Event<'_> {
    /// Which events are heard: a table of contents.
    fn signals(&self, event: &str) -> Result<Vec<Signal>, Halt> {
        match event {
            "ping" => Ok(vec![Signal::Ping]),
            "push" => push::pushed(self),
            "pull_request" => proposals::pull_request(self),
            "pull_request_review" => evidence::review(self),
            "workflow_run" => runs::workflow_run(self),
            "workflow_job" => runs::workflow_job(self),
            "deployment" => deployments::deployment(self),
            "deployment_status" => deployments::status(self),
            "deployment_protection_rule" => deployments::protection_rule(self),
            "deployment_review" => deployments::review(self),
            "check_run" => evidence::check_run(self),
            "check_suite" => evidence::check_suite(self),
            "status" => evidence::status(self),
            "release" => artifacts::release(self),
            "registry_package" | "package" => artifacts::package(self),
            "create" => Err(push::created_or_deleted(self, "created")),
            "delete" => Err(push::created_or_deleted(self, "deleted")),
            "installation" => Err(self.installation()),
            other if NOT_USED.contains(&other) => {
                Err(ignored("event_not_used", format!("the event `{other}` is not used")))
            }
            other => {
                let name = text::cut(other, 80).escape_debug().to_string();
                Err(ignored("event_unknown", format!("the event `{name}` is not known")))
            }
        }
    }

    fn installation(&self) -> Halt {
        match self.action() {
            "deleted" => {
                ignored("installation_deleted", "the App was uninstalled: nothing more will come")
            }
            "suspend" => ignored(
                "installation_suspended",
                "the App was suspended: nothing will come until it is resumed",
            ),
            _ => ignored("event_not_used", "the App's installation changed"),
        }
    }

    /// Reads the event's own members.
    pub(crate) fn read<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Unreadable> {
        read(self.body)
    }

    /// The action, or an empty text.
    pub(crate) fn action(&self) -> &str {
        self.common.action.as_deref().unwrap_or_default()
    }

    /// The action is known but tells nothing that is used, or it is not known.
    pub(crate) fn action_not_used(&self) -> Halt {
        let action = text::cut(self.action(), 80).escape_debug().to_string();
        ignored("action_not_used", format!("the action `{action}` is not used"))
    }

    /// `owner/name` as GitHub writes it.
    pub(crate) fn full_name(&self) -> Result<String, Unreadable> {
        let repository = need(self.common.repository.as_ref(), "repository")?;
        let name = need_text(repository.full_name.clone(), "repository.full_name")?;
        let well_formed =
            name.split('/').count() == 2 && name.split('/').all(|part| !part.is_empty());
        if !well_formed || name.contains(char::is_whitespace) {
            let reason = "`repository.full_name` is not `owner/name`";
            return Err(Unreadable::new("unexpected_shape", reason));
        }
        Ok(name)
    }

    /// The host of the repository; another host than the link's is not for us.
    pub(crate) fn host(&self) -> Result<String, Halt> {
        let told = self
            .common
            .repository
            .as_ref()
            .and_then(|repository| repository::host_of(repository.html_url.as_deref()?));
        match (self.config.host.as_ref(), told) {
            (Some(ours), Some(told)) if *ours != told => {
                let reason = format!("the repository is on another host than `{ours}`");
                Err(ignored("other_host", reason))
            }
            (Some(host), _) => Ok(host.clone()),
            (None, Some(host)) => Ok(host),
            (None, None) => Ok("github.com".to_owned()),
        }
    }

    /// Host and path of the repository.
    pub(crate) fn repository(&self) -> Result<String, Halt> {
        let host = self.host()?;
        Ok(repository::join(&host, &self.full_name()?))
    }

    /// Whether a branch is the default one, where GitHub says which is.
    pub(crate) fn is_default_branch(&self, branch: &str) -> Option<bool> {
        let default = self.common.repository.as_ref()?.default_branch.as_deref()?;
        Some(default == branch)
    }

    /// A run by its id, with the repository in it: `acme/payments/1234`.
    pub(crate) fn run(
        &self,
        id: u64,
        attempt: Option<u32>,
        url: Option<String>,
    ) -> Result<RunRef, Halt> {
        Ok(RunRef {
            system: format!("github:{}", self.host()?),
            id: format!("{}/{id}", self.full_name()?.to_lowercase()),
            attempt: attempt.unwrap_or(1).max(1),
            url,
        })
    }

    /// Somebody of GitHub.
    pub(crate) fn user(&self, user: &User) -> Who {
        text::who(
            &self.config.realm,
            user.login.as_deref(),
            user.name.as_deref(),
            user.email.as_deref(),
        )
    }

    /// Somebody of GitHub, if anybody is named.
    pub(crate) fn some_user(&self, user: Option<&User>) -> Option<Who> {
        text::some_who(self.user(user?))
    }

    /// Who caused the event.
    pub(crate) fn sender(&self) -> Option<Who> {
        self.some_user(self.common.sender.as_ref())
    }
}

/// How a run, job or check ended. What was neither good nor skipped nor ended by somebody is bad.
pub(crate) fn outcome(conclusion: Option<&str>, path: &str) -> Result<Outcome, Unreadable> {
    match need(conclusion, path)? {
        "success" | "neutral" => Ok(Outcome::Succeeded),
        "failure" | "timed_out" | "startup_failure" | "action_required" | "error" => {
            Ok(Outcome::Failed)
        }
        "cancelled" | "stale" => Ok(Outcome::Canceled),
        "skipped" => Ok(Outcome::Skipped),
        _ => Err(Unreadable::new("unknown_word", format!("the word in `{path}` is not known"))),
    }
}

/// Events that GitHub has and that tell nothing about delivery.
const NOT_USED: &[&str] = &[
    "branch_protection_configuration",
    "branch_protection_rule",
    "code_scanning_alert",
    "commit_comment",
    "custom_property",
    "custom_property_values",
    "dependabot_alert",
    "deploy_key",
    "discussion",
    "discussion_comment",
    "fork",
    "github_app_authorization",
    "gollum",
    "installation_repositories",
    "installation_target",
    "issue_comment",
    "issues",
    "label",
    "marketplace_purchase",
    "member",
    "membership",
    "merge_group",
    "meta",
    "milestone",
    "org_block",
    "organization",
    "page_build",
    "personal_access_token_request",
    "project",
    "project_card",
    "project_column",
    "projects_v2",
    "projects_v2_item",
    "projects_v2_status_update",
    "public",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "repository",
    "repository_advisory",
    "repository_dispatch",
    "repository_import",
    "repository_ruleset",
    "repository_vulnerability_alert",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "secret_scanning_scan",
    "security_advisory",
    "security_and_analysis",
    "sponsorship",
    "star",
    "sub_issues",
    "team",
    "team_add",
    "watch",
    "workflow_dispatch",
];
