//! Changes over HTTP: pages, trails, and edits that name the version they speak of.

use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_testkit::TestApp;

use crate::description::holds;
use crate::gate::{allowed, ask, question};

#[tokio::test]
async fn pages_show_everything_once() {
    let app = TestApp::start().await;
    for seed in 1..=5 {
        allowed(&app, seed).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/changes?service=docs&limit=2".to_owned();
    loop {
        let page = app.get(&app.admin, &path).await.json();
        holds("ChangeList", &page);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        seen.extend(
            items.iter().map(|item| item["number"].as_str().unwrap_or_default().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["CHG0000005", "CHG0000004", "CHG0000003", "CHG0000002", "CHG0000001"]);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let app = TestApp::start().await;
    allowed(&app, 1).await;
    ask(&app, "shop", &question("shop", 2)).await;
    for (query, count) in [
        ("", 2),
        ("service=shop", 1),
        ("waiting=true", 1),
        ("waiting=false", 1),
        ("state=scheduled", 1),
        ("environment=production", 2),
        ("environment=staging", 0),
        ("kind=emergency", 0),
        ("q=shop", 1),
    ] {
        let list = app.get(&app.admin, &format!("/api/v1/changes?{query}")).await.json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(count), "{query}: {list:#}");
    }
}

#[tokio::test]
async fn a_token_sees_what_its_scope_covers() {
    let app = TestApp::start().await;
    let answer = allowed(&app, 1).await;
    let scope = Scope { services: ["shop".to_owned()].into(), ..Scope::default() };
    let other = app.scoped_token(&[Permission::ChangeRead], scope).await;
    let list = app.get(&other, "/api/v1/changes").await.json();
    assert_eq!(list["items"], json!([]));
    for path in [
        "/api/v1/changes/CHG0000001".to_owned(),
        "/api/v1/changes/CHG0000001/trail".to_owned(),
        format!("/api/v1/decisions/{}", answer["decision"].as_str().unwrap_or_default()),
        format!("/api/v1/decisions/{}/input", answer["decision"].as_str().unwrap_or_default()),
    ] {
        assert_eq!(app.get(&other, &path).await.code(), "no_such_record", "{path}");
        assert_eq!(app.get(&app.admin, &path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_trail_tells_the_story_with_receipts() {
    let app = TestApp::start().await;
    allowed(&app, 1).await;
    let mut names = Vec::new();
    let mut path = "/api/v1/changes/CHG0000001/trail?limit=2".to_owned();
    loop {
        let page = app.get(&app.admin, &path).await.json();
        holds("EntryList", &page);
        for item in page["items"].as_array().expect("items") {
            names.push(item["name"].as_str().unwrap_or_default().to_owned());
            let receipt = app.get(&app.admin, item["receipt"].as_str().expect("a path")).await;
            assert_eq!(receipt.status, 200);
            holds("Receipt", &receipt.json());
        }
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names.first().map(String::as_str), Some("change.proposed"), "{names:?}");
    assert!(names.iter().any(|name| name == "gate.decided"), "{names:?}");
}

#[tokio::test]
async fn an_edit_names_the_version_it_speaks_of() {
    let app = TestApp::start().await;
    ask(&app, "shop", &question("shop", 1)).await;
    let path = "/api/v1/changes/CHG0000001";
    let cancel = format!("{path}/cancel");
    let body = json!({"reason": "not wanted any more"});
    let etag = app.get(&app.admin, path).await.header("etag").to_owned();
    let stale = "\"0\"".to_owned();
    for (tag, status, code) in [
        (None, 428, "if_match_missing"),
        (Some(&stale), 412, "record_outdated"),
        (Some(&"W/\"1\"".to_owned()), 412, "record_outdated"),
        (Some(&"nonsense".to_owned()), 400, "header_invalid"),
        (Some(&etag), 200, ""),
    ] {
        let headers: Vec<(&str, &str)> = tag.iter().map(|tag| ("if-match", tag.as_str())).collect();
        let answered = app.post(&app.admin, &cancel, &headers, &body).await;
        let found = (answered.status, answered.code());
        assert_eq!((found.0, found.1.as_str()), (status, code), "{tag:?} {:?}", answered.body);
    }
    let shown = app.get(&app.admin, path).await;
    assert_eq!(shown.json()["state"], "canceled");
    let again = app.post(&app.admin, &cancel, &[("if-match", "*")], &body).await;
    assert_eq!(again.status, 409, "{:?}", again.body);
}

#[tokio::test]
async fn an_approval_is_for_the_revision_that_was_shown() {
    let app = TestApp::start().await;
    let answer = ask(&app, "shop", &question("shop", 1)).await.json();
    let bob = app.person("bob", &[Permission::ChangeApprove]).await;
    let path = "/api/v1/changes/CHG0000001/approve";
    let other = json!({"revision": format!("sha256:{:064x}", 9)});
    let stale = app.post(&bob, path, &[], &other).await;
    assert_eq!(stale.status, 412, "{:?}", stale.body);
    for (who, status) in [("nobody-here", 404), ("bob", 403)] {
        // By handle; nobody is their own delegate.
        let stand_in = json!({"revision": answer["revision"], "on_behalf_of": who});
        let refused = app.post(&bob, path, &[], &stand_in).await;
        assert_eq!(refused.status, status, "{who} {:?}", refused.body);
    }
    let right = json!({"revision": answer["revision"], "reason": "looked at it"});
    let old = app.post(&bob, path, &[("if-match", "\"0\"")], &right).await;
    assert_eq!(old.code(), "record_outdated");
    let approved = app.post(&bob, path, &[], &right).await;
    assert_eq!(approved.status, 200, "{:?}", approved.body);
    let rejected = app.post(&bob, "/api/v1/changes/CHG0000001/reject", &[], &right).await;
    assert_eq!(rejected.status, 200, "{:?}", rejected.body);
    let verdicts: Vec<Value> = rejected.json()["change"]["approvals"]
        .as_array()
        .map(|all| all.iter().map(|one| one["verdict"].clone()).collect())
        .unwrap_or_default();
    assert_eq!(verdicts.last(), Some(&json!("reject")), "{verdicts:?}");
}
