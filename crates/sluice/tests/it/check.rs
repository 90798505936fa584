//! `sluice check` names every problem with file, line, column and help; `sluice init` starts without one.

use std::path::Path;

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

#[test]
fn a_folder_without_a_file_of_an_organisation_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("README.md"), "# Ours\n").unwrap();
    let folder = dir.path().to_str().unwrap();
    for arguments in [vec!["check", folder], vec!["apply", folder, "--yes"]] {
        let ran = run(&arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.all());
        assert!(ran.stderr.contains("no file of an organisation"), "{}", ran.all());
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_folder_and_nowhere_else() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let service = "services:\n  - {name: shop, ownr: web}\n";
    std::fs::write(outside.path().join("services.yaml"), service).unwrap();
    // As a mounted folder has them: files and folders are links into a hidden folder that is exchanged as a whole.
    let mounted = tempfile::tempdir().unwrap();
    let hidden = mounted.path().join("..2026_11_21");
    std::fs::create_dir_all(hidden.join("more")).unwrap();
    std::fs::write(hidden.join("services.yaml"), service).unwrap();
    std::fs::write(hidden.join("more/others.yaml"), service).unwrap();
    symlink("..2026_11_21", mounted.path().join("..data")).unwrap();
    symlink("..data/services.yaml", mounted.path().join("services.yaml")).unwrap();
    symlink("..data/more", mounted.path().join("more")).unwrap();
    let read = run(["check", mounted.path().to_str().unwrap()]);
    assert_eq!(read.code, 1, "{}", read.all());
    for file in ["--> services.yaml:2", "--> more/others.yaml:2"] {
        assert!(read.stdout.contains(file), "{file}: {}", read.all());
    }

    let away = outside.path().join("services.yaml");
    for (name, target, said) in [
        ("services.yaml", away.as_path(), "leads out of the folder"),
        ("more", outside.path(), "leads out of the folder"),
        ("services.yaml", Path::new("nowhere.yaml"), "cannot follow the link"),
        ("services.yaml", Path::new("/dev/null"), "leads out of the folder"),
        ("around", Path::new("."), "folders deep"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        symlink(target, dir.path().join(name)).unwrap();
        let ran = run(["check", dir.path().to_str().unwrap()]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.all());
        assert!(ran.stderr.contains(said), "{name}: {}", ran.all());
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = std::os::unix::net::UnixListener::bind(dir.path().join("people.yaml")).unwrap();
    let ran = run(["check", dir.path().to_str().unwrap()]);
    assert!(ran.code == 1 && ran.stderr.contains("is no file"), "{}", ran.all());
    drop(socket);
}
