//! What takes two people: the emergency path, and changes of what decides about changes. And making one a number.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_core::change::ChangeKind;
use sluice_core::permission::Permission;
use sluice_testkit::{ORGANISATION, TestApp};

fn question() -> Value {
    json!({
        "service": "shop", "environment": "production", "commit": "a".repeat(40),
        "artifacts": [format!("sha256:{}", "b".repeat(64))],
        "run": {"system": "break-glass", "id": "1"},
    })
}

#[tokio::test]
async fn break_glass_for_an_environment_by_another_of_its_names_lifts_what_holds_there() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let stop = json!({"scope": {"environments": ["PROD"]}, "reason": "bad numbers"});
    let stopped = app.post(&alice, "/api/v1/stops", &[], &stop).await;
    assert_eq!(
        stopped.json()["stop"]["scope"]["environments"],
        json!(["production"]),
        "{stopped:?}"
    );
    let mut question = question();
    question["environment"] = json!("prod");
    let path = "/api/v1/break-glass";
    let asked = app.post(&alice, path, &[], &json!({"question": question, "reason": REASON})).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let status = app.get(&app.admin, "/api/v1/status").await.json();
    assert_eq!(status["break_glass"][0]["environment"], "production", "{status:#}");
    let open = format!("{path}/{}/open", asked.json()["id"].as_str().expect("an id"));
    let opened = app.post(&bob, &open, &[], &json!({})).await;
    assert_eq!(opened.json()["answer"], "allow", "{opened:?}");
}

#[tokio::test]
async fn break_glass_for_one_service_of_a_change_is_not_for_the_others() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let path = "/api/v1/break-glass";
    let ask = async |question: &Value| {
        app.post(&alice, path, &[], &json!({"question": question, "reason": REASON})).await
    };
    // Asked for while nothing is known of the change, it takes another along when it is to be opened.
    let early = ask(&question()).await;
    assert_eq!(early.status, 201, "{early:?}");
    let mut both = question();
    both["services"] = json!(["docs", "shop"]);
    let placed = app.post(&app.admin, "/api/v1/gate", &[("idempotency-key", "both")], &both).await;
    let number = placed.json()["change"].as_str().expect("a change").to_owned();
    let open = format!("{path}/{}/open", early.json()["id"].as_str().expect("an id"));
    for refused in [app.post(&bob, &open, &[], &json!({})).await, ask(&question()).await] {
        assert_eq!((refused.status, refused.code().as_str()), (409, "emergency_not_covered"));
        let told = refused.json()["detail"].to_string();
        assert!(told.contains(&number) && told.contains("`docs`"), "{told}");
    }
    assert!(app.engine.standing().exceptions.is_empty(), "nothing is lifted");
    let kind = |app: &TestApp| app.engine.standing().changes.values().next().map(|it| it.kind);
    assert_eq!(kind(&app), Some(ChangeKind::Normal));
    let named = ask(&both).await;
    assert_eq!(named.status, 201, "{named:?}");
    let open = format!("{path}/{}/open", named.json()["id"].as_str().expect("an id"));
    let opened = app.post(&bob, &open, &[], &json!({})).await;
    assert_eq!(opened.json()["answer"], "allow", "{opened:?}");
    assert_eq!(kind(&app), Some(ChangeKind::Emergency));
}

const REASON: &str = "checkout is down, the fix is one line";

