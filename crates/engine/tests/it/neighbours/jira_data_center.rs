//! A Jira Data Center: issues only, by REST 2, with texts in its own markup.

use std::time::Duration;

use serde_json::json;
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_engine::Delivery;
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Lie, Lies};

use super::jira::status_of;
use super::servicenow::disagreements;
use super::{JIRA, Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The link as the guide has it, with a personal access token.
fn links() -> String {
    let desk = "      service_desk: {id: \"4\", request_type: \"21\"}\n";
    let own = "      product: data_center\n      auth: bearer\n      issue_types: {emergency: Emergency change}\n";
    format!("links:{}", JIRA.replace(desk, own).replace("      user: sluice@acme.example\n", ""))
}

async fn start(links: &str) -> Town {
    let town = Town::with(links).await;
    town.jira.lock().unwrap().data_center = true;
    town
}

#[tokio::test]
async fn a_change_is_one_issue_that_walks_along_to_its_end() {
    let town = start(&links()).await;
    let number = town.deploy("payments", 68).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let jira = town.jira.lock().unwrap();
    let live = jira.live(&format!("sluice-{number}"));
    let [issue] = live.as_slice() else { panic!("{live:#?}") };
    assert_eq!(issue.status(), status_of(town.state_here(number)));
    assert_eq!(issue.fields["issuetype"]["name"], "Emergency change");
    let text = issue.fields["description"].as_str().unwrap();
    assert!(text.contains("Revision: sha256:"), "{text}");
    assert_eq!(issue.links.len(), 1);
    let page = format!("https://sluice.acme.example/changes/{number}");
    assert_eq!(issue.links[0]["object"]["url"], page);
    // Comments are for everybody who sees the issue: there is no desk whose customers would read them.
    assert!(issue.comments.len() >= 2, "{:#?}", issue.comments);
    assert!(issue.comments.iter().all(|one| one.get("properties").is_none()));
    assert!(town.net.seen().into_iter().all(|(_, seen)| {
        seen.path.starts_with("/rest/api/2/")
            && seen.headers["authorization"].starts_with("Bearer secret-of-")
    }));
}

#[tokio::test]
async fn whatever_it_answers_there_is_one_issue_and_both_sides_are_equal() {
    for lie in [Lie::LostAnswer, Lie::DoneAndPage, Lie::Cut, Lie::Twice] {
        for answers in 0..14 {
            let town = start(&links()).await;
            town.jira.lock().unwrap().search_lag_s = 50;
            let number = town.deploy("payments", 69).await;
            town.net.lie(Lies::once_after(answers, lie));
            town.settle(DAY).await;
            assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
            let label = format!("sluice-{number}");
            {
                let jira = town.jira.lock().unwrap();
                let live = jira.live(&label);
                assert_eq!(live.len(), 1, "{lie:?} {answers}");
                assert_eq!(live[0].status(), status_of(town.state_here(number)));
            }
            let (engine, admin) = (&town.world.engine, &town.world.admin);
            let result = engine.reconcile_link(admin, "jira", false).await.unwrap();
            assert_eq!((result.compared, result.equal), (1, 1), "{lie:?} {answers}: {result:#?}");
        }
    }
}

#[tokio::test]
async fn away_for_an_hour_it_loses_nothing() {
    let town = start(&links()).await;
    town.net.lie(Lies::always(Lie::Unreachable));
    let number = town.deploy("payments", 70).await;
    town.settle(Duration::from_secs(3_600)).await;
    assert!(!town.outbox("pending").is_empty());
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let result = engine.reconcile_link(admin, "jira", false).await.unwrap();
    assert_eq!((result.compared, result.equal), (1, 1), "{result:#?}");
    let jira = town.jira.lock().unwrap();
    let live = jira.live(&format!("sluice-{number}"));
    assert_eq!(live[0].status(), status_of(town.state_here(number)));
}

/// What people do there comes by its webhook, and by reading back where it has none.
#[tokio::test]
async fn what_people_do_there_is_heard_in_both_ways() {
    for (authority, by_webhook) in
        [("sluice", true), ("sluice", false), ("jira", true), ("jira", false)]
    {
        let with = format!("      authority: {authority}\n      project: OPS");
        let town = start(&links().replace("      project: OPS", &with)).await;
        let number = town.world.ask(question("payments", 71, 71)).await.change.unwrap();
        town.settle(DAY).await;
        let label = format!("sluice-{number}");
        town.world.clock.advance(Duration::from_secs(60));
        let now = town.world.engine.now();
        town.jira.lock().unwrap().set(&label, "Canceled", now);
        if by_webhook {
            let issue = {
                let jira = town.jira.lock().unwrap();
                let issue = jira.live(&label)[0];
                json!({ "id": issue.id, "key": issue.key, "fields": issue.fields })
            };
            let body = json!({
                "timestamp": now.as_millisecond(), "webhookEvent": "jira:issue_updated",
                "issue_event_type_name": "issue_generic", "user": { "name": "ann", "key": "ann" },
                "issue": issue,
            });
            let bytes = serde_json::to_vec(&body).unwrap();
            let mac = hmac_sha256(&NamedSecrets::of("JIRA_WEBHOOK"), &bytes);
            let signed = format!("sha256={}", data_encoding::HEXLOWER.encode(&mac));
            let delivery = Delivery::of_body(bytes, now)
                .with_header("content-type", "application/json")
                .with_header("x-atlassian-webhook-identifier", "dc-1")
                .with_header("x-hub-signature", &signed);
            town.world.hear("jira", delivery).await;
        } else {
            town.world.engine.poll_by(&link("jira")).await.unwrap();
        }
        // Where Jira has a say the change is canceled; else both sides differ, and that is recorded.
        let is_over = town.state_here(number).is_over();
        assert_eq!(is_over, authority == "jira", "{authority} {by_webhook}");
        let differs = if is_over { vec![] } else { vec!["state".to_owned()] };
        assert_eq!(disagreements(&town), differs, "{authority} {by_webhook}");
    }
}

#[tokio::test]
async fn a_trial_names_what_the_account_lacks_and_the_settings_what_a_data_center_has_not() {
    let town = start(&links()).await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let trial = engine.test_link(admin, "jira").await.unwrap();
    assert!(trial.ok, "{trial:?}");
    town.jira.lock().unwrap().lacks = vec!["TRANSITION_ISSUES"];
    let trial = engine.test_link(admin, "jira").await.unwrap();
    assert_eq!((trial.ok, trial.reason), (false, Some("auth")));
    // A desk's requests are made in the cloud only.
    let jira = sluice_connectors::find_teller("jira").unwrap();
    let mut settings: serde_json::Value = serde_json::from_str(jira.example()).unwrap();
    settings["product"] = json!("data_center");
    let problems = jira.configure(&settings).err().unwrap();
    assert!(problems.iter().any(|problem| problem.path == "/service_desk"), "{problems:?}");
}

/// Its own tokens, for an application that is registered there.
#[tokio::test]
async fn an_application_gets_its_token_there() {
    let links = links().replace("auth: bearer", "auth: oauth\n      client_id: ours");
    let town = start(&links.replace("api_token: {env", "client_secret: {env")).await;
    town.deploy("payments", 72).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let seen = town.net.seen();
    let asked: Vec<_> = seen.iter().filter(|(_, seen)| seen.path.contains("token")).collect();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|(_, seen)| seen.path == "/rest/oauth2/latest/token"));
    assert_eq!(town.jira.lock().unwrap().issues.len(), 1);
}
