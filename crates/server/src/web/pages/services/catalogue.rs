//! The catalogue as a list, and the versions of each service in each environment.

use std::sync::Arc;

use sluice_core::deployment::Place;
use sluice_core::ids::ServiceName;
use sluice_core::organisation::Service;
use sluice_core::permission::Permission;

use crate::web::pages::flow::lanes::environments;
use crate::web::pages::flow::version;
use crate::web::visit::Visit;
use crate::web::{Markup, marks};

/// Services on one page.
const PAGE: usize = 100;

/// One service in the list.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) owner: String,
    pub(super) tier: String,
    pub(super) class: String,
    pub(super) version: Option<String>,
    pub(super) since: Option<Markup>,
    pub(super) strip: Option<Markup>,
    pub(super) open: usize,
    pub(super) needs: usize,
    pub(super) needed_by: usize,
}

/// One service in the matrix.
pub(super) struct MatrixRow {
    pub(super) name: String,
    pub(super) cells: Vec<Option<MatrixCell>>,
}

/// One service in one environment.
pub(super) struct MatrixCell {
    pub(super) version: String,
    pub(super) since: Option<Markup>,
    pub(super) failed: Option<Markup>,
    /// Whether the environment before it runs another version.
    pub(super) behind: bool,
}

/// The services that fit, by name.
pub(super) fn find(visit: &Visit, team: &str, q: &str) -> Vec<Arc<Service>> {
    let wanted = q.to_lowercase();
    let environments = &visit.standing.organisation.environments;
    visit
        .standing
        .organisation
        .services
        .values()
        .filter(|it| team.is_empty() || it.owner.as_str() == team)
        .filter(|it| {
            wanted.is_empty()
                || it.name.as_str().to_lowercase().contains(&wanted)
                || it.title.to_lowercase().contains(&wanted)
        })
        .filter(|it| {
            visit.everywhere(Permission::OrganisationRead)
                || environments.keys().any(|name| visit.sees([it.name.as_str()], name.as_str()))
        })
        .cloned()
        .collect()
}

/// One page of them, and after which name the next one begins.
pub(super) fn cut(found: &[Arc<Service>], after: &str) -> (Vec<Arc<Service>>, Option<String>) {
    let from = found.partition_point(|it| it.name.as_str() <= after);
    let from = if after.is_empty() { 0 } else { from };
    let shown: Vec<Arc<Service>> = found.iter().skip(from).take(PAGE).cloned().collect();
    let more = found.len() > from + shown.len();
    let next = shown.last().map(|it| it.name.to_string()).filter(|_| more);
    (shown, next)
}

/// The last outcomes of a place.
pub(crate) fn strip(place: &Place) -> Option<Markup> {
    let states: Vec<&str> = place.recent.iter().map(|(_, state)| state.as_str()).collect();
    (!states.is_empty()).then(|| marks::strip(&states))
}

pub(super) fn entries(visit: &Visit, shown: &[Arc<Service>]) -> Vec<Entry> {
    let organisation = &visit.standing.organisation;
    let production = visit.production();
    shown
        .iter()
        .map(|service| {
            let production = production.as_ref();
            let place = production.and_then(|it| visit.place(&service.name, it));
            Entry {
                name: service.name.to_string(),
                title: service.title.clone(),
                owner: service.owner.to_string(),
                tier: service.tier.clone(),
                class: service.class.clone(),
                version: place
                    .filter(|place| place.since.is_some())
                    .map(|place| version(place.version.as_deref(), place.commit.as_ref())),
                since: place.and_then(|place| place.since).map(|at| visit.when(at)),
                strip: place.and_then(|place| strip(place)),
                open: open_of(visit, &service.name),
                needs: service.depends_on.len(),
                needed_by: organisation.dependents_of(&service.name).count(),
            }
        })
        .collect()
}

/// How many open changes of a service there are that may be seen.
fn open_of(visit: &Visit, service: &ServiceName) -> usize {
    let numbers = visit.standing.changes_of_service.get(service).into_iter().flatten();
    let open = numbers.filter_map(|number| visit.standing.changes.get(number));
    // One that is over can still owe a review: that is told by itself.
    open.filter(|change| !change.state.is_over() && visit.sees_change(change)).count()
}

pub(super) fn matrix(visit: &Visit, shown: &[Arc<Service>]) -> (Vec<String>, Vec<MatrixRow>) {
    let environments = environments(visit);
    let rows = shown.iter().map(|service| {
        let places: Vec<Option<&Arc<Place>>> = environments
            .iter()
            .map(|environment| visit.place(&service.name, &environment.name))
            .collect();
        let cells = places.iter().enumerate().map(|(at, place)| {
            let place = (*place)?;
            let before = at.checked_sub(1).and_then(|at| places.get(at).copied().flatten());
            let last = place.recent.last().map(|(_, state)| state.as_str());
            Some(MatrixCell {
                version: version(place.version.as_deref(), place.commit.as_ref()),
                since: place.since.map(|at| visit.when(at)),
                failed: last.filter(|state| *state != "succeeded").map(marks::deployment),
                behind: before.is_some_and(|before| before.commit != place.commit),
            })
        });
        MatrixRow { name: service.name.to_string(), cells: cells.collect() }
    });
    let rows = rows.collect();
    (environments.iter().map(|it| it.name.to_string()).collect(), rows)
}
