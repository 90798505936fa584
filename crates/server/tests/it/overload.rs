//! What there is no room for is told to come again, for as long as those who have the room are at work.

use axum::body::Body;
use futures_util::FutureExt;
use http::Method;
use serde_json::json;
use sluice_testkit::{TestApp, request};

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
