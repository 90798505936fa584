//! Bad input: each kind has a named answer, and none of it ends in a 5xx (TRUST F24).

use std::time::Duration;

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_server::ServerOptions;
use sluice_testkit::{Answered, TestApp, request};

use crate::gate::question;

const JSON: (&str, &str) = ("content-type", "application/json");

async fn gate(app: &TestApp, headers: &[(&str, &str)], body: impl Into<Body>) -> Answered {
    let headers: Vec<_> = [("idempotency-key", "k")].iter().chain(headers).copied().collect();
    app.send(request(Method::POST, "/api/v1/gate", &app.admin, &headers, body.into())).await
}

fn with(name: &str, value: Value) -> Vec<u8> {
    let mut body = question("shop", 1);
    body[name] = value;
    body.to_string().into_bytes()
}

#[tokio::test]
async fn each_malformed_body_has_its_own_answer() {
    let app = TestApp::start().await;
    let text = question("shop", 1).to_string();
    let open = |letter: &str, times: usize| letter.repeat(times).into_bytes();
    let many: Vec<String> = (0..10_001).map(|key| format!("\"k{key}\":0")).collect();
    let spliced = |member: &str| text.replacen('{', &format!("{{{member},"), 1).into_bytes();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("nothing", vec![], 400, "body_empty"),
        ("white space", b" \n".to_vec(), 400, "body_empty"),
        ("half", text.as_bytes().iter().take(40).copied().collect(), 400, "not_json"),
        ("two values", format!("{text}{text}").into_bytes(), 400, "not_json"),
        ("a comment", spliced("/**/\"version\":\"1\""), 400, "not_json"),
        ("a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat(), 400, "not_json"),
        (
            "not UTF-8",
            with("version", json!("1")).into_iter().chain([0xff]).collect(),
            400,
            "not_utf8",
        ),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect(), 400, "not_json"),
        ("depth of 100,000", open("[", 100_000), 400, "too_deep"),
        (
            "depth in a member",
            spliced(&format!("\"x\":{}{}", "[".repeat(40), "]".repeat(40))),
            400,
            "too_deep",
        ),
        ("10,001 members", format!("{{{}}}", many.join(",")).into_bytes(), 400, "too_many_keys"),
        ("a long string", with("version", json!("x".repeat(65_537))), 400, "string_too_long"),
        ("a member twice", spliced("\"service\":\"shop\""), 400, "duplicate_key"),
        ("a member twice, escaped", spliced("\"s\\u0065rvice\":\"shop\""), 400, "duplicate_key"),
        ("a lone surrogate", spliced("\"version\":\"\\ud800\""), 400, "lone_surrogate"),
        ("1e400", spliced("\"lines_changed\":1e400"), 400, "number_out_of_range"),
        ("NaN", spliced("\"lines_changed\":NaN"), 400, "not_json"),
        ("2 MiB", vec![b' '; 2 << 20], 413, "body_too_large"),
        ("an array", b"[]".to_vec(), 400, "body_invalid"),
        ("null", b"null".to_vec(), 400, "body_invalid"),
        ("an unknown member", with("force", json!(true)), 400, "body_invalid"),
        ("a negative number", with("lines_changed", json!(-1)), 400, "body_invalid"),
        ("another type", with("service", json!(7)), 400, "body_invalid"),
        ("a bad name", with("service", json!("../etc/passwd")), 400, "body_invalid"),
        ("a short commit", with("commit", json!("abc123")), 400, "body_invalid"),
        ("a tag for a digest", with("artifacts", json!(["app:latest"])), 400, "body_invalid"),
        ("too many artifacts", with("artifacts", digests(201)), 422, "over_limit"),
        ("a control character", with("version", json!("1\u{1b}[31m")), 422, "over_limit"),
    ];
    for (what, body, status, code) in cases {
        let answered = gate(&app, &[JSON], body).await;
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{what}");
        assert_eq!(answered.header("content-type"), "application/problem+json", "{what}");
    }
    assert_eq!(app.get("", "/healthz").await.status, 200);
}

fn digests(count: usize) -> Value {
    (0..count).map(|number| format!("sha256:{number:064x}")).collect()
}

