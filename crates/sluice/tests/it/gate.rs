//! The exit code of `sluice gate` is the answer: 0 for a verified signed pass and for nothing else.

use serde_json::{Value, json};

use crate::support::{
    Answer, COMMIT, Fake, OTHER_COMMIT, Ran, claims, digest, finish, pass, pass_signer, public,
    sluice,
};

#[test]
fn only_a_verified_pass_for_exactly_this_is_an_allow() {
    let good = pass(&pass_signer(), &claims());
    let ran = ask(&Fake::start(move |_, _| Answer::json(&allow(&good))), &[]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.starts_with("allow  payments to production  CHG0000001"), "{}", ran.all());
}

#[test]
fn what_is_no_answer_of_ours_is_not_understood() {
    let cases: Vec<(&str, Answer)> = vec![
        ("a page", Answer::new(200, "text/html", "<html>allow</html>")),
        ("nothing", Answer::new(200, "application/json", "")),
        ("nothing at all", Answer::new(204, "", "")),
        ("a bare word", Answer::json(&json!({ "allow": true }))),
        ("true", Answer::json(&json!(true))),
        ("null", Answer::json(&json!(null))),
        ("a list", Answer::json(&json!(["allow"]))),
        ("half of it", Answer::json(&json!({ "answer": "allow" }))),
        (
            "a word of another case",
            Answer::json(&json!({ "decision": "d", "answer": "ALLOW", "reasons": [] })),
        ),
        ("another type", Answer::new(200, "text/plain", allow("x").to_string())),
        (
            "no pass",
            Answer::json(&json!({ "decision": "decision-1", "answer": "allow", "reasons": [] })),
        ),
        ("an empty pass", Answer::json(&allow(""))),
        ("no token", Answer::json(&allow("a.b.c"))),
        ("another status", Answer::new(201, "application/json", allow("x").to_string())),
        ("a redirection", Answer::new(302, "", "").with("location", "http://127.0.0.1:1/")),
        ("a page that is missing", Answer::new(404, "text/html", "not found")),
    ];
    for (name, answer) in cases {
        let ran = ask(&Fake::start(move |_, _| answer.clone()), &[]);
        assert_eq!(ran.code, 22, "{name}: {}", ran.all());
        assert!(ran.stderr.contains("help:"), "{name}: {}", ran.all());
    }
}

#[test]
fn a_pass_with_another_signature_or_binding_is_not_an_allow() {
    let now = claims()["nbf"].as_i64().unwrap();
    let run = |id: &str, attempt: u32| json!({ "system": "github:github.com", "id": id, "attempt": attempt });
    let other: Vec<(&str, Value)> = vec![
        ("aud", json!("environment:staging")),
        ("decision", json!("decision-2")),
        ("service", json!("ledger")),
        ("environment", json!("staging")),
        ("commit", json!(OTHER_COMMIT)),
        ("artifacts", json!([digest('b')])),
        ("artifacts", json!([])),
        ("artifacts", json!([digest('a'), digest('b')])),
        ("run", run("acme/payments/8", 1)),
        ("run", run("acme/payments/7", 2)),
        ("exp", json!("soon")),
        ("exp", json!(null)),
        ("exp", json!(now + 100_000)),
        ("surprise", json!(true)),
    ];
    for (claim, value) in other {
        let mut claims = claims();
        claims[claim] = value.clone();
        let token = pass(&pass_signer(), &claims);
        let ran = ask(&Fake::start(move |_, _| Answer::json(&allow(&token))), &[]);
        assert_eq!(ran.code, 22, "{claim} {value}: {}", ran.all());
    }
    let forged = pass(&ed25519_dalek::SigningKey::from_bytes(&[8; 32]), &claims());
    let ran = ask(&Fake::start(move |_, _| Answer::json(&allow(&forged))), &[]);
    assert_eq!(ran.code, 22, "forged: {}", ran.all());
}

#[test]
fn a_pass_that_is_over_is_refused() {
    let mut over = claims();
    let begin = over["nbf"].as_i64().unwrap();
    over["nbf"] = json!(begin - 900);
    over["exp"] = json!(begin - 300);
    let token = pass(&pass_signer(), &over);
    let ran = ask(&Fake::start(move |_, _| Answer::json(&allow(&token))), &[]);
    assert_eq!(ran.code, 12, "{}", ran.all());
}

