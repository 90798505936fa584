//! A run that waits at GitHub's deployment protection rule has asked the gate by that alone.

use std::time::Duration;

use serde_json::json;
use sluice_testkit::Signer;
use sluice_testkit::neighbours::{Lie, Lies};

use super::Town;
use crate::world::{commit_id, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn start(dir: &std::path::Path) -> Town {
    told(dir, "[decision]").await
}

async fn told(dir: &std::path::Path, tell: &str) -> Town {
    let (key, signer) = (dir.join("app.pem"), Signer::new("app"));
    std::fs::write(&key, signer.private_key_pem()).unwrap();
    let told = format!(
        "      host: github.com\n      api: {{url: \"https://github.test\", app: Iv23li, installation: 7, environments: {{production: prod}}}}\n    credentials: {{private_key: {{file: {}}}}}\n    tell: {tell}\n",
        key.display()
    );
    let town = Town::edited("links: []\n", &[("      host: github.com\n", &told)]).await;
    town.github.lock().unwrap().app = Some(signer);
    town
}

impl Town {
    async fn waits_at_rule(&self, repository: &str, run: u64, environment: &str, seed: u8) {
        self.github.lock().unwrap().waiting.push((repository.to_owned(), run.to_string()));
        let callback = format!(
            "https://api.github.com/repos/{repository}/actions/runs/{run}/deployment_protection_rule"
        );
        let body = json!({
            "action": "requested", "environment": environment, "event": "push",
            "deployment_callback_url": callback,
            "deployment": { "id": run, "sha": commit_id(seed).as_str(), "ref": "main", "environment": environment },
            "repository": { "full_name": repository, "html_url": format!("https://github.com/{repository}") },
            "sender": { "id": 7, "login": "chidi-okafor" },
        });
        let id = format!("rule-{run}-{environment}");
        self.world.github("deployment_protection_rule", &id, &body).await;
    }
}

#[tokio::test]
async fn a_run_that_waits_is_told_why_and_answered_when_there_is_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let town = start(dir.path()).await;
    // A job before has brought the evidence for the commit.
    town.world.ask(question("payments", 91, 91)).await;
    town.waits_at_rule("acme/payments", 9001, "prod", 91).await;
    let n = town.world.engine.answer_waiting_runs().await.unwrap();
    town.settle(DAY).await;
    assert_eq!(n, 0, "{:#?}", town.github.lock().unwrap().rules);
    town.settle(DAY).await;
    {
        let github = town.github.lock().unwrap();
        let [(run, report)] = github.rules.as_slice() else { panic!("{:#?}", github.rules) };
        assert_eq!((run.as_str(), report.get("state")), ("9001", None), "a report, no answer");
        assert!(report["comment"].as_str().unwrap().contains("Would pass if"), "{report}");
        assert_eq!(report["environment_name"], "prod");
    }
    town.world
        .engine
        .pull_stop(&town.world.admin, Default::default(), "a drill".into())
        .await
        .unwrap();
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.settle(DAY).await;
    assert_eq!(town.outbox("given_up"), []);
    let github = town.github.lock().unwrap();
    let (_, answer) = github.rules.last().unwrap();
    assert_eq!(answer["state"], "rejected");
    assert!(github.waiting.is_empty());
}

/// Two names over there are one environment here: each is a question that has its own answer.
#[tokio::test]
async fn a_run_that_waits_under_two_names_is_answered_under_both() {
    let dir = tempfile::tempdir().unwrap();
    let town = start(dir.path()).await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
    for name in ["prod", "production"] {
        // The first answer is not told yet when the second question comes.
        town.waits_at_rule("acme/payments", 9003, name, 93).await;
        assert_eq!(engine.answer_waiting_runs().await.unwrap(), 1, "{name}");
        town.world.clock.advance(Duration::from_secs(5));
    }
    town.settle(DAY).await;
    let github = town.github.lock().unwrap();
    let answered: Vec<_> = github
        .rules
        .iter()
        .map(|(_, answer)| (&answer["environment_name"], &answer["state"]))
        .collect();
    assert_eq!(
        answered,
        [(&json!("prod"), &json!("rejected")), (&json!("production"), &json!("rejected"))]
    );
}

#[tokio::test]
async fn where_no_record_is_needed_the_run_goes_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let town = start(dir.path()).await;
    town.waits_at_rule("acme/payments", 9002, "staging", 92).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.settle(DAY).await;
    let github = town.github.lock().unwrap();
    let [(run, answer)] = github.rules.as_slice() else { panic!("{:#?}", github.rules) };
    assert_eq!((run.as_str(), answer["state"].as_str()), ("9002", Some("approved")));
}

#[tokio::test]
async fn what_is_only_shown_does_not_hold_up_the_run_that_waits() {
    // Without the permission for check runs, and where the change is at no commit of GitHub's.
    for (no_checks, repository) in
        [(true, "github.com/acme/payments"), (false, "git.acme.example/acme/payments")]
    {
        let dir = tempfile::tempdir().unwrap();
        let town = start(dir.path()).await;
        town.github.lock().unwrap().no_checks = no_checks;
        let mut asked = question("payments", 97, 97);
        asked.repository = Some(repository.to_owned());
        town.world.ask(asked).await;
        town.waits_at_rule("acme/payments", 9007, "prod", 97).await;
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
        assert_eq!(engine.answer_waiting_runs().await.unwrap(), 1);
        town.settle(Duration::from_secs(3_600)).await;
        let github = town.github.lock().unwrap();
        let answers: Vec<_> =
            github.rules.iter().filter_map(|(_, said)| said["state"].as_str()).collect();
        assert_eq!(answers, ["rejected"], "{repository}");
    }
}

#[tokio::test]
async fn a_repository_of_no_service_is_answered_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let town = start(dir.path()).await;
    town.waits_at_rule("acme/unknown", 9003, "prod", 93).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
    town.settle(DAY).await;
    assert!(town.github.lock().unwrap().rules.is_empty());
}

#[tokio::test]
async fn a_run_is_not_answered_out_of_the_links_scope_nor_after_thirty_days() {
    let dir = tempfile::tempdir().unwrap();
    let tell = "{about: [decision], scope: {environment_tiers: [production]}}";
    let town = told(dir.path(), tell).await;
    town.waits_at_rule("acme/payments", 9004, "staging", 94).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
    town.waits_at_rule("acme/payments", 9005, "prod", 95).await;
    town.world.clock.advance(31 * DAY);
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
    town.settle(DAY).await;
    assert!(town.github.lock().unwrap().rules.is_empty());
}

#[tokio::test]
async fn an_allow_that_could_not_be_told_in_time_lets_nothing_go_and_is_asked_anew() {
    let dir = tempfile::tempdir().unwrap();
    let town = start(dir.path()).await;
    town.net.lie(Lies::always(Lie::Unreachable));
    town.waits_at_rule("acme/payments", 9006, "staging", 96).await;
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1);
    town.settle(Duration::from_secs(1_800)).await;
    // The line is stopped while nobody can be reached.
    town.world
        .engine
        .pull_stop(&town.world.admin, Default::default(), "a drill".into())
        .await
        .unwrap();
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    assert!(town.github.lock().unwrap().rules.is_empty(), "the old answer is not told");
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 1, "it is asked anew");
    town.settle(DAY).await;
    {
        let github = town.github.lock().unwrap();
        let [(run, answer)] = github.rules.as_slice() else { panic!("{:#?}", github.rules) };
        assert_eq!((run.as_str(), answer["state"].as_str()), ("9006", Some("rejected")));
    }
    assert_eq!(town.world.engine.answer_waiting_runs().await.unwrap(), 0);
}
