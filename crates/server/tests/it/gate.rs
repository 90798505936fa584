//! The gate over HTTP: from the question to the closed change.

use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_testkit::{Answered, TestApp};

use crate::description::holds;

/// A question about `service` in production; `seed` makes the commit, the artifact and the run.
pub(crate) fn question(service: &str, seed: u32) -> Value {
    json!({
        "service": service,
        "environment": "production",
        "version": format!("1.0.{seed}"),
        "commit": format!("{seed:040x}"),
        "artifacts": [format!("sha256:{seed:064x}")],
        "run": {"system": "github:github.com", "id": format!("test/{service}/{seed}"), "attempt": 1},
        "evidence": [{"type": "test_report", "name": "unit", "status": "passed"}],
        "lines_changed": 12,
    })
}

/// Asks, with the idempotency key `key`.
pub(crate) async fn ask(app: &TestApp, key: &str, question: &Value) -> Answered {
    app.post(&app.admin, "/api/v1/gate", &[("idempotency-key", key)], question).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Asks for `docs`, which flows through, and gives the answer. Passes given before have ended by then: there is one
/// slot for a service.
pub(crate) async fn allowed(app: &TestApp, seed: u32) -> Value {
    app.clock.advance(std::time::Duration::from_secs(16 * 60));
    let answered = ask(app, &format!("docs-{seed}"), &question("docs", seed)).await;
    let answer = answered.json();
    assert_eq!((answered.status, &answer["answer"]), (200, &json!("allow")), "{answer:#}");
    answer
}

#[tokio::test]
async fn an_allowed_question_goes_all_the_way_to_a_closed_change() {
    let app = TestApp::start().await;
    let answer = allowed(&app, 1).await;
    holds("GateReply", &answer);
    let pass = text(&answer["pass"]["id"]);
    assert_eq!(text(&answer["pass"]["token"]).split('.').count(), 3);

    let observed = json!({"artifacts": [format!("sha256:{:064x}", 1)], "strategy": "canary"});
    let path = format!("/api/v1/passes/{pass}/redeem");
    let redeemed = app.post(&app.admin, &path, &[("idempotency-key", "r")], &observed).await;
    assert_eq!(redeemed.status, 200, "{:?}", redeemed.body);
    holds("RedeemReply", &redeemed.json());
    let deployment = text(&redeemed.json()["deployment"]);

    let again = app.post(&app.admin, &path, &[("idempotency-key", "r2")], &observed).await;
    assert_eq!((again.status, again.code().as_str()), (409, "pass_redeemed"));

    let path = format!("/api/v1/deployments/{deployment}/outcome");
    let report = json!({"state": "succeeded", "health": "healthy", "note": "all well"});
    let reported = app.post(&app.admin, &path, &[("idempotency-key", "o")], &report).await;
    assert_eq!(reported.status, 200, "{:?}", reported.body);
    holds("OutcomeReply", &reported.json());

    let change = text(&answer["change"]);
    let shown = app.get(&app.admin, &format!("/api/v1/changes/{change}")).await;
    holds("Change", &shown.json());
    assert_eq!(shown.json()["state"], "closed", "{:#}", shown.json());
    let shown = app.get(&app.admin, &format!("/api/v1/deployments/{deployment}")).await;
    holds("Deployment", &shown.json());
    let list = app.get(&app.admin, &format!("/api/v1/deployments?change={change}")).await.json();
    holds("DeploymentList", &list);
    assert_eq!(list["items"][0]["number"], json!(deployment));
}

#[tokio::test]
async fn a_decision_keeps_its_typed_input_by_digest() {
    let app = TestApp::start().await;
    let answer = allowed(&app, 1).await;
    let path = format!("/api/v1/decisions/{}", text(&answer["decision"]));
    let decision = app.get(&app.admin, &path).await.json();
    holds("Decision", &decision);
    let input = app.get(&app.admin, &format!("{path}/input")).await;
    let digest = sluice_core::ids::Digest::of(&input.body);
    assert_eq!(decision["event"]["input"], json!(digest.as_str()), "{decision:#}");
    assert_eq!(input.json()["facts"]["question"]["service"], "docs");
    let list = app.get(&app.admin, "/api/v1/decisions?answer=allow&service=docs").await.json();
    holds("DecisionList", &list);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let app = TestApp::start().await;
    let first = ask(&app, "one", &question("docs", 1)).await.json();
    let again = ask(&app, "one", &question("docs", 1)).await.json();
    assert_eq!(again["replayed"], true);
    for member in ["decision", "answer", "change", "revision", "reasons", "policy"] {
        assert_eq!(first[member], again[member], "{member}");
    }
    assert_eq!(first["pass"]["id"], again["pass"]["id"]);
    let other = ask(&app, "one", &question("docs", 2)).await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));

    let none = app.post(&app.admin, "/api/v1/gate", &[], &question("docs", 3)).await;
    assert_eq!((none.status, none.code().as_str()), (400, "idempotency_key_missing"));
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let twice = app.post(&app.admin, "/api/v1/gate", &twice, &question("docs", 3)).await;
    assert_eq!(twice.code(), "idempotency_key_missing");
    let long = "x".repeat(256);
    assert_eq!(ask(&app, &long, &question("docs", 3)).await.code(), "idempotency_key_missing");
    assert_eq!(ask(&app, &long[..255], &question("docs", 3)).await.status, 200);
}

