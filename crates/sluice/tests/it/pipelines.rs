//! What the guide tells people to paste must not let a deployment go when the gate says no.

#[test]
fn no_snippet_goes_on_when_the_gate_fails() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/pipelines.md");
    let text = std::fs::read_to_string(guide).unwrap();
    let snippets: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    assert!(snippets.len() >= 3, "GitHub Actions, GitLab CI and Jenkins have a snippet each");
    let holes = [
        "continue-on-error",
        "allow_failure",
        "|| true",
        "||true",
        "|| :",
        "|| exit 0",
        "set +e",
        "catchError",
        "if: always()",
        "when: always",
        "returnStatus",
    ];
    for snippet in snippets.iter().filter(|snippet| snippet.contains("sluice")) {
        for hole in holes {
            assert!(!snippet.contains(hole), "`{hole}` lets it go on:\n{snippet}");
        }
    }
    for system in ["GitHub Actions", "GitLab CI", "Jenkins"] {
        assert!(text.contains(system), "{system}");
    }
}
