//! The form of an exception: what it would let through is shown before anybody grants it.

use serde_json::json;
use sluice_testkit::{Answered, ORGANISATION, TestApp};

use crate::gate::{ask, question};
use crate::windows::{WINDOWS, freeze, later, text, two_person_app};

fn page(answered: &Answered) -> String {
    assert_eq!(answered.status, 200, "{answered:?}");
    String::from_utf8_lossy(&answered.body).into_owned()
}

async fn answer(app: &TestApp, key: &str) -> String {
    text(&ask(app, key, &question("docs", 1)).await.json(), "answer")
}

async fn form(app: &TestApp, token: &str, body: &str) -> Answered {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = axum::body::Body::from(body.to_owned());
    let method = http::Method::POST;
    app.send(sluice_testkit::request(method, "/exceptions", token, &headers, body)).await
}

#[tokio::test]
async fn it_shows_what_would_go_and_what_would_still_be_held() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 4)).await.json();
    let name = text(&made, "window");
    assert_eq!(answer(&app, "one").await, "wait");
    let look = format!("/exceptions/new?lifts=freeze:{name}&service=docs&hours=2&preview=1");
    let before = app.engine.standing().size;
    let seen = page(&app.get(&alice, &look).await);
    assert!(seen.contains("href=\"/changes/CHG0000001\""), "{seen}");
    assert!(seen.contains("action=\"/exceptions\"") && !seen.contains("still held by"), "{seen}");
    assert_eq!(app.engine.standing().size, before, "looking records nothing");

    let stop = json!({"scope": {"services": ["docs"]}, "reason": "the disk is full"});
    let stopped = app.post(&alice, "/api/v1/stops", &[], &stop).await;
    assert_eq!(stopped.status, 201, "{stopped:?}");
    let seen = page(&app.get(&alice, &look).await);
    assert!(seen.contains("still held by the stop of service docs"), "{seen}");
    let wish = |lifts: &str| format!("lifts={lifts}&service=docs&hours=2&reason=prices+are+wrong");
    let granted = form(&app, &alice, &wish(&format!("freeze%3A{name}"))).await;
    assert_eq!(granted.header("location"), "/calendar?done=granted#exceptions", "{granted:?}");
    assert_ne!(answer(&app, "two").await, "allow", "the stop holds still");
    let seen = page(&app.get(&alice, &look).await);
    assert!(!seen.contains("CHG0000001"), "it is passed already: {seen}");
    assert_eq!(form(&app, &alice, &wish("stop%3A*")).await.status, 303);
    assert_eq!(answer(&app, "three").await, "allow");
}

#[tokio::test]
async fn a_wish_that_nobody_may_grant_says_why_before_it_is_sent() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let mut closed = freeze(&app, 4);
    closed["window"]["grants"] = json!(["team:nobody"]);
    let made = app.post(&alice, WINDOWS, &[], &closed).await.json();
    let name = text(&made, "window");
    for (query, word) in [
        (format!("lifts=freeze:{name}&service=docs&hours=2"), "role=\"alert\""),
        (
            "lifts=freeze:w-none&service=docs&hours=2".to_owned(),
            "nothing that an exception can lift",
        ),
    ] {
        let seen = page(&app.get(&alice, &format!("/exceptions/new?{query}&preview=1")).await);
        assert!(seen.contains(word), "{query}: {seen}");
        assert!(!seen.contains("action=\"/exceptions\""), "it cannot be sent: {seen}");
    }
    for hours in ["0", "169", "x", ""] {
        let body = format!("lifts=freeze%3A{name}&service=docs&hours={hours}&reason=x");
        assert_eq!(form(&app, &alice, &body).await.status, 422, "{hours}");
    }
    let developer = app.token(&[sluice_core::permission::Permission::ChangeRead]).await;
    assert_eq!(app.get(&developer, "/exceptions/new").await.status, 403);
}

