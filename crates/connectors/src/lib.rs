//! Connectors: the only place that knows the JSON of other systems.
//!
//! A connector translates between the vocabulary of [`sluice_core::signal`] and what an external
//! system sends. It is pure: it gets a [`Delivery`] as plain data and answers with plain data; it
//! opens no socket, reads no clock and keeps no state. Whatever arrives ends in a named outcome:
//! signals, [`Heard::Ignored`](sluice_core::signal::Heard::Ignored) with a code, [`Unreadable`] with
//! a code, or a [`SignatureProblem`]. Nothing here panics on input.
//!
//! Adding a system touches one folder and one line of [`registry()`].
#![warn(missing_docs)]

mod alerts;
mod ask;
mod cdevents;
mod connector;
mod explain;
mod generic;
mod github;
mod gitlab;
mod jenkins;
mod jira;
pub mod kit;
mod mail;
mod markers;
mod receipt;
mod registry;
mod servicenow;
mod slack;
pub mod tell;

pub use connector::{Connector, Hear, Link, Problem, Unreadable};
pub use explain::{CannotExplain, HearOutcome, HearReport, explain};
pub use kit::delivery::Delivery;
pub use kit::secret::Secret;
pub use kit::signature::{SignatureProblem, Verified};
pub use registry::{find, find_teller, registry, tellers};
