//! What holds for every connector that tells.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sluice_connectors::tell::{
    Addressee, Because, Credentials, Exchange, Lost, Reply, Session, Step, Talk, Teller, Telling,
    Trial,
};
use sluice_connectors::{Secret, find_teller, tellers};
use sluice_core::effect::Effect;

use crate::support::now;

const SECRET: &str = "s3cr3t-of-the-link";

#[test]
fn each_kind_is_there_once_and_says_how_to_set_it_up() {
    let kinds: Vec<&str> = tellers().iter().map(|teller| teller.kind()).collect();
    assert_eq!(
        kinds,
        [
            "cdevents",
            "datadog",
            "elastic",
            "github",
            "gitlab",
            "grafana",
            "jenkins",
            "jira",
            "jira_assets",
            "jira_deployments",
            "jsm",
            "mail",
            "ntfy",
            "otlp",
            "pagerduty",
            "servicenow",
            "slack",
            "splunk",
            "teams"
        ]
    );
    for teller in tellers() {
        assert_eq!(find_teller(teller.kind()).map(Teller::kind), Some(teller.kind()));
        assert!(teller.about().len() > 20, "{}", teller.kind());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(root.join("src").join(teller.family()).join("README.md").is_file());
        let guide = root.join("../../docs/guides").join(format!("{}.md", teller.family()));
        let text = std::fs::read_to_string(&guide).expect("a guide");
        assert!(
            text.contains("## Over there") && text.contains("credentials:"),
            "{}",
            guide.display()
        );
    }
}

#[test]
fn each_example_configures_names_its_credentials_and_where_it_sends() {
    for teller in tellers() {
        let telling = example(*teller);
        assert!(!telling.credentials().is_empty(), "{}", teller.kind());
        for place in telling.outlet().places() {
            let place = place.expect("an address");
            assert!(!place.plain, "{} sends without encryption", teller.kind());
        }
    }
}

#[test]
fn unknown_members_and_other_shapes_are_named() {
    for teller in tellers() {
        let mut settings: Value = serde_json::from_str(teller.example()).expect("JSON");
        part(&mut settings)["sekret"] = json!(1);
        let problems = teller.configure(&settings).err().expect("problems");
        assert!(
            problems.iter().any(|problem| problem.path.ends_with("/sekret")),
            "{}",
            teller.kind()
        );
        for wrong in [json!(null), json!([]), json!("x"), json!({ "api": 7 })] {
            assert!(teller.configure(&wrong).is_err(), "{} {wrong}", teller.kind());
        }
    }
}

#[test]
fn where_jira_says_who_may_a_status_does_not_hide_whether_it_did() {
    let jira = tellers().iter().find(|teller| teller.kind() == "jira").expect("Jira is told");
    for (authority, authorize, scheduled, is_taken) in [
        ("jira", "Awaiting approval", "Implementing", true),
        ("jira", "Open", "Implementing", true),
        ("jira", "implementing", "Implementing", false),
        ("sluice", "implementing", "Implementing", true),
    ] {
        let mut settings: Value = serde_json::from_str(jira.example()).expect("JSON");
        settings["authority"] = json!(authority);
        settings["statuses"] = json!({
            "new": "Open", "authorize": authorize, "scheduled": scheduled,
            "implement": "Implementing", "closed": "Done", "canceled": "Done",
        });
        let problems = jira.configure(&settings).err().unwrap_or_default();
        assert_eq!(problems.is_empty(), is_taken, "{authority} {authorize}: {problems:?}");
    }
}

#[test]
fn an_address_with_a_password_or_without_encryption_is_refused() {
    for teller in tellers() {
        for url in [
            "http://host.example",
            "https://user:pass@host.example",
            "ftp://x",
            "https://h.example/?a=b",
        ] {
            let mut settings: Value = serde_json::from_str(teller.example()).expect("JSON");
            part(&mut settings)["url"] = json!(url);
            assert!(teller.configure(&settings).is_err(), "{} {url}", teller.kind());
        }
    }
}

#[test]
fn whatever_comes_back_ends_in_a_named_outcome_and_shows_no_secret() {
    for teller in tellers() {
        let telling = example(*teller);
        for effect in effects() {
            for hostile in hostile() {
                let shown = converse(&telling, &effect, &hostile);
                assert!(!shown.contains(SECRET), "{}: {shown}", teller.kind());
            }
        }
    }
}

