//! Secrets go in and never come out: not by any route, not in the ledger, not in any file of the server.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_server::route_table;
use sluice_testkit::{Answered, ORGANISATION, TestApp, request};

use crate::access::filled;
use crate::description::holds;

const LINK: &str = r#"
links:
  - {name: kept, connector: cdevents, secrets: [{stored: kept/one}], settings: {verification: token, system: "tekton:test.example"}}
"#;

async fn set(app: &TestApp, name: &str, value: &str) -> Answered {
    let headers = [("content-type", "application/json")];
    let body = Body::from(json!({"value": value}).to_string());
    let path = format!("/api/v1/secrets/{name}");
    app.send(request(Method::PUT, &path, &app.admin, &headers, body)).await
}

async fn deliver(app: &TestApp, secret: &str) -> u16 {
    let event = json!({"specversion": "1.0", "id": "1", "source": "x", "type": "dev.test"});
    let headers = [
        ("content-type", "application/cloudevents+json"),
        ("authorization", &*format!("Bearer {secret}")),
        ("x-sluice-token", secret),
    ];
    let body = Body::from(event.to_string());
    app.send(request(Method::POST, &app.hook("kept"), "", &headers, body)).await.status
}

#[tokio::test]
async fn a_link_uses_a_secret_that_is_kept() {
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", ORGANISATION), ("kept.yaml", LINK)]).await;
    assert_eq!(deliver(&app, "canary-of-the-link").await, 401, "there is no secret yet");
    let first = set(&app, "kept/one", "canary-of-the-link").await;
    assert_eq!((first.status, first.json()["version"].as_u64()), (200, Some(1)));
    assert_eq!(deliver(&app, "another").await, 401);
    assert_eq!(deliver(&app, "canary-of-the-link").await, 202);
    assert_eq!(set(&app, "kept/one", "a newer one").await.json()["version"], 2);
    assert_eq!(deliver(&app, "canary-of-the-link").await, 401);
    let listed = app.get(&app.admin, "/api/v1/secrets").await.json();
    holds("SecretList", &listed);
    assert_eq!(listed["items"][0]["name"], "kept/one");
    let rewrapped = app.post(&app.admin, "/api/v1/secrets-rewrap", &[], &json!({})).await;
    assert_eq!(rewrapped.json()["secrets"], 1);
    assert_eq!(deliver(&app, "a newer one").await, 200, "it came before");
    let gone = request(Method::DELETE, "/api/v1/secrets/kept/one", &app.admin, &[], Body::empty());
    let gone = app.send(gone).await;
    assert_eq!((gone.status, &gone.json()["links"]), (200, &json!(["kept"])), "{gone:?}");
    holds("SecretRemoved", &gone.json());
    assert_eq!(deliver(&app, "a newer one").await, 401);
}

#[tokio::test]
async fn what_is_no_secret_is_refused() {
    let app = TestApp::empty().await;
    assert_eq!(set(&app, "a", "").await.code(), "bad_secret");
    assert_eq!(set(&app, "a", &"x".repeat(16 << 10)).await.status, 200);
    assert_eq!(set(&app, "a", &"x".repeat((16 << 10) + 1)).await.code(), "bad_secret");
    assert_eq!(set(&app, "-a", "x").await.status, 400);
    let other = app.token(&[Permission::OrganisationApply]).await;
    assert_eq!(app.get(&other, "/api/v1/secrets").await.status, 403);
}

/// Fifty canaries by every way in: as secrets, as the credentials of requests, where a secret has no place. They are found
/// in no answer, no file and no line of the log, however much of it is written.
#[tokio::test]
async fn canaries_are_found_nowhere() {
    let log = Log::listen();
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", ORGANISATION), ("kept.yaml", LINK)]).await;
    let canary = |n: usize| format!("canary{n:04}f3a9c1");
    let mut said = Vec::new();
    for n in 0..20 {
        said.push(set(&app, &format!("canary-{n}"), &canary(n)).await);
    }
    set(&app, "kept/one", &canary(20)).await;
    deliver(&app, &canary(20)).await;
    deliver(&app, &canary(21)).await;
    for n in 22..30 {
        said.push(app.get(&canary(n), "/api/v1/changes").await);
        let body = json!({"handle": "alice", "password": canary(n), "client": "cli"});
        said.push(app.post("", "/api/v1/login", &[], &body).await);
    }
    for n in 30..40 {
        let form = format!("grant_type=x&subject_token={}&subject_token_type=y", canary(n));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let path = "/api/v1/token/exchange";
        said.push(app.send(request(Method::POST, path, "", &headers, Body::from(form))).await);
        let path = format!("/auth/oidc/callback?code={}&state=x", canary(n));
        said.push(app.get("", &path).await);
    }
    for n in 40..50 {
        let wrong = json!({"value": {"inside": canary(n)}});
        let headers = [("content-type", "application/json")];
        let put = request(
            Method::PUT,
            "/api/v1/secrets/wrong",
            &app.admin,
            &headers,
            Body::from(wrong.to_string()),
        );
        said.push(app.send(put).await);
        let cookie = [("cookie", &*format!("__Host-sluice={}", canary(n)))];
        said.push(
            app.send(request(Method::GET, "/api/v1/changes", "", &cookie, Body::empty())).await,
        );
    }
    // Every route that reads, for whoever may read it.
    for facts in route_table().iter().filter(|facts| facts.method == Method::GET) {
        if facts.path != "/api/v1/events" {
            said.push(app.get(&app.admin, &filled(facts.path)).await);
        }
    }
    for answered in &said {
        let shown = format!("{:?} {}", answered.headers, String::from_utf8_lossy(&answered.body));
        assert!(!shown.contains("f3a9c1"), "{shown}");
    }
    assert_eq!(told_in_files(&app), Vec::<String>::new());
    let (lines, told) = log.heard();
    assert!(lines > 100, "the log was listened to: {lines} lines");
    assert_eq!(told, Vec::<String>::new());
    let entries = app.get(&app.admin, "/api/v1/ledger/entries?limit=200").await;
    assert_ne!(entries.json()["items"], Value::Null);
}

/// All that this process logs, at the level that tells most.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<(usize, Vec<String>)>>);

impl Log {
    fn listen() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens");
        log
    }

    /// How many lines there were, and those with a canary.
    fn heard(&self) -> (usize, Vec<String>) {
        self.0.lock().expect("unharmed").clone()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut heard = self.0.lock().expect("unharmed");
        heard.0 += 1;
        let text = String::from_utf8_lossy(bytes);
        if text.contains("f3a9c1") {
            heard.1.push(text.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Files of the server's folder in which a canary is found.
fn told_in_files(app: &TestApp) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![app.dir().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(6).any(|window| window == b"f3a9c1") {
                found.push(path.display().to_string());
            }
        }
    }
    found
}
