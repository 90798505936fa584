//! What the benchmark programs share: a lean HTTP client, figures, the disk's own flush rate, a company of any size.
//!
//! Machines are noisy: a program measures the thing and its peer in turn in one run, several times, and prints
//! medians with their range and the ratio.

pub mod company;
pub mod figures;
pub mod flush;
pub mod history;
pub mod http;
pub mod program;
pub mod wire;
