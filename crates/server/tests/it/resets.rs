//! Setting an account back takes two, wherever there are two.

use std::time::Duration;

use serde_json::json;
use sluice_testkit::{Answered, ORGANISATION, TestApp};

use crate::description::holds;
use crate::sessions::enrol;

const ACCOUNTS: &str = "/api/v1/accounts";
const PASSWORD: &str = "four words nobody puts together";
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Three administrators, of whom `enrolled` have a password, and a developer with one.
async fn start(enrolled: &[&str]) -> TestApp {
    let app = TestApp::empty().await;
    let people = "  - {handle: dora, name: Dora Dell, roles: [administrator]}\n  - {handle: eve, name: Eve Ells, roles: [administrator]}\n  - {handle: fay, name: Fay Finn, roles: [administrator]}\n  - {handle: gil, name: Gil Good, roles: [developer]}\nteams:\n  - {name: web";
    app.apply(&[("sluice.yaml", &ORGANISATION.replace("teams:\n  - {name: web", people))]).await;
    for handle in enrolled.iter().chain(&["gil"]) {
        enrol(&app, handle).await;
    }
    app
}

async fn post(app: &TestApp, by: &str, path: &str) -> Answered {
    let by = app.logged_in(by).await;
    app.post(&by, &format!("{ACCOUNTS}/{path}"), &[], &json!({"reason": "lost the device"})).await
}

fn said(answered: &Answered) -> (u16, String) {
    (answered.status, answered.code())
}

