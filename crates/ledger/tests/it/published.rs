//! Finds the shared vectors; without them a test says so and passes, unless they are required.

use std::path::PathBuf;

/// The folder of the transparency-log vectors, if it is there.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn tlog() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/tlog"));
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("SLUICE_REQUIRE_SHARED").is_none(),
        "shared data is required, but absent"
    );
    eprintln!("SKIPPED: shared data absent");
    None
}

/// The lines of a JSON Lines file as values.
pub(crate) fn json_lines(path: PathBuf) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
