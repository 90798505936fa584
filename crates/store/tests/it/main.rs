//! The store on real files.

mod crash;
mod flips;
mod halt;
mod instance;
mod round_trip;
mod rows;
