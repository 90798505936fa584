//! What is owed to neighbours: effects of events become rows of the outbox, in the transaction of the events.
//!
//! Where no link wants to be told, this costs a look at the name of the event.

use std::sync::Arc;

use sluice_core::change::Change;
use sluice_core::deployment::Deployment;
use sluice_core::effect::{self, Around, Effect, ItemCard, Subject, Subscription, Tell};
use sluice_core::event::Event;
use sluice_core::ids::{ChangeNumber, EnvironmentName, LinkName, ServiceName};
use sluice_core::incident::Incident;
use sluice_core::organisation::event::ItemDeclared;
use sluice_core::organisation::{Item, Link};
use sluice_core::problem::Problem;
use sluice_core::standing::{Actor, Recorded, Standing};
use sluice_core::stop::Stop;
use sluice_store::Row;
use sluice_store::rows::EffectRow;

/// The effects of one commit. What a later one of them makes superfluous is not told.
#[derive(Debug, Default)]
pub(crate) struct Owing {
    /// With the one link that is told, where it is not each that wants to be.
    effects: Vec<(Option<LinkName>, Effect)>,
}

/// What an event ends, as it stands before.
#[derive(Debug, Default)]
pub(crate) struct Before {
    deployment: Option<Arc<Deployment>>,
    stop: Option<Arc<Stop>>,
    /// Whether the link that is declared wanted to be told of items already.
    items_wanted: bool,
}

impl Before {
    pub(crate) fn of(standing: &Standing, event: &Event) -> Self {
        let mut before = Self::default();
        match event {
            Event::DeploymentEnded(event) => {
                before.deployment = standing.deployments.get(&event.deployment).cloned();
            }
            Event::StopLifted(event) => before.stop = standing.stops.get(&event.stop).cloned(),
            Event::ItemDeclared(event) => {
                if let Item::Link(link) = &event.item {
                    let known = standing.organisation.links.get(link.name.as_str());
                    before.items_wanted = known.is_some_and(|known| wants_items(known));
                }
            }
            _ => {}
        }
        before
    }
}

/// What an event altered, as it stands after it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Altered<'a> {
    pub(crate) change: Option<&'a Change>,
    pub(crate) incident: Option<&'a Incident>,
    pub(crate) problem: Option<&'a Problem>,
}

fn wants_items(link: &Link) -> bool {
    link.tell.as_ref().is_some_and(|tell| tell.about.contains(&Subject::Item))
}

/// Whether anybody wants to be told anything.
pub(crate) fn anybody(standing: &Standing) -> bool {
    standing.organisation.links.values().any(|link| link.tell.is_some())
}

/// Whether somebody comes to be told by these events.
pub(crate) fn somebody_new(events: &[Event]) -> bool {
    events.iter().any(|event| match event {
        Event::ItemDeclared(ItemDeclared { item: Item::Link(link), .. }) => link.tell.is_some(),
        _ => false,
    })
}

impl Owing {
    /// Takes in an event, with what was found around it.
    pub(crate) fn see(
        &mut self,
        standing: &Standing,
        recorded: &Recorded,
        altered: &Altered<'_>,
        before: &Before,
    ) {
        let (event, change) = (&recorded.event, altered.change);
        self.owe_items(standing, recorded, before);
        if effect::tell_of(event).is_none() {
            return;
        }
        let known = |number: Option<ChangeNumber>| {
            number.and_then(|number| standing.changes.get(&number)).map(AsRef::as_ref)
        };
        let change = match event {
            // These name their change; it is not altered by them in the standing's view of it.
            Event::DeploymentEnded(ended) => change.or_else(|| known(ended.change)),
            Event::DeploymentCorrected(corrected) => {
                change.or_else(|| known(corrected.deployment.change))
            }
            _ => change,
        };
        let around = Around {
            change,
            deployment: before.deployment.as_deref(),
            stop: before.stop.as_deref(),
            incident: altered.incident,
            problem: altered.problem.or_else(|| {
                let incident = altered.incident?;
                standing.problem_with(incident.number).map(AsRef::as_ref)
            }),
            link: match &recorded.actor {
                Actor::Link(link) => Some(link),
                Actor::Person(_) | Actor::Pipeline(_) | Actor::Sluice => None,
            },
        };
        for effect in effect::effects(event, recorded.index, recorded.at, around) {
            self.effects.retain(|(to, earlier)| {
                let same = to.is_none() && earlier.entity == effect.entity;
                !same || !earlier.tell.is_superseded_by(effect.tell)
            });
            self.effects.push((None, effect));
        }
    }

