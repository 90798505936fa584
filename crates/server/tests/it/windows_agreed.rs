//! Who could agree to what is wanted of the calendar, who is told, and what they are shown.

use serde_json::{Value, json};
use sluice_testkit::TestApp;

use crate::gate::{ask, question};
use crate::sessions::enrol;
use crate::windows::{PROPOSALS, WINDOWS, freeze, organisation, text, two_person_app};

const CAROL: &str = "roles: [change_manager, security_officer, break_glass]}\nteams:";

/// Alice manages changes everywhere, Bob owns services, Carol is a security officer.
fn different_people(settings: &str) -> String {
    organisation(settings)
        .replacen(
            "alice\"], roles: [change_manager, security_officer, break_glass]",
            "alice\"], roles: [change_manager]",
            1,
        )
        .replacen(
            "bob\"], roles: [change_manager, security_officer, break_glass]",
            "bob\"], roles: [{role: service_owner, scope: {services: [docs]}}]",
            1,
        )
        .replacen(CAROL, "roles: [security_officer]}\nteams:", 1)
}

#[tokio::test]
async fn it_waits_only_where_another_person_could_agree() {
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &different_people(""))]).await;
    for handle in ["alice", "bob"] {
        enrol(&app, handle).await;
    }
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let mut wide = freeze(&app, 2);
    wide["window"]["scope"] = json!({});
    for (token, wish, waits) in
        [(&alice, &wide, false), (&alice, &freeze(&app, 2), true), (&bob, &freeze(&app, 2), true)]
    {
        let made = app.post(token, WINDOWS, &[], wish).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.json().get("proposal").is_some(), waits, "{wish} {made:?}");
    }
    // Carol may agree to the same freeze in a file, so that from now on she is the second person.
    enrol(&app, "carol").await;
    let made = app.post(&alice, WINDOWS, &[], &wide).await.json();
    assert!(made.get("proposal").is_some(), "{made}");
}

#[tokio::test]
async fn whoever_may_agree_to_files_is_told_and_agrees_here_too() {
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &different_people("second_person: always, "))]).await;
    let (alice, carol) = (app.logged_in("alice").await, app.logged_in("carol").await);
    let proposed = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    let wanted = app.get(&carol, "/api/v1/notifications").await.json();
    assert_eq!(wanted["items"][0]["record"], proposed["proposal"], "{wanted}");
    let page = app.get(&carol, "/proposals").await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let path = format!("{PROPOSALS}/{}/confirm", text(&proposed, "proposal"));
    let form = path.replace("/api/v1/calendar/proposals", "/proposals/windows");
    assert!(page.contains(&format!("action=\"{form}\"")), "{page}");
    assert_eq!(app.post(&carol, &path, &[], &json!({})).await.status, 200);
    let machine = app.post(&app.admin, &path, &[], &json!({})).await;
    assert_eq!(machine.code(), "session_needed");
}

#[tokio::test]
async fn whoever_lost_the_right_gets_nothing_by_anothers_word() {
    let app = two_person_app("").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let proposed = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    let narrowed = organisation("second_person: always, ").replacen(
        "alice\"], roles: [change_manager, security_officer, break_glass]",
        "alice\"], roles: [{role: change_manager, scope: {services: [shop]}}]",
        1,
    );
    let files = json!({"files": {"sluice.yaml": narrowed}, "source": "test"});
    let carol = app.logged_in("carol").await;
    for (token, path) in [(&carol, "apply"), (&bob, "confirm")] {
        let path = format!("/api/v1/organisation/{path}");
        assert_eq!(app.post(token, &path, &[], &files).await.status, 200, "roles by two people");
    }
    let path = format!("{PROPOSALS}/{}/confirm", text(&proposed, "proposal"));
    let refused = app.post(&bob, &path, &[], &json!({})).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "proposer_may_not"), "{refused:?}");
}

