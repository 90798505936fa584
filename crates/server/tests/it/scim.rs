//! People and groups that a provider of identities keeps: the protocol, who may use it, and what follows from it.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_engine::{CallerKind, Client, NewSession, NewToken};
use sluice_testkit::{Answered, ORGANISATION, TestApp, request};

const USERS: &str = "/scim/v2/Users";
const GROUPS: &str = "/scim/v2/Groups";

/// A server with a token that two people agreed on.
struct Directory {
    app: TestApp,
    token: String,
}

impl Directory {
    async fn start(more: &str) -> Self {
        let app = TestApp::empty().await;
        app.apply(&[("sluice.yaml", &format!("{ORGANISATION}{more}"))]).await;
        let token = token(&app).await;
        let id = token.split('_').nth(1).expect("an id").to_owned();
        let bob = app.person("bob", &[Permission::RoleGrant]).await;
        let confirmed =
            app.post(&bob, &format!("/api/v1/tokens/{id}/confirm"), &[], &json!({})).await;
        assert_eq!(confirmed.status, 200, "{confirmed:?}");
        Self { app, token }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answered {
        let json = [("content-type", "application/scim+json")];
        let headers: Vec<_> = json.iter().chain(headers).copied().collect();
        let body = Body::from(body.to_string());
        let answered = self.app.send(request(method, path, &self.token, &headers, body)).await;
        if answered.status != 204 {
            assert_eq!(
                answered.header("content-type"),
                "application/scim+json",
                "{path}: {answered:?}"
            );
        }
        answered
    }

    async fn get(&self, path: &str) -> Answered {
        self.send(Method::GET, path, &[], &Value::Null).await
    }

    async fn user(&self, name: &str) -> String {
        let user = json!({"userName": format!("{name}@corp.example"), "externalId": format!("Ext-{name}"),
            "displayName": name, "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}]});
        let made = self.send(Method::POST, USERS, &[], &user).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let group = json!({"displayName": name, "members": members});
        let made = self.send(Method::POST, GROUPS, &[], &group).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn patch(&self, path: &str, operations: Value) -> Answered {
        let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        self.send(Method::PATCH, path, &[], &patch).await
    }

    async fn found(&self, path: &str, filter: &str) -> Vec<String> {
        let filter: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let listed = self.get(&format!("{path}?filter={filter}")).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        let listed = listed.json();
        let names = listed["Resources"].as_array().expect("a list").iter();
        names.map(|one| one["displayName"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The secret of a session of somebody, by the handle or the user name.
    async fn session(&self, handle: &str) -> Option<String> {
        let person = self.app.engine.person_by_handle(handle)?;
        let new = NewSession {
            person,
            client: Client::Cli,
            methods: ["oidc".to_owned()].into(),
            auth_time: None,
            narrowed_to: None,
            groups: None,
        };
        self.app.engine.open_session(new).await.ok().map(|opened| opened.value.secret)
    }

    async fn may(&self, secret: &str) -> Vec<String> {
        let answered = self.app.get(secret, "/api/v1/whoami").await;
        let permissions = answered.json()["permissions"].as_array().cloned().unwrap_or_default();
        permissions.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }

    async fn explained(&self, who: &str, permission: &str) -> Value {
        let path = format!("/api/v1/access/explain?person={who}&permission={permission}");
        self.app.get(&self.app.admin, &path).await.json()
    }
}

async fn token(app: &TestApp) -> String {
    app.token(&[Permission::PeopleProvision]).await
}

/// Status, `scimType` and code of an error.
fn error(answered: &Answered) -> (u16, String, String) {
    let body = answered.json();
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], answered.status.to_string());
    let kind = body["scimType"].as_str().unwrap_or_default().to_owned();
    (answered.status, kind, answered.code())
}

fn refusal(status: u16, kind: &str, code: &str) -> (u16, String, String) {
    (status, kind.to_owned(), code.to_owned())
}

#[tokio::test]
async fn a_person_is_kept_changed_and_forgotten() {
    let directory = Directory::start("").await;
    let id = directory.user("dora").await;
    let path = format!("{USERS}/{id}");
    let shown = directory.get(&path).await;
    assert_eq!(shown.header("etag"), "W/\"1\"");
    assert_eq!(shown.json()["userName"], "dora@corp.example");
    let has = [("if-none-match", "W/\"1\"")];
    let same = request(Method::GET, &path, &directory.token, &has, Body::empty());
    assert_eq!(directory.app.send(same).await.status, 304);

    let wished = json!({"userName": "dora@corp.example", "externalId": "Ext-dora", "name": {"givenName": "Dora"},
        "active": "True", "title": "not kept", "password": "not kept"});
    let old = [("if-match", "W/\"7\"")];
    let refused = directory.send(Method::PUT, &path, &old, &wished).await;
    assert_eq!(error(&refused), refusal(412, "", "version_outdated"));
    let replaced = directory.send(Method::PUT, &path, &[("if-match", "W/\"1\"")], &wished).await;
    let replaced = replaced.json();
    assert_eq!(
        (&replaced["active"], &replaced["title"]),
        (&json!(true), &Value::Null),
        "{replaced}"
    );
    assert_eq!(replaced["meta"]["version"], "W/\"2\"");
    let again = directory.send(Method::PUT, &path, &[], &wished).await;
    assert_eq!(again.json()["meta"]["version"], "W/\"2\"", "the same is no change");

    let gone = directory.send(Method::DELETE, &path, &[], &Value::Null).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(error(&directory.get(&path).await), refusal(404, "", "provisioned_unknown"));
    let twice = directory.send(Method::DELETE, &path, &[], &Value::Null).await;
    assert_eq!(twice.status, 404);
    let ledger = std::fs::read(directory.app.dir().join("sluice.db")).unwrap_or_default();
    assert!(!ledger.windows(8).any(|part| part == b"not kept"));
}

#[tokio::test]
async fn filters_and_pages_give_what_they_say() {
    let directory = Directory::start("").await;
    directory.user("dora").await;
    let emil = directory.user("emil").await;
    directory.user("fred").await;
    directory.group("One", &[emil.as_str()]).await;
    directory.group("Two", &[]).await;
    for (path, filter, names) in [
        (USERS, "userName eq \"Dora@CORP.example\"", vec!["dora"]),
        (USERS, "userName eq \"nobody\"", vec![]),
        (USERS, "externalId eq \"ext-dora\"", vec![]),
        (USERS, "externalId eq \"Ext-dora\"", vec!["dora"]),
        (USERS, "emails.value eq \"fred@corp.example\"", vec!["fred"]),
        (USERS, "emails[type eq \"work\" and value sw \"fred\"]", vec!["fred"]),
        (USERS, "not (displayName sw \"d\") and not (displayName sw \"e\")", vec!["fred"]),
        (USERS, "active eq false", vec![]),
        (GROUPS, "displayName eq \"One\"", vec!["One"]),
        (GROUPS, &format!("members.value eq \"{emil}\""), vec!["One"]),
        (GROUPS, "members pr", vec!["One"]),
    ] {
        assert_eq!(directory.found(path, filter).await, names, "{filter}");
    }
    let page =
        directory.get(&format!("{USERS}?startIndex=2&count=1&attributes=userName")).await.json();
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(3), &json!(1)));
    let first = page["Resources"][0].as_object().expect("one");
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "meta", "schemas", "userName"]);
    let none = directory.get(&format!("{USERS}?count=0&startIndex=-3")).await.json();
    assert_eq!((&none["totalResults"], &none["startIndex"]), (&json!(3), &json!(1)));
    let bad = directory.get(&format!("{USERS}?filter=userName")).await;
    assert_eq!(error(&bad), refusal(400, "invalidFilter", "scim_filter"));
    let groups = directory.get(&format!("{GROUPS}?excludedAttributes=members")).await.json();
    assert!(groups["Resources"][0]["members"].is_null());
}

#[tokio::test]
async fn patches_come_in_many_habits() {
    let directory = Directory::start("").await;
    let (dora, emil) = (directory.user("dora").await, directory.user("emil").await);
    let user = format!("{USERS}/{dora}");
    // As Entra ID sends it, and as Okta does.
    let patched = directory
        .patch(&user, json!([{"op": "Replace", "path": "active", "value": "False"}]))
        .await;
    assert_eq!(patched.json()["active"], false);
    let patched =
        directory.patch(&user, json!([{"op": "replace", "value": {"active": true}}])).await;
    assert_eq!(patched.json()["active"], true);
    let patched = directory.patch(&user, json!([
        {"op": "Add", "path": "emails[type eq \"home\"].value", "value": "dora@home.example"},
        {"op": "Add", "value": {"name.familyName": "Dunn"}},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"},
    ])).await.json();
    assert_eq!(
        (&patched["emails"][1]["value"], &patched["name"]["familyName"]),
        (&json!("dora@home.example"), &json!("Dunn")),
        "{patched}"
    );
    let group = format!("{GROUPS}/{}", directory.group("One", &[]).await);
    let members = |answered: &Answered| answered.json()["members"].as_array().map_or(0, Vec::len);
    for (operation, count) in [
        (json!({"op": "Add", "path": "members", "value": [{"value": dora}, {"value": emil}]}), 2),
        (json!({"op": "add", "path": "members", "value": [{"value": dora}]}), 2),
        (json!({"op": "remove", "path": format!("members[value eq \"{dora}\"]")}), 1),
        (json!({"op": "Remove", "path": "members", "value": [{"value": emil}]}), 0),
        (json!({"op": "replace", "value": {"members": [{"value": emil}]}}), 1),
        (json!({"op": "remove", "path": "members"}), 0),
    ] {
        let patched = directory.patch(&group, json!([operation])).await;
        assert_eq!((patched.status, members(&patched)), (200, count), "{operation}");
    }
    for (path, operation, expected) in [
        (
            &user,
            json!({"op": "remove", "path": "userName"}),
            refusal(400, "invalidValue", "scim_value"),
        ),
        (
            &user,
            json!({"op": "replace", "path": "id", "value": "x"}),
            refusal(400, "mutability", "scim_mutability"),
        ),
        (
            &user,
            json!({"op": "replace", "path": "emails[", "value": "x"}),
            refusal(400, "invalidPath", "scim_path"),
        ),
        (
            &user,
            json!({"op": "replace", "path": "active", "value": "perhaps"}),
            refusal(400, "invalidValue", "scim_value"),
        ),
        (&user, json!({"op": "copy"}), refusal(400, "invalidSyntax", "scim_syntax")),
        (&user, json!({"op": "remove"}), refusal(400, "noTarget", "scim_no_target")),
        (
            &group,
            json!({"op": "add", "path": "members", "value": [{"value": "u-nobody"}]}),
            refusal(400, "invalidValue", "member_unknown"),
        ),
    ] {
        let refused = directory.patch(path, json!([operation])).await;
        assert_eq!(error(&refused), expected, "{operation}");
    }
}

#[tokio::test]
async fn what_is_taken_or_somebody_elses_is_refused() {
    let directory = Directory::start("").await;
    directory.user("dora").await;
    directory.group("One", &[]).await;
    let email = |address: &str| json!([{"value": address}]);
    for (path, body) in [
        (USERS, json!({"userName": "DORA@corp.example"})),
        (USERS, json!({"userName": "x", "externalId": "Ext-dora"})),
        (USERS, json!({"userName": "x", "emails": email("Dora@corp.example")})),
        // Of somebody who is declared, and claims no user name.
        (USERS, json!({"userName": "x", "emails": email("alice@test.example")})),
        (USERS, json!({"userName": "alice@test.example"})),
        (GROUPS, json!({"displayName": "One"})),
    ] {
        let refused = directory.send(Method::POST, path, &[], &body).await;
        assert_eq!(error(&refused), refusal(409, "uniqueness", "not_unique"), "{body}");
    }
    for (path, body) in [
        (USERS, json!({})),
        (USERS, json!({"userName": ""})),
        (USERS, json!({"userName": "x".repeat(257)})),
        (USERS, json!({"userName": "a\u{0}b"})),
        (USERS, json!({"userName": 7})),
        (USERS, json!({"userName": "x", "emails": email("nothing")})),
        (USERS, json!({"userName": "x", "emails": "a@b"})),
        (USERS, json!({"userName": "x", "active": 1})),
        (GROUPS, json!({"displayName": "Two", "members": [{"value": "?"}]})),
        (GROUPS, json!({"members": []})),
    ] {
        let refused = directory.send(Method::POST, path, &[], &body).await;
        assert_eq!(error(&refused), refusal(400, "invalidValue", "scim_value"), "{body}");
    }
    let many: Vec<Value> = (0..21).map(|at| json!({"value": format!("a{at}@b.example")})).collect();
    let refused =
        directory.send(Method::POST, USERS, &[], &json!({"userName": "x", "emails": many})).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn only_a_token_that_two_people_agreed_on_provisions() {
    let app = TestApp::start().await;
    let token = token(&app).await;
    let refused = app.get(&token, USERS).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "provisioning_unconfirmed"));
    let alice = app.person("alice", &[Permission::RoleGrant]).await;
    // One that a person made, that person cannot confirm.
    let person = app.session("alice", Client::Cli, None).await;
    let caller = app.engine.authenticate(&person.secret).expect("a session");
    let by_alice = NewToken {
        label: "directory".into(),
        kind: CallerKind::Pipeline,
        person: None,
        permissions: [Permission::PeopleProvision].into(),
        scope: Default::default(),
        expires_in_hours: 1,
    };
    assert!(
        app.engine.create_token(&caller, by_alice).await.is_err(),
        "nobody gives what they do not have"
    );
    let unknown = app.post(&alice, "/api/v1/tokens/t-unknown/confirm", &[], &json!({})).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "token_unknown"));
    let id = token.split('_').nth(1).expect("an id");
    let path = format!("/api/v1/tokens/{id}/confirm");
    let by_machine = app.post(&app.admin, &path, &[], &json!({})).await;
    assert_eq!((by_machine.status, by_machine.code().as_str()), (403, "permission_missing"));
    assert_eq!(app.post(&alice, &path, &[], &json!({})).await.status, 200);
    let again = app.post(&alice, &path, &[], &json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (409, "token_confirmed"));
    assert_eq!(app.get(&token, USERS).await.status, 200);
    // A person's session provisions nothing, whatever its roles.
    let nobody = app.get("", USERS).await;
    assert_eq!((nobody.status, nobody.header("content-type")), (401, "application/scim+json"));
}

