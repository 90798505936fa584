//! Incidents and problems on their pages: what is shown to whom, what the forms do, and where a refusal is told.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_testkit::{Answered, TestApp, request};

use crate::gate::{ask, question};
use crate::sessions::enrol;

/// Opens an incident of a service.
async fn incident(app: &TestApp, service: &str, title: &str) {
    let body = json!({"title": title, "services": [service], "environment": "production"});
    let opened = app.post(&app.admin, "/api/v1/incidents", &[], &body).await;
    assert_eq!(opened.status, 201, "{opened:?}");
}

/// Opens a problem of a service, with an incident.
async fn problem(app: &TestApp, service: &str, title: &str, incidents: &Value) {
    let body = json!({"title": title, "services": [service], "incidents": incidents});
    let opened = app.post(&app.admin, "/api/v1/problems", &[], &body).await;
    assert_eq!(opened.status, 201, "{opened:?}");
}

async fn page(app: &TestApp, token: &str, path: &str) -> String {
    let answered = app.get(token, path).await;
    assert_eq!(answered.status, 200, "{path} {}", answered.text());
    answered.text()
}

fn led_to(answered: &Answered) -> &str {
    assert_eq!(answered.status, 303, "{}", answered.text());
    answered.header("location")
}

#[tokio::test]
async fn an_incident_is_opened_worked_on_and_ended_by_forms() {
    let app = TestApp::start().await;
    let asked = ask(&app, "one", &question("shop", 1)).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let form = page(&app, &app.admin, "/incidents/new?service=shop&change=CHG0000001").await;
    assert!(form.contains("value=\"shop\" required") && form.contains("value=\"CHG0000001\""));
    let wish = "title=Checkout+is+slow&service=shop&others=docs&environment=production\
                &severity=high&change=chg0000001&note=since+noon";
    let opened = app.form(&app.admin, "/incidents", wish).await;
    assert_eq!(led_to(&opened), "/incidents/INC0000001?done=incident_opened");
    for (path, wanted) in [
        ("/incidents", "INC0000001"),
        ("/incidents?state=new&service=docs&q=slow", "INC0000001"),
        ("/incidents/INC0000001?done=incident_opened", "The incident is open."),
        ("/incidents/INC0000001", "href=\"/changes/CHG0000001\""),
        ("/incidents/INC0000001", "since noon"),
        ("/incidents/INC0000001", "As of ledger entry"),
        ("/changes/CHG0000001", "href=\"/incidents/INC0000001\""),
        ("/services/docs", "href=\"/incidents/INC0000001\""),
        ("/search?q=slow", "href=\"/incidents/INC0000001\""),
        ("/", "href=\"/incidents/INC0000001\""),
    ] {
        assert!(page(&app, &app.admin, path).await.contains(wanted), "{path} lacks {wanted}");
    }
    let one = "/incidents/INC0000001";
    let moved =
        app.form(&app.admin, &format!("{one}/move"), "state=acknowledged&note=I+look").await;
    assert_eq!(led_to(&moved), "/incidents/INC0000001?done=incident_moved");
    let html = page(&app, &app.admin, one).await;
    assert!(html.contains("acknowledged") && html.contains("I look") && html.contains("/resolve"));
    let end = "resolution=worked_around&note=the+cache+was+emptied";
    let ended = app.form(&app.admin, &format!("{one}/resolve"), end).await;
    assert_eq!(led_to(&ended), "/incidents/INC0000001?done=incident_resolved");
    let html = page(&app, &app.admin, one).await;
    assert!(html.contains("worked around") && html.contains("the cache was emptied"), "{html}");
    assert!(!html.contains("/resolve\""), "what is over has no form");
    let open = page(&app, &app.admin, "/incidents").await;
    assert!(!open.contains("INC0000001") && open.contains("No incident is open"), "{open}");
    for past in ["/incidents?state=all", "/incidents?state=resolved&service=docs"] {
        assert!(page(&app, &app.admin, past).await.contains("INC0000001"), "{past}");
    }
    for (q, address) in [("inc1", "/incidents/INC0000001"), ("PRB7", "/problems/PRB0000007")] {
        let led = app.get(&app.admin, &format!("/search?q={q}")).await;
        assert_eq!(led_to(&led), address);
    }
}