#[tokio::test]
async fn a_key_is_for_one_thing_of_the_path() {
    let app = TestApp::start().await;
    let mut asked = question("docs", 1);
    let keyed = async |path: String, body: &Value| {
        app.post(&app.admin, &path, &[("idempotency-key", "same")], body).await
    };
    let mut redeemed: Vec<String> = Vec::new();
    let observed = json!({"artifacts": [format!("sha256:{:064x}", 1)]});
    for (environment, expected) in [("staging", 200), ("production", 422)] {
        asked["environment"] = json!(environment);
        let answer = ask(&app, environment, &asked).await.json();
        let path = format!("/api/v1/passes/{}/redeem", text(&answer["pass"]["id"]));
        let answered = keyed(path.clone(), &observed).await;
        assert_eq!(answered.status, expected, "{environment}: {}", answered.text());
        let answered = match expected {
            200 => keyed(path, &observed).await,
            _ => {
                assert_eq!(answered.code(), "idempotency_key_reused");
                app.post(&app.admin, &path, &[("idempotency-key", environment)], &observed).await
            }
        };
        redeemed.push(text(&answered.json()["deployment"]));
    }
    let report = json!({"state": "succeeded"});
    let ended = async |deployment: &str| {
        let shown = app.get(&app.admin, &format!("/api/v1/deployments/{deployment}")).await;
        text(&shown.json()["state"])
    };
    let outcome = |deployment: &str| format!("/api/v1/deployments/{deployment}/outcome");
    assert_eq!(keyed(outcome(&redeemed[0]), &report).await.status, 200);
    let other = keyed(outcome(&redeemed[1]), &report).await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
    assert_eq!(ended(&redeemed[0]).await, "succeeded");
    assert_eq!(ended(&redeemed[1]).await, "running");
    assert_eq!(keyed(outcome(&redeemed[0]), &report).await.status, 200, "the same once more");
}

