//! Whatever is in a folder, reading it ends, in an answer.

use proptest::prelude::*;
use sluice_organisation::{FILE_LIMIT_BYTES, FILES_LIMIT, Folder};

use crate::support::{folder_of, read_offline, repository};

proptest! {
    #[test]
    fn random_bytes_end_in_a_reading(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check([("a.yaml", bytes.clone()), ("b.ics", bytes.clone()), ("c.rego", bytes)]);
    }

    #[test]
    fn random_letters_of_yaml_end_in_a_reading(text in "[-a-z:{}\\[\\],#&*!|>'\"%@ \n\t0-9]{0,300}") {
        check([("a.yaml", text.into_bytes())]);
    }

    #[test]
    fn damaged_files_end_in_a_reading(
        which in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..12),
    ) {
        let whole = folder_of(&repository("examples/acme"));
        let files: Vec<(String, Vec<u8>)> =
            whole.files().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
        let (path, mut bytes) = which.get(&files).clone();
        for (at, byte, deed) in cuts {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match deed {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let reading = read_offline(&[(path, bytes)].into_iter().collect());
        for problem in &reading.problems {
            prop_assert!(problem.place.line >= 1 && problem.place.column >= 1);
            prop_assert!(!problem.message.is_empty());
        }
    }
}

#[test]
fn limits_are_named() {
    let large = vec![b'#'; FILE_LIMIT_BYTES + 1];
    let deep = "[".repeat(100_000).into_bytes();
    let wide = format!("services: [{}]", "a,".repeat(200_000)).into_bytes();
    let many_problems = "- x: 1\n".repeat(20_000);
    let many_problems = format!("services:\n{many_problems}").into_bytes();
    let windows: String = (0..2_001)
        .map(|number| {
            format!("- {{name: w{number}, kind: freeze, start: 2026-01-01, end: 2026-01-02}}\n")
        })
        .collect();
    for (name, bytes, code) in [
        ("a.yaml", large, "file_too_large"),
        ("a.yaml", deep.clone(), "yaml_too_deep"),
        ("a.yaml", wide, "yaml_too_large"),
        ("a.yaml", many_problems, "too_many_problems"),
        ("a.yaml", format!("windows:\n{windows}").into_bytes(), "too_many_windows"),
        ("../a.yaml", Vec::new(), "bad_path"),
        ("a\n.yaml", Vec::new(), "bad_path"),
        ("a.yaml", b"a: \xff".to_vec(), "not_utf8"),
        ("a.rego", b"\xff".to_vec(), "not_utf8"),
    ] {
        let folder: Folder = [(name, bytes)].into_iter().collect();
        let codes: Vec<&str> = read_offline(&folder).problems.iter().map(|it| it.code).collect();
        assert!(codes.contains(&code), "{code}: {codes:?}");
        assert!(codes.len() <= 1_001);
    }
    let many = (0..=FILES_LIMIT).map(|number| (format!("{number}.yaml"), Vec::new()));
    let folder: Folder = many.collect();
    assert_eq!(read_offline(&folder).problems[0].code, "too_many_files");
    let heavy = (0..70).map(|number| (format!("{number}.rego"), vec![b'#'; FILE_LIMIT_BYTES]));
    let folder: Folder = heavy.collect();
    assert_eq!(read_offline(&folder).problems[0].code, "folder_too_large");
}

#[test]
fn what_is_hidden_or_foreign_is_passed_over() {
    for path in [".git/a.yaml", "a/.hidden.yaml", "README.md", "yaml", "a.yaml.bak"] {
        assert!(!Folder::wants(path), "{path}");
    }
    for path in ["a.yaml", "b/c.yml", "p/a_test.rego", "c.ics"] {
        assert!(Folder::wants(path), "{path}");
    }
}

fn check<const COUNT: usize>(files: [(&str, Vec<u8>); COUNT]) {
    let folder: Folder = files.into_iter().collect();
    read_offline(&folder);
}