/// Whatever door it was made by: here a token that speaks for a person.
#[tokio::test]
async fn whoever_made_a_token_that_provisions_cannot_confirm_it() {
    let app = TestApp::empty().await;
    let more = ORGANISATION.replacen("break_glass]", "break_glass, administrator]", 2);
    app.apply(&[("sluice.yaml", &more)]).await;
    let wanted = |kind: &str, person: Value, permissions: &[&str]| {
        json!({"label": "directory", "kind": kind, "person": person, "permissions": permissions,
            "expires_in_hours": 1})
    };
    let hers = wanted("person", json!("alice"), &["token.manage", "people.provision"]);
    let hers = app.post(&app.logged_in("alice").await, "/api/v1/tokens", &[], &hers).await;
    let hers = hers.json()["secret"].as_str().expect("a secret").to_owned();
    let made = wanted("pipeline", Value::Null, &["people.provision"]);
    let made = app.post(&hers, "/api/v1/tokens", &[], &made).await.json();
    let (id, secret) = (made["id"].as_str().expect("an id"), made["secret"].as_str().expect("it"));
    let path = format!("/api/v1/tokens/{id}/confirm");
    let alice = app.session("alice", Client::Cli, None).await.secret;
    let own = app.post(&alice, &path, &[], &json!({})).await;
    assert_eq!((own.status, own.code().as_str()), (403, "same_person"), "{own:?}");
    let unconfirmed = app.get(secret, USERS).await;
    assert_eq!(
        (unconfirmed.status, unconfirmed.code().as_str()),
        (403, "provisioning_unconfirmed")
    );
    let bob = app.session("bob", Client::Cli, None).await.secret;
    assert_eq!(app.post(&bob, &path, &[], &json!({})).await.status, 200);
    assert_eq!(app.get(secret, USERS).await.status, 200);
}

