//! The deployment: the technical act of bringing a version into an environment.
//!
//! ```text
//! running -> succeeded
//!        \-> failed
//!        \-> rolled_back      (also from succeeded and failed)
//! ```
//!
//! One of which no outcome is told ends as failed when it was waited for long enough, or when somebody says so. Should
//! its outcome be told after that, it is corrected, once.
//! A deployment that failed or was rolled back leaves its digests denied: the gate refuses them until
//! something else is built.

mod decide;
pub mod event;
mod late;
mod proven;
mod state;
mod untold;

pub use decide::{end, models, start};
pub(crate) use late::is_outdated;
pub use proven::Proven;
pub use state::{
    Deployment, DeploymentReport, DeploymentState, Health, Place, Ran, Rollback, Running,
    StartReport, Strategy,
};
pub use untold::{give_up, overdue, waited_for};

/// Whether a mark is not set; it is not written then.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as `serde` calls it")]
fn is_false(mark: &bool) -> bool {
    !*mark
}
