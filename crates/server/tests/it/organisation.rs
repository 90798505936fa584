//! The organisation over HTTP: checked, planned, applied, shown.

use serde_json::json;
use sluice_core::permission::Permission;
use sluice_testkit::{ORGANISATION, TestApp};

use crate::description::holds;

#[tokio::test]
async fn a_plan_is_shown_and_applied_once() {
    let app = TestApp::empty().await;
    let files = json!({"files": {"sluice.yaml": ORGANISATION}});
    let plan = app.post(&app.admin, "/api/v1/organisation/plan", &[], &files).await;
    assert_eq!(plan.status, 200, "{:?}", plan.body);
    let plan = plan.json();
    holds("PlanReply", &plan);
    let steps = plan["steps"].as_array().map_or(0, Vec::len);
    assert!(steps > 5, "{plan:#}");

    let apply = |digest: &serde_json::Value| json!({"files": {"sluice.yaml": ORGANISATION}, "source": "test", "plan": digest});
    let other = apply(&json!(format!("sha256:{:064x}", 1)));
    let refused = app.post(&app.admin, "/api/v1/organisation/apply", &[], &other).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "plan_outdated"));
    let path = "/api/v1/organisation/apply";
    let applied = app.post(&app.admin, path, &[], &apply(&plan["digest"])).await;
    assert_eq!(applied.status, 200, "{:?}", applied.body);
    holds("ApplyReply", &applied.json());
    assert_eq!(applied.json()["declared"], json!(steps));
    assert!(
        applied.json()["hooks"][0]["path"].as_str().is_some_and(|path| path.starts_with("/hooks/"))
    );

    let size = app.engine.standing().size;
    let again = app.post(&app.admin, path, &[], &files).await.json();
    assert_eq!((&again["declared"], &again["withdrawn"]), (&json!(0), &json!(0)));
    assert_eq!(app.engine.standing().size, size);
}

#[tokio::test]
async fn a_plan_that_sweeps_out_all_people_is_applied_for_whoever_says_so() {
    let app = TestApp::start().await;
    let (plan, apply) = ("/api/v1/organisation/plan", "/api/v1/organisation/apply");
    let mut files = json!({"files": {"sluice.yaml": "teams: [{name: web}]\n"}});
    let shown = app.post(&app.admin, plan, &[], &files).await.json();
    holds("PlanReply", &shown);
    assert_eq!(shown["sweeps_out"], json!(["all people", "all services"]), "{shown:#}");
    let size = app.engine.standing().size;
    let refused = app.post(&app.admin, apply, &[], &files).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "withdraws_all"), "{refused:?}");
    assert_eq!(app.engine.standing().size, size, "nothing was recorded");

    files["withdraw_all"] = json!(true);
    let applied = app.post(&app.admin, apply, &[], &files).await;
    assert_eq!(applied.status, 200, "{applied:?}");
    assert!(app.engine.standing().organisation.services.is_empty());
}

#[tokio::test]
async fn every_problem_is_named_with_its_place() {
    let app = TestApp::empty().await;
    let files = json!({"files": {"sluice.yaml": "services:\n  - {name: a, colour: red}\n"}});
    let checked = app.post(&app.admin, "/api/v1/organisation/check", &[], &files).await.json();
    holds("CheckReply", &checked);
    assert_eq!(checked["problems"][0]["file"], "sluice.yaml", "{checked:#}");
    let refused = app.post(&app.admin, "/api/v1/organisation/apply", &[], &files).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "folder_unsound"));
}

#[tokio::test]
async fn items_are_listed_by_name_and_say_nothing_of_hooks() {
    let app = TestApp::start().await;
    holds("Organisation", &app.get(&app.admin, "/api/v1/organisation").await.json());
    let page = app.get(&app.admin, "/api/v1/organisation/service?limit=1").await.json();
    holds("ItemList", &page);
    assert_eq!(page["items"][0]["spec"]["name"], "docs");
    let next = app.get(&app.admin, page["next"].as_str().expect("a second page")).await.json();
    assert_eq!((&next["items"][0]["spec"]["name"], &next["next"]), (&json!("shop"), &json!(null)));

    let item = app.get(&app.admin, "/api/v1/organisation/link/github").await.json();
    holds("Item", &item);
    assert_eq!(item["spec"].get("hook"), None, "the address of a hook stands in no record");
}

