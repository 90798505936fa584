//! The change: one proposed alteration of a controlled environment, from proposal to closure.
//!
//! ```text
//! new -> assess -> authorize -> scheduled -> implement -> review -> closed
//!   \________\_________\____________\-> canceled
//! ```
//!
//! The states are ServiceNow's too (-5, -4, -3, -2, -1, 0, 3, 4), so both map one to one. A low-risk
//! change that its policy lets through passes `assess`, `authorize` and `scheduled` in one
//! decision, each as its own recorded event. An emergency change may be implemented before its
//! approval; the approval and the review are then owed, and the debt counts.
//!
//! What is approved is a [`Revision`]: the digest over everything that was shown. A new revision has no
//! approvals; nothing has to be reset.

mod apply;
mod beside;
pub mod command;
mod decide;
pub mod event;

mod revision;
mod state;

pub use apply::apply;
pub use beside::{comment, look, together};
pub(crate) use decide::targets_of;
pub use decide::{approve, cancel, close, overdue, review};
pub use revision::{Revision, RevisionInput};
pub use state::{
    Approval, ApprovalVerdict, Begun, Change, ChangeKind, ChangeOutcome, ChangeState, Debt,
    DebtKind, Evidence, EvidenceStatus, GroupVoice, Involvement, InvolvementRole, Look, Origin,
};
