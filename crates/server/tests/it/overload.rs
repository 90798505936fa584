//! What there is no room for is told to come again, for as long as those who have the room are at work.

use axum::body::Body;
use futures_util::{FutureExt, StreamExt};
use http::Method;
use serde_json::json;
use sluice_core::permission::Permission;
use sluice_server::ServerOptions;
use sluice_testkit::{Answered, ORGANISATION, TestApp, request};

use crate::gate::{ask, question};

/// Places of the class that checks whole organisations, and how many may wait for one.
const ROOM: usize = 2 + 4;

#[tokio::test]
async fn a_place_is_held_until_the_answer_and_given_back_with_it() {
    let app = TestApp::start().await;
    let folder = json!({"files": {"sluice.yaml": "settings: {title: Test}"}});
    let check = || Box::pin(app.post(&app.admin, "/api/v1/organisation/check", &[], &folder));
    let mut at_work: Vec<_> = (0..ROOM).map(|_| check()).collect();
    for one in &mut at_work {
        assert!(one.as_mut().now_or_never().is_none(), "it is at work, or waits for a place");
    }
    let refused = check().await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    assert_eq!(refused.header("retry-after"), "1");
    // Those who wait may be told to come again too, where the machine is slow; those at work are answered.
    let answered = futures_util::future::join_all(at_work).await;
    assert!(answered.iter().all(|one| [200, 503].contains(&one.status)), "{answered:?}");
    assert!(answered.iter().filter(|one| one.status == 200).count() >= 2, "{answered:?}");
    assert_eq!(check().await.status, 200);
}

#[tokio::test]
async fn nobody_holds_a_place_while_they_send() {
    let app = TestApp::start().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "slow")];
    let send = || {
        let never =
            Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        Box::pin(app.send(request(Method::POST, "/api/v1/gate", &app.admin, &headers, never)))
    };
    let mut slow: Vec<_> = (0..2_000).map(|_| send()).collect();
    for one in &mut slow {
        assert!(one.as_mut().now_or_never().is_none(), "it is read");
    }
    assert_eq!(ask(&app, "beside", &question("docs", 1)).await.status, 200);
}

#[tokio::test]
async fn only_so_many_whole_organisations_are_received_at_once() {
    let app = TestApp::start().await;
    let headers = [("content-type", "application/json")];
    let check = |body| {
        let path = "/api/v1/organisation/check";
        Box::pin(app.send(request(Method::POST, path, &app.admin, &headers, body)))
    };
    let never =
        || Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let mut slow: Vec<_> = (0..16).map(|_| check(never())).collect();
    for one in &mut slow {
        assert!(one.as_mut().now_or_never().is_none(), "it is read");
    }
    let folder = || Body::from(json!({"files": {"sluice.yaml": "settings: {}"}}).to_string());
    let refused = check(folder()).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    drop(slow);
    assert_eq!(check(folder()).await.status, 200);
}

/// A body that begins with so many bytes and never ends.
fn begun(bytes: usize) -> Body {
    let first =
        futures_util::stream::once(async move { Ok::<_, std::io::Error>(vec![b' '; bytes]) });
    Body::from_stream(first.chain(futures_util::stream::pending()))
}

/// How many of them are read until there is no room; they are sent and never answered.
fn taken<F: Future<Output = Answered> + Unpin>(send: impl Fn() -> F, most: usize) -> Vec<F> {
    let mut slow = Vec::new();
    while slow.len() < most {
        let mut one = send();
        if let Some(refused) = (&mut one).now_or_never() {
            assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
            assert_eq!(refused.header("retry-after"), "2");
            break;
        }
        slow.push(one);
    }
    slow
}