#[tokio::test]
async fn what_was_altered_since_one_looked_is_not_altered() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    let one = format!("{WINDOWS}/{}", text(&made, "window"));
    let seen = async || text(&app.get(&alice, WINDOWS).await.json()["items"][0], "digest");
    let alter = |hours: i64, over: &Value| {
        let mut wish = freeze(&app, hours);
        wish["over"] = over.clone();
        wish
    };
    let first = json!(seen().await);
    assert_eq!(app.post(&alice, &one, &[], &alter(5, &first)).await.status, 200);
    let refused = app.post(&alice, &one, &[], &alter(9, &first)).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "window_outdated"));
    let second = json!(seen().await);
    assert_ne!(second, first);
    for over in [second, Value::Null] {
        assert_eq!(app.post(&alice, &one, &[], &alter(9, &over)).await.status, 200, "{over}");
    }
    let form =
        app.get(&alice, &format!("/calendar/windows/new?over={}", text(&made, "window"))).await;
    let form = String::from_utf8_lossy(&form.body).into_owned();
    assert!(form.contains(&format!("name=\"seen\" value=\"{}\"", seen().await)), "{form}");
}

#[tokio::test]
async fn whoever_is_held_reads_why() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let mut wish = freeze(&app, 2);
    wish["window"].as_object_mut().expect("a window").remove("reason");
    assert_eq!(app.post(&alice, WINDOWS, &[], &wish).await.status, 201);
    let answer = ask(&app, "held", &question("docs", 1)).await.json();
    let reasons = answer["reasons"].to_string();
    assert!(reasons.contains("is in force: the quarter ends"), "{reasons}");
    let declared = "windows:\n  - {name: quiet, title: Quiet, kind: freeze, start: 2026-01-01T00:00:00, end: 2026-12-31T00:00:00}\n";
    let files = format!("{}{declared}", organisation("second_person: never, "));
    app.apply(&[("sluice.yaml", &files)]).await;
    let answer = ask(&app, "again", &question("docs", 1)).await.json();
    let reasons = answer["reasons"].to_string();
    assert!(reasons.contains("`Quiet` is in force: no reason is given"), "{reasons}");
}

#[tokio::test]
async fn the_second_person_sees_what_is_altered() {
    let app = two_person_app("").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 48)).await.json();
    let confirm = format!("{PROPOSALS}/{}/confirm", text(&made, "proposal"));
    assert_eq!(app.post(&bob, &confirm, &[], &json!({})).await.status, 200);
    let mut wish = freeze(&app, 48);
    wish["window"]["in_flight"] = json!("abort");
    wish["window"]["grants"] = json!(["team:web"]);
    let one = format!("{WINDOWS}/{}", text(&made, "window"));
    assert_eq!(app.post(&alice, &one, &[], &wish).await.status, 200);
    let page = app.get(&bob, "/proposals").await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    for (was, then) in [
        ("<bdi>run to their end</bdi></del>", "<bdi>are stopped and rolled back</bdi></ins>"),
        ("<bdi>nothing</bdi></del>", "<bdi>team web</bdi></ins>"),
    ] {
        let at = page.find(was).unwrap_or_else(|| panic!("{was} in {page}"));
        assert!(page[at..].contains(then), "{then} in {page}");
    }
    let listed = app.get(&bob, PROPOSALS).await.json();
    crate::description::holds("WindowProposal", &listed["items"][0]);
}

#[tokio::test]
async fn a_preview_names_only_what_one_may_see() {
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &different_people("second_person: always, "))]).await;
    let bob = app.logged_in("bob").await;
    let mut wish = freeze(&app, 2)["window"].clone();
    wish["scope"] = json!({});
    let seen = app.post(&bob, "/api/v1/calendar/preview", &[], &wish).await.json();
    assert_eq!((&seen["services"], &seen["places"]), (&json!(["docs"]), &json!(2)), "{seen}");
}

