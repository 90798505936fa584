//! Events of incidents, on the streams `incident/<number>`, and what each makes of an incident.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Incident, IncidentState, Resolution};
use crate::event::Event;
use crate::ids::{ChangeNumber, DeploymentNumber, IncidentNumber, ServiceName};
use crate::standing::Standing;

/// An incident became known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its number.
    pub incident: IncidentNumber,
    /// What told of it: see [`Incident::source`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it is about.
    pub title: String,
    /// The services that suffer.
    pub services: BTreeSet<ServiceName>,
    /// Their environment, in the word of whoever told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Severity, in the word of whoever told of it.
    #[serde(default)]
    pub severity: String,
    /// The change that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// The deployment that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentNumber>,
    /// What else is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// It is worked on, or waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The incident.
    pub incident: IncidentNumber,
    /// Where it stands now; not at its end.
    pub state: IncidentState,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The interruption is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The incident.
    pub incident: IncidentNumber,
    /// How.
    pub resolution: Resolution,
    /// In words.
    pub note: String,
}

/// An incident became known; version 1, from before they had numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedV1 {
    /// Link and id at its system: `pagerduty:Q1234`.
    pub id: String,
    /// The service.
    pub service: ServiceName,
    /// Its environment, in the sender's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What it is about.
    pub title: String,
    /// Severity, in the sender's word.
    #[serde(default)]
    pub severity: String,
}

/// An incident is over; version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedV1 {
    /// See [`OpenedV1::id`].
    pub id: String,
}

/// The incident that an event is about, given the standing before it. One that had no number gets the next.
pub(crate) fn number_of(event: &Event, before: &Standing) -> Option<IncidentNumber> {
    match event {
        Event::IncidentOpened(event) => Some(event.incident),
        Event::IncidentMoved(event) => Some(event.incident),
        Event::IncidentResolved(event) => Some(event.incident),
        Event::IncidentOpenedV1(event) => {
            let known = before.incident_from(&event.id).map(|incident| incident.number);
            Some(known.unwrap_or_else(|| before.next_incident()))
        }
        Event::IncidentResolvedV1(event) => {
            before.incident_from(&event.id).map(|incident| incident.number)
        }
        // The one fall-through: everything else is about none.
        _ => None,
    }
}

/// What an event makes of the incident `number`.
pub fn apply(
    before: Option<&Incident>,
    number: IncidentNumber,
    event: &Event,
    at: Timestamp,
) -> Option<Incident> {
    match event {
        Event::IncidentOpened(event) => Some(Incident {
            number,
            source: event.source.clone(),
            state: IncidentState::New,
            title: event.title.clone(),
            services: event.services.clone(),
            environment: event.environment.clone(),
            severity: event.severity.clone(),
            change: event.change,
            deployment: event.deployment,
            note: event.note.clone(),
            resolution: None,
            opened_at: at,
            updated_at: at,
            resolved_at: None,
        }),
        Event::IncidentOpenedV1(event) => Some(Incident {
            number,
            source: Some(event.id.clone()),
            state: IncidentState::New,
            title: event.title.clone(),
            services: std::iter::once(event.service.clone()).collect(),
            environment: event.environment.clone(),
            severity: event.severity.clone(),
            change: None,
            deployment: None,
            note: String::new(),
            resolution: None,
            opened_at: at,
            updated_at: at,
            resolved_at: None,
        }),
        Event::IncidentMoved(event) => before.map(|before| Incident {
            state: event.state,
            note: event.note.clone(),
            updated_at: at,
            ..before.clone()
        }),
        Event::IncidentResolved(event) => {
            before.map(|before| ended(before, event.resolution, &event.note, at))
        }
        Event::IncidentResolvedV1(_) => {
            before.map(|before| ended(before, Resolution::Recovered, "", at))
        }
        // The one fall-through: everything else alters none.
        _ => None,
    }
}

fn ended(before: &Incident, resolution: Resolution, note: &str, at: Timestamp) -> Incident {
    Incident {
        state: IncidentState::Resolved,
        resolution: Some(resolution),
        note: note.to_owned(),
        updated_at: at,
        resolved_at: Some(at),
        ..before.clone()
    }
}
