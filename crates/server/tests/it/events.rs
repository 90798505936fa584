//! Events as they happen, and coming back without missing any.

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_testkit::{ORGANISATION, TestApp, request};

use crate::description::holds;
use crate::gate::allowed;

/// An open stream of events.
struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Self {
        let token = app.token(&[Permission::EventRead]).await;
        let response = app.open(request(Method::GET, path, &token, headers, Body::empty())).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event: its id and its data. `None` at the end of the stream.
    async fn next(&mut self) -> Option<(u64, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let parsed = line("data: ").zip(line("id: "));
                let parsed = parsed.map(|(data, id)| {
                    (id.parse().expect("an index"), serde_json::from_str(data).expect("JSON"))
                });
                self.text = rest.to_owned();
                match parsed {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let frame = self.body.frame().await?.expect("the stream goes on");
            let data = frame.into_data().expect("a stream of data");
            self.text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
        }
    }
}

#[tokio::test]
async fn events_come_as_they_happen_and_only_those_wanted() {
    let app = TestApp::start().await;
    let mut stream = Stream::open(&app, "/api/v1/events?type=gate.", &[]).await;
    allowed(&app, 1).await;
    let (id, event) = stream.next().await.expect("an event");
    holds("CloudEvent", &event);
    assert_eq!(event["type"], "sluice.gate.decided.v1");
    assert_eq!(event["source"], "//test.example/log");
    assert_eq!(event["id"], json!(id.to_string()));
    assert_eq!(event["data"]["answer"], "allow");
}

#[tokio::test]
async fn who_comes_back_misses_nothing() {
    let app = TestApp::start().await;
    let size = app.engine.standing().size;
    let mut all = Stream::open(&app, "/api/v1/events?from=0", &[]).await;
    let mut last = 0;
    for index in 0..size / 2 {
        let (id, _) = all.next().await.expect("an event");
        assert_eq!(id, index);
        last = id;
    }
    drop(all);
    allowed(&app, 1).await;
    let size = app.engine.standing().size;
    let back = last.to_string();
    let mut rest = Stream::open(&app, "/api/v1/events", &[("last-event-id", &back)]).await;
    for index in last + 1..size {
        assert_eq!(rest.next().await.map(|(id, _)| id), Some(index));
    }
}

#[tokio::test]
async fn who_has_seen_more_than_there_is_is_told() {
    let app = TestApp::empty().await;
    let headers = [("last-event-id", "99999")];
    let request = request(Method::GET, "/api/v1/events", &app.admin, &headers, Body::empty());
    let answered = app.send(request).await;
    assert_eq!((answered.status, answered.code().as_str()), (409, "ahead_of_ledger"));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let app = TestApp::empty().await;
    let mut stream = Stream::open(&app, "/api/v1/events?type=token.revoked", &[]).await;
    let standing = app.engine.standing();
    let token = standing.tokens.values().find(|token| token.permissions.len() == 1);
    let path = format!("/api/v1/tokens/{}", token.expect("the stream's token").token.id);
    app.send(request(Method::DELETE, &path, &app.admin, &[], Body::empty())).await;
    while stream.next().await.is_some() {}
}

#[tokio::test]
async fn a_stream_ends_with_what_its_person_may() {
    let app = TestApp::start().await;
    for by_token in [true, false] {
        let bob = app.logged_in("bob").await;
        let wish = json!({"label": "mine", "kind": "person", "person": "bob", "permissions": ["event.read"], "expires_in_hours": 100});
        let made = app.post(&bob, "/api/v1/tokens", &[], &wish).await;
        let token = made.json()["secret"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned();
        let by = if by_token { token } else { bob };
        let path = "/api/v1/events?type=stop.";
        let response = app.open(request(Method::GET, path, &by, &[], Body::empty())).await;
        assert_eq!(response.status(), 200);
        let mut stream = Stream { body: response.into_body(), text: String::new() };
        let own =
            r#"accounts: ["github:bob"], roles: [change_manager, security_officer, break_glass]"#;
        let files = ORGANISATION.replace(own, r#"accounts: ["github:bob"], roles: []"#);
        assert_ne!(files, ORGANISATION);
        app.apply(&[("sluice.yaml", &files)]).await;
        while stream.next().await.is_some() {}
        app.apply(&[("sluice.yaml", ORGANISATION)]).await;
    }
}
