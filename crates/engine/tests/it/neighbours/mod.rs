//! Telling neighbours: the real engine and its driver, among systems with a state of their own, on a clock that is
//! moved by hand.

mod approvals;
mod conflicts;
mod described;
mod echoes;
mod episodes;
mod expiry;
mod gitlab;
mod gitlab_calendar;
mod gitlab_checks;
mod gone;
mod health;
mod jenkins;
mod jenkins_left_over;
mod jira;
mod jira_assets;
mod jira_data_center;
mod jira_deployments;
mod mail;
mod outages;
mod reading;
mod reconcile;
mod rules;
mod schedules;
mod servicenow;
mod settings;
mod sinks;
mod slack_and_github;
mod tasks;
mod words;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_core::change::ChangeState;
use sluice_core::gate::Question;
use sluice_core::ids::{ChangeNumber, LinkName};
use sluice_engine::organisation_files::Folder;
use sluice_engine::store::rows::OutboxRow;
use sluice_engine::store::{OutboxFilter, Page};
use sluice_testkit::FakeClock;
use sluice_testkit::neighbours::{
    GitHub, GitLab, Jenkins, Jira, JiraAssets, JiraDeployments, Neighbours, ServiceNow, Shared,
    Sinks, Slack,
};

use crate::world::{World, acme, digest, question};

pub(crate) const LINKS: &str = r#"
links:
  - name: servicenow
    connector: servicenow
    credentials: {password: {env: SNOW}}
    tell: [change, approval, decision, deployment]
    settings:
      url: https://servicenow.test
      user: sluice
      standard_template: b1c8d15147810200e90d87e8dee490f7
      per_minute: 6000
  - name: slack
    connector: slack
    credentials: {bot_token: {env: SLACK}}
    tell: {about: [change, approval, decision, stop], scope: {environments: [production]}}
    settings: {url: "https://slack.test", channel: C1, per_minute: 600}
  - name: github-told
    connector: github
    credentials: {token: {env: GITHUB_TOKEN}}
    tell: [decision, change]
    settings: {api: {url: "https://github.test", per_minute: 250}}
"#;

/// Jira beside them.
pub(crate) const JIRA: &str = r#"
  - name: jira
    connector: jira
    secrets: [{env: JIRA_WEBHOOK}]
    credentials: {api_token: {env: JIRA}}
    tell: [change, approval, decision, deployment]
    settings:
      url: https://jira.test
      user: sluice@acme.example
      project: OPS
      service_desk: {id: "4", request_type: "21"}
      per_minute: 6000
      statuses:
        new: Open
        authorize: Awaiting approval
        scheduled: Awaiting implementation
        implement: Implementing
        closed: Completed
        unsuccessful: Failed
        canceled: Canceled
"#;

/// A company, its neighbours, and what is between them.
pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) net: Arc<Neighbours>,
    pub(crate) servicenow: Shared<ServiceNow>,
    pub(crate) slack: Shared<Slack>,
    pub(crate) github: Shared<GitHub>,
    pub(crate) jira: Shared<Jira>,
    pub(crate) jira_deployments: Shared<JiraDeployments>,
    pub(crate) assets: Shared<JiraAssets>,
    pub(crate) gitlab: Shared<GitLab>,
    pub(crate) jenkins: Shared<Jenkins>,
    pub(crate) sinks: Shared<Sinks>,
}

impl Town {
    pub(crate) async fn start() -> Self {
        Self::with(LINKS).await
    }

    pub(crate) async fn with(links: &str) -> Self {
        Self::edited(links, &[]).await
    }

