//! The door for deliveries: signed ones are stored once, all others are refused alike.

use std::path::Path;

use axum::body::Body;
use data_encoding::HEXLOWER;
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sluice_server::ServerOptions;
use sluice_testkit::{Answered, NamedSecrets, ORGANISATION, TestApp, request};

use crate::description::holds;

fn signature(body: &[u8]) -> String {
    let secret = NamedSecrets::of("GITHUB");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).expect("any key will do");
    mac.update(body);
    format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

async fn deliver(
    app: &TestApp,
    path: &str,
    event: &str,
    id: &str,
    signature: &str,
    body: &[u8],
) -> Answered {
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", event),
        ("x-github-delivery", id),
        ("x-hub-signature-256", signature),
    ];
    app.send(request(Method::POST, path, "", &headers, Body::from(body.to_vec()))).await
}

/// A push of the commit that [`crate::gate::question`] makes of `seed`, by `alice`, heard and understood.
pub(crate) async fn pushed(app: &TestApp, service: &str, seed: u32) {
    let commit = format!("{seed:040x}");
    let body = serde_json::json!({
        "ref": "refs/heads/topic", "before": "0".repeat(40), "after": commit, "created": true, "deleted": false,
        "forced": false, "compare": "https://github.com/test", "head_commit": null,
        "repository": {"id": 1, "full_name": format!("test/{service}"), "default_branch": "main",
            "html_url": format!("https://github.com/test/{service}")},
        "sender": {"login": "alice", "id": 2, "type": "User"}, "pusher": {"name": "alice"},
        "commits": [{"id": commit, "tree_id": commit, "distinct": true, "message": "One", "url": "https://github.com/test",
            "timestamp": "2026-03-04T09:00:00Z", "author": {"name": "Alice", "username": "alice"},
            "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
            "added": [], "removed": [], "modified": ["a"]}],
    })
    .to_string();
    let (hook, id) = (app.hook("github"), format!("push-{seed}"));
    let heard =
        deliver(app, &hook, "push", &id, &signature(body.as_bytes()), body.as_bytes()).await;
    assert_eq!(heard.status, 202, "{:?}", heard.body);
    while app.engine.interpret_inbox().await.expect("the inbox is read") > 0 {}
}

#[tokio::test]
async fn a_signed_delivery_is_stored_once() {
    let app = TestApp::start().await;
    let hook = app.hook("github");
    let body = br#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#;
    let first = deliver(&app, &hook, "ping", "a", &signature(body), body).await;
    assert_eq!(first.status, 202, "{:?}", first.body);
    holds("HookReply", &first.json());
    for id in ["a", "b"] {
        let again = deliver(&app, &hook, "ping", id, &signature(body), body).await;
        assert_eq!(again.status, 200, "{id}");
        assert_eq!(again.json()["duplicate"], true, "{id}");
        assert_eq!(again.json()["inbox"], first.json()["inbox"], "{id}");
    }
    let list = app.get(&app.admin, "/api/v1/inbox").await.json();
    holds("DeliveryList", &list);
    let path = format!("/api/v1/inbox/{}", first.json()["inbox"]);
    let shown = app.get(&app.admin, &path).await.json();
    holds("Delivery", &shown);
    let stored =
        data_encoding::BASE64.decode(shown["body"].as_str().unwrap_or_default().as_bytes());
    assert_eq!(stored.as_deref(), Ok(body.as_slice()));
}

#[tokio::test]
async fn the_same_bytes_are_another_delivery_where_whoever_knows_the_secret_says_so() {
    let app = TestApp::start().await;
    let (hook, secret) = (app.hook("pipeline"), NamedSecrets::of("CDEVENTS"));
    let bearer = format!("Bearer {}", String::from_utf8(secret).expect("text"));
    let send = async |id: &str| {
        let headers = [
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
            ("ce-specversion", "1.0"),
            ("ce-id", id),
            ("ce-source", "/test"),
            ("ce-type", "dev.cdevents.service.deployed.0.2.0"),
        ];
        let body = Body::from("{\"subject\": {}}");
        app.send(request(Method::POST, &hook, "", &headers, body)).await.json()
    };
    let first = send("a").await;
    assert_eq!(first["duplicate"], false, "{first}");
    assert_eq!(send("a").await["inbox"], first["inbox"]);
    let other = send("b").await;
    assert!(other["duplicate"] == false && other["inbox"] != first["inbox"], "{other}");
}

