//! The rules of Sluice: what may happen to a change, an approval, a window, a gate question.
//!
//! Nothing in here sees a clock, a network, a disk or an async runtime. Everything a rule may look at
//! is gathered first and handed in; everything a rule decides comes out as events.
#![warn(missing_docs)]

pub mod access;
pub mod approvals;
pub mod calendar;
pub mod change;
pub mod deployment;
pub mod effect;
pub mod event;
pub mod facts;
pub mod gate;
pub mod housekeeping;
pub mod ids;
pub mod incident;
pub mod link;
pub mod organisation;
pub mod pass;
pub mod permission;
pub mod problem;
pub mod provision;
pub mod refusal;
pub mod risk;
pub mod run;
pub mod scope;
pub mod signal;
pub mod standing;
pub mod stop;
pub mod verdict;
pub mod words;
