//! Incidents: interruptions of a service, from the moment somebody or something tells of them until they are over.
//!
//! One is opened by a person, by a neighbour that reports it, by a deployment of a change that failed or was undone, and
//! by Sluice where it cannot do its own work. It is resolved by people, by whoever reported it, or by the next good
//! deployment. What caused it is a [problem](crate::problem)'s business.

mod decide;
pub mod event;
mod state;

pub use decide::{Opening, after_deployment, move_to, open, report, resolve};
pub(crate) use decide::{check_change, check_note, check_services, check_words};
pub use event::apply;
pub(crate) use event::number_of;
pub use state::{Incident, IncidentState, Resolution};

/// Begins the source of an incident that a deployment opened.
pub(crate) const OF_DEPLOYMENT: &str = "sluice:deployment/";