#[tokio::test]
async fn the_policy_is_shown_to_its_last_line() {
    let app = TestApp::empty().await;
    let own = "package sluice.own\n\nimport rego.v1\n\nfriday if input.now == \"\"\n";
    app.apply(&[("sluice.yaml", ORGANISATION), ("policies/own.rego", own)]).await;
    let policy = app.get(&app.admin, "/api/v1/policy").await;
    assert_eq!(policy.status, 200, "{:?}", policy.body);
    let policy = policy.json();
    holds("Policy", &policy);
    let modules = policy["modules"].as_object().expect("modules");
    assert!(!modules.is_empty());
    for (path, digest) in modules {
        let module = app.get(&app.admin, &format!("/api/v1/policy/modules/{path}")).await.json();
        holds("PolicyModule", &module);
        let text = module["text"].as_str().unwrap_or_default();
        assert_eq!(json!(sluice_core::ids::Digest::of(text.as_bytes()).as_str()), *digest);
    }
}

#[tokio::test]
async fn windows_are_shown_in_order() {
    let app = TestApp::start().await;
    let windows = app.get(&app.admin, "/api/v1/calendar?service=shop&environment=production").await;
    assert_eq!(windows.status, 200);
    holds("WindowList", &windows.json());
}

#[tokio::test]
async fn tokens_are_made_listed_and_never_shown_again() {
    let app = TestApp::start().await;
    let wanted = json!({"label": "ci", "kind": "pipeline", "permissions": ["gate.evaluate"], "expires_in_hours": 24});
    let made = app.post(&app.admin, "/api/v1/tokens", &[], &wanted).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    holds("TokenSecret", &made.json());
    let secret = made.json()["secret"].as_str().unwrap_or_default().to_owned();
    assert_eq!(app.get(&secret, "/api/v1/whoami").await.status, 200);
    let list = app.get(&app.admin, "/api/v1/tokens?limit=200").await;
    holds("TokenList", &list.json());
    assert!(!String::from_utf8_lossy(&list.body).contains(&secret));

    let person = json!({"label": "bob", "kind": "person", "person": "bob", "permissions": ["change.read"], "expires_in_hours": 24});
    let bob = app.logged_in("bob").await;
    let made = app.post(&bob, "/api/v1/tokens", &[], &person).await.json();
    let me = app.get(made["secret"].as_str().unwrap_or_default(), "/api/v1/whoami").await.json();
    holds("Caller", &me);
    assert_eq!(me["person"]["handle"], "bob");
    let id = me["person"]["id"].as_str().unwrap_or_default();
    let card = app.get(&app.admin, &format!("/api/v1/people/{id}")).await.json();
    holds("Person", &card);
    assert_eq!(card["name"], "Bob Baker");

    let nobody = json!({"label": "x", "kind": "person", "person": "nobody", "permissions": ["change.read"], "expires_in_hours": 24});
    let refused = app.post(&app.admin, "/api/v1/tokens", &[], &nobody).await;
    assert_eq!((refused.status, &refused.json()["at"]), (404, &json!("person")));
    for permission in Permission::ALL.iter().filter(|permission| permission.is_for_people()) {
        for (by, who) in [
            (&app.admin, json!({"kind": "pipeline"})),
            (&bob, json!({"kind": "person", "person": "bob"})),
        ] {
            let mut wanted = who;
            wanted["label"] = json!("x");
            wanted["permissions"] = json!([permission]);
            wanted["expires_in_hours"] = json!(24);
            let refused = app.post(by, "/api/v1/tokens", &[], &wanted).await;
            let expected = (422, "for_sessions_only");
            assert_eq!((refused.status, refused.code().as_str()), expected, "{permission}");
        }
    }
    let maker = app.token(&[Permission::TokenManage]).await;
    let more = app.post(&maker, "/api/v1/tokens", &[], &wanted).await;
    assert_eq!((more.status, more.code().as_str()), (403, "permission_missing"));
}
