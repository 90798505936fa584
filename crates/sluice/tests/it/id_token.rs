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
