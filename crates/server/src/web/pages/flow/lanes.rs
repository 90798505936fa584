//! The picture: one lane for each service, one gate before each environment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_core::calendar::Calendar;
use sluice_core::change::Change;
use sluice_core::deployment::{Deployment, DeploymentState};
use sluice_core::organisation::{Environment, Service};

use crate::web::pages::incidents::Alerts;
use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

/// The most lanes that are shown at first.
const LANES: usize = 24;
/// The most lanes that are shown at all; the rest is found under services.
const ALL_LANES: usize = 120;

/// The whole picture.
pub(super) struct Lanes {
    pub(super) environments: Vec<String>,
    pub(super) rows: Vec<Lane>,
    /// Services that are not shown.
    pub(super) more: usize,
    /// Deployments under way.
    pub(super) moving: usize,
}

/// One service on its way through the environments.
pub(super) struct Lane {
    pub(super) service: String,
    pub(super) title: String,
    pub(super) team: String,
    /// Open incidents that name no environment that is known.
    pub(super) incidents: Vec<String>,
    pub(super) cells: Vec<Cell>,
    rank: Rank,
}

/// One environment of a lane, with the gate before it.
pub(super) struct Cell {
    pub(super) runs: bool,
    /// `open`, `wait`, `frozen`, `stopped` or `free`.
    pub(super) gate: &'static str,
    pub(super) gate_icon: Markup,
    pub(super) gate_word: String,
    pub(super) waiting: Vec<String>,
    /// Open incidents here.
    pub(super) incidents: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) since: Option<Markup>,
    pub(super) last: Option<Markup>,
    pub(super) moving: Vec<Moving>,
}

/// A deployment under way.
pub(super) struct Moving {
    pub(super) version: String,
    pub(super) change: Option<String>,
    pub(super) since: Markup,
}

type Key = (String, String);
/// Open incidents, deployments under way, changes that wait, and when the last deployment ended: what comes first.
type Rank = (usize, usize, usize, i64);

/// Which lanes are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// Those of a team.
    pub(super) team: Option<&'a str>,
    /// More of them than at first.
    pub(super) all: bool,
}

impl Lanes {
    pub(super) fn build(
        visit: &Visit,
        waiting: &[Arc<Change>],
        alerts: &Alerts,
        Shown { team, all }: Shown<'_>,
    ) -> Self {
        let organisation = &visit.standing.organisation;
        let environments = environments(visit);
        let mut moving: BTreeMap<Key, Vec<&Deployment>> = BTreeMap::new();
        for deployment in visit.standing.deployments.values() {
            if deployment.state == DeploymentState::Running {
                let key = (deployment.service.to_string(), deployment.environment.to_string());
                moving.entry(key).or_default().push(deployment);
            }
        }
        let mut held: BTreeMap<Key, Vec<String>> = BTreeMap::new();
        for change in waiting {
            for service in &change.services {
                let key = (service.to_string(), change.environment.to_string());
                held.entry(key).or_default().push(change.number.to_string());
            }
        }
        let calendar = visit.app.engine.present_calendar();
        let sight = Sight { visit, moving, held, alerts, calendar };
        let services = organisation.services.values().filter(|service| {
            team.is_none_or(|team| service.owner.as_str() == team)
                && environments
                    .iter()
                    .any(|it| visit.sees([service.name.as_str()], it.name.as_str()))
        });
        let mut ranked: Vec<(&Arc<Service>, Rank)> =
            services.map(|service| (service, sight.rank(service, &environments))).collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.name.cmp(&b.0.name)));
        let shown = if all { ALL_LANES } else { LANES };
        let more = ranked.len().saturating_sub(shown);
        let rows = ranked.iter().take(shown).map(|(service, rank)| Lane {
            service: service.name.to_string(),
            title: service.title.clone(),
            team: service.owner.to_string(),
            incidents: alerts.at(service.name.as_str(), None),
            cells: environments.iter().map(|it| sight.cell(service, it)).collect(),
            rank: *rank,
        });
        let rows: Vec<Lane> = rows.collect();
        let running = rows.iter().map(|lane| lane.rank.1).sum();
        let environments = environments.iter().map(|it| it.name.to_string()).collect();
        Self { environments, rows, more, moving: running }
    }
}

