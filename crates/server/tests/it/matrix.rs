//! Every route x every role x every relation: who may, and who may not.
//!
//! The table of roles says what is expected; the answers of the real router are held against it. A route without a
//! permission is public for a reason that stands in the route table; each other one has somebody who is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::body::Body;
use http::Method;
use serde_json::json;
use sluice_core::access::{Reach, RoleTable};
use sluice_core::permission::Permission;
use sluice_engine::Client;
use sluice_server::{Access, Facts, route_table};
use sluice_testkit::{Answered, TestApp, request};

use crate::access::filled;

/// Two teams with a service each, and for each role of the table a person in team `own` who has just that role.
fn organisation(table: &RoleTable) -> String {
    let people: Vec<&str> =
        table.roles.iter().filter(|role| !role.machine).map(|role| role.name.as_str()).collect();
    let mut text = String::from(
        "settings: {title: Test, production_environment: production}\n\
         environments:\n  - {name: production, tier: production}\npeople:\n  - {handle: nobody}\n",
    );
    for role in &people {
        let _ = writeln!(text, "  - {{handle: {}, roles: [{role}]}}", handle(role));
    }
    let handles: Vec<String> = people.iter().map(|role| handle(role)).collect();
    let _ = write!(
        text,
        "teams:\n  - {{name: own, members: [{}]}}\n  - {{name: other, members: [nobody]}}\n\
         services:\n  - {{name: mine, owner: own}}\n  - {{name: theirs, owner: other}}\n\
         approval_rules:\n  - {{name: cab, min_risk: low, approvers: {{roles: [cab_approver]}}}}\n",
        handles.join(", ")
    );
    text
}

fn handle(role: &str) -> String {
    format!("h-{}", role.replace('_', "-"))
}

async fn call(app: &TestApp, facts: &Facts, token: &str) -> Answered {
    let path = filled(facts.path);
    let headers =
        [("content-type", "application/json"), ("idempotency-key", "k"), ("if-match", "*")];
    app.send(request(facts.method.clone(), &path, token, &headers, Body::from("{}"))).await
}

/// Whether the door is open: whatever the handler then says of an empty body.
fn let_in(answered: &Answered) -> bool {
    !matches!(answered.code().as_str(), "permission_missing" | "scope_too_narrow")
        && answered.status != 401
}

#[tokio::test]
async fn each_role_opens_the_routes_that_the_table_says_and_no_others() {
    let table = RoleTable::shipped();
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &organisation(&table))]).await;
    let mut refused: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut admitted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for role in table.roles.iter().filter(|role| !role.machine) {
        for facts in route_table() {
            let Access::Needs(needed) = facts.access else { continue };
            if facts.path == "/api/v1/events" {
                continue;
            }
            let reach: Vec<Reach> = role
                .permissions()
                .filter(|(permission, _)| *permission == needed)
                .map(|(_, reach)| reach)
                .collect();
            let expected =
                reach.contains(&Reach::All) || !reach.is_empty() && !needed.is_of_the_whole();
            let session = app.session(&handle(&role.name), Client::Cli, None).await;
            let answered = call(&app, &facts, &session.secret).await;
            let what = format!("{} {}", facts.method, facts.path);
            assert_eq!(let_in(&answered), expected, "{what} by {}: {answered:?}", role.name);
            let list = if expected { &mut admitted } else { &mut refused };
            list.entry(what).or_default().insert(role.name.clone());
        }
    }
    let nobody = app.session("nobody", Client::Cli, None).await.secret;
    for facts in route_table().iter().filter(|facts| matches!(facts.access, Access::Needs(_))) {
        if facts.path != "/api/v1/events" && !let_in(&call(&app, facts, &nobody).await) {
            let what = format!("{} {}", facts.method, facts.path);
            refused.entry(what).or_default().insert("somebody without a role".to_owned());
        }
    }
    for facts in route_table() {
        let what = format!("{} {}", facts.method, facts.path);
        match facts.access {
            Access::Needs(_) if facts.path == "/api/v1/events" => {}
            Access::Needs(_) => {
                assert!(refused.contains_key(&what), "{what} has nobody who is refused");
                let machine =
                    facts.path.starts_with("/api/v1/passes") || facts.path.ends_with("/outcome");
                assert!(machine || admitted.contains_key(&what), "{what} is open to nobody");
                let answered = call(&app, &facts, &nobody).await;
                assert!(!let_in(&answered), "{what} by somebody without a role: {answered:?}");
            }
            Access::Public(why) => assert!(why.len() > 10, "{what} is public for a reason"),
            Access::AnyToken | Access::Metrics | Access::Log => {
                let answered = call(&app, &facts, "").await;
                let open = matches!(facts.access, Access::Metrics | Access::Log);
                assert!(open || answered.status == 401, "{what} without anything: {answered:?}");
            }
        }
    }
}

