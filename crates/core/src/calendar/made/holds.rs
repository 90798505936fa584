//! What a window would hold, before anybody makes it so.

use jiff::Timestamp;

use crate::calendar::{Occurrence, Window, WindowKind};
use crate::deployment::DeploymentState;
use crate::ids::{ChangeNumber, DeploymentNumber, EnvironmentName, ServiceName};
use crate::scope::Target;
use crate::standing::Standing;

/// The next occurrences that are told.
const NEXT: usize = 5;

/// What a window speaks of, as things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The next times it is in force, the present one first.
    pub next: Vec<Occurrence>,
    /// Whether it is in force now.
    pub in_force: bool,
    /// Whether it would hold a deployment that is asked for now: a freeze in force, a release window that is not.
    pub holds_now: bool,
    /// Services and environments it speaks of.
    pub places: usize,
    /// The services among them, by name.
    pub services: Vec<ServiceName>,
    /// Open changes to them that are not deployed yet.
    pub changes: Vec<ChangeNumber>,
    /// Deployments of them that run now.
    pub moving: Vec<DeploymentNumber>,
}

/// What a window would hold at `now`, as far as somebody `sees` it.
pub fn holds(
    standing: &Standing,
    window: &Window,
    now: Timestamp,
    sees: impl Fn(&Target) -> bool,
) -> Holding {
    let organisation = &standing.organisation;
    let covers = |service: &ServiceName, environment: &EnvironmentName| {
        let target = organisation.target(service, environment);
        window.scope.covers(&target) && sees(&target)
    };
    let next: Vec<Occurrence> = window.ahead(now).into_iter().take(NEXT).collect();
    let in_force = next.iter().any(|span| span.start <= now);
    let mut places = 0;
    let mut services = Vec::new();
    for service in organisation.services.values() {
        let runs = |environment: &&EnvironmentName| {
            service.environments.is_empty() || service.environments.contains(*environment)
        };
        let covered = organisation.environments.keys().filter(runs);
        let count = covered.filter(|environment| covers(&service.name, environment)).count();
        if count > 0 {
            places += count;
            services.push(service.name.clone());
        }
    }
    let open = standing.changes.values().filter(|change| {
        !change.state.is_over()
            && change.services.iter().any(|service| covers(service, &change.environment))
    });
    let moving = standing.deployments.values().filter(|deployment| {
        deployment.state == DeploymentState::Running
            && covers(&deployment.service, &deployment.environment)
    });
    Holding {
        holds_now: match window.kind {
            WindowKind::Freeze => in_force,
            WindowKind::Release => !in_force,
            WindowKind::Maintenance => false,
        },
        next,
        in_force,
        places,
        services,
        changes: open.map(|change| change.number).collect(),
        moving: moving.map(|deployment| deployment.number).collect(),
    }
}
