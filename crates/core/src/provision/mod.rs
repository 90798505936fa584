//! People and groups that a provider of identities keeps here (SCIM).
//!
//! A provisioned person is a person of their own, unless somebody who is declared as code claims the user name: then
//! both are one. What a provider keeps never becomes somebody who is declared by a name or an address that happens to
//! be the same: such a record is disputed, and gives nothing until the organisation's files say whose it is. Names and
//! addresses are in no event: identities are keys.

pub mod decide;
pub mod event;
mod state;

pub use state::{Bond, Group, Provision, ProvisionToken, User};
