//! The store on real files.

mod instance;
mod round_trip;
mod rows;
