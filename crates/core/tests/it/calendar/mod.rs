//! The calendar against independent definitions and published vectors.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests panic and say what they skip")]

mod clocks;
mod evaluation;
mod overlap;
mod readings;
mod recurrence_bounds;
mod recurrence_peer;
mod vectors;
mod zoneinfo;

use std::path::PathBuf;

/// A file of the shared data, or none (said loudly) where there is no shared data.
fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if root.is_dir() {
        return Some(root.join(path));
    }
    assert!(
        std::env::var_os("SLUICE_REQUIRE_SHARED").is_none(),
        "shared data is required, and absent"
    );
    eprintln!("SKIPPED: shared data absent");
    None
}
