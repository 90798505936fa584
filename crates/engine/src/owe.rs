//! What is owed to neighbours: effects of events become rows of the outbox, in the transaction of the events.
//!
//! Where no link wants to be told, this costs a look at the name of the event.

use std::sync::Arc;

use sluice_core::change::Change;
use sluice_core::deployment::Deployment;
use sluice_core::effect::{self, Around, Effect, Subscription};
use sluice_core::event::Event;
use sluice_core::ids::LinkName;
use sluice_core::organisation::Link;
use sluice_core::standing::{Recorded, Standing};
use sluice_store::Row;
use sluice_store::rows::EffectRow;

/// The effects of one commit. What a later one of them makes superfluous is not told.
#[derive(Debug, Default)]
pub(crate) struct Owing {
    effects: Vec<Effect>,
}

/// The deployment that an event ends, as it stands before.
pub(crate) fn deployment_before(standing: &Standing, event: &Event) -> Option<Arc<Deployment>> {
    match event {
        Event::DeploymentEnded(event) => standing.deployments.get(&event.deployment).cloned(),
        _ => None,
    }
}

/// Whether anybody wants to be told anything.
pub(crate) fn anybody(standing: &Standing) -> bool {
    standing.organisation.links.values().any(|link| link.tell.is_some())
}

impl Owing {
    /// Takes in an event, with what was found around it.
    pub(crate) fn see(
        &mut self,
        standing: &Standing,
        recorded: &Recorded,
        change: Option<&Change>,
        deployment: Option<&Deployment>,
    ) {
        let event = &recorded.event;
        if effect::tell_of(event).is_none() {
            return;
        }
        let around = match event {
            // These name their change; it is not altered by them in the standing's view of it.
            Event::DeploymentEnded(ended) if change.is_none() => ended
                .change
                .and_then(|number| standing.changes.get(&number))
                .map_or_else(Around::default, |change| Around { change: Some(change), deployment }),
            _ => Around { change, deployment },
        };
        let Some(effect) = effect::effect(event, recorded.index, recorded.at, around) else {
            return;
        };
        self.effects.retain(|earlier| {
            earlier.entity != effect.entity || !earlier.tell.is_superseded_by(effect.tell)
        });
        self.effects.push(effect);
    }

    /// The rows: one for each effect and link that subscribes to it.
    pub(crate) fn rows(self, standing: &Standing) -> Vec<Row> {
        let mut rows = Vec::new();
        for effect in self.effects {
            let links = standing.organisation.links.values();
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

fn wants(standing: &Standing, link: &Link, effect: &Effect) -> bool {
    let Some(Subscription { about, scope }) = &link.tell else { return false };
    // Who cannot be told is not told of that.
    let of_itself = effect.entity == format!("incident/{}", incident_of(link.name.as_str()));
    if !about.contains(&effect.tell.subject()) || of_itself {
        return false;
    }
    let Some(environment) = effect.environment.as_ref().filter(|_| !scope.is_everything()) else {
        return true;
    };
    let organisation = &standing.organisation;
    effect.services.iter().any(|name| scope.covers(&organisation.target(name, environment)))
}

/// The id of the incident that stands for a link which could not be told something.
pub(crate) fn incident_of(link: &str) -> String {
    format!("sluice:link/{link}")
}
