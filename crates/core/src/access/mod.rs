//! Access: accounts of people, their sessions, roles and what follows from them.
//!
//! Code knows permissions only. Which ITIL function has which of them is data: the [`RoleTable`] that stands in the
//! ledger. A person's permissions are gathered anew for every request, from the roles that the organisation declares,
//! from the roles that two people granted, and from the approval rules that name the person. Passwords, second
//! factors and secrets of sessions are not in here: they lie in tables beside the ledger.

mod another;
pub mod decide;
pub mod emergency;
pub mod event;
mod governed;
mod hands;
mod held;
pub mod reset;
mod second;
mod state;
mod still;
mod table;

pub use governed::{benefits, lends_voices, sensitive};
pub use hands::{Hand, Handed, apart, hands_of, same_hands};
pub use held::{Held, held_beside, held_by, held_in, held_with, permissions_of};
pub use second::{two_could, two_could_lately};
pub use state::{Access, Account, Glass, Narrowed, Plan, Reset, RoleState, Session, StandingRole};
pub use still::{Proposer, everywhere, still_here, still_in_force, still_may};
pub use table::{Reach, Role, RoleTable};
