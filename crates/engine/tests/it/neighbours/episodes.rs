//! Neighbours that lie by a seed. Whatever they do: nothing is lost, at most one object lives for each change, and
//! when they are well again both sides are equal.

use std::time::Duration;

use sluice_core::event::Event;
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{ChangeNumber, IncidentNumber};
use sluice_core::incident::{IncidentState, Resolution};
use sluice_core::problem::ProblemState;
use sluice_engine::envelope::Envelope;
use sluice_engine::{IncidentStep, ProblemStep};
use sluice_testkit::SeededRng;
use sluice_testkit::neighbours::Lies;

use super::gitlab::TOLD;
use super::jira_deployments::LINK;
use super::servicenow::differing;
use super::tasks::PRB;
use super::{JIRA, LINKS, Town};
use crate::world::{commit_id, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test]
async fn whatever_neighbours_do_both_sides_are_equal_in_the_end() {
    for seed in 0..16 {
        episode(seed).await;
    }
}

#[tokio::test]
#[ignore = "an hour of episodes; for the nightly run, with --release"]
async fn ten_thousand_episodes_end_with_both_sides_equal() {
    for seed in seeds() {
        episode(seed).await;
        println!("seed {seed}: both sides are equal");
    }
}

/// All ten thousand, or the part of them that `SLUICE_EPISODES=from..to` names.
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("SLUICE_EPISODES") else { return 0..10_000 };
    let part =
        text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    part.unwrap_or_else(|| panic!("SLUICE_EPISODES is `from..to`, not `{text}`"))
}

/// Everything is told: ServiceNow keeps every kind of record, Jira has the deployments too, and GitLab asks a check.
fn links(rng: &SeededRng) -> String {
    let authority = if rng.number().is_multiple_of(2) { "native" } else { "mirrored" };
    let more = format!(
        "      attach_decisions: true\n      read_conflicts: true\n      incident_fields: {{caller_id: 681ccaf9c0a8016400b98a06818d57c7}}\n      \
         authority: {{changes: native, incidents: {authority}, problems: {authority}, items: native}}\n      standard_template:"
    );
    let told = "tell: [change, approval, decision, deployment, incident, problem, item]";
    let links = LINKS.replacen("tell: [change, approval, decision, deployment]", told, 1).replacen(
        "      standard_template:",
        &more,
        1,
    );
    let deployments = LINK.split_once("links:\n").map_or("", |(_, rest)| rest);
    format!("{links}{JIRA}{deployments}")
}

/// What comes of an episode.
struct Episode {
    seed: u64,
    rng: SeededRng,
    town: Town,
    numbers: Vec<ChangeNumber>,
    /// The incident of the change that failed. Links that cannot be told open others.
    incident: u64,
}

async fn episode(seed: u64) {
    let rng = SeededRng::new(seed);
    let checks = TOLD.1.replace("per_minute: 2000", "per_minute: 2000, status_checks: production");
    let town = Town::edited(&links(&rng), &[(TOLD.0, &checks)]).await;
    town.servicenow.lock().unwrap().search_lag_s = i64::try_from(rng.number() % 61).unwrap();
    town.jira.lock().unwrap().search_lag_s = i64::try_from(rng.number() % 61).unwrap();
    town.jira_deployments.lock().unwrap().says = Some("allowed");
    let mut episode = Episode { seed, rng, town, numbers: Vec::new(), incident: 0 };
    episode.happens().await;
    episode.heals().await;
    episode.is_equal();
}

impl Episode {
    /// Changes through their lives, an incident and its problem, a check: among neighbours that lie.
    async fn happens(&mut self) {
        let (town, rng) = (&self.town, &self.rng);
        town.net.lie(Lies::seeded(self.seed, 100 + rng.number() % 500));
        let fails = rng.number() % 3;
        for (index, service) in (0..).zip(["payments", "ledger", "web-shop"]) {
            let commit = 60 + index;
            let asked = match service {
                "ledger" => town.held_up(commit).await,
                _ => question(service, commit, u32::from(commit)),
            };
            let state = if u64::from(index) == fails { "failed" } else { "succeeded" };
            let report = serde_json::json!({ "state": state, "health": "healthy" });
            self.numbers.push(town.end_as(asked, commit, report).await);
            self.passes(1_200).await;
            if index == 1 {
                town.proposed(commit).await;
            }
        }
        let counted = town.world.engine.standing().incidents_counted;
        let of_change = |number: &u64| town.incident(*number).change.is_some();
        self.incident = (1..=counted).find(of_change).unwrap();
        town.step(self.incident, IncidentStep::Move(IncidentState::InProgress)).await;
        let problem = town.open_problem(self.incident).await;
        self.passes(600).await;
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        let step = ProblemStep::Move(ProblemState::FixInProgress);
        engine.advance_problem(admin, problem, step, "a larger pool".into()).await.unwrap();
        town.step(self.incident, IncidentStep::Move(IncidentState::OnHold)).await;
        self.passes(600).await;
        let next = match rng.number() % 3 {
            0 => IncidentStep::Resolve(Resolution::Fixed),
            1 => IncidentStep::Move(IncidentState::InProgress),
            _ => IncidentStep::Move(IncidentState::Acknowledged),
        };
        town.step(self.incident, next).await;
        self.passes(3_600).await;
        town.settle(Duration::from_secs(3_600 + rng.number() % 7_200)).await;
    }

