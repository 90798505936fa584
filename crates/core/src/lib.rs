//! The rules of Sluice: what may happen to a change, an approval, a window, a gate question.
//!
//! Nothing in here sees a clock, a network, a disk or an async runtime. Everything a rule may look at
//! is gathered first and handed in; everything a rule decides comes out as events.
#![warn(missing_docs)]

pub mod calendar;
pub mod ids;
pub mod run;
pub mod scope;
pub mod signal;
