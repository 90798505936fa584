//! The views: rows that lists and pages are read from, derived from events alone.
//!
//! They are written in the transaction of the events they come from, can be dropped and rebuilt at will
//! (`fsck`), and no gate decision is taken on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sluice_core::change::{self, Change};
use sluice_core::deployment::event::Ended;
use sluice_core::deployment::{Deployment, DeploymentReport};
use sluice_core::event::Event;
use sluice_core::gate::event::GateDecided;
use sluice_core::ids::{ChangeNumber, Digest};
use sluice_core::incident::{self, Incident};
use sluice_core::organisation::Item;
use sluice_core::problem::{self, Problem};
use sluice_core::standing::{Recorded, Standing, Topic};
use sluice_core::words;
use sluice_store::Row;
use sluice_store::rows::{ChangeRow, DecisionRow, DeploymentRow, IncidentRow, ItemRow, ProblemRow};

/// Collects the rows of a batch; the last state of each record wins.
#[derive(Debug, Default)]
pub struct Projection {
    /// What is to be written, by table and key.
    pending: BTreeMap<Key, Pending>,
}

/// What came of folding an event.
#[derive(Debug)]
pub struct Folded {
    /// The topics that it touches.
    pub topics: BTreeSet<Topic>,
    /// The change that it altered, as it stands after it.
    pub change: Option<Arc<Change>>,
    /// The incident that it altered, as it stands after it.
    pub incident: Option<Arc<Incident>>,
    /// The problem that it altered, as it stands after it.
    pub problem: Option<Arc<Problem>>,
}

/// What an event makes of an incident or a problem.
struct Disturbed {
    incident: Option<Arc<Incident>>,
    problem: Option<Arc<Problem>>,
}

impl Disturbed {
    fn of(before: &Standing, Recorded { event, at, .. }: &Recorded) -> Self {
        let incident = before.incident_of(event).and_then(|number| {
            let known = before.incidents.get(&number).map(AsRef::as_ref);
            incident::apply(known, number, event, *at)
        });
        let problem = before.problem_of(event).and_then(|number| {
            let known = before.problems.get(&number).map(AsRef::as_ref);
            problem::apply(known, event, *at)
        });
        Self { incident: incident.map(Arc::new), problem: problem.map(Arc::new) }
    }
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one batch; a box for each row would cost more than the room"
)]
enum Pending {
    /// A change as of an entry; written down only when it is the last word.
    Change(Arc<Change>, u64),
    Row(Row),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Change(u64),
    Decision(String),
    Deployment(u64),
    Incident(u64),
    Problem(u64),
    Item(&'static str, String),
    Words(u64),
}

impl Projection {
    /// Folds an event into the standing and takes in what follows from it.
    pub fn fold(&mut self, standing: &mut Standing, recorded: &Recorded) -> Folded {
        let number = change_of(&recorded.event);
        let before = number.and_then(|number| standing.changes.get(&number).cloned());
        let disturbed = Disturbed::of(standing, recorded);
        self.see(standing, recorded);
        let topics = standing.apply(recorded);
        let change = number.and_then(|number| {
            standing.changes.get(&number).cloned().or_else(|| {
                // It has left the standing with this event.
                change::apply(before.as_deref(), &recorded.event, recorded.at).map(Arc::new)
            })
        });
        if let Some(change) = &change {
            let pending = Pending::Change(Arc::clone(change), recorded.index);
            self.pending.insert(Key::Change(change.number.0), pending);
        }
        let Disturbed { incident, problem } = disturbed;
        if let Some(incident) = &incident {
            let row = Row::Incident(incident_row(incident));
            self.push(Key::Incident(incident.number.0), row);
        }
        if let Some(problem) = &problem {
            self.push(Key::Problem(problem.number.0), Row::Problem(problem_row(problem)));
        }
        Folded { topics, change, incident, problem }
    }

