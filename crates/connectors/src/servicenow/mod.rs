//! ServiceNow: a change request for each change, kept in step; incidents, problems and items where the link says so.
//!
//! A change request is found by its correlation id before one is made, moved along its states one by one, and gets
//! work notes that name their effect, so that none is written twice. What was done over there by hand is never
//! overwritten: where both sides differ, the difference is recorded. It is read back by `sys_updated_on`, and a
//! business rule tells what is new at once.

mod attach;
mod config;
mod conflicts;
mod cursor;
mod describe;
mod hear;
mod item;
mod poll;
mod record;
mod recurrence;
mod scans;
mod schedules;
mod tasks;
mod tell;
mod walk;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

/// The connector for ServiceNow.
pub(crate) struct ServiceNow;

impl Connector for ServiceNow {
    fn kind(&self) -> &'static str {
        "servicenow"
    }

    fn about(&self) -> &'static str {
        "ServiceNow business rules: change requests that were moved, approvals that were given"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "servicenow-business-rule",
  "url": "https://acme.service-now.com",
  "user": "sluice.integration",
  "authority": { "changes": "foreign", "incidents": "foreign", "problems": "mirrored" }
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::heard(configuration)
            .map(|config| Box::new(hear::ServiceNowHeard { config }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::ServiceNowHeard { config: config::Config::offline() })
    }
}

impl Teller for ServiceNow {
    fn kind(&self) -> &'static str {
        "servicenow"
    }

    fn about(&self) -> &'static str {
        "ServiceNow change requests, incidents, problems and items: created, moved along their states, annotated, closed"
    }

    fn example(&self) -> &'static str {
        r#"{
  "url": "https://acme.service-now.com",
  "auth": "basic",
  "user": "sluice.integration",
  "authority": "sluice",
  "standard_template": "b1c8d15147810200e90d87e8dee490f7",
  "fields": { "assignment_group": "d625dccec0a8016700a222a0f7900d06" }
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        config::Config::told(settings)
            .map(|config| Box::new(tell::ServiceNowLink { config }) as Telling)
    }
}
