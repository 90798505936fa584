//! The client against hostile addresses, names, servers.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod answers;
mod hostile;
mod local;
mod mail;
mod rebinding;
mod world;
