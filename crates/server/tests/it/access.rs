//! Who may use which route: the whole table, without a token and with a token for something else.

use axum::body::Body;
use http::Method;
use serde_json::json;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_server::{Access, Facts, ServerOptions, route_table};
use sluice_testkit::{Answered, ORGANISATION, TestApp, request};

/// A path of a route, its parameters filled in.
pub(crate) fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{number}" => "CHG0000001",
        "{index}" => "0",
        "{kind}" => "service",
        "{*name}" | "{*path}" => "x/y",
        "{*id}" => "person/00000000000000000000000000",
        segment if segment.starts_with('{') => "0123456789abcdef0123456789abcdef",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn call(app: &TestApp, facts: &Facts, token: &str) -> Answered {
    let path = filled(facts.path);
    let headers =
        [("content-type", "application/json"), ("idempotency-key", "k"), ("if-match", "*")];
    app.send(request(facts.method.clone(), &path, token, &headers, Body::from("{}"))).await
}

fn is_open(facts: &Facts) -> bool {
    matches!(facts.access, Access::Public(_) | Access::Metrics | Access::Log)
}

#[tokio::test]
async fn without_a_good_token_nothing_answers_that_is_not_public() {
    let app = TestApp::empty().await;
    for facts in route_table() {
        for (token, code) in [
            ("", "token_missing"),
            ("sluice_t00000000000_00000000000000000000000000000000", "token_refused"),
            ("x", "token_refused"),
        ] {
            let answered = call(&app, &facts, token).await;
            let what = format!("{} {} with `{token}`", facts.method, facts.path);
            if is_open(&facts) {
                assert_ne!(answered.code(), code, "{what}");
            } else {
                assert_eq!((answered.status, answered.code().as_str()), (401, code), "{what}");
                assert!(answered.header("www-authenticate").starts_with("Bearer"), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_opens_the_routes_of_its_permissions_and_no_others() {
    let app = TestApp::start().await;
    let mut tokens = Vec::new();
    for permission in Permission::ALL {
        let by_person = permission.is_for_people();
        let secret = match by_person {
            true => app.person("alice", &[*permission]).await,
            false => app.token(&[*permission]).await,
        };
        tokens.push((*permission, secret));
    }
    for facts in route_table() {
        let Access::Needs(needed) = facts.access else { continue };
        for (permission, token) in &tokens {
            if facts.path == "/api/v1/events" && *permission == needed {
                continue;
            }
            let answered = call(&app, &facts, token).await;
            let what = format!("{} {} with `{permission}`", facts.method, facts.path);
            if *permission == needed {
                assert_ne!(answered.code(), "permission_missing", "{what}");
                assert_ne!(answered.status, 401, "{what}");
            } else {
                let expected = (403, "permission_missing");
                assert_eq!((answered.status, answered.code().as_str()), expected, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn metrics_and_log_can_be_closed() {
    let options =
        ServerOptions { public_metrics: false, public_log: false, ..ServerOptions::default() };
    let app = TestApp::with(options).await;
    let reader = app.token(&[Permission::LedgerRead]).await;
    let other = app.token(&[Permission::GateEvaluate]).await;
    for (token, path, status) in [
        ("", "/metrics", 401),
        ("", "/log/checkpoint", 401),
        (other.as_str(), "/metrics", 200),
        (other.as_str(), "/log/checkpoint", 403),
        (reader.as_str(), "/log/checkpoint", 200),
        ("", "/healthz", 200),
    ] {
        assert_eq!(app.get(token, path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_token_ends_when_it_is_revoked_or_expires() {
    let app = TestApp::empty().await;
    let token = app.token(&[Permission::GateEvaluate]).await;
    let me = app.get(&token, "/api/v1/whoami").await.json();
    assert_eq!(me["permissions"], serde_json::json!(["gate.evaluate"]));
    let path = format!("/api/v1/tokens/{}", me["token"].as_str().expect("an id"));
    let revoked = app.send(request(Method::DELETE, &path, &app.admin, &[], Body::empty())).await;
    assert_eq!(revoked.status, 200, "{:?}", revoked);
    assert_eq!(app.get(&token, "/api/v1/whoami").await.code(), "token_refused");

    let other = app.token(&[Permission::GateEvaluate]).await;
    app.clock.advance(std::time::Duration::from_secs(90 * 24 * 3_600));
    assert_eq!(app.get(&other, "/api/v1/whoami").await.code(), "token_refused");
}

#[tokio::test]
async fn only_one_well_formed_authorization_header_counts() {
    let app = TestApp::empty().await;
    let bearer = format!("Bearer {}", app.admin);
    let path = "/api/v1/whoami";
    let one = vec![("authorization", bearer.clone())];
    let two = vec![("authorization", bearer.clone()), ("authorization", bearer.clone())];
    let basic = vec![("authorization", format!("Basic {}", app.admin))];
    let bare = vec![("authorization", app.admin.clone())];
    let lower = vec![("authorization", bearer.replace("Bearer", "bearer"))];
    for (headers, status) in [(one, 200), (two, 401), (basic, 401), (bare, 401), (lower, 200)] {
        let what = format!("{headers:?}");
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answered = app.send(request(Method::GET, path, "", &headers, Body::empty())).await;
        assert_eq!(answered.status, status, "{what}");
    }
}

/// Whoever has a right for a part of the organisation does nothing with it to the rest.
#[tokio::test]
async fn a_role_for_one_service_decides_nothing_about_all() {
    let app = TestApp::empty().await;
    let roles = "roles: [{role: administrator, scope: {services: [shop]}}, {role: security_officer, scope: {services: [shop]}}]";
    let more = "teams:\n  - {name: web";
    let people = format!("  - {{handle: erin, name: Erin Ende, {roles}}}\n{more}");
    app.apply(&[("sluice.yaml", &ORGANISATION.replace(more, &people))]).await;
    let erin = app.logged_in("erin").await;
    let bob = app.session("bob", sluice_engine::Client::Browser, None).await;
    let sessions = app.get(&erin, "/api/v1/sessions").await.text();
    assert!(!sessions.contains(bob.id.as_str()), "{sessions}");
    let path = format!("/api/v1/sessions/{}", bob.id);
    let ended = app.send(request(Method::DELETE, &path, &erin, &[], Body::empty())).await;
    assert_eq!(ended.code(), "session_unknown");
    let path = "/api/v1/access/explain?person=bob&permission=change.approve";
    assert_eq!(app.get(&erin, path).await.code(), "scope_too_narrow");
    let path = "/api/v1/roles/grants/g-000000000000/revoke";
    let revoked = app.post(&erin, path, &[], &json!({"reason": "no"})).await;
    assert_eq!(revoked.code(), "scope_too_narrow", "{revoked:?}");
    let path = format!("/api/v1/organisation/plans/sha256:{}/refuse", "a".repeat(64));
    let refused = app.post(&erin, &path, &[], &json!({"reason": "no"})).await;
    assert_eq!(refused.code(), "scope_too_narrow", "{refused:?}");
}

#[tokio::test]
async fn a_token_for_one_service_does_not_speak_of_all() {
    let app = TestApp::start().await;
    let scope = Scope { services: ["shop".to_owned()].into(), ..Scope::default() };
    let machine = Permission::ALL.iter().copied().filter(|permission| !permission.is_for_people());
    let token = app.scoped_token(&machine.collect::<Vec<_>>(), scope).await;
    for (path, status, code) in [
        ("/api/v1/events", 403, "scope_too_narrow"),
        ("/api/v1/ledger/entries", 403, "scope_too_narrow"),
        ("/api/v1/inbox", 403, "scope_too_narrow"),
        ("/api/v1/tokens", 403, "scope_too_narrow"),
        ("/api/v1/changes", 200, ""),
        ("/api/v1/organisation", 200, ""),
    ] {
        let answered = app.get(&token, path).await;
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{path}");
    }
}

#[tokio::test]
async fn refusals_name_people_to_whoever_may_see_them() {
    let app = TestApp::start().await;
    let carol = app.engine.person_by_handle("carol").expect("declared");
    let eraser = app.token(&[Permission::PersonErase]).await;
    let body = json!({"person": "carol"});
    for (by, said) in [(&app.admin, "Carol Cruz (carol)"), (&eraser, carol.as_str())] {
        let refused = app.post(by, "/api/v1/people/erase", &[], &body).await;
        assert_eq!(refused.code(), "still_declared");
        let detail = refused.json()["detail"].to_string();
        assert!(detail.contains(&format!("\"{said} is still declared")), "{detail}");
    }
    let alice = app.logged_in("alice").await;
    let path = "/api/v1/accounts/carol/disable";
    let refused = app.post(&alice, path, &[], &json!({"reason": "left"})).await;
    assert!(refused.text().contains("Carol Cruz (carol) has no account"), "{refused:?}");
    // On a page as well.
    let id = carol.as_str().trim_start_matches("person/");
    let refused = app.form(&alice, &format!("/proposals/accounts/{id}/confirm"), "").await;
    assert!(refused.text().contains("the account of Carol Cruz (carol) back"), "{refused:?}");
}
