//! Tests of the engine on a real store, with the demo's organisation and a clock that the test moves.
#![allow(clippy::unwrap_used, reason = "tests stop where something is not as it should be")]

mod authors;
mod beyond_scope;
mod correlate;
mod debts;
mod disturbed;
mod faults;
mod flows;
mod inbox;
mod incidents;
mod keys;
mod neighbours;
mod races;
mod redeem;
mod scenario;
mod secrets;
mod snapshots;
mod spine;
mod undone;
mod untold;
mod waiting;
mod witnesses;
mod world;
