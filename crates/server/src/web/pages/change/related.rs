//! What belongs to a change: evidence, deployments, similar changes, where it comes from, what is owed.

use std::collections::BTreeSet;

use sluice_core::change::{Change, DebtKind};
use sluice_core::deployment::{Deployment, DeploymentState, waited_for};
use sluice_core::facts::GateFacts;
use sluice_core::permission::Permission;
use sluice_engine::store::{ChangeFilter, DeploymentFilter, Page};

use crate::problem::Problem;
use crate::web::page::address;
use crate::web::pages::flow::version;
use crate::web::visit::{Visit, read, time};
use crate::web::{Markup, marks, moment, w};

/// One piece of evidence.
pub(super) struct EvidenceLine {
    pub(super) mark: Markup,
    pub(super) kind: String,
    pub(super) name: Markup,
    /// Where it is shown.
    pub(super) address: String,
    /// Whether the person who looks has opened it at this revision.
    pub(super) opened: bool,
    pub(super) digest: Option<String>,
    pub(super) required: bool,
}

/// One deployment.
pub(super) struct DeploymentLine {
    pub(super) number: String,
    pub(super) service: String,
    pub(super) version: String,
    pub(super) state: Markup,
    pub(super) started: Option<Markup>,
    pub(super) took: Option<String>,
    pub(super) note: String,
    /// Where it runs: until when its outcome is waited for.
    pub(super) until: Option<Markup>,
    /// Whether the person who looks may end it.
    pub(super) may_end: bool,
}

/// An earlier change of the same service.
pub(crate) struct Similar {
    pub(crate) number: String,
    pub(super) title: String,
    pub(crate) ended: Markup,
    pub(super) updated: Markup,
}

/// One fact about where it comes from.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: Markup,
    pub(super) is_code: bool,
}

/// Something owed.
pub(super) struct DebtLine {
    pub(super) word: &'static str,
    pub(super) of: String,
    pub(super) mark: Markup,
    pub(super) due: Markup,
}

pub(super) fn evidence(
    visit: &Visit,
    change: &Change,
    facts: Option<&GateFacts>,
) -> Vec<EvidenceLine> {
    let person = visit.caller.person.as_ref();
    let required: BTreeSet<&String> =
        facts.into_iter().flat_map(|facts| facts.evidence.required.keys()).collect();
    let lines = change.evidence.iter().enumerate().map(|(at, evidence)| EvidenceLine {
        mark: super::talk::status(evidence.status),
        kind: evidence.kind.replace('_', " "),
        name: plain(&evidence.name),
        address: format!("/changes/{}/evidence/{at}", change.number),
        opened: change.looks.iter().any(|look| {
            Some(&look.person) == person
                && look.revision == change.revision.digest
                && (&look.kind, &look.name) == (&evidence.kind, &evidence.name)
        }),
        digest: evidence.digest.as_ref().map(|digest| short(digest.as_str())),
        required: required.contains(&evidence.kind),
    });
    lines.collect()
}

fn plain(text: &str) -> Markup {
    askama::filters::Safe(format!("<bdi>{}</bdi>", crate::web::escape::escaped(text)))
}

/// The first digits of a digest.
pub(crate) fn short(digest: &str) -> String {
    digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect()
}

pub(super) fn deployments(visit: &Visit, change: &Change) -> Result<Vec<DeploymentLine>, Problem> {
    let filter =
        DeploymentFilter { change_number: Some(change.number.0), ..DeploymentFilter::default() };
    let page = Page { before: None, after: None, limit: 50 };
    let rows = read(visit.readers().deployments(&filter, page))?;
    let organisation = &visit.standing.organisation;
    Ok(rows
        .into_iter()
        .map(|row| {
            let body: Option<Deployment> = serde_json::from_str(&row.body).ok();
            let report = body.as_ref().and_then(|it| it.report.as_ref());
            let rollback = report.and_then(|report| report.rollback.as_ref());
            let note = rollback.map_or_else(
                || report.map(|report| report.note.clone()).unwrap_or_default(),
                |rollback| rollback.reason.clone(),
            );
            let running = body.as_ref().filter(|it| it.state == DeploymentState::Running);
            let until = running.map(|it| waited_for(it, organisation));
            DeploymentLine {
                until: until.map(|until| visit.when(until)),
                may_end: running.is_some_and(|it| {
                    let target = organisation.target(&it.service, &it.environment);
                    visit.caller.covers(Permission::ChangeEdit, &target)
                }),
                number: format!("DEP{:07}", row.number),
                version: body.as_ref().map_or_else(String::new, |it| {
                    version(it.version.as_deref(), it.commit.as_ref())
                }),
                service: row.service,
                state: marks::deployment(&row.state),
                started: row.started_us.map(|at| visit.when_us(at)),
                took: row
                    .started_us
                    .zip(row.finished_us)
                    .map(|(from, to)| moment::span_us(to - from)),
                note,
            }
        })
        .collect())
}

