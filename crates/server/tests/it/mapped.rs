//! Roles that groups of a login give: by a mapping that names them, for that session, and with what it recorded.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_engine::GroupMap;
use sluice_testkit::{ORGANISATION, request};

use crate::gate::{ask, question};
use crate::hooks::pushed;
use crate::oidc::{Idp, World, session};

/// Dora has no role by herself; `cab` of `corp` approves, and one rule asks for just that. So does Carol, who is away.
fn organisation(mappings: &str) -> String {
    let dora = "people:\n  - {handle: dora, name: Dora Dell, logins: [{issuer: \"https://login.test.example\", subject: 00u1Ab}]}";
    let rule = "approvers: {roles: [cab_approver]}";
    let carol = "Codertocat\"], roles: [";
    let text = ORGANISATION
        .replacen("people:", dora, 1)
        .replace("approvers: {teams: [\"@owner\"]}", rule)
        .replacen(carol, &format!("{carol}cab_approver, "), 1);
    text + mappings
}

const MAPPED: &str = "
group_roles:
  - {name: board, provider: corp, group: cab, roles: [cab_approver]}
  - {name: provisioned, provider: scim, group: cab, roles: [administrator]}
  - {name: elsewhere, provider: other, group: everybody, roles: [administrator]}
";

async fn world(mappings: &str) -> World {
    let map = GroupMap { claim: "groups".into(), roles: Default::default() };
    let world = World::start(Some(map)).await;
    world.app.apply(&[("sluice.yaml", &organisation(mappings))]).await;
    world
}

fn says(groups: Value) -> impl Fn(&mut Idp) {
    move |idp| idp.claims["groups"] = groups.clone()
}

async fn permissions(world: &World, cookie: &str) -> String {
    let seen = world.get(cookie, "/api/v1/whoami").await;
    assert_eq!(seen.status, 200, "{seen:?}");
    seen.json()["permissions"].to_string()
}

#[tokio::test]
async fn a_group_gives_what_a_mapping_says_and_nothing_else() {
    let world = world(MAPPED).await;
    let cookie = session(&world.login("", says(json!(["cab", "everybody"]))).await);
    let may = permissions(&world, &cookie).await;
    assert!(may.contains("change.approve"), "{may}");
    assert!(!may.contains("account.manage"), "of other providers: {may}");
    for groups in [
        json!(["CAB"]),
        json!(["cab "]),
        json!(["cab_approver"]),
        json!("cab"),
        json!([]),
        Value::Null,
    ] {
        let cookie = session(&world.login("", says(groups.clone())).await);
        assert_eq!(permissions(&world, &cookie).await, "[]", "{groups}");
    }
    // It holds for the session that said it, and ends with the mapping.
    world.app.apply(&[("sluice.yaml", &organisation(""))]).await;
    assert_eq!(permissions(&world, &cookie).await, "[]");
    let entries = world.app.engine.readers().entries(0, 1_000).expect("entries");
    let opened = entries.iter().filter(|entry| entry.name == "session.opened");
    for entry in opened {
        assert!(
            !String::from_utf8_lossy(&entry.bytes).contains("everybody"),
            "what nothing names is not kept"
        );
    }
}

