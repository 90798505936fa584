//! What a person with a browser meets beside the pages themselves: tabs, wrong addresses, forms that are refused.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use serde_json::json;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_testkit::{Answered, TestApp, request};

use crate::sessions::enrol;
use crate::talk::waiting;

const PASSWORD: &str = "four words nobody puts together";
const HOST: (&str, &str) = ("host", "sluice.test.example");
const OWN: (&str, &str) = ("origin", "https://sluice.test.example");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Alice in a browser.
struct Tab {
    app: TestApp,
    cookie: String,
    csrf: String,
}

impl Tab {
    async fn open() -> Self {
        let app = TestApp::start().await;
        enrol(&app, "alice").await;
        let body = json!({"handle": "alice", "password": PASSWORD, "client": "browser"});
        let came = app.post("", "/api/v1/login", &[HOST], &body).await;
        let csrf = came.json()["csrf_token"].as_str().expect("a token").to_owned();
        Self { cookie: cookie_of(&came), csrf, app }
    }

    async fn send(&self, path: &str, form: &str) -> Answered {
        let body = format!("{form}&csrf_token={}", self.csrf);
        let headers = [HOST, OWN, FORM, ("cookie", self.cookie.as_str())];
        self.app.send(request(Method::POST, path, "", &headers, Body::from(body))).await
    }

    async fn look(&self, path: &str) -> Answered {
        let headers = [HOST, ("accept", "text/html"), ("cookie", self.cookie.as_str())];
        self.app.send(request(Method::GET, path, "", &headers, Body::empty())).await
    }
}

