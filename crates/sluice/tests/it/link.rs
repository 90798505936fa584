//! `sluice link hear`: exit code 0 signals, 3 readable but not for us, 4 not readable or wrongly signed.

use std::path::Path;

use crate::support::{files, finish, run, shared, sluice};

#[test]
fn exit_codes_tell_signals_from_noise_from_rubbish() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let rubbish = write("rubbish.json", "{not json");
    let ran = hear("github", &rubbish, &["--header", "X-GitHub-Event: push"]);
    assert_eq!(ran.code, 4, "{}", ran.all());
    assert_eq!(ran.json()["outcome"], "unreadable");
    let star = write("star.json", r#"{"action":"created","starred_at":"2026-01-01T00:00:00Z"}"#);
    let ran = hear("github", &star, &["--header", "X-GitHub-Event: star"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(!ran.json()["reason"].as_str().unwrap().is_empty());
    assert_eq!(ran.json()["signature"], "skipped");
    let ran = hear("github", &star, &["--header", "X-GitHub-Event: star", "--secret", "s"]);
    assert_eq!(ran.code, 4, "{}", ran.all());
    assert_eq!(ran.json()["outcome"], "refused");
    let ran = hear("carrier-pigeon", &star, &[]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("github"), "{}", ran.all());
}

#[test]
fn every_real_delivery_ends_in_a_named_outcome() {
    let mut count = 0;
    for (set, kind) in [("webhooks-github", "github"), ("cdevents", "cdevents")] {
        let Some(folder) = shared(set) else { continue };
        let files = files(&folder, "json");
        // A sample over the whole set: the connectors' own tests read every file.
        let step = (files.len() / 40).max(1);
        for file in files.iter().step_by(step) {
            let ran = hear(kind, file, &[]);
            assert!(matches!(ran.code, 0 | 3 | 4), "{}: {}", file.display(), ran.all());
            assert!(ran.json()["outcome"].is_string(), "{}", file.display());
            count += 1;
        }
    }
    println!("{count} deliveries heard");
}

#[test]
fn a_merge_heard_from_github_is_signals() {
    let Some(folder) = shared("webhooks-github") else { return };
    let files = files(&folder, "json");
    let signals = files
        .iter()
        .filter(|file| file.to_string_lossy().contains("push"))
        .map(|file| hear("github", file, &["--header", "X-GitHub-Event: push"]))
        .filter(|ran| ran.code == 0)
        .count();
    assert!(signals > 0, "no push among {} files became signals", files.len());
}

#[test]
fn the_kinds_are_listed() {
    let ran = run(["link", "kinds"]);
    assert_eq!(ran.code, 0);
    for kind in ["github", "gitlab", "jenkins", "cdevents"] {
        assert!(ran.stdout.contains(kind), "{}", ran.all());
    }
}

fn hear(kind: &str, file: &Path, more: &[&str]) -> crate::support::Ran {
    finish(sluice().args(["link", "hear", kind]).arg(file).args(more))
}
