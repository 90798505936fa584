//! Tests of the organisation's folder as its callers see it.

mod acme;
mod backstage;
mod hostile;
mod ics;
mod problems;
mod support;