#[tokio::test]
async fn a_problem_gathers_incidents_and_changes_by_forms() {
    let app = TestApp::start().await;
    assert_eq!(ask(&app, "one", &question("shop", 1)).await.status, 200);
    incident(&app, "shop", "checkout is slow").await;
    incident(&app, "shop", "checkout is slow again").await;
    let html = page(&app, &app.admin, "/incidents/INC0000001").await;
    assert!(html.contains("/problems/new?service=shop&amp;records=INC0000001"), "{html}");
    let wish = "title=The+pool+is+small&service=shop&records=INC0000001&note=";
    let opened = app.form(&app.admin, "/problems", wish).await;
    assert_eq!(led_to(&opened), "/problems/PRB0000001?done=problem_opened");
    let blamed = app.form(&app.admin, "/incidents/INC0000002/problem", "problem=+prb0000001").await;
    assert_eq!(led_to(&blamed), "/incidents/INC0000002?done=linked");
    let one = "/problems/PRB0000001";
    let linked = app.form(&app.admin, &format!("{one}/link"), "records=CHG0000001").await;
    assert_eq!(led_to(&linked), "/problems/PRB0000001?done=linked");
    let known = "state=known_error&note=restart+the+pool";
    let moved = app.form(&app.admin, &format!("{one}/move"), known).await;
    assert_eq!(led_to(&moved), "/problems/PRB0000001?done=problem_moved");
    for (path, wanted) in [
        (one, "How to live with it"),
        (one, "restart the pool"),
        (one, "href=\"/incidents/INC0000002\""),
        (one, "href=\"/changes/CHG0000001\""),
        ("/incidents/INC0000002", "href=\"/problems/PRB0000001\""),
        ("/changes/CHG0000001", "href=\"/problems/PRB0000001\""),
        ("/services/shop", "href=\"/problems/PRB0000001\""),
        ("/problems", "2 incidents"),
        ("/problems?state=known_error&q=pool&service=shop", "PRB0000001"),
        ("/search?q=pool", "href=\"/problems/PRB0000001\""),
    ] {
        assert!(page(&app, &app.admin, path).await.contains(wanted), "{path} lacks {wanted}");
    }
    let ended = app.form(&app.admin, &format!("{one}/resolve"), "note=the+pool+is+larger").await;
    assert_eq!(led_to(&ended), "/problems/PRB0000001?done=problem_resolved");
    assert!(!page(&app, &app.admin, "/problems").await.contains("PRB0000001"));
    assert!(page(&app, &app.admin, "/problems?state=all").await.contains("PRB0000001"));
}

