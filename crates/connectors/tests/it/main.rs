//! Every connector, by its contract: what it hears, what it refuses, and that it never panics.
#![expect(
    clippy::expect_used,
    reason = "a test that finds something else than it needs has failed"
)]
#![expect(
    clippy::print_stdout,
    reason = "counted summaries of the shared data are shown by `--nocapture`"
)]

mod cdevents_schemas;
mod cloudevents_modes;
mod conformance;
mod explaining;
mod fixtures;
mod goldens;
mod hostile;
mod mappings;
mod mutation;
mod publishing;
mod reading;
mod shared_data;
mod signatures;
mod strict_json;
mod support;
mod telling;