async fn event_names(app: &TestApp) -> Vec<String> {
    let listed = app.get(&app.admin, "/api/v1/ledger/entries?from=0&limit=200").await.json();
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn break_glass_takes_two_people_and_opens_change_and_review_before_the_pass() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let stop = json!({"scope": {"services": ["shop"]}, "reason": "bad numbers"});
    assert_eq!(app.post(&alice, "/api/v1/stops", &[], &stop).await.status, 201);
    let path = "/api/v1/break-glass";
    let vague = json!({"question": question(), "reason": "because"});
    assert_eq!(app.post(&alice, path, &[], &vague).await.code(), "bad_reason");
    let asked =
        app.post(&alice, path, &[], &json!({"question": question(), "reason": REASON})).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let open = format!("{path}/{}/open", asked.json()["id"].as_str().expect("an id"));
    assert_eq!(app.post(&alice, &open, &[], &json!({})).await.code(), "same_person");
    let machine = app.post(&app.admin, &open, &[], &json!({})).await;
    assert_eq!(machine.code(), "permission_missing");
    let status = app.get(&app.admin, "/api/v1/status").await.json();
    assert_eq!(status["break_glass"][0]["reason"], REASON, "everybody sees it");

    let opened = app.post(&bob, &open, &[], &json!({})).await;
    assert_eq!(opened.json()["answer"], "allow", "{opened:?}");
    assert!(opened.json()["pass"]["token"].is_string());
    assert_eq!(app.post(&bob, &open, &[], &json!({})).await.code(), "not_waiting");
    let names = event_names(&app).await;
    let at = |name: &str| names.iter().position(|known| known == name);
    let pass = at("gate.decided").expect("the gate was asked");
    for before in
        ["break_glass.asked", "break_glass.opened", "change.proposed", "change.debt_incurred"]
    {
        let index = at(before).unwrap_or_else(|| panic!("{before} in {names:?}"));
        assert!(index < pass, "{before} comes before the pass: {names:?}");
    }
    let change = app.get(&alice, "/api/v1/changes/CHG0000001").await.json();
    let change = change.get("change").cloned().unwrap_or(change);
    assert_eq!(change["kind"], "emergency", "{change}");
    let debts: Vec<&str> = change["debts"]
        .as_array()
        .expect("debts")
        .iter()
        .filter_map(|d| d["kind"].as_str())
        .collect();
    assert!(debts.contains(&"review"), "{change}");

    app.clock.advance(Duration::from_secs(3_601));
    let status = app.get(&app.admin, "/api/v1/status").await.json();
    assert_eq!(status["break_glass"], json!([]), "after an hour it is closed");
}

#[tokio::test]
async fn nobody_can_open_what_lies_outside_of_where_they_may() {
    let app = TestApp::start().await;
    let narrow = ORGANISATION.replacen(
        "roles: [change_manager, security_officer, break_glass]",
        "roles: [{role: break_glass, scope: {services: [docs]}}]",
        1,
    );
    app.apply(&[("sluice.yaml", &narrow)]).await;
    let alice = app.logged_in("alice").await;
    let body = json!({"question": question(), "reason": REASON});
    let refused = app.post(&alice, "/api/v1/break-glass", &[], &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "permission_missing"));
}

