//! Telling neighbours: the real engine and its driver, among systems with a state of their own, on a clock that is
//! moved by hand.

mod approvals;
mod episodes;
mod servicenow;
mod slack_and_github;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_core::change::ChangeState;
use sluice_core::ids::{ChangeNumber, LinkName};
use sluice_engine::organisation_files::Folder;
use sluice_engine::store::rows::OutboxRow;
use sluice_engine::store::{OutboxFilter, Page};
use sluice_testkit::FakeClock;
use sluice_testkit::neighbours::{GitHub, Neighbours, ServiceNow, Shared, Slack};

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

/// A company, its neighbours, and what is between them.
pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) net: Arc<Neighbours>,
    pub(crate) servicenow: Shared<ServiceNow>,
    pub(crate) slack: Shared<Slack>,
    pub(crate) github: Shared<GitHub>,
}

impl Town {
    pub(crate) async fn start() -> Self {
        Self::with(LINKS).await
    }

    pub(crate) async fn with(links: &str) -> Self {
        let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
        let servicenow = Shared::<ServiceNow>::default();
        let slack = Shared::<Slack>::default();
        let github = Shared::<GitHub>::default();
        let net = Neighbours::new(&clock)
            .with("servicenow.test", Arc::clone(&servicenow) as Arc<Mutex<_>>)
            .with("slack.test", Arc::clone(&slack) as Arc<Mutex<_>>)
            .with("github.test", Arc::clone(&github) as Arc<Mutex<_>>);
        let net = Arc::new(net);
        let mut folder: Folder = acme();
        folder.insert("told.yaml".to_owned(), links.as_bytes().to_vec());
        let world = World::among(&clock, Arc::clone(&net) as _, &folder).await;
        Self { world, net, servicenow, slack, github }
    }

    /// Tells until nothing is owed, moving the clock to when there is more to do; at most for so long.
    pub(crate) async fn settle(&self, longest: Duration) {
        let began = self.world.engine.now();
        loop {
            let delivered = self.world.engine.deliver().await.unwrap();
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
        let mut asked = question(service, seed, u32::from(seed));
        asked.emergency = Some("payments fail".into());
        let answer = self.world.ask(asked).await;
        let redeemed = self.world.redeem(&answer, [digest(seed)].into()).await.unwrap();
        let report = serde_json::json!({ "state": "succeeded", "health": "healthy" });
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
