//! What people keep for themselves, and what two of them decide on pages: notifications, views, proposals, the second
//! factor.

use axum::body::Body;
use http::Method;
use serde_json::json;
use sluice_engine::Client;
use sluice_testkit::{ORGANISATION, TestApp, request};

use crate::description::holds;
use crate::gate::{ask, question};
use crate::sessions::{totp, with_password};

#[tokio::test]
async fn what_waits_is_told_to_those_who_can_act_until_they_have_seen_it() {
    let app = TestApp::start().await;
    let (alice, carol) = (app.logged_in("alice").await, app.logged_in("carol").await);
    ask(&app, "one", &question("shop", 1)).await;
    let unseen = async |token: &str| {
        let list = app.get(token, "/api/v1/notifications").await.json();
        holds("WantedList", &list);
        list["unseen"].as_u64().unwrap_or(99)
    };
    assert_eq!(unseen(&alice).await, 1, "she is of the team that owns the shop");
    assert_eq!(unseen(&carol).await, 0, "her word does not count there");
    assert_eq!(unseen(&app.admin).await, 0, "a machine is asked nothing");
    assert!(app.get(&alice, "/notifications").await.text().contains("CHG0000001"));
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(app.form(&alice, "/notifications/seen", "").await.status, 303);
    assert_eq!(unseen(&alice).await, 0);
    assert!(app.get(&alice, "/notifications").await.text().contains("CHG0000001"));
    app.clock.advance(std::time::Duration::from_secs(1));
    ask(&app, "two", &question("shop", 2)).await;
    assert_eq!(unseen(&alice).await, 1);
    assert_eq!(
        app.post(&app.admin, "/api/v1/notifications/seen", &[], &json!({})).await.status,
        403
    );
}

