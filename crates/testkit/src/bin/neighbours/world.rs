//! The neighbours, each on a port.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use sluice_engine::{Clock, SystemClock};
use sluice_testkit::neighbours::{
    GitHub, GitLab, Jenkins, Jira, JiraAssets, JiraDeployments, Lie, Lies, Neighbour, Port,
    ServiceNow, Shared, Sinks, Slack,
};

/// The links that the journey is made with.
const LINKS: &str = include_str!("links.yaml");
/// Those that there are beside them when neighbours are tried by hand.
const MORE_LINKS: &str = include_str!("more_links.yaml");
/// A secret to sign events with.
pub const SIGNING: &str = "whsec_c2VjcmV0LW9mLWV2ZXJ5Ym9keS1mb3ItZXZlbnRz";

/// The neighbours, and the ports at which they are.
#[derive(Default)]
pub struct World {
    /// A ServiceNow.
    pub servicenow: Shared<ServiceNow>,
    /// A Jira.
    pub jira: Shared<Jira>,
    /// A GitLab.
    pub gitlab: Shared<GitLab>,
    /// A GitHub.
    pub github: Shared<GitHub>,
    /// A Slack.
    pub slack: Shared<Slack>,
    jenkins: Shared<Jenkins>,
    assets: Shared<JiraAssets>,
    deployments: Shared<JiraDeployments>,
    sinks: Shared<Sinks>,
    /// By name.
    pub ports: BTreeMap<&'static str, Port>,
}

impl World {
    /// Everybody on ports from `first` on; on any that are free for 0.
    pub async fn open(first: u16) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let mut world = Self::default();
        let neighbours: [(_, Arc<Mutex<dyn Neighbour>>); 9] = [
            ("servicenow", Arc::clone(&world.servicenow) as _),
            ("jira", Arc::clone(&world.jira) as _),
            ("gitlab", Arc::clone(&world.gitlab) as _),
            ("github", Arc::clone(&world.github) as _),
            ("slack", Arc::clone(&world.slack) as _),
            ("jenkins", Arc::clone(&world.jenkins) as _),
            ("assets", Arc::clone(&world.assets) as _),
            ("deployments", Arc::clone(&world.deployments) as _),
            ("sinks", Arc::clone(&world.sinks) as _),
        ];
        for (at, (name, neighbour)) in (0..).zip(neighbours) {
            let port = if first == 0 { 0 } else { first + at };
            let opened = Port::open(neighbour, Arc::clone(&clock), port).await;
            world.ports.insert(name, opened.with_context(|| format!("port {port}"))?);
        }
        Ok(world)
    }

    /// Links that lead to those whom the journey is about.
    pub fn links(&self) -> String {
        self.leading(LINKS)
    }

    /// Links that lead to the others.
    pub fn more_links(&self) -> String {
        self.leading(MORE_LINKS)
    }

    /// The secret address of a workflow.
    pub fn workflow(&self) -> String {
        self.leading("SINKS_URL/workflows/17/invoke?sig=secret-of-everybody")
    }

    fn leading(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (name, port)| {
            text.replace(&format!("{}_URL", name.to_uppercase()), &port.url())
        })
    }

    /// The port of a neighbour.
    pub fn port(&mut self, name: &str) -> anyhow::Result<&mut Port> {
        self.ports.get_mut(name).with_context(|| format!("there is no `{name}`"))
    }

    /// What a neighbour has, as text for people.
    pub fn shown(&self, name: &str) -> anyhow::Result<String> {
        fn text<N: Debug>(neighbour: &Shared<N>) -> String {
            format!("{:#?}", neighbour.lock().expect("whole"))
        }
        Ok(match name {
            "servicenow" => text(&self.servicenow),
            "jira" => text(&self.jira),
            "gitlab" => text(&self.gitlab),
            "slack" => text(&self.slack),
            "jenkins" => text(&self.jenkins),
            "assets" => text(&self.assets),
            "deployments" => text(&self.deployments),
            "sinks" => text(&self.sinks),
            "github" => {
                let forge = self.github.lock().expect("whole");
                format!("{:#?}", (&forge.check_runs, &forge.statuses, &forge.rules, &forge.issues))
            }
            _ => anyhow::bail!("there is no `{name}`"),
        })
    }

    /// Each that is told of the shop lies once, in a way of its own that only real connections have: answers without an end, answers that never
    /// come, and connections that break.
    pub fn lie_once(&self) {
        let lies = [
            ("servicenow", Lie::Bomb),
            ("jira", Lie::LostAnswer),
            ("github", Lie::Bomb),
            ("slack", Lie::Drip),
        ];
        for (name, lie) in lies {
            if let Some(port) = self.ports.get(name) {
                port.lie(Lies::once_after(0, lie));
            }
        }
    }
}