#[tokio::test]
async fn what_was_proposed_over_a_window_goes_with_it_and_nobody_fills_the_room_of_all() {
    let app = two_person_app("").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 48)).await.json();
    let confirm = |proposed: &Value| format!("{PROPOSALS}/{}/confirm", text(proposed, "proposal"));
    assert_eq!(app.post(&bob, &confirm(&made), &[], &json!({})).await.status, 200);
    let one = format!("{WINDOWS}/{}", text(&made, "window"));
    let end = json!({"reason": "the books are closed"});
    let mut ends = Vec::new();
    for token in [&alice, &alice, &bob] {
        ends.push(app.post(token, &format!("{one}/end"), &[], &end).await.json());
    }
    assert_eq!(app.post(&alice, &one, &[], &freeze(&app, 9)).await.status, 200);
    assert_eq!(app.post(&bob, &confirm(&ends[0]), &[], &json!({})).await.status, 200);
    assert_eq!(app.engine.standing().made.proposals.len(), 0, "none of them can be agreed to");
    for _ in 0..50 {
        assert_eq!(app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.status, 201);
    }
    let full = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await;
    assert_eq!((full.status, full.code().as_str()), (409, "too_many_proposals"));
    assert_eq!(app.post(&bob, WINDOWS, &[], &freeze(&app, 2)).await.status, 201);
}

#[tokio::test]
async fn why_a_window_exists_stays_when_it_is_altered_without_saying_so() {
    let app = two_person_app("second_person: never, ").await;
    let alice = app.logged_in("alice").await;
    let made = app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.json();
    let mut longer = freeze(&app, 4);
    longer["window"].as_object_mut().expect("a window").remove("reason");
    longer["reason"] = json!("two hours more");
    let one = format!("{WINDOWS}/{}", text(&made, "window"));
    assert_eq!(app.post(&alice, &one, &[], &longer).await.status, 200);
    let listed = app.get(&alice, WINDOWS).await.json();
    assert_eq!(listed["items"][0]["reason"], "the books are being closed", "{listed}");
}

#[tokio::test]
async fn proposals_that_do_not_fit_on_one_page_are_on_the_next() {
    let app = two_person_app("").await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    for number in 1..=62 {
        let mut wish = freeze(&app, 2);
        wish["window"]["title"] = json!(format!("Close {number:03}"));
        let by = if number <= 31 { &alice } else { &bob };
        let made = app.post(by, WINDOWS, &[], &wish).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let page = async |path: &str| {
        let page = app.get(&bob, path).await;
        assert_eq!(page.status, 200, "{page:?}");
        String::from_utf8_lossy(&page.body).into_owned()
    };
    let first = page("/proposals").await;
    assert!(first.contains("1–60 of 62") && first.contains("/proposals?windows=60#windows"));
    let second = page("/proposals?windows=60").await;
    assert!(second.contains("61–62 of 62") && second.contains("/proposals#windows"), "{second}");
    let forms = |html: &str| html.matches("/refuse\" class").count();
    assert_eq!((forms(&first), forms(&second)), (60, 2));
    assert!(page("/proposals?windows=4000").await.contains("/proposals?windows=2#windows"));
}

#[tokio::test]
async fn a_window_of_another_part_of_the_organisation_is_on_no_form_of_the_calendar() {
    let files = organisation("second_person: never, ").replacen(
        "bob\"], roles: [change_manager, security_officer, break_glass]",
        "bob\"], roles: [{role: service_owner, scope: {services: [shop]}}]",
        1,
    );
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &files)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    assert_eq!(app.post(&alice, WINDOWS, &[], &freeze(&app, 2)).await.status, 201);
    for path in ["/calendar", "/calendar?view=week", "/calendar?view=list"] {
        for (token, seen) in [(&alice, true), (&bob, false)] {
            let page = app.get(token, path).await;
            assert_eq!(page.status, 200, "{page:?}");
            let page = String::from_utf8_lossy(&page.body).into_owned();
            assert_eq!(page.contains("Financial close"), seen, "{path}: {page}");
        }
    }
}
