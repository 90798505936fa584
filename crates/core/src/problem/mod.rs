//! Problems: the causes behind [incidents](crate::incident), and the changes that mend them.
//!
//! One is opened by a person, or by a neighbour that keeps problems. It names its incidents and changes; more may be
//! linked to it for as long as it is open.

mod decide;
pub mod event;
mod state;

pub use decide::{Opening, link, move_to, open, resolve};
pub use event::apply;
pub(crate) use event::number_of;
pub use state::{Problem, ProblemState};
