//! Verifying GitLab's deliveries and finding out which event each is.

use serde::Deserialize;
use sluice_core::run::RunRef;
use sluice_core::signal::{Heard, Signal, Who};

use crate::connector::{Hear, Unreadable};
use crate::gitlab::config::{Config, Verification};
use crate::gitlab::wire::{Common, User};
use crate::gitlab::{delivery as deliveries, pipelines, source};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, need, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{
    Encoding, SignatureProblem, Verified, verify_hmac_header, verify_standard_webhooks,
    verify_token,
};
use crate::kit::{repository, text};

/// A configured GitLab link.
pub(crate) struct GitLabLink {
    pub(crate) config: Config,
}

impl Hear for GitLabLink {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        if is_check(delivery) {
            return verify_hmac_header(delivery, secrets, "x-gitlab-signature", "", Encoding::Hex);
        }
        let signed = match self.config.verification {
            Verification::Signature => true,
            Verification::Token => false,
            Verification::ByHeaders => delivery.header("webhook-signature").is_some(),
        };
        if signed {
            verify_standard_webhooks(delivery, secrets)
        } else {
            verify_token(secrets, delivery.header("x-gitlab-token"))
        }
    }

    /// `X-Gitlab-Event-UUID` is not one: deliveries that a hook caused share it.
    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        delivery.id_in("idempotency-key").or_else(|| delivery.id_in("webhook-id"))
    }

    fn proven_id(&self, delivery: &Delivery) -> Option<String> {
        if delivery.header("webhook-signature").is_some() {
            return delivery.id_in("webhook-id");
        }
        // The secret itself comes with it; the signature of a check covers its body alone.
        delivery.header("x-gitlab-token").and_then(|_| self.delivery_id(delivery))
    }

    /// A check that is retried on the merge request comes with the same bytes, and nothing else.
    fn asks(&self, delivery: &Delivery) -> bool {
        is_check(delivery) && self.delivery_id(delivery).is_none()
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }
}

/// An external status check signs otherwise than a webhook, and has neither of its headers.
fn is_check(delivery: &Delivery) -> bool {
    let is_webhook = ["webhook-signature", "x-gitlab-token"];
    is_webhook.iter().all(|name| delivery.header(name).is_none())
        && delivery.header("x-gitlab-signature").is_some()
}

impl GitLabLink {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        check(&delivery.body, &Limits::HOOK)?;
        let common: Common = read(&delivery.body)?;
        // System hooks for pushes have no `object_kind`.
        let kind = common.object_kind.clone().or_else(|| common.event_name.clone());
        let kind = kind.ok_or_else(|| {
            unreadable("event_missing", "neither `object_kind` nor `event_name` says what happened")
        })?;
        Event { config: &self.config, common, body: &delivery.body }.signals(&kind)
    }
}

/// One event with what all events have in common already read.
pub(crate) struct Event<'a> {
    pub(crate) config: &'a Config,
    pub(crate) common: Common,
    body: &'a [u8],
}