    /// Takes in an event, given the standing before it.
    fn see(&mut self, before: &Standing, recorded: &Recorded) {
        let (index, at) = (recorded.index, recorded.at);
        let written = words::written(&recorded.event).into_iter().flat_map(words::words);
        let words: BTreeSet<String> = written.collect();
        if !words.is_empty() {
            let words = words.into_iter().collect();
            self.push(Key::Words(index), Row::Words { entry: index, words });
        }
        match &recorded.event {
            Event::GateDecided(event) => {
                let row = Row::Decision(decision_row(event, index, at));
                self.push(Key::Decision(event.decision.to_string()), row);
            }
            Event::DeploymentStarted(event) => {
                let row = deployment_row(&event.deployment, None);
                self.push(Key::Deployment(event.deployment.number.0), Row::Deployment(row));
            }
            Event::DeploymentEnded(event) => {
                let known = before.deployments.get(&event.deployment).map(AsRef::as_ref);
                let row = match known.cloned().or_else(|| self.pending_deployment(event)) {
                    Some(mut deployment) => {
                        deployment.untold = event.untold;
                        Row::Deployment(deployment_row(&deployment, Some(&event.report)))
                    }
                    None => undone_row(event, at),
                };
                self.push(Key::Deployment(event.deployment.0), row);
            }
            Event::DeploymentCorrected(event) => {
                let row = deployment_row(&event.deployment, None);
                self.push(Key::Deployment(event.deployment.number.0), Row::Deployment(row));
            }
            Event::ItemDeclared(event) => {
                let (kind, name) = (event.item.kind().as_str(), event.item.name().to_owned());
                self.push(Key::Item(kind, name), Row::Item(item_row(&event.item)));
            }
            Event::ItemWithdrawn(event) => {
                let (kind, name) = (event.kind.as_str(), event.name.clone());
                let row = Row::RemoveItem { kind: kind.to_owned(), name: name.clone() };
                self.push(Key::Item(kind, name), row);
            }
            // The one fall-through: what has no view of its own is read from the ledger.
            _ => {}
        }
    }

    /// A deployment that has left the standing, as this batch is going to write it.
    fn pending_deployment(&self, event: &Ended) -> Option<Deployment> {
        match self.pending.get(&Key::Deployment(event.deployment.0))? {
            Pending::Row(Row::Deployment(row)) => serde_json::from_str(&row.body).ok(),
            Pending::Row(_) | Pending::Change(..) => None,
        }
    }

    fn push(&mut self, key: Key, row: Row) {
        self.pending.insert(key, Pending::Row(row));
    }

