//! What can be asked of a change, beside what the gate and deployments do to it.

use jiff::Timestamp;

use super::{ApprovalVerdict, ChangeOutcome};
use crate::access::event::LoginGroups;
use crate::ids::{ChangeNumber, Digest, PersonId};

/// A person says yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    /// The change.
    pub change: ChangeNumber,
    /// Who.
    pub person: PersonId,
    /// For whom, as a delegate.
    pub on_behalf_of: Option<PersonId>,
    /// Yes or no.
    pub verdict: ApprovalVerdict,
    /// The revision they were shown.
    pub revision: Digest,
    /// Why.
    pub reason: String,
    /// When they last proved who they are.
    pub auth_time: Option<Timestamp>,
    /// Groups that their login said.
    pub login: Option<LoginGroups>,
    /// When they said so, where that was elsewhere; else it is now.
    pub given_at: Option<Timestamp>,
}

/// A person gives a change up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// The change.
    pub change: ChangeNumber,
    /// Why.
    pub because: String,
}

/// A person closes a change that is in review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The change.
    pub change: ChangeNumber,
    /// How it ended.
    pub outcome: ChangeOutcome,
    /// In words.
    pub note: String,
}

/// A person gives the review that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The change.
    pub change: ChangeNumber,
    /// Who.
    pub person: PersonId,
    /// What was found.
    pub finding: String,
}