#[tokio::test]
async fn a_view_belongs_to_a_person_and_stays_within_our_pages() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let kept = app.form(&alice, "/views", "title=My+reviews&to=%2Fchanges%3Fstate%3Dreview").await;
    assert_eq!(kept.header("location"), "/changes?state=review", "{}", kept.text());
    let page = app.get(&alice, "/changes").await.text();
    assert!(page.contains("My reviews") && page.contains("href=\"/changes?state=review\""));
    assert!(!app.get(&bob, "/changes").await.text().contains("My reviews"));
    for (name, address) in [
        ("x", "https://evil.example/"),
        ("x", "//evil.example/"),
        ("x", "/\\evil.example"),
        ("%20", "/changes"),
        ("bell%07", "/changes"),
    ] {
        let path = format!("/api/v1/views/{name}");
        let body = Body::from(json!({"address": address}).to_string());
        let headers = [("content-type", "application/json")];
        let answered = app.send(request(Method::PUT, &path, &alice, &headers, body)).await;
        assert!([400, 422].contains(&answered.status), "{name} {address}: {answered:?}");
    }
    let list = app.get(&alice, "/api/v1/views").await.json();
    holds("ViewList", &list);
    assert_eq!(list["items"][0]["address"], "/changes?state=review");
    app.form(&alice, "/views/remove", "title=My+reviews&to=%2Fchanges").await;
    assert_eq!(app.get(&alice, "/api/v1/views").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_role_is_proposed_by_one_and_confirmed_by_another_on_the_page() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let wish = "person=carol&role=auditor&service=&days=7&reason=quarterly+review";
    let proposed = app.form(&alice, "/proposals/roles", wish).await;
    assert_eq!(proposed.header("location"), "/proposals?done=proposed", "{}", proposed.text());
    for days in ["0", "-1", "9999", "x", "99999999999999999999"] {
        let wish = format!("person=carol&role=auditor&days={days}&reason=x");
        let refused = app.form(&alice, "/proposals/roles", &wish).await;
        assert_eq!(refused.status, 400, "no role without an end comes of it: {days}");
    }
    let grants = app.get(&alice, "/api/v1/roles/grants").await.json();
    assert_eq!(grants["items"].as_array().map(Vec::len), Some(1));
    let grant = grants["items"][0]["grant"].as_str().expect("a grant").to_owned();
    let confirm = format!("/proposals/roles/{grant}/confirm");
    let page = app.get(&alice, "/proposals").await.text();
    assert!(page.contains("quarterly review") && !page.contains(&confirm), "not her own");
    assert_eq!(app.form(&alice, &confirm, "").await.status, 403);
    assert!(app.get(&bob, "/proposals").await.text().contains(&confirm));
    assert_eq!(app.get(&bob, "/api/v1/notifications").await.json()["items"][0]["kind"], "role");
    assert_eq!(app.form(&bob, &confirm, "").await.header("location"), "/proposals?done=confirmed");
    let grants = app.get(&alice, "/api/v1/roles/grants").await.json();
    assert_eq!(grants["items"][0]["state"], "granted");
    // Another one is refused.
    let wish = "person=carol&role=cab_approver&reason=holiday";
    app.form(&alice, "/proposals/roles", wish).await;
    let grants = app.get(&alice, "/api/v1/roles/grants").await.json();
    let items = grants["items"].as_array().cloned().unwrap_or_default();
    let open = items.iter().find(|it| it["state"] == "proposed").expect("one waits");
    let refuse = format!("/proposals/roles/{}/refuse", open["grant"].as_str().unwrap_or(""));
    let refused = app.form(&bob, &refuse, "reason=not+needed").await;
    assert_eq!(refused.header("location"), "/proposals?done=refused");
    let grants = app.get(&alice, "/api/v1/roles/grants").await.json();
    assert_eq!(grants["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_plan_is_shown_as_it_is_and_can_be_refused() {
    let app = TestApp::empty().await;
    let always = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    app.apply(&[("sluice.yaml", &always)]).await;
    let weaker = always.replace("min_risk: low", "min_risk: critical");
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let body = json!({"files": {"sluice.yaml": weaker}, "source": "test"});
    let proposed = app.post(&alice, "/api/v1/organisation/apply", &[], &body).await.json();
    let plan = proposed["pending"]["plan"].as_str().expect("a plan").to_owned();
    let page = app.get(&bob, "/proposals").await.text();
    assert!(page.contains("owner-approval") && page.contains("critical"), "the plan is shown");
    let path = format!("/api/v1/organisation/plans/{plan}/refuse");
    let carol = app.session("carol", Client::Cli, Some([].into())).await.secret;
    let refused = app.post(&carol, &path, &[], &json!({"reason": "no"})).await;
    assert_eq!(refused.status, 403, "who may nothing refuses nothing");
    assert_eq!(app.post(&bob, &path, &[], &json!({"reason": ""})).await.code(), "reason_missing");
    let refused = app.form(&bob, &format!("/proposals/plans/{plan}/refuse"), "reason=no").await;
    assert_eq!(refused.header("location"), "/proposals?done=refused", "{}", refused.text());
    let confirmed = app.post(&bob, "/api/v1/organisation/confirm", &[], &body).await;
    assert_eq!(confirmed.code(), "plan_unknown");
}

#[tokio::test]
async fn an_emergency_path_is_opened_or_refused_on_the_page() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let body = json!({"reason": "checkout is down, the fix is one line", "question": {
        "service": "shop", "environment": "production", "commit": "a".repeat(40),
        "artifacts": [format!("sha256:{}", "b".repeat(64))],
        "run": {"system": "break-glass", "id": "1"}}});
    let asked = app.post(&alice, "/api/v1/break-glass", &[], &body).await.json();
    let id = asked["id"].as_str().expect("an id");
    let open = format!("/proposals/emergencies/{id}/open");
    assert!(!app.get(&alice, "/proposals").await.text().contains(&open));
    assert!(app.get(&bob, "/proposals").await.text().contains(&open));
    let refuse = format!("/api/v1/break-glass/{id}/refuse");
    assert_eq!(
        app.post(&bob, &refuse, &[], &json!({"reason": "try the runbook"})).await.status,
        200
    );
    assert_eq!(app.form(&bob, &open, "").await.status, 404, "it is refused");
    let asked = app.post(&alice, "/api/v1/break-glass", &[], &body).await.json();
    let open = format!("/proposals/emergencies/{}/open", asked["id"].as_str().unwrap_or(""));
    let opened = app.form(&bob, &open, "").await;
    assert_eq!(opened.header("location"), "/proposals?done=glass_opened", "{}", opened.text());
}

#[tokio::test]
async fn a_second_factor_is_set_up_by_a_picture_that_is_drawn_here() {
    let (app, token) = with_password().await;
    let page = app.get(&token, "/me/second-factor").await.text();
    assert!(page.contains("action=\"/me/second-factor/begin\""), "{page}");
    let begun = app.form(&token, "/me/second-factor/begin", "").await.text();
    assert!(begun.contains("<svg class=\"qr\"") && !begun.contains("style="), "{begun}");
    let key = begun.split("<code class=\"break\">").nth(1).and_then(|it| it.split('<').next());
    let key: String = key.expect("a key").chars().filter(|it| !it.is_whitespace()).collect();
    let wrong = app.form(&token, "/me/second-factor/confirm", "code=000000").await;
    assert_eq!(wrong.status, 200);
    assert!(wrong.text().contains("role=\"alert\""), "who is in is not sent to the door");
    app.clock.advance(std::time::Duration::from_secs(60));
    let code = totp(&key, app.engine.now().as_second());
    let done = app.form(&token, "/me/second-factor/confirm", &format!("code={code}")).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.text().matches("<li><code>").count(), 10, "recovery codes, once");
    let page = app.get(&token, "/me/second-factor").await.text();
    assert!(page.contains("action=\"/me/second-factor/remove\""), "{page}");
}
