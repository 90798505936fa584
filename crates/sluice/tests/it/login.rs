//! `sluice login`: by a code that is confirmed in a browser, and once more for what needs a recent proof.

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
