//! What somebody proposed does not outlive them: whoever may not any more gets nothing by another's word.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_engine::Clock;
use sluice_testkit::{Answered, ORGANISATION, TestApp, request};

use crate::sessions::enrol;

const ROLES: [&str; 4] = ["change_manager", "security_officer", "break_glass", "administrator"];

/// Dora has four roles, each by two people; Eve has a password. It returns what Dora's roles were granted as.
async fn start() -> (TestApp, Vec<String>) {
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &organisation())]).await;
    for handle in ["dora", "eve"] {
        enrol(&app, handle).await;
    }
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let mut grants = Vec::new();
    for role in ROLES {
        let wish = json!({"person": "dora", "role": role, "reason": "stands in for Carol"});
        let proposed = app.post(&alice, "/api/v1/roles/grants", &[], &wish).await.json();
        let path = format!("/api/v1/roles/grants/{}", text(&proposed, "grant"));
        let confirmed = app.post(&bob, &format!("{path}/confirm"), &[], &json!({})).await;
        assert_eq!(confirmed.status, 200, "{confirmed:?}");
        grants.push(path);
    }
    (app, grants)
}

fn organisation() -> String {
    let more = "  - {handle: dora, name: Dora Dell}\n  - {handle: eve, name: Eve Ells, roles: [developer]}\nteams:\n  - {name: web";
    ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1).replacen(
        "teams:\n  - {name: web",
        more,
        1,
    )
}

fn files(text: &str) -> Value {
    json!({"files": {"sluice.yaml": text}, "source": "test"})
}

fn stricter() -> Value {
    files(&organisation().replace("min_risk: low", "min_risk: critical"))
}

const APPLY: &str = "/api/v1/organisation/apply";

/// Dora proposes one of each: where it is confirmed, by what it is called.
async fn proposals(app: &TestApp) -> Vec<(&'static str, String)> {
    let dora = app.logged_in("dora").await;
    let made = async |path: &str, body: Value, key: &str| {
        let made = app.post(&dora, path, &[], &body).await;
        assert!(matches!(made.status, 200 | 201), "{path}: {made:?}");
        if key.is_empty() { String::new() } else { text(&made.json(), key) }
    };
    let wish = json!({"person": "eve", "role": "auditor", "reason": "year-end audit"});
    let role = made("/api/v1/roles/grants", wish, "grant").await;
    let question = json!({
        "service": "shop", "environment": "production", "commit": "a".repeat(40),
        "artifacts": [format!("sha256:{}", "b".repeat(64))],
        "run": {"system": "break-glass", "id": "1"},
    });
    let ask = json!({"question": question, "reason": "checkout is down, one line"});
    let glass = made("/api/v1/break-glass", ask, "id").await;
    made("/api/v1/accounts/eve/reset", json!({"reason": "lost the device"}), "").await;
    let token = json!({"label": "directory", "kind": "pipeline", "permissions": ["people.provision"], "expires_in_hours": 24});
    let token = made("/api/v1/tokens", token, "id").await;
    let window = made(crate::windows::WINDOWS, crate::windows::freeze(app, 2), "proposal").await;
    let plan = app.post(&dora, APPLY, &[], &stricter()).await.json();
    vec![
        ("a role", format!("/api/v1/roles/grants/{role}/confirm")),
        ("the emergency path", format!("/api/v1/break-glass/{glass}/open")),
        ("setting an account back", "/api/v1/accounts/eve/reset/confirm".to_owned()),
        ("a window", format!("{}/{window}/confirm", crate::windows::PROPOSALS)),
        (
            "a plan",
            format!("/api/v1/organisation/plans/{}/confirm", text(&plan["pending"], "plan")),
        ),
        ("a token that provisions", format!("/api/v1/tokens/{token}/confirm")),
    ]
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}")).to_owned()
}

fn said(answered: &Answered) -> (u16, String) {
    (answered.status, answered.code())
}

#[tokio::test]
async fn nothing_of_whoever_lost_their_roles_takes_effect() {
    let (app, grants) = start().await;
    let proposed = proposals(&app).await;
    let carol = app.logged_in("carol").await;
    for grant in grants {
        let because = json!({"reason": "Carol is back"});
        let revoked = app.post(&carol, &format!("{grant}/revoke"), &[], &because).await;
        assert_eq!(revoked.status, 200, "{revoked:?}");
    }
    // A token has its rights by itself.
    let by_right = proposed.iter().filter(|(what, _)| !what.contains("token"));
    for (what, path) in by_right {
        let refused = app.post(&carol, path, &[], &json!({})).await;
        assert_eq!(said(&refused), (409, "proposer_may_not".into()), "{what}");
    }
    // Whoever proposes the same plan now is whoever proposed it.
    let bob = app.logged_in("bob").await;
    assert_eq!(app.post(&bob, APPLY, &[], &stricter()).await.status, 200);
    let (_, plan) = proposed.iter().find(|(what, _)| *what == "a plan").expect("a plan");
    assert_eq!(app.post(&bob, plan, &[], &json!({})).await.code(), "same_person");
    let confirmed = app.post(&carol, plan, &[], &json!({})).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
}

#[tokio::test]
async fn nothing_of_whoever_has_a_closed_account_takes_effect() {
    let (app, _) = start().await;
    let proposed = proposals(&app).await;
    let carol = app.logged_in("carol").await;
    let closed =
        app.post(&carol, "/api/v1/accounts/dora/disable", &[], &json!({"reason": "left"})).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    for (what, path) in proposed {
        let refused = app.post(&carol, &path, &[], &json!({})).await;
        assert_eq!(said(&refused), (409, "proposer_may_not".into()), "{what}");
    }
}

