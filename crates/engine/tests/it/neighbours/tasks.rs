//! Incidents, problems and configuration items at ServiceNow: one record for each of ours, whoever alters it.

use std::collections::BTreeSet;
use std::time::Duration;

use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::ids::{IncidentNumber, ProblemNumber, ServiceName};
use sluice_core::incident::{Incident, IncidentState, Resolution};
use sluice_core::problem::{self, Problem, ProblemState};
use sluice_engine::{Delivery, IncidentStep, ProblemStep};
use sluice_testkit::NamedSecrets;
use sluice_testkit::neighbours::{Lie, Lies};

use super::servicenow::differing;
use super::{Town, link};
use crate::world::question;

const DAY: Duration = Duration::from_secs(24 * 3_600);
pub(super) const INC: &str = "sluice-INC0000001";
pub(super) const PRB: &str = "sluice-PRB0000001";

/// The one link of these tests, with who has the last word.
pub(super) fn links(authority: &str) -> String {
    format!(
        r#"
links:
  - name: servicenow
    connector: servicenow
    credentials: {{password: {{env: SNOW}}}}
    tell: [change, decision, incident, problem, item]
    settings:
      url: https://servicenow.test
      user: sluice
      per_minute: 6000
      incident_fields: {{caller_id: 681ccaf9c0a8016400b98a06818d57c7}}
      attach_decisions: true
      read_conflicts: true
      authority: {{changes: native, incidents: {authority}, problems: {authority}, items: native}}
"#
    )
}

impl Town {
    pub(super) fn incident(&self, number: u64) -> Incident {
        let row = self.world.engine.readers().incident(number).unwrap().unwrap();
        serde_json::from_str(&row.body).unwrap()
    }

    pub(super) fn problem(&self, number: u64) -> Problem {
        let row = self.world.engine.readers().problem(number).unwrap().unwrap();
        serde_json::from_str(&row.body).unwrap()
    }

    pub(super) async fn fail(&self, seed: u8) {
        let report = serde_json::json!({ "state": "failed" });
        self.end_as(question("payments", seed, u32::from(seed)), seed, report).await;
    }

    pub(super) async fn open_problem(&self, incident: u64) -> ProblemNumber {
        let opening = problem::Opening {
            title: "the pool is too small".into(),
            services: BTreeSet::from([ServiceName::parse("payments").unwrap()]),
            incidents: [IncidentNumber(incident)].into(),
            ..problem::Opening::default()
        };
        self.world.engine.open_problem(&self.world.admin, opening).await.unwrap().value
    }

    pub(super) async fn step(&self, number: u64, step: IncidentStep) {
        let note = "by hand".to_owned();
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        engine.advance_incident(admin, IncidentNumber(number), step, note).await.unwrap();
    }

    pub(super) fn there(&self, table: &str, correlation: &str, field: &str) -> String {
        let servicenow = self.servicenow.lock().unwrap();
        let live = servicenow.tasks.live(table, correlation);
        assert_eq!(live.len(), 1, "{table} {correlation}");
        live[0].field(field).to_owned()
    }

    /// What a service is over there.
    pub(super) fn item(&self, service: &str) -> String {
        let servicenow = self.servicenow.lock().unwrap();
        let mut items = servicenow.tasks.items.iter();
        items.find(|item| item.field("name") == service).unwrap().field("sys_id").to_owned()
    }

    pub(super) fn edit(&self, table: &str, correlation: &str, fields: &[(&str, &str)]) {
        let now = self.world.engine.now();
        self.servicenow.lock().unwrap().tasks.edit(table, correlation, fields, now);
    }

    pub(super) async fn look_there(&self) {
        self.world.clock.advance(Duration::from_secs(31));
        self.world.engine.poll_by(&link("servicenow")).await.unwrap();
    }

    pub(super) fn disagreements(&self) -> Vec<(String, String, String)> {
        let told = differing(self).into_iter();
        told.map(|it| (it.entity, it.ours, it.theirs)).collect()
    }
}