#[tokio::test]
async fn who_has_not_come_in_sends_little_and_one_address_takes_the_room_of_no_other() {
    let header = Some("x-sender".to_owned());
    let options = ServerOptions { address_header: header, ..ServerOptions::default() };
    let app = TestApp::with(options).await;
    let send = |path: &'static str, sender: String, body| {
        let headers = [("content-type", "application/json"), ("x-sender", sender.as_str())];
        Box::pin(app.send(request(Method::POST, path, "", &headers, body)))
    };
    for path in ["/api/v1/login", "/api/v1/token/exchange", "/login"] {
        let large =
            send(path, "192.0.2.9".to_owned(), Body::from(vec![b' '; (64 << 10) + 1])).await;
        assert_eq!(large.status, 413, "{path}");
    }
    let mut held = Vec::new();
    for sender in 1..=4 {
        let one = || send("/api/v1/login", format!("192.0.2.{sender}"), begun(32 << 10));
        let slow = taken(one, 2_000);
        assert_eq!(slow.len(), 1_024, "32 MiB of {sender}");
        held.push(slow);
    }
    // 128 MiB are all there is for those who have not come in; those who have are not among them.
    assert_eq!(send("/api/v1/login", "192.0.2.5".to_owned(), begun(1)).await.status, 503);
    let without = request(Method::GET, "/login", "", &[], Body::empty());
    assert_eq!(app.send(without).await.status, 200);
    app.apply(&[("sluice.yaml", ORGANISATION)]).await;
    assert_eq!(ask(&app, "beside", &question("docs", 1)).await.status, 200);
    held.pop();
    let login = Body::from(json!({"login": "nobody", "password": "wrong"}).to_string());
    assert_ne!(send("/api/v1/login", "192.0.2.5".to_owned(), login).await.status, 503);
}

#[tokio::test]
async fn nobody_is_read_before_it_is_known_that_they_may_ask() {
    let app = TestApp::start().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "slow")];
    for (token, wanted) in [("", 401), ("slu_nobody", 401)] {
        let body = begun(1 << 20);
        let sent = app.send(request(Method::POST, "/api/v1/gate", token, &headers, body));
        assert_eq!(sent.now_or_never().expect("it is not read").status, wanted);
    }
}

#[tokio::test]
async fn one_token_has_a_share_of_the_room_for_questions() {
    let app = TestApp::start().await;
    let other = app.token(&[Permission::GateEvaluate]).await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "slow")];
    let send = |token: &str| {
        Box::pin(app.send(request(Method::POST, "/api/v1/gate", token, &headers, begun(1 << 19))))
    };
    let slow = taken(|| send(&app.admin), 1_000);
    assert_eq!(slow.len(), 64, "32 MiB");
    assert_eq!(taken(|| send(&other), 1).len(), 1);
    assert_eq!(ask(&app, "beside", &question("docs", 1)).await.status, 503);
    drop(slow);
    assert_eq!(ask(&app, "after", &question("docs", 1)).await.status, 200);
}

#[tokio::test]
async fn nobody_holds_a_place_while_they_deliver() {
    let header = Some("x-sender".to_owned());
    let options = ServerOptions { address_header: header, ..ServerOptions::default() };
    let app = TestApp::with(options).await;
    app.apply(&[("sluice.yaml", ORGANISATION)]).await;
    let hook = app.hook("github");
    let send = |sender: usize| {
        let address = format!("192.0.2.{sender}");
        let headers = [("content-length", "10"), ("x-sender", address.as_str())];
        Box::pin(app.send(request(Method::POST, &hook, "", &headers, begun(1))))
    };
    let mut slow: Vec<_> = (0..12 * 32).map(|number| send(number / 32)).collect();
    for one in &mut slow {
        assert!(one.as_mut().now_or_never().is_none(), "it is read");
    }
    let headers = [("x-sender", "198.51.100.7"), ("x-github-event", "push")];
    let body = Body::from("{}");
    let refused = app.send(request(Method::POST, &hook, "", &headers, body)).await;
    assert_eq!(refused.code(), "hook_refused", "its signature was looked at");
}