#[tokio::test]
async fn what_is_refused_is_refused_alike() {
    let app = TestApp::start().await;
    let hook = app.hook("github");
    let body = b"{}";
    let good = signature(body);
    let mut answers = Vec::new();
    for (path, signature) in [
        (hook.as_str(), "sha256=00"),
        (hook.as_str(), ""),
        (hook.as_str(), signature(b"{ }").as_str()),
        ("/hooks/0123456789abcdef0123456789abcdef", good.as_str()),
        ("/hooks/x", good.as_str()),
        (&hook[..hook.len() - 1], good.as_str()),
    ] {
        let headers = [
            ("x-request-id", "same"),
            ("x-github-event", "push"),
            ("x-hub-signature-256", signature),
        ];
        let sent = request(Method::POST, path, "", &headers, Body::from(body.as_slice()));
        let answered = app.send(sent).await;
        assert_eq!((answered.status, answered.code().as_str()), (401, "hook_refused"), "{path}");
        answers.push((answered.headers, answered.body));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(app.get(&app.admin, "/api/v1/inbox").await.json()["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_delivery_has_a_size_and_all_of_them_have_a_budget() {
    let options = ServerOptions { hook_budget_bytes: 6 << 20, ..ServerOptions::default() };
    let app = TestApp::with(options).await;
    app.apply(&[("sluice.yaml", ORGANISATION)]).await;
    let hook = app.hook("github");
    let large = vec![b' '; (5 << 20) + 1];
    let answered = deliver(&app, &hook, "push", "a", "sha256=00", &large).await;
    assert_eq!((answered.status, answered.code().as_str()), (413, "body_too_large"));
    let declared = [("content-length", "5242881")];
    let never =
        Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let answered = app.send(request(Method::POST, &hook, "", &declared, never)).await;
    assert_eq!(answered.status, 413);

    // One that is still being sent holds its part of the budget.
    let never =
        Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let declared = [("content-length", "5242880")];
    let slow = app.send(request(Method::POST, &hook, "", &declared, never));
    let mut slow = std::pin::pin!(slow);
    assert!(slow.as_mut().now_or_never().is_none());
    let second = [("content-length", "2097152")];
    let body = Body::from(vec![b' '; 2 << 20]);
    let answered = app.send(request(Method::POST, &hook, "", &second, body)).await;
    assert_eq!((answered.status, answered.code().as_str()), (503, "overloaded"));
    assert!(!answered.header("retry-after").is_empty());
}

#[tokio::test]
async fn one_sender_does_not_take_the_room_of_the_others() {
    let header = Some("x-sender".to_owned());
    let options = ServerOptions { address_header: header, ..ServerOptions::default() };
    let app = TestApp::with(options).await;
    app.apply(&[("sluice.yaml", ORGANISATION)]).await;
    let hook = app.hook("github");
    let send = |sender: &'static str, declared: &'static str| {
        let headers = [("content-length", declared), ("x-sender", sender)];
        let never =
            Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        Box::pin(app.send(request(Method::POST, &hook, "", &headers, never)))
    };
    // Large ones until the share is used up, small ones until there are too many.
    for (sender, declared, most) in [("192.0.2.1", "5242880", 3), ("2001:db8::1", "10", 32)] {
        let mut slow: Vec<_> = (0..most).map(|_| send(sender, declared)).collect();
        for one in &mut slow {
            assert!(one.as_mut().now_or_never().is_none(), "{sender} is read");
        }
        let refused = send(sender, declared).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"), "{sender}");
        assert_eq!(refused.header("retry-after"), "2");
        let mut other = send("198.51.100.7", "5242880");
        assert!(other.as_mut().now_or_never().is_none(), "another is read beside {sender}");
        drop(slow);
        assert!(send(sender, declared).as_mut().now_or_never().is_none(), "it is given back");
    }
}

#[tokio::test]
async fn senders_of_cloud_events_are_agreed_with() {
    let app = TestApp::start().await;
    for path in [app.hook("pipeline").as_str(), "/hooks/x"] {
        let headers =
            [("webhook-request-origin", "events.test.example"), ("webhook-request-rate", "120")];
        let answered = app.send(request(Method::OPTIONS, path, "", &headers, Body::empty())).await;
        assert_eq!(answered.status, 200);
        assert_eq!(answered.header("webhook-allowed-origin"), "events.test.example");
        assert_eq!(answered.header("webhook-allowed-rate"), "*");
    }
}

#[tokio::test]
async fn every_real_delivery_is_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/webhooks-github");
    if !root.is_dir() {
        let required = std::env::var_os("SLUICE_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(!required, "shared data is required and absent");
        println!("SKIPPED: shared data absent");
        return;
    }
    let app = TestApp::start().await;
    let hook = app.hook("github");
    let mut count = 0;
    let folders = std::fs::read_dir(&root).expect("the data set").flatten();
    for folder in folders.filter(|folder| folder.path().is_dir()) {
        let event = folder.file_name().to_string_lossy().into_owned();
        for file in std::fs::read_dir(folder.path()).expect("an event's folder").flatten() {
            let body = std::fs::read(file.path()).expect("a payload");
            let id = format!("{event}/{}", file.file_name().to_string_lossy());
            let answered = deliver(&app, &hook, &event, &id, &signature(&body), &body).await;
            assert!(matches!(answered.status, 200 | 202), "{id}: {:?}", answered.body);
            count += 1;
        }
    }
    assert!(count > 50, "only {count} payloads");
}
