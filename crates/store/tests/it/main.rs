//! The store on real files.
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod cosigned;
mod crash;
mod disturbed;
mod flips;
mod halt;
mod instance;
mod lists;
mod log;
mod numbers;
mod prune;
mod round_trip;
mod rows;
mod words;
