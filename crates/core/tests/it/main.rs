//! Tests of the rules, pure and as data.
#![expect(clippy::unwrap_used, reason = "tests stop where something is not as it should be")]

mod approval_model;
mod approvals;
mod calendar;
mod delegates;
mod divided;
mod gate;
mod hands;
mod late;
mod life_cycle;
mod organisation;
mod proven;
mod second_person;
mod several;
mod standing;
mod stops;
mod trail;
mod world;