#[tokio::test]
async fn a_deployment_whose_run_was_killed_is_ended_by_hand() {
    let app = TestApp::start().await;
    let pass = text(&allowed(&app, 1).await["pass"]["id"]);
    let observed = json!({"artifacts": [format!("sha256:{:064x}", 1)]});
    let path = format!("/api/v1/passes/{pass}/redeem");
    let redeemed = app.post(&app.admin, &path, &[("idempotency-key", "r")], &observed).await.json();
    let path = format!("/api/v1/deployments/{}/end", text(&redeemed["deployment"]));
    let reason = json!({"reason": "the run was killed"});
    let reporter = app.token(&[Permission::DeploymentReport]).await;
    assert_eq!(app.post(&reporter, &path, &[], &reason).await.status, 403);
    let elsewhere = Scope { services: ["shop".to_owned()].into(), ..Scope::default() };
    let elsewhere = app.scoped_token(&[Permission::ChangeEdit], elsewhere).await;
    let hidden = app.post(&elsewhere, &path, &[], &reason).await;
    assert_eq!((hidden.status, hidden.code().as_str()), (404, "deployment_unknown"));
    let alice = app.logged_in("alice").await;
    // Whoever waits for it reads until when and who can act.
    let number = text(&redeemed["deployment"]);
    let waits = ask(&app, "next", &question("docs", 2)).await.json();
    let running = waits["reasons"].as_array().expect("reasons").iter();
    let mut running = running.filter(|one| one["rule"] == "conflicts.running");
    let running = running.next().unwrap_or_else(|| panic!("it runs: {waits:#}"));
    assert_eq!(running["who"], json!(["team:web", "role:change_manager"]), "{running}");
    assert_eq!(running["until"], "2026-03-05T10:16:00Z", "{running}");
    assert!(text(&running["pass_if"]).contains(&format!("sluice deployment end {number}")));
    let ended = app.post(&alice, &path, &[], &reason).await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    holds("OutcomeReply", &ended.json());
    assert_eq!(ended.json()["deployment"]["state"], "failed");
    assert_eq!(app.post(&alice, &path, &[], &reason).await.code(), "already_ended");
}