#[tokio::test]
async fn what_those_who_still_may_proposed_takes_effect() {
    let (app, _) = start().await;
    let proposed = proposals(&app).await;
    let carol = app.logged_in("carol").await;
    // The other way round: what decides about changes is confirmed over what stood when it was proposed.
    for (what, path) in proposed.iter().rev() {
        let confirmed = app.post(&carol, path, &[], &json!({})).await;
        assert_eq!(confirmed.status, 200, "{what}: {confirmed:?}");
    }
}

#[tokio::test]
async fn a_plan_lapses_and_may_be_proposed_again() {
    let (app, _) = start().await;
    let waits = async |by: &str| app.get(by, "/api/v1/status").await.json()["plans"].clone();
    let bob = app.logged_in("bob").await;
    let proposed = app.post(&bob, APPLY, &[], &stricter()).await.json();
    let plan = format!("/api/v1/organisation/plans/{}/confirm", text(&proposed["pending"], "plan"));
    app.clock.advance(Duration::from_secs(14 * 24 * 3_600));
    let (bob, carol) = (app.logged_in("bob").await, app.logged_in("carol").await);
    assert_eq!(waits(&carol).await, json!([]));
    let with_files = app.post(&carol, "/api/v1/organisation/confirm", &[], &stricter()).await;
    for late in [with_files, app.post(&carol, &plan, &[], &json!({})).await] {
        assert_eq!(said(&late), (404, "plan_unknown".into()));
    }
    assert_eq!(app.post(&bob, APPLY, &[], &stricter()).await.status, 200);
    assert_ne!(waits(&carol).await, json!([]));
    assert_eq!(app.post(&carol, &plan, &[], &json!({})).await.status, 200);
}

#[tokio::test]
async fn what_a_machine_proposed_is_void_with_its_token() {
    let (app, _) = start().await;
    let machine = app.token(&[Permission::OrganisationApply, Permission::OrganisationRead]).await;
    let proposed = app.post(&machine, APPLY, &[], &stricter()).await.json();
    let plan = format!("/api/v1/organisation/plans/{}/confirm", text(&proposed["pending"], "plan"));
    let token = app.engine.authenticate(&machine).expect("it is good").token;
    let revoke = format!("/api/v1/tokens/{token}");
    let revoke = request(Method::DELETE, &revoke, &app.admin, &[], Body::empty());
    let revoked = app.send(revoke).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    let carol = app.logged_in("carol").await;
    assert_eq!(app.post(&carol, &plan, &[], &json!({})).await.code(), "plan_unknown");
}

#[tokio::test]
async fn what_a_machine_proposed_is_void_when_its_token_runs_out() {
    let (app, _) = start().await;
    let token = json!({"label": "ci", "kind": "pipeline", "permissions": ["organisation.apply", "organisation.read"], "expires_in_hours": 1});
    let made = app.post(&app.admin, "/api/v1/tokens", &[], &token).await.json();
    let proposed = app.post(&text(&made, "secret"), APPLY, &[], &stricter()).await.json();
    let plan = format!("/api/v1/organisation/plans/{}/confirm", text(&proposed["pending"], "plan"));
    app.clock.advance(Duration::from_secs(3_601));
    let carol = app.logged_in("carol").await;
    let late = app.post(&carol, &plan, &[], &json!({})).await;
    assert_eq!(said(&late), (409, "proposer_may_not".into()));
    // Whoever proposes the same plan now is whoever proposed it.
    let bob = app.logged_in("bob").await;
    assert_eq!(app.post(&bob, APPLY, &[], &stricter()).await.status, 200);
    assert_eq!(app.post(&carol, &plan, &[], &json!({})).await.status, 200);
}

/// A wrong time was taken and written, and corrected: the clock is behind the ledger and not trusted.
#[tokio::test]
async fn a_role_until_a_time_ends_by_a_clock_that_is_not_trusted() {
    let (app, _) = start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let until = app.clock.now() + jiff::SignedDuration::from_hours(24);
    let wish = json!({"person": "eve", "role": "auditor", "reason": "one day", "until": until});
    let proposed = app.post(&alice, "/api/v1/roles/grants", &[], &wish).await.json();
    let path = format!("/api/v1/roles/grants/{}/confirm", text(&proposed, "grant"));
    assert_eq!(app.post(&bob, &path, &[], &json!({})).await.status, 200);
    let waiting = json!({"person": "eve", "role": "developer", "reason": "for good"});
    app.post(&alice, "/api/v1/roles/grants", &[], &waiting).await;
    let at = |hours: i64| (until + jiff::SignedDuration::from_hours(hours)).to_string();
    let eve = app.engine.person_by_handle("eve").expect("she is declared");
    let right = || app.engine.standing().access.granted(&eve).count();
    app.clock.jump_to(&at(9 * 24));
    app.engine.now();
    app.clock.advance(Duration::from_secs(660));
    app.logged_in("carol").await;
    for (hours, ended, held) in [(-1, 0, 1), (1, 1, 0), (2, 0, 0)] {
        app.clock.jump_to(&at(hours));
        app.engine.now();
        app.clock.advance(Duration::from_secs(660));
        assert_eq!(app.engine.keep_deadlines().await.expect("it is recorded"), ended, "{hours}");
        assert_eq!(right(), held, "{hours}");
    }
}
