//! The compiled program, driven as a pipeline or a person drives it.

mod calendar;
mod check;
mod gate;
mod link;
mod pass;
mod pipelines;
mod policy;
mod reference;
mod serve;
mod support;
mod verify;
