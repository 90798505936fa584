//! Slack's interactivity: somebody pressed one of our buttons.
//!
//! What comes of it is a wish. It is answered to whoever pressed alone, with the way to the page where one decides.

use sluice_core::change::ApprovalVerdict;
use sluice_core::ids::{ChangeNumber, Digest};
use sluice_core::signal::{Heard, Signal};

use super::blocks::{APPROVE, REJECT};
use super::config::Heeded;
use super::wire::{Action, Payload};
use crate::connector::{Hear, Unreadable};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, need, need_text, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{SignatureProblem, Verified, verify_slack};
use crate::kit::text;

/// An app of Slack's, to be heard.
pub(super) struct SlackEar {
    pub(super) heeded: Heeded,
}

impl Hear for SlackEar {
    fn secrets_needed(&self) -> &[String] {
        &self.heeded.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        verify_slack(delivery, secrets)
    }

    /// A press has a trigger of its own, which is used once.
    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        let body = payload(delivery).ok()?;
        check(&body, &Limits::HOOK).ok()?;
        let id = read::<Payload>(&body).ok()?.trigger_id?;
        (1..=512).contains(&id.len()).then_some(id)
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }

    fn wants_empty_answer(&self) -> bool {
        true
    }
}

impl SlackEar {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        let body = payload(delivery)?;
        check(&body, &Limits::HOOK)?;
        let payload: Payload = read(&body)?;
        match need(payload.kind.as_deref(), "type")? {
            "block_actions" => self.pressed(payload),
            other => {
                let name = text::cut(other, 80).escape_debug().to_string();
                Err(ignored("event_not_used", format!("the interaction `{name}` is not used")))
            }
        }
    }

    fn pressed(&self, payload: Payload) -> Result<Vec<Signal>, Halt> {
        let channel = payload.channel.and_then(|channel| channel.id);
        if self.heeded.channel.is_some() && channel != self.heeded.channel {
            return Err(ignored("other_channel", "it was pressed in another channel"));
        }
        let [action] = payload.actions.as_slice() else {
            return Err(unreadable("unexpected_shape", "`actions` does not name one button"));
        };
        let wish = match action.action_id.as_deref() {
            Some(APPROVE) => ApprovalVerdict::Approve,
            Some(REJECT) => ApprovalVerdict::Reject,
            // Buttons that lead to a page are reported as well.
            _ => {
                return Err(ignored(
                    "action_not_used",
                    "the button is none that asks for a decision",
                ));
            }
        };
        let (entity, revision) = asked_about(action)?;
        let user = payload.user.unwrap_or_default();
        let id = need_text(user.id, "user.id")?;
        let name = user.username.or(user.name);
        Ok(vec![Signal::IntentReported {
            intent: need_text(payload.trigger_id, "trigger_id")?,
            entity,
            wish,
            revision,
            who: text::who(&self.heeded.realm, Some(&id), name.as_deref(), None),
            reply_to: payload.response_url,
        }])
    }
}

/// `CHG0000042 sha256:...`, as we wrote it on the button.
fn asked_about(action: &Action) -> Result<(String, Digest), Halt> {
    let value = need(action.value.as_deref(), "actions.value")?;
    let parts = value.split_once(' ');
    let parts = parts.and_then(|(entity, digest)| {
        Some((ChangeNumber::parse(entity).ok()?.to_string(), digest.parse().ok()?))
    });
    parts
        .ok_or_else(|| unreadable("unexpected_shape", "`actions.value` is not what we wrote there"))
}

/// The JSON of an interaction: a field of a form, or, at the desk, the body itself.
fn payload(delivery: &Delivery) -> Result<Vec<u8>, Halt> {
    if delivery.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return Ok(delivery.body.to_vec());
    }
    let mut named =
        url::form_urlencoded::parse(&delivery.body).filter(|(name, _)| name == "payload");
    match (named.next(), named.next()) {
        (Some((_, payload)), None) => Ok(payload.into_owned().into_bytes()),
        _ => Err(unreadable("field_missing", "the form has no field `payload`, or two")),
    }
}