impl Event<'_> {
    /// Which events are heard: a table of contents.
    fn signals(&self, kind: &str) -> Result<Vec<Signal>, Halt> {
        match kind {
            "push" => source::pushed(self),
            "tag_push" => Err(source::tag_pushed(self)),
            "merge_request" => source::merge_request(self),
            "pipeline" => pipelines::pipeline(self),
            "build" => pipelines::job(self),
            "deployment" => deliveries::deployment(self),
            "release" => deliveries::release(self),
            other if NOT_USED.contains(&other) => {
                Err(ignored("event_not_used", format!("the event `{other}` is not used")))
            }
            other => {
                let name = text::cut(other, 80).escape_debug().to_string();
                Err(ignored("event_unknown", format!("the event `{name}` is not known")))
            }
        }
    }

    /// Reads the event's own members.
    pub(crate) fn read<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Unreadable> {
        read(self.body)
    }

    /// The project's web address, in whichever member this kind of event has it.
    fn address(&self) -> Option<&str> {
        let project = self.common.project.as_ref().and_then(|project| project.web_url.as_deref());
        let homepage = || self.common.repository.as_ref()?.homepage.as_deref();
        project.or_else(homepage)
    }

    /// The host of the project; another host than the link's is not for us.
    pub(crate) fn host(&self) -> Result<String, Halt> {
        let told = self.address().and_then(repository::host_of);
        match (self.config.host.as_ref(), told) {
            (Some(ours), Some(told)) if *ours != told => {
                let reason = format!("the project is on another host than `{ours}`");
                Err(ignored("other_host", reason))
            }
            (Some(host), _) => Ok(host.clone()),
            (None, Some(host)) => Ok(host),
            (None, None) => Ok("gitlab.com".to_owned()),
        }
    }

    /// Host and path of the project.
    pub(crate) fn repository(&self) -> Result<String, Halt> {
        let host = self.host()?;
        let path = self
            .common
            .project
            .as_ref()
            .and_then(|project| text::filled(project.path_with_namespace.as_deref()));
        if let Some(path) = path {
            return Ok(repository::join(&host, &path));
        }
        let address = self.address().and_then(repository::from_address);
        Ok(need(address, "project.path_with_namespace")?)
    }

    /// Whether a branch is the default one, where GitLab says which is.
    pub(crate) fn is_default_branch(&self, branch: &str) -> Option<bool> {
        let default = self.common.project.as_ref()?.default_branch.as_deref()?;
        Some(default == branch)
    }

    /// A pipeline by its id, which counts over the whole instance.
    pub(crate) fn run(&self, id: u64, url: Option<String>) -> Result<RunRef, Halt> {
        let system = format!("gitlab:{}", self.host()?);
        Ok(RunRef { system, id: id.to_string(), attempt: 1, url })
    }

    /// Something of the project that asks, as a run: a deployment that waits, or a merge request.
    pub(crate) fn run_of(&self, what: &str, id: u64) -> Result<RunRef, Halt> {
        let system = format!("gitlab:{}", self.host()?);
        let repository = self.repository()?;
        let path = repository.split_once('/').map_or(repository.as_str(), |(_, path)| path);
        Ok(RunRef { system, id: format!("{path}/{what}/{id}"), attempt: 1, url: None })
    }

    /// Somebody of GitLab. Without a user name, the number of the account stands for it.
    pub(crate) fn user(&self, user: &User) -> Who {
        let by_id = user.id.filter(|_| user.username.is_none()).map(|id| format!("id/{id}"));
        let login = user.username.as_deref().or(by_id.as_deref());
        text::who(&self.config.realm, login, user.name.as_deref(), user.email.as_deref())
    }

    /// Somebody of GitLab, if anybody is named.
    pub(crate) fn some_user(&self, user: Option<&User>) -> Option<Who> {
        text::some_who(self.user(user?))
    }
}

/// Events that GitLab has and that tell nothing about delivery.
const NOT_USED: &[&str] = &[
    "access_token",
    "emoji",
    "expiring_access_token",
    "feature_flag",
    "gitlab_subscription_member_approval",
    "gitlab_subscription_member_approvals",
    "group_create",
    "group_destroy",
    "group_rename",
    "issue",
    "key_create",
    "key_destroy",
    "member",
    "milestone",
    "note",
    "project",
    "project_create",
    "project_destroy",
    "project_rename",
    "project_transfer",
    "project_update",
    "repository_update",
    "subgroup_create",
    "subgroup_destroy",
    "user_access_request_revoked_for_group",
    "user_access_request_revoked_for_project",
    "user_access_request_to_group",
    "user_access_request_to_project",
    "user_add_to_group",
    "user_add_to_team",
    "user_create",
    "user_destroy",
    "user_failed_login",
    "user_remove_from_group",
    "user_remove_from_team",
    "user_rename",
    "user_update_for_group",
    "user_update_for_team",
    "vulnerability",
    "wiki_page",
    "work_item",
];