#[test]
fn deny_and_wait_say_why_who_and_until() {
    for (word, code) in [("deny", 10), ("wait", 11)] {
        let ran = ask(&Fake::start(move |_, _| Answer::json(&held(word))), &[]);
        assert_eq!(ran.code, code, "{}", ran.all());
        for part in [word, "freeze.in_force", "until 2026-12-27", "team:payments", "would pass if"]
        {
            assert!(ran.stdout.contains(part), "{part}: {}", ran.all());
        }
    }
}

#[test]
fn a_server_that_cannot_answer_is_asked_again_with_the_same_key() {
    let fake =
        Fake::start(|_, _| Answer::problem(503, "ledger_unavailable").with("retry-after", "0"));
    let ran = ask(&fake, &["--timeout", "1s"]);
    assert_eq!(ran.code, 20, "{}", ran.all());
    let keys: Vec<String> = fake
        .got()
        .iter()
        .filter_map(|got| got.header("idempotency-key").map(str::to_owned))
        .collect();
    assert!(keys.len() > 1, "asked {} time(s)", keys.len());
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn an_outage_that_ends_in_time_is_no_outage() {
    let good = pass(&pass_signer(), &claims());
    let fake = Fake::start(move |before, _| match before {
        0 => Answer::problem(503, "overloaded").with("retry-after", "0"),
        _ => Answer::json(&allow(&good)),
    });
    let ran = ask(&fake, &[]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn however_long_a_server_or_a_command_line_wants_to_wait_it_is_bounded() {
    let long = u64::MAX.to_string();
    let fake = Fake::start(move |_, _| {
        Answer::problem(503, "overloaded").with("retry-after", long.clone())
    });
    let ran = ask(&fake, &["--timeout", "300ms"]);
    assert_eq!(ran.code, 20, "{}", ran.all());
    for more in [
        ["--wait", "9223372036854775807s"],
        ["--timeout", "9223372036854775807s"],
        ["--key", "a\nb"],
        ["--key", ""],
    ] {
        let ran = ask(&fake, &more);
        assert_eq!(ran.code, 2, "{more:?}: {}", ran.all());
    }
}

#[test]
fn a_name_that_does_not_resolve_is_unavailable() {
    let url = "http://nobody.invalid:1";
    let ran = finish(sluice().args(question(url)).args(["--timeout", "300ms"]));
    assert_eq!(ran.code, 20, "{}", ran.all());
}

#[test]
fn another_name_of_the_environment_ends_the_waiting_and_is_no_allow() {
    let good = pass(&pass_signer(), &claims());
    let waiting: &[&str] = &["--wait", "10m"];
    for (answer, more, code) in [
        (held("wait"), waiting, 2),
        (held("wait"), &[], 2),
        (allow(&good), waiting, 2),
        (held("deny"), waiting, 10),
    ] {
        let mut answer = answer;
        answer["environment"] = json!("production");
        let fake = Fake::start(move |_, _| Answer::json(&answer));
        let mut words = question(&fake.url);
        let at = words.iter().position(|word| word == "production").unwrap();
        words[at] = "prod".to_owned();
        let key = public(&pass_signer());
        let ran = finish(sluice().args(words).args(["--pass-key", &key]).args(more));
        assert_eq!(ran.code, code, "{}", ran.all());
        assert_eq!(fake.got().len(), 1, "{}", ran.all());
        assert!(code == 10 || ran.stderr.contains("--environment production"), "{}", ran.all());
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_counts_as_absent() {
    let key = public(&pass_signer());
    let good = pass(&pass_signer(), &claims());
    let fake = Fake::start(move |_, got| {
        if got.line.starts_with("GET /api/v1/keys ") {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": key });
            return Answer::json(&json!({ "origin": "o", "log_key": "k", "pass_key": key }));
        }
        Answer::json(&allow(&good))
    });
    let mut command = sluice();
    command.env("SLUICE_TOKEN", "").env("SLUICE_PASS_KEY", "").env("SLUICE_LOG_KEY", " ");
    let ran = finish(command.args(question(&fake.url)).args(["--version", ""]));
    assert_eq!(ran.code, 0, "{}", ran.all());
    let got = fake.got();
    assert_eq!(got[0].header("authorization"), None, "{got:?}");
    assert!(!got[0].body.contains("version"), "{got:?}");
    let mut command = sluice();
    command.env("SLUICE_URL", "").args(["change", "list"]);
    let ran = finish(&mut command);
    assert!(ran.code != 2 && ran.stderr.contains("127.0.0.1:7171"), "{}", ran.all());
}

#[test]
fn nobody_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ran = finish(sluice().args(question(&url)).args(["--timeout", "300ms"]));
    assert_eq!(ran.code, 20, "{}", ran.all());
}

#[test]
fn a_safe_halt_ends_the_asking_at_once() {
    let fake = Fake::start(|_, _| Answer::problem(503, "safe_halt"));
    let ran = ask(&fake, &["--wait", "30m"]);
    assert_eq!(ran.code, 21, "{}", ran.all());
    assert_eq!(fake.got().len(), 1);
}

#[test]
fn a_bad_credential_is_a_failure_and_no_answer() {
    let ran = ask(&Fake::start(|_, _| Answer::problem(401, "token_refused")), &[]);
    assert_eq!(ran.code, 13, "{}", ran.all());
    assert!(ran.stderr.contains("error[token_refused]"), "{}", ran.all());
}

#[test]
fn waiting_goes_in_slices_with_keys_of_their_own() {
    let good = pass(&pass_signer(), &claims());
    let fake = Fake::start(move |before, _| match before {
        0 => Answer::json(&held("wait")),
        _ => Answer::json(&allow(&good)),
    });
    let ran = ask(&fake, &["--wait", "10m", "--key", "k"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let got = fake.got();
    let keys: Vec<_> = got.iter().filter_map(|got| got.header("idempotency-key")).collect();
    assert_eq!(keys, ["k.1", "k.2"]);
    assert!(got.iter().all(|got| got.header("prefer") == Some("wait=55")), "{got:?}");
    assert!(ran.stderr.contains("waiting: the freeze"), "{}", ran.all());
}

#[test]
fn the_run_is_known_from_the_environment_and_flags_go_first() {
    let fake = Fake::start(|_, _| Answer::json(&held("deny")));
    let mut command = sluice();
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_REPOSITORY", "Acme/Payments")
        .env("GITHUB_RUN_ID", "7")
        .env("GITHUB_RUN_ATTEMPT", "3")
        .env("GITHUB_SHA", OTHER_COMMIT)
        .env("SLUICE_URL", &fake.url)
        .env("SLUICE_TOKEN", "secret-token")
        .args(["gate", "--service", "payments", "--environment", "production", "--commit", COMMIT])
        .args(["--evidence", "test:unit:passed"]);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 10, "{}", ran.all());
    let got = fake.got();
    let asked: Value = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!(asked["commit"], COMMIT);
    assert_eq!(asked["repository"], "github.com/acme/payments");
    assert_eq!(asked["run"]["id"], "acme/payments/7");
    assert_eq!(asked["run"]["attempt"], 3);
    assert_eq!(asked["evidence"][0]["type"], "test");
    assert_eq!(got[0].header("authorization"), Some("Bearer secret-token"));
    assert!(!ran.all().contains("secret-token"), "{}", ran.all());
}

#[test]
fn a_question_that_makes_no_sense_is_not_asked() {
    let fake = Fake::start(|_, _| Answer::json(&held("deny")));
    for wrong in [
        vec!["gate", "--service", "payments", "--environment", "production"],
        vec!["gate", "--service", "payments", "--environment", "production", "--commit", "main"],
        vec!["gate", "--service", "payments", "--environment", "production", "--commit", COMMIT],
    ] {
        let ran = finish(sluice().args(&wrong).args(["--server", &fake.url]));
        assert_eq!(ran.code, 2, "{wrong:?}: {}", ran.all());
    }
    assert!(fake.got().is_empty());
}

#[test]
fn a_dry_run_needs_no_run_and_gives_no_pass() {
    let answer = json!({ "answer": "allow", "reasons": [], "dry_run": true });
    let fake = Fake::start(move |_, _| Answer::json(&answer));
    let ran = finish(sluice().args([
        "gate",
        "--dry-run",
        "--service",
        "payments",
        "--environment",
        "production",
        "--commit",
        COMMIT,
        "--server",
        &fake.url,
    ]));
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.contains("no pass was given"), "{}", ran.all());
    assert!(fake.got()[0].line.starts_with("POST /api/v1/gate?dry_run=true "));
}

#[test]
fn the_key_is_fetched_with_a_warning_when_none_is_pinned() {
    let good = pass(&pass_signer(), &claims());
    let key = public(&pass_signer());
    let fake = Fake::start(move |_, got| {
        if got.line.starts_with("GET /api/v1/keys ") {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": key });
            return Answer::json(&json!({ "origin": "o", "log_key": "k", "pass_key": key }));
        }
        Answer::json(&allow(&good))
    });
    let ran = finish(sluice().args(question(&fake.url)));
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.contains("warning"), "{}", ran.all());
}

#[test]
fn a_pass_that_could_not_be_kept_is_not_asked_for() {
    let fake = Fake::start(|_, _| Answer::json(&held("deny")));
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("no-such-folder/pass");
    let ran = ask(&fake, &["--pass-out", nowhere.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(fake.got().is_empty(), "{:?}", fake.got());
    let file = dir.path().join("pass");
    assert_eq!(ask(&fake, &["--pass-out", file.to_str().unwrap()]).code, 10);
    assert!(!file.exists(), "a deny leaves nothing behind");
    assert_eq!(ask(&fake, &["--run-attempt", "0"]).code, 2);
}

/// Whoever reads a pipe gets the pass, and a link to a file that is to come stays one.
#[test]
#[cfg(unix)]
fn a_pass_goes_where_its_name_leads() {
    let dir = tempfile::tempdir().unwrap();
    let good = pass(&pass_signer(), &claims());
    let expected = good.clone();
    let fake = Fake::start(move |_, _| Answer::json(&allow(&good)));
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let read_from = pipe.clone();
    let reader = std::thread::spawn(move || std::fs::read_to_string(read_from).unwrap());
    assert_eq!(ask(&fake, &["--pass-out", pipe.to_str().unwrap()]).code, 0);
    assert_eq!(reader.join().unwrap(), expected);

    let (link, file) = (dir.path().join("link"), dir.path().join("file"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(ask(&fake, &["--pass-out", link.to_str().unwrap()]).code, 0);
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
}

#[test]
fn the_risk_is_told_with_its_factors() {
    let mut answer = held("deny");
    answer["risk"] =
        json!({ "level": "medium", "factors": [{ "points": 20, "because": "it is Friday" }] });
    let ran = ask(&Fake::start(move |_, _| Answer::json(&answer)), &[]);
    assert!(ran.stdout.contains("20    it is Friday"), "{}", ran.all());
}

#[test]
fn the_pass_is_written_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pass");
    let good = pass(&pass_signer(), &claims());
    let expected = good.clone();
    let fake = Fake::start(move |_, _| Answer::json(&allow(&good)));
    let ran = ask(&fake, &["--pass-out", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    assert!(!ran.all().contains(&expected), "the pass is not for the log of the pipeline");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
    }
}

fn question(url: &str) -> Vec<String> {
    let text = format!(
        "gate --server {url} --service payments --environment production --commit {COMMIT} \
         --artifact {} --run-system github:github.com --run-id acme/payments/7 --run-attempt 1",
        digest('a')
    );
    text.split_whitespace().map(str::to_owned).collect()
}

fn ask(fake: &Fake, more: &[&str]) -> Ran {
    let key = public(&pass_signer());
    finish(sluice().args(question(&fake.url)).args(["--pass-key", &key]).args(more))
}

fn allow(token: &str) -> Value {
    json!({
        "decision": "decision-1",
        "answer": "allow",
        "change": "CHG0000001",
        "reasons": [],
        "would_pass_if": [],
        "pass": { "id": "pass-1", "token": token, "expires_at": "2030-01-01T00:00:00Z" },
        "receipt": { "index": 5, "tree_size": 6 },
    })
}

fn held(word: &str) -> Value {
    json!({
        "decision": "decision-1",
        "answer": word,
        "change": null,
        "reasons": [{
            "check": "freeze",
            "effect": word,
            "rule": "freeze.in_force",
            "message": "the freeze `year-end` is in force",
            "until": "2026-12-27T00:00:00Z",
            "who": ["team:payments"],
            "pass_if": "the freeze were over",
        }],
        "would_pass_if": ["the freeze were over"],
        "until": "2026-12-27T00:00:00Z",
    })
}
