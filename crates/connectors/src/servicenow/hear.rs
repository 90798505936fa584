//! What a business rule tells: a record moved, or an approver said yes or no, in the form in which it would be read back.
//!
//! The rule is in the guide. It signs the body, so that nobody else can tell such things.

use serde_json::Value;
use sluice_core::signal::{Heard, Signal};

use super::config::Config;
use super::poll::{approved, moved};
use super::tasks::{self, Desk};
use super::wire::{is_sys_id, text};
use crate::connector::{Hear, Unreadable};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{Encoding, SignatureProblem, Verified, verify_hmac_header};
use crate::kit::text::cut;

/// A ServiceNow instance, to be heard.
pub(super) struct ServiceNowHeard {
    pub(super) config: Config,
}

impl Hear for ServiceNowHeard {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        verify_hmac_header(delivery, secrets, "x-sluice-signature", "sha256=", Encoding::Base64)
    }

    /// The record and how often it was altered: the same when the rule is run again.
    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        delivery.id_in("x-sluice-delivery")
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }
}

impl ServiceNowHeard {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        check(&delivery.body, &Limits::HOOK)?;
        let body: Value = read(&delivery.body)?;
        let table = body.get("table").and_then(Value::as_str);
        let table = table.ok_or_else(|| {
            unreadable("table_missing", "`table` does not say which record was altered")
        })?;
        let record = body.get("record").unwrap_or(&Value::Null);
        if !text(record, "sys_id").is_some_and(|id| is_sys_id(&id)) {
            return Err(unreadable("field_missing", "`record` has no `sys_id`"));
        }
        let desk = Desk::of_table(table).filter(|desk| desk.authority(&self.config).is_some());
        let signal = match (table, desk) {
            ("change_request", _) => moved(&self.config, record),
            ("sysapproval_approver", _) => approved(&self.config, record),
            (_, Some(desk)) => tasks::reported(&self.config, desk, record),
            (other, None) => {
                let name = cut(other, 80).escape_debug().to_string();
                return Err(ignored("table_not_used", format!("the table `{name}` is not used")));
            }
        };
        signal.map(|signal| vec![signal]).ok_or_else(|| {
            ignored("record_not_ours", "the record is none of ours, or says nothing that is used")
        })
    }
}
