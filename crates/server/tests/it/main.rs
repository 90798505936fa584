//! The server as its callers see it: real engine, real router, fake clock.
#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

mod access;
mod bodies;
mod changes;
mod description;
mod disturbed;
mod events;
mod exceptions;
mod exchange;
mod forms;
mod gate;
mod hands;
mod hooks;
mod incidents;
mod listen;
mod log;
mod mapped;
mod matrix;
mod oidc;
mod organisation;
mod overload;
mod own;
mod pages;
mod paths;
mod resets;
mod scim;
mod secrets;
mod sessions;
mod system;
mod talk;
mod told;
mod two_people;
mod walks;
mod windows;
mod windows_agreed;
