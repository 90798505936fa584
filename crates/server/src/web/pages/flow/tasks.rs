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

/// The most incidents of them.
const INCIDENTS: usize = 3;

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

pub(super) fn build(visit: &Visit, waiting: &[Arc<Change>], alerts: &Alerts) -> Vec<Task> {
    let mut tasks = approvals(visit, waiting);
    tasks.extend(incidents(visit, alerts));
    tasks.extend(debts(visit));
    tasks.truncate(MOST);
    tasks
}

fn approvals(visit: &Visit, waiting: &[Arc<Change>]) -> Vec<Task> {
    let Some(person) = &visit.caller.person else { return Vec::new() };
    if !visit.may(Permission::ChangeApprove) {
        return Vec::new();
    }
    let mine = waiting.iter().filter_map(|change| {
        let rule = waits_for(&visit.standing, change, person, visit.now)?;
        let verb = marks::pill("wait", "people", w::t("tasks.approve_or_reject"));
        Some(task(visit, change, verb, w::f("tasks.rule", &rule)))
    });
    mine.take(MOST).collect()
}

fn debts(visit: &Visit) -> Vec<Task> {
    let teams = visit.my_teams();
    let standing = &visit.standing;
    let owing = standing.owing.iter().filter(|(team, _)| teams.contains(team.as_str()));
    let changes = owing.flat_map(|(_, numbers)| numbers.iter());
    let mut tasks = Vec::new();
    for change in changes.filter_map(|number| standing.changes.get(number)) {
        for debt in change.owed() {
            let word = match debt.kind {
                DebtKind::Approval => w::t("tasks.approval_owed"),
                DebtKind::Review => w::t("tasks.review_owed"),
            };
            let overdue = debt.due < visit.now;
            let verb = marks::pill(if overdue { "no" } else { "info" }, "eye", word);
            let why = if overdue { w::t("tasks.overdue") } else { w::t("tasks.due_soon") };
            tasks.push(task(visit, change, verb, why.to_owned()));
        }
        if tasks.len() >= MOST {
            break;
        }
    }
    tasks
}

/// Incidents that nobody has looked at, for those who may: of their teams' services, or of all where they may everywhere.
fn incidents(visit: &Visit, alerts: &Alerts) -> Vec<Task> {
    let teams = visit.my_teams();
    let everywhere = visit.everywhere(Permission::IncidentEdit);
    let services = &visit.standing.organisation.services;
    let is_mine = |incident: &Incident| {
        let mut owners = incident.services.iter().filter_map(|name| services.get(name));
        everywhere || owners.any(|service| teams.contains(service.owner.as_str()))
    };
    let fresh = alerts.open.iter().filter(|it| it.state == IncidentState::New && is_mine(it));
    let mine = fresh.filter(|it| visit.app.engine.may_edit_incident(&visit.caller, it.number));
    mine.take(INCIDENTS).map(|incident| look(visit, incident)).collect()
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