#[tokio::test]
async fn an_incident_of_a_failed_deployment_is_told_with_its_change_and_item_and_is_resolved() {
    let town = Town::with(&links("mirrored")).await;
    town.fail(1).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    assert_eq!(town.there("incident", INC, "state"), "1");
    let item = town.item("payments");
    let change = town.servicenow.lock().unwrap().changes[0].clone();
    assert_eq!(town.there("incident", INC, "caused_by"), change.field("sys_id"));
    assert_eq!(town.there("incident", INC, "cmdb_ci"), item);
    assert_eq!(change.field("cmdb_ci"), item);
    assert_eq!(town.there("incident", INC, "caller_id"), "681ccaf9c0a8016400b98a06818d57c7");
    // Every service is an item, once.
    let services = town.world.engine.standing().organisation.services.len();
    assert_eq!(town.servicenow.lock().unwrap().tasks.items.len(), services);
    town.deploy("payments", 2).await;
    town.settle(DAY).await;
    assert_eq!(town.incident(1).state, IncidentState::Resolved);
    assert_eq!(town.there("incident", INC, "state"), "6");
    assert_eq!(town.there("incident", INC, "close_notes"), "DEP0000002 succeeded");
    assert_eq!(town.there("incident", INC, "close_code"), "Solution provided");
    town.look_there().await;
    assert_eq!(town.disagreements(), []);
}

#[tokio::test]
async fn a_problem_walks_its_states_and_its_incidents_name_it() {
    let town = Town::with(&links("native")).await;
    town.fail(1).await;
    town.settle(DAY).await;
    let number = town.open_problem(1).await;
    town.settle(DAY).await;
    let there = town.servicenow.lock().unwrap().tasks.problems[0].field("sys_id").to_owned();
    assert_eq!(town.there("incident", INC, "problem_id"), there);
    assert_eq!(town.there("problem", PRB, "state"), "101");
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    for (step, state) in
        [(ProblemStep::Move(ProblemState::KnownError), "103"), (ProblemStep::Resolve, "106")]
    {
        engine.advance_problem(admin, number, step, "a larger pool".into()).await.unwrap();
        town.settle(DAY).await;
        assert_eq!(town.there("problem", PRB, "state"), state);
    }
    assert_eq!(town.there("problem", PRB, "fix_notes"), "a larger pool");
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
}

#[tokio::test]
async fn what_is_done_by_hand_over_there_counts_by_who_has_the_authority() {
    for (authority, state, differs) in [
        ("native", IncidentState::New, true),
        ("mirrored", IncidentState::OnHold, false),
        ("foreign", IncidentState::OnHold, false),
    ] {
        let town = Town::with(&links(authority)).await;
        town.fail(1).await;
        town.settle(DAY).await;
        town.look_there().await;
        town.edit("incident", INC, &[("state", "3")]);
        town.look_there().await;
        assert_eq!(town.incident(1).state, state, "{authority}");
        assert_eq!(!town.disagreements().is_empty(), differs, "{authority}");
        // What was taken over is not told back as something else, and is said once.
        town.settle(DAY).await;
        town.look_there().await;
        assert_eq!(town.there("incident", INC, "state"), "3", "{authority}");
        let count = town.disagreements().len();
        town.look_there().await;
        assert_eq!(town.disagreements().len(), count);
    }
}

#[tokio::test]
async fn where_both_sides_altered_an_incident_nobody_overwrites_the_other() {
    let town = Town::with(&links("mirrored")).await;
    town.fail(1).await;
    town.settle(DAY).await;
    // Here it is resolved while over there somebody puts it on hold.
    town.edit("incident", INC, &[("state", "3")]);
    town.step(1, IncidentStep::Resolve(Resolution::Fixed)).await;
    town.settle(DAY).await;
    assert_eq!(town.there("incident", INC, "state"), "3");
    assert_eq!(town.incident(1).state, IncidentState::Resolved);
    let differs = ("INC0000001".to_owned(), "resolved".to_owned(), "on_hold".to_owned());
    assert_eq!(town.disagreements(), [differs]);
    // The other way round: the reading comes first.
    let town = Town::with(&links("mirrored")).await;
    town.fail(1).await;
    town.settle(DAY).await;
    town.edit("incident", INC, &[("state", "3")]);
    town.step(1, IncidentStep::Move(IncidentState::InProgress)).await;
    town.look_there().await;
    assert_eq!(town.incident(1).state, IncidentState::InProgress);
    let differs = ("INC0000001".to_owned(), "in_progress".to_owned(), "on_hold".to_owned());
    assert_eq!(town.disagreements(), [differs]);
}