    /// The rows to write, in the order of their tables and keys.
    pub fn into_rows(self) -> impl Iterator<Item = Row> {
        self.pending.into_values().map(|pending| match pending {
            Pending::Change(change, as_of) => Row::Change(change_row(&change, as_of)),
            Pending::Row(row) => row,
        })
    }
}

/// The change that an event alters.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each event")]
pub fn change_of(event: &Event) -> Option<ChangeNumber> {
    match event {
        Event::ChangeProposed(event) => Some(event.change),
        Event::ChangeRevised(event) => Some(event.change),
        Event::ChangeJoined(event) => Some(event.change),
        Event::ChangeKindSet(event) => Some(event.change),
        Event::ChangeInvolved(event) => Some(event.change),
        Event::ChangeEvidenceAdded(event) => Some(event.change),
        Event::ChangeAssessed(event) => Some(event.change),
        Event::ChangeAuthorizationRequested(event) => Some(event.change),
        Event::ChangeApproved(event) => Some(event.change),
        Event::ChangeRejected(event) => Some(event.change),
        Event::ChangeApprovalRefused(event) => Some(event.change),
        Event::ChangeAuthorized(event) => Some(event.change),
        Event::ChangeScheduled(event) => Some(event.change),
        Event::ChangeImplementationStarted(event) => Some(event.change),
        Event::ChangeImplementationEnded(event) => Some(event.change),
        Event::ChangeDebtIncurred(event) => Some(event.change),
        Event::ChangeDebtSettled(event) => Some(event.change),
        Event::ChangeReminded(event) => Some(event.change),
        Event::ChangeCommented(event) => Some(event.change),
        Event::ChangeEvidenceOpened(event) => Some(event.change),
        Event::ChangeClosed(event) => Some(event.change),
        Event::ChangeCanceled(event) => Some(event.change),
        Event::GateDecided(event) => event.change,
        Event::PassRedeemed(event) => event.change,
        Event::DeploymentStarted(event) => event.deployment.change,
        Event::DeploymentEnded(event) => event.change,
        Event::DeploymentCorrected(event) => event.deployment.change,
        Event::LedgerOpened(_)
        | Event::TokenCreated(_)
        | Event::TokenExchanged(_)
        | Event::SecretSet(_)
        | Event::SecretRemoved(_)
        | Event::SecretsRewrapped(_)
        | Event::TokenRevoked(_)
        | Event::RoleTableSet(_)
        | Event::RoleProposed(_)
        | Event::RoleConfirmed(_)
        | Event::RoleGranted(_)
        | Event::RoleRevoked(_)
        | Event::AccountCreated(_)
        | Event::AccountFactorChanged(_)
        | Event::AccountDisabled(_)
        | Event::AccountResetAsked(_)
        | Event::AccountResetConfirmed(_)
        | Event::AccountResetRefused(_)
        | Event::AccountEnabled(_)
        | Event::SessionOpened(_)
        | Event::SessionSteppedUp(_)
        | Event::SessionEnded(_)
        | Event::LoginBlocked(_)
        | Event::PersonErased(_)
        | Event::GlassAsked(_)
        | Event::GlassOpened(_)
        | Event::PlanProposed(_)
        | Event::PlanConfirmed(_)
        | Event::UserSet(_)
        | Event::UserRemoved(_)
        | Event::GroupSet(_)
        | Event::GroupMembersChanged(_)
        | Event::GroupRemoved(_)
        | Event::ProvisionTokenConfirmed(_)
        | Event::PlanRefused(_)
        | Event::GlassRefused(_)
        | Event::DeliveryHeard(_)
        | Event::DeliveryReplayed(_)
        | Event::SourceSeen(_)
        | Event::RunSeen(_)
        | Event::IncidentOpenedV1(_)
        | Event::IncidentResolvedV1(_)
        | Event::IncidentOpened(_)
        | Event::IncidentMoved(_)
        | Event::IncidentResolved(_)
        | Event::ProblemOpened(_)
        | Event::ProblemLinked(_)
        | Event::ProblemMoved(_)
        | Event::ProblemResolved(_)
        | Event::ItemDeclared(_)
        | Event::ItemWithdrawn(_)
        | Event::OrganisationApplied(_)
        | Event::PolicyActivated(_)
        | Event::ModelEarned(_)
        | Event::ModelLost(_)
        | Event::PassRefused(_)
        | Event::DigestDenied(_)
        | Event::StopPulled(_)
        | Event::StopLifted(_)
        | Event::ExceptionGranted(_)
        | Event::ExceptionRevoked(_)
        | Event::WindowProposed(_)
        | Event::WindowSet(_)
        | Event::WindowEnded(_)
        | Event::WindowRefused(_)
        | Event::WindowRead(_)
        | Event::WindowVanished(_)
        | Event::LinkPaused(_)
        | Event::LinkResumed(_)
        | Event::EffectGivenUp(_)
        | Event::EffectsReplayed(_)
        | Event::ReferenceRecorded(_)
        | Event::Disagreement(_) => None,
    }
}

fn change_row(change: &Change, as_of: u64) -> ChangeRow {
    ChangeRow {
        number: change.number.0,
        state: change.state.as_str().to_owned(),
        kind: change.kind.as_str().to_owned(),
        services: change.services.iter().map(ToString::to_string).collect(),
        environment: change.environment.to_string(),
        risk: change.risk.as_ref().map_or_else(String::new, |risk| risk.level.as_str().to_owned()),
        title: change.title.clone(),
        opened_us: change.opened_at.as_microsecond(),
        updated_us: change.updated_at.as_microsecond(),
        closed_us: change.ended_at.map(Timestamp::as_microsecond),
        outcome: change.outcome.map(|outcome| outcome.as_str().to_owned()),
        waiting: change.waiting,
        as_of,
        body: json(change),
    }
}

fn decision_row(event: &GateDecided, seq: u64, at: Timestamp) -> DecisionRow {
    let rules: Vec<&str> = event.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    DecisionRow {
        id: event.decision.to_string(),
        seq,
        change_number: event.change.map(|number| number.0),
        service: event.service.to_string(),
        environment: event.environment.to_string(),
        decision: event.answer.as_str().to_owned(),
        at_us: at.as_microsecond(),
        rules: json(&rules),
        bundle: event.policy.to_string(),
        input_digest: event.input.to_string(),
        approvals: approvals_of(event).to_owned(),
        body: json(event),
    }
}

/// What a decision had to do with people.
fn approvals_of(event: &GateDecided) -> &'static str {
    match (event.awaits_people(), event.approved.is_empty()) {
        (true, _) => "awaited",
        (false, false) => "met",
        (false, true) => "none",
    }
}