#[test]
fn an_answer_that_is_not_understood_is_never_success() {
    for teller in tellers() {
        let telling = example(*teller);
        for effect in effects() {
            let page = reply(200, "text/html", "<html>Hibernating</html>");
            let (step, asked) = play(&telling, &effect, &[page]);
            // Whoever asks nothing has nothing to tell there.
            assert!(
                asked == 0 || !matches!(step, Step::Done(_)),
                "{} {:?}",
                teller.kind(),
                effect.tell
            );
        }
    }
}

/// Whoever stands in for a neighbour (a proxy, a page for maintenance, a site that was taken down) says of no record that
/// it is gone, and of nothing that it cannot be taken: what is owed waits.
#[test]
fn a_page_in_place_of_an_api_gives_nothing_up() {
    // These answer with pages themselves, or take things of whoever made their address.
    let pages = ["jenkins", "cdevents", "teams", "ntfy", "jsm", "pagerduty", "mail"];
    for teller in tellers().iter().filter(|teller| !pages.contains(&teller.kind())) {
        let telling = example(*teller);
        for status in [400, 404, 405, 410, 422] {
            for effect in effects() {
                let page = reply(status, "text/html; charset=utf-8", "<html>Not here</html>");
                let (step, asked) = play(&telling, &effect, &[page]);
                assert!(
                    asked == 0 || matches!(step, Step::Retry(_)),
                    "{} {status} {:?}: {step:?}",
                    teller.kind(),
                    effect.tell
                );
            }
        }
    }
}

#[test]
fn a_trial_asks_without_altering() {
    for teller in tellers() {
        let (telling, session) = (example(*teller), session());
        let trial = Trial { so_far: &[], session: &session };
        let Step::Send(ask) = telling.test(&trial) else {
            panic!("{} asks nothing", teller.kind())
        };
        assert!(!ask.url.contains(SECRET));
    }
}

/// Where the settings of telling are: those who are heard as well have them in a part.
fn part(settings: &mut Value) -> &mut Value {
    let name = ["api", "sink"].into_iter().find(|name| settings.get(*name).is_some());
    match name {
        Some(name) => &mut settings[name],
        None => settings,
    }
}

pub(crate) fn example(teller: &dyn Teller) -> Telling {
    let settings = serde_json::from_str(teller.example()).expect("JSON");
    teller.configure(&settings).unwrap_or_else(|problems| panic!("{}: {problems:?}", teller.kind()))
}

/// Somebody who is spoken to.
pub(crate) fn people() -> Vec<Addressee> {
    vec![Addressee {
        address: "ann@acme.example".to_owned(),
        name: Some("Ann <x>, Esq.".to_owned()),
        id: "person-1".to_owned(),
    }]
}

pub(crate) fn session() -> Session {
    Session { headers: vec![("authorization", format!("Bearer {SECRET}"))], until: None }
}

type Answer = Result<Reply, Lost>;

fn reply(status: u16, media_type: &str, body: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), media_type.to_owned())];
    Ok(Reply { status, headers, body: body.as_bytes().to_vec() })
}

fn hostile() -> Vec<Vec<Answer>> {
    let lost = |because, may_have_arrived| {
        Err(Lost { because, may_have_arrived, is_too_large: because == Because::Server })
    };
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"x\"",
        "{}",
        "{\"result\":null}",
        "{\"result\":{}}",
        "{\"result\":[]}",
        "{\"result\":[{}]}",
        "{\"result\":[{\"sys_id\":1}]}",
        "{\"result\":\"x\"}",
        "{\"ok\":true}",
        "{\"ok\":\"yes\"}",
        "{\"ok\":false}",
        "{\"ok\":false,\"error\":\"s3cr3t\"}",
        "{\"ok\":true,\"ts\":\"../../x\"}",
        "{\"check_runs\":[]}",
        "{\"check_runs\":[{\"id\":-1}]}",
        "{\"state\":7}",
        "{\"token\":\"\"}",
    ];
    let mut all: Vec<Vec<Answer>> = vec![
        vec![lost(Because::Timeout, true)],
        vec![lost(Because::Unreachable, false)],
        vec![lost(Because::Server, true)],
        vec![lost(Because::Client, false)],
    ];
    for body in bodies {
        all.push(vec![reply(200, "application/json", body)]);
        all.push(vec![reply(201, "application/json; charset=utf-8", body)]);
        // A good answer to a search, and a bad one to what follows.
        let none = reply(
            200,
            "application/json",
            "{\"result\":[],\"check_runs\":[],\"ok\":true,\"messages\":[]}",
        );
        all.push(vec![none, reply(200, "application/json", body)]);
    }
    for status in
        [0, 100, 204, 301, 302, 400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 503, 599, 999]
    {
        all.push(vec![reply(status, "application/json", "{}")]);
    }
    all
}