#[tokio::test]
async fn an_error_says_where_and_what_next() {
    let app = TestApp::start().await;
    let mut body = question("shop", 1);
    body["evidence"] = json!([{"type": "scan", "name": "x", "status": "perfect"}]);
    let headers = [JSON, ("x-request-id", "from-the-test")];
    let answered = gate(&app, &headers, body.to_string()).await;
    let problem = answered.json();
    assert_eq!(problem["at"], "evidence[0].status");
    assert_eq!(problem["type"], "urn:sluice:problem:body_invalid");
    assert_eq!(problem["status"], 400);
    assert_eq!(problem["instance"], "urn:sluice:request:from-the-test");
    assert_eq!(answered.header("x-request-id"), "from-the-test");
    assert!(problem["help"].as_str().is_some_and(|help| !help.is_empty()));
}

#[tokio::test]
async fn only_json_is_json() {
    let app = TestApp::start().await;
    let body = question("shop", 1).to_string();
    for (headers, status) in [
        (vec![], 415),
        (vec![("content-type", "text/plain")], 415),
        (vec![("content-type", "application/x-www-form-urlencoded")], 415),
        (vec![("content-type", "application/jsonp")], 415),
        (vec![JSON, JSON], 415),
        (vec![JSON, ("content-encoding", "gzip")], 415),
        (vec![("content-type", "Application/JSON; charset=utf-8")], 200),
    ] {
        let answered = gate(&app, &headers, body.clone()).await;
        assert_eq!(answered.status, status, "{headers:?} {}", answered.code());
    }
}

#[tokio::test]
async fn a_body_that_declares_too_much_is_not_read() {
    let app = TestApp::start().await;
    let never =
        Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let answered = gate(&app, &[JSON, ("content-length", "104857600")], never).await;
    assert_eq!((answered.status, answered.code().as_str()), (413, "body_too_large"));
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let app = TestApp::empty().await;
    let names: Vec<String> = (0..101).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let long = "x".repeat(17 * 1024);
    for headers in [many, vec![("x-long", long.as_str())]] {
        let answered =
            app.send(request(Method::GET, "/healthz", "", &headers, Body::empty())).await;
        assert_eq!((answered.status, answered.code().as_str()), (431, "headers_too_large"));
    }
}

#[tokio::test]
async fn odd_queries_have_named_answers() {
    let app = TestApp::start().await;
    for (path, code) in [
        ("/api/v1/changes?limit=0", "query_invalid"),
        ("/api/v1/changes?limit=201", "query_invalid"),
        ("/api/v1/changes?limit=ten", "query_invalid"),
        ("/api/v1/changes?colour=red", "query_invalid"),
        ("/api/v1/changes?state=new&state=new", "query_invalid"),
        ("/api/v1/changes?cursor=%00", "cursor_invalid"),
        ("/api/v1/changes?cursor=!!!", "cursor_invalid"),
        ("/api/v1/deployments?change=7", "query_invalid"),
        ("/api/v1/calendar", "query_invalid"),
        ("/api/v1/calendar?service=shop&count=100000", "query_invalid"),
        ("/api/v1/changes/7", "no_such_record"),
        ("/api/v1/changes/CHG9999999", "no_such_record"),
        ("/api/v1/decisions/x", "no_such_record"),
        ("/api/v1/ledger/entries/99999", "no_such_record"),
        ("/api/v1/ledger/entries/-1", "no_such_record"),
        ("/api/v1/ledger/receipts/99999999999999999999", "no_such_record"),
        ("/api/v1/ledger/receipts/99999", "out_of_range"),
        ("/api/v1/ledger/consistency?from=2&to=1", "query_invalid"),
        ("/api/v1/ledger/consistency?from=1&to=99999", "out_of_range"),
        ("/api/v1/organisation/dragon", "no_such_record"),
        ("/api/v1/organisation/service/none", "no_such_record"),
        ("/api/v1/policy/modules/none", "no_such_record"),
        ("/api/v1/inbox/1", "no_such_record"),
        ("/api/v1/people/nobody", "no_such_record"),
        ("/log/tile/0/x", "no_such_record"),
        ("/log/tile/0/999", "no_such_record"),
    ] {
        let answered = app.get(&app.admin, path).await;
        assert_eq!(answered.code(), code, "{path}: {:?}", answered.body);
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let options =
        ServerOptions { request_timeout: Duration::from_millis(20), ..ServerOptions::default() };
    let app = TestApp::with(options).await;
    for (path, token) in [("/api/v1/stops", app.admin.as_str()), ("/hooks/x", "")] {
        let never =
            Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let answered = app.send(request(Method::POST, path, token, &[JSON], never)).await;
        assert_eq!((answered.status, answered.code().as_str()), (503, "request_timeout"), "{path}");
    }
}
