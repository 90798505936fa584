//! For tests only: a clock that is moved by hand, chance with a seed, secrets that are no secrets,
//! a small organisation, and a whole server without a socket.
//!
//! It never ships. What goes wrong in here is a failed test, so it panics.
#![expect(clippy::expect_used, reason = "a test helper that cannot go on has failed the test")]

mod app;
mod clock;
pub mod neighbours;
mod net;
mod rng;
mod secrets;
mod signer;

pub use app::{Answered, ORGANISATION, TestApp, request};
pub use clock::FakeClock;
pub use net::FakeNet;
pub use rng::SeededRng;
pub use secrets::NamedSecrets;
pub use signer::Signer;