#[tokio::test]
async fn a_search_in_a_body_finds_what_a_query_finds() {
    let directory = Directory::start("").await;
    let ada = directory.user("ada").await;
    directory.user("eve").await;
    directory.group("engineers", &[&ada]).await;
    for (path, search, names) in [
        ("/scim/v2/.search", json!({}), vec!["ada", "engineers", "eve"]),
        ("/scim/v2/Users/.search", json!({"filter": "displayName eq \"eve\""}), vec!["eve"]),
        ("/scim/v2/Groups/.search", json!({"startIndex": 1.0, "count": null}), vec!["engineers"]),
        ("/scim/v2/.search", json!({"filter": "userName sw \"ada\"", "schemas": []}), vec!["ada"]),
        ("/scim/v2/.search", json!({"count": 0}), vec![]),
    ] {
        let found = directory.send(Method::POST, path, &[], &search).await;
        assert_eq!(found.status, 200, "{search}: {found:?}");
        let found = found.json();
        let mut shown: Vec<&str> = found["Resources"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["displayName"].as_str())
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, names, "{search}");
    }
    let narrow = json!({"attributes": ["userName"], "filter": "userName pr"});
    let found = directory.send(Method::POST, "/scim/v2/.search", &[], &narrow).await.json();
    let one = &found["Resources"][0];
    assert!(one["userName"].is_string() && one["id"].is_string() && one["emails"].is_null());
    for (search, code) in [
        (json!({"filter": 7}), "scim_syntax"),
        (json!({"filter": "userName zz 1"}), "scim_filter"),
        (json!({"attributes": "userName"}), "scim_syntax"),
        (json!({"startIndex": "1"}), "scim_syntax"),
        (json!({"schemas": "x"}), "scim_syntax"),
        (json!([]), "scim_syntax"),
    ] {
        let refused = directory.send(Method::POST, "/scim/v2/.search", &[], &search).await;
        assert_eq!((refused.status, refused.header("x-problem-code")), (400, code), "{search}");
    }
}