    /// With links, and with edits of those that the company has.
    pub(crate) async fn edited(links: &str, edits: &[(&str, &str)]) -> Self {
        let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
        let servicenow = Shared::<ServiceNow>::default();
        let slack = Shared::<Slack>::default();
        let github = Shared::<GitHub>::default();
        let jira = Shared::<Jira>::default();
        let jira_deployments = Shared::<JiraDeployments>::default();
        let assets = Shared::<JiraAssets>::default();
        let gitlab = Shared::<GitLab>::default();
        let jenkins = Shared::<Jenkins>::default();
        let sinks = Shared::<Sinks>::default();
        let net = Neighbours::new(&clock)
            .with("sinks.test", Arc::clone(&sinks) as Arc<Mutex<_>>)
            .with("jenkins.test", Arc::clone(&jenkins) as Arc<Mutex<_>>)
            .with("gitlab.test", Arc::clone(&gitlab) as Arc<Mutex<_>>)
            .with("assets.test", Arc::clone(&assets) as Arc<Mutex<_>>)
            .with("atlassian.test", Arc::clone(&jira_deployments) as Arc<Mutex<_>>)
            .with("jira.test", Arc::clone(&jira) as Arc<Mutex<_>>)
            .with("servicenow.test", Arc::clone(&servicenow) as Arc<Mutex<_>>)
            .with("slack.test", Arc::clone(&slack) as Arc<Mutex<_>>)
            .with("github.test", Arc::clone(&github) as Arc<Mutex<_>>);
        let net = Arc::new(net);
        let mut folder: Folder = acme();
        folder.insert("told.yaml".to_owned(), links.as_bytes().to_vec());
        let own = String::from_utf8(folder.get("links.yaml").unwrap().to_vec()).unwrap();
        let own = edits.iter().fold(own, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        folder.insert("links.yaml", own);
        let world = World::among(&clock, Arc::clone(&net) as _, &folder).await;
        Self {
            world,
            net,
            servicenow,
            slack,
            github,
            jira,
            jira_deployments,
            assets,
            gitlab,
            jenkins,
            sinks,
        }
    }

    /// Tells until nothing is owed, moving the clock to when there is more to do; at most for so long.
    pub(crate) async fn settle(&self, longest: Duration) {
        let began = self.world.engine.now();
        loop {
            let delivered = self.world.engine.deliver().await.unwrap();
            assert_eq!(self.gitlab.lock().unwrap().not_described, [""; 0]);
            let Some(next) = delivered.next else { return };
            let now = self.world.engine.now();
            let passed = Duration::try_from(now.duration_since(began)).unwrap_or_default();
            if passed >= longest {
                return;
            }
            let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            self.world.clock.advance(wait.max(Duration::from_millis(1)));
        }
    }

    /// A change of a service through its whole life.
    pub(crate) async fn deploy(&self, service: &str, seed: u8) -> ChangeNumber {
        self.deploy_as(question(service, seed, u32::from(seed)), seed).await
    }

    /// The same, for what is asked.
    pub(crate) async fn deploy_as(&self, asked: Question, seed: u8) -> ChangeNumber {
        let report = serde_json::json!({ "state": "succeeded", "health": "healthy" });
        self.end_as(asked, seed, report).await
    }

    /// The same, with another end.
    pub(crate) async fn end_as(
        &self,
        mut asked: Question,
        seed: u8,
        report: serde_json::Value,
    ) -> ChangeNumber {
        asked.emergency = Some("payments fail".into());
        let answer = self.world.ask(asked).await;
        let redeemed = self.world.redeem(&answer, [digest(seed)].into()).await.unwrap();
        self.world.report(redeemed.deployment, report).await;
        answer.change.unwrap()
    }

    pub(crate) fn outbox(&self, state: &str) -> Vec<OutboxRow> {
        let filter = OutboxFilter { state: Some(state.to_owned()), ..OutboxFilter::default() };
        self.world.engine.readers().outbox(&filter, Page::default()).unwrap()
    }

    pub(crate) fn state_there(&self, number: ChangeNumber) -> Option<String> {
        let servicenow = self.servicenow.lock().unwrap();
        let live = servicenow.live(&format!("sluice-{number}"));
        live.first().map(|record| record.field("state").to_owned())
    }

    pub(crate) fn state_here(&self, number: ChangeNumber) -> ChangeState {
        self.world.change(number).state
    }
}

pub(crate) fn link(name: &str) -> LinkName {
    LinkName::parse(name).unwrap()
}