    /// A link that begins to be told of items is told of every one.
    fn owe_items(&mut self, standing: &Standing, recorded: &Recorded, before: &Before) {
        let Event::ItemDeclared(ItemDeclared { item: Item::Link(link), .. }) = &recorded.event
        else {
            return;
        };
        if before.items_wanted || !wants_items(link) {
            return;
        }
        for service in standing.organisation.services.values() {
            // Declared at once with the link, it is told to all who want to be told.
            let entity = ItemCard::entity(&service.name);
            if self.effects.iter().any(|(to, earlier)| to.is_none() && earlier.entity == entity) {
                continue;
            }
            let key = format!("{}:{}:{}", recorded.index, link.name, service.name);
            let mut effect =
                Effect::aside(String::new(), key, Tell::ItemDeclared, recorded.at, String::new());
            effect.declared(service);
            self.effects.push((Some(link.name.clone()), effect));
        }
    }

    /// The rows: one for each effect and link that subscribes to it.
    pub(crate) fn rows(self, standing: &Standing) -> Vec<Row> {
        let mut rows = Vec::new();
        for (to, effect) in self.effects {
            let links = standing.organisation.links.values();
            let links = links.filter(|link| to.as_ref().is_none_or(|to| *to == link.name));
            let links = links.filter(|link| wants(standing, link, &effect));
            rows.extend(links.map(|link| owed(&link.name, &effect)));
        }
        rows
    }
}

/// That a link is owed an effect.
pub(crate) fn owed(link: &LinkName, effect: &Effect) -> Row {
    let body = serde_json::to_string(effect)
        .unwrap_or_else(|error| unreachable!("an effect has a JSON form: {error}"));
    Row::Effect(EffectRow {
        link: link.to_string(),
        entity: effect.entity.clone(),
        effect_key: effect.key.clone(),
        kind: effect.tell.as_str().to_owned(),
        body,
        next_us: effect.at.as_microsecond(),
        created_us: effect.at.as_microsecond(),
    })
}

/// Whether a link is told of this.
pub(crate) fn wants(standing: &Standing, link: &Link, effect: &Effect) -> bool {
    let Some(Subscription { about, scope }) = &link.tell else { return false };
    // Who cannot be told is not told of that.
    let source = effect.incident.as_ref().and_then(|incident| incident.source.as_deref());
    let of_itself = source == Some(incident_of(link.name.as_str()).as_str());
    if !about.contains(&effect.tell.subject()) || of_itself {
        return false;
    }
    if scope.is_everything() {
        return true;
    }
    let organisation = &standing.organisation;
    let lies_in = |service: &ServiceName, environment: &EnvironmentName| {
        scope.covers(&organisation.target(service, environment))
    };
    if let Some(environment) = &effect.environment {
        return effect.services.iter().any(|service| lies_in(service, environment));
    }
    // Whatever names no environment holds in all of them.
    let anywhere = |service: &ServiceName| {
        organisation.environments.values().any(|it| lies_in(service, &it.name))
    };
    match &effect.scope {
        Some(stop) if stop.services.is_empty() => scope.overlaps(stop),
        Some(stop) => {
            let named = stop.services.iter().filter_map(|name| ServiceName::parse(name).ok());
            scope.overlaps(stop) && named.into_iter().any(|service| anywhere(&service))
        }
        None => effect.services.is_empty() || effect.services.iter().any(anywhere),
    }
}

/// Begins the ids of incidents about links.
const LINK: &str = "sluice:link/";

/// The id of the incident that stands for a link which could not be told something.
pub(crate) fn incident_of(link: &str) -> String {
    format!("{LINK}{link}")
}

/// The link that an incident of this id stands for.
pub(crate) fn link_of_incident(id: &str) -> Option<&str> {
    id.strip_prefix(LINK)
}