#[tokio::test]
async fn whoever_has_active_removed_is_not_active_until_it_is_set_again() {
    let directory = Directory::start("").await;
    let id = directory.user("ada").await;
    let path = format!("{USERS}/{id}");
    assert_eq!(directory.get(&path).await.json()["active"], true, "made without a word on it");
    let removed = directory.patch(&path, json!([{"op": "remove", "path": "active"}])).await;
    assert_eq!(removed.status, 200, "{removed:?}");
    assert!(removed.json()["active"].is_null(), "{removed:?}");
    assert!(directory.session("ada@corp.example").await.is_none(), "she has left");
    let other = json!([{"op": "replace", "path": "displayName", "value": "Ada"}]);
    assert!(directory.patch(&path, other).await.json()["active"].is_null());
    assert!(directory.session("ada@corp.example").await.is_none(), "nothing brings her back");
    let set = json!([{"op": "replace", "path": "active", "value": true}]);
    assert_eq!(directory.patch(&path, set).await.json()["active"], true);
    assert!(directory.session("ada@corp.example").await.is_some());
}

const MAPPED: &str = "
group_roles:
  - {name: cab-by-directory, provider: scim, group: Change board, roles: [cab_approver]}
  - {name: shop-by-directory, provider: scim, group: Shop owners, roles: [{role: service_owner, scope: {services: [shop]}}]}
  - {name: other-provider, provider: corp, group: Everybody, roles: [administrator]}
