//! Windows that people make: one proposes, another agrees, and the gate holds. What files declare stays theirs.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::{ORGANISATION, TestApp};

pub(crate) const WINDOWS: &str = "/api/v1/calendar/windows";
pub(crate) const PROPOSALS: &str = "/api/v1/calendar/proposals";

#[tokio::test]
async fn a_freeze_holds_when_a_second_person_has_agreed() {
    let app = two_person_app("").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let proposed = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await;
    assert_eq!(proposed.status, 201, "{proposed:?}");
    assert_eq!(asked(&app, "docs").await, "allow", "it does nothing before somebody agrees");
    let confirm = format!("{PROPOSALS}/{}/confirm", text(&proposed.json(), "proposal"));
    assert_eq!(app.post(&alice, &confirm, &[], &json!({})).await.code(), "same_person");
    let machine = app.post(&app.admin, &confirm, &[], &json!({})).await;
    assert_eq!(machine.code(), "session_needed");

    assert_eq!(app.post(&bob, &confirm, &[], &json!({})).await.status, 200);
    assert_eq!(app.post(&bob, &confirm, &[], &json!({})).await.code(), "proposal_unknown");
    assert_ne!(asked(&app, "docs").await, "allow", "the next question is held");
    let listed = app.get(&bob, WINDOWS).await.json();
    let made = &listed["items"][0];
    assert_eq!((&made["source"], &made["in_force"]), (&json!("people"), &json!(true)), "{listed}");
    assert!(made["agreed_by"].is_string(), "{listed}");

    let name = text(made, "name");
    let exception = json!({"lifts": format!("freeze:{name}"), "scope": {"services": ["docs"]},
        "reason": "prices are wrong", "until": later(&app, 1)});
    assert_eq!(app.post(&bob, "/api/v1/exceptions", &[], &exception).await.status, 201);
    assert_eq!(asked(&app, "docs").await, "allow", "an exception passes it as any other freeze");

    let end = json!({"reason": "the books are closed"});
    let ended = app.post(&bob, &format!("{WINDOWS}/{name}/end"), &[], &end).await;
    let confirm = format!("{PROPOSALS}/{}/confirm", text(&ended.json(), "proposal"));
    assert_eq!(app.post(&alice, &confirm, &[], &json!({})).await.status, 200);
    assert_eq!(app.get(&bob, WINDOWS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_was_altered_meanwhile_is_not_altered_again_unseen() {
    let app = two_person_app("cool_off: 1h, ").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let proposed = app.post(&alice, WINDOWS, &[], &freeze(&app, 48)).await.json();
    let confirm = |proposed: &Value| format!("{PROPOSALS}/{}/confirm", text(proposed, "proposal"));
    assert_eq!(app.post(&bob, &confirm(&proposed), &[], &json!({})).await.code(), "cooling_off");
    app.clock.advance(Duration::from_secs(3_600));
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    assert_eq!(app.post(&bob, &confirm(&proposed), &[], &json!({})).await.status, 200);
    let one = format!("{WINDOWS}/{}", text(&proposed, "window"));
    let shorter = app.post(&alice, &one, &[], &freeze(&app, 5)).await.json();
    let longer = app.post(&alice, &one, &[], &freeze(&app, 9)).await.json();
    app.clock.advance(Duration::from_secs(3_600));
    let bob = app.logged_in("bob").await;
    assert_eq!(app.post(&bob, &confirm(&longer), &[], &json!({})).await.status, 200);
    assert_eq!(app.post(&bob, &confirm(&shorter), &[], &json!({})).await.code(), "window_outdated");
    let refuse = format!("{PROPOSALS}/{}/refuse", text(&shorter, "proposal"));
    assert_eq!(app.post(&bob, &refuse, &[], &json!({"reason": "outdated"})).await.status, 200);
    assert_eq!(app.get(&bob, PROPOSALS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn files_own_what_they_declare_and_applying_them_leaves_the_rest_alone() {
    let app = two_person_app("second_person: never, ").await;
    let declared = format!(
        "{}windows:\n  - {{name: year-end, title: Year end, kind: freeze, start: 2027-12-20T00:00:00, end: 2027-12-31T00:00:00}}\n",
        organisation("second_person: never, ")
    );
    app.apply(&[("sluice.yaml", &declared)]).await;
    let alice = app.logged_in("alice").await;
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    assert_eq!(made.get("proposal"), None, "nobody else has to agree: {made}");
    let own = format!("{WINDOWS}/year-end");
    let altered = app.post(&alice, &own, &[], &freeze(&app, 2)).await;
    assert_eq!(altered.code(), "declared_in_files");
    let ended = app.post(&alice, &format!("{own}/end"), &[], &json!({"reason": "over"})).await;
    assert_eq!(ended.code(), "declared_in_files");
    app.apply(&[("sluice.yaml", &organisation("second_person: never, "))]).await;
    let listed = app.get(&alice, WINDOWS).await.json();
    let names: Vec<String> =
        listed["items"].as_array().expect("items").iter().map(|it| text(it, "name")).collect();
    assert_eq!(names, [text(&made, "window")], "the file took its own away, and nothing else");
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_with_what_would_help() {
    let app = two_person_app("").await;
    let alice = app.logged_in("alice").await;
    let good = freeze(&app, 2);
    let with = |pointer: &str, value: Value| {
        let mut wish = good.clone();
        *wish.pointer_mut(pointer).expect("it is there") = value;
        wish
    };
    // What is under way is aborted by freezes only.
    let mut aborting = with("/window/kind", json!("release"));
    aborting["window"]["in_flight"] = json!("abort");
    for (wish, code) in [
        (with("/reason", json!(" ")), "reason_missing"),
        (with("/window/title", json!("")), "bad_title"),
        (with("/window/title", json!("a\u{7}b")), "bad_title"),
        (with("/window/scope", json!({"services": ["shpo"]})), "scope_unknown"),
        (with("/window/scope", json!({"environment_tiers": ["prod"]})), "scope_unknown"),
        (with("/window/scope", json!({"service_tiers": ["tier1"]})), "scope_unknown"),
        (with("/window/scope", json!({"labels": {"pci": "yes"}})), "scope_unknown"),
        (with("/window/schedule/zone", json!("Mars/Olympus")), "bad_window"),
        (with("/window/schedule/end", json!("2020-01-01T00:00:00")), "bad_window"),
        (with("/window/grants", json!(["everybody"])), "bad_grants"),
        (aborting, "bad_window"),
        (with("/window/kind", json!("holiday")), "body_invalid"),
    ] {
        let refused = app.post(&alice, WINDOWS, &[], &wish).await;
        assert_eq!(refused.code(), code, "{wish} {refused:?}");
    }
    let past = json!({"window": {"title": "Old", "kind": "freeze",
        "schedule": {"zone": "UTC", "start": "2020-01-01T00:00:00", "end": "2020-01-02T00:00:00"}}, "reason": "x"});
    assert_eq!(app.post(&alice, WINDOWS, &[], &past).await.code(), "window_over");
    let unknown = app.post(&alice, &format!("{WINDOWS}/w-000000000000"), &[], &good).await;
    assert_eq!(unknown.code(), "window_unknown");
    assert_eq!(app.get(&alice, PROPOSALS).await.json()["items"], json!([]), "nothing was recorded");
}

#[tokio::test]
async fn nobody_makes_or_agrees_to_what_lies_outside_of_where_they_may() {
    let app = TestApp::empty().await;
    let narrow = organisation("second_person: always, ").replacen(
        "accounts: [\"github:bob\"], roles: [change_manager, security_officer, break_glass]",
        "accounts: [\"github:bob\"], roles: [{role: service_owner, scope: {services: [docs]}}]",
        1,
    );
    app.apply(&[("sluice.yaml", &narrow)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let mut wide = freeze(&app, 2);
    wide["window"]["scope"] = json!({});
    let refused = app.post(&bob, WINDOWS, &[], &wide).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "outside_scope"));
    let proposed = app.post(&alice, WINDOWS, &[], &wide).await.json();
    let path = format!("{PROPOSALS}/{}", text(&proposed, "proposal"));
    let confirmed = app.post(&bob, &format!("{path}/confirm"), &[], &json!({})).await;
    assert_eq!(confirmed.code(), "outside_scope");
    let why = json!({"reason": "no"});
    assert_eq!(app.post(&bob, &format!("{path}/refuse"), &[], &why).await.code(), "outside_scope");
    let own = app.post(&bob, WINDOWS, &[], &freeze(&app, 2)).await;
    assert_eq!(own.status, 201, "their own service is theirs to freeze: {own:?}");
    let back = format!("{PROPOSALS}/{}/refuse", text(&own.json(), "proposal"));
    assert_eq!(app.post(&bob, &back, &[], &why).await.status, 200, "and theirs to take back");
}

#[tokio::test]
async fn an_old_proof_of_who_one_is_does_not_confirm() {
    let app = two_person_app("").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let proposed = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    app.clock.advance(Duration::from_secs(601));
    let confirm = format!("{PROPOSALS}/{}/confirm", text(&proposed, "proposal"));
    assert_eq!(app.post(&bob, &confirm, &[], &json!({})).await.code(), "step_up_needed");
}

#[tokio::test]
async fn a_preview_says_what_would_be_held_and_records_nothing() {
    let app = two_person_app("").await;
    let alice = app.logged_in("alice").await;
    assert_eq!(asked(&app, "shop").await, "wait", "a change waits");
    let before = app.engine.standing().size;
    let mut wish = freeze(&app, 2)["window"].clone();
    wish["scope"] = json!({});
    let seen = app.post(&alice, "/api/v1/calendar/preview", &[], &wish).await.json();
    assert_eq!(seen["services"], json!(["docs", "shop"]), "{seen}");
    assert_eq!((&seen["in_force"], &seen["holds_now"]), (&json!(true), &json!(true)));
    assert_eq!(seen["changes"], json!(["CHG0000001"]), "{seen}");
    assert_eq!(seen["next"].as_array().map(Vec::len), Some(1));
    wish["kind"] = json!("release");
    let seen = app.post(&alice, "/api/v1/calendar/preview", &[], &wish).await.json();
    assert_eq!(seen["holds_now"], json!(false), "inside of a release window nothing is held");
    assert_eq!(app.engine.standing().size, before);
}

#[tokio::test]
async fn nobody_opens_by_a_release_window_of_their_own_what_a_wider_one_holds() {
    let app = TestApp::empty().await;
    let text = organisation("second_person: never, ")
        .replacen("people:\n", "people:\n  - {handle: dave, name: Dave Dunn, emails: [dave@test.example], roles: [service_owner]}\n", 1)
        .replacen("teams:\n", "teams:\n  - {name: writers, title: Writers, members: [dave]}\n", 1)
        .replacen("title: Documentation, owner: web", "title: Documentation, owner: writers", 1);
    let window = "windows:\n  - {name: office, title: Office hours, kind: release, scope: {environment_tiers: [production]}, cron: \"0 9 * * MON-THU\", duration: 7h}\n";
    app.apply(&[("sluice.yaml", &format!("{text}{window}"))]).await;
    let (alice, dave) = (app.logged_in("alice").await, app.logged_in("dave").await);
    let mut held = freeze(&app, 2);
    held["window"]["scope"] = json!({"teams": ["writers"]});
    let mut release = held.clone();
    release["window"]["kind"] = json!("release");
    release["window"].as_object_mut().expect("a window").remove("grants");
    let refused = app.post(&dave, WINDOWS, &[], &release).await;
    assert_eq!(refused.code(), "outside_scope", "{refused:?}");
    let held = app.post(&dave, WINDOWS, &[], &held).await;
    assert_eq!(held.status, 201, "{held:?}");
    assert_eq!(app.post(&alice, WINDOWS, &[], &release).await.status, 201);
}

pub(crate) fn organisation(settings: &str) -> String {
    ORGANISATION.replacen("settings: {", &format!("settings: {{{settings}"), 1)
}

/// People who decide by two, and the settings given.
pub(crate) async fn two_person_app(settings: &str) -> TestApp {
    let app = TestApp::empty().await;
    let always = if settings.contains("second_person") { "" } else { "second_person: always, " };
    app.apply(&[("sluice.yaml", &organisation(&format!("{always}{settings}")))]).await;
    app
}

/// A freeze of `docs` that began an hour ago and ends in so many hours.
pub(crate) fn freeze(app: &TestApp, hours: i64) -> Value {
    let local = |hours: i64| later(app, hours).trim_end_matches('Z').to_owned();
    json!({"window": {"title": "Financial close", "kind": "freeze", "scope": {"services": ["docs"]},
        "schedule": {"zone": "UTC", "start": local(-1), "end": local(hours)},
        "grants": [], "reason": "the books are being closed"}, "reason": "the quarter ends"})
}

pub(crate) fn later(app: &TestApp, hours: i64) -> String {
    let at = app.engine.now() + jiff::SignedDuration::from_hours(hours);
    at.round(jiff::Unit::Second).expect("a time").to_string()
}

/// What the gate says of a service now.
async fn asked(app: &TestApp, service: &str) -> String {
    let digit = if service == "docs" { "d" } else { "5" };
    let size = app.engine.standing().size;
    let question = json!({
        "service": service, "environment": "production", "commit": digit.repeat(40),
        "artifacts": [format!("sha256:{}", digit.repeat(64))],
        "run": {"system": "test", "id": format!("{service}/{size}")},
    });
    let key = format!("k-{size}");
    let path = "/api/v1/gate";
    let answer = app.post(&app.admin, path, &[("idempotency-key", key.as_str())], &question).await;
    text(&answer.json(), "answer")
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("`{name}` in {value}")).to_owned()
}
