//! Stops and exceptions in force.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ExceptionId, PersonId, StopId};
use crate::scope::Scope;

/// A stop in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Its id.
    pub id: StopId,
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Who pulled it; none when a machine did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// Since when.
    pub since: Timestamp,
}

/// An exception in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// What it lifts: `stop:<id>`, `stop:*`, `freeze:<window>`, `freeze:*` or `rule:<rule>`.
    pub lifts: String,
    /// For which deployments.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Who granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// The second person, where two had to open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<PersonId>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Exception {
    /// Whether it lifts `what` (`stop:...`, `freeze:...`, `rule:...`) at `now`.
    pub fn lifts(&self, what: &str, now: Timestamp) -> bool {
        let named = self.lifts == what
            || self
                .lifts
                .strip_suffix('*')
                .is_some_and(|prefix| prefix.ends_with(':') && what.starts_with(prefix));
        named && self.since <= now && now < self.until
    }

    /// Whether nobody stands for it but people who had a hand in what it would let through.
    pub fn is_own(&self, involved: impl Fn(&PersonId) -> bool) -> bool {
        let mut people = self.by.iter().chain(&self.agreed_by).peekable();
        people.peek().is_some() && people.all(involved)
    }
}
