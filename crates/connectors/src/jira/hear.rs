//! Jira's webhooks: what people did with the issue of a change.

use serde_json::Value;
use sluice_core::signal::{Heard, Signal};

use super::config::{Config, Verification};
use super::poll::{entity, moved, of};
use super::wire::Row;
use crate::connector::{Hear, Unreadable};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{
    Encoding, SignatureProblem, Verified, verify_hmac_header, verify_token,
};
use crate::kit::{text, time};

/// A Jira, to be heard.
pub(super) struct JiraLink {
    pub(super) config: Config,
}

impl Hear for JiraLink {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        match self.config.verification {
            Verification::Signature => {
                verify_hmac_header(delivery, secrets, "x-hub-signature", "sha256=", Encoding::Hex)
            }
            Verification::Token => verify_token(secrets, delivery.header("x-sluice-token")),
        }
    }

    /// The same when a delivery is sent again.
    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        delivery.id_in("x-atlassian-webhook-identifier")
    }

    fn proven_id(&self, delivery: &Delivery) -> Option<String> {
        match self.config.verification {
            Verification::Token => self.delivery_id(delivery),
            Verification::Signature => None,
        }
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }
}

impl JiraLink {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        check(&delivery.body, &Limits::HOOK)?;
        let body: Value = read(&delivery.body)?;
        let event = body.get("webhookEvent").and_then(Value::as_str);
        let event = event.ok_or_else(|| {
            unreadable("event_missing", "`webhookEvent` does not say what happened")
        })?;
        match event {
            "jira:issue_created" | "jira:issue_updated" => self.issue(&body),
            "jira:issue_deleted" => self.deleted(&body),
            other => {
                let name = text::cut(other, 80).escape_debug().to_string();
                Err(ignored("event_not_used", format!("the event `{name}` is not used")))
            }
        }
    }

    fn row(&self, body: &Value) -> Result<Row, Halt> {
        let issue = body.get("issue").unwrap_or(&Value::Null);
        let mut row = Row::read(issue).ok_or_else(|| {
            unreadable("field_missing", "`issue` has no id, key, status or labels")
        })?;
        let at = body.get("timestamp").and_then(Value::as_i64).and_then(time::from_number);
        // Readings say when the issue was altered, and of two clocks nothing follows about an order.
        row.updated = row.updated.or(at);
        let project = self.config.project.as_str();
        if !project.is_empty() && !row.is_of(project) {
            return Err(ignored("issue_not_ours", "the issue is of another project"));
        }
        match entity(&self.config, &row) {
            Some(_) => Ok(row),
            None => Err(ignored("issue_not_ours", "the issue has no label of a change")),
        }
    }

    fn issue(&self, body: &Value) -> Result<Vec<Signal>, Halt> {
        let row = self.row(body)?;
        moved(&self.config, &row)
            .map(|signal| vec![signal])
            .ok_or_else(|| ignored("status_not_named", "the status is none that the settings name"))
    }

    fn deleted(&self, body: &Value) -> Result<Vec<Signal>, Halt> {
        let row = self.row(body)?;
        Ok(vec![Signal::RecordReported {
            entity: entity(&self.config, &row).unwrap_or_default(),
            of: of(&row),
            record: row.key,
            state: "deleted".to_owned(),
            counts: false,
            at: row.updated,
            altered: None,
        }])
    }
}
