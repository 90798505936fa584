//! `sluice pass verify` works offline, and `sluice pass redeem` tells a refused pass from an outage.

use serde_json::json;

use crate::support::{
    Answer, COMMIT, Fake, OTHER_COMMIT, claims, digest, pass, pass_signer, public, run,
};

#[test]
fn a_good_pass_verifies_offline_and_another_binding_is_refused() {
    let token = pass(&pass_signer(), &claims());
    let key = public(&pass_signer());
    for (more, code) in [
        (vec![], 0),
        (vec!["--service", "payments", "--environment", "production", "--commit", COMMIT], 0),
        (vec!["--service", "ledger"], 12),
        (vec!["--environment", "staging"], 12),
        (vec!["--commit", OTHER_COMMIT], 12),
        (vec!["--commit", "main"], 2),
    ] {
        let fixed = ["pass", "verify", &token, "--key", &key];
        let ran = run(fixed.into_iter().chain(more.iter().copied()));
        assert_eq!(ran.code, code, "{more:?}: {}", ran.all());
    }
    let (right, wrong) = (digest('a'), digest('b'));
    assert_eq!(run(["pass", "verify", &token, "--key", &key, "--artifact", &right]).code, 0);
    assert_eq!(run(["pass", "verify", &token, "--key", &key, "--artifact", &wrong]).code, 12);
}

#[test]
fn every_changed_letter_of_a_pass_is_noticed() {
    let token = pass(&pass_signer(), &claims());
    let key = public(&pass_signer());
    for at in (0..token.len() - 1).step_by(token.len() / 12) {
        let mut letters = token.clone().into_bytes();
        letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(letters).unwrap();
        let ran = run(["pass", "verify", &changed, "--key", &key]);
        assert_eq!(ran.code, 12, "letter {at}: {}", ran.all());
    }
}

#[test]
fn a_pass_is_read_from_a_file_and_the_key_too() {
    let dir = tempfile::tempdir().unwrap();
    let (token, key) = (dir.path().join("pass"), dir.path().join("key.json"));
    std::fs::write(&token, format!("{}\n", pass(&pass_signer(), &claims()))).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": public(&pass_signer()) });
    std::fs::write(&key, jwk.to_string()).unwrap();
    let ran = run(["pass", "verify", token.to_str().unwrap(), "--key", key.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

/// What is given by mistake may be any secret, and what a pipeline prints is kept.
#[test]
fn what_is_no_pass_is_refused_without_being_said() {
    let dir = tempfile::tempdir().unwrap();
    let key = public(&pass_signer());
    let file = dir.path().join("signing.key");
    for (content, code) in [("top-secret-of-somebody", 12), ("", 12), ("a.b", 12)] {
        std::fs::write(&file, content).unwrap();
        let ran = run(["pass", "verify", file.to_str().unwrap(), "--key", &key]);
        assert_eq!(ran.code, code, "{}", ran.all());
        assert!(ran.stderr.contains("signing.key"), "{}", ran.all());
        assert!(content.is_empty() || !ran.all().contains(content), "{}", ran.all());
    }
    let ran = run(["pass", "verify", "top-secret-of-somebody", "--key", &key]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(!ran.all().contains("top-secret"), "{}", ran.all());
}

#[test]
fn redeeming_names_the_deployment_or_says_why_not() {
    let token = pass(&pass_signer(), &claims());
    let done = json!({ "pass": "pass-1", "deployment": "DEP0000003", "change": "CHG0000001" });
    for (answer, code) in [
        (Answer::json(&done), 0),
        (Answer::problem(409, "pass_redeemed"), 12),
        (Answer::problem(403, "own_approval"), 12),
        (Answer::problem(403, "permission_missing"), 1),
        (Answer::problem(503, "ledger_unavailable"), 20),
        (Answer::problem(503, "safe_halt"), 21),
        (Answer::new(200, "text/html", "<html>"), 22),
        (Answer::json(&json!({ "ok": true })), 22),
    ] {
        let fake = Fake::start(move |_, _| answer.clone());
        let ran = run([
            "pass",
            "redeem",
            &token,
            "--server",
            &fake.url,
            "--timeout",
            "200ms",
            "--artifact",
            &digest('a'),
        ]);
        assert_eq!(ran.code, code, "{}", ran.all());
        if code == 0 {
            assert_eq!(ran.stdout, "DEP0000003\n");
            assert!(fake.got()[0].line.starts_with("POST /api/v1/passes/pass-1/redeem "));
        }
    }
}

#[test]
fn what_is_told_of_a_deployment_is_tried_again_with_the_same_key() {
    let token = pass(&pass_signer(), &claims());
    let redeem = ["deployment", "start", token.as_str()];
    let outcome = ["deployment", "outcome", "DEP0000003", "succeeded"];
    for arguments in [redeem.as_slice(), outcome.as_slice()] {
        let done = json!({ "pass": "pass-1", "deployment": "DEP0000003", "change": "CHG0000001" });
        let fake = Fake::start(move |before, _| match before {
            0 => Answer::problem(503, "overloaded").with("retry-after", "0"),
            _ => Answer::json(&done),
        });
        let ran = run(arguments.iter().copied().chain(["--server", &fake.url]));
        assert_eq!(ran.code, 0, "{}", ran.all());
        let got = fake.got();
        let keys: Vec<_> = got.iter().map(|got| got.header("idempotency-key")).collect();
        assert!(keys.len() == 2 && keys[0].is_some() && keys[0] == keys[1], "{keys:?}");

        let fake = Fake::start(|_, _| Answer::problem(503, "overloaded"));
        let ran =
            run(arguments.iter().copied().chain(["--server", &fake.url, "--timeout", "300ms"]));
        assert_eq!(ran.code, 20, "{}", ran.all());
        let key = fake.got()[0].header("idempotency-key").unwrap().to_owned();
        assert!(ran.stderr.contains(&format!("--key {key}")), "{}", ran.all());
    }
}
