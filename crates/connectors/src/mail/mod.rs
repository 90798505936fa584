//! Mail: what happened, to the people whom it concerns, in the thread of its change.
//!
//! A message is told once over there and cannot be looked up: where the receipt was lost it is sent again with the same
//! `Message-ID`, by which mail systems know that it is the same. Links lead to our pages and decide nothing.

mod compose;
mod config;
mod tell;

use serde_json::Value;

use crate::connector::Problem;
use crate::tell::{Teller, Telling};

/// The connector for mail.
pub(crate) struct Mail;

impl Teller for Mail {
    fn kind(&self) -> &'static str {
        "mail"
    }

    fn about(&self) -> &'static str {
        "Mail (SMTP): a thread for each change, to owners, approvers, teams, roles or addresses"
    }

    fn example(&self) -> &'static str {
        r#"{
  "url": "smtps://mail.acme.example:465",
  "user": "sluice",
  "from": "sluice@acme.example",
  "to": ["approvers", "owners"],
  "quiet": {"from": "20:00", "to": "07:00", "zone": "Europe/Berlin"},
  "digest_minutes": 15
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        config::Config::read(settings).map(|config| Box::new(tell::MailLink { config }) as Telling)
    }
}
