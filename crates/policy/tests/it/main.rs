//! Tests of the policy crate that play whole bundles.

mod conformance;
mod gate;
mod hostile;