fn deployment_row(deployment: &Deployment, report: Option<&DeploymentReport>) -> DeploymentRow {
    let mut deployment = deployment.clone();
    if let Some(report) = report {
        deployment.state = report.state;
        deployment.report = Some(report.clone());
    }
    let ended = deployment.report.as_ref().and_then(|report| report.ended_at);
    DeploymentRow {
        number: deployment.number.0,
        change_number: deployment.change.map(|number| number.0),
        service: deployment.service.to_string(),
        environment: deployment.environment.to_string(),
        state: deployment.state.as_str().to_owned(),
        started_us: Some(deployment.started_at.as_microsecond()),
        finished_us: ended.map(Timestamp::as_microsecond),
        body: json(&deployment),
    }
}

/// A deployment that is undone when it is not at hand any more: its row keeps what it says of how it began. Only where
/// there is none does what the end says stand alone.
fn undone_row(event: &Ended, at: Timestamp) -> Row {
    let deployment = Deployment {
        number: event.deployment,
        change: event.change,
        service: event.service.clone(),
        environment: event.environment.clone(),
        state: event.report.state,
        version: None,
        commit: None,
        artifacts: BTreeSet::new(),
        run: None,
        pass: None,
        strategy: sluice_core::deployment::Strategy::default(),
        replaces: None,
        started_at: event.report.started_at.unwrap_or(at),
        report: None,
        untold: event.untold,
    };
    let alone = deployment_row(&deployment, Some(&event.report));
    Row::DeploymentUndone { alone, report: json(&event.report) }
}

fn incident_row(incident: &Incident) -> IncidentRow {
    IncidentRow {
        number: incident.number.0,
        state: incident.state.as_str().to_owned(),
        services: incident.services.iter().map(ToString::to_string).collect(),
        environment: incident.environment.clone(),
        change_number: incident.change.map(|number| number.0),
        title: incident.title.clone(),
        opened_us: incident.opened_at.as_microsecond(),
        resolved_us: incident.resolved_at.map(Timestamp::as_microsecond),
        body: json(incident),
    }
}

fn problem_row(problem: &Problem) -> ProblemRow {
    ProblemRow {
        number: problem.number.0,
        state: problem.state.as_str().to_owned(),
        services: problem.services.iter().map(ToString::to_string).collect(),
        title: problem.title.clone(),
        opened_us: problem.opened_at.as_microsecond(),
        resolved_us: problem.resolved_at.map(Timestamp::as_microsecond),
        body: json(problem),
    }
}

fn item_row(item: &Item) -> ItemRow {
    let body = json(item);
    ItemRow {
        kind: item.kind().as_str().to_owned(),
        name: item.name().to_owned(),
        digest: Digest::of(body.as_bytes()).to_string(),
        body,
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Structs, strings and maps with text keys have a JSON form always.
    serde_json::to_string(value)
        .unwrap_or_else(|error| unreachable!("a view has a JSON form: {error}"))
}
