//! Whoever is to say yes sees what they say yes to: whom it is about, what was, and what is to be.

use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_testkit::{ORGANISATION, TestApp};

use crate::description::holds;

const PLAN: &str = "/api/v1/organisation/plan";
const GLASS: &str = "/api/v1/break-glass";

/// The usual organisation with another role, another address and another name for carol.
fn altered() -> String {
    ORGANISATION.replace(
        "name: Carol Cruz, emails: [carol@test.example], accounts: [\"github:Codertocat\"], roles: [change_manager, security_officer, break_glass]",
        "name: Carol Curtis, emails: [cc@test.example], accounts: [\"github:Codertocat\"], roles: [change_manager, break_glass, {role: auditor, scope: {services: [shop]}}]",
    )
}

fn files(text: &str) -> Value {
    json!({"files": {"sluice.yaml": text}})
}

#[tokio::test]
async fn a_plan_about_people_names_them_and_says_what_was_and_what_is_to_be() {
    let app = TestApp::start().await;
    let plan = app.post(&app.admin, PLAN, &[], &files(&altered())).await.json();
    holds("PlanReply", &plan);
    let step = json!({"does": "alter", "kind": "person", "name": "Carol Curtis (carol)", "differences": [
        {"what": "identities", "removed": ["carol@test.example"], "added": ["cc@test.example"]},
        {
            "what": "roles",
            "removed": ["security_officer for the whole organisation"],
            "added": ["auditor for service shop"],
        },
        {"what": "name", "removed": ["Carol Cruz (carol)"], "added": ["Carol Curtis (carol)"]},
    ]});
    assert_eq!(plan["told"], json!([step]));
    // Nobody learns addresses by planning to take them away.
    let reader = app.token(&[Permission::OrganisationRead]).await;
    let without = ORGANISATION.replace("emails: [carol@test.example], ", "");
    let plan = app.post(&reader, PLAN, &[], &files(&without)).await;
    assert!(plan.text().contains("an identity of the kind email"), "{}", plan.text());
    assert!(!plan.text().contains("carol@test.example"), "{}", plan.text());
}

#[tokio::test]
async fn a_plan_that_waits_is_told_on_its_page_and_by_its_address() {
    let app = TestApp::empty().await;
    let always = |text: &str| text.replacen("settings: {", "settings: {second_person: always, ", 1);
    app.apply(&[("sluice.yaml", &always(ORGANISATION))]).await;
    let alice = app.logged_in("alice").await;
    let text = always(&altered()).replace("members: [alice, bob]", "members: [alice, carol]");
    let proposed = app.post(&alice, "/api/v1/organisation/apply", &[], &files(&text)).await.json();
    let plan = proposed["pending"]["plan"].as_str().expect("it waits");
    let path = format!("/api/v1/organisation/plans/{plan}");
    let bob = app.logged_in("bob").await;
    let waiting = app.get(&bob, &path).await.json();
    holds("WaitingPlan", &waiting);
    assert_eq!(waiting["proposed_by"]["handle"], "alice");
    let (members, told) = (&waiting["told"][0], waiting.to_string());
    assert_eq!(members["differences"][0]["added"], json!(["Carol Cruz (carol)"]), "{waiting:#}");
    assert_eq!(members["differences"][0]["removed"], json!(["Bob Baker (bob)"]));
    assert!(told.contains("carol@test.example") && told.contains("not known yet"), "{told}");
    let page = app.get(&bob, "/proposals").await.text();
    for part in ["<del><bdi>Bob Baker (bob)", "<ins><bdi>auditor for service shop"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let gone = app.get(&bob, &path.replace("sha256:", "sha256:0").replace('f', "e")).await;
    assert!(gone.status == 404 || gone.status == 400, "{gone:?}");
}

#[tokio::test]
async fn another_name_alone_takes_effect() {
    let app = TestApp::start().await;
    let text = ORGANISATION.replace("Carol Cruz", "Carol Curtis");
    let plan = app.post(&app.admin, PLAN, &[], &files(&text)).await.json();
    assert_eq!(plan["told"][0]["does"], "rename", "{plan:#}");
    app.apply(&[("sluice.yaml", &text)]).await;
    let carol = app.logged_in("carol").await;
    let who = app.get(&carol, "/api/v1/whoami").await.json();
    assert_eq!(who["person"]["name"], "Carol Curtis");
    let plan = app.post(&app.admin, PLAN, &[], &files(&text)).await.json();
    assert_eq!(plan["told"], json!([]), "and is no news after that");
}

#[tokio::test]
async fn a_role_and_an_emergency_path_that_wait_are_told_in_words() {
    let app = TestApp::start().await;
    let alice = app.logged_in("alice").await;
    let wish = json!({"person": "carol", "role": "auditor", "reason": "year-end audit",
        "scope": {"services": ["shop"]}, "until": "2027-01-01T00:00:00Z"});
    assert_eq!(app.post(&alice, "/api/v1/roles/grants", &[], &wish).await.status, 201);
    let listed = app.get(&alice, "/api/v1/roles/grants").await.json();
    holds("GrantList", &listed);
    assert_eq!(
        listed["items"][0]["told"],
        "Carol Cruz (carol) is to have the role `auditor` for service shop, until 2027-01-01T00:00:00Z; proposed by Alice Archer (alice) at 2026-03-04T10:00:00Z, because: year-end audit"
    );
    let asked = app.post(&alice, GLASS, &[], &ask()).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let status = app.get(&alice, "/api/v1/status").await.json();
    holds("Status", &status);
    let told = status["break_glass"][0]["told"].as_str().expect("words");
    for part in
        ["Alice Archer (alice)", &"a".repeat(40), "sha256:bbbb", "shop to production", "one line"]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[tokio::test]
async fn an_emergency_that_the_policy_denies_leaves_nothing_lifted() {
    let app = TestApp::start().await;
    let deny = "package sluice.rules\n\ndeny contains {\"rule\": \"test.never\", \"message\": \"not this\", \"who\": [], \"pass_if\": \"never\"}\n";
    app.apply(&[("sluice.yaml", ORGANISATION), ("policies/own.rego", deny)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let asked = app.post(&alice, GLASS, &[], &ask()).await.json();
    let open = format!("{GLASS}/{}/open", asked["id"].as_str().expect("an id"));
    let opened = app.post(&bob, &open, &[], &json!({})).await.json();
    assert_eq!(opened["answer"], "deny", "{opened:#}");
    assert!(opened["reasons"].to_string().contains("test.never"), "and says why: {opened:#}");
    let exceptions = app.get(&alice, "/api/v1/exceptions").await.json();
    assert_eq!(exceptions["items"], json!([]), "nothing stays lifted");
    assert_eq!(app.get(&alice, "/api/v1/status").await.json()["break_glass"], json!([]));
    assert_eq!(app.post(&bob, &open, &[], &json!({})).await.code(), "emergency_unknown");
}

fn ask() -> Value {
    let question = json!({
        "service": "shop", "environment": "production", "commit": "a".repeat(40),
        "artifacts": [format!("sha256:{}", "b".repeat(64))],
        "run": {"system": "break-glass", "id": "1"},
    });
    json!({"question": question, "reason": "checkout is down, the fix is one line"})
}
