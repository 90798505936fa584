//! Whoever gives the second word is told first to what, and hears what came of it.

use serde_json::{Value, json};

use crate::support::{Answer, Fake, Got, Ran, claims, finish, pass, pass_signer, public, sluice};

fn path(got: &Got) -> &str {
    got.line.split(' ').nth(1).unwrap_or_default()
}

fn posts(fake: &Fake) -> Vec<String> {
    let got = fake.got();
    let posts = got.iter().filter(|got| got.line.starts_with("POST"));
    posts.map(|got| path(got).to_owned()).collect()
}

fn run(fake: &Fake, arguments: &[&str]) -> Ran {
    let mut command = sluice();
    command.env("SLUICE_TOKEN", "sluice_s_x").args(arguments).args(["--server", &fake.url]);
    finish(&mut command)
}

#[test]
fn what_is_confirmed_is_said_in_words_and_what_is_not_there_is_not_confirmed() {
    let listed = json!({
        "items": [{"grant": "g-one", "told": "Ada is to have the role `auditor`\u{1b}[2J"}],
        "break_glass": [],
    });
    let account =
        json!({"items": [{"person": {"handle": "gil"}, "reset": {"told": "the account of Gil"}}]});
    let plan = json!({"told": [{"does": "alter", "kind": "person", "name": "Ada (ada)", "differences": [
        {"what": "roles", "removed": ["auditor for all"], "added": []},
    ]}]});
    let digest = format!("sha256:{}", "0".repeat(64));
    for (arguments, told, confirmed) in [
        (["role", "confirm", "g-one"], Some("auditor"), "/api/v1/roles/grants/g-one/confirm"),
        (["role", "confirm", "g-two"], None, ""),
        (["break-glass", "open", "b-one"], None, ""),
        (["account", "confirm-reset", "gil"], Some("of Gil"), "/api/v1/accounts/gil/reset/confirm"),
        (["account", "confirm-reset", "ada"], None, ""),
        (["plan", "confirm", &digest], Some("- roles: auditor for all"), "plans"),
    ] {
        let (listed, account, plan) = (listed.clone(), account.clone(), plan.clone());
        let fake = Fake::start(move |_, got| match path(got) {
            "/api/v1/accounts" => Answer::json(&account),
            path if path.contains("/organisation/plans/") => Answer::json(&plan),
            _ => Answer::json(&listed),
        });
        let ran = run(&fake, &arguments);
        match told {
            Some(told) => {
                assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.all());
                assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.all());
                assert!(!ran.stderr.contains('\u{1b}'), "nothing steers the terminal");
                assert!(posts(&fake)[0].contains(confirmed), "{arguments:?}");
            }
            None => {
                assert_eq!(ran.code, 1, "{arguments:?}: {}", ran.all());
                assert_eq!(posts(&fake), Vec::<String>::new(), "{arguments:?}: not blindly");
            }
        }
    }
}

fn glass(answer: &'static str, token: Option<String>) -> Fake {
    let commit = claims()["commit"].as_str().unwrap_or_default().to_owned();
    Fake::start(move |_, got| match path(got) {
        "/api/v1/status" => Answer::json(&json!({"break_glass": [{
            "id": "b-one", "service": "payments", "environment": "production", "commit": commit,
            "artifacts": claims()["artifacts"], "told": "Ada wants to bring it to production",
        }]})),
        "/api/v1/keys" => Answer::json(&json!({"pass_key": public(&pass_signer())})),
        _ => {
            let pass = token.as_ref().map(|token| {
                json!({"id": "pass-1", "token": token, "expires_at": "2030-01-01T00:00:00Z"})
            });
            let reasons: Value =
                json!([{"effect": "deny", "rule": "acme.never", "message": "not this", "who": []}]);
            Answer::json(
                &json!({"decision": "decision-1", "answer": answer, "reasons": reasons, "pass": pass}),
            )
        }
    })
}

#[test]
fn an_emergency_path_ends_as_the_gate_does_and_says_why() {
    let good = pass(&pass_signer(), &claims());
    for (answer, token, code) in [
        ("allow", Some(good), 0),
        ("allow", None, 22),
        ("allow", Some("a.b.c".to_owned()), 22),
        ("deny", None, 10),
        ("wait", None, 11),
    ] {
        let ran = run(&glass(answer, token), &["break-glass", "open", "b-one"]);
        assert_eq!(ran.code, code, "{answer}: {}", ran.all());
        assert!(ran.stderr.contains("Ada wants to bring it"), "{}", ran.all());
        assert!(code == 22 || ran.stdout.contains("acme.never"), "{answer}: {}", ran.all());
    }
}