";

#[tokio::test]
async fn groups_give_roles_by_mappings_and_by_nothing_else() {
    let directory = Directory::start(MAPPED).await;
    let dora = directory.user("dora").await;
    // No name means a role by itself, and another provider's group is another group.
    for name in ["cab_approver", "change board", "Everybody"] {
        directory.group(name, &[&dora]).await;
    }
    let secret = directory.session("dora@corp.example").await.expect("dora comes in");
    assert!(directory.may(&secret).await.is_empty());
    let board = directory.group("Change board", &[&dora]).await;
    assert!(directory.may(&secret).await.is_empty(), "the session is over: the roles are others");
    let secret = directory.session("dora@corp.example").await.expect("dora comes in");
    assert!(directory.may(&secret).await.contains(&"change.approve".to_owned()));
    let explained = directory.explained("dora@corp.example", "change.approve").await;
    assert_eq!(explained["allowed"], true, "{explained}");
    let because = explained["because"].to_string();
    assert!(because.contains("cab-by-directory") && because.contains("Change board"), "{because}");

    let path = format!("{GROUPS}/{board}");
    directory
        .patch(&path, json!([{"op": "remove", "path": format!("members[value eq \"{dora}\"]")}]))
        .await;
    assert_eq!(directory.app.get(&secret, "/api/v1/whoami").await.status, 401, "out at once");
    let secret = directory.session("dora@corp.example").await.expect("dora comes in");
    assert!(directory.may(&secret).await.is_empty());
    // A group that is renamed, or gone, gives nothing.
    directory
        .patch(&path, json!([{"op": "add", "path": "members", "value": [{"value": dora}]}]))
        .await;
    directory
        .patch(&path, json!([{"op": "replace", "path": "displayName", "value": "Old board"}]))
        .await;
    let secret = directory.session("dora@corp.example").await.expect("dora comes in");
    assert!(directory.may(&secret).await.is_empty());
    directory
        .patch(&path, json!([{"op": "replace", "path": "displayName", "value": "Change board"}]))
        .await;
    let secret = directory.session("dora@corp.example").await.expect("dora comes in");
    assert!(!directory.may(&secret).await.is_empty());
    directory.app.apply(&[("sluice.yaml", ORGANISATION)]).await;
    assert_eq!(
        directory.app.get(&secret, "/api/v1/whoami").await.status,
        401,
        "the mapping is gone"
    );
    let secret = directory.session("dora@corp.example").await.expect("dora comes in");
    assert!(directory.may(&secret).await.is_empty());
}

