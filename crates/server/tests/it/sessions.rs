//! People come in: accounts, passwords, codes, cookies, and what other sites cannot do with them.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_testkit::{Answered, TestApp, request};

const PASSWORD: &str = "four words nobody puts together";
const HOST: &str = "sluice.test.example";

/// An account of alice with [`PASSWORD`].
async fn with_account() -> TestApp {
    let app = TestApp::start().await;
    enrol(&app, "alice").await;
    app
}

pub(crate) async fn enrol(app: &TestApp, handle: &str) {
    // By the token of the console, as at the first start; later by one that nobody answers for.
    let shown = app.engine.authenticate(&app.console).is_some();
    let by = if shown { &app.console } else { &app.admin };
    let made = app.post(by, "/api/v1/accounts", &[], &json!({"person": handle})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let body = json!({"handle": handle, "code": made.json()["code"], "password": PASSWORD});
    let set = app.post("", "/api/v1/account/enrol", &[], &body).await;
    assert_eq!(set.status, 200, "{set:?}");
}

async fn login(app: &TestApp, body: &Value) -> Answered {
    app.post("", "/api/v1/login", &[("host", HOST)], body).await
}

fn browser(password: &str) -> Value {
    json!({"handle": "alice", "password": password, "client": "browser"})
}

fn cookie_of(answered: &Answered) -> String {
    answered.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// A request by a cookie from our own page.
async fn by_cookie(app: &TestApp, cookie: &str, path: &str, headers: &[(&str, &str)]) -> Answered {
    let own = [("host", HOST), ("cookie", cookie), ("content-type", "application/json")];
    let headers: Vec<_> = own.iter().chain(headers).copied().collect();
    app.send(request(Method::POST, path, "", &headers, Body::from("{}"))).await
}

async fn session(app: &TestApp, cookie: &str) -> Answered {
    let headers = [("host", HOST), ("cookie", cookie)];
    app.send(request(Method::GET, "/api/v1/session", "", &headers, Body::empty())).await
}

#[tokio::test]
async fn a_person_comes_in_by_password_and_leaves() {
    let app = with_account().await;
    let came = login(&app, &browser(PASSWORD)).await;
    assert_eq!(came.status, 200, "{came:?}");
    let set = came.header("set-cookie");
    for part in ["__Host-sluice=sluice_s", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert_eq!(came.json()["token"], Value::Null, "the secret is in the cookie only");
    let cookie = cookie_of(&came);
    let shown = session(&app, &cookie).await;
    assert_eq!(shown.json()["person"]["handle"], "alice", "{shown:?}");
    assert_eq!(shown.json()["csrf_token"], came.json()["csrf_token"]);
    let secret = cookie.split_once('=').expect("a cookie").1.to_owned();
    assert_eq!(
        app.get(&secret, "/api/v1/whoami").await.code(),
        "token_refused",
        "a browser's secret is no bearer token"
    );
    let token = came.json()["csrf_token"].as_str().expect("a token").to_owned();
    let own = [("origin", "https://sluice.test.example"), ("x-csrf-token", token.as_str())];
    let left = by_cookie(&app, &cookie, "/api/v1/logout", &own).await;
    assert_eq!(left.status, 200, "{left:?}");
    assert!(left.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(session(&app, &cookie).await.code(), "session_refused");
    let names = event_names(&app).await;
    for name in ["account.created", "account.factor_changed", "session.opened", "session.ended"] {
        assert!(names.iter().any(|known| known == name), "{name} is in the ledger: {names:?}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_has_the_same_answer() {
    let app = with_account().await;
    for body in [
        browser("four words nobody puts togethex"),
        browser(""),
        json!({"handle": "bob", "password": PASSWORD, "client": "browser"}),
        json!({"handle": "nobody", "password": PASSWORD, "client": "cli"}),
        json!({"handle": "", "password": PASSWORD, "client": "cli"}),
    ] {
        let answered = login(&app, &body).await;
        assert_eq!((answered.status, answered.code().as_str()), (401, "login_refused"), "{body}");
        assert_eq!(
            answered.json()["detail"],
            "name, password or code are wrong, or the account is closed"
        );
        assert_eq!(answered.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn trying_passwords_takes_longer_and_longer() {
    let app = with_account().await;
    for _ in 0..5 {
        assert_eq!(login(&app, &browser("wrong wrong wrong wrong")).await.status, 401);
    }
    let held_up = login(&app, &browser(PASSWORD)).await;
    assert_eq!((held_up.status, held_up.code().as_str()), (429, "login_throttled"));
    assert_eq!(held_up.header("retry-after"), "15");
    assert!(event_names(&app).await.iter().any(|name| name == "login.blocked"));
    app.clock.advance(Duration::from_secs(16));
    assert_eq!(login(&app, &browser(PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn a_session_ends_when_it_is_left_alone_and_after_half_a_day() {
    let app = with_account().await;
    let cookie = cookie_of(&login(&app, &browser(PASSWORD)).await);
    for _ in 0..23 {
        app.clock.advance(Duration::from_secs(29 * 60));
        assert_eq!(session(&app, &cookie).await.status, 200);
    }
    app.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(session(&app, &cookie).await.status, 200);
    app.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(session(&app, &cookie).await.code(), "session_refused", "after twelve hours");
    let cookie = cookie_of(&login(&app, &browser(PASSWORD)).await);
    app.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(session(&app, &cookie).await.code(), "session_refused", "after half an hour alone");
}

#[tokio::test]
async fn other_sites_cannot_change_anything() {
    let app = with_account().await;
    let came = login(&app, &browser(PASSWORD)).await;
    let (cookie, token) = (cookie_of(&came), came.json()["csrf_token"].clone());
    let token = token.as_str().expect("a token");
    let ours = "https://sluice.test.example";
    for (what, headers) in [
        ("nothing", vec![]),
        ("no token", vec![("origin", ours)]),
        ("no origin", vec![("x-csrf-token", token)]),
        ("another token", vec![("origin", ours), ("x-csrf-token", "abc")]),
        ("another site", vec![("origin", "https://evil.example"), ("x-csrf-token", token)]),
        ("no site", vec![("origin", "null"), ("x-csrf-token", token)]),
        (
            "a site beside ours",
            vec![("origin", ours), ("sec-fetch-site", "same-site"), ("x-csrf-token", token)],
        ),
    ] {
        let answered = by_cookie(&app, &cookie, "/api/v1/stops", &headers).await;
        assert_eq!((answered.status, answered.code().as_str()), (403, "csrf_refused"), "{what}");
    }
    let fine = [("origin", ours), ("x-csrf-token", token)];
    let answered = by_cookie(&app, &cookie, "/api/v1/stops", &fine).await;
    assert_eq!(answered.code(), "body_invalid", "it reaches the handler: {answered:?}");
    let form = format!("reason=x&csrf_token={token}");
    let headers = [
        ("host", HOST),
        ("cookie", cookie.as_str()),
        ("origin", ours),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let path = "/api/v1/stops";
    let answered = app.send(request(Method::POST, path, "", &headers, Body::from(form))).await;
    assert_eq!(answered.code(), "media_type_not_supported", "a form reaches the handler as well");
    let foreign = [("host", HOST), ("origin", "https://evil.example")];
    let answered = app.post("", "/api/v1/login", &foreign, &browser(PASSWORD)).await;
    assert_eq!(answered.code(), "csrf_refused", "nobody is logged in by another site");
}

#[tokio::test]
async fn a_changed_role_ends_the_session_and_so_does_a_closed_account() {
    let app = with_account().await;
    let cookie = cookie_of(&login(&app, &browser(PASSWORD)).await);
    let less = sluice_testkit::ORGANISATION.replacen(
        "roles: [change_manager, security_officer, break_glass]",
        "roles: [developer]",
        1,
    );
    app.apply(&[("sluice.yaml", &less)]).await;
    assert_eq!(session(&app, &cookie).await.code(), "session_refused");
    let came = login(&app, &browser(PASSWORD)).await;
    let cookie = cookie_of(&came);
    let headers = [("host", HOST), ("cookie", cookie.as_str())];
    let refused =
        app.send(request(Method::GET, "/api/v1/ledger/head", "", &headers, Body::empty())).await;
    assert_eq!(refused.code(), "permission_missing", "a developer has no part in the ledger");
    let path = "/api/v1/accounts/alice/disable";
    let closed = app.post(&app.admin, path, &[], &json!({"reason": "left"})).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    assert_eq!(session(&app, &cookie).await.code(), "session_refused");
    assert_eq!(login(&app, &browser(PASSWORD)).await.code(), "login_refused");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_is_good_twice() {
    let app = with_account().await;
    let cli = json!({"handle": "alice", "password": PASSWORD, "client": "cli"});
    let token = login(&app, &cli).await.json()["token"].as_str().expect("a token").to_owned();
    let start = app.post(&token, "/api/v1/account/totp", &[], &json!({})).await.json();
    let secret = start["secret"].as_str().expect("a secret").to_owned();
    let wrong = json!({"code": "000000"});
    let refused = app.post(&token, "/api/v1/account/totp/confirm", &[], &wrong).await;
    assert_eq!(refused.code(), "login_refused");
    let code = |app: &TestApp| totp(&secret, app.engine.now().as_second());
    let right = json!({"code": code(&app)});
    let confirmed = app.post(&token, "/api/v1/account/totp/confirm", &[], &right).await;
    let recovery = confirmed.json()["recovery_codes"].clone();
    assert_eq!(recovery.as_array().map(Vec::len), Some(10), "{confirmed:?}");
    assert_eq!(login(&app, &cli).await.code(), "code_needed");
    let with = |code: &str| json!({"handle": "alice", "password": PASSWORD, "client": "cli", "code": code});
    assert_eq!(login(&app, &with(&code(&app))).await.code(), "login_refused", "used to confirm");
    app.clock.advance(Duration::from_secs(30));
    let fresh = code(&app);
    assert_eq!(login(&app, &with(&fresh)).await.status, 200);
    assert_eq!(login(&app, &with(&fresh)).await.code(), "login_refused", "no code is good twice");
    let first = recovery[0].as_str().expect("a code").to_uppercase();
    assert_eq!(login(&app, &with(&first)).await.status, 200);
    assert_eq!(login(&app, &with(&first)).await.code(), "login_refused");
}

#[tokio::test]
async fn where_a_second_factor_is_required_a_password_alone_may_nothing() {
    let app = with_account().await;
    let strict = sluice_testkit::ORGANISATION.replacen(
        "settings: {",
        "settings: {second_factor: required, ",
        1,
    );
    app.apply(&[("sluice.yaml", &strict)]).await;
    let cli = json!({"handle": "alice", "password": PASSWORD, "client": "cli"});
    let came = login(&app, &cli).await.json();
    assert_eq!(came["second_factor_required"], true, "{came}");
    let token = came["token"].as_str().expect("a token").to_owned();
    assert_eq!(app.get(&token, "/api/v1/changes").await.code(), "second_factor_required");
    let start = app.post(&token, "/api/v1/account/totp", &[], &json!({})).await.json();
    let secret = start["secret"].as_str().expect("a secret").to_owned();
    let right = json!({"code": totp(&secret, app.engine.now().as_second())});
    assert_eq!(app.post(&token, "/api/v1/account/totp/confirm", &[], &right).await.status, 200);
    app.clock.advance(Duration::from_secs(30));
    let code = totp(&secret, app.engine.now().as_second());
    let both = json!({"handle": "alice", "password": PASSWORD, "client": "cli", "code": code});
    let came = login(&app, &both).await.json();
    assert_eq!(came["second_factor_required"], Value::Null, "{came}");
    let token = came["token"].as_str().expect("a token").to_owned();
    assert_eq!(app.get(&token, "/api/v1/changes").await.status, 200);
}

#[tokio::test]
async fn proving_it_again_renews_the_secret() {
    let app = with_account().await;
    let cli = json!({"handle": "alice", "password": PASSWORD, "client": "cli"});
    let token = login(&app, &cli).await.json()["token"].as_str().expect("a token").to_owned();
    app.clock.advance(Duration::from_secs(11 * 60));
    let late = app.post(&token, "/api/v1/account/totp", &[], &json!({})).await;
    assert_eq!(late.code(), "step_up_needed");
    let proof = json!({"password": PASSWORD});
    let renewed = app.post(&token, "/api/v1/session/step-up", &[], &proof).await.json();
    assert_eq!(app.get(&token, "/api/v1/whoami").await.code(), "token_refused");
    let token = renewed["token"].as_str().expect("a token");
    assert_eq!(app.post(token, "/api/v1/account/totp", &[], &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_code_for_the_first_password_is_good_once_and_for_a_day() {
    let app = with_account().await;
    let made = app.post(&app.admin, "/api/v1/accounts", &[], &json!({"person": "bob"})).await;
    let code = made.json()["code"].clone();
    let body = |password: &str| json!({"handle": "bob", "code": code, "password": password});
    let path = "/api/v1/account/enrol";
    assert_eq!(app.post("", path, &[], &body("too short")).await.code(), "password_weak");
    app.clock.advance(Duration::from_secs(25 * 3_600));
    assert_eq!(app.post("", path, &[], &body(PASSWORD)).await.code(), "login_refused");
    enrol(&app, "carol").await;
    let again = json!({"handle": "carol", "code": "x", "password": PASSWORD});
    assert_eq!(app.post("", path, &[], &again).await.code(), "login_refused");
}

#[tokio::test]
async fn a_password_is_changed_to_another_one() {
    let app = with_account().await;
    let cli = json!({"handle": "alice", "password": PASSWORD, "client": "cli"});
    let token = login(&app, &cli).await.json()["token"].as_str().expect("a token").to_owned();
    let change = async |new: &str| {
        let body = json!({"current": PASSWORD, "new": new});
        app.post(&token, "/api/v1/account/password", &[], &body).await
    };
    assert_eq!(change(PASSWORD).await.code(), "password_same");
    assert_eq!(change("alice1234567890").await.code(), "password_weak");
    assert_eq!(change("another four words entirely").await.status, 200);
}

#[tokio::test]
async fn no_secret_of_a_person_is_in_the_ledger() {
    let app = with_account().await;
    let came = login(&app, &browser(PASSWORD)).await;
    let secret = cookie_of(&came).split_once('=').expect("a cookie").1.to_owned();
    let random = secret.rsplit('_').next().expect("a secret").to_owned();
    let size = app.engine.standing().size;
    for index in 0..size {
        let entry = app.get(&app.admin, &format!("/api/v1/ledger/entries/{index}")).await;
        let text = String::from_utf8_lossy(&entry.body).into_owned();
        for canary in [PASSWORD, random.as_str(), "argon2id", "alice@test.example"] {
            assert!(!text.contains(canary), "entry {index} holds {canary}");
        }
    }
}

#[tokio::test]
async fn sessions_can_be_ended_by_their_person_and_by_administrators() {
    let app = with_account().await;
    let cookie = cookie_of(&login(&app, &browser(PASSWORD)).await);
    let id = session(&app, &cookie).await.json()["session"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/sessions/{id}");
    let other = app.person("bob", &[Permission::ChangeApprove]).await;
    let refused = app.send(request(Method::DELETE, &path, &other, &[], Body::empty())).await;
    assert_eq!(refused.code(), "session_unknown");
    let ended = app.send(request(Method::DELETE, &path, &app.admin, &[], Body::empty())).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(session(&app, &cookie).await.code(), "session_refused");
}

#[tokio::test]
async fn a_command_line_comes_in_by_a_code_that_its_person_confirms() {
    let app = with_account().await;
    let came = login(&app, &browser(PASSWORD)).await;
    let (cookie, csrf) = (cookie_of(&came), came.json()["csrf_token"].clone());
    let csrf = csrf.as_str().expect("a token");
    let start = app.post("", "/api/v1/device", &[], &json!({})).await.json();
    let ask = json!({"device_code": start["device_code"]});
    let token = "/api/v1/device/token";
    app.clock.advance(Duration::from_secs(3));
    assert_eq!(app.post("", token, &[], &ask).await.code(), "authorization_pending");
    assert_eq!(app.post("", token, &[], &ask).await.code(), "slow_down");
    let confirm = async |code: &Value, agreed: bool| {
        let body = json!({"user_code": code, "agreed": agreed}).to_string();
        let headers = [
            ("host", HOST),
            ("cookie", cookie.as_str()),
            ("origin", "https://sluice.test.example"),
            ("x-csrf-token", csrf),
            ("content-type", "application/json"),
        ];
        let path = "/api/v1/device/confirm";
        app.send(request(Method::POST, path, "", &headers, Body::from(body))).await
    };
    assert_eq!(confirm(&json!("BBBB-BBBB"), true).await.code(), "device_code_unknown");
    assert_eq!(confirm(&start["user_code"], true).await.status, 200);
    let opened = app.post("", token, &[], &ask).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let secret = opened.json()["token"].as_str().expect("a token").to_owned();
    let shown = app.get(&secret, "/api/v1/session").await.json();
    assert_eq!((&shown["client"], &shown["person"]["handle"]), (&json!("cli"), &json!("alice")));
    assert_eq!(shown["auth_time"], came.json()["auth_time"], "the proof is as old as it was");
    assert_eq!(app.post("", token, &[], &ask).await.code(), "expired_token", "it is good once");
    // What was let in lets nobody in, and lasts no longer than what let it in.
    let shown_until = |shown: &Value| shown["expires_at"].as_str().expect("a time").to_owned();
    assert_eq!(shown_until(&shown), shown_until(&session(&app, &cookie).await.json()));
    let further = app.post("", "/api/v1/device", &[], &json!({})).await.json();
    let body = json!({"user_code": further["user_code"], "agreed": true});
    let refused = app.post(&secret, "/api/v1/device/confirm", &[], &body).await;
    assert_eq!(refused.code(), "browser_needed", "{refused:?}");
    let other = app.post("", "/api/v1/device", &[], &json!({})).await.json();
    assert_eq!(confirm(&other["user_code"], false).await.status, 200);
    let ask = json!({"device_code": other["device_code"]});
    assert_eq!(app.post("", token, &[], &ask).await.code(), "access_denied");
    let machine = app.token(&[Permission::ChangeRead]).await;
    let body = json!({"user_code": "BBBB-BBBB", "agreed": true});
    let refused = app.post(&machine, "/api/v1/device/confirm", &[], &body).await;
    assert_eq!(refused.code(), "session_needed");
}

#[tokio::test]
async fn a_code_ends_with_the_session_that_confirmed_it() {
    let app = with_account().await;
    let browser = app.session("alice", sluice_engine::Client::Browser, None).await;
    let caller = app.engine.authenticate_session(&browser.secret, sluice_engine::Client::Browser);
    let start = app.post("", "/api/v1/device", &[], &json!({})).await.json();
    let code = start["user_code"].as_str().expect("a code");
    app.engine.confirm_device(&caller.expect("a session"), code, true).expect("confirmed");
    let path = format!("/api/v1/sessions/{}", browser.id);
    let ended = app.send(request(Method::DELETE, &path, &app.admin, &[], Body::empty())).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    app.clock.advance(Duration::from_secs(3));
    let ask = json!({"device_code": start["device_code"]});
    let refused = app.post("", "/api/v1/device/token", &[], &ask).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "login_refused"));
}

#[tokio::test]
async fn only_a_fresh_proof_of_a_logged_in_person_approves_for_production() {
    let app = TestApp::start().await;
    let question = json!({
        "service": "shop", "environment": "production", "commit": "a".repeat(40),
        "artifacts": [format!("sha256:{}", "b".repeat(64))],
        "run": {"system": "github:github.com", "id": "acme/shop/1", "attempt": 1},
        "evidence": [{"type": "test_report", "name": "unit", "status": "passed"}],
    });
    let asked = app.post(&app.admin, "/api/v1/gate", &[("idempotency-key", "k")], &question).await;
    let revision = asked.json()["revision"].clone();
    let body = json!({"revision": revision, "reason": "looked at it"});
    let path = "/api/v1/changes/CHG0000001/approve";
    let bob = app.person("bob", &[Permission::ChangeApprove]).await;
    app.clock.advance(Duration::from_secs(601));
    assert_eq!(app.post(&bob, path, &[], &body).await.code(), "step_up_needed");
    let bob = app.person("bob", &[Permission::ChangeApprove]).await;
    let approved = app.post(&bob, path, &[], &body).await;
    assert_eq!(approved.status, 200, "{approved:?}");
}

#[tokio::test]
async fn a_role_takes_two_people_and_nobody_serves_themselves() {
    let app = TestApp::start().await;
    let all = &[Permission::RoleGrant];
    let (alice, bob) = (app.person("alice", all).await, app.person("bob", all).await);
    let wish = |person: &str| json!({"person": person, "role": "auditor", "reason": "audit"});
    let grants = "/api/v1/roles/grants";
    let own = app.post(&alice, grants, &[], &wish("alice")).await;
    assert_eq!(own.code(), "own_role");
    let made = app.post(&alice, grants, &[], &wish("carol")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{grants}/{}/confirm", made.json()["grant"].as_str().expect("an id"));
    assert_eq!(app.post(&alice, &path, &[], &json!({})).await.code(), "same_person");
    let carol = app.person("carol", all).await;
    assert_eq!(app.post(&carol, &path, &[], &json!({})).await.code(), "own_role");
    let before = app.session("carol", sluice_engine::Client::Cli, None).await.secret;
    let confirmed = app.post(&bob, &path, &[], &json!({})).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    assert_eq!(app.get(&before, "/api/v1/whoami").await.code(), "token_refused", "roles changed");
    let explain = "/api/v1/access/explain?person=carol&permission=access.explain";
    let explained = app.get(&app.admin, explain).await.json();
    assert_eq!(explained["allowed"], true, "{explained}");
    assert!(explained["because"].to_string().contains("granted by two people"), "{explained}");
    let path = path.replace("/confirm", "/revoke");
    let revoked = app.post(&alice, &path, &[], &json!({"reason": "audit is over"})).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    let names = event_names(&app).await;
    for name in ["role.proposed", "role.confirmed", "role.granted", "role.revoked"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
}

async fn event_names(app: &TestApp) -> Vec<String> {
    let listed = app.get(&app.admin, "/api/v1/ledger/entries?from=0&limit=200").await.json();
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a device shows: RFC 6238 by its own words, apart from the code under test.
pub(crate) fn totp(secret: &str, second: i64) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).expect("base32");
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).expect("any key");
    mac.update(&u64::try_from(second / 30).expect("a time").to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes([hash[at] & 127, hash[at + 1], hash[at + 2], hash[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// Not timed, but counted: what a wrong attempt costs tells nothing of the account.
#[tokio::test]
async fn every_wrong_attempt_hashes_as_often() {
    let app = with_account().await;
    let attempt = async |handle: &str, code: Option<&str>| {
        let before = app.engine.passwords_hashed();
        let body = json!({"handle": handle, "password": "not the one of anybody", "code": code, "client": "cli"});
        let refused = app.post("", "/api/v1/login", &[], &body).await;
        assert_eq!(refused.code(), "login_refused", "{handle}");
        app.engine.passwords_hashed() - before
    };
    attempt("nobody", None).await;
    for (handle, code) in [
        ("nobody", None),
        ("alice", None),
        ("alice", Some("000000")),
        ("bob", None),
        ("x@y.example", None),
    ] {
        assert_eq!(attempt(handle, code).await, 1, "{handle} {code:?}");
    }
}

/// A command line's session of `alice`, who has a password.
pub(crate) async fn with_password() -> (TestApp, String) {
    let app = with_account().await;
    let cli = json!({"handle": "alice", "password": PASSWORD, "client": "cli"});
    let token = login(&app, &cli).await.json()["token"].as_str().expect("a token").to_owned();
    (app, token)
}
