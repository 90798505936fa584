//! Incidents and problems over HTTP: what is refused of what is sent, and where a scope ends.

use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_testkit::TestApp;

use crate::gate::{ask, question};

const INCIDENTS: &str = "/api/v1/incidents";
const PROBLEMS: &str = "/api/v1/problems";

/// What opens an incident of `docs`, with other members than usual.
fn opening(other: Value) -> Value {
    let mut body = json!({"title": "search is slow", "services": ["docs"]});
    for (name, value) in other.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_incident_is_opened_with_words_that_fit_and_moved_where_it_can_be() {
    let app = TestApp::start().await;
    for (other, code) in [
        (json!({"title": ""}), "title_unfit"),
        (json!({"title": " "}), "title_unfit"),
        (json!({"title": "two\nlines"}), "title_unfit"),
        (json!({"title": "x".repeat(201)}), "title_unfit"),
        (json!({"note": "x".repeat(2_001)}), "over_limit"),
        (json!({"note": "a bell\u{7}"}), "over_limit"),
        (json!({"severity": "x".repeat(65)}), "over_limit"),
        (json!({"severity": "two\nlines"}), "over_limit"),
        (json!({"environment": "x".repeat(65)}), "over_limit"),
        (json!({"environment": "a bell\u{7}"}), "over_limit"),
        (json!({"environment": "nowhere"}), "environment_unknown"),
        (json!({"services": []}), "services_unfit"),
        (json!({"services": ["nothing"]}), "service_unknown"),
        (json!({"services": ["no name"]}), "body_invalid"),
        (json!({"change": "CHG0000009"}), "change_unknown"),
        (json!({"state": "resolved"}), "body_invalid"),
    ] {
        let answered = app.post(&app.admin, INCIDENTS, &[], &opening(other.clone())).await;
        assert_eq!(answered.code(), code, "{other}");
    }
    let fits = json!({"severity": "x".repeat(64), "environment": "PROD"});
    let opened = app.post(&app.admin, INCIDENTS, &[], &opening(fits)).await;
    assert_eq!((opened.status, &opened.json()["incident"]), (201, &json!("INC0000001")));

    let one = format!("{INCIDENTS}/INC0000001");
    for (path, body, code) in [
        (format!("{one}/move"), json!({"state": "resolved"}), "resolution_missing"),
        (format!("{one}/move"), json!({"state": "closed"}), "body_invalid"),
        (format!("{one}/move"), json!({"state": "new"}), "already_so"),
        (format!("{INCIDENTS}/INC0000009/move"), json!({"state": "on_hold"}), "incident_unknown"),
        (format!("{INCIDENTS}/9/move"), json!({"state": "on_hold"}), "no_such_record"),
        (format!("{one}/resolve"), json!({"resolution": "fixed", "note": " "}), "note_missing"),
    ] {
        let answered = app.post(&app.admin, &path, &[], &body).await;
        assert_eq!(answered.code(), code, "{path} {body}");
    }
    let hold = json!({"state": "on_hold"});
    assert_eq!(app.post(&app.admin, &format!("{one}/move"), &[], &hold).await.status, 200);
    let resolve = json!({"resolution": "fixed", "note": "a new index"});
    assert_eq!(app.post(&app.admin, &format!("{one}/resolve"), &[], &resolve).await.status, 200);
    assert_eq!(app.get(&app.admin, &one).await.json()["state"], "resolved");
}

#[tokio::test]
async fn an_incident_of_no_environment_is_altered_by_those_who_may_in_each() {
    let app = TestApp::start().await;
    let permissions =
        [Permission::IncidentRead, Permission::IncidentCreate, Permission::IncidentEdit];
    let staging = Scope { environments: ["staging".to_owned()].into(), ..Scope::default() };
    let docs = Scope { services: ["docs".to_owned()].into(), ..Scope::default() };
    let (staging, docs) =
        (app.scoped_token(&permissions, staging).await, app.scoped_token(&permissions, docs).await);
    let on_hold = json!({"state": "on_hold"});
    for (number, environment, staging_may) in
        [("INC0000001", Value::Null, false), ("INC0000002", json!("staging"), true)]
    {
        let body = opening(json!({ "environment": environment }));
        let opened = app.post(&staging, INCIDENTS, &[], &body).await;
        assert_eq!(opened.json()["incident"], number, "{opened:?}");
        let one = format!("{INCIDENTS}/{number}");
        assert_eq!(app.get(&staging, &one).await.status, 200, "{environment}");
        let moved = app.post(&staging, &format!("{one}/move"), &[], &on_hold).await;
        assert_eq!(moved.status == 200, staging_may, "{environment} {moved:?}");
        let resolve = json!({"resolution": "unfounded", "note": "it was a drill"});
        let resolved = app.post(&docs, &format!("{one}/resolve"), &[], &resolve).await;
        assert_eq!(resolved.status, 200, "{environment} {resolved:?}");
    }
}

#[tokio::test]
async fn a_problem_links_nothing_that_lies_outside_of_where_somebody_may() {
    let app = TestApp::start().await;
    for service in ["docs", "shop"] {
        let body = opening(json!({ "services": [service] }));
        assert_eq!(app.post(&app.admin, INCIDENTS, &[], &body).await.status, 201);
        let asked = ask(&app, service, &question(service, 1)).await;
        assert_eq!(asked.status, 200, "{asked:?}");
    }
    let docs = Scope { services: ["docs".to_owned()].into(), ..Scope::default() };
    let docs = app.scoped_token(&[Permission::ProblemEdit], docs).await;
    let problem = |incidents: Value, changes: Value| {
        opening(json!({ "incidents": incidents, "changes": changes }))
    };
    for (incidents, changes) in [
        (json!(["INC0000002"]), json!([])),
        (json!([]), json!(["CHG0000002"])),
        (json!(["INC0000001", "INC0000002"]), json!(["CHG0000001"])),
    ] {
        let body = problem(incidents, changes);
        let answered = app.post(&docs, PROBLEMS, &[], &body).await;
        assert_eq!(answered.code(), "outside_scope", "{body}");
        assert!(!answered.text().contains("shop"), "{answered:?}");
    }
    let body = problem(json!(["INC0000001"]), json!(["CHG0000001"]));
    assert_eq!(app.post(&docs, PROBLEMS, &[], &body).await.status, 201);
    let link = format!("{PROBLEMS}/PRB0000001/link");
    for body in [json!({"incidents": ["INC0000002"]}), json!({"changes": ["CHG0000002"]})] {
        assert_eq!(app.post(&docs, &link, &[], &body).await.code(), "outside_scope", "{body}");
        assert_eq!(app.post(&app.admin, &link, &[], &body).await.status, 200, "{body}");
    }
}
