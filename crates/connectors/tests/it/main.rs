//! Every connector, by its contract: what it hears, what it refuses, and that it never panics.

mod cdevents_schemas;
mod conformance;
mod explaining;
mod fixtures;
mod goldens;
mod hostile;
mod mappings;
mod mutation;
mod shared_data;
mod signatures;
mod strict_json;
mod support;
