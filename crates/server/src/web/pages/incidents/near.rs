//! Incidents beside other things: at the gates that their services stand before, on a service, on a change.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::ids::ServiceName;
use sluice_core::incident::Incident;
use sluice_core::permission::Permission;
use sluice_engine::store::{IncidentFilter, Page};

use super::{Line, incident_of, line};
use crate::problem::Problem;
use crate::web::visit::{Visit, read};

/// The most incidents of a change that are named.
const OF_CHANGE: u32 = 20;

/// Open incidents that the person who looks may see, by the places that suffer.
pub(crate) struct Alerts {
    pub(crate) open: Vec<Arc<Incident>>,
    /// Service, and its environment where that is known: the numbers of its incidents.
    by_place: BTreeMap<(String, Option<String>), Vec<String>>,
}

impl Alerts {
    pub(crate) fn build(visit: &Visit) -> Self {
        let mut by_place: BTreeMap<(String, Option<String>), Vec<String>> = BTreeMap::new();
        let open = all(visit).collect::<Vec<_>>();
        for incident in &open {
            let named = incident.environment.as_deref();
            let environment =
                named.and_then(|name| visit.standing.organisation.environment_named(name));
            for service in &incident.services {
                let environment = environment.map(|environment| environment.name.to_string());
                let place = (service.to_string(), environment);
                by_place.entry(place).or_default().push(incident.number.to_string());
            }
        }
        Self { open, by_place }
    }

    /// The incidents of a service in an environment; without one, those that name none that is known.
    pub(crate) fn at(&self, service: &str, environment: Option<&str>) -> Vec<String> {
        let place = (service.to_owned(), environment.map(str::to_owned));
        self.by_place.get(&place).cloned().unwrap_or_default()
    }
}

/// Open incidents of a service, newest first.
pub(crate) fn open_of(visit: &Visit, service: &ServiceName) -> Vec<Arc<Incident>> {
    all(visit).filter(|incident| incident.services.contains(service)).collect()
}

/// Incidents that came with a change, newest first.
pub(crate) fn of_change(visit: &Visit, number: u64) -> Result<Vec<Line>, Problem> {
    if !visit.may(Permission::IncidentRead) {
        return Ok(Vec::new());
    }
    let filter = IncidentFilter { change_number: Some(number), ..IncidentFilter::default() };
    let page = Page { before: None, after: None, limit: OF_CHANGE };
    let rows = read(visit.readers().incidents(&filter, page))?;
    let seen = rows.iter().filter_map(incident_of).filter(|it| visit.sees_incident(it));
    Ok(seen.map(|it| line(visit, &it)).collect())
}

fn all(visit: &Visit) -> impl Iterator<Item = Arc<Incident>> {
    let may = visit.may(Permission::IncidentRead);
    let open = visit.standing.incidents.values().rev().filter(move |_| may);
    open.filter(move |incident| visit.sees_incident(incident)).cloned()
}