#[tokio::test]
async fn whoever_has_left_acts_no_more() {
    let claims = ORGANISATION
        .replace("handle: alice,", "handle: alice, provisioned_as: [alice@test.example],");
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &claims)]).await;
    let directory = Directory::start("").await;
    directory.app.apply(&[("sluice.yaml", &claims)]).await;
    drop(app);
    let alice =
        json!({"userName": "Alice@test.example", "emails": [{"value": "alice@test.example"}]});
    let made = directory.send(Method::POST, USERS, &[], &alice).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{USERS}/{}", made.json()["id"].as_str().expect("an id"));
    let secret = directory.session("alice").await.expect("alice comes in");
    let token = directory.app.person("alice", &[Permission::ChangeRead]).await;
    assert!(
        directory.may(&secret).await.contains(&"change.approve".to_owned()),
        "declared roles stay"
    );

    directory.patch(&path, json!([{"op": "Replace", "path": "active", "value": "False"}])).await;
    for secret in [&secret, &token] {
        assert_eq!(directory.app.get(secret, "/api/v1/whoami").await.status, 401);
    }
    assert!(directory.session("alice").await.is_none(), "nobody who has left comes in");
    let explained = directory.explained("alice", "change.approve").await;
    assert_eq!(explained["allowed"], false);
    assert!(explained["but"].to_string().contains("have left"), "{explained}");
    directory.patch(&path, json!([{"op": "Replace", "path": "active", "value": "True"}])).await;
    assert!(directory.session("alice").await.is_some());
    directory.send(Method::DELETE, &path, &[], &Value::Null).await;
    assert!(directory.session("alice").await.is_none(), "who is gone over there is gone here");
    assert_eq!(directory.send(Method::POST, USERS, &[], &alice).await.status, 201);
    assert!(directory.session("alice").await.is_some(), "until they come again");
}

