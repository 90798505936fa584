//! Problems as people see them.

use sluice_organisation::Folder;

use crate::support::{read_offline, rendered};

#[test]
fn a_problem_is_shown_with_its_line() {
    check(
        "teams:\n  - name: core\n    titel: Core\n",
        "error[unknown_key]: `titel` is not a key of a team\n\
         \x20--> a.yaml:3:5\n\
         \x20 |\n\
         3 |     titel: Core\n\
         \x20 |     ^^^^^\n\
         \x20 = help: did you mean `title`?\n",
    );
}

#[test]
fn a_line_with_a_secret_is_not_shown() {
    let link = "links: [{name: l, connector: github, secrets: [s3cr3t]}]\n";
    check(
        link,
        "error[secret_in_file]: a secret is named, not written here\n\
         \x20--> a.yaml:1:48\n\
         \x20 = help: name where it is kept: `{env: ACME_SECRET}` or `{file: /run/secrets/acme}`\n",
    );
}

#[test]
fn what_would_steer_a_terminal_is_not_shown() {
    let folder: Folder =
        [("a.yaml", "teams: [{\"\\u001b[2Jx\": \t1, name: a}]\n")].into_iter().collect();
    let text = rendered(&folder, &read_offline(&folder));
    assert!(text.contains("unknown_key"), "{text}");
    assert!(!text.contains(['\u{1b}', '\t']), "{text}");
}

fn check(yaml: &str, expected: &str) {
    let folder: Folder = [("a.yaml", yaml)].into_iter().collect();
    assert_eq!(rendered(&folder, &read_offline(&folder)), expected);
}