#[tokio::test]
async fn one_asks_and_another_confirms_and_hands_the_code_over() {
    let app = start(&["dora", "eve"]).await;
    let dora = app.logged_in("dora").await;
    let alone = app.post(&dora, ACCOUNTS, &[], &json!({"person": "gil"})).await;
    assert_eq!(
        said(&alone),
        (409, "second_person_needed".into()),
        "no way around by the first door"
    );
    let asked = post(&app, "dora", "gil/reset").await;
    assert_eq!((asked.status, &asked.json()["waits"]), (201, &json!(true)), "{asked:?}");
    holds("AccountReset", &asked.json());
    assert!(asked.json()["enrolment"].is_null(), "nobody has a code");
    assert_eq!(post(&app, "eve", "gil/reset").await.code(), "reset_waits");
    let login = json!({"handle": "gil", "password": PASSWORD, "client": "cli"});
    assert_eq!(app.post("", "/api/v1/login", &[], &login).await.status, 200, "nothing is changed");
    // Whoever is to agree is shown to what, and whose account it is hears of it.
    let listed = app.get(&app.logged_in("eve").await, ACCOUNTS).await.json();
    holds("AccountList", &listed);
    let told = listed.to_string();
    for part in [
        "the account of Gil Good (gil) is to be set back",
        "asked by Dora Dell (dora)",
        "lost the device",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    for (who, wanted) in
        [("eve", "account of Gil Good"), ("gil", "Dora Dell wants to set your account back")]
    {
        let waits = app.get(&app.logged_in(who).await, "/api/v1/notifications").await;
        holds("WantedList", &waits.json());
        assert!(waits.text().contains(wanted), "{who}: {}", waits.text());
    }
    for (who, status, code) in [
        ("dora", 403, "same_person"),
        ("gil", 403, "permission_missing"),
        ("eve", 200, ""),
        ("eve", 404, "reset_unknown"),
    ] {
        let confirmed = post(&app, who, "gil/reset/confirm").await;
        assert_eq!(confirmed.status, status, "{who}: {confirmed:?}");
        if status != 200 {
            assert_eq!(confirmed.code(), code, "{who}");
            continue;
        }
        holds("Enrolment", &confirmed.json());
        assert_eq!(app.post("", "/api/v1/login", &[], &login).await.code(), "login_refused");
        let body = json!({"handle": "gil", "code": confirmed.json()["code"], "password": PASSWORD});
        assert_eq!(app.post("", "/api/v1/account/enrol", &[], &body).await.status, 200);
    }
    assert_eq!(
        app.post(&app.admin, &format!("{ACCOUNTS}/gil/reset"), &[], &json!({"reason": "a token"}))
            .await
            .code(),
        "session_needed"
    );
}

#[tokio::test]
async fn nobody_confirms_for_their_own_account_and_everybody_may_refuse_that() {
    let app = start(&["dora", "eve", "fay"]).await;
    assert_eq!(post(&app, "dora", "eve/reset").await.json()["waits"], true);
    assert_eq!(post(&app, "eve", "eve/reset/confirm").await.code(), "own_account");
    assert_eq!(post(&app, "gil", "eve/reset/refuse").await.code(), "permission_missing");
    assert_eq!(post(&app, "eve", "eve/reset/refuse").await.status, 200, "it is hers");
    assert_eq!(post(&app, "fay", "eve/reset/confirm").await.code(), "reset_unknown");
    // What nobody confirms lapses.
    assert_eq!(post(&app, "dora", "eve/reset").await.status, 201);
    app.clock.advance(WEEK);
    assert_eq!(post(&app, "fay", "eve/reset/confirm").await.code(), "reset_unknown");
}

#[tokio::test]
async fn whoever_is_the_only_one_left_sets_back_alone_and_is_not_so_by_closing_the_others() {
    let app = start(&["dora", "eve"]).await;
    // Nobody beside the two could agree: eve has lost her device.
    let alone = post(&app, "dora", "eve/reset").await;
    assert_eq!((alone.status, &alone.json()["waits"]), (201, &json!(false)), "{alone:?}");
    holds("AccountReset", &alone.json());
    assert!(alone.json()["enrolment"]["code"].is_string());
    let entries = app.engine.readers().entries(0, 1_000).expect("entries");
    assert!(entries.iter().any(|entry| entry.name == "account.reset_asked"), "why is recorded");
    let listed = app.get(&app.logged_in("dora").await, ACCOUNTS).await.json();
    assert!(listed["items"].as_array().expect("all").iter().all(|it| it["reset"].is_null()));
    let app = start(&["dora", "eve", "fay"]).await;
    assert_eq!(post(&app, "dora", "fay/disable").await.status, 200);
    let asked = post(&app, "dora", "eve/reset").await;
    assert_eq!(asked.json()["waits"], true, "fay could have agreed a moment ago");
    app.clock.advance(WEEK + Duration::from_secs(1));
    let asked = post(&app, "dora", "eve/reset").await;
    assert_eq!(asked.json()["waits"], false, "after a week there is really nobody: {asked:?}");
    // Where the organisation always wants two, it is two.
    let app = start(&["dora"]).await;
    let always = ORGANISATION.replacen("settings: {", "settings: {second_person: always, ", 1);
    let gil = "  - {handle: dora, name: Dora Dell, roles: [administrator]}\n  - {handle: gil, name: Gil Good, roles: [developer]}\nteams:\n  - {name: web";
    let always = always.replace("teams:\n  - {name: web", gil);
    app.apply(&[("sluice.yaml", &always)]).await;
    assert_eq!(post(&app, "dora", "gil/reset").await.json()["waits"], true);
}

#[tokio::test]
async fn the_page_shows_what_waits_and_the_code_once() {
    let app = start(&["dora", "eve"]).await;
    assert_eq!(post(&app, "dora", "gil/reset").await.status, 201);
    let eve = app.logged_in("eve").await;
    let page = app.get(&eve, "/proposals").await.text();
    assert!(page.contains("Accounts to be set back") && page.contains("lost the device"), "{page}");
    let action = page.split("action=\"").find(|it| it.starts_with("/proposals/accounts/"));
    let action = action.and_then(|it| it.split('"').next()).expect("a form").to_owned();
    let dora = app.logged_in("dora").await;
    assert!(!app.get(&dora, "/proposals").await.text().contains(&format!("action=\"{action}\"")));
    let confirmed = app.form(&eve, &action, "").await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    assert!(confirmed.text().contains("Hand this code over to"), "{}", confirmed.text());
    assert!(!app.get(&eve, "/proposals").await.text().contains("Hand this code over to"));
}

#[tokio::test]
async fn a_role_or_a_token_for_what_nobody_declared_is_refused() {
    let app = start(&[]).await;
    let dora = app.logged_in("dora").await;
    for scope in [
        json!({"services": ["shpo"]}),
        json!({"teams": ["wbe"]}),
        json!({"environments": ["production", "prodction"]}),
        json!({"environment_tiers": ["prod"]}),
    ] {
        let role = json!({"person": "carol", "role": "auditor", "reason": "year-end audit", "scope": scope});
        let refused = app.post(&dora, "/api/v1/roles/grants", &[], &role).await;
        assert_eq!(said(&refused), (422, "scope_unknown".into()), "{scope}");
        let token = json!({"label": "ci", "kind": "pipeline", "permissions": ["gate.evaluate"],
            "expires_in_hours": 1, "scope": scope});
        let refused = app.post(&app.admin, "/api/v1/tokens", &[], &token).await;
        assert_eq!(said(&refused), (422, "scope_unknown".into()), "{scope}");
    }
}