#[tokio::test]
async fn a_rename_over_there_makes_nobody_else_of_somebody_declared() {
    let claims = |name: &str| {
        let own = format!("handle: alice, provisioned_as: [{name}@corp.example],");
        ORGANISATION.replace("handle: alice,", &own)
    };
    let directory = Directory::start("").await;
    directory.app.apply(&[("sluice.yaml", &claims("alice"))]).await;
    let named = |name: &str| json!({"userName": format!("{name}@corp.example"), "active": true});
    let made = directory.send(Method::POST, USERS, &[], &named("alice")).await;
    let path = format!("{USERS}/{}", made.json()["id"].as_str().expect("an id"));
    let alice = directory.app.engine.person_by_handle("alice");
    let people = || directory.app.engine.standing().organisation.everybody().count();
    let before = people();
    let renamed = directory.send(Method::PUT, &path, &[], &named("archer")).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    assert_eq!(people(), before, "no second person");
    assert_eq!(directory.app.engine.person_by_handle("archer@corp.example"), alice);
    assert!(directory.session("alice").await.is_some());

    // Nobody takes the old name, the record still says whether she may act, and its end is hers.
    let other = directory.send(Method::POST, USERS, &[], &named("alice")).await;
    assert_eq!(error(&other), refusal(409, "uniqueness", "not_unique"));
    let gone = json!({"userName": "archer-alice@corp.example", "active": false});
    assert_eq!(directory.send(Method::PUT, &path, &[], &gone).await.status, 200);
    assert!(directory.session("alice").await.is_none(), "she has left");
    directory.send(Method::PUT, &path, &[], &named("archer")).await;
    assert!(directory.session("alice").await.is_some());
    directory.app.apply(&[("sluice.yaml", &claims("archer"))]).await;
    assert!(directory.session("alice").await.is_some(), "the folder follows");
    let newcomer = directory.send(Method::POST, USERS, &[], &named("alice")).await;
    assert_eq!(newcomer.status, 201, "the old name is free: {newcomer:?}");
    assert_eq!(people(), before + 1, "and somebody else's");
    directory.send(Method::DELETE, &path, &[], &Value::Null).await;
    assert!(directory.session("alice").await.is_none(), "who is gone over there is gone here");
    assert_eq!(directory.app.engine.person_by_handle("alice"), alice);
}

