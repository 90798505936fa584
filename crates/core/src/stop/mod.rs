//! Stop the line, and the exceptions to stops, freezes and rules.
//!
//! A stop takes effect on the next question and holds until it is lifted. An exception is a
//! recorded, reasoned, time-boxed permission; using one always costs a review.

mod decide;
pub mod event;
mod lifting;
mod state;

pub use decide::{grant, is_barrier, lift, passes, pull, reason_given, revoke};
pub use lifting::{Lifted, would_lift};
pub use state::{Exception, Stop};
