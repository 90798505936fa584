//! Nobody becomes another person: neither by a code for their account, nor by a token that speaks for them.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_testkit::{Answered, ORGANISATION, TestApp};

use crate::gate::{ask, question};
use crate::sessions::enrol;
use crate::windows::{PROPOSALS, WINDOWS, freeze};

const ACCOUNTS: &str = "/api/v1/accounts";
const TOKENS: &str = "/api/v1/tokens";
const GRANTS: &str = "/api/v1/roles/grants";
const PASSWORD: &str = "four words nobody puts together";
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// With two administrators beside the three of the usual organisation.
async fn start() -> TestApp {
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &files())]).await;
    app
}

fn files() -> String {
    let more = "teams:\n  - {name: web";
    let people = "  - {handle: dora, name: Dora Dell, roles: [administrator]}\n  - {handle: eve, name: Eve Ells, roles: [administrator]}\n";
    ORGANISATION.replace(more, &format!("{people}{more}"))
}

async fn reset(app: &TestApp, by: &str, handle: &str) -> Answered {
    let path = format!("{ACCOUNTS}/{handle}/reset");
    app.post(by, &path, &[], &json!({"reason": "a lost device"})).await
}

async fn make(app: &TestApp, by: &str, handle: &str) -> Answered {
    app.post(by, ACCOUNTS, &[], &json!({"person": handle})).await
}

