//! `sluice check` names every problem with file, line, column and help; `sluice init` starts without one.

use crate::support::run;

#[test]
fn what_init_writes_is_without_problems() {
    let dir = tempfile::tempdir().unwrap();
    let organisation = dir.path().join("organisation");
    let path = organisation.to_str().unwrap();
    let written = run(["init", path]);
    assert_eq!(written.code, 0, "{}", written.all());
    let ran = run(["check", path]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(ran.stdout, "", "{}", ran.all());
    let again = run(["init", path]);
    assert_eq!(again.code, 1, "it writes over nothing: {}", again.all());
}

#[test]
fn problems_are_named_with_file_line_column_and_help() {
    let cases: &[(&str, &str, &str)] = &[
        ("an unknown key", "services.yaml", "services:\n  payments:\n    ownr: team-a\n"),
        ("a wrong type", "environments.yaml", "environments: 7\n"),
        ("broken YAML", "services.yaml", "services: [\n"),
        ("bad Rego", "policies/own.rego", "package own\n\nallow if {\n"),
        ("a bad zone", "organisation.yaml", "settings:\n  zone: Mars/Base\n"),
    ];
    for (name, file, text) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let folder = dir.path().to_str().unwrap();
        let ran = run(["check", folder]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.all());
        assert!(ran.stdout.contains(&format!("--> {file}:")), "{name}: {}", ran.all());
        let as_json = run(["check", folder, "--json"]);
        assert_eq!(as_json.code, 1, "{name}");
        let problems = as_json.json();
        let first = &problems["problems"][0];
        assert_eq!(first["file"], *file, "{name}: {first}");
        assert!(first["line"].as_u64() >= Some(1), "{name}: {first}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_usage_error() {
    let ran = run(["check", "no-such-folder"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
}
