//! Which change a question belongs to.
//!
//! One change per run and service set, reused on a rerun with the same digests; a merge and the run that deploys
//! it are found by the commit. Names are never compared: only commits, digests and runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Question;
use crate::change::{
    self, Change, ChangeKind, ChangeState, Evidence, Involvement, InvolvementRole, Origin,
    Revision, RevisionInput, event,
};
use crate::event::Event;
use crate::ids::{ChangeNumber, Digest, EnvironmentName, ModelName, ServiceName};
use crate::risk::RiskLevel;
use crate::standing::Standing;

/// The change a question belongs to, as it would be after the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The change after `events`; its number is provisional while it is new.
    pub change: Change,
    /// Whether it is only now created.
    pub is_new: bool,
    /// What the question does to it.
    pub events: Vec<Event>,
}

/// Finds or drafts the change for `question` in `environment` (its declared name).
///
/// `involved` are those known to have a hand in it: who asks, and who the commits are by. `risk` is the level that was
/// found, where it was found already: a change model is for changes up to its own level only.
pub fn place(
    standing: &Standing,
    question: &Question,
    environment: &EnvironmentName,
    involved: &BTreeSet<Involvement>,
    policy: &Digest,
    risk: Option<RiskLevel>,
    now: Timestamp,
) -> Placement {
    let mut draft = match find(standing, question, environment) {
        Some(change) => Draft { change: Some(change.clone()), events: Vec::new(), now },
        None => propose(standing, question, environment, policy, now),
    };
    let is_new = !draft.events.is_empty();
    join(&mut draft, question);
    bring(&mut draft, &question.evidence);
    revise(&mut draft, question, policy);
    involve(&mut draft, question, involved);
    set_kind(&mut draft, standing, question, risk);
    match draft.change {
        Some(change) => Placement { change, is_new, events: draft.events },
        // `propose` always makes a change.
        None => unreachable!("a question has a change"),
    }
}

struct Draft {
    change: Option<Change>,
    events: Vec<Event>,
    now: Timestamp,
}

impl Draft {
    fn push(&mut self, event: impl Into<Event>) {
        let event = event.into();
        self.change = change::apply(self.change.as_ref(), &event, self.now);
        self.events.push(event);
    }
}

/// Services the question speaks of: those named, and the one asked for.
fn service_set(question: &Question) -> BTreeSet<ServiceName> {
    let mut services = question.services.clone();
    services.insert(question.service.clone());
    services
}

/// The open change that the question belongs to: first by run, then by commit.
pub(crate) fn find<'a>(
    standing: &'a Standing,
    question: &Question,
    environment: &EnvironmentName,
) -> Option<&'a Change> {
    let fits = |number: &ChangeNumber| {
        let change = standing.changes.get(number)?;
        let here =
            change.environment == *environment && change.services.contains(&question.service);
        (here && !change.state.is_over()).then_some(change.as_ref())
    };
    let by_run =
        standing.changes_of_run.get(&question.run.key()).into_iter().flatten().rev().find_map(fits);
    let by_commit = || {
        let changes = standing.changes_of_commit.get(&question.commit).into_iter().flatten().rev();
        changes.filter_map(fits).find(|change| may_adopt(change, question))
    };
    by_run.or_else(by_commit)
}

/// Whether a run that is new to a change may go under it: the change has no run yet, or the run brings the same digests.
fn may_adopt(change: &Change, question: &Question) -> bool {
    let known = change.artifacts.get(&question.service);
    change.runs.is_empty() || known.is_none_or(|known| *known == question.artifacts)
}

fn propose(
    standing: &Standing,
    question: &Question,
    environment: &EnvironmentName,
    policy: &Digest,
    now: Timestamp,
) -> Draft {
    let services = service_set(question);
    let origin = Origin {
        repository: question.repository.clone(),
        commits: vec![question.commit.clone()],
        lines_changed: question.lines_changed,
        paths: question.paths.clone(),
        ..Origin::default()
    };
    let artifacts = BTreeMap::from([(question.service.clone(), question.artifacts.clone())]);
    let revision = Revision {
        counter: 1,
        digest: RevisionInput {
            repository: origin.repository.as_deref(),
            commits: &origin.commits,
            artifacts: &artifacts,
            environment,
            services: &services,
            plans: plans(&question.evidence),
            policy,
        }
        .digest(),
    };
    let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
    let what = question
        .version
        .as_deref()
        .unwrap_or_else(|| question.commit.as_str().get(..12).unwrap_or_default());
    let mut draft = Draft { change: None, events: Vec::new(), now };
    draft.push(event::Proposed {
        change: ChangeNumber(standing.changes_counted + 1),
        kind: if question.emergency.is_some() { ChangeKind::Emergency } else { ChangeKind::Normal },
        model: None,
        title: format!("Deploy {} {what} to {environment}", names.join(", ")),
        emergency_reason: question.emergency.clone(),
        services,
        environment: environment.clone(),
        origin,
        run: Some(question.run.clone()),
        version: question.version.clone(),
        artifacts,
        revision,
        involved: BTreeSet::new(),
    });
    draft
}

