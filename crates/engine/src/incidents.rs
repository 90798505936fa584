//! Incidents and problems as people, pipelines and pages open, move, link and end them.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_core::ids::{ChangeNumber, EnvironmentName, IncidentNumber, ProblemNumber, ServiceName};
use sluice_core::incident::{self, Incident, IncidentState, Resolution};
use sluice_core::permission::Permission;
use sluice_core::problem::{self, Problem, ProblemState};
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

/// What is done to an incident that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentStep {
    /// It is worked on, or waits.
    Move(IncidentState),
    /// It is over.
    Resolve(Resolution),
}

/// What is done to a problem that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemStep {
    /// It stands elsewhere.
    Move(ProblemState),
    /// More belongs to it.
    Link(BTreeSet<IncidentNumber>, BTreeSet<ChangeNumber>),
    /// It is over.
    Resolve,
}

impl Engine {
    /// Opens an incident. Whoever opens one may see the services that it names.
    pub async fn open_incident(
        &self,
        caller: &Caller,
        mut opening: incident::Opening,
    ) -> Result<Answer<IncidentNumber>, EngineError> {
        caller.require(Permission::IncidentCreate)?;
        let asker = caller.clone();
        // What people tell of has no other source than them.
        opening.source = None;
        self.decide(caller, move |standing, _| {
            let unknown = by_own_name(standing, &mut opening);
            let environment = opening.environment.as_deref();
            let (services, permission) = (&opening.services, Permission::IncidentCreate);
            within(standing, &asker, permission, services, environment)?;
            let opened = incident::open(standing, opening)?;
            unknown.map_or(Ok(opened), Err)
        })
        .await
    }

    /// Moves an incident, or ends it.
    pub async fn advance_incident(
        &self,
        caller: &Caller,
        number: IncidentNumber,
        step: IncidentStep,
        note: String,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::IncidentEdit)?;
        let asker = caller.clone();
        self.decide(caller, move |standing, _| {
            let found = open_incident(standing, &asker, number)?;
            let events = match step {
                IncidentStep::Move(state) => incident::move_to(&found, state, note),
                IncidentStep::Resolve(how) => incident::resolve(&found, how, note),
            };
            events.map(|events| ((), events))
        })
        .await
    }

    /// Opens a problem.
    pub async fn open_problem(
        &self,
        caller: &Caller,
        mut opening: problem::Opening,
    ) -> Result<Answer<ProblemNumber>, EngineError> {
        caller.require(Permission::ProblemEdit)?;
        let asker = caller.clone();
        opening.source = None;
        self.decide(caller, move |standing, _| {
            within(standing, &asker, Permission::ProblemEdit, &opening.services, None)?;
            links_within(standing, &asker, &opening.incidents, &opening.changes)?;
            problem::open(standing, opening)
        })
        .await
    }

    /// Moves a problem, links more to it, or ends it.
    pub async fn advance_problem(
        &self,
        caller: &Caller,
        number: ProblemNumber,
        step: ProblemStep,
        note: String,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::ProblemEdit)?;
        let asker = caller.clone();
        self.decide(caller, move |standing, _| {
            let found = open_problem(standing, &asker, number)?;
            let events = match step {
                ProblemStep::Move(state) => problem::move_to(&found, state, note),
                ProblemStep::Link(incidents, changes) => {
                    links_within(standing, &asker, &incidents, &changes)?;
                    problem::link(standing, &found, &incidents, &changes)
                }
                ProblemStep::Resolve => problem::resolve(&found, note),
            };
            events.map(|events| ((), events))
        })
        .await
    }

    /// Whether an incident is open, and a caller may move and end it.
    pub fn may_edit_incident(&self, caller: &Caller, number: IncidentNumber) -> bool {
        caller.may(Permission::IncidentEdit)
            && open_incident(&self.standing(), caller, number).is_ok()
    }

    /// Whether a problem is open, and a caller may move, link and end it.
    pub fn may_edit_problem(&self, caller: &Caller, number: ProblemNumber) -> bool {
        caller.may(Permission::ProblemEdit)
            && open_problem(&self.standing(), caller, number).is_ok()
    }

    /// Whether a caller may see what concerns all of these services: in an environment, or in each that there is.
    pub fn sees_disturbed(
        &self,
        caller: &Caller,
        services: &[String],
        environment: Option<&str>,
    ) -> bool {
        let permission = Permission::IncidentRead;
        let services: BTreeSet<ServiceName> =
            services.iter().filter_map(|name| ServiceName::parse(name).ok()).collect();
        within(&self.standing(), caller, permission, &services, environment).is_ok()
    }
}