    /// Some time passes, in which everybody is told, read back and answered.
    async fn passes(&self, most_s: u64) {
        let engine = &self.town.world.engine;
        self.town.settle(Duration::from_secs(self.rng.number() % most_s)).await;
        for link in ["servicenow", "jira"] {
            engine.poll_by(&super::link(link)).await.unwrap();
        }
        engine.answer_checks().await.unwrap();
    }

    /// They are well again.
    async fn heals(&self) {
        let (town, seed) = (&self.town, self.seed);
        town.net.lie(Lies::none());
        for link in ["servicenow", "slack", "github-told", "jira", "gitlab", "deployments"] {
            let _ = town.world.engine.replay_link(&town.world.admin, link, None).await;
        }
        town.settle(3 * DAY).await;
        for link in ["servicenow", "jira"] {
            town.world.engine.poll_by(&super::link(link)).await.unwrap();
        }
        town.world.engine.answer_checks().await.unwrap();
        town.settle(DAY).await;
        for state in ["given_up", "pending"] {
            assert_eq!(town.outbox(state), [], "seed {seed}: something is {state}");
        }
        assert_eq!(differing(town), [], "seed {seed}: nobody has altered anything by hand");
        for link in ["servicenow", "jira"] {
            let (engine, admin) = (&town.world.engine, &town.world.admin);
            let result = engine.reconcile_link(admin, link, false).await.unwrap();
            assert_eq!(result.differing, [], "seed {seed}: {link}");
        }
    }

    fn is_equal(&self) {
        self.has_changes();
        self.has_tasks();
        self.has_files();
        self.forges_say_it();
    }

    fn has_changes(&self) {
        let Self { seed, town, .. } = self;
        let servicenow = town.servicenow.lock().unwrap();
        let jira = town.jira.lock().unwrap();
        for number in &self.numbers {
            let live = servicenow.live(&format!("sluice-{number}"));
            assert_eq!(live.len(), 1, "seed {seed}: {number} has {} live records", live.len());
            let ours = i64::from(town.state_here(*number).servicenow()).to_string();
            assert_eq!(live[0].field("state"), ours, "seed {seed}: {number}");
            let live = jira.live(&format!("sluice-{number}"));
            assert_eq!(live.len(), 1, "seed {seed}: {number} has {} live issues", live.len());
            let status = super::jira::status_of(town.state_here(*number));
            assert_eq!(live[0].status(), status, "seed {seed}: {number}");
        }
    }

    /// One live record for each incident, problem and service, in the state that ours is in.
    fn has_tasks(&self) {
        let Self { seed, town, .. } = self;
        for number in 1..=town.world.engine.standing().incidents_counted {
            let ours = town.incident(number);
            // Who cannot be told is not told of that.
            if ours.source.as_deref() == Some("sluice:link/servicenow") {
                continue;
            }
            let state = match ours.state {
                IncidentState::New => "1",
                IncidentState::Acknowledged | IncidentState::InProgress => "2",
                IncidentState::OnHold => "3",
                IncidentState::Resolved => "6",
            };
            let correlation = format!("sluice-{}", IncidentNumber(number));
            let there = town.there("incident", &correlation, "state");
            assert_eq!(there, state, "seed {seed}: {correlation}");
        }
        assert_eq!(town.there("problem", PRB, "state"), "104", "seed {seed}");
        let problem = town.there("problem", PRB, "sys_id");
        let incident = format!("sluice-{}", IncidentNumber(self.incident));
        assert_eq!(town.there("incident", &incident, "problem_id"), problem, "seed {seed}");
        let servicenow = town.servicenow.lock().unwrap();
        let change = servicenow.live(&format!("sluice-{}", self.numbers[self.failed()]));
        let change = change[0].field("sys_id").to_owned();
        let mut items: Vec<&str> =
            servicenow.tasks.items.iter().map(|item| item.field("name")).collect();
        // Incidents of links are those of a service that nobody has to declare.
        items.retain(|name| *name != "sluice");
        items.sort_unstable();
        let standing = town.world.engine.standing();
        let services: Vec<&str> =
            standing.organisation.services.keys().map(|name| name.as_str()).collect();
        assert_eq!(items, services, "seed {seed}: one item for each service");
        drop(servicenow);
        assert_eq!(town.there("incident", &incident, "caused_by"), change, "seed {seed}");
    }

