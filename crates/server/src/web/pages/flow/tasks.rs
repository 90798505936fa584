//! What waits for the person who looks: approvals they could give, incidents that nobody has looked at, and what their
//! teams owe.

use std::sync::Arc;

use sluice_core::approvals::waits_for;
use sluice_core::change::{Change, DebtKind};
use sluice_core::incident::{Incident, IncidentState};
use sluice_core::permission::Permission;

use crate::web::pages::incidents::Alerts;
use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

/// The most tasks that are shown.
const MOST: usize = 8;

/// The most of one sort, where there are others as well.
const OF_A_SORT: usize = 2;

/// One thing to do.
pub(super) struct Task {
    pub(super) verb: Markup,
    pub(super) address: String,
    pub(super) number: String,
    pub(super) title: String,
    pub(super) place: String,
    pub(super) risk: Markup,
    pub(super) why: String,
    pub(super) since: Markup,
}

/// The first tasks, of each sort some.
pub(super) struct Tasks {
    pub(super) first: Vec<Task>,
    /// How many there are.
    pub(super) all: usize,
    /// Whether some that are not shown are changes, and whether some are incidents.
    pub(super) more: (bool, bool),
}

pub(super) fn build(visit: &Visit, waiting: &[Arc<Change>], alerts: &Alerts) -> Tasks {
    let sorts = [approvals(visit, waiting), incidents(visit, alerts), debts(visit)];
    let all = sorts.iter().map(Vec::len).sum();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for mut sort in sorts {
        rest.extend(sort.split_off(sort.len().min(OF_A_SORT)));
        first.extend(sort);
    }
    first.extend(rest);
    let more = first.split_off(first.len().min(MOST));
    let is_incident = |wish: &Wish| matches!(wish, Wish::Look(_));
    Tasks {
        first: first.into_iter().map(|wish| wish.task(visit)).collect(),
        all,
        more: (!more.iter().all(is_incident), more.iter().any(is_incident)),
    }
}

/// Something to do, before it is put in words.
enum Wish {
    Approve(Arc<Change>, String),
    Look(Arc<Incident>),
    Owe(Arc<Change>, DebtKind, bool),
}

impl Wish {
    fn task(self, visit: &Visit) -> Task {
        match self {
            Self::Approve(change, rule) => {
                let verb = marks::pill("wait", "people", w::t("tasks.approve_or_reject"));
                task(visit, &change, verb, w::f("tasks.rule", &rule))
            }
            Self::Look(incident) => look(visit, &incident),
            Self::Owe(change, kind, overdue) => {
                let word = match kind {
                    DebtKind::Approval => w::t("tasks.approval_owed"),
                    DebtKind::Review => w::t("tasks.review_owed"),
                };
                let verb = marks::pill(if overdue { "no" } else { "info" }, "eye", word);
                let why = if overdue { w::t("tasks.overdue") } else { w::t("tasks.due_soon") };
                task(visit, &change, verb, why.to_owned())
            }
        }
    }
}

fn approvals(visit: &Visit, waiting: &[Arc<Change>]) -> Vec<Wish> {
    let Some(person) = &visit.caller.person else { return Vec::new() };
    if !visit.may(Permission::ChangeApprove) {
        return Vec::new();
    }
    let mine = waiting.iter().filter_map(|change| {
        let rule = waits_for(&visit.standing, change, person, visit.now)?;
        Some(Wish::Approve(Arc::clone(change), rule.to_string()))
    });
    mine.collect()
}

fn debts(visit: &Visit) -> Vec<Wish> {
    let teams = visit.my_teams();
    let standing = &visit.standing;
    let owing = standing.owing.iter().filter(|(team, _)| teams.contains(team.as_str()));
    let changes = owing.flat_map(|(_, numbers)| numbers.iter());
    let changes = changes.filter_map(|number| standing.changes.get(number));
    let mut wishes: Vec<Wish> = changes
        .flat_map(|change| {
            let owed = change.owed();
            owed.map(|debt| Wish::Owe(Arc::clone(change), debt.kind, debt.due < visit.now))
        })
        .collect();
    wishes.sort_by_key(|wish| !matches!(wish, Wish::Owe(_, _, true)));
    wishes
}

/// Incidents that nobody has looked at, for those who may: of their teams' services, or of all where they may everywhere.
fn incidents(visit: &Visit, alerts: &Alerts) -> Vec<Wish> {
    let teams = visit.my_teams();
    let everywhere = visit.everywhere(Permission::IncidentEdit);
    let services = &visit.standing.organisation.services;
    let is_mine = |incident: &Incident| {
        let mut owners = incident.services.iter().filter_map(|name| services.get(name));
        everywhere || owners.any(|service| teams.contains(service.owner.as_str()))
    };
    let fresh = alerts.open.iter().filter(|it| it.state == IncidentState::New && is_mine(it));
    let mine = fresh.filter(|it| visit.app.engine.may_edit_incident(&visit.caller, it.number));
    mine.map(|incident| Wish::Look(Arc::clone(incident))).collect()
}

fn look(visit: &Visit, incident: &Incident) -> Task {
    let services: Vec<&str> = incident.services.iter().map(|name| name.as_str()).collect();
    let place = incident.environment.as_ref().map_or_else(String::new, |it| format!(" → {it}"));
    Task {
        verb: marks::pill("no", "alert", w::t("tasks.acknowledge")),
        address: format!("/incidents/{}", incident.number),
        number: incident.number.to_string(),
        title: incident.title.clone(),
        place: format!("{}{place}", services.join(", ")),
        risk: marks::severity(&incident.severity).unwrap_or_else(marks::none),
        why: w::t("tasks.nobody_has_looked_at_it").to_owned(),
        since: visit.when(incident.opened_at),
    }
}

fn task(visit: &Visit, change: &Change, verb: Markup, why: String) -> Task {
    let services: Vec<&str> = change.services.iter().map(|name| name.as_str()).collect();
    Task {
        verb,
        address: format!("/changes/{}#decide", change.number),
        number: change.number.to_string(),
        title: change.title.clone(),
        place: format!("{} → {}", services.join(", "), change.environment),
        risk: marks::risk(change.risk.as_ref().map_or("", |risk| risk.level.as_str())),
        why,
        since: visit.when(change.updated_at),
    }
}