/// An open incident that a caller may edit.
fn open_incident(
    standing: &Standing,
    caller: &Caller,
    number: IncidentNumber,
) -> Result<Arc<Incident>, Refusal> {
    let (known, permission) = (standing.incidents.get(&number), Permission::IncidentEdit);
    let theirs = known.filter(|known| {
        let environment = known.environment.as_deref();
        within(standing, caller, permission, &known.services, environment).is_ok()
    });
    theirs.cloned().ok_or_else(|| {
        if (1..=standing.incidents_counted).contains(&number.0) {
            let message = format!("{number} is over, or not yours to edit");
            return Refusal::conflict("incident_over", message, "open another one");
        }
        let message = format!("there is no incident {number}");
        Refusal::missing("incident_unknown", message, "check the number")
    })
}

/// Has an incident that people open name its environment by its own name; refused where nobody declared it. Neighbours may
/// have words of their own for it.
fn by_own_name(standing: &Standing, opening: &mut incident::Opening) -> Option<Refusal> {
    let asked = opening.environment.as_deref()?;
    if let Some(found) = standing.organisation.environment_named(asked) {
        opening.environment = Some(found.name.to_string());
        return None;
    }
    let message = format!("there is no environment `{asked}`");
    Some(Refusal::missing("environment_unknown", message, "name one that is declared, or none"))
}

/// An open problem that a caller may edit.
fn open_problem(
    standing: &Standing,
    caller: &Caller,
    number: ProblemNumber,
) -> Result<Arc<Problem>, Refusal> {
    let (known, permission) = (standing.problems.get(&number), Permission::ProblemEdit);
    let theirs =
        known.filter(|known| within(standing, caller, permission, &known.services, None).is_ok());
    theirs.cloned().ok_or_else(|| {
        if (1..=standing.problems_counted).contains(&number.0) {
            let message = format!("{number} is over, or not yours to edit");
            return Refusal::conflict("problem_over", message, "open another one");
        }
        let message = format!("there is no problem {number}");
        Refusal::missing("problem_unknown", message, "check the number")
    })
}

/// Nobody links to a problem what lies outside of where they may. What is over is history, and hangs on nothing.
fn links_within(
    standing: &Standing,
    caller: &Caller,
    incidents: &BTreeSet<IncidentNumber>,
    changes: &BTreeSet<ChangeNumber>,
) -> Result<(), Refusal> {
    let permission = Permission::ProblemEdit;
    let check = |number: String, services: &BTreeSet<ServiceName>, environment: Option<&str>| {
        within(standing, caller, permission, services, environment).map_err(|_| {
            // Its services are named to nobody who may not see it.
            let held = caller.told_scope(permission);
            let message = format!("`{permission}` holds for {held}, and {number} is about others");
            Refusal::forbidden("outside_scope", message, "ask whoever owns these services")
        })
    };
    for known in incidents.iter().filter_map(|number| standing.incidents.get(number)) {
        check(known.number.to_string(), &known.services, known.environment.as_deref())?;
    }
    for known in changes.iter().filter_map(|number| standing.changes.get(number)) {
        check(known.number.to_string(), &known.services, Some(known.environment.as_str()))?;
    }
    Ok(())
}

/// Nobody opens, sees or ends what lies outside of where they may. What names no environment that is known holds for
/// every one: whoever may in one of them may see it and open it, and who alters it may in all of them.
fn within(
    standing: &Standing,
    caller: &Caller,
    permission: Permission,
    services: &BTreeSet<ServiceName>,
    environment: Option<&str>,
) -> Result<(), Refusal> {
    if caller.everywhere(permission) {
        return Ok(());
    }
    let organisation = &standing.organisation;
    let named: Option<EnvironmentName> = environment
        .and_then(|name| organisation.environment_named(name))
        .map(|environment| environment.name.clone());
    let covers = |service: &ServiceName| match &named {
        Some(environment) => caller.covers(permission, &organisation.target(service, environment)),
        None => {
            let mut each = organisation.environments.values().map(|environment| {
                caller.covers(permission, &organisation.target(service, &environment.name))
            });
            match permission {
                Permission::IncidentEdit | Permission::ProblemEdit => {
                    each.len() > 0 && each.all(|is_covered| is_covered)
                }
                _ => each.any(|is_covered| is_covered),
            }
        }
    };
    if !services.is_empty() && services.iter().all(covers) {
        return Ok(());
    }
    let held = caller.told_scope(permission);
    let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
    let message =
        format!("`{permission}` holds for {held}, and this is about {}", names.join(", "));
    Err(Refusal::forbidden("outside_scope", message, "ask whoever owns these services"))
}