    /// Which of the changes has failed.
    fn failed(&self) -> usize {
        let of = self.town.incident(self.incident).change.unwrap();
        self.numbers.iter().position(|number| *number == of).unwrap()
    }

    /// One file for each decision about a change.
    fn has_files(&self) {
        let servicenow = self.town.servicenow.lock().unwrap();
        let mut files: Vec<String> = servicenow
            .tasks
            .attachments
            .iter()
            .map(|file| file.field("file_name").to_owned())
            .collect();
        files.sort();
        let decided = recorded(&self.town).into_iter().filter_map(|event| match event {
            Event::GateDecided(event) if event.change.is_some() => Some(event.decision),
            _ => None,
        });
        let mut wanted: Vec<String> =
            decided.map(|id| format!("sluice-decision-{id}.json")).collect();
        wanted.sort();
        assert_eq!(files, wanted, "seed {}", self.seed);
    }

    fn forges_say_it(&self) {
        let Self { seed, town, numbers, .. } = self;
        // Jira's deployments: each stands as it ended, and was told of its beginning before.
        let failed = self.failed();
        let states = town.states();
        for (index, service) in ["payments", "ledger"].into_iter().enumerate() {
            let state = if index == failed { "failed" } else { "successful" };
            let mut of = states.iter().filter(|told| told.starts_with(&format!("{service} ")));
            assert_eq!(
                of.next_back(),
                Some(&format!("{service} {state}")),
                "seed {seed}: {states:?}"
            );
        }
        assert_eq!(town.jira_deployments.lock().unwrap().deployments.len(), 2, "seed {seed}");
        assert_ne!(town.check_says(), "pending", "seed {seed}: the check has its answer");
        let gitlab = town.gitlab.lock().unwrap();
        let sha = commit_id(61).to_string();
        let on_commit: Vec<&str> = gitlab
            .statuses
            .iter()
            .filter(|status| status["sha"] == sha.as_str())
            .filter_map(|status| status["status"].as_str())
            .collect();
        assert_eq!(on_commit.last(), Some(&"success"), "seed {seed}: {on_commit:?}");
        assert_eq!(gitlab.notes.len(), 1, "seed {seed}: {:#?}", gitlab.notes);
        let note = gitlab.notes[0].1["body"].to_string();
        assert!(note.contains(&numbers[1].to_string()), "seed {seed}");
        for number in [&numbers[0], &numbers[2]] {
            assert!(town.github.lock().unwrap().statuses.iter().any(|status| {
                let description = status["description"].as_str().unwrap_or_default();
                description.starts_with(&number.to_string())
            }));
        }
    }
}

/// What the ledger has.
fn recorded(town: &Town) -> Vec<Event> {
    let (readers, mut events, mut from) = (town.world.engine.readers(), Vec::new(), 0);
    loop {
        let entries = readers.entries(from, 500).unwrap();
        if entries.is_empty() {
            return events;
        }
        from += entries.len() as u64;
        let recorded = entries.iter().map(|entry| Envelope::parse(&entry.bytes).unwrap());
        events.extend(recorded.filter_map(|entry| entry.recorded().unwrap()).map(|it| it.event));
    }
}

impl Town {
    /// A change of the ledger that is merged in GitLab and has to wait first, so that its merge request gets a note.
    async fn held_up(&self, seed: u8) -> Question {
        self.merged(seed).await;
        let mut asked = question("ledger", seed, u32::from(seed));
        asked.repository = Some("gitlab.com/acme/ledger".to_owned());
        let evidence = std::mem::take(&mut asked.evidence);
        assert_ne!(self.world.ask(asked.clone()).await.decision, Decision::Allow);
        asked.run.id = format!("acme/ledger/again-{seed}");
        Question { evidence, ..asked }
    }
}
