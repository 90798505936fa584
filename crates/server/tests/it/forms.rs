//! The outbox and the calendar on their pages: what is shown to whom, and what the forms do.

use serde_json::json;
use sluice_core::ids::LinkName;
use sluice_core::permission::Permission;
use sluice_testkit::{ORGANISATION, TestApp};

use crate::gate::{ask, question};

const POST_MESSAGE: &str = "https://slack.test/api/chat.postMessage";

#[tokio::test]
async fn the_outbox_shows_what_is_owed_and_what_was_given_up_and_lets_it_be_told_again() {
    let app = told_app().await;
    let admin = app.logged_in("alice").await;
    ask(&app, "one", &question("shop", 1)).await;
    let html = app.get(&admin, "/admin/outbox").await.text();
    assert!(html.contains("CHG0000001") && html.contains("not used yet"), "{html}");
    let row = "href=\"/changes/CHG0000001\"";
    let of = async |state: &str| {
        app.get(&admin, &format!("/admin/outbox?state={state}")).await.text().contains(row)
    };
    assert!(of("pending").await && !of("given_up").await && !of("delivered").await);

    app.net.answer(POST_MESSAGE, 200, r#"{"ok":false,"error":"msg_too_long"}"#);
    let mut given_up = String::new();
    for _ in 0..40 {
        let _ = app.engine.deliver().await.expect("it delivers");
        given_up = app.get(&admin, "/admin/outbox?state=given_up").await.text();
        if given_up.contains("/admin/links/slack/replay") {
            break;
        }
        app.clock.advance(std::time::Duration::from_secs(7_200));
    }
    let admin = app.logged_in("alice").await;
    assert!(given_up.contains("/admin/links/slack/replay"), "{given_up}");
    let again = app.form(&admin, "/admin/links/slack/replay", "").await;
    assert_eq!(again.header("location"), "/admin/outbox?done=replayed", "{again:?}");
    let html = app.get(&admin, "/admin/outbox?state=given_up").await.text();
    assert!(!html.contains("name=\"effect\""), "nothing is given up any more: {html}");
}

#[tokio::test]
async fn a_link_is_paused_with_a_reason_and_resumed_by_those_who_may() {
    let app = told_app().await;
    let admin = app.logged_in("alice").await;
    let reader = app.token(&[Permission::InboxRead, Permission::OrganisationRead]).await;
    let html = app.get(&reader, "/admin/outbox").await.text();
    assert!(!html.contains("/admin/links/slack/pause"), "who may not sees no form: {html}");
    let refused = app.form(&reader, "/admin/links/slack/pause", "reason=x").await;
    assert_eq!(refused.status, 403);
    let bare = app.form(&admin, "/admin/links/slack/pause", "reason=").await;
    assert!(bare.status >= 400, "a reason is needed: {bare:?}");
    let paused = app.form(&admin, "/admin/links/slack/pause", "reason=they+move").await;
    assert_eq!(paused.header("location"), "/admin/outbox?done=paused", "{paused:?}");
    let html = app.get(&admin, "/admin/outbox?done=paused").await.text();
    assert!(html.contains("/admin/links/slack/resume"), "{html}");
    let resumed = app.form(&admin, "/admin/links/slack/resume", "").await;
    assert_eq!(resumed.header("location"), "/admin/outbox?done=resumed");
    let unknown = app.form(&admin, "/admin/links/teams/resume", "").await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[tokio::test]
async fn a_window_is_proposed_on_a_page_and_confirmed_by_somebody_else() {
    let app = TestApp::empty().await;
    let two = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    let files = format!(
        "{two}windows:\n  - {{name: year-end, title: Year end, kind: freeze, start: 2026-12-20T00:00:00, end: 2026-12-31T00:00:00}}\n"
    );
    app.apply(&[("sluice.yaml", &files)]).await;
    let alice = app.logged_in("alice").await;
    let bob = app.logged_in("bob").await;
    let wish = "title=Stocktaking&kind=freeze&service=docs&start=2026-03-09T08%3A00&end=2026-03-09T18%3A00&zone=UTC&again=weekly";
    let looked = format!("/calendar/windows/new?{wish}&preview=1");
    let html = app.get(&alice, &looked).await.text();
    assert!(html.contains("action=\"/calendar/windows\"") && html.contains("/services/docs"));
    let wrong = looked.replace("service=docs", "service=dcos");
    let html = app.get(&alice, &wrong).await.text();
    assert!(html.contains("role=\"alert\"") && !html.contains("action=\"/calendar/windows\""));

    let sent = app.form(&alice, "/calendar/windows", &format!("{wish}&reason=we+count")).await;
    assert_eq!(sent.header("location"), "/proposals?done=proposed#windows", "{sent:?}");
    let own = app.get(&alice, "/proposals").await.text();
    assert!(own.contains("Stocktaking") && !own.contains("/confirm"), "{own}");
    let other = app.get(&bob, "/proposals").await.text();
    let (_, rest) = other.split_once("action=\"/proposals/windows/").expect("a form");
    let (id, _) = rest.split_once('/').expect("its id");
    let path = format!("/proposals/windows/{id}/confirm");
    assert!(app.form(&alice, &path, "").await.status >= 400, "not their own");
    let confirmed = app.form(&bob, &path, "").await;
    assert_eq!(confirmed.header("location"), "/proposals?done=window_set#windows");
    let html = app.get(&bob, "/calendar?view=list").await.text();
    assert!(html.contains("Stocktaking") && html.contains("made here"), "{html}");
    let name = app.engine.standing().made.windows.keys().next().cloned().expect("it stands");
    let html = app.get(&bob, &format!("/calendar/windows/{name}")).await.text();
    assert!(html.contains(&format!("over={name}")), "{html}");
    let declared = app.get(&bob, "/calendar/windows/year-end").await.text();
    assert!(!declared.contains("over=") && !declared.contains("/end\""), "{declared}");
    let ended = app.form(&bob, "/calendar/windows/year-end/end", "reason=x").await;
    assert_eq!(ended.status, 409, "files own it");
    let narrow = app.token(&[Permission::CalendarRead]).await;
    assert_eq!(app.get(&narrow, &looked).await.status, 403, "who may not has no form");
    let sent = app.form(&narrow, "/calendar/windows", &format!("{wish}&reason=x")).await;
    assert_eq!(sent.status, 403);
}

#[tokio::test]
async fn a_window_that_a_neighbour_keeps_is_shown_with_where_it_is_from_and_left_to_it() {
    let app = TestApp::empty().await;
    let text_of = format!(
        "{ORGANISATION}  - {{name: snow, connector: servicenow, credentials: {{password: {{env: SNOW}}}}, \
         tell: [change], settings: {{url: \"https://snow.test\", user: sluice, schedules: {{}}}}}}\n"
    );
    app.apply(&[("sluice.yaml", &text_of)]).await;
    let (schedule, span) = ("1".repeat(32), "2".repeat(32));
    let answers = [
        json!([{ "sys_id": schedule, "name": "Year end", "sys_class_name": "cmn_schedule_blackout", "time_zone": "UTC" }]),
        json!([{ "sys_id": span, "schedule": schedule, "type": "blackout", "all_day": "false",
            "start_date_time": "20270101T000000", "end_date_time": "20270103T000000" }]),
    ];
    let link = LinkName::parse("snow").expect("a name");
    for rows in answers {
        app.engine.read_windows_by(&link).await.expect("a reading");
        let url = app.net.last_asked().expect("a request");
        app.net.answer(&url, 200, json!({ "result": rows }).to_string());
    }
    assert_eq!(app.engine.read_windows_by(&link).await.expect("a reading"), 1);
    let alice = app.logged_in("alice").await;
    let name = format!("snow-{span}");
    let html = app.get(&alice, "/calendar?view=list").await.text();
    assert!(html.contains("Year end") && html.contains("from snow"), "{html}");
    let html = app.get(&alice, &format!("/calendar/windows/{name}")).await.text();
    assert!(html.contains("snow keeps this window") && !html.contains("over="), "{html}");
    let ended = app.form(&alice, &format!("/calendar/windows/{name}/end"), "reason=x").await;
    assert_eq!(ended.status, 409, "{ended:?}");
    let path = "/api/v1/calendar?service=docs&environment=production";
    let next = app.get(&alice, path).await.json();
    assert_eq!(next["items"][0]["name"], name);
    assert_eq!(next["items"][0]["reason"], "ServiceNow's blackout schedule `Year end`");
    let all = app.get(&alice, "/api/v1/calendar/windows").await.json();
    assert_eq!(
        (&all["items"][0]["source"], &all["items"][0]["link"]),
        (&json!("neighbour"), &json!("snow"))
    );
}

/// An organisation that tells Slack of its changes.
async fn told_app() -> TestApp {
    let app = TestApp::empty().await;
    let text = format!(
        "{ORGANISATION}  - {{name: slack, connector: slack, credentials: {{bot_token: {{env: SLACK}}}}, \
         tell: [change], settings: {{url: \"https://slack.test\", channel: C1, per_minute: 600}}}}\n"
    );
    app.apply(&[("sluice.yaml", &text)]).await;
    app
}