/// Proposes a role for carol, and says what becomes of the second word.
async fn two_words(app: &TestApp, first: &str, second: &str) -> Answered {
    let wish = json!({"person": "carol", "role": "auditor", "reason": "year-end audit"});
    let made = app.post(&app.logged_in(first).await, GRANTS, &[], &wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{GRANTS}/{}/confirm", made.json()["grant"].as_str().expect("an id"));
    app.post(&app.logged_in(second).await, &path, &[], &json!({})).await
}

/// Sets an account back by the words of two, and gives the code.
async fn set_back(app: &TestApp, first: &str, second: &str, handle: &str) -> String {
    assert_eq!(ask_reset(app, first, handle).await.status, 201);
    let made = confirm_reset(app, second, handle).await;
    assert_eq!(made.status, 200, "{made:?}");
    made.json()["code"].as_str().expect("a code").to_owned()
}

async fn ask_reset(app: &TestApp, by: &str, handle: &str) -> Answered {
    let path = format!("{ACCOUNTS}/{handle}/reset");
    app.post(by, &path, &[], &json!({"reason": "lost the device"})).await
}

async fn confirm_reset(app: &TestApp, by: &str, handle: &str) -> Answered {
    app.post(by, &format!("{ACCOUNTS}/{handle}/reset/confirm"), &[], &json!({})).await
}

fn said(answered: &Answered) -> (u16, String) {
    (answered.status, answered.code())
}

#[tokio::test]
async fn whoever_sets_an_account_back_does_not_become_two_people() {
    let app = start().await;
    for handle in ["dora", "eve", "alice"] {
        enrol(&app, handle).await;
    }
    assert_eq!(two_words(&app, "dora", "eve").await.status, 200, "the console makes no ties");
    let dora = app.logged_in("dora").await;
    app.clock.advance(Duration::from_secs(601));
    assert_eq!(said(&make(&app, &dora, "eve").await), (403, "step_up_needed".into()));
    let dora = app.logged_in("dora").await;
    let code = set_back(&app, &dora, &app.logged_in("alice").await, "eve").await;
    // She comes in as eve, and is still one person, either way round.
    let body = json!({"handle": "eve", "code": code, "password": PASSWORD});
    assert_eq!(app.post("", "/api/v1/account/enrol", &[], &body).await.status, 200);
    for (first, second) in [("dora", "eve"), ("eve", "dora"), ("alice", "eve")] {
        let refused = two_words(&app, first, second).await;
        assert_eq!(said(&refused), (403, "same_hands".into()), "{first}, {second}");
    }
    assert_eq!(two_words(&app, "bob", "eve").await.status, 200, "others are others");
    // Whose account it is hears of it.
    let told = app.get(&app.logged_in("eve").await, "/api/v1/notifications").await;
    for by in ["set back by Dora Dell", "set back by Alice Archer"] {
        assert!(told.text().contains(by), "{}", told.text());
    }
    app.clock.advance(WEEK);
    assert_eq!(two_words(&app, "dora", "eve").await.status, 200, "after a week");
}

#[tokio::test]
async fn a_token_makes_first_accounts_only_and_no_second_person() {
    let app = start().await;
    for handle in ["dora", "eve"] {
        enrol(&app, handle).await;
    }
    let token = app.token(&[Permission::AccountManage]).await;
    for by in [&token, &app.admin, &app.console] {
        let refused = make(&app, by, "eve").await;
        assert_eq!(said(&refused), (403, "session_needed".into()), "{refused:?}");
    }
    // One that was set back is not a first one either.
    let dora = app.logged_in("dora").await;
    assert_eq!(said(&make(&app, &dora, "eve").await), (409, "account_enrolled".into()));
    assert_eq!(reset(&app, &dora, "eve").await.status, 201);
    assert_eq!(said(&make(&app, &token, "eve").await), (403, "session_needed".into()));
    // A first one that it makes is nobody's second word for a week: whoever has the token may be anybody.
    assert_eq!(make(&app, &token, "bob").await.status, 201);
    for (first, second) in [("dora", "bob"), ("bob", "dora")] {
        assert_eq!(said(&two_words(&app, first, second).await), (403, "same_hands".into()));
    }
}

#[tokio::test]
async fn two_people_whose_accounts_one_person_made_are_not_two_anywhere() {
    let app = start().await;
    enrol(&app, "dora").await;
    let dora = app.logged_in("dora").await;
    for handle in ["alice", "bob"] {
        let made = make(&app, &dora, handle).await;
        let code = made.json()["code"].clone();
        let body = json!({"handle": handle, "code": code, "password": PASSWORD});
        assert_eq!(app.post("", "/api/v1/account/enrol", &[], &body).await.status, 200);
    }
    assert_eq!(said(&two_words(&app, "alice", "bob").await), (403, "same_hands".into()));
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    // The emergency path.
    let question = json!({
        "service": "shop", "environment": "production", "commit": "a".repeat(40),
        "artifacts": [format!("sha256:{}", "b".repeat(64))],
        "run": {"system": "break-glass", "id": "1"},
    });
    let ask = json!({"question": question, "reason": "checkout is down, the fix is one line"});
    let asked = app.post(&alice, "/api/v1/break-glass", &[], &ask).await;
    let path = format!("/api/v1/break-glass/{}/open", asked.json()["id"].as_str().expect("an id"));
    assert_eq!(said(&app.post(&bob, &path, &[], &json!({})).await), (403, "same_hands".into()));
    // The calendar.
    let proposed = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    let path = format!("{PROPOSALS}/{}/confirm", proposed["proposal"].as_str().expect("an id"));
    assert_eq!(said(&app.post(&bob, &path, &[], &json!({})).await), (403, "same_hands".into()));
    // What decides about changes.
    let weaker = files().replace("min_risk: low", "min_risk: high");
    let body: Value = json!({"files": {"sluice.yaml": weaker}});
    let proposed = app.post(&alice, "/api/v1/organisation/apply", &[], &body).await;
    assert!(proposed.json()["pending"].is_object(), "{proposed:?}");
    let refused = app.post(&bob, "/api/v1/organisation/confirm", &[], &body).await;
    assert_eq!(said(&refused), (403, "same_hands".into()), "{refused:?}");
    let plan = proposed.json()["pending"]["plan"].as_str().expect("a digest").to_owned();
    let kept = format!("/api/v1/organisation/plans/{plan}/confirm");
    let refused = app.post(&bob, &kept, &[], &json!({})).await;
    assert_eq!(said(&refused), (403, "same_hands".into()), "{refused:?}");
    // A token that provisions people.
    let wish = json!({"label": "directory", "kind": "pipeline", "permissions": ["people.provision"], "expires_in_hours": 1});
    let made = app.post(&app.logged_in("dora").await, TOKENS, &[], &wish).await;
    let path = format!("{TOKENS}/{}/confirm", made.json()["id"].as_str().expect("an id"));
    assert_eq!(said(&app.post(&bob, &path, &[], &json!({})).await), (403, "same_hands".into()));
}

#[tokio::test]
async fn nobody_approves_their_own_change_by_an_account_that_they_set_back() {
    let app = start().await;
    for handle in ["alice", "bob", "dora"] {
        enrol(&app, handle).await;
    }
    // Alice wrote it, has the account of bob set back, comes in as bob and says yes.
    let mut hers = question("shop", 1);
    hers["authors"] = json!(["alice@test.example"]);
    let asked = ask(&app, "hers", &hers).await.json();
    let alice = app.logged_in("alice").await;
    let made = set_back(&app, &alice, &app.logged_in("dora").await, "bob").await;
    let body = json!({"handle": "bob", "code": made, "password": PASSWORD});
    assert_eq!(app.post("", "/api/v1/account/enrol", &[], &body).await.status, 200);
    let yes = json!({"revision": asked["revision"], "reason": "looked at it"});
    let bob = app.logged_in("bob").await;
    let number = asked["change"].as_str().expect("a change");
    let change = format!("/api/v1/changes/{number}");
    assert!(
        app.get(&bob, &format!("/changes/{number}"))
            .await
            .text()
            .contains("Your approval would not count")
    );
    assert_eq!(app.post(&bob, &format!("{change}/approve"), &[], &yes).await.status, 200);
    let held = ask(&app, "again", &hers).await.json();
    assert_eq!(held["answer"], "wait", "{held:#}");
    assert!(held["reasons"].to_string().contains("made or set back by the other"), "{held:#}");
    let shown = app.get(&bob, &change).await.json();
    assert_eq!(shown["approval_standing"]["discounted"][0]["code"], "hands", "{shown:#}");
    let page = app.get(&alice, &format!("/changes/{number}")).await.text();
    assert!(page.contains("cannot be told from somebody behind this change"), "{page}");
    let explained =
        format!("/api/v1/access/explain?person=bob&permission=change.approve&change={number}");
    let explained = app.get(&alice, &explained).await.json();
    assert_eq!(explained["allowed"], false, "{explained:#}");
}

#[tokio::test]
async fn a_token_for_a_person_is_their_own_and_has_no_more_than_they() {
    let app = start().await;
    let wish = |person: &str, permissions: Value| json!({"label": "mine", "kind": "person", "person": person, "permissions": permissions, "expires_in_hours": 24});
    let forged = wish("bob", json!(["organisation.apply"]));
    let dora = app.logged_in("dora").await;
    assert_eq!(
        said(&app.post(&dora, TOKENS, &[], &forged).await),
        (403, "token_of_another".into())
    );
    for by in [&app.admin, &app.console] {
        assert_eq!(said(&app.post(by, TOKENS, &[], &forged).await), (403, "session_needed".into()));
    }
    let bob = app.logged_in("bob").await;
    let more = app.post(&bob, TOKENS, &[], &wish("bob", json!(["secret.write"]))).await;
    assert_eq!(said(&more), (403, "permission_missing".into()));
    app.clock.advance(Duration::from_secs(601));
    let late = app.post(&bob, TOKENS, &[], &wish("bob", json!(["change.read"]))).await;
    assert_eq!(late.code(), "step_up_needed");
    let bob = app.logged_in("bob").await;
    let made = app.post(&bob, TOKENS, &[], &wish("bob", json!(["change.read", "stop.pull"]))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (id, secret) = (made.json()["id"].clone(), made.json()["secret"].clone());
    let secret = secret.as_str().expect("a secret").to_owned();
    let may = async |app: &TestApp| {
        app.get(&secret, "/api/v1/whoami").await.json()["permissions"].clone()
    };
    assert_eq!(may(&app).await, json!(["change.read", "stop.pull"]));
    // What the roles do not give any more, the token does not either.
    let text = files().replace(
        r#"accounts: ["github:bob"], roles: [change_manager, security_officer, break_glass]"#,
        r#"accounts: ["github:bob"], roles: [cab_approver]"#,
    );
    app.apply(&[("sluice.yaml", &text)]).await;
    assert_eq!(may(&app).await, json!(["change.read"]));
    let bob = app.logged_in("bob").await;
    let path = format!("{TOKENS}/{}", id.as_str().expect("an id"));
    assert_eq!(
        app.send(sluice_testkit::request(
            http::Method::DELETE,
            &path,
            &bob,
            &[],
            axum::body::Body::empty()
        ))
        .await
        .status,
        200
    );
    assert_eq!(app.get(&secret, "/api/v1/whoami").await.code(), "token_refused");
}

#[tokio::test]
async fn setting_an_account_back_ends_the_tokens_that_speak_for_its_person() {
    let app = start().await;
    for handle in ["dora", "bob"] {
        enrol(&app, handle).await;
    }
    let wish = json!({"label": "mine", "kind": "person", "permissions": ["change.read"], "expires_in_hours": 24});
    let made = app.post(&app.logged_in("bob").await, TOKENS, &[], &wish).await.json();
    let secret = made["secret"].as_str().expect("a secret");
    assert_eq!(app.get(secret, "/api/v1/whoami").await.status, 200);
    assert_eq!(reset(&app, &app.logged_in("dora").await, "bob").await.status, 201);
    assert_eq!(app.get(secret, "/api/v1/whoami").await.code(), "token_refused");
}

#[tokio::test]
async fn what_gives_power_needs_a_recent_proof_of_whoever_is_logged_in() {
    let app = start().await;
    let (dora, alice) = (app.logged_in("dora").await, app.logged_in("alice").await);
    app.clock.advance(Duration::from_secs(601));
    let token = json!({"label": "ci", "kind": "pipeline", "permissions": ["secret.write"], "expires_in_hours": 1});
    let reading = json!({"label": "ci", "kind": "pipeline", "permissions": ["policy.read"], "expires_in_hours": 1});
    assert_eq!(app.post(&dora, TOKENS, &[], &token).await.code(), "step_up_needed");
    assert_eq!(app.post(&dora, TOKENS, &[], &reading).await.status, 201, "nothing changes by it");
    assert_eq!(make(&app, &dora, "alice").await.code(), "step_up_needed");
    let exception = json!({
        "lifts": "freeze:*", "scope": {"services": ["shop"]}, "reason": "the fix of the checkout",
        "until": "2026-03-04T12:00:00Z",
    });
    let refused = app.post(&alice, "/api/v1/exceptions", &[], &exception).await;
    assert_eq!(refused.code(), "step_up_needed", "{refused:?}");
    let alice = app.logged_in("alice").await;
    let granted = app.post(&alice, "/api/v1/exceptions", &[], &exception).await;
    assert_eq!(granted.status, 201, "{granted:?}");
    let secret = "/api/v1/secrets/github/hook";
    let put = |by: String| {
        sluice_testkit::request(
            http::Method::PUT,
            secret,
            &by,
            &[("content-type", "application/json")],
            axum::body::Body::from(r#"{"value":"hush"}"#),
        )
    };
    assert_eq!(app.send(put(dora)).await.code(), "step_up_needed");
    let set = app.send(put(app.logged_in("dora").await)).await;
    assert!(set.status < 300, "{set:?}");
}

#[tokio::test]
async fn an_administrator_makes_tokens_of_pipelines_and_of_nothing_more() {
    let app = start().await;
    let dora = app.logged_in("dora").await;
    let wish = |permission: &str| json!({"label": "ci", "kind": "pipeline", "permissions": [permission], "scope": {"services": ["shop"]}, "expires_in_hours": 1});
    for (permission, expected) in [
        ("gate.evaluate", (201, "")),
        ("gate.redeem", (201, "")),
        ("deployment.report", (201, "")),
        ("change.edit", (403, "permission_missing")),
        ("stop.lift", (403, "permission_missing")),
        ("change.approve", (422, "for_sessions_only")),
    ] {
        let made = app.post(&dora, TOKENS, &[], &wish(permission)).await;
        assert_eq!((made.status, made.code().as_str()), expected, "{permission}: {made:?}");
    }
    let token = app.token(&[Permission::TokenManage]).await;
    let refused = app.post(&token, TOKENS, &[], &wish("gate.evaluate")).await;
    assert_eq!(refused.code(), "permission_missing", "a token hands on what it has");
}

#[tokio::test]
async fn what_an_instance_keeps_is_for_whoever_runs_it_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let app = start().await;
    let mode = |path: std::path::PathBuf| {
        let found = std::fs::metadata(&path);
        found.unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
    };
    for name in ["sluice.db", "sluice.db-wal", "anchor"] {
        assert_eq!(mode(app.dir().join(name)) & 0o777, 0o600, "{name}");
    }
    let made = app.dir().join("made");
    sluice_engine::store::make_folder(&made).expect("a folder");
    assert_eq!(mode(made) & 0o777, 0o700);
}

#[tokio::test]
async fn nobody_opens_their_own_account_by_a_token_that_they_made() {
    let app = start().await;
    for handle in ["dora", "eve"] {
        enrol(&app, handle).await;
    }
    let dora = app.logged_in("dora").await;
    let wish = json!({"label": "accounts", "kind": "pipeline", "permissions": ["account.manage"], "expires_in_hours": 1});
    let made = app.post(&dora, TOKENS, &[], &wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["secret"].as_str().expect("a secret").to_owned();
    let eve = app.logged_in("eve").await;
    let close = json!({"reason": "she left"});
    let closed = app.post(&eve, &format!("{ACCOUNTS}/dora/disable"), &[], &close).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    let opened = app.post(&token, &format!("{ACCOUNTS}/dora/enable"), &[], &json!({})).await;
    assert_eq!(said(&opened), (403, "own_account".into()), "{opened:?}");
}

#[tokio::test]
async fn the_tokens_of_a_person_end_with_their_account() {
    let app = start().await;
    for handle in ["dora", "alice"] {
        enrol(&app, handle).await;
    }
    let alice = app.logged_in("alice").await;
    let wish = json!({"label": "mine", "kind": "person", "person": "alice", "permissions": ["change.read"], "expires_in_hours": 100});
    let made = app.post(&alice, TOKENS, &[], &wish).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(app.get(&token, "/api/v1/changes").await.status, 200);
    let dora = app.logged_in("dora").await;
    for (what, body) in [("disable", json!({"reason": "a laptop was lost"})), ("enable", json!({}))]
    {
        let done = app.post(&dora, &format!("{ACCOUNTS}/alice/{what}"), &[], &body).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert_eq!(app.get(&token, "/api/v1/changes").await.code(), "token_refused", "{what}");
    }
}

#[tokio::test]
async fn whoever_was_withdrawn_and_is_declared_again_has_none_of_their_tokens() {
    let app = start().await;
    let bob = app.engine.person_by_handle("bob").expect("declared");
    let wish = json!({"label": "mine", "kind": "person", "permissions": ["change.read"], "expires_in_hours": 24});
    let made = app.post(&app.logged_in("bob").await, TOKENS, &[], &wish).await.json();
    let secret = made["secret"].as_str().expect("a secret");
    assert_eq!(app.get(secret, "/api/v1/whoami").await.status, 200);
    let line = ORGANISATION.lines().find(|line| line.contains("handle: bob")).expect("his line");
    let without =
        ORGANISATION.replace(line, "").replace("members: [alice, bob]", "members: [alice]");
    for files in [without.as_str(), ORGANISATION] {
        app.apply(&[("sluice.yaml", files)]).await;
        assert_eq!(app.get(secret, "/api/v1/whoami").await.code(), "token_refused");
    }
    assert_eq!(app.engine.person_by_handle("bob"), Some(bob), "it is the same person");
    let bob = app.logged_in("bob").await;
    let again = app.post(&bob, TOKENS, &[], &wish).await;
    assert_eq!(again.status, 201, "a new one is theirs: {again:?}");
}