#[tokio::test]
async fn what_they_do_twice_before_they_are_told_is_followed_twice() {
    let town = Town::with(&links("mirrored")).await;
    town.fail(1).await;
    town.settle(DAY).await;
    for (theirs, ours) in [("2", IncidentState::InProgress), ("3", IncidentState::OnHold)] {
        town.edit("incident", INC, &[("state", theirs)]);
        town.look_there().await;
        assert_eq!(town.incident(1).state, ours);
    }
    // The first of both is told when theirs is further already: it does not bring it back.
    town.settle(DAY).await;
    let moved = town.net.seen().into_iter().filter(|(_, seen)| seen.method == "PATCH");
    let moved = moved.filter(|(_, seen)| seen.json().get("state").is_some());
    let moved: Vec<_> = moved.filter(|(_, seen)| seen.path.contains("/incident/")).collect();
    assert!(moved.is_empty(), "{moved:?}");
    assert_eq!(town.there("incident", INC, "state"), "3");
    // What is done here after that is told as ever.
    town.step(1, IncidentStep::Move(IncidentState::InProgress)).await;
    town.settle(DAY).await;
    assert_eq!(town.there("incident", INC, "state"), "2");
    assert_eq!(town.disagreements(), []);
    // Where they are told of no incident at all, nobody says how both were left.
    let town = Town::with(&links("mirrored").replace("decision, incident,", "decision,")).await;
    town.settle(DAY).await;
    let (now, item) = (town.world.engine.now(), town.item("docs"));
    let fields = [("short_description", "search gives nothing"), ("cmdb_ci", item.as_str())];
    town.servicenow.lock().unwrap().tasks.open("incident", &fields, now);
    town.look_there().await;
    for (theirs, ours) in [
        ("2", IncidentState::InProgress),
        ("3", IncidentState::OnHold),
        ("6", IncidentState::Resolved),
    ] {
        town.edit("incident", "", &[("state", theirs)]);
        town.look_there().await;
        assert_eq!(town.incident(1).state, ours);
    }
    assert_eq!(town.disagreements(), []);
}

#[tokio::test]
async fn a_delivery_that_comes_late_sets_nothing_back() {
    let secret = "secrets: [{env: RULE}]\n    credentials: {password";
    let town = Town::with(&links("mirrored").replace("credentials: {password", secret)).await;
    town.fail(1).await;
    town.settle(DAY).await;
    let row = || {
        let servicenow = town.servicenow.lock().unwrap();
        serde_json::json!(servicenow.tasks.live("incident", INC)[0].fields)
    };
    town.world.clock.advance(Duration::from_secs(5));
    town.edit("incident", INC, &[("state", "2")]);
    let late = row();
    town.world.clock.advance(Duration::from_secs(5));
    town.edit("incident", INC, &[("state", "3")]);
    let soon = row();
    town.look_there().await;
    assert_eq!(town.incident(1).state, IncidentState::OnHold);
    for (id, record) in [("1-1", late.clone()), ("1-2", soon), ("1-3", late)] {
        let body = serde_json::json!({ "table": "incident", "record": record });
        let bytes = serde_json::to_vec(&body).unwrap();
        let mac = hmac_sha256(&NamedSecrets::of("RULE"), &bytes);
        let mac = format!("sha256={}", data_encoding::BASE64.encode(&mac));
        let delivery = Delivery::of_body(bytes, town.world.engine.now())
            .with_header("x-sluice-delivery", id)
            .with_header("x-sluice-signature", &mac);
        town.world.hear("servicenow", delivery).await;
        assert_eq!(town.incident(1).state, IncidentState::OnHold, "{id}");
    }
    town.settle(DAY).await;
    assert_eq!(town.there("incident", INC, "state"), "3");
    assert_eq!(town.disagreements(), []);
}

#[tokio::test]
async fn what_they_open_without_a_title_is_opened_under_their_number() {
    for title in ["", "   ", "\u{7}\u{1b}"] {
        let town = Town::with(&links("foreign")).await;
        town.settle(DAY).await;
        let (now, item) = (town.world.engine.now(), town.item("docs"));
        let fields = [("short_description", title), ("cmdb_ci", item.as_str())];
        for table in ["incident", "problem"] {
            town.servicenow.lock().unwrap().tasks.open(table, &fields, now);
        }
        town.look_there().await;
        let number = |table| town.there(table, "", "number");
        assert_eq!(town.incident(1).title, format!("{} in servicenow", number("incident")));
        assert_eq!(town.problem(1).title, format!("{} in servicenow", number("problem")));
    }
}

