//! Slack and GitHub: what a decision looks like over there.

use std::time::Duration;

use serde_json::json;
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::change::ChangeState;
use sluice_core::gate::Decision;
use sluice_core::ids::ChangeNumber;
use sluice_engine::{Delivery, Received};
use sluice_testkit::NamedSecrets;
use sluice_testkit::Signer;
use sluice_testkit::neighbours::{Lie, Lies};

use super::{LINKS, Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test]
async fn a_change_has_one_thread_that_is_kept_up_to_date() {
    let town = Town::start().await;
    let number = town.deploy("payments", 41).await;
    town.settle(DAY).await;
    let slack = town.slack.lock().unwrap();
    assert_eq!(slack.roots().len(), 1);
    let root = slack.roots()[0].to_string();
    let state = town.state_here(number);
    assert!(root.contains(&format!("*State*\\n{}", state.as_str())), "{root}");
    assert!(root.contains(&format!("https://sluice.acme.example/changes/{number}")), "{root}");
    let thread = &slack.roots()[0]["ts"];
    let replies = slack.messages.iter().filter(|message| message.get("thread_ts") == Some(thread));
    assert!(replies.count() >= 1);
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_not_said_again() {
    let town = Town::start().await;
    town.deploy("payments", 42).await;
    town.net.lie(Lies::always(Lie::LostAnswer));
    town.world.engine.deliver().await.unwrap();
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    let slack = town.slack.lock().unwrap();
    assert_eq!(slack.roots().len(), 1, "{:#?}", slack.messages);
    let mut keys: Vec<String> = slack
        .messages
        .iter()
        .map(|message| message["metadata"]["event_payload"]["key"].to_string())
        .collect();
    keys.sort();
    let count = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[tokio::test]
async fn an_error_that_slack_names_decides_what_follows() {
    let town = Town::start().await;
    town.slack.lock().unwrap().error = Some("not_in_channel".to_owned());
    town.deploy("payments", 43).await;
    town.settle(Duration::from_secs(600)).await;
    let health = town.world.engine.readers().link_health("slack").unwrap().unwrap();
    let error = health.last_error.unwrap();
    assert!(error.starts_with("auth: the bot is not in the channel"), "{error}");
    town.slack.lock().unwrap().error = None;
    town.settle(DAY).await;
    assert_eq!(town.outbox("pending"), []);
}

#[tokio::test]
async fn a_commit_shows_what_the_gate_says_of_it() {
    let town = Town::start().await;
    let waits = town.world.ask(question("payments", 44, 44)).await;
    town.settle(DAY).await;
    let github = town.github.lock().unwrap();
    let status = github.statuses.last().unwrap();
    assert_eq!(status["context"], "sluice/production");
    let wanted = match waits.decision {
        Decision::Allow => "success",
        Decision::Wait => "pending",
        Decision::Deny => "failure",
    };
    assert_eq!(status["state"], wanted);
    assert!(status["description"].as_str().unwrap().chars().count() <= 140);
}

#[tokio::test]
async fn an_app_keeps_its_session_and_one_check_run_and_answers_no_run_that_only_says_it_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (key, signer) = (dir.path().join("app.pem"), Signer::new("app"));
    std::fs::write(&key, signer.private_key_pem()).unwrap();
    let links = format!(
        "links:\n  - name: app\n    connector: github\n    credentials: {{private_key: {{file: {}}}}}\n    tell: [decision, change]\n    settings: {{api: {{url: \"https://github.test\", app: Iv23li, installation: 7}}}}\n",
        key.display()
    );
    let town = Town::with(&links).await;
    {
        let mut github = town.github.lock().unwrap();
        github.app = Some(signer);
        github.waiting.push(("acme/payments".to_owned(), "45".to_owned()));
    }
    let number = town.deploy("payments", 45).await;
    town.settle(DAY).await;
    assert_eq!(town.outbox("given_up"), []);
    let github = town.github.lock().unwrap();
    assert_eq!(github.tokens, 1, "the session is kept");
    assert!(github.rules.is_empty(), "that it is run 45 was its own word: {:?}", github.rules);
    // One check run, which says in the end how the change ended.
    assert_eq!(github.check_runs.len(), 1, "{:#?}", github.check_runs);
    let check = &github.check_runs[0];
    assert_eq!(
        (check["external_id"].as_str(), check["status"].as_str()),
        (Some(number.to_string().as_str()), Some("completed"))
    );
    assert_eq!(check["name"], "Sluice / production");
}

/// Slack, with an app that reports its buttons.
fn with_buttons() -> String {
    LINKS
        .replace(
            "{bot_token: {env: SLACK}}",
            "{bot_token: {env: SLACK}}\n    secrets: [{env: SLACK_SIGNING}]",
        )
        .replace("channel: C1,", "channel: C1, buttons: true, answers_url: \"https://slack.test\",")
}

impl Town {
    /// Somebody presses a button of ours, and Slack reports it.
    async fn pressed(&self, press: &str, action: &str, value: &str) -> Received {
        let payload = json!({
            "type": "block_actions", "trigger_id": press, "user": { "id": "U1", "username": "ann" },
            "channel": { "id": "C1" }, "response_url": format!("https://slack.test/actions/T1/{press}"),
            "actions": [{ "type": "button", "action_id": action, "value": value }],
        });
        let form = url_encoded(&payload.to_string());
        let (now, body) = (self.world.engine.now(), format!("payload={form}"));
        let signed = format!("v0:{}:{body}", now.as_second());
        let mac = hmac_sha256(&NamedSecrets::of("SLACK_SIGNING"), signed.as_bytes());
        let delivery = Delivery::of_body(body, now)
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_header("x-slack-request-timestamp", &now.as_second().to_string())
            .with_header(
                "x-slack-signature",
                &format!("v0={}", data_encoding::HEXLOWER.encode(&mac)),
            );
        let hook = self.world.engine.hook_of(&link("slack"));
        let received = self.world.engine.receive(&hook, delivery).await;
        while self.world.engine.interpret_inbox().await.unwrap() > 0 {}
        received
    }

    fn answers(&self) -> Vec<String> {
        let slack = self.slack.lock().unwrap();
        let said = slack.answers.iter().map(|(_, said)| {
            assert_eq!(said["response_type"], "ephemeral");
            said["text"].as_str().unwrap().to_owned()
        });
        said.collect()
    }

    fn button(&self, action: &str) -> Option<String> {
        let slack = self.slack.lock().unwrap();
        let elements = slack.messages.iter().flat_map(|message| {
            let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
            blocks
                .into_iter()
                .flat_map(|block| block["elements"].as_array().cloned().unwrap_or_default())
        });
        let found = elements.into_iter().find(|element| element["action_id"] == action);
        Some(found?["value"].as_str().unwrap().to_owned())
    }
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_button_decides_nothing_and_shows_the_way_to_where_one_decides() {
    let town = Town::with(&with_buttons()).await;
    let waits = town.world.ask(question("payments", 46, 46)).await;
    let number = waits.change.unwrap();
    town.settle(DAY).await;
    let (approve, reject) = (town.button("sluice.approve"), town.button("sluice.reject"));
    let (approve, reject) = (approve.expect("a button"), reject.expect("a button"));
    let before = town.world.change(number);
    for (press, action, value) in
        [("p1", "sluice.approve", &approve), ("p2", "sluice.reject", &reject)]
    {
        let received = town.pressed(press, action, value).await;
        assert!(matches!(received, Received::Stored { duplicate: false, plain: true, .. }));
        // Reported twice, it is answered once.
        let again = town.pressed(press, action, value).await;
        assert!(matches!(again, Received::Stored { duplicate: true, .. }));
    }
    town.settle(DAY).await;
    assert_eq!(town.world.change(number), before, "nothing has become of the change");
    assert_eq!(town.state_here(number), ChangeState::Authorize);
    let mut answers = town.answers();
    answers.sort();
    let [yes, no] = answers.as_slice() else { panic!("{answers:#?}") };
    let page = format!("https://sluice.acme.example/changes/{number}");
    assert!(yes.starts_with("To approve CHG") && yes.contains(&page), "{yes}");
    assert!(no.starts_with("To reject CHG") && no.contains(&page), "{no}");
}

#[tokio::test]
async fn a_button_of_another_revision_or_of_a_change_that_is_over_says_so() {
    let town = Town::with(&with_buttons()).await;
    let waits = town.world.ask(question("payments", 47, 47)).await;
    let number = waits.change.unwrap();
    let other = format!("sha256:{}", "cd".repeat(32));
    town.pressed("p1", "sluice.approve", &format!("{number} {other}")).await;
    let revision = town.world.change(number).revision.digest.clone();
    let over = town.deploy("ledger", 48).await;
    town.pressed("p2", "sluice.approve", &format!("{over} {revision}")).await;
    let never = ChangeNumber(4_000);
    town.pressed("p3", "sluice.approve", &format!("{never} {revision}")).await;
    // Buttons that lead to a page are reported too, and need no answer.
    town.pressed("p4", "open", "").await;
    town.settle(DAY).await;
    let answers = town.answers();
    assert_eq!(answers.len(), 3, "{answers:#?}");
    for (of, words) in [
        (number, "is another thing now"),
        (over, "no longer waits"),
        (never, "There is no open change"),
    ] {
        let said = answers.iter().find(|said| said.contains(&of.to_string())).expect("an answer");
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn who_pressed_is_not_answered_when_nobody_reads_it_any_more() {
    let town = Town::with(&with_buttons()).await;
    let waits = town.world.ask(question("payments", 49, 49)).await;
    let number = waits.change.unwrap();
    let revision = town.world.change(number).revision.digest.clone();
    town.net.lie(Lies::always(Lie::Unreachable));
    town.pressed("p1", "sluice.approve", &format!("{number} {revision}")).await;
    town.settle(Duration::from_secs(3_600)).await;
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    assert_eq!(town.answers(), [] as [String; 0]);
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
}

#[tokio::test]
async fn a_stop_is_told_to_those_whose_services_it_holds() {
    let links = r#"
links:
  - name: payments-chat
    connector: slack
    credentials: {bot_token: {env: SLACK}}
    tell: {about: [stop], scope: {services: [payments], environments: [production]}}
    settings: {url: "https://slack.test", channel: C1, per_minute: 600}
"#;
    let town = Town::with(links).await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    for (scope, told) in [
        (r#"{"services": ["ledger"]}"#, 0),
        (r#"{"environments": ["staging"]}"#, 0),
        (r#"{"services": ["payments"]}"#, 2),
        (r#"{"environment_tiers": ["production"]}"#, 4),
        ("{}", 6),
    ] {
        let scope = serde_json::from_str(scope).unwrap();
        let stop = engine.pull_stop(admin, scope, "a drill".into()).await.unwrap().value;
        engine.lift_stop(admin, &stop.id, "it is over".into()).await.unwrap();
        assert_eq!(town.outbox("pending").len(), told, "{}", stop.scope);
    }
}

#[tokio::test]
async fn a_session_that_was_got_with_another_secret_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("slack");
    std::fs::write(&secret, "secret-of-SLACK").unwrap();
    let links = LINKS.replace("{env: SLACK}", &format!("{{file: {}}}", secret.display()));
    let town = Town::with(&links).await;
    town.deploy("payments", 43).await;
    town.settle(DAY).await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    assert!(engine.test_link(admin, "slack").await.unwrap().ok);
    std::fs::write(&secret, "another one").unwrap();
    assert!(!engine.test_link(admin, "slack").await.unwrap().ok, "the new one is tried");
}

/// One link, so that each answer is one of its neighbour's.
const SLACK: &str = r#"
links:
  - name: slack
    connector: slack
    credentials: {bot_token: {env: SLACK}}
    tell: [change, approval, decision]
    settings: {url: "https://slack.test", channel: C1, per_minute: 600}
"#;

impl Town {
    /// The keys of what was said, each as often as it was.
    fn said_in_slack(&self) -> Vec<String> {
        let slack = self.slack.lock().unwrap();
        let key = |message: &serde_json::Value| {
            message["metadata"]["event_payload"]["key"].as_str().map(str::to_owned)
        };
        let mut keys: Vec<String> = slack.messages.iter().filter_map(key).collect();
        keys.sort();
        keys
    }
}

#[tokio::test]
async fn what_slack_has_twice_of_one_request_is_there_once() {
    let town = Town::with(SLACK).await;
    town.deploy("payments", 51).await;
    town.settle(DAY).await;
    let wanted = town.said_in_slack();
    let requests = i64::try_from(town.net.seen().len()).unwrap();
    assert!(wanted.len() >= 2, "{wanted:?}");
    for answers in 0..requests {
        let town = Town::with(SLACK).await;
        town.net.lie(Lies::once_after(answers, Lie::Twice));
        town.deploy("payments", 51).await;
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        assert_eq!(town.said_in_slack(), wanted, "{answers}");
    }
}

/// A page of history is not all of it.
#[tokio::test]
async fn in_a_busy_channel_what_was_said_is_found_all_the_same() {
    let town = Town::with(SLACK).await;
    town.deploy("payments", 52).await;
    town.net.lie(Lies::once_after(0, Lie::LostAnswer));
    town.world.engine.deliver().await.unwrap();
    for count in 0..700 {
        let ts = format!("{}.{count:06}", town.world.engine.now().as_second() + 1);
        town.slack.lock().unwrap().messages.push(json!({ "text": "lunch?", "ts": ts }));
    }
    town.settle(DAY).await;
    let said = town.said_in_slack();
    let mut once = said.clone();
    once.dedup();
    assert_eq!(said, once);
    assert_eq!(town.outbox("pending"), []);
}

#[tokio::test]
async fn where_the_bot_may_not_read_it_says_things_all_the_same() {
    let town = Town::with(SLACK).await;
    town.slack.lock().unwrap().no_history = true;
    town.deploy("payments", 53).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let said = town.said_in_slack();
    let mut once = said.clone();
    once.dedup();
    assert_eq!(said, once);
}

/// An App at GitHub, and nothing else.
fn app(dir: &std::path::Path) -> (String, Signer) {
    let (key, signer) = (dir.join("app.pem"), Signer::new("app"));
    std::fs::write(&key, signer.private_key_pem()).unwrap();
    let links = format!(
        "links:\n  - name: app\n    connector: github\n    credentials: {{private_key: {{file: {}}}}}\n    tell: [decision, change, deployment]\n    settings: {{api: {{url: \"https://github.test\", app: Iv23li, installation: 7, issues: true}}}}\n",
        key.display()
    );
    (links, signer)
}

#[tokio::test]
async fn what_github_has_twice_of_one_request_says_the_same_or_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let mut twice = (0, 0);
    for answers in 0..16 {
        let (links, signer) = app(dir.path());
        let town = Town::with(&links).await;
        town.github.lock().unwrap().app = Some(signer);
        town.net.lie(Lies::once_after(answers, Lie::Twice));
        let report = json!({ "state": "failed" });
        let number = town.end_as(question("payments", 54, 54), 54, report).await;
        town.settle(DAY).await;
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
        let github = town.github.lock().unwrap();
        assert!(!github.check_runs.is_empty());
        for run in &github.check_runs {
            assert_eq!(run["external_id"], number.to_string().as_str());
            let says = (&run["status"], &run["conclusion"], &run["output"]);
            let wanted = (&json!("completed"), &json!("success"), &github.check_runs[0]["output"]);
            assert_eq!(says, wanted, "{answers}");
        }
        let open = github.issues.iter().filter(|(_, issue)| issue["state"] == "open");
        assert_eq!(open.count(), 1, "{answers}: {:#?}", github.issues);
        twice.0 += github.check_runs.len() - 1;
        twice.1 += github.issues.len() - 1;
    }
    assert_eq!(twice, (1, 1), "each was made twice once");
}

/// An issue with such a title that is none of ours is closed by nobody.
#[tokio::test]
async fn an_issue_of_somebody_else_about_the_same_deployment_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let (links, signer) = app(dir.path());
    let town = Town::with(&links).await;
    {
        let mut github = town.github.lock().unwrap();
        github.app = Some(signer);
        let title = "DEP0000001: the dashboard was red, too";
        let theirs = json!({ "number": 900, "state": "open", "title": title, "body": "see there" });
        github.issues.push(("acme/payments".to_owned(), theirs));
    }
    town.end_as(question("payments", 55, 55), 55, json!({ "state": "failed" })).await;
    town.settle(DAY).await;
    let github = town.github.lock().unwrap();
    assert_eq!(github.issues.len(), 2, "{:#?}", github.issues);
    assert!(github.issues.iter().all(|(_, issue)| issue["state"] == "open"));
}
