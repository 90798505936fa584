//! What people do beside changes: comments, evidence that is opened, one word on several changes; deliveries that are
//! read again; what browsers report.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_testkit::{TestApp, request};

use crate::description::holds;
use crate::gate::{ask, question};

async fn change(app: &TestApp, number: u64) -> Value {
    app.get(&app.admin, &format!("/api/v1/changes/CHG{number:07}")).await.json()
}

async fn names(app: &TestApp) -> Vec<String> {
    let list = app.get(&app.admin, "/api/v1/changes/CHG0000001/trail?limit=100").await.json();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|it| it["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A change of the shop with one piece of evidence, which waits for bob or alice.
pub(crate) async fn waiting(app: &TestApp, seed: u32) {
    let mut asked = question("shop", seed);
    asked["evidence"] = json!([{"type": "scan", "name": "image scan", "status": "passed",
        "url": "https://ci.test.example/scan"}]);
    ask(app, &format!("shop-{seed}"), &asked).await;
}

#[tokio::test]
async fn a_comment_stays_and_does_not_alter_the_change() {
    let app = TestApp::start().await;
    waiting(&app, 1).await;
    let before = change(&app, 1).await;
    let alice = app.logged_in("alice").await;
    let path = "/api/v1/changes/CHG0000001/comments";
    let said =
        app.post(&alice, path, &[], &json!({"text": "  the <b>index</b> is missing "})).await;
    assert_eq!(said.status, 201, "{}", said.text());
    let list = app.get(&app.admin, path).await.json();
    holds("CommentList", &list);
    assert_eq!(list["items"][0]["text"], "the <b>index</b> is missing");
    let after = change(&app, 1).await;
    assert_eq!(after["version_of_record"], before["version_of_record"]);
    assert_eq!(after["comments"], 1);
    let page = app.get(&alice, "/changes/CHG0000001").await.text();
    assert!(page.contains("the &lt;b&gt;index&lt;/b&gt; is missing"));
    // What is over can be talked about too.
    let tag = format!("\"{}\"", after["version_of_record"]);
    let cancel = "/api/v1/changes/CHG0000001/cancel";
    let done = app.post(&alice, cancel, &[("if-match", &tag)], &json!({"reason": "no"})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let again = app.form(&alice, "/changes/CHG0000001/comments", "text=well").await;
    assert_eq!(again.header("location"), "/changes/CHG0000001?done=commented#comments");
    let list = app.get(&app.admin, path).await.json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_comment_is_bounded_and_needs_a_say_in_the_change() {
    let app = TestApp::start().await;
    waiting(&app, 1).await;
    let alice = app.logged_in("alice").await;
    let path = "/api/v1/changes/CHG0000001/comments";
    for bad in ["", "   ", "bell \u{7}", &"x".repeat(2_001)] {
        let said = app.post(&alice, path, &[], &json!({"text": bad})).await;
        assert!([400, 413, 422].contains(&said.status), "{bad}: {}", said.status);
    }
    let reader = app.token(&[Permission::ChangeRead]).await;
    let said = app.post(&reader, path, &[], &json!({"text": "hello"})).await;
    assert_eq!((said.status, said.code().as_str()), (403, "may_not_comment"));
    let elsewhere = "/api/v1/changes/CHG0000099/comments";
    assert_eq!(app.post(&alice, elsewhere, &[], &json!({"text": "x"})).await.status, 404);
}

#[tokio::test]
async fn opened_evidence_is_recorded_once_and_only_from_our_own_pages() {
    let app = TestApp::start().await;
    waiting(&app, 1).await;
    let alice = app.logged_in("alice").await;
    let open = async |site: &str, mode: &str| {
        let headers = [("sec-fetch-site", site), ("sec-fetch-mode", mode)];
        let path = "/changes/CHG0000001/evidence/0";
        let shown = app.send(request(Method::GET, path, &alice, &headers, Body::empty())).await;
        assert_eq!(shown.status, 200);
        assert!(shown.text().contains("https://ci.test.example/scan"));
        names(&app).await.iter().filter(|name| *name == "change.evidence_opened").count()
    };
    assert_eq!(open("cross-site", "navigate").await, 0);
    assert_eq!(open("same-origin", "cors").await, 0, "a script looked, and no person");
    assert_eq!(open("same-origin", "navigate").await, 1);
    assert_eq!(open("same-origin", "navigate").await, 1);
    let looks = change(&app, 1).await["looks"].clone();
    assert_eq!(looks[0]["name"], "image scan");
    let path = "/api/v1/changes/CHG0000001/evidence/opened";
    let none = app.post(&alice, path, &[], &json!({"type": "scan", "name": "another"})).await;
    assert_eq!((none.status, none.code().as_str()), (404, "evidence_unknown"));
}

#[tokio::test]
async fn several_changes_are_approved_each_at_the_revision_that_was_shown() {
    let app = TestApp::start().await;
    let rules = sluice_testkit::ORGANISATION
        .replace("settings: {title: Test,", "settings: {title: Test, approve_together: medium,");
    app.apply(&[("sluice.yaml", &rules)]).await;
    for seed in 1..=3 {
        waiting(&app, seed).await;
    }
    let alice = app.logged_in("alice").await;
    let page = app.get(&alice, "/changes/together").await.text();
    let revision = |change: &Value| change["revision"]["digest"].as_str().unwrap_or("").to_owned();
    let (one, two) = (revision(&change(&app, 1).await), revision(&change(&app, 2).await));
    assert!(page.contains(&one) && page.contains(&two), "each shows its own revision");
    assert!(!page.contains(" checked"), "nothing is picked before somebody picks it");
    let body = json!({"reason": "read both", "changes": [
        {"change": "CHG0000001", "revision": one},
        {"change": "CHG0000002", "revision": format!("sha256:{}", "0".repeat(64))},
    ]});
    let answered = app.post(&alice, "/api/v1/approvals", &[], &body).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    let list = answered.json();
    holds("TogetherList", &list);
    assert_eq!(list["items"][0]["approved"], true);
    assert_eq!(list["items"][1]["code"], "needs_own_look");
    assert_eq!(change(&app, 1).await["approvals"].as_array().map(Vec::len), Some(1));
    assert_eq!(change(&app, 2).await["approvals"].as_array().map(Vec::len), Some(0));
    // The same by the form, with what was picked and nothing else.
    let body = format!("pick-CHG0000002={two}&reason=fine");
    let sent = app.form(&alice, "/changes/together", &body).await;
    assert_eq!(sent.header("location"), "/changes/together?said=CHG0000002%3Ayes");
    assert_eq!(change(&app, 3).await["approvals"].as_array().map(Vec::len), Some(0));
    assert_eq!(app.form(&alice, "/changes/together", "reason=x").await.status, 400);
}

#[tokio::test]
async fn what_needs_a_look_of_its_own_is_not_approved_with_others() {
    let app = TestApp::start().await;
    let rules = sluice_testkit::ORGANISATION
        .replace("settings: {title: Test,", "settings: {title: Test, approve_together: never,");
    app.apply(&[("sluice.yaml", &rules)]).await;
    waiting(&app, 1).await;
    let alice = app.logged_in("alice").await;
    let revision = change(&app, 1).await["revision"]["digest"].clone();
    let body = json!({"changes": [{"change": "CHG0000001", "revision": revision}]});
    let list = app.post(&alice, "/api/v1/approvals", &[], &body).await.json();
    assert_eq!(list["items"][0]["code"], "needs_own_look");
    let page = app.get(&alice, "/changes/together").await.text();
    assert!(!page.contains("name=\"pick-CHG0000001\""));
    // An old proof of who one is does not do for production, one by one or together.
    app.clock.advance(std::time::Duration::from_secs(11 * 60));
    let list = app.post(&alice, "/api/v1/approvals", &[], &body).await.json();
    assert_eq!(list["items"][0]["code"], "step_up_needed");
    // A machine has no word.
    let machine = app.post(&app.admin, "/api/v1/approvals", &[], &body).await;
    assert_eq!(machine.status, 403);
}

#[tokio::test]
async fn what_was_put_aside_is_read_again_and_what_was_read_is_not() {
    let app = TestApp::start().await;
    let hook = app.hook("pipeline");
    let secret = sluice_testkit::NamedSecrets::of("CDEVENTS");
    let token = String::from_utf8_lossy(&secret).into_owned();
    let headers = [
        ("content-type", "application/cloudevents+json"),
        ("authorization", &format!("Bearer {token}")),
    ];
    let body = json!({"specversion": "1.0", "id": "e1", "source": "/x", "type": "org.example.other",
        "datacontenttype": "application/json", "data": {}});
    let sent = request(Method::POST, &hook, "", &headers, Body::from(body.to_string()));
    let answered = app.send(sent).await;
    assert_eq!(answered.status, 202, "{}", answered.text());
    app.engine.interpret_inbox().await.expect("the inbox is read");
    let state = async || app.get(&app.admin, "/api/v1/inbox/1").await.json()["state"].clone();
    let read = state().await;
    assert!(read == "ignored" || read == "quarantined", "{read}");
    let replayed = app.post(&app.admin, "/api/v1/inbox/1/replay", &[], &json!({})).await;
    assert_eq!(replayed.status, 200, "{}", replayed.text());
    assert_eq!(state().await, "new");
    let again = app.form(&app.admin, "/admin/inbox/1/replay", "").await;
    assert_eq!(again.status, 409, "it waits to be read already");
    assert_eq!(app.engine.interpret_inbox().await.expect("the inbox is read"), 1);
    assert_eq!(state().await, read);
    let page = app.get(&app.admin, "/admin/inbox/1").await.text();
    assert!(page.contains("org.example.other"));
    let reader = app.token(&[Permission::InboxRead]).await;
    assert_eq!(app.post(&reader, "/api/v1/inbox/1/replay", &[], &json!({})).await.status, 403);
    assert_eq!(app.post(&app.admin, "/api/v1/inbox/9/replay", &[], &json!({})).await.status, 404);
}

#[tokio::test]
async fn reports_of_browsers_are_small_and_few() {
    let app = TestApp::start().await;
    let page = app.get(&app.admin, "/changes").await;
    assert!(page.header("content-security-policy").ends_with("report-to csp"));
    assert_eq!(page.header("reporting-endpoints"), "csp=\"/reports/csp\"");
    let headers = [("content-type", "application/reports+json")];
    let send = async |body: String| {
        app.send(request(Method::POST, "/reports/csp", "", &headers, Body::from(body))).await.status
    };
    let report = json!([{"type": "csp-violation", "body": {"documentURL": "https://x/?q=secret"}}]);
    assert_eq!(send(report.to_string()).await, 204);
    assert_eq!(send("not json".to_owned()).await, 204);
    assert_eq!(send("x".repeat(20_000)).await, 413);
    let mut last = 0;
    for _ in 0..40 {
        last = send("[]".to_owned()).await;
    }
    assert_eq!(last, 429);
}
