//! The reference of commands is written from the command line itself.

use crate::support::run;

#[test]
fn the_committed_reference_is_what_the_program_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
    let ran = run(["reference"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    if std::env::var_os("SLUICE_BLESS").is_some() {
        std::fs::write(path, &ran.stdout).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == ran.stdout,
        "docs/reference/cli.md is stale: run this test with SLUICE_BLESS=1 and commit the file"
    );
}

#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(["completions", shell]);
        assert_eq!(ran.code, 0, "{shell}: {}", ran.all());
        assert!(ran.stdout.contains("sluice"), "{shell}");
    }
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man");
    assert_eq!(run(["man", pages.to_str().unwrap()]).code, 0);
    assert!(pages.join("sluice-gate.1").exists());
}
