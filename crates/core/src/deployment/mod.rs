//! The deployment: the technical act of bringing a version into an environment.
//!
//! ```text
//! running -> succeeded
//!        \-> failed
//!        \-> rolled_back      (also from succeeded and failed)
//! ```
//!
//! One of which no outcome is told ends as failed when it was waited for long enough, or when somebody says so.
//! A deployment that failed or was rolled back leaves its digests denied: the gate refuses them until
//! something else is built.

mod decide;
pub mod event;
mod proven;
mod state;
mod untold;

pub use decide::{end, models, start};
pub use proven::Proven;
pub use state::{
    Deployment, DeploymentReport, DeploymentState, Health, Place, Ran, Rollback, Running,
    StartReport, Strategy,
};
pub use untold::{give_up, overdue, waited_for};
