//! Nobody passes a guard by writing a path or a method in an odd way (TRUST T42).

use axum::body::Body;
use http::{Method, Request};
use sluice_server::{Access, route_table};
use sluice_testkit::{TestApp, request};

use crate::access::filled;

fn mangled(path: &str) -> Vec<String> {
    let rest = path.trim_start_matches('/');
    let last = path.rfind('/').unwrap_or(0);
    let (head, tail) = path.split_at(last);
    vec![
        format!("/{path}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("/.{path}"),
        format!("/x/..{path}"),
        format!("/healthz/..{path}"),
        format!("/healthz/%2e%2e{path}"),
        format!("/log/tile/..{path}"),
        format!("{path};jsessionid=1"),
        format!("/;{path}"),
        format!("{head};x=1{tail}"),
        format!("{path}%2e"),
        format!("{path}%2f"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("{path}%09"),
        format!("{path}%3f"),
        format!("{path}%23"),
        format!("{path}.json"),
        format!("/{}", rest.replace('/', "%2f")),
        format!("/{}", rest.replace('/', "%2F")),
        format!("/{}", rest.replace('/', "//")),
        format!("/{}", rest.replace('/', "/./")),
        format!("/{}", rest.replace('/', "\\")),
        format!("/{}", rest.replace('a', "%61")),
        path.to_uppercase(),
        format!("{path}?access_token=x"),
        format!("{path}?_method=GET"),
        format!("/hooks{path}"),
        format!("/log/tile{path}"),
    ]
}

#[tokio::test]
async fn odd_paths_never_answer_2xx_without_a_token() {
    let app = TestApp::empty().await;
    for facts in route_table() {
        if !matches!(facts.access, Access::Needs(_) | Access::AnyToken) {
            continue;
        }
        for path in mangled(&filled(facts.path)) {
            for method in [Method::GET, Method::POST, Method::HEAD, Method::PUT, Method::PATCH] {
                let Ok(request) = Request::builder()
                    .method(method.clone())
                    .uri(&path)
                    .header("x-http-method-override", "GET")
                    .header("x-original-url", "/healthz")
                    .header("x-rewrite-url", "/healthz")
                    .body(Body::empty())
                else {
                    continue;
                };
                let status = app.send(request).await.status;
                assert!((400..500).contains(&status), "{method} {path} is answered with {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_has_one_form_with_a_token_too() {
    let app = TestApp::empty().await;
    for (path, status, code) in [
        ("/api/v1/whoami", 200, ""),
        ("/api/v1/whoami/", 400, "path_not_normal"),
        ("/api/v1//whoami", 400, "path_not_normal"),
        ("/api/v1/%77hoami", 400, "path_not_normal"),
        ("/api/v1/whoami;x", 400, "path_not_normal"),
        ("/api/v1/who", 404, "not_found"),
        ("/", 200, ""),
        ("/nothing", 404, "not_found"),
        ("/api/v1/organisation/service/a%2fb", 400, "path_not_normal"),
    ] {
        let answered = app.get(&app.admin, path).await;
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{path}");
    }
    let long = format!("/api/v1/changes?q={}", "x".repeat(4_096));
    assert_eq!(app.get(&app.admin, &long).await.code(), "url_too_long");
}

#[tokio::test]
async fn the_method_is_the_method() {
    let app = TestApp::empty().await;
    let headers = [("x-http-method-override", "DELETE")];
    let request = request(Method::PUT, "/api/v1/whoami", &app.admin, &headers, Body::empty());
    let answered = app.send(request).await;
    assert_eq!((answered.status, answered.code().as_str()), (405, "method_not_allowed"));
    assert!(answered.header("allow").contains("GET"), "{:?}", answered.headers);
}
