//! Deployments in Jira: told with their state, gated over there and decided here.

use std::time::Duration;

use serde_json::json;
use sluice_core::ids::ServiceName;
use sluice_testkit::neighbours::{Lie, Lies};

use super::Town;
use super::servicenow::differing;
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(super) const LINK: &str = r#"
links:
  - name: deployments
    connector: jira_deployments
    credentials: {client_secret: {env: JIRA_DEPLOYMENTS}}
    tell: [change, decision, deployment]
    settings:
      url: https://atlassian.test
      site: https://jira.test
      cloud_id: c1
      client_id: ours
      services: {payments: "b:1", ledger: "b:2"}
      gating: true
      per_minute: 2000
"#;

impl Town {
    pub(super) fn states(&self) -> Vec<String> {
        let jira = self.jira_deployments.lock().unwrap();
        jira.states.iter().map(|(service, state)| format!("{service} {state}")).collect()
    }

    fn gatings(&self) -> Vec<String> {
        let differs = differing(self).into_iter();
        differs.map(|it| format!("{} {} {}", it.about, it.ours, it.theirs)).collect()
    }

    fn all_told(&self) {
        assert_eq!((self.outbox("pending"), self.outbox("given_up")), (vec![], vec![]));
    }
}

#[tokio::test]
async fn each_deployment_is_told_with_its_state_until_it_is_over() {
    let town = Town::with(LINK).await;
    town.jira_deployments.lock().unwrap().says = Some("allowed");
    let number = town.deploy("payments", 11).await;
    town.settle(DAY).await;
    town.all_told();
    assert_eq!(town.states(), ["payments pending", "payments in_progress", "payments successful"]);
    {
        let jira = town.jira_deployments.lock().unwrap();
        let [deployment] = jira.deployments.values().collect::<Vec<_>>()[..] else {
            panic!("{:#?}", jira.deployments)
        };
        assert_eq!(deployment["environment"]["type"], "production");
        assert_eq!(deployment["associations"][0]["values"], json!(["b:1"]));
        assert_eq!(deployment["label"], number.to_string());
    }
    assert_eq!(town.gatings(), Vec::<String>::new());
    let known = town.world.engine.readers().external_refs("deployments", &number.to_string());
    let known = known.unwrap();
    assert!(known.iter().any(|it| it.name == "gating_issue" && it.value == "GATE-1"), "{known:?}");
    // Another one fails.
    town.end_as(question("ledger", 12, 12), 12, json!({ "state": "failed" })).await;
    town.settle(DAY).await;
    assert_eq!(town.states().last().unwrap(), "ledger failed");
    // Of a service without an id over there nothing is told.
    town.deploy("web-shop", 13).await;
    town.settle(DAY).await;
    town.all_told();
    assert!(!town.states().iter().any(|state| state.contains("web-shop")));
}

#[tokio::test]
async fn a_decision_is_told_of_every_service_of_the_change_and_the_gating_read_for_each() {
    let town = Town::with(LINK).await;
    town.jira_deployments.lock().unwrap().says = Some("allowed");
    let mut asked = question("payments", 14, 14);
    asked.services = ["payments", "ledger"].map(|name| ServiceName::parse(name).unwrap()).into();
    let number = town.world.ask(asked).await.change.unwrap();
    town.settle(DAY).await;
    town.all_told();
    let mut states = town.states();
    states.sort();
    assert_eq!(states, ["ledger pending", "payments pending"]);
    let known = town.world.engine.readers().external_refs("deployments", &number.to_string());
    let issue = known.unwrap().into_iter().find(|it| it.name == "gating_issue").unwrap().value;
    assert!(issue.contains("GATE-1") && issue.contains("GATE-2"), "{issue}");
}

#[tokio::test]
async fn what_their_gating_says_holds_up_nothing_and_is_recorded_where_it_differs() {
    for says in ["prevented", "awaiting"] {
        let town = Town::with(LINK).await;
        town.jira_deployments.lock().unwrap().says = Some(says);
        town.deploy("payments", 14).await;
        town.settle(DAY).await;
        town.all_told();
        assert_eq!(town.states().last().unwrap(), "payments successful");
        assert_eq!(town.gatings(), [format!("gating in_progress {says}")]);
    }
}

#[tokio::test]
async fn a_service_that_they_do_not_know_is_a_difference() {
    let town = Town::with(LINK).await;
    town.jira_deployments.lock().unwrap().says = Some("allowed");
    town.jira_deployments.lock().unwrap().services = vec!["b:7".to_owned()];
    town.deploy("payments", 15).await;
    town.settle(DAY).await;
    town.all_told();
    assert_eq!(town.gatings(), ["service payments unknown"]);
}

/// Of a deployment that is not there and a site that is not ours, the API says the same.
#[tokio::test]
async fn a_trial_finds_out_that_the_id_is_of_another_site() {
    for (cloud, goes) in [("c1", true), ("C1", true), ("c2", false)] {
        let town = Town::with(&LINK.replace("cloud_id: c1", &format!("cloud_id: {cloud}"))).await;
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        let trial = engine.test_link(admin, "deployments").await.unwrap();
        assert_eq!(trial.ok, goes, "{cloud}: {trial:?}");
        assert_eq!(trial.detail.contains("`/_edge/tenant_info` of `site`"), !goes, "{trial:?}");
        // The site is asked as everybody may ask it.
        let seen = town.net.seen();
        let asked = seen.iter().filter(|(host, _)| host == "jira.test");
        assert!(asked.clone().count() == 1, "{seen:?}");
        assert!(asked.clone().all(|(_, seen)| !seen.headers.contains_key("authorization")));
    }
}

#[tokio::test]
async fn whatever_they_answer_each_state_is_told_once_and_in_its_order() {
    let lies = [
        Lie::LostAnswer,
        Lie::DoneAndPage,
        Lie::Page,
        Lie::Broken,
        Lie::Empty,
        Lie::Cut,
        Lie::Twice,
    ];
    for lie in lies {
        for answers in 0..7 {
            let town = Town::with(LINK).await;
            town.jira_deployments.lock().unwrap().says = Some("allowed");
            town.net.lie(Lies::once_after(answers, lie));
            town.deploy("payments", 16).await;
            town.settle(DAY).await;
            town.all_told();
            let wanted = ["payments pending", "payments in_progress", "payments successful"];
            assert_eq!(town.states(), wanted, "{lie:?} {answers}");
        }
    }
}