#[tokio::test]
async fn what_release_windows_hold_still_is_said_too() {
    let app = TestApp::empty().await;
    let office = "windows:\n  - {name: office, title: Office hours, kind: release, scope: {environment_tiers: [production]}, start: 2026-03-05T09:00:00, end: 2026-03-05T17:00:00}\n";
    let files = format!("{}{office}", crate::windows::organisation("second_person: never, "));
    app.apply(&[("sluice.yaml", &files)]).await;
    let alice = app.logged_in("alice").await;
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 4)).await.json();
    assert_eq!(answer(&app, "one").await, "wait");
    let name = text(&made, "window");
    let look = format!("/exceptions/new?lifts=freeze:{name}&service=docs&hours=2&preview=1");
    let seen = page(&app.get(&alice, &look).await);
    assert!(seen.contains("still held by the release windows"), "{seen}");
}

#[tokio::test]
async fn whoever_may_grant_for_one_service_is_told_so_of_another() {
    let app = TestApp::empty().await;
    let files = crate::windows::organisation("second_person: never, ").replacen(
        "accounts: [\"github:bob\"], roles: [change_manager, security_officer, break_glass]",
        "accounts: [\"github:bob\"], roles: [{role: change_manager, scope: {services: [docs]}}]",
        1,
    );
    app.apply(&[("sluice.yaml", &files)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let mut of_shop = freeze(&app, 4);
    of_shop["window"]["scope"] = json!({"services": ["shop"]});
    of_shop["window"]["title"] = json!("Secret launch");
    let made = app.post(&alice, WINDOWS, &[], &of_shop).await.json();
    let name = text(&made, "window");
    let query = format!("lifts=freeze:{name}&service=shop&hours=2&preview=1");
    let seen = page(&app.get(&bob, &format!("/exceptions/new?{query}")).await);
    assert!(seen.contains("role=\"alert\"") && !seen.contains("action=\"/exceptions\""), "{seen}");
    assert!(!seen.contains("Secret launch"), "{seen}");
}

#[tokio::test]
async fn whoever_may_grant_in_a_tier_grants_in_its_environments() {
    let app = TestApp::empty().await;
    let files = crate::windows::organisation("second_person: never, ").replacen(
        "accounts: [\"github:bob\"], roles: [change_manager, security_officer, break_glass]",
        "accounts: [\"github:bob\"], roles: [{role: change_manager, scope: {environment_tiers: [production], teams: [web]}}]",
        1,
    );
    app.apply(&[("sluice.yaml", &files)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 4)).await.json();
    let name = text(&made, "window");
    let begun = page(&app.get(&bob, &format!("/exceptions/new?lifts=freeze:{name}")).await);
    assert!(begun.contains("<option value=\"production\" selected>"), "{begun}");
    let wish = format!("lifts=freeze%3A{name}&service=docs&hours=2&reason=x&environment=");
    assert_eq!(form(&app, &bob, &wish).await.status, 403, "not in every environment");
    let granted = form(&app, &bob, &format!("{wish}production")).await;
    assert_eq!(granted.header("location"), "/calendar?done=granted#exceptions", "{granted:?}");
    let standing = app.engine.standing();
    let scope = &standing.exceptions.values().next().expect("it is granted").scope;
    assert!(scope.environment_tiers.contains("production") && scope.teams.contains("web"));
}

#[tokio::test]
async fn an_exception_to_a_rule_that_the_policy_does_not_have_is_refused_with_the_nearest() {
    let app = TestApp::start().await;
    let alice = app.logged_in("alice").await;
    let grant = async |lifts: &str| {
        let exception = json!({"lifts": lifts, "scope": {"services": ["docs"]}, "reason": "it is small",
            "until": later(&app, 2)});
        app.post(&alice, "/api/v1/exceptions", &[], &exception).await
    };
    let refused = grant("rule:evidence.mising").await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "nothing_to_lift"), "{refused:?}");
    assert!(refused.json()["help"].to_string().contains("`evidence.missing`"), "{refused:?}");
    assert_eq!(grant("rule:evidence.missing").await.status, 201);
    // The organisation's own are rules as well.
    let deny = "package sluice.rules\n\ndeny contains {\"rule\": \"acme.never\", \"message\": \"no\", \"who\": [], \"pass_if\": \"never\"}\n";
    assert_eq!(grant("rule:acme.never").await.status, 422);
    app.apply(&[("sluice.yaml", ORGANISATION), ("policies/own.rego", deny)]).await;
    assert_eq!(grant("rule:acme.never").await.status, 201);
}

