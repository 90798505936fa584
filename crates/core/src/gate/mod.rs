//! The gate: the question "may this go to that environment now?" and its decision.
//!
//! 1. [`place`] finds the change a question belongs to, or drafts one.
//! 2. The engine gathers [`crate::facts::GateFacts`]; the policy turns them into a [`crate::verdict::Verdict`].
//! 3. [`decide`] turns both into a [`Judgement`]: a decision with its reasons in their contractual order.
//! 4. [`record`] turns the judgement into events.
//!
//! A decision is for now, not for later; it is asked again at the moment of each deploy action.

mod decide;
pub mod event;
mod place;
mod question;
mod record;
mod redeem;

pub use decide::{Judgement, decide, pass_expiry};
pub(crate) use place::find;
pub use place::{Placement, place};
pub use question::{Decision, Question};
pub use record::{Ids, debts, record};
pub use redeem::{Observed, redeem};
