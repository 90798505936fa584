//! Health, metrics, keys, and what every answer carries.

use axum::body::Body;
use http::Method;
use sluice_server::route_table;
use sluice_testkit::{TestApp, request};

use crate::access::filled;
use crate::description::holds;
use crate::gate::allowed;

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let app = TestApp::start().await;
    let mut paths: Vec<String> = route_table().iter().map(|facts| filled(facts.path)).collect();
    paths.extend(["/nowhere".to_owned(), "//".to_owned()]);
    for path in paths.iter().filter(|path| !path.ends_with("/events")) {
        let answered = app.get(&app.admin, path).await;
        for (name, part) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age="),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert!(answered.header(name).contains(part), "{path}: {name}");
        }
        assert!(!answered.header("x-request-id").is_empty(), "{path}");
        let kept = path.starts_with("/log/") || path.starts_with("/.well-known/");
        let stored = answered.header("cache-control") != "no-store";
        assert!(kept || !stored, "{path}: {}", answered.header("cache-control"));
    }
}

#[tokio::test]
async fn a_halted_server_lives_but_is_not_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.get("", "/readyz").await.status, 200);
    app.engine.halt("a test");
    let ready = app.get("", "/readyz").await;
    assert_eq!(ready.status, 503);
    holds("Health", &ready.json());
    assert_eq!(ready.json()["status"], "safe_halt");
    assert_eq!(app.get("", "/healthz").await.status, 200);
    let question = crate::gate::question("docs", 1);
    let answered = crate::gate::ask(&app, "k", &question).await;
    assert_eq!((answered.status, answered.code().as_str()), (503, "safe_halt"));
    assert_eq!(app.get(&app.admin, "/api/v1/changes").await.status, 200);
}

#[tokio::test]
async fn metrics_count_and_name_routes_not_callers() {
    let app = TestApp::start().await;
    allowed(&app, 1).await;
    app.get(&app.admin, "/api/v1/changes/CHG0000001").await;
    app.get("", "/made/up/by/a/caller").await;
    let metrics = app.get("", "/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let text = String::from_utf8_lossy(&metrics.body);
    for line in [
        "sluice_gate_decisions_total{answer=\"allow\"} 1",
        "sluice_http_requests_total{method=\"GET\",route=\"/api/v1/changes/{number}\",status=\"2xx\"} 1",
        "sluice_http_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"} 1",
        "sluice_inbox_backlog 0",
        "sluice_build_info{version=\"",
        "sluice_http_request_seconds_bucket{",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }
    let size = app.engine.standing().size;
    assert!(text.contains(&format!("sluice_ledger_entries {size}")));
    assert!(!text.contains("made/up"));
}

#[tokio::test]
async fn keys_are_public() {
    let app = TestApp::empty().await;
    let set = app.get("", "/.well-known/jwks.json").await;
    assert_eq!(set.header("content-type"), "application/jwk-set+json");
    holds("JwkSet", &set.json());
    let keys = app.get("", "/api/v1/keys").await.json();
    assert_eq!(keys["pass_key"], set.json()["keys"][0]);
    assert_eq!(keys["origin"], "test.example/log");
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let app = TestApp::empty().await;
    let answered = app.send(request(Method::HEAD, "/healthz", "", &[], Body::empty())).await;
    assert_eq!((answered.status, answered.body.len()), (200, 0));
}

#[tokio::test]
async fn what_is_not_there_is_not_answered_as_if_all_were_well() {
    let app = TestApp::start().await;
    app.logged_in("alice").await;
    for (list, states) in [
        ("changes", "`canceled`"),
        ("deployments", "`rolled_back`"),
        ("incidents", "`on_hold`"),
        ("problems", "`known_error`"),
        ("inbox", "`quarantined`"),
        ("outbox", "`given_up`"),
    ] {
        let path = format!("/api/v1/{list}?state=");
        let refused = app.get(&app.admin, &format!("{path}nonsense")).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "query_invalid"), "{list}");
        assert!(refused.json()["detail"].to_string().contains(states), "{refused:?}");
        let word = states.trim_matches('`');
        assert_eq!(app.get(&app.admin, &format!("{path}{word}")).await.status, 200, "{list}");
    }
    let explain = "/api/v1/access/explain?person=alice&permission=change.approve";
    for path in [
        "/api/v1/calendar?service=nonsense".to_owned(),
        "/api/v1/calendar?service=shop&environment=nonsense".to_owned(),
        format!("{explain}&service=nonsense&environment=production"),
        format!("{explain}&service=shop&environment=nonsense"),
        format!("{explain}&change=CHG9999999"),
    ] {
        let answered = app.get(&app.admin, &path).await;
        assert_eq!((answered.status, answered.code().as_str()), (404, "no_such_record"), "{path}");
    }
    let path = format!("{explain}&service=shop&environment=PROD");
    assert_eq!(app.get(&app.admin, &path).await.status, 200);
}