/// Answers in a row, the last one for ever; gives all that was shown on the way.
fn converse(telling: &Telling, effect: &Effect, answers: &[Answer]) -> String {
    let (step, _) = play(telling, effect, answers);
    format!("{step:?}")
}

fn play(
    telling: &Telling,
    effect: &Effect,
    answers: &[Answer],
) -> (Step<sluice_connectors::tell::Receipt>, usize) {
    let (session, known) = (session(), BTreeMap::new());
    let signing = format!("whsec_{}", data_encoding::BASE64.encode(SECRET.as_bytes()));
    let credentials = Credentials::new([
        ("token".to_owned(), Secret::new(SECRET)),
        ("signing_secret".to_owned(), Secret::new(signing)),
    ]);
    let mut so_far: Vec<Exchange> = Vec::new();
    loop {
        let step = telling.tell(&Talk {
            effect,
            so_far: &so_far,
            session: &session,
            credentials: &credentials,
            known: &known,
            linked: &BTreeMap::new(),
            attempt: 2,
            now: now(),
            public_url: Some("https://sluice.example"),
            late: false,
            comparing: false,
            people: &people(),
            along: &[],
            waits: None,
        });
        let (Step::Send(ask) | Step::SendKnowing(_, ask)) = step else {
            return (step, so_far.len());
        };
        assert!(!ask.url.contains(SECRET) && !format!("{ask:?}").contains(SECRET), "{ask:?}");
        let place = telling.outlet().places().next().flatten().expect("a place");
        let (scheme, rest) = ask.url.split_once("://").expect("an address");
        assert!(["https", "smtps"].contains(&scheme), "{}", ask.url);
        assert!(rest.starts_with(&place.host), "{}", ask.url);
        assert!(so_far.len() < 40, "the conversation does not end: {}", effect.tell.as_str());
        let answer = answers.get(so_far.len()).or(answers.last()).expect("an answer").clone();
        so_far.push(Exchange { step: ask.step, answer });
    }
}

pub(crate) fn effects() -> Vec<Effect> {
    let card = json!({
        "number": "CHG0000042", "state": "implement", "kind": "normal", "title": "Round <amounts> & more",
        "services": ["payments"], "environment": "production", "risk": "low",
        "revision": format!("sha256:{}", "ab".repeat(32)), "version": "1.2.3", "commit": "cd".repeat(20),
        "repository": "github.com/acme/payments",
        "run": { "system": "github:github.com", "id": "acme/payments/77", "attempt": 1 },
    });
    let decision = json!({ "id": "d-0001", "answer": "deny", "service": "payments", "reasons": [
        { "check": "freeze", "effect": "deny", "rule": "freeze.in_force", "message": "frozen", "pass_if": "the freeze is over" }
    ] });
    let words = [
        "change.opened",
        "change.moved",
        "change.revised",
        "change.ended",
        "approval.wanted",
        "approval.given",
        "approval.refused",
        "gate.decided",
        "deployment.started",
        "deployment.ended",
        "stop.pulled",
        "stop.lifted",
        "incident.opened",
        "incident.resolved",
    ];
    let of = |tell: &str| {
        let about_change = !tell.starts_with("stop") && !tell.starts_with("incident");
        let mut effect = json!({
            "key": format!("7:{tell}"), "entity": "CHG0000042", "tell": tell, "at": "2026-03-02T10:00:00Z",
            "line": "something happened", "services": ["payments"], "environment": "production",
        });
        if about_change {
            effect["change"] = card.clone();
        }
        if tell == "gate.decided" {
            effect["decision"] = decision.clone();
        }
        if tell == "deployment.ended" {
            effect["deployment"] = json!({
                "number": "DEP0000007", "service": "payments", "state": "succeeded", "version": "1.2.3",
                "artifacts": [format!("sha256:{}", "ef".repeat(32))],
            });
        }
        serde_json::from_value(effect).expect("an effect")
    };
    words.into_iter().map(of).collect()
}