#[tokio::test]
async fn what_they_open_on_a_service_of_ours_is_opened_here_once_and_followed() {
    let town = Town::with(&links("foreign")).await;
    town.settle(DAY).await;
    let (now, item) = (town.world.engine.now(), town.item("docs"));
    {
        let mut servicenow = town.servicenow.lock().unwrap();
        let fields = [("short_description", "search gives nothing"), ("cmdb_ci", item.as_str())];
        servicenow.tasks.open("incident", &fields, now);
        servicenow.tasks.open("problem", &fields, now);
        // One that concerns nothing of ours.
        servicenow.tasks.open("incident", &[("short_description", "printer")], now);
    }
    for _ in 0..3 {
        town.look_there().await;
        town.settle(DAY).await;
    }
    assert_eq!(town.world.engine.standing().incidents_counted, 1);
    assert_eq!(town.world.engine.standing().problems_counted, 1);
    let opened = town.incident(1);
    assert_eq!(opened.title, "search gives nothing");
    assert_eq!(opened.services, BTreeSet::from([ServiceName::parse("docs").unwrap()]));
    assert_eq!(town.problem(1).state, ProblemState::New);
    // Nothing was made in its place over there.
    assert_eq!(town.servicenow.lock().unwrap().tasks.incidents.len(), 2);
    let now = town.world.engine.now();
    town.servicenow.lock().unwrap().tasks.edit("incident", "", &[("state", "6")], now);
    town.look_there().await;
    assert_eq!(town.incident(1).state, IncidentState::Resolved);
    let now = town.world.engine.now();
    town.servicenow.lock().unwrap().tasks.edit("incident", "", &[("urgency", "1")], now);
    town.look_there().await;
    assert_eq!(town.world.engine.standing().incidents_counted, 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_incident_problem_or_item() {
    for lie in [Lie::LostAnswer, Lie::DoneAndBroken, Lie::DoneAndPage, Lie::Cut] {
        let town = Town::with(&links("mirrored")).await;
        town.servicenow.lock().unwrap().search_lag_s = 60;
        town.fail(1).await;
        town.open_problem(1).await;
        town.net.lie(Lies::always(lie));
        town.world.engine.deliver().await.unwrap();
        town.net.lie(Lies::none());
        town.settle(DAY).await;
        assert_eq!(town.outbox("given_up"), [], "{lie:?}");
        assert_eq!(town.outbox("pending"), [], "{lie:?}");
        let services = town.world.engine.standing().organisation.services.len();
        let servicenow = town.servicenow.lock().unwrap();
        let tasks = &servicenow.tasks;
        let made = (tasks.incidents.len(), tasks.problems.len(), tasks.items.len());
        assert_eq!(made, (1, 1, services), "{lie:?}");
    }
}

#[tokio::test]
async fn a_decision_is_attached_once_and_conflicts_are_read_by_their_list() {
    let town = Town::with(&links("native")).await;
    town.settle(DAY).await;
    town.net.lie(Lies::always(Lie::LostAnswer));
    let number = town.deploy("payments", 1).await;
    town.world.engine.deliver().await.unwrap();
    town.net.lie(Lies::none());
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    {
        let servicenow = town.servicenow.lock().unwrap();
        let files = &servicenow.tasks.attachments;
        let names: BTreeSet<&str> = files.iter().map(|file| file.field("file_name")).collect();
        assert_eq!(names.len(), files.len(), "{names:?}");
        assert!(!files.is_empty());
        let file: serde_json::Value = serde_json::from_str(files[0].field("content")).unwrap();
        assert_eq!(file["change"], number.to_string());
        assert!(file["evidence"].is_array() && file["input"].is_string(), "{file:#}");
        assert_eq!(files[0].field("table_sys_id"), servicenow.changes[0].field("sys_id"));
    }
    // Before it goes a change is scanned: its list says what was found, the word for the whole says nothing.
    for (seed, found, told) in [
        (2, vec![], "none"),
        (3, vec!["blackout", "assigned_to", "blackout"], "3: assigned_to, blackout"),
    ] {
        let asked = question("payments", seed, u32::from(seed));
        let number = town.world.ask(asked.clone()).await.change.unwrap();
        town.settle(DAY).await;
        {
            let mut servicenow = town.servicenow.lock().unwrap();
            let live = servicenow.live(&format!("sluice-{number}"));
            let id = live[0].field("sys_id").to_owned();
            let found = found.into_iter().map(str::to_owned).collect();
            servicenow.tasks.conflicts.insert(id, found);
        }
        town.world.clock.advance(Duration::from_secs(60));
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        engine.pull_stop(admin, Default::default(), "a drill".into()).await.unwrap();
        town.world.ask(asked).await;
        town.settle(DAY).await;
        let known = engine.readers().external_refs("servicenow", &number.to_string()).unwrap();
        let known = known.iter().find(|known| known.name == "conflicts");
        assert_eq!(known.map(|known| known.value.as_str()), Some(told), "{number}");
    }
}

#[tokio::test]
async fn a_file_that_is_refused_holds_up_nothing_and_is_a_difference() {
    let town = Town::with(&links("native")).await;
    town.servicenow.lock().unwrap().tasks.refuses_files = true;
    let number = town.deploy("payments", 1).await;
    town.settle(DAY).await;
    assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    let ours = i64::from(town.state_here(number).servicenow()).to_string();
    assert_eq!(town.state_there(number), Some(ours));
    let servicenow = town.servicenow.lock().unwrap();
    assert!(servicenow.tasks.attachments.is_empty());
    let of_us =
        servicenow.journal.iter().filter(|(id, _)| id == servicenow.changes[0].field("sys_id"));
    assert!(of_us.count() > 1, "{:#?}", servicenow.journal);
    drop(servicenow);
    let refused = differing(&town).into_iter().filter(|it| it.about == "attachment");
    assert!(refused.clone().count() > 0 && refused.clone().all(|it| it.theirs == "refused"));
}

#[tokio::test]
async fn both_sides_of_incidents_problems_and_items_are_proved_equal_or_what_differs_is_named() {
    let town = Town::with(&links("mirrored")).await;
    town.fail(1).await;
    town.open_problem(1).await;
    town.settle(DAY).await;
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let result = engine.reconcile_link(admin, "servicenow", true).await.unwrap();
    let services = engine.standing().organisation.services.len() as u64;
    assert_eq!((result.compared, result.equal), (services + 3, services + 3), "{result:#?}");
    town.edit("incident", INC, &[("state", "7")]);
    town.servicenow.lock().unwrap().tasks.items.remove(0);
    let result = engine.reconcile_link(admin, "servicenow", false).await.unwrap();
    let mut about: Vec<(&str, &str)> =
        result.differing.iter().map(|one| (one.about.as_str(), one.theirs.as_str())).collect();
    about.sort_unstable();
    assert_eq!(about, [("record", "no item of this name"), ("state", "closed")], "{result:#?}");
}

/// Between our look and our step somebody over there takes the incident on: nobody saw it, and nobody may think that it
/// was not so.
#[tokio::test]
async fn what_is_altered_between_our_look_and_our_step_is_recorded() {
    for (authority, meanwhile, recorded) in
        [("mirrored", true, true), ("native", true, true), ("mirrored", false, false)]
    {
        let town = Town::with(&links(authority)).await;
        town.fail(1).await;
        town.settle(DAY).await;
        if meanwhile {
            let mut servicenow = town.servicenow.lock().unwrap();
            servicenow.tasks.meanwhile = vec![("state", "3"), ("assigned_to", "beth")];
        }
        town.step(1, IncidentStep::Resolve(Resolution::Recovered)).await;
        town.settle(DAY).await;
        assert_eq!(town.there("incident", INC, "state"), "6");
        let told: Vec<String> = town.disagreements().into_iter().map(|it| it.2).collect();
        let expected: Vec<String> =
            recorded.then(|| "altered at the same time".to_owned()).into_iter().collect();
        assert_eq!(told, expected, "{authority} {meanwhile}");
        assert_eq!((town.outbox("pending"), town.outbox("given_up")), (vec![], vec![]));
    }
}
