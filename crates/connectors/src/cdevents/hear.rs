//! Verifying deliveries of CDEvents, and finding out which event each is.

use serde_json::value::RawValue;
use sluice_core::signal::{Heard, Signal};

use crate::cdevents::cloudevent::CloudEvent;
use crate::cdevents::config::{Config, Verification};
use crate::cdevents::http::{self, Mode};
use crate::cdevents::wire::{CdEvent, Content};
use crate::cdevents::{reports, runs};
use crate::connector::{Hear, Unreadable};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, need, need_text, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{
    SignatureProblem, Verified, bearer_token, verify_standard_webhooks, verify_token,
};
use crate::kit::{text, time};

/// A configured CDEvents link.
pub(crate) struct CdEventsLink {
    pub(crate) config: Config,
}

impl CdEventsLink {
    fn is_signed(&self, delivery: &Delivery) -> bool {
        match self.config.verification {
            Verification::Signature => true,
            Verification::Token => false,
            Verification::ByHeaders => delivery.header("webhook-signature").is_some(),
        }
    }
}

impl Hear for CdEventsLink {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        if self.is_signed(delivery) {
            return verify_standard_webhooks(delivery, secrets);
        }
        let in_query = delivery.query_parameter("access_token");
        verify_token(secrets, bearer_token(delivery).or(in_query.as_deref()))
    }

    fn proven_id(&self, delivery: &Delivery) -> Option<String> {
        if self.is_signed(delivery) {
            delivery.id_in("webhook-id")
        } else {
            self.delivery_id(delivery)
        }
    }

    /// Source and id together identify an event; a batch has no id of its own.
    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        let event = match http::mode(delivery).ok()? {
            Mode::Binary => http::binary(delivery).ok()?,
            Mode::Structured => {
                check(&delivery.body, &Limits::HOOK).ok()?;
                CloudEvent::of_json(&delivery.body).ok()?
            }
            Mode::Batch | Mode::Bare => return None,
        };
        let id = format!("{}#{}", event.source, event.id);
        (id.len() <= 512).then_some(id)
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }

    fn guess(&self, delivery: &Delivery) -> Option<(Vec<(String, String)>, String)> {
        let headers = delivery.headers.iter().map(|(name, _)| name.as_str());
        if headers.into_iter().any(|name| name == "content-type" || name.starts_with("ce-")) {
            return None;
        }
        let media_type = http::guess(&delivery.body)?;
        let note = format!("content type guessed: the body looks like `{media_type}`");
        Some((vec![("content-type".to_owned(), media_type.to_owned())], note))
    }
}

impl CdEventsLink {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        let body = &delivery.body[..];
        if body.starts_with(b"CloudEvent{") {
            let reason = "the body is the Java text form of an event, not JSON: a known defect of \
                the CDEvents plugin of Jenkins; use the `jenkins` link or its `httpRequest` step";
            return Err(unreadable("java_text", reason));
        }
        let mode = http::mode(delivery)?;
        if mode == Mode::Binary && body.is_empty() {
            return self.event(&http::binary(delivery)?);
        }
        if mode == Mode::Binary
            && delivery.media_type().is_some_and(|kind| !super::cloudevent::is_json(&kind))
        {
            return self.event(&http::binary(delivery)?);
        }
        check(body, &Limits::HOOK)?;
        match mode {
            Mode::Binary => self.event(&http::binary(delivery)?),
            Mode::Structured => self.event(&CloudEvent::of_json(body)?),
            Mode::Batch => self.batch(&http::batch(body)?),
            Mode::Bare => self.cdevent(body, None),
        }
    }

    /// A batch is heard as a whole: one event that cannot be read makes it unreadable, and it is
    /// ignored only if all its events are.
    fn batch(&self, events: &[&RawValue]) -> Result<Vec<Signal>, Halt> {
        let mut signals = Vec::new();
        let mut first_ignored = None;
        for (index, event) in events.iter().enumerate() {
            let found =
                CloudEvent::of_json(event.get().as_bytes()).and_then(|event| self.event(&event));
            match found {
                Ok(found) => signals.extend(found),
                Err(Halt::Ignored { code, reason }) => {
                    first_ignored.get_or_insert(ignored(code, format!("event {index}: {reason}")));
                }
                Err(Halt::Unreadable(problem)) => {
                    return Err(unreadable(
                        problem.code,
                        format!("event {index}: {}", problem.reason),
                    ));
                }
            }
        }
        match first_ignored {
            Some(halt) if signals.is_empty() => Err(halt),
            _ => Ok(signals),
        }
    }

    fn event(&self, event: &CloudEvent<'_>) -> Result<Vec<Signal>, Halt> {
        if event.kind.starts_with("dev.cdeventsx.") {
            return Err(custom());
        }
        if !event.kind.starts_with("dev.cdevents.") {
            return Err(ignored("not_a_cdevent", "it is a CloudEvent, but not a CDEvent"));
        }
        let data = need(event.data.as_deref(), "data")?;
        check(data, &Limits::HOOK)?;
        self.cdevent(data, Some(event))
    }

    fn cdevent(&self, data: &[u8], around: Option<&CloudEvent<'_>>) -> Result<Vec<Signal>, Halt> {
        let read: CdEvent = read(data)?;
        let context = need(read.context, "context")?;
        let kind = need_text(context.kind, "context.type")?;
        let id = need_text(context.id, "context.id")?;
        let source = need_text(context.source, "context.source")?;
        if let Some(around) = around
            && (around.id != id || around.kind != kind || around.source != source)
        {
            let reason =
                "`id`, `source` or `type` differ between the CloudEvent and the CDEvent in it";
            return Err(unreadable("attributes_differ", reason));
        }
        if kind.starts_with("dev.cdeventsx.") {
            return Err(custom());
        }
        let (name, version) = name_and_version(&kind)?;
        known_release(context.specversion.or(context.version).as_deref())?;
        let timestamp = need_text(context.timestamp, "context.timestamp")?;
        let at = timestamp.parse().ok().or_else(|| time::read(&timestamp));
        let subject = need(read.subject, "subject")?;
        let content = need(subject.content, "subject.content")?;
        let event = Event {
            config: &self.config,
            id,
            subject: need_text(subject.id, "subject.id")?,
            source: text::filled(subject.source.as_deref()).unwrap_or(source),
            at: Some(need(at, "context.timestamp")?),
        };
        event.signals(name, version, content)
    }
}