/// Environments in the order in which a version passes them.
pub(crate) fn environments(visit: &Visit) -> Vec<Arc<Environment>> {
    let mut found: Vec<Arc<Environment>> =
        visit.standing.organisation.environments.values().cloned().collect();
    found.sort_by(|a, b| (a.tier, &a.name).cmp(&(b.tier, &b.name)));
    let used: BTreeSet<&str> =
        visit.standing.places.keys().map(|(_, environment)| environment.as_str()).collect();
    // Where nothing ever runs, a column would stay empty.
    let mut shown: Vec<Arc<Environment>> = found
        .iter()
        .filter(|it| it.controlled || used.contains(it.name.as_str()))
        .cloned()
        .collect();
    if shown.is_empty() {
        shown = found;
    }
    shown.truncate(6);
    shown
}

struct Sight<'a> {
    visit: &'a Visit,
    moving: BTreeMap<Key, Vec<&'a Deployment>>,
    held: BTreeMap<Key, Vec<String>>,
    alerts: &'a Alerts,
    calendar: Arc<Calendar>,
}

impl Sight<'_> {
    /// Lanes that something disturbs come first, then those on which something moves, then those where something waits,
    /// then the latest.
    fn rank(&self, service: &Service, environments: &[Arc<Environment>]) -> Rank {
        let (mut moving, mut held, mut last) = (0, 0, i64::MIN);
        let mut disturbed = self.alerts.at(service.name.as_str(), None).len();
        for environment in environments {
            let key = (service.name.to_string(), environment.name.to_string());
            moving += self.moving.get(&key).map_or(0, Vec::len);
            disturbed +=
                self.alerts.at(service.name.as_str(), Some(environment.name.as_str())).len();
            held += self.held.get(&key).map_or(0, Vec::len);
            let place = self.visit.place(&service.name, &environment.name);
            let ended = place.and_then(|place| place.last_ended_at);
            last = last.max(ended.map_or(i64::MIN, |at| at.as_microsecond()));
        }
        (disturbed, moving, held, last)
    }

    fn cell(&self, service: &Service, environment: &Environment) -> Cell {
        let key = (service.name.to_string(), environment.name.to_string());
        let runs =
            service.environments.is_empty() || service.environments.contains(&environment.name);
        let place = self.visit.place(&service.name, &environment.name);
        let last = place.and_then(|place| place.recent.last()).map(|(_, state)| *state);
        let waiting = self.held.get(&key).cloned().unwrap_or_default();
        let (gate, icon, word) = self.gate(service, environment, waiting.len());
        let moving = self.moving.get(&key).into_iter().flatten().map(|deployment| Moving {
            version: version(deployment.version.as_deref(), deployment.commit.as_ref()),
            change: deployment.change.map(|number| number.to_string()),
            since: self.visit.when(deployment.started_at),
        });
        Cell {
            runs,
            gate,
            gate_icon: marks::icon(icon),
            gate_word: word,
            waiting,
            incidents: self.alerts.at(service.name.as_str(), Some(environment.name.as_str())),
            version: place
                .filter(|place| place.since.is_some())
                .map(|place| version(place.version.as_deref(), place.commit.as_ref())),
            since: place.and_then(|place| place.since).map(|at| self.visit.when(at)),
            last: last
                .filter(|state| *state != DeploymentState::Succeeded)
                .map(|state| marks::deployment(state.as_str())),
            moving: moving.collect(),
        }
    }

    /// How the gate before an environment stands.
    fn gate(
        &self,
        service: &Service,
        environment: &Environment,
        waiting: usize,
    ) -> (&'static str, &'static str, String) {
        if !(service.controlled && environment.controlled) {
            return ("free", "dot", w::t("lanes.no_gate_everything_may_go").to_owned());
        }
        let target = self.visit.standing.organisation.target(&service.name, &environment.name);
        if let Some(stop) = self.visit.standing.stops.values().find(|it| it.scope.covers(&target)) {
            return ("stopped", "stop", w::f("lanes.stopped", &stop.reason));
        }
        let facts = self.calendar.evaluate(&target, self.visit.now, &BTreeSet::new());
        if let Some(freeze) = facts.freezes.first() {
            return ("frozen", "snow", w::f("lanes.frozen", &freeze.title));
        }
        if waiting > 0 {
            return ("wait", "hourglass", w::n("lanes.change_waits_here", waiting));
        }
        ("open", "gate", w::t("lanes.gate_open_questions_are_judged").to_owned())
    }
}

/// A version as people call it, else the first digits of its commit.
pub(crate) fn version(
    version: Option<&str>,
    commit: Option<&sluice_core::ids::CommitId>,
) -> String {
    match (version, commit) {
        (Some(version), _) => version.to_owned(),
        (None, Some(commit)) => commit.as_str().chars().take(8).collect(),
        (None, None) => w::t("lanes.unnamed_version").to_owned(),
    }
}