fn cookie_of(answered: &Answered) -> String {
    answered.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_proof_in_one_tab_leaves_the_forms_of_the_others_good() {
    let mut tab = Tab::open().await;
    waiting(&tab.app, 1).await;
    let proof = format!("password={}&to=/changes", PASSWORD.replace(' ', "+"));
    let proven = tab.send("/confirm", &proof).await;
    assert_eq!((proven.status, proven.header("location")), (303, "/changes"), "{proven:?}");
    assert_ne!(cookie_of(&proven), tab.cookie, "the secret is another one");
    tab.cookie = cookie_of(&proven);
    let said = tab.send("/changes/CHG0000001/comments", "text=typed+before").await;
    assert_eq!(said.status, 303, "{said:?}");
    // What was said is found by its words, by those who see the change.
    for (query, found) in
        [("before+TYPED", true), ("type", true), ("typ", false), ("typed+never", false)]
    {
        let page = tab.look(&format!("/search?q={query}")).await.text();
        assert_eq!(page.contains("/changes/CHG0000001#entry-"), found, "{query}");
    }
    let docs = Scope { services: ["docs".to_owned()].into(), ..Scope::default() };
    // What has no page of its own is for whoever reads the whole ledger.
    let stop = json!({"scope": {"services": ["shop"]}, "reason": "typed by the chief"});
    let pulled = tab.app.post(&tab.app.admin, "/api/v1/stops", &[], &stop).await;
    assert_eq!(pulled.status, 201, "{pulled:?}");
    let part = tab.app.scoped_token(&[Permission::LedgerRead], docs.clone()).await;
    for (token, seen) in [(&tab.app.admin, true), (&part, false)] {
        let page = tab.app.get(token, "/search?q=chief").await.text();
        assert_eq!(page.contains("typed by the chief"), seen, "{page}");
    }
    let elsewhere = tab.app.scoped_token(&[Permission::ChangeRead], docs).await;
    let page = tab.app.get(&elsewhere, "/search?q=typed").await.text();
    assert!(!page.contains("typed before"), "{page}");
    // Whoever proves at a provider who they are has another session then.
    let body = json!({"handle": "alice", "password": PASSWORD, "client": "browser"});
    tab.cookie = cookie_of(&tab.app.post("", "/api/v1/login", &[HOST], &body).await);
    assert_eq!(tab.send("/changes/CHG0000001/comments", "text=as+well").await.status, 303);
    // A second tab that was at the login all the time has the form of somebody who is not in.
    tab.csrf = String::new();
    let form = format!("handle=alice&to=/changes&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(tab.send("/login", &form).await.status, 303);
    assert_eq!(tab.send("/changes/CHG0000001/comments", "text=x").await.status, 403);
}

#[tokio::test]
async fn who_goes_astray_in_a_browser_meets_a_page() {
    let tab = Tab::open().await;
    waiting(&tab.app, 1).await;
    for (path, status) in [("/chages", 404), ("/changes/CHG0000001/vote", 405)] {
        let shown = tab.look(path).await;
        assert_eq!(shown.status, status, "{path}");
        assert!(shown.header("content-type").starts_with("text/html"), "{path}");
        assert!(!shown.text().contains("openapi"), "{path}");
        let told = tab.app.get(&tab.app.admin, path).await;
        assert_eq!(told.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(told.header("allow").is_empty(), status == 404, "{path}");
    }
    assert_eq!(tab.app.get("", "/api/v1/chages").await.code(), "not_found");
    // Whose session is over is led back to the page that the form was on.
    for (path, back) in [
        ("/changes/CHG0000001/vote", "/changes/CHG0000001"),
        ("/changes/CHG0000001/deployments/DEP0000001/end", "/changes/CHG0000001"),
        ("/admin/tokens/t1/revoke", "/admin/tokens"),
        ("/policies/decisions/d1", "/policies/decisions/d1"),
        ("/proposals/roles/g1/confirm", "/proposals"),
        ("/stops", "/calendar"),
        ("/calendar/windows/w1/end", "/calendar/windows/w1"),
    ] {
        let form =
            request(Method::POST, path, "", &[HOST, OWN, FORM], Body::from("verdict=approve"));
        let to = format!("/login?to={}&lost=1", back.replace('/', "%2F"));
        assert_eq!(tab.app.send(form).await.header("location"), to, "{path}");
    }
}

#[tokio::test]
async fn what_was_written_stays_where_a_decision_is_refused() {
    let mut tab = Tab::open().await;
    waiting(&tab.app, 1).await;
    let change = tab.app.get(&tab.app.admin, "/api/v1/changes/CHG0000001").await.json();
    let revision = change["revision"]["digest"].as_str().expect("a digest").to_owned();
    let vote = |verdict: &str, reason: &str, password: &str| {
        let password = password.replace(' ', "+");
        format!("verdict={verdict}&revision={revision}&reason={reason}&password={password}")
    };
    let path = "/changes/CHG0000001/vote";
    let refused = tab.send(path, &vote("reject", "", "")).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    tab.app.clock.advance(Duration::from_secs(11 * 60));
    for (password, status) in [("", 403), ("wrong", 401)] {
        let refused = tab.send(path, &vote("approve", "looked+twice", password)).await;
        let page = refused.text();
        assert_eq!(refused.status, status, "{page}");
        assert!(page.contains("looked twice") && page.contains("name=\"password\""), "{page}");
    }
    tab.app.clock.advance(Duration::from_secs(60));
    let outdated = format!("verdict=approve&revision=sha256:{}&reason=mine", "0".repeat(64));
    let password = PASSWORD.replace(' ', "+");
    let refused = tab.send(path, &format!("{outdated}&password={password}")).await;
    assert_eq!((refused.status, refused.text().contains(">mine</textarea>")), (412, true));
    // The proof holds all the same.
    tab.cookie = cookie_of(&refused);
    let given = tab.send(path, &vote("approve", "looked+twice", "")).await;
    assert_eq!(given.header("location"), "/changes/CHG0000001?done=approved", "{given:?}");
}

#[tokio::test]
async fn the_explorer_finds_a_stream_by_its_name_and_goes_by_all_that_is_filled_in() {
    let tab = Tab::open().await;
    let app = &tab.app;
    let wish = json!({"title": "slow", "services": ["shop"]});
    assert_eq!(app.post(&app.admin, "/api/v1/incidents", &[], &wish).await.status, 201);
    for (query, found) in [
        ("record=INC0000001", true),
        ("record=incident/INC0000001", true),
        ("record=incident/INC0000001&event=opened", true),
        ("record=incident/INC0000001&event=resolved", false),
        ("record=incident/INC0000001&before=1", false),
        ("record=incident/INC0000002", false),
    ] {
        let page = app.get(&app.admin, &format!("/audit?{query}")).await.text();
        assert_eq!(page.contains("incident.opened"), found, "{query}: {page}");
    }
}

#[tokio::test]
async fn a_policy_is_read_with_its_tests_which_run_on_its_page() {
    let tab = Tab::open().await;
    let app = &tab.app;
    let own = "package sluice.own\n\nimport rego.v1\n\nfriday if input.now == \"x\"\n";
    let tests = "package sluice.own_test\n\nimport rego.v1\n\nimport data.sluice.own\n\n\
                 test_friday if own.friday with input as {\"now\": \"x\"}\n\n\
                 test_never if own.friday with input as {\"now\": \"y\"}\n";
    let folder = |tests| {
        let organisation = ("sluice.yaml", sluice_testkit::ORGANISATION);
        [organisation, ("policies/own.rego", own), ("policies/own_test.rego", tests)]
    };
    app.apply(&folder(tests)).await;
    let page = app.get(&app.admin, "/policies?module=policies/own_test.rego").await.text();
    assert!(page.contains("test_never if own.friday"), "its text is shown");
    let page = tab.send("/policies/tests", "").await.text();
    for (name, outcome) in [("test_friday", "passed"), ("test_never", "failed")] {
        let (before, _) = page.split_once(&format!("data.sluice.own_test.{name}")).expect(name);
        assert!(before.rsplit_once("pill").expect("a mark").1.contains(outcome), "{name}");
    }
    // The tests alone are others: no other policy takes effect, and the page shows the new ones.
    app.apply(&folder(&tests.replace("test_never", "test_other"))).await;
    let page = tab.send("/policies/tests", "").await.text();
    assert!(!page.contains("data-live"), "looking at it does not run them again");
    assert!(page.contains("own_test.test_other") && !page.contains("test_never"));
}

#[tokio::test]
async fn what_was_filled_in_stays_where_a_form_of_the_calendar_is_refused() {
    let tab = Tab::open().await;
    for (path, form) in [
        ("/exceptions", "lifts=freeze:nowhere&service=shop&environment=production&hours=2"),
        ("/exceptions", "lifts=freeze:*&service=shop&environment=production&hours=9999"),
        ("/stops", "service=shop&environment=nowhere"),
        ("/calendar/windows", "title=Freeze&kind=freeze&start=x&end=y&zone=UTC"),
    ] {
        let answered = tab.send(path, &format!("{form}&reason=typed+at+length")).await;
        assert!([400, 403, 404, 409, 422].contains(&answered.status), "{path} {}", answered.status);
        let page = answered.text();
        assert!(page.contains("role=\"alert\""), "{path} {form} says why");
        assert!(page.contains("typed at length"), "{path} {form} keeps it");
    }
}
