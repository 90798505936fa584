//! An answer with its proof.

use serde::Serialize;
use sluice_ledger::Receipt;

use crate::sequencer::Done;

/// What was asked for, the receipt of what it recorded, and the ledger's size that it speaks as of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer<T> {
    /// What was asked for.
    #[serde(flatten)]
    pub value: T,
    /// Proof of the last event that it recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Entries in the ledger.
    pub as_of: u64,
}

impl<T> Answer<T> {
    pub(crate) fn of(value: T, done: &Done) -> Self {
        Self { value, receipt: done.receipt(), as_of: done.size }
    }

    /// The same answer about something else.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: to(self.value), receipt: self.receipt, as_of: self.as_of }
    }
}
