//! Windows that people make on the calendar, beside those that an organisation's files declare.
//!
//! A person proposes to make, alter or end one; another person agrees, and then it holds. Where the organisation has
//! nobody else who could agree, it holds at once. Files own what they declare: nothing here touches it, and applying
//! files touches nothing that was made here. Names begin with [`PREFIX`] and are chosen by Sluice.
//!
//! ```text
//! window.proposed ──► window.set | window.ended
//!        └──────────► window.refused
//! ```

mod check;
mod decide;
pub mod event;
mod holds;
mod reach;
mod state;

pub use check::check;
pub use decide::{Intent, confirm, digest_of, propose, refuse};
pub use holds::{Holding, holds};
pub use reach::reach;
pub(super) use state::is_long_over;
pub use state::{MadeWindow, MadeWindows, ProposedWindow};

/// What the names of windows begin with that were made on the calendar.
pub const PREFIX: &str = "w-";
