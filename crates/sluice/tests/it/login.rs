//! `sluice login`: by a code that is confirmed in a browser, and once more for what needs a recent proof.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Answer, Fake, Got, Ran, finish, sluice};

fn path(got: &Got) -> &str {
    got.line.split(' ').nth(1).unwrap_or_default()
}

/// A server with a provider of identities, whose sessions are `first`, then `second`.
fn server() -> Fake {
    Fake::start(|before, got| match path(got) {
        "/api/v1/device" => Answer::json(&json!({
            "device_code": format!("d{before}"), "user_code": "WDJB-MJHT", "verification_uri": "/device",
            "interval": 1, "expires_in": 60,
        })),
        "/api/v1/device/token" => {
            let token = if before < 3 { "sluice_s_first" } else { "sluice_s_second" };
            Answer::json(&json!({"token": token, "expires_at": "2030-01-01T00:00:00Z"}))
        }
        "/api/v1/session" => Answer::json(&json!({"methods": ["oidc", "device"]})),
        "/api/v1/login/providers" => Answer::json(&json!({
            "items": [{"name": "corp", "start": "/auth/oidc/start?provider=corp"}],
        })),
        _ => Answer::json(&json!({"items": [], "as_of": 1})),
    })
}

fn run(fake: &Fake, home: &str, arguments: &[&str]) -> Ran {
    let mut command = sluice();
    command.env("SLUICE_CONFIG_DIR", home).args(arguments).args(["--server", &fake.url]);
    finish(&mut command)
}

#[test]
fn whoever_came_in_by_a_provider_proves_it_there_once_more() {
    let (fake, home) = (server(), tempfile::tempdir().unwrap());
    let home = home.path().to_str().unwrap();
    let came = run(&fake, home, &["login"]);
    assert_eq!(came.code, 0, "{}", came.all());
    assert_eq!(came.stdout.trim(), "WDJB-MJHT", "the code is all that a pipe gets");
    let stepped = run(&fake, home, &["login", "--step-up"]);
    assert_eq!(stepped.code, 0, "{}", stepped.all());
    // The proof is given at the provider, and now: not by the session that it has of yesterday.
    let address = format!("{}/auth/oidc/start?provider=corp&fresh=true&then=/device", fake.url);
    assert!(stepped.stderr.contains(&address), "{}", stepped.all());
    // Nobody is asked for a password that they do not have, and the new session takes the place of the old one.
    assert!(fake.got().iter().all(|got| path(got) != "/api/v1/session/step-up"));
    assert_eq!(run(&fake, home, &["stop", "list"]).code, 0);
    let got = fake.got();
    let last = got.last().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer sluice_s_second"));
    assert!(!stepped.all().contains("sluice_s_"), "no secret is shown");
}

#[test]
fn logging_out_ends_the_session_that_is_kept_and_says_so_only_when_it_did() {
    for (answer, code, said) in [
        (Answer::json(&json!({})), 0, "logged out"),
        (Answer::problem(401, "session_refused"), 0, "over already"),
        (Answer::problem(503, "overloaded"), 20, "was not told"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let fake = Fake::start(move |_, _| answer.clone());
        let kept = home.path().join("sessions.json");
        std::fs::write(&kept, json!({ fake.url.clone(): "sluice_s_kept" }).to_string()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut command = sluice();
        command.env("SLUICE_CONFIG_DIR", home.path()).env("SLUICE_TOKEN", "sluice_t_other");
        let ran = finish(command.args(["logout", "--server", &fake.url]));
        assert_eq!(ran.code, code, "{}", ran.all());
        assert!(ran.stderr.contains(said), "{}", ran.all());
        assert_eq!(code == 0 && said == "logged out", ran.stderr.contains("logged out"));
        assert_eq!(fake.got()[0].header("authorization"), Some("Bearer sluice_s_kept"));
        assert!(!std::fs::read_to_string(&kept).unwrap().contains("sluice_s_kept"));
    }
}

#[test]
fn a_login_ends_the_session_of_before_and_warns_of_a_token_that_goes_before_it() {
    let home = tempfile::tempdir().unwrap();
    let fake = Fake::start(|before, got| match got.line.contains("/logout") {
        true => Answer::json(&json!({})),
        false => Answer::json(&json!({ "token": format!("sluice_s_{before}"), "expires_at": "t" })),
    });
    let login = |token: Option<&str>| {
        let mut command = sluice();
        command.env("SLUICE_CONFIG_DIR", home.path());
        if let Some(token) = token {
            command.env("SLUICE_TOKEN", token);
        }
        command.args(["login", "--password", "--handle", "alice", "--server", &fake.url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"four words nobody\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(!login(None).contains("warning"));
    assert!(login(Some("sluice_t_other")).contains("warning"));
    let got = fake.got();
    assert_eq!(got.len(), 3, "{got:?}");
    assert!(got[2].line.contains("/logout"), "{got:?}");
    assert_eq!(got[2].header("authorization"), Some("Bearer sluice_s_0"));
}

#[test]
fn a_wrong_code_for_a_new_device_is_told_as_that() {
    let fake = Fake::start(|_, got| match got.line.contains("/confirm") {
        true => Answer::problem(401, "login_refused"),
        false => Answer::json(&json!({ "secret": "ABCD", "address": "otpauth://totp/x" })),
    });
    let mut command = sluice();
    command.env("SLUICE_TOKEN", "sluice_s_x");
    command.args(["account", "totp", "add", "--server", &fake.url]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"123456\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("not one of this key") && said.contains("totp add"), "{said}");
}