#[tokio::test]
async fn what_decides_about_changes_is_changed_by_two_people() {
    let app = TestApp::empty().await;
    let always =
        ORGANISATION.replacen("settings: {", "settings: {second_person: always, cool_off: 1h, ", 1);
    app.apply(&[("sluice.yaml", &always)]).await;
    let weaker = always.replace("min_risk: low", "min_risk: critical");
    let body = |text: &str| json!({"files": {"sluice.yaml": text}, "source": "test"});
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let apply = "/api/v1/organisation/apply";
    let confirm = "/api/v1/organisation/confirm";
    let proposed = app.post(&alice, apply, &[], &body(&weaker)).await;
    assert_eq!(proposed.json()["pending"]["touches"], json!(["approval rules"]), "{proposed:?}");
    assert_eq!(proposed.json()["declared"], 0);
    let rule = app.get(&alice, "/api/v1/organisation/approval_rule/owner-approval").await.json();
    assert!(!rule.to_string().contains("critical"), "nothing is changed yet: {rule}");
    assert_eq!(app.post(&alice, confirm, &[], &body(&weaker)).await.code(), "same_person");
    assert_eq!(app.post(&bob, confirm, &[], &body(&weaker)).await.code(), "cooling_off");
    app.clock.advance(Duration::from_secs(3_600));
    let bob = app.logged_in("bob").await;
    let other = always.replace("min_risk: low", "min_risk: high");
    assert_eq!(app.post(&bob, confirm, &[], &body(&other)).await.code(), "plan_unknown");
    let confirmed = app.post(&bob, confirm, &[], &body(&weaker)).await;
    assert_eq!(confirmed.json()["declared"], 1, "{confirmed:?}");
    let names = event_names(&app).await;
    for name in ["organisation.proposed", "organisation.confirmed", "organisation.applied"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    let plain = always
        .replace("title: Shop", "title: The shop")
        .replace("min_risk: low", "min_risk: critical");
    let applied = app.post(&app.admin, apply, &[], &body(&plain)).await;
    assert_eq!(applied.json()["declared"], 1, "a title is nobody's second concern: {applied:?}");
    let off = plain.replace("second_person: always", "second_person: never");
    let proposed = app.post(&app.admin, apply, &[], &body(&off)).await;
    assert_eq!(proposed.json()["pending"]["touches"], json!(["settings"]), "{proposed:?}");
    let free = plain.replace("tier: tier-1,", "tier: tier-1, controlled: false,");
    let proposed = app.post(&app.admin, apply, &[], &body(&free)).await;
    assert_eq!(proposed.json()["pending"]["touches"], json!(["services"]), "{proposed:?}");
}

/// What the matrix of permissions marks for two people, as files have it: added to a folder that has none of it, and
/// taken out of one that has.
const GOVERNED: [(&str, &str); 7] = [
    (
        "windows",
        "windows:\n  - {name: night, title: Night, kind: freeze, zone: Europe/Berlin, cron: \"0 18 * * FRI\", duration: 10h, reason: Rest}\n",
    ),
    (
        "evidence rules",
        "evidence_rules:\n  - {name: tests, scope: {environment_tiers: [production]}, requires: [test_report]}\n",
    ),
    (
        "change models",
        "models:\n  - {name: texts, title: Texts, scope: {services: [docs], environment_tiers: [production]}, max_risk: low, steps: [Deploy.]}\n",
    ),
    (
        "trust rules",
        "trust:\n  - {name: shop, issuer: github, claims: {repository_id: \"1\", repository_owner_id: \"2\", environment: production, event_name: [push], runner_environment: github-hosted}, scope: {services: [shop], environment_tiers: [production]}}\n",
    ),
    (
        "group mappings",
        "group_roles:\n  - {name: cab, provider: scim, group: Board, roles: [cab_approver]}\n",
    ),
    (
        "approval rules",
        "approval_rules:\n  - {name: board, reason: Two more eyes, scope: {services: [docs]}, min_risk: low, approvers: {teams: [web]}}\n",
    ),
    ("environments", "environments:\n  - {name: second, tier: production}\n"),
];

#[tokio::test]
async fn each_kind_that_decides_is_added_and_taken_out_by_two_people() {
    let apply = "/api/v1/organisation/apply";
    let confirm = "/api/v1/organisation/confirm";
    let app = TestApp::empty().await;
    let base = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    app.apply(&[("sluice.yaml", &base)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    for (touched, text) in GOVERNED {
        let with = json!({"files": {"sluice.yaml": base, "more.yaml": text}, "source": "test"});
        let without = json!({"files": {"sluice.yaml": base}, "source": "test"});
        for body in [with, without] {
            let proposed = app.post(&alice, apply, &[], &body).await;
            assert_eq!(proposed.json()["pending"]["touches"], json!([touched]), "{proposed:?}");
            let counted =
                (proposed.json()["declared"].clone(), proposed.json()["withdrawn"].clone());
            assert_eq!(counted, (json!(0), json!(0)), "{touched}: nothing is changed yet");
            let own = app.post(&alice, confirm, &[], &body).await;
            assert_eq!((own.status, own.code().as_str()), (403, "same_person"), "{touched}");
            let machine = app.post(&app.admin, confirm, &[], &body).await;
            assert_eq!((machine.status, machine.code().as_str()), (403, "permission_missing"));
            let confirmed = app.post(&bob, confirm, &[], &body).await;
            assert_eq!(confirmed.status, 200, "{touched}: {confirmed:?}");
        }
    }
}

#[tokio::test]
async fn a_plan_is_confirmed_without_its_files_exactly_as_it_was_proposed() {
    let app = TestApp::empty().await;
    let always = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    app.apply(&[("sluice.yaml", &always)]).await;
    let policy = "package sluice.rules\n\nnote contains {\"rule\": \"test.noted\", \"message\": \"noted\"}\n";
    let propose = async |token: &str, text: &str, rego: Option<&str>| {
        let mut files = json!({"sluice.yaml": text});
        if let Some(rego) = rego {
            files["policies/own.rego"] = json!(rego);
        }
        let body = json!({"files": files, "source": "test"});
        app.post(token, "/api/v1/organisation/apply", &[], &body).await.json()["pending"]["plan"]
            .as_str()
            .expect("it waits")
            .to_owned()
    };
    let confirm = async |token: &str, plan: &str| {
        let path = format!("/api/v1/organisation/plans/{plan}/confirm");
        app.post(token, &path, &[], &json!({})).await
    };
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let bundle = async || app.get(&alice, "/api/v1/policy").await.json()["bundle"].clone();
    let before = bundle().await;
    let weaker = always.replace("min_risk: low", "min_risk: critical");
    let plan = propose(&alice, &weaker, Some(policy)).await;
    assert_eq!(confirm(&alice, &plan).await.code(), "same_person");
    assert_eq!(confirm(&app.admin, &plan).await.code(), "permission_missing");
    let page = app.get(&bob, "/proposals").await;
    assert!(
        String::from_utf8_lossy(&page.body).contains(&format!("/proposals/plans/{plan}/confirm"))
    );
    let confirmed = confirm(&bob, &plan).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    assert_ne!(bundle().await, before, "the policy of the plan is in force");
    let rule = app.get(&alice, "/api/v1/organisation/approval_rule/owner-approval").await.json();
    assert!(rule.to_string().contains("critical"), "{rule}");
    assert_eq!(confirm(&bob, &plan).await.code(), "plan_unknown");

    // What was altered since means another plan.
    let plan = propose(&alice, &always, Some(policy)).await;
    let titled = weaker.replace("title: Shop", "title: The shop");
    let body =
        json!({"files": {"sluice.yaml": titled, "policies/own.rego": policy}, "source": "test"});
    let applied = app.post(&app.admin, "/api/v1/organisation/apply", &[], &body).await;
    assert_eq!(applied.json()["declared"], 1, "{applied:?}");
    assert_eq!(confirm(&bob, &plan).await.code(), "plan_outdated");

    // Names of people are kept nowhere before they take effect.
    let person = titled.replacen(
        "people:\n",
        "people:\n  - {handle: dave, name: Dave Doe, roles: [auditor]}\n",
        1,
    );
    let plan = propose(&alice, &person, Some(policy)).await;
    assert_eq!(confirm(&bob, &plan).await.code(), "files_needed");
    let kept = app.engine.readers().blob(&plan).expect("it reads").expect("it is kept");
    assert!(!String::from_utf8_lossy(&kept.bytes).contains("Dave Doe"));
}

#[tokio::test]
async fn nobody_gives_themselves_anything_and_nobody_confirms_their_own_gain() {
    let app = TestApp::start().await;
    let alice = app.logged_in("alice").await;
    let body = |text: &str| json!({"files": {"sluice.yaml": text}, "source": "test"});
    let apply = "/api/v1/organisation/apply";
    let more = ORGANISATION.replacen("break_glass]", "break_glass, administrator]", 1);
    assert_eq!(app.post(&alice, apply, &[], &body(&more)).await.code(), "own_gain");
    let shed = ORGANISATION.replace(", accounts: [\"github:alice\"]", "");
    assert_eq!(app.post(&alice, apply, &[], &body(&shed)).await.code(), "own_gain");
    let always = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    app.apply(&[("sluice.yaml", &always)]).await;
    let for_bob = always.replace("members: [alice, bob]", "members: [alice, bob, carol]");
    let (alice, carol) = (app.logged_in("alice").await, app.logged_in("carol").await);
    let proposed = app.post(&alice, apply, &[], &body(&for_bob)).await;
    assert_eq!(proposed.json()["pending"]["touches"], json!(["teams"]), "{proposed:?}");
    let confirm = "/api/v1/organisation/confirm";
    assert_eq!(app.post(&carol, confirm, &[], &body(&for_bob)).await.code(), "own_gain");
}

/// A link to a system of tickets: who says who may, and where it is.
fn tickets(authority: &str, host: &str, about: &str) -> String {
    format!(
        "links:\n  - name: tickets\n    connector: servicenow\n    credentials: {{password: {{env: SNOW}}}}\n    \
         tell: [{about}]\n    settings: {{url: \"https://{host}\", user: sluice, authority: {authority}}}\n"
    )
}

#[tokio::test]
async fn a_link_is_made_and_turned_elsewhere_by_two_people() {
    let app = TestApp::start().await;
    let always = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    app.apply(&[("sluice.yaml", &always)]).await;
    let with = |link: &str| json!({"files": {"sluice.yaml": always, "tickets.yaml": link}, "source": "test"});
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let (apply, confirm) = ("/api/v1/organisation/apply", "/api/v1/organisation/confirm");
    let ours = with(&tickets("servicenow", "tickets.acme.example", "change"));
    for changed in [&ours, &with(&tickets("sluice", "tickets.acme.example", "change"))] {
        let proposed = app.post(&alice, apply, &[], changed).await;
        assert_eq!(proposed.json()["pending"]["touches"], json!(["links"]), "{proposed:?}");
    }
    let confirmed = app.post(&bob, confirm, &[], &ours).await;
    assert_eq!(confirmed.json()["declared"], 1, "{confirmed:?}");
    // To a host of one's own, and with a password that is found elsewhere.
    let elsewhere = tickets("servicenow", "mallory.example", "change");
    let other = tickets("servicenow", "tickets.acme.example", "change").replace("SNOW", "OTHER");
    for turned in [elsewhere, other] {
        let proposed = app.post(&alice, apply, &[], &with(&turned)).await;
        assert_eq!(proposed.json()["pending"]["touches"], json!(["links"]), "{proposed:?}");
        assert_eq!(proposed.json()["declared"], 0);
    }
    // What it is told of is nobody's second concern.
    let more = with(&tickets("servicenow", "tickets.acme.example", "change, approval"));
    assert_eq!(app.post(&alice, apply, &[], &more).await.json()["declared"], 1);
    // And taking it away lets nothing through.
    let none = app.post(&alice, apply, &[], &with("links: []\n")).await;
    assert_eq!(none.json()["withdrawn"], 1, "{none:?}");
}

#[tokio::test]
async fn nobody_lends_the_voices_of_approvers_alone() {
    let app = TestApp::start().await;
    let never = ORGANISATION.replacen("settings: {", "settings: {second_person: never, ", 1);
    app.apply(&[("sluice.yaml", &never)]).await;
    let alice = app.logged_in("alice").await;
    let apply = "/api/v1/organisation/apply";
    let with = |authority: &str| {
        let link = tickets(authority, "mallory.example", "change");
        json!({"files": {"sluice.yaml": never, "tickets.yaml": link}, "source": "test"})
    };
    assert_eq!(app.post(&alice, apply, &[], &with("servicenow")).await.code(), "own_gain");
    assert_eq!(app.post(&alice, apply, &[], &with("sluice")).await.json()["declared"], 1);
    assert_eq!(app.post(&alice, apply, &[], &with("servicenow")).await.code(), "own_gain");
    // Whoever sets an installation up, by the token of its beginning, is no person who could gain.
    let made = app.post(&app.admin, apply, &[], &with("servicenow")).await;
    assert_eq!(made.json()["declared"], 1, "{made:?}");
}

#[tokio::test]
async fn a_person_becomes_a_number_and_everything_still_verifies() {
    let app = TestApp::start().await;
    let id = app.engine.person_by_handle("carol").expect("declared");
    let made = app.post(&app.admin, "/api/v1/accounts", &[], &json!({"person": "carol"})).await;
    assert_eq!(made.status, 201);
    let erase = "/api/v1/people/erase";
    let early = app.post(&app.admin, erase, &[], &json!({"person": "carol"})).await;
    assert_eq!(early.code(), "still_declared");
    let carol = ORGANISATION.lines().find(|line| line.contains("handle: carol")).expect("her line");
    app.apply(&[("sluice.yaml", &ORGANISATION.replace(carol, ""))]).await;
    let reader = app.token(&[Permission::ChangeRead]).await;
    let card = format!("/api/v1/people/{id}");
    assert_eq!(app.get(&reader, &card).await.json()["name"], "Carol Cruz");
    let erased = app.post(&app.admin, erase, &[], &json!({"person": "carol"})).await;
    assert_eq!((erased.status, &erased.json()["person"]), (200, &json!(id)), "{erased:?}");
    assert_eq!(app.get(&reader, &card).await.status, 404);

    let key = app.engine.keys().log_key.clone();
    let dir = app.close();
    for entry in std::fs::read_dir(dir.path()).expect("the folder").flatten() {
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        for name in ["Carol Cruz", "carol@test.example", "github:codertocat"] {
            let found = bytes.windows(name.len()).any(|window| window == name.as_bytes());
            assert!(!found, "`{name}` is still in {}", entry.path().display());
        }
    }
    let key = sluice_ledger::VerifyingKey::parse(&key).expect("a key");
    let verified =
        sluice_engine::store::verify_dir(dir.path(), None, &key, &sluice_engine::fsck::describe);
    assert!(verified.is_ok(), "{:?}", verified.err());
}

/// What loosens what stands although no rule is touched: an alteration of the files, and what it touches.
const LOOSENING: [(&str, &str, &str); 6] = [
    ("tier: tier-1, ", "tier: tier-3, ", "services"),
    ("class: api", "class: docs", "services"),
    ("labels: {pci: yes}, ", "", "services"),
    ("  - {name: docs,", "  - {name: papers,", "services"),
    (
        "people:\n",
        "people:\n  - {handle: dave, name: Dave, emails: [dave@test.example]}\n",
        "people",
    ),
    ("owner: web, class: docs", "owner: other, class: docs", "services"),
];

#[tokio::test]
async fn what_loosens_a_rule_without_touching_it_takes_two_people() {
    let app = TestApp::empty().await;
    let base = ORGANISATION
        .replacen("settings: {", "settings: {second_person: always, ", 1)
        .replacen("teams:\n", "teams:\n  - {name: other, title: Others}\n", 1)
        .replacen("tier: tier-1, ", "tier: tier-1, labels: {pci: yes}, ", 1)
        .replacen(
            "services: [shop], environment_tiers",
            "labels: {pci: yes}, environment_tiers",
            1,
        );
    app.apply(&[("sluice.yaml", &base)]).await;
    let alice = app.logged_in("alice").await;
    for (from, to, touched) in LOOSENING {
        let other = base.replacen(from, to, 1);
        assert_ne!(other, base, "{from}");
        let body = json!({"files": {"sluice.yaml": other}, "source": "test"});
        let proposed = app.post(&alice, "/api/v1/organisation/apply", &[], &body).await;
        assert_eq!(proposed.json()["pending"]["touches"], json!([touched]), "{to}: {proposed:?}");
    }
    let stricter = base.replacen("labels: {pci: yes}, ", "labels: {pci: yes, shop: yes}, ", 1);
    let stricter = stricter.replacen("title: Documentation", "title: Papers", 1);
    let body = json!({"files": {"sluice.yaml": stricter}, "source": "test"});
    let applied = app.post(&alice, "/api/v1/organisation/apply", &[], &body).await;
    assert_eq!(applied.json()["declared"], 2, "what no rule looks at is free: {applied:?}");
}

#[tokio::test]
async fn a_token_is_no_second_person_beside_whoever_made_it() {
    let app = TestApp::empty().await;
    let base =
        ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1).replace(
            "roles: [change_manager, security_officer, break_glass]",
            "roles: [administrator, change_manager, security_officer, configuration_manager]",
        );
    app.apply(&[("sluice.yaml", &base)]).await;
    let (alice, bob) = (app.logged_in("alice").await, app.logged_in("bob").await);
    let token = async |by: &str, permissions: &[&str]| {
        let body = json!({"label": "files", "kind": "pipeline", "expires_in_hours": 1, "permissions": permissions});
        let made = app.post(by, "/api/v1/tokens", &[], &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["secret"].as_str().expect("a secret").to_owned()
    };
    let files = ["organisation.apply", "organisation.read"];
    let hers = token(&alice, &[files[0], files[1], "token.manage"]).await;
    // One that is made by a token is made by whoever made that.
    let made_by_it = token(&hers, &files).await;
    for (secret, risk) in [(&hers, "high"), (&made_by_it, "critical")] {
        let weaker = base.replace("min_risk: low", &format!("min_risk: {risk}"));
        let body = json!({"files": {"sluice.yaml": weaker}, "source": "test"});
        let proposed = app.post(secret, "/api/v1/organisation/apply", &[], &body).await;
        assert_eq!(
            proposed.json()["pending"]["touches"],
            json!(["approval rules"]),
            "{proposed:?}"
        );
        let confirm = "/api/v1/organisation/confirm";
        assert_eq!(app.post(&alice, confirm, &[], &body).await.code(), "same_person");
        assert_eq!(app.post(&bob, confirm, &[], &body).await.status, 200);
    }
}