#[tokio::test]
async fn what_is_refused_is_told_in_its_place_and_what_was_typed_is_kept() {
    let app = TestApp::start().await;
    incident(&app, "shop", "checkout is slow").await;
    problem(&app, "shop", "the pool is small", &json!([])).await;
    let words = "kept+words";
    for (path, form, status, said) in [
        ("/incidents", "title=&service=shop&note=", 422, "a title is one line"),
        ("/incidents", "title=x&service=nothing&note=", 404, "there is no service"),
        ("/incidents", "title=x&service=a:b&note=", 422, "is not a service name"),
        ("/incidents", "title=x&service=shop&change=CHG7&note=", 422, "is not a change number"),
        ("/incidents", "title=x&service=shop&change=CHG0000009&note=", 404, "there is no change"),
        ("/incidents/INC0000001/move", "state=new&note=", 409, "is new already"),
        ("/incidents/INC0000001/move", "state=resolved&note=", 422, "how it ended"),
        ("/incidents/INC0000001/problem", "problem=", 422, "is not a problem number"),
        ("/problems", "title=&service=shop&note=", 422, "a title is one line"),
        ("/problems", "title=x&service=shop&records=INC0000009&note=", 404, "there is no incident"),
        ("/problems/PRB0000001/move", "state=new&note=", 409, "is new already"),
        ("/problems/PRB0000001/link", "records=", 422, "is not a change number"),
    ] {
        let refused = app.form(&app.admin, path, &format!("{form}{words}")).await;
        let html = refused.text();
        assert_eq!(refused.status, status, "{path} {form}: {html}");
        assert!(refused.header("content-type").starts_with("text/html"), "{path}");
        let (_, told) = html.split_once("role=\"alert\"").expect("the refusal is told");
        assert!(told.contains(said), "{path} {form}: {html}");
        // What is read as numbers ends at its first word.
        assert!(html.contains("kept words"), "{path} {form} has lost what was typed: {html}");
    }
    let bare =
        app.form(&app.admin, "/incidents/INC0000001/resolve", "resolution=fixed&note=+").await;
    assert!(bare.status == 422 && bare.text().contains("what ended it has to be said"));
    let bare = app.form(&app.admin, "/problems/PRB0000001/resolve", "note=").await;
    assert!(bare.status == 422 && bare.text().contains("what ended it has to be said"));
    for (path, form) in [
        ("/incidents/INC0000001/move", "state=closed"),
        ("/incidents/INC0000001/move", "state=on_hold&other=x"),
        ("/incidents/INC0000009/move", "state=on_hold"),
        ("/problems/INC0000001/move", "state=investigating"),
    ] {
        let answered = app.form(&app.admin, path, form).await;
        assert!([400, 404].contains(&answered.status), "{path} {form}: {}", answered.status);
    }
    let rows = app.get(&app.admin, "/api/v1/incidents").await.json();
    assert_eq!(
        (rows["items"].as_array().map(Vec::len), &rows["items"][0]["state"]),
        (Some(1), &json!("new"))
    );
}