#[tokio::test]
async fn a_record_that_becomes_somebody_elses_leaves_whoever_it_was_without_one() {
    let mut files = ORGANISATION.to_owned();
    for handle in ["alice", "bob"] {
        let own = format!("handle: {handle}, provisioned_as: [{handle}@test.example],");
        files = files.replace(&format!("handle: {handle},"), &own);
    }
    let directory = Directory::start("").await;
    directory.app.apply(&[("sluice.yaml", &files)]).await;
    let named = |name: &str| json!({"userName": format!("{name}@test.example"), "active": true});
    let made = directory.send(Method::POST, USERS, &[], &named("alice")).await;
    let path = format!("{USERS}/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(directory.send(Method::PUT, &path, &[], &named("bob")).await.status, 200);
    assert!(directory.session("alice").await.is_none(), "nobody over there is alice any more");
    assert!(directory.session("bob").await.is_some());
}

#[tokio::test]
async fn somebody_who_is_declared_later_makes_a_record_disputed() {
    let directory = Directory::start(MAPPED).await;
    let dora = directory.user("dora").await;
    directory.group("Change board", &[&dora]).await;
    assert!(directory.session("dora@corp.example").await.is_some());
    let people = "people:\n  - {handle: dora, emails: [dora@corp.example]";
    let declared =
        |more: &str| ORGANISATION.replacen("people:", &format!("{people}{more}}}"), 1) + MAPPED;
    directory.app.apply(&[("sluice.yaml", &declared(""))]).await;
    assert!(
        directory.session("dora@corp.example").await.is_none(),
        "one human being is one person"
    );
    let secret = directory.session("dora").await.expect("the declared one comes in");
    assert!(
        directory.may(&secret).await.is_empty(),
        "and has nothing of a record that they do not claim"
    );
    directory
        .app
        .apply(&[("sluice.yaml", &declared(", provisioned_as: [dora@corp.example]"))])
        .await;
    let secret = directory.session("dora").await.expect("the declared one comes in");
    assert!(directory.may(&secret).await.contains(&"change.approve".to_owned()));
}

#[tokio::test]
async fn what_is_offered_is_said() {
    let directory = Directory::start("").await;
    let config = directory.get("/scim/v2/ServiceProviderConfig").await.json();
    assert_eq!(
        (&config["bulk"]["supported"], &config["patch"]["supported"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(directory.get("/scim/v2/ResourceTypes").await.json()["totalResults"], 2);
    let schemas = directory.get("/scim/v2/Schemas").await.json();
    for schema in schemas["Resources"].as_array().expect("schemas") {
        let id = schema["id"].as_str().expect("an id");
        let path = format!("/scim/v2/Schemas/{id}");
        assert_eq!(directory.get(&path).await.json()["name"], schema["name"]);
    }
    assert_eq!(directory.get("/scim/v2/Schemas/none").await.status, 404);
    assert_eq!(directory.get("/scim/v2/ResourceTypes?filter=x").await.status, 403);
    assert_eq!(directory.send(Method::POST, "/scim/v2/Bulk", &[], &json!({})).await.status, 404);
}

/// A ledger that has all of it is read back the same, and names nobody.
#[tokio::test]
async fn the_ledger_has_keys_and_no_names() {
    let directory = Directory::start(MAPPED).await;
    let dora = directory.user("dora").await;
    directory.group("Change board", &[&dora]).await;
    let readers = directory.app.engine.readers();
    let entries = readers.entries(0, 1_000).expect("entries");
    let told: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    for name in [
        "provision.token_confirmed",
        "provision.user_set",
        "provision.group_set",
        "provision.group_members_changed",
    ] {
        assert!(told.contains(&name), "{name}: {told:?}");
    }
    for entry in &entries {
        let text = String::from_utf8_lossy(&entry.bytes);
        assert!(!text.contains("dora") && !text.contains("Ext-"), "{text}");
    }
}

#[tokio::test]
async fn somebody_who_has_left_is_erased_by_the_name_they_had() {
    let directory = Directory::start("").await;
    let id = directory.user("gina").await;
    let (app, path) = (&directory.app, format!("{USERS}/{id}"));
    let person = app.engine.person_of_handle("gina@corp.example");
    assert!(app.engine.readers().person(person.as_str()).unwrap().is_some());
    let erase = |who: &str| {
        let body = json!({ "person": who });
        async move { app.post(&app.admin, "/api/v1/people/erase", &[], &body).await }
    };
    assert_eq!(erase("gina@corp.example").await.code(), "still_declared");
    directory.send(Method::DELETE, &path, &[], &Value::Null).await;
    assert_eq!(erase("nobody@corp.example").await.code(), "person_unknown");
    let erased = erase("Gina@corp.example").await;
    assert_eq!((erased.status, &erased.json()["person"]), (200, &json!(person)), "{erased:?}");
    assert!(app.engine.readers().person(person.as_str()).unwrap().is_none());
    assert!(app.engine.readers().identities_of(person.as_str()).unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_is_taken_away_over_there_is_not_kept_here() {
    let directory = Directory::start("").await;
    let id = directory.user("hana").await;
    let (app, path) = (&directory.app, format!("{USERS}/{id}"));
    let person = app.engine.person_of_handle("hana@corp.example");
    let married = json!({"userName": "hana@corp.example", "displayName": "Hana",
        "emails": [{"value": "hana.new@corp.example", "type": "work", "primary": true}]});
    let replaced = directory.send(Method::PUT, &path, &[], &married).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    let kept = app.engine.readers().identities_of(person.as_str()).unwrap();
    let kept: Vec<&str> = kept.iter().map(|row| row.value.as_str()).collect();
    assert_eq!(kept, ["hana.new@corp.example"]);
}

#[tokio::test]
async fn whoever_left_and_comes_back_has_none_of_their_tokens() {
    let mapping = "group_roles:\n  - {name: eng, provider: scim, group: Eng, roles: [auditor]}\n";
    let directory = Directory::start(mapping).await;
    let id = directory.user("dora").await;
    directory.group("Eng", &[&id]).await;
    let dora = directory.session("dora@corp.example").await.expect("she comes in");
    let wish = json!({"label": "mine", "kind": "person", "permissions": ["change.read"], "expires_in_hours": 24});
    let made = directory.app.post(&dora, "/api/v1/tokens", &[], &wish).await.json();
    let secret = made["secret"].as_str().expect("a secret");
    assert_eq!(directory.may(secret).await, ["change.read"]);
    for active in [false, true] {
        let set = json!([{"op": "replace", "path": "active", "value": active}]);
        let patched = directory.patch(&format!("{USERS}/{id}"), set).await;
        assert!(matches!(patched.status, 200 | 204), "{patched:?}");
        let asked = directory.app.get(secret, "/api/v1/whoami").await;
        assert_eq!(asked.code(), "token_refused", "active: {active}");
    }
    assert!(directory.session("dora@corp.example").await.is_some(), "she comes in again");
}