/// Approves the change that a question opened, by a browser's session.
async fn approve(world: &World, cookie: &str, asked: &Value) -> sluice_testkit::Answered {
    let csrf = world.get(cookie, "/api/v1/session").await.json()["csrf_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!("/api/v1/changes/{}/approve", asked["change"].as_str().expect("a change"));
    let headers = [
        ("host", "sluice.test.example"),
        ("origin", "https://sluice.test.example"),
        ("cookie", cookie),
        ("x-csrf-token", &csrf),
        ("content-type", "application/json"),
    ];
    let body = json!({"revision": asked["revision"], "reason": "seen"}).to_string();
    world.app.send(request(Method::POST, &path, "", &headers, Body::from(body))).await
}

#[tokio::test]
async fn an_approval_records_its_role_and_counts_while_the_mapping_and_its_time_last() {
    let world = world(MAPPED).await;
    pushed(&world.app, "shop", 1).await;
    let asked = ask(&world.app, "one", &question("shop", 1)).await.json();
    assert_eq!(asked["answer"], "wait", "{asked:#}");
    let nobody = session(&world.login("", says(json!(["everybody"]))).await);
    let refused = approve(&world, &nobody, &asked).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "permission_missing"));
    let dora = session(&world.login("", says(json!(["cab"]))).await);
    let approved = approve(&world, &dora, &asked).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let path = format!("/api/v1/changes/{}", asked["change"].as_str().expect("one"));
    let shown = world.app.get(&world.app.admin, &path).await.json();
    crate::description::holds("Change", &shown);
    let entries = world.app.engine.readers().entries(0, 1_000).expect("entries");
    let entry =
        entries.iter().find(|entry| entry.name == "change.approved").expect("it is recorded");
    let told: Value = serde_json::from_slice(&entry.bytes).expect("an entry");
    let approval = &told["data"]["approval"];
    assert_eq!(
        (&approval["role"], &approval["groups"][0]["mapping"], &approval["groups"][0]["group"]),
        (&json!("cab_approver"), &json!("board"), &json!("cab")),
        "{told:#}"
    );
    assert_eq!(approval["auth_time"], "2026-03-04T09:59:55Z", "{told:#}");

    let answer =
        async |key: &str| ask(&world.app, key, &question("shop", 1)).await.json()["answer"].clone();
    assert_eq!(answer("two").await, "allow");
    // Passes have ended by then. The session is long over, and the word counts still.
    world.app.clock.advance(Duration::from_secs(11 * 3_600));
    assert_eq!(answer("three").await, "allow");
    world.app.clock.advance(Duration::from_secs(2 * 3_600));
    assert_eq!(answer("four").await, "wait");
}

#[tokio::test]
async fn a_mapping_that_is_withdrawn_takes_the_approvals_with_it() {
    let world = world(MAPPED).await;
    pushed(&world.app, "shop", 1).await;
    let asked = ask(&world.app, "one", &question("shop", 1)).await.json();
    let dora = session(&world.login("", says(json!(["cab"]))).await);
    assert_eq!(approve(&world, &dora, &asked).await.status, 200);
    world.app.apply(&[("sluice.yaml", &organisation(""))]).await;
    assert_eq!(ask(&world.app, "two", &question("shop", 1)).await.json()["answer"], "wait");
}

#[tokio::test]
async fn whoever_is_provisioned_comes_in_by_the_subject_that_is_declared_to_be_theirs() {
    use sluice_core::permission::Permission;
    let world = world("").await;
    let token = world.app.token(&[Permission::PeopleProvision]).await;
    let alice = world.app.person("alice", &[Permission::RoleGrant]).await;
    let id = token.split('_').nth(1).expect("an id");
    let confirmed =
        world.app.post(&alice, &format!("/api/v1/tokens/{id}/confirm"), &[], &json!({})).await;
    assert_eq!(confirmed.status, 200);
    let emil = json!({"userName": "emil@corp.example", "externalId": "00u9"});
    assert_eq!(world.app.post(&token, "/scim/v2/Users", &[], &emil).await.status, 201);
    let as_emil = |idp: &mut Idp| idp.claims["sub"] = json!("00u9");
    let login =
        "settings: {title: Test, provisioned_login: {issuer: \"https://login.test.example\"}, ";
    for (settings, subject, code) in [
        ("settings: {title: Test, ", "00u9", "login_not_declared"),
        (login, "00U9", "login_not_declared"),
        (login, "emil@corp.example", "login_not_declared"),
        (&login.replace("login.test", "other.test"), "00u9", "login_not_declared"),
        (login, "00u9", ""),
    ] {
        let text = organisation("").replacen("settings: {title: Test, ", settings, 1);
        world.app.apply(&[("sluice.yaml", &text)]).await;
        let back = world.login("", |idp| idp.claims["sub"] = json!(subject)).await;
        assert_eq!(back.code(), code, "{settings} {subject}");
    }
    let listed = world.app.get(&token, "/scim/v2/Users").await.json();
    let path = format!("/scim/v2/Users/{}", listed["Resources"][0]["id"].as_str().expect("an id"));
    let off = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    let sent = request(
        Method::PATCH,
        &path,
        &token,
        &[("content-type", "application/json")],
        Body::from(off.to_string()),
    );
    assert_eq!(world.app.send(sent).await.status, 200);
    assert_eq!(world.login("", as_emil).await.status, 401);
}