#[tokio::test]
async fn an_exception_does_nothing_for_a_change_of_whoever_granted_it() {
    let app = two_person_app("second_person: never, ").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let stop = json!({"scope": {"services": ["docs"]}, "reason": "the disk is full"});
    assert_eq!(app.post(&alice, "/api/v1/stops", &[], &stop).await.status, 201);
    let mut hers = question("docs", 1);
    hers["authors"] = json!(["alice@test.example"]);
    let exception = json!({"lifts": "stop:*", "scope": {"services": ["docs"]}, "reason": "it is small",
        "until": later(&app, 2)});
    assert_eq!(app.post(&alice, "/api/v1/exceptions", &[], &exception).await.status, 201);
    let held = ask(&app, "hers", &hers).await.json();
    assert_ne!(held["answer"], "allow", "{held:#}");
    let rules: Vec<&str> = held["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|reason| reason["rule"].as_str())
        .collect();
    assert!(rules.contains(&"exceptions.own"), "{held:#}");
    let look = "/exceptions/new?lifts=stop:*&service=docs&hours=2&preview=1";
    assert!(page(&app.get(&alice, look).await).contains("You had a hand in it"));
    assert!(!page(&app.get(&bob, look).await).contains("You had a hand in it"));
    // That of somebody else counts for hers.
    assert_eq!(app.post(&bob, "/api/v1/exceptions", &[], &exception).await.status, 201);
    let free = ask(&app, "hers-again", &hers).await.json();
    assert_eq!(free["answer"], "allow", "{free:#}");
}

#[tokio::test]
async fn an_exception_to_all_freezes_does_not_pass_one_that_came_later_for_other_grantors() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 4)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let exception = json!({"lifts": "freeze:*", "scope": {"services": ["docs"]}, "reason": "it is small",
        "until": later(&app, 2)});
    assert_eq!(app.post(&alice, "/api/v1/exceptions", &[], &exception).await.status, 201);
    assert_eq!(answer(&app, "before").await, "allow");
    let mut theirs = freeze(&app, 4);
    theirs["window"]["grants"] = json!(["role:release_owner"]);
    assert_eq!(app.post(&alice, WINDOWS, &[], &theirs).await.status, 201);
    app.clock.advance(std::time::Duration::from_secs(1_800));
    assert_eq!(answer(&app, "after").await, "wait");
    let refused = app.post(&alice, "/api/v1/exceptions", &[], &exception).await;
    assert!(["not_a_grantor", "step_up_needed"].contains(&refused.code().as_str()), "{refused:?}");
}

#[tokio::test]
async fn what_nobody_declared_is_neither_stopped_nor_lifted() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let before = app.engine.standing().size;
    for scope in [
        json!({"services": ["shpo"]}),
        json!({"services": ["shop"], "environments": ["prodution"]}),
        json!({"teams": ["nobody"]}),
        json!({"labels": {"pci": "yes"}}),
    ] {
        let stop = json!({"scope": scope, "reason": "the disk is full"});
        let stopped = app.post(&alice, "/api/v1/stops", &[], &stop).await;
        assert_eq!((stopped.status, stopped.code().as_str()), (422, "scope_unknown"), "{scope}");
        let wish = json!({"lifts": "stop:*", "scope": scope, "reason": "it mends the disk", "until": later(&app, 60)});
        let granted = app.post(&alice, "/api/v1/exceptions", &[], &wish).await;
        assert_eq!((granted.status, granted.code().as_str()), (422, "scope_unknown"), "{scope}");
    }
    assert_eq!(app.engine.standing().size, before, "nothing was recorded");

    let scope = json!({"environments": ["Prod"]});
    let wish = json!({"lifts": "stop:*", "scope": scope, "reason": "it mends the disk", "until": later(&app, 60)});
    let granted = app.post(&alice, "/api/v1/exceptions", &[], &wish).await.json();
    assert_eq!(granted["exception"]["scope"]["environments"], json!(["production"]), "{granted}");
}