/// What is one's own and what is not: the same deed on a change of each.
#[tokio::test]
async fn own_means_the_services_of_ones_teams() {
    let table = RoleTable::shipped();
    let app = TestApp::empty().await;
    app.apply(&[("sluice.yaml", &organisation(&table))]).await;
    for (number, service) in ["mine", "theirs"].into_iter().enumerate() {
        let question = json!({
            "service": service, "environment": "production", "commit": number.to_string().repeat(40),
            "artifacts": [format!("sha256:{}", number.to_string().repeat(64))],
            "run": {"system": "github:github.com", "id": format!("acme/{service}/1")},
        });
        let key = [("idempotency-key", service)];
        let asked = app.post(&app.admin, "/api/v1/gate", &key, &question).await;
        assert_eq!(asked.json()["change"], format!("CHG000000{}", number + 1), "{asked:?}");
    }
    let deeds: [(Permission, Method, &str, serde_json::Value); 3] = [
        (Permission::ChangeRead, Method::GET, "", json!({})),
        (
            Permission::ChangeApprove,
            Method::POST,
            "/reject",
            json!({"revision": format!("sha256:{:064x}", 9)}),
        ),
        (
            Permission::ChangeEdit,
            Method::POST,
            "/close",
            json!({"outcome": "successful", "note": ""}),
        ),
    ];
    let mut seen = BTreeSet::new();
    for role in table.roles.iter().filter(|role| !role.machine) {
        for (permission, method, end, body) in &deeds {
            let reach =
                role.permissions().find(|(its, _)| its == permission).map(|(_, reach)| reach);
            for (number, own) in [(1, true), (2, false)] {
                let token = app.session(&handle(&role.name), Client::Cli, None).await.secret;
                let path = format!("/api/v1/changes/CHG000000{number}{end}");
                let headers = [("content-type", "application/json"), ("if-match", "*")];
                let sent =
                    request(method.clone(), &path, &token, &headers, Body::from(body.to_string()));
                let answered = app.send(sent).await;
                let may = match reach {
                    Some(Reach::All) => true,
                    Some(Reach::Own) => own,
                    None => false,
                };
                let hidden = matches!(
                    answered.code().as_str(),
                    "permission_missing" | "no_such_record" | "change_unknown" | "change_over"
                );
                // Seeing is also given by any other part that somebody has in a change.
                let sees = *permission == Permission::ChangeRead && !hidden;
                assert!(
                    may != hidden || sees && own,
                    "{permission} by {} on {}: {answered:?}",
                    role.name,
                    if own { "their own" } else { "somebody else's" }
                );
                seen.insert((permission.as_str(), may, own));
            }
        }
    }
    for permission in ["change.read", "change.approve", "change.edit"] {
        for own in [true, false] {
            assert!(seen.contains(&(permission, false, own)), "{permission} has no refusal, {own}");
            assert!(
                seen.contains(&(permission, true, own)),
                "{permission} has no admission, {own}"
            );
        }
    }
}

/// No permission goes past the gate, and no role has in one hand what two have to do.
#[test]
fn no_permission_bypasses_the_gate() {
    let names: Vec<&str> = Permission::ALL.iter().map(|one| one.as_str()).collect();
    for name in &names {
        for word in ["bypass", "override", "force", "skip", "admin", "delete", "*"] {
            assert!(!name.contains(word), "{name}");
        }
    }
    let evaluating: Vec<&str> = route_table()
        .iter()
        .filter(|facts| facts.gives.2 == Some("GateReply"))
        .map(|facts| facts.path)
        .collect();
    assert_eq!(evaluating, ["/api/v1/gate", "/api/v1/break-glass/{id}/open"], "who gives passes");
    let approving: Vec<&str> = route_table()
        .iter()
        .filter(|facts| facts.takes == Some("ApprovalRequest"))
        .map(|facts| facts.path)
        .collect();
    assert_eq!(approving, ["/api/v1/changes/{number}/approve", "/api/v1/changes/{number}/reject"]);
    for role in &RoleTable::shipped().roles {
        let has: BTreeSet<Permission> =
            role.permissions().map(|(permission, _)| permission).collect();
        let redeems = has.contains(&Permission::GateRedeem);
        assert!(!(redeems && has.contains(&Permission::ChangeApprove)), "{}", role.name);
        assert!(!(redeems && has.contains(&Permission::BreakGlass)), "{}", role.name);
        assert!(!redeems || role.machine, "{} brings things to production", role.name);
    }
}