#[tokio::test]
async fn nobody_learns_of_what_lies_outside_of_their_scope() {
    let app = TestApp::start().await;
    assert_eq!(ask(&app, "one", &question("shop", 1)).await.status, 200);
    incident(&app, "shop", "secret trouble").await;
    incident(&app, "docs", "broken links").await;
    problem(&app, "shop", "secret cause", &json!(["INC0000001", "INC0000002"])).await;
    problem(&app, "docs", "no checks of links", &json!(["INC0000001", "INC0000002"])).await;
    let permissions = [
        Permission::ChangeRead,
        Permission::OrganisationRead,
        Permission::IncidentRead,
        Permission::IncidentCreate,
        Permission::IncidentEdit,
        Permission::ProblemEdit,
    ];
    let docs = Scope { services: ["docs".to_owned()].into(), ..Scope::default() };
    let docs = app.scoped_token(&permissions, docs).await;
    for path in [
        "/",
        "/incidents",
        "/incidents?state=all",
        "/incidents?service=shop",
        "/incidents?q=secret",
        "/incidents/INC0000002",
        "/incidents/new",
        "/problems",
        "/problems?service=shop",
        "/problems/PRB0000002",
        "/problems/new",
        "/services/docs",
        "/search?q=secret+trouble",
    ] {
        let html =
            page(&app, &docs, path).await.replace("value=\"shop\"", "").replace("service=shop", "");
        for hidden in ["INC0000001", "PRB0000001", "secret cause", "shop"] {
            assert!(!html.contains(hidden), "{path} tells of {hidden}: {html}");
        }
    }
    assert!(page(&app, &docs, "/problems/PRB0000002").await.contains("and 1 more that are not"));
    for path in ["/incidents/INC0000001", "/problems/PRB0000001"] {
        assert_eq!(app.get(&docs, path).await.status, 404, "{path}");
    }
    for (path, form) in [
        ("/incidents/INC0000001/move", "state=on_hold"),
        ("/incidents/INC0000001/resolve", "resolution=fixed&note=x"),
        ("/incidents/INC0000001/problem", "problem=PRB0000002"),
        ("/problems/PRB0000001/resolve", "note=x"),
        ("/problems/PRB0000001/link", "records=INC0000002"),
    ] {
        assert_eq!(app.form(&docs, path, form).await.status, 404, "{path}");
    }
    let refused = app.form(&docs, "/incidents", "title=x&service=shop").await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let reader = app.token(&[Permission::IncidentRead]).await;
    for path in ["/incidents", "/incidents/INC0000001", "/problems", "/problems/PRB0000001"] {
        let html = page(&app, &reader, path).await;
        for form in ["/move\"", "/resolve\"", "/link\"", "/incidents/new", "/problems/new"] {
            assert!(!html.contains(form), "{path} offers {form} to those who may not");
        }
    }
    for (path, form) in [
        ("/incidents", "title=x&service=shop"),
        ("/incidents/INC0000001/move", "state=on_hold"),
        ("/problems", "title=x&service=shop"),
        ("/problems/PRB0000001/link", "records=INC0000002"),
    ] {
        assert_eq!(app.form(&reader, path, form).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn pages_of_a_list_follow_each_other_also_where_much_may_not_be_seen() {
    let app = TestApp::start().await;
    for number in 1..=60 {
        let service = if number % 30 == 0 { "docs" } else { "shop" };
        incident(&app, service, &format!("trouble {number}")).await;
    }
    let first = page(&app, &app.admin, "/incidents?service=shop").await;
    assert!(first.contains("INC0000059") && !first.contains("INC0000005\""), "{first}");
    let (_, rest) =
        first.split_once("href=\"/incidents?service=shop&amp;cursor=").expect("a next page");
    let (cursor, _) = rest.split_once('"').expect("its end");
    let next = format!("/incidents?service=shop&cursor={cursor}");
    let second = page(&app, &app.admin, &next).await;
    assert!(second.contains("INC0000001") && second.contains("href=\"/incidents?service=shop\""));
    let docs = Scope { services: ["docs".to_owned()].into(), ..Scope::default() };
    let docs = app.scoped_token(&[Permission::IncidentRead], docs).await;
    let html = page(&app, &docs, "/incidents").await;
    assert!(html.contains("INC0000060") && html.contains("INC0000030"), "{html}");
    assert!(!html.contains("cursor="), "there is nothing more to see: {html}");
}

#[tokio::test]
async fn a_form_by_the_cookie_needs_the_token_of_its_session() {
    let app = TestApp::start().await;
    enrol(&app, "alice").await;
    let host = ("host", "sluice.test.example");
    let body = json!({"handle": "alice", "password": "four words nobody puts together", "client": "browser"});
    let came = app.post("", "/api/v1/login", &[host], &body).await;
    let cookie = came.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let token = came.json()["csrf_token"].as_str().expect("a token").to_owned();
    let own = ("origin", "https://sluice.test.example");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let send = async |origin: (&str, &str), body: String| {
        let headers = [host, origin, form, ("cookie", cookie.as_str())];
        app.send(request(Method::POST, "/incidents", "", &headers, Body::from(body))).await.status
    };
    let wish = "title=slow&service=shop";
    assert_eq!(send(own, wish.to_owned()).await, 403);
    assert_eq!(send(own, format!("{wish}&csrf_token=abc")).await, 403);
    let evil = ("origin", "https://evil.example");
    assert_eq!(send(evil, format!("{wish}&csrf_token={token}")).await, 403);
    assert_eq!(send(own, format!("{wish}&csrf_token={token}")).await, 303);
    let listed = app.get(&app.admin, "/api/v1/incidents").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
}