fn custom() -> Halt {
    ignored("custom_event", "events of a tool's own (`dev.cdeventsx`) have no common meaning")
}

/// `dev.cdevents.pipelinerun.started.0.3.0` is `pipelinerun.started` in version 0.3.
fn name_and_version(kind: &str) -> Result<(&str, (u32, u32)), Halt> {
    let malformed = || {
        unreadable(
            "not_a_cdevent",
            "`context.type` is not `dev.cdevents.` subject, predicate and version",
        )
    };
    let rest = kind.strip_prefix("dev.cdevents.").ok_or_else(malformed)?;
    let (subject, behind) = rest.split_once('.').ok_or_else(malformed)?;
    let (predicate, version) = behind.split_once('.').ok_or_else(malformed)?;
    let mut numbers = version.split(['.', '-']);
    let mut number = || numbers.next().and_then(|number| number.parse().ok());
    let version = number().zip(number()).ok_or_else(malformed)?;
    let name = rest.get(..subject.len() + 1 + predicate.len()).ok_or_else(malformed)?;
    Ok((name, version))
}

/// Releases of the specification that are understood: 0.1 to 0.5, and the draft of 0.6.
fn known_release(release: Option<&str>) -> Result<(), Halt> {
    let release = need(release, "context.specversion")?;
    let minor = release.strip_prefix("0.").and_then(|rest| rest.split('.').next());
    match minor.and_then(|minor| minor.parse().ok()) {
        Some(1..=6) => Ok(()),
        _ => Err(unreadable("cdevents_version", "this version of CDEvents is not understood")),
    }
}

/// One event with what all events have in common already read.
pub(crate) struct Event<'a> {
    pub(crate) config: &'a Config,
    /// Id of the event.
    pub(crate) id: String,
    /// Id of the subject.
    pub(crate) subject: String,
    /// Where the subject's id counts.
    pub(crate) source: String,
    pub(crate) at: Option<jiff::Timestamp>,
}

impl Event<'_> {
    /// Which events are heard: a table of contents.
    fn signals(
        &self,
        name: &str,
        version: (u32, u32),
        content: Content,
    ) -> Result<Vec<Signal>, Halt> {
        reports::require(name, version, &content)?;
        match name {
            "pipelinerun.queued" | "pipelinerun.started" => runs::run_started(self, content),
            "pipelinerun.finished" => runs::run_finished(self, content),
            "taskrun.started" => runs::stage_started(self, content),
            "taskrun.finished" => runs::stage_finished(self, content),
            "testcaserun.finished" | "testsuiterun.finished" => runs::test_finished(self, content),
            "testcaserun.skipped" => runs::test_skipped(self, content),
            "build.finished" => reports::build_finished(content),
            "artifact.packaged" | "artifact.published" | "artifact.signed" => {
                reports::artifact(self, name, content)
            }
            "change.merged" => reports::proposal_merged(self, content),
            "change.created" | "change.updated" | "change.reviewed" | "change.abandoned" => {
                reports::proposal_updated(self, name, content)
            }
            "service.deployed" | "service.upgraded" | "service.rolledback" => {
                reports::deployment(self, name, content)
            }
            "incident.detected" | "incident.reported" | "incident.resolved" => {
                reports::incident(self, name, content)
            }
            other if NOT_USED.contains(&other) => {
                Err(ignored("event_not_used", format!("the event `{other}` is not used")))
            }
            other => {
                let name = text::cut(other, 80).escape_debug().to_string();
                Err(ignored("event_unknown", format!("the event `{name}` is not known")))
            }
        }
    }
}

/// Events that CDEvents has and that tell nothing that is used.
const NOT_USED: &[&str] = &[
    "approval.closed",
    "approval.created",
    "approval.updated",
    "artifact.deleted",
    "artifact.downloaded",
    "branch.created",
    "branch.deleted",
    "build.queued",
    "build.started",
    "environment.created",
    "environment.deleted",
    "environment.modified",
    "repository.created",
    "repository.deleted",
    "repository.modified",
    "service.published",
    "service.removed",
    "testcaserun.queued",
    "testcaserun.started",
    "testoutput.published",
    "testsuiterun.queued",
    "testsuiterun.started",
    "ticket.closed",
    "ticket.created",
    "ticket.updated",
];
