//! A pipeline without a secret comes in with the identity that its system gives it.

use serde_json::json;

use crate::support::{Answer, Fake, Got, Ran, finish, sluice};

/// A server that wants a session, and beside it the pipeline's system.
fn server(audience: &'static str) -> Fake {
    Fake::start(move |_, got| {
        let session = got.header("authorization") == Some("Bearer session-of-five-minutes");
        match path(got) {
            "/api/v1/keys" => Answer::json(&json!({"audience": audience})),
            path if path.starts_with("/token?") => Answer::json(&json!({"value": "id.of.job"})),
            "/api/v1/token/exchange" if got.body.contains("id.of.job") => {
                Answer::json(&json!({"access_token": "session-of-five-minutes"}))
            }
            "/api/v1/token/exchange" => Answer::problem(403, "exchange_refused"),
            _ if session => Answer::json(&json!({"items": [], "as_of": 1})),
            _ => Answer::problem(401, "token_missing"),
        }
    })
}

fn path(got: &Got) -> &str {
    got.line.split(' ').nth(1).unwrap_or_default()
}

fn paths(fake: &Fake) -> Vec<String> {
    fake.got().iter().map(|got| path(got).to_owned()).collect()
}

fn list(fake: &Fake, environment: &[(&str, &str)]) -> Ran {
    let mut command = sluice();
    command.envs(environment.iter().copied());
    finish(command.args(["stop", "list", "--server", &fake.url]))
}

#[test]
fn github_is_asked_for_a_token_for_this_installation() {
    let fake = server("sluice:test.example/log");
    let url = format!("{}/token?api-version=2", fake.url);
    let ran = list(
        &fake,
        &[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-job")],
    );
    assert_eq!(ran.code, 0, "{}", ran.all());
    let got = fake.got();
    let asked = got.iter().find(|got| path(got).starts_with("/token?")).unwrap();
    assert_eq!(path(asked), "/token?api-version=2&audience=sluice%3Atest.example%2Flog");
    assert_eq!(asked.header("authorization"), Some("Bearer of-job"));
    let exchanged = got.iter().find(|got| path(got) == "/api/v1/token/exchange").unwrap();
    assert!(exchanged.body.contains("token-type%3Aid_token"), "{}", exchanged.body);
    assert!(!ran.all().contains("session-of-five-minutes"));
}

#[test]
fn a_server_cannot_have_a_token_made_for_somebody_else() {
    let fake = server("sts.amazonaws.com");
    let url = format!("{}/token?api-version=2", fake.url);
    let ran = list(
        &fake,
        &[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-job")],
    );
    assert_ne!(ran.code, 0, "{}", ran.all());
    assert!(paths(&fake).iter().all(|path| !path.starts_with("/token")));
}

#[test]
fn a_token_that_was_given_is_exchanged_once_for_all_commands_of_a_job() {
    let fake = server("sluice:test.example/log");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap().to_owned();
    for _ in 0..3 {
        let ran = list(&fake, &[("SLUICE_ID_TOKEN", "id.of.job"), ("TMPDIR", &folder)]);
        assert_eq!(ran.code, 0, "{}", ran.all());
    }
    let exchanges = paths(&fake).iter().filter(|path| path.ends_with("/exchange")).count();
    assert_eq!(exchanges, 1);
}

#[test]
fn a_job_that_is_not_believed_hears_why_and_a_given_token_goes_first() {
    let fake = server("sluice:test.example/log");
    let ran = list(&fake, &[("SLUICE_ID_TOKEN", "id.of.another")]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("not let in as this pipeline"), "{}", ran.all());
    let before = fake.got().len();
    let ran = list(
        &fake,
        &[("SLUICE_ID_TOKEN", "id.of.job"), ("SLUICE_TOKEN", "session-of-five-minutes")],
    );
    assert_eq!((ran.code, fake.got().len()), (0, before + 1), "{}", ran.all());
}

/// What the exchange of a job's token brings, and what `sluice gate` ends with then: never with 0, and never with a code
/// that could be mistaken for another.
#[test]
fn an_exchange_that_fails_has_an_outcome_of_its_own_at_the_gate() {
    let text = |body: &str| Answer::json(&json!({"surprise": body}));
    for (name, exchange, code) in [
        ("away", Answer::problem(503, "keys_unavailable").with("retry-after", "0"), 20),
        ("broken", Answer::problem(500, "internal"), 20),
        ("bad gateway", Answer::problem(502, "bad_gateway"), 20),
        ("refused", Answer::problem(403, "exchange_refused"), 13),
        ("not good", Answer::problem(400, "exchange_refused"), 13),
        ("no session", text("hello"), 22),
    ] {
        let fake = Fake::start(move |_, got| match path(got) {
            "/api/v1/token/exchange" => exchange.clone(),
            _ => Answer::problem(401, "token_missing"),
        });
        let mut command = sluice();
        command.env("SLUICE_ID_TOKEN", "id.of.job");
        command.args(["gate", "--server", &fake.url, "--service", "shop", "--timeout", "300ms"]);
        command.args(["--environment", "production", "--commit", &"a".repeat(40)]);
        command.args(["--run-system", "gitlab:x", "--run-id", "1", "--run-attempt", "1"]);
        let ran = finish(&mut command);
        assert_eq!(ran.code, code, "{name}: {}", ran.all());
        assert!(ran.stderr.contains("not let in as this pipeline"), "{name}: {}", ran.all());
    }
}

#[test]
fn a_pipelines_system_that_is_away_is_not_a_refusal() {
    for (status, code) in [(503, 20), (403, 13)] {
        let fake = Fake::start(move |_, got| match path(got) {
            "/api/v1/keys" => Answer::json(&json!({"audience": "sluice:test.example/log"})),
            path if path.starts_with("/token?") => Answer::problem(status, "x"),
            _ => Answer::problem(401, "token_missing"),
        });
        let url = format!("{}/token?api-version=2", fake.url);
        let ran = list(
            &fake,
            &[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-job")],
        );
        assert_eq!(ran.code, code, "{status}: {}", ran.all());
    }
}