#[tokio::test]
async fn a_deployment_is_ended_on_the_page_of_its_change_by_those_who_may() {
    let app = TestApp::start().await;
    let allowed = allowed(&app, 1).await;
    let path = format!("/api/v1/passes/{}/redeem", text(&allowed["pass"]["id"]));
    let observed = json!({"artifacts": [format!("sha256:{:064x}", 1)]});
    let redeemed = app.post(&app.admin, &path, &[("idempotency-key", "r")], &observed).await.json();
    let number = text(&redeemed["deployment"]);
    let page = format!("/changes/{}", text(&allowed["change"]));
    let action = format!("{page}/deployments/{number}/end");
    let reader = app.person("bob", &[Permission::ChangeRead]).await;
    let editor = app.person("alice", &[Permission::ChangeRead, Permission::ChangeEdit]).await;
    let shown = async |by: &str| app.get(by, &page).await.text();
    let form = format!("action=\"{action}\"");
    for (by, may) in [(&reader, false), (&editor, true)] {
        let html = shown(by).await;
        assert!(html.contains("Without an outcome it ends as failed"), "{html}");
        assert_eq!(html.contains(&form), may, "{html}");
    }
    assert_eq!(app.form(&reader, &action, "reason=killed").await.status, 403);
    assert!(app.form(&editor, &action, "reason=+").await.status >= 400, "a reason is needed");
    let other = action.replace(&number, "DEP0000099");
    assert_eq!(app.form(&editor, &other, "reason=killed").await.status, 404);
    let ended = app.form(&editor, &action, "reason=the+run+was+killed").await;
    let to = format!("{page}?done=deployment_ended#deployments-title");
    assert_eq!((ended.status, ended.header("location")), (303, to.as_str()), "{ended:?}");
    let html = shown(&editor).await;
    assert!(html.contains("the run was killed") && !html.contains(&form), "{html}");
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace() {
    let app = TestApp::start().await;
    let before = app.engine.standing().size;
    let path = "/api/v1/gate?dry_run=true";
    let answered = app.post(&app.admin, path, &[], &question("docs", 1)).await;
    let answer = answered.json();
    holds("GateReply", &answer);
    assert_eq!((answered.status, &answer["answer"]), (200, &json!("allow")));
    assert_eq!(
        (&answer["pass"], &answer["receipt"], &answer["decision"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(app.engine.standing().size, before);
}

#[tokio::test]
async fn a_question_that_waits_is_woken_by_the_approval() {
    let app = TestApp::start().await;
    crate::hooks::pushed(&app, "shop", 1).await;
    let first = ask(&app, "first", &question("shop", 1)).await;
    let answer = first.json();
    assert_eq!((first.status, &answer["answer"]), (200, &json!("wait")), "{answer:#}");
    holds("GateReply", &answer);
    let bob = app.person("bob", &[Permission::ChangeApprove, Permission::ChangeRead]).await;
    let headers = [("idempotency-key", "second"), ("prefer", "wait=50")];
    let question = question("shop", 1);
    let waiting = app.post(&app.admin, "/api/v1/gate", &headers, &question);
    let approve = async {
        let path = format!("/api/v1/changes/{}/approve", text(&answer["change"]));
        let body = json!({"revision": answer["revision"], "reason": "looked at it"});
        let approved = app.post(&bob, &path, &[], &body).await;
        assert_eq!(approved.status, 200, "{:?}", approved.body);
        holds("ChangeReply", &approved.json());
    };
    let (woken, ()) = tokio::join!(waiting, approve);
    assert_eq!(woken.json()["answer"], "allow", "{:#}", woken.json());
    assert_eq!(woken.header("preference-applied"), "wait=50");
}

#[tokio::test]
async fn a_stop_holds_the_next_question_until_it_is_lifted() {
    let app = TestApp::start().await;
    let body = json!({"scope": {"services": ["docs"]}, "reason": "a leak"});
    let pulled = app.post(&app.admin, "/api/v1/stops", &[], &body).await;
    assert_eq!(pulled.status, 201, "{:?}", pulled.body);
    holds("StopReply", &pulled.json());
    let answer = ask(&app, "held", &question("docs", 1)).await.json();
    assert_ne!(answer["answer"], "allow");
    assert!(
        answer["reasons"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["check"] == "stop"))
    );
    holds("StopList", &app.get(&app.admin, "/api/v1/stops").await.json());
    let stop = text(&pulled.json()["stop"]["id"]);
    let path = format!("/api/v1/stops/{stop}/lift");
    let lifted = app.post(&app.admin, &path, &[], &json!({"reason": "it is tight"})).await;
    assert_eq!(lifted.status, 200);
    holds("Done", &lifted.json());
    assert_eq!(ask(&app, "free", &question("docs", 1)).await.json()["answer"], "allow");
    let again = app.post(&app.admin, &path, &[], &json!({"reason": "again"})).await;
    assert_eq!((again.status, again.code().as_str()), (404, "stop_unknown"));
}

#[tokio::test]
async fn an_exception_is_granted_for_a_time_and_taken_back() {
    let app = TestApp::start().await;
    let bob = app.person("bob", &[Permission::ExceptionGrant]).await;
    let body = json!({"lifts": "stop:*", "reason": "urgent", "until": "2026-03-04T12:00:00Z"});
    let granted = app.post(&bob, "/api/v1/exceptions", &[], &body).await;
    assert_eq!(granted.status, 201, "{:?}", granted.body);
    holds("ExceptionReply", &granted.json());
    holds("ExceptionList", &app.get(&app.admin, "/api/v1/exceptions").await.json());
    let path = format!("/api/v1/exceptions/{}/revoke", text(&granted.json()["exception"]["id"]));
    let revoked = app.post(&bob, &path, &[], &json!({"reason": "done"})).await;
    assert_eq!(revoked.status, 200);
    let past = json!({"lifts": "stop:*", "reason": "late", "until": "2026-03-04T09:00:00Z"});
    let past = app.post(&bob, "/api/v1/exceptions", &[], &past).await;
    assert_eq!((past.status, past.code().as_str()), (422, "ends_in_the_past"));
}

#[tokio::test]
async fn an_answer_names_the_environment_by_its_own_name() {
    let app = TestApp::start().await;
    let mut asked = question("docs", 1);
    asked["environment"] = json!("PROD");
    let answer = ask(&app, "own-name", &asked).await.json();
    assert_eq!(answer["environment"], "production", "{answer}");
}