/// The form of an incident that begins with what a change knows.
pub(super) fn new_incident(visit: &Visit, change: &Change) -> Option<String> {
    let mut services = change.services.iter().map(|name| name.as_str());
    let first = services.next().unwrap_or_default();
    let others: Vec<&str> = services.collect();
    let parameters = [
        ("service", first),
        ("others", &others.join(", ")),
        ("environment", change.environment.as_str()),
        ("change", &change.number.to_string()),
    ];
    let may = visit.may(Permission::IncidentCreate);
    may.then(|| address("/incidents/new", &parameters))
}

pub(crate) fn similar(visit: &Visit, change: &Change) -> Result<Vec<Similar>, Problem> {
    let Some(service) = change.services.first() else { return Ok(Vec::new()) };
    let filter = ChangeFilter {
        service: Some(service.to_string()),
        environment: Some(change.environment.to_string()),
        ..ChangeFilter::default()
    };
    let page = Page { before: Some(change.number.0), after: None, limit: 6 };
    let rows = read(visit.readers().changes(&filter, page))?;
    Ok(rows
        .into_iter()
        .filter(|row| visit.sees(row.services.iter().map(String::as_str), &row.environment))
        .map(|row| Similar {
            number: format!("CHG{:07}", row.number),
            title: row.title,
            ended: row.outcome.as_deref().map_or_else(|| marks::state(&row.state), marks::outcome),
            updated: visit.when(time(row.updated_us)),
        })
        .collect())
}

pub(super) fn facts(change: &Change) -> Vec<Fact> {
    let origin = &change.origin;
    let mut facts = Vec::new();
    let mut add = |name, value: Option<&str>, is_code| {
        if let Some(value) = value {
            facts.push(Fact { name, value: plain(value), is_code });
        }
    };
    add(w::t("related.repository"), origin.repository.as_deref(), false);
    add(w::t("related.branch"), origin.branch.as_deref(), true);
    add(w::t("related.version"), change.version.as_deref(), true);
    let commit = origin.commits.last().map(|commit| commit.as_str());
    add(w::t("related.commit"), commit, true);
    let commits = origin.commits.len();
    let count = (commits > 1).then(|| commits.to_string());
    add(w::t("related.commits"), count.as_deref(), false);
    let lines = origin.lines_changed.map(w::thousands);
    add(w::t("related.lines_changed"), lines.as_deref(), false);
    let model = change.model.as_ref().map(|model| model.as_str());
    add(w::t("related.change_model"), model, false);
    add(w::t("related.revision"), Some(change.revision.digest.as_str()), true);
    for digest in change.artifacts.values().flatten().take(4) {
        add(w::t("related.artifact"), Some(digest.as_str()), true);
    }
    for run in change.runs.iter().rev().take(3) {
        let text = format!("{} {} #{}", run.system, run.id, run.attempt);
        let value = run.url.as_ref().map_or_else(|| plain(&text), |url| marks::outward(url, &text));
        facts.push(Fact { name: w::t("related.run"), value, is_code: false });
    }
    facts
}

pub(super) fn debts(visit: &Visit, change: &Change) -> Vec<DebtLine> {
    change
        .debts
        .iter()
        .map(|debt| DebtLine {
            word: match debt.kind {
                DebtKind::Approval => w::t("related.approval_afterwards"),
                DebtKind::Review => w::t("related.review"),
            },
            of: debt.of.clone(),
            mark: match debt.settled_at {
                Some(_) => marks::pill("ok", "check", w::t("related.given")),
                None if debt.due < visit.now => marks::pill("no", "clock", w::t("related.overdue")),
                None => marks::pill("wait", "clock", w::t("related.owed")),
            },
            due: visit.when(debt.settled_at.unwrap_or(debt.due)),
        })
        .collect()
}
