//! Tests of the policy crate that play whole bundles.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests, which stop and tell"
)]

mod conformance;
mod gate;
mod guardrails;
mod hostile;
mod peer;
mod query;