/// Evidence that is a plan is part of what is approved.
fn plans(evidence: &[Evidence]) -> BTreeMap<&str, &Digest> {
    evidence
        .iter()
        .filter(|evidence| evidence.kind.ends_with("_plan"))
        .filter_map(|evidence| {
            evidence.digest.as_ref().map(|digest| (evidence.name.as_str(), digest))
        })
        .collect()
}

fn join(draft: &mut Draft, question: &Question) {
    let Some(change) = &draft.change else { return };
    let known = |run: &crate::run::RunRef| {
        run.key() == question.run.key() && run.attempt == question.run.attempt
    };
    if !change.runs.iter().any(known) {
        let change = change.number;
        draft.push(event::Joined { change, run: question.run.clone() });
    }
}

fn bring(draft: &mut Draft, evidence: &[Evidence]) {
    let Some(change) = &draft.change else { return };
    let new: Vec<Evidence> =
        evidence.iter().filter(|brought| !change.evidence.contains(brought)).cloned().collect();
    if !new.is_empty() {
        let change = change.number;
        draft.push(event::EvidenceAdded { change, evidence: new });
    }
}

/// A new revision, where the question brings other things than the change has.
fn revise(draft: &mut Draft, question: &Question, policy: &Digest) {
    let Some(change) = &draft.change else { return };
    let mut origin = change.origin.clone();
    if !origin.commits.contains(&question.commit) {
        origin.commits = vec![question.commit.clone()];
    }
    origin.repository = origin.repository.or_else(|| question.repository.clone());
    origin.lines_changed = question.lines_changed.or(origin.lines_changed);
    if !question.paths.is_empty() {
        origin.paths = question.paths.clone();
    }
    let mut artifacts = change.artifacts.clone();
    artifacts.insert(question.service.clone(), question.artifacts.clone());
    let digest = RevisionInput {
        repository: origin.repository.as_deref(),
        commits: &origin.commits,
        artifacts: &artifacts,
        environment: &change.environment,
        services: &change.services,
        plans: plans(&change.evidence),
        policy,
    }
    .digest();
    let version = question.version.clone().or_else(|| change.version.clone());
    if digest != change.revision.digest || version != change.version || origin != change.origin {
        let counter = if digest == change.revision.digest {
            change.revision.counter
        } else {
            change.revision.counter + 1
        };
        let change = change.number;
        draft.push(event::Revised {
            change,
            origin,
            artifacts,
            version,
            revision: Revision { counter, digest },
        });
    }
}

fn involve(draft: &mut Draft, question: &Question, involved: &BTreeSet<Involvement>) {
    let Some(change) = &draft.change else { return };
    let role = InvolvementRole::StatedAuthor;
    let stated = question.authors.iter().cloned().map(|identity| Involvement { role, identity });
    let stated: BTreeSet<Involvement> = stated.chain(involved.iter().cloned()).collect();
    let new: BTreeSet<Involvement> = stated.difference(&change.involved).cloned().collect();
    let is_stated =
        !question.authors.is_empty() && !change.authors_stated.contains(&question.commit);
    if !new.is_empty() || is_stated {
        let change = change.number;
        let stated_of = is_stated.then(|| question.commit.clone());
        draft.push(event::Involved { change, involved: new, stated_of });
    }
}

/// Emergency where the pipeline says so; standard where an earned model fits; else as it was.
fn set_kind(draft: &mut Draft, standing: &Standing, question: &Question, risk: Option<RiskLevel>) {
    let Some(change) = &draft.change else { return };
    let (kind, model, because) = if let Some(reason) = &question.emergency {
        (ChangeKind::Emergency, None, reason.clone())
    } else if change.kind == ChangeKind::Emergency {
        return;
    } else if let Some(model) = fitting_model(standing, change, risk) {
        let because = format!("the change model `{model}` is earned and fits");
        (ChangeKind::Standard, Some(model), because)
    } else {
        (ChangeKind::Normal, None, "no earned change model fits".to_owned())
    };
    let settled = !matches!(
        change.state,
        ChangeState::New | ChangeState::Assess | ChangeState::Authorize | ChangeState::Scheduled
    );
    // What goes without being asked for must fit its model at every question, also when a part of it has gone.
    let loses_model = change.kind == ChangeKind::Standard && kind == ChangeKind::Normal;
    if (!settled || loses_model) && (kind, &model) != (change.kind, &change.model) {
        let change = change.number;
        draft.push(event::KindSet { change, kind, model, because });
    }
}

/// The first earned model, by name, whose scope covers every service of the change, that is for such a risk, and whose
/// evidence is there.
fn fitting_model(
    standing: &Standing,
    change: &Change,
    risk: Option<RiskLevel>,
) -> Option<ModelName> {
    let organisation = &standing.organisation;
    let targets = change::targets_of(change, organisation);
    let present: BTreeSet<&str> =
        change.evidence.iter().map(|evidence| evidence.kind.as_str()).collect();
    organisation
        .models
        .values()
        .find(|model| {
            let record = standing.models.get(&model.name);
            let earned = record.map_or(model.earned_after == 0, |record| record.earned);
            earned
                && risk.is_none_or(|risk| risk <= model.max_risk)
                && targets.iter().all(|target| model.scope.covers(target))
                && model.evidence.iter().all(|kind| present.contains(kind.as_str()))
        })
        .map(|model| model.name.clone())
}
