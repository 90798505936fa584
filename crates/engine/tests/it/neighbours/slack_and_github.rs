//! Slack and GitHub: what a decision looks like over there.

use std::time::Duration;

use sluice_core::gate::Decision;
use sluice_testkit::Signer;
use sluice_testkit::neighbours::{Lie, Lies};

use super::Town;
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
async fn an_app_answers_the_rule_that_a_run_waits_at() {
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
    let [(run, body)] = github.rules.as_slice() else { panic!("{:?}", github.rules) };
    assert_eq!(
        (run.as_str(), body["state"].as_str(), body["environment_name"].as_str()),
        ("45", Some("approved"), Some("production"))
    );
    // One check run, which says in the end how the change ended.
    assert_eq!(github.check_runs.len(), 1, "{:#?}", github.check_runs);
    let check = &github.check_runs[0];
    assert_eq!(
        (check["external_id"].as_str(), check["status"].as_str()),
        (Some(number.to_string().as_str()), Some("completed"))
    );
    assert_eq!(check["name"], "Sluice / production");
}
