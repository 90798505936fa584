//! The pages: who may see them, that they hold no script or style of their own, and that text stays text.

use axum::body::Body;
use http::Method;
use serde_json::json;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_server::{Access, page_table};
use sluice_testkit::{TestApp, request};

/// Texts that try to be something else than text.
const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "<svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "--><script>alert(1)</script><!--",
    "a\u{202e}gpj.exe\u{2066}\u{200b}\u{7}",
];

fn filled(path: &str) -> String {
    let number = match path {
        _ if path.starts_with("/incidents") => "INC0000001",
        _ if path.starts_with("/problems") => "PRB0000001",
        _ => "CHG0000001",
    };
    let segments = path.split('/').map(|segment| match segment {
        "{number}" => number,
        "{index}" | "{at}" => "0",
        "{*name}" => "shop",
        segment if segment.starts_with('{') => "0123456789abcdef",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A shop with one change that waits, an incident that it caused and a problem behind it, whose every text is `hostile`.
async fn shop(hostile: &str) -> TestApp {
    let app = TestApp::start().await;
    let clean: String = hostile.chars().filter(|found| !found.is_control()).collect();
    let question = json!({
        "service": "shop", "environment": "production", "version": clean,
        "commit": "1".repeat(40), "artifacts": [],
        "run": {"system": "github:github.com", "id": clean, "attempt": 1, "url": hostile},
        "evidence": [{"type": clean, "name": clean, "status": "passed", "url": hostile}],
        "emergency": clean,
    });
    let asked = app.post(&app.admin, "/api/v1/gate", &[("idempotency-key", "k")], &question).await;
    assert!(asked.status == 200 || asked.status == 422 || asked.status == 400, "{asked:?}");
    disturb(&app, &clean).await;
    app
}

/// An incident and a problem of the shop, with a text in each of their fields that takes one.
async fn disturb(app: &TestApp, text: &str) {
    let services = json!(["shop"]);
    let change = app.get(&app.admin, "/api/v1/changes/CHG0000001").await.status == 200;
    let incident = json!({
        "title": text, "services": services, "environment": "production", "severity": text, "note": text,
        "change": change.then_some("CHG0000001"),
    });
    let problem =
        json!({"title": text, "services": services, "incidents": ["INC0000001"], "note": text});
    let moved = json!({"state": "on_hold", "note": text});
    let known = json!({"state": "known_error", "note": text});
    for (path, body) in [
        ("/api/v1/incidents", incident),
        ("/api/v1/problems", problem),
        ("/api/v1/incidents/INC0000001/move", moved),
        ("/api/v1/problems/PRB0000001/move", known),
    ] {
        let answered = app.post(&app.admin, path, &[], &body).await;
        assert!([200, 201].contains(&answered.status), "{path} {answered:?}");
    }
}

#[tokio::test]
async fn who_is_not_in_is_led_to_the_door_and_nowhere_else() {
    let app = TestApp::start().await;
    for facts in page_table() {
        if matches!(facts.access, Access::Public(_)) {
            continue;
        }
        let path = filled(facts.path);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = Body::from("csrf_token=x");
        let answered = app.send(request(facts.method.clone(), &path, "", &form, body)).await;
        assert_eq!(answered.status, 303, "{} {path}", facts.method);
        assert!(answered.header("location").starts_with("/login"), "{path}");
    }
}

#[tokio::test]
async fn a_page_needs_its_permission_and_says_so_in_html() {
    let app = shop("plain").await;
    let nobody = app.token(&[Permission::GateEvaluate]).await;
    for facts in page_table().into_iter().filter(|facts| facts.method == Method::GET) {
        let path = filled(facts.path);
        if path == "/live" || path.starts_with("/assets") || path.contains("{") {
            continue;
        }
        let answered = app.get(&nobody, &path).await;
        match facts.access {
            Access::Needs(_) => {
                assert_eq!(answered.status, 403, "{path}");
                assert!(answered.text().contains("<h1>"), "{path}");
            }
            _ => assert!([200, 303, 404].contains(&answered.status), "{path}: {}", answered.status),
        }
    }
}

#[tokio::test]
async fn every_page_can_be_seen_and_holds_no_script_or_style_of_its_own() {
    let app = shop("plain").await;
    let alice = app.session("alice", sluice_engine::Client::Cli, None).await.secret;
    let mut seen = 0;
    for facts in page_table().into_iter().filter(|facts| facts.method == Method::GET) {
        let path = filled(facts.path);
        if path == "/live" || path.starts_with("/assets") || path.starts_with("/calendar/feed") {
            continue;
        }
        let for_people = matches!(
            facts.access,
            Access::Needs(Permission::CalendarEdit | Permission::ExceptionGrant)
        );
        let token = if for_people { &alice } else { &app.admin };
        let answered = app.get(token, &path).await;
        let html = answered.text();
        let known = !["/policies/decisions", "/admin/inbox/", "/calendar/windows/0"]
            .iter()
            .any(|missing| path.starts_with(missing));
        assert_eq!(answered.status, if known { 200 } else { 404 }, "{path}: {html}");
        if path.ends_with(".csv") {
            continue;
        }
        seen += 1;
        assert!(answered.header("content-type").starts_with("text/html"), "{path}");
        assert!(
            answered.header("content-security-policy").contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answered.header("cache-control"), "no-store", "{path}");
        assert!(html.len() < 200_000, "{path} weighs {} bytes", html.len());
        let lower = html.to_lowercase();
        for (at, _) in lower.match_indices("<script") {
            assert!(
                lower.get(at..).is_some_and(|rest| rest.starts_with("<script src=\"/assets/")),
                "{path}"
            );
        }
        for forbidden in
            ["<style", " style=", " onclick=", " onload=", "href=\"javascript:", "{{", "{%"]
        {
            assert!(!lower.contains(forbidden), "{path} has {forbidden}");
        }
    }
    assert!(seen > 20, "{seen}");
}

#[tokio::test]
async fn hostile_text_stays_text_on_every_page() {
    for hostile in HOSTILE {
        let app = shop(hostile).await;
        for path in [
            "/",
            "/changes",
            "/changes?view=board",
            "/changes/CHG0000001",
            "/cab",
            "/audit",
            "/audit/30",
            "/incidents",
            "/incidents/INC0000001",
            "/problems",
            "/problems/PRB0000001",
            "/services/shop",
        ] {
            let html = app.get(&app.admin, path).await.text();
            quiet(&html, hostile, path);
        }
        let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for path in [
            "/search?q=",
            "/changes?q=",
            "/changes?service=",
            "/services?q=",
            "/login?to=",
            "/audit?record=",
            "/calendar?service=",
            "/incidents?q=",
            "/incidents?service=",
            "/incidents?state=",
            "/incidents/new?title=",
            "/incidents/new?note=",
            "/incidents/new?others=",
            "/problems?q=",
            "/problems/new?records=",
            "/problems/new?note=",
        ] {
            let html = app.get(&app.admin, &format!("{path}{encoded}")).await.text();
            quiet(&html, hostile, path);
        }
        for (path, field) in [
            ("/incidents", "title"),
            ("/incidents", "service"),
            ("/incidents/INC0000001/problem", "problem"),
            ("/problems", "records"),
            ("/problems/PRB0000001/link", "records"),
        ] {
            let refused = app.form(&app.admin, path, &format!("{field}={encoded}")).await;
            assert!((400..500).contains(&refused.status), "{path} {field}: {}", refused.status);
            quiet(&refused.text(), hostile, path);
        }
    }
}

/// Fails where a text has become markup, or is hidden.
fn quiet(html: &str, hostile: &str, path: &str) {
    for forbidden in [
        "<script>alert",
        "<img src=x",
        "<svg/onload",
        "' onmouseover=",
        "href=\"javascript:",
        "action=\"javascript:",
    ] {
        assert!(!html.contains(forbidden), "{path} with {hostile}: {forbidden}");
    }
    for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{7}'] {
        assert!(!html.contains(hidden), "{path} with {hostile}: {:?}", hidden);
    }
}

#[tokio::test]
async fn files_are_kept_for_ever_under_the_name_of_their_content() {
    let app = TestApp::start().await;
    let html = app.get("", "/login").await.text();
    let (_, rest) = html.split_once("href=\"/assets/").expect("a style sheet");
    let (path, _) = rest.split_once('"').expect("its end");
    let answered = app.get("", &format!("/assets/{path}")).await;
    assert_eq!(answered.status, 200);
    assert!(answered.header("cache-control").contains("immutable"));
    assert_eq!(app.get("", "/assets/000000000000/sluice.css").await.status, 404);
}

#[tokio::test]
async fn the_calendar_is_fed_to_a_token_that_may_nothing_else() {
    let app = TestApp::start().await;
    let narrow = app.token(&[Permission::CalendarRead]).await;
    let fed = app.get("", &format!("/calendar/feed/{narrow}.ics")).await;
    assert_eq!(fed.status, 200);
    assert!(fed.text().starts_with("BEGIN:VCALENDAR\r\n"));
    let wide = app.token(&[Permission::CalendarRead, Permission::ChangeRead]).await;
    for secret in [wide.as_str(), "x"] {
        assert_eq!(app.get("", &format!("/calendar/feed/{secret}.ics")).await.status, 404);
    }
}

#[tokio::test]
async fn numbers_are_exported() {
    let app = shop("plain").await;
    let answered = app.get(&app.admin, "/numbers.csv?days=30").await;
    assert_eq!(answered.status, 200);
    let text = answered.text();
    assert!(text.starts_with("number,value,low,high"), "{text}");
    assert!(text.lines().count() > 6, "{text}");
}

#[tokio::test]
async fn who_may_see_a_part_only_begins_with_numbers_of_a_service_of_theirs() {
    let app = shop("plain").await;
    let shop = Scope { services: ["shop".to_owned()].into(), ..Scope::default() };
    let shop = app.scoped_token(&[Permission::ChangeRead], shop).await;
    let html = app.get(&shop, "/numbers").await;
    assert!(html.status == 200 && html.text().contains("value=\"shop\""), "{}", html.text());
    assert_eq!(app.get(&shop, "/numbers?service=docs").await.status, 403);
    assert_eq!(app.get(&app.admin, "/numbers?team=web").await.status, 200);
    assert_eq!(app.get(&shop, "/numbers?team=web").await.status, 403, "docs are theirs too");
    assert_eq!(app.get(&app.admin, "/numbers?team=nobody").await.status, 400);
    let nothing =
        Scope { environment_tiers: ["development".to_owned()].into(), ..Scope::default() };
    let nothing = app.scoped_token(&[Permission::ChangeRead], nothing).await;
    assert_eq!(app.get(&nothing, "/numbers").await.status, 403);
}
