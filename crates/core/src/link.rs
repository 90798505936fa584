//! Events about links, on the streams `link/<name>`: what people do with them, and what could not be told.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{IncidentNumber, LinkName, PersonId, ServiceName};
use crate::incident::{self, Resolution};
use crate::organisation::Link;
use crate::standing::Standing;

/// So long before a credential expires somebody is told.
const IN_ADVANCE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Begins the ids of incidents about credentials.
const CREDENTIAL: &str = "sluice:credential/";

/// Who has the last word on how the records of one kind stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// We have; what is done over there by hand is recorded as a difference.
    Native,
    /// Both sides have; where both have altered the same, nobody overwrites the other.
    Mirrored,
    /// They have; what they say counts here, and they are not moved by us.
    Foreign,
}

/// When a credential is no longer taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// Its name in the link.
    pub credential: String,
    /// From then on.
    pub at: Timestamp,
    /// Whether it is time to do something about it.
    pub soon: bool,
}

/// The credential of a link that expires first, as far as is known.
pub fn first_expiring(link: &Link, now: Timestamp) -> Option<Expiring> {
    expiring(link, now).min_by_key(|expiring| expiring.at)
}

/// When the credentials of a link expire, as far as is known.
pub fn expiring(link: &Link, now: Timestamp) -> impl Iterator<Item = Expiring> + '_ {
    link.credential_expires.iter().filter_map(move |(name, day)| {
        let at = begins(*day)?;
        let soon = now >= at.checked_sub(IN_ADVANCE).unwrap_or(at);
        Some(Expiring { credential: name.clone(), at, soon })
    })
}

/// Midnight in UTC: whoever means another zone is warned some hours early.
fn begins(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Incidents about credentials that expire soon are opened in advance, and end when the date is another one.
pub fn due(standing: &Standing, now: Timestamp) -> Vec<Event> {
    let Ok(service) = ServiceName::parse("sluice") else { return Vec::new() };
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for link in standing.organisation.links.values() {
        for Expiring { credential, at, .. } in expiring(link, now).filter(|one| one.soon) {
            let day = at.strftime("%Y-%m-%d");
            let title = format!("`{credential}` of the link `{}` expires on {day}", link.name);
            wanted.insert(format!("{CREDENTIAL}{}/{credential}", link.name), title);
        }
    }
    // One that speaks of another day is over, and another one begins.
    let says = |source: &str, title: &String| {
        standing.incident_from(source).is_some_and(|open| open.title == *title)
    };
    let open = standing.incidents_by_source.iter().filter(|(id, _)| id.starts_with(CREDENTIAL));
    let over = open.filter(|(id, _)| wanted.get(*id).is_none_or(|title| !says(id, title)));
    let over = over.map(|(_, number)| incident::event::Resolved {
        incident: *number,
        resolution: Resolution::Recovered,
        note: "the credential is another one, or holds longer".to_owned(),
    });
    let mut events: Vec<Event> = over.map(Event::from).collect();
    let opened = wanted.into_iter().filter(|(id, title)| !says(id, title));
    for ((source, title), number) in opened.zip(standing.next_incident().0..) {
        let opened = incident::event::Opened {
            incident: IncidentNumber(number),
            source: Some(source),
            title,
            services: std::iter::once(service.clone()).collect(),
            environment: None,
            severity: "warning".to_owned(),
            change: None,
            deployment: None,
            note: String::new(),
        };
        events.push(opened.into());
    }
    events
}

/// Nothing is sent by this link until it is resumed; what is owed is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPaused {
    /// The link.
    pub link: LinkName,
    /// Who paused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// Why.
    pub because: String,
}

/// It is told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkResumed {
    /// The link.
    pub link: LinkName,
}

/// A neighbour could not be told, and nobody tries again by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectGivenUp {
    /// The link.
    pub link: LinkName,
    /// The record it was about.
    pub entity: String,
    /// Key of the effect.
    pub key: String,
    /// One of the closed set of reasons: `client`, `auth`, `rate_limited`, `server`, `timeout`, `unreachable`.
    pub reason: String,
    /// In words. Quotes nothing that the neighbour said.
    pub detail: String,
}

/// What was given up is tried again by a person's wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectsReplayed {
    /// The link.
    pub link: LinkName,
    /// How many.
    pub count: u64,
}

/// The neighbour has a record of its own for one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRecorded {
    /// The link.
    pub link: LinkName,
    /// Our record: `CHG0000042`.
    pub entity: String,
    /// What it is over there: `change_request`, `check_run`, `thread`.
    pub name: String,
    /// Its id over there.
    pub value: String,
}

/// Both sides say something else of one record. Nothing was overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The link.
    pub link: LinkName,
    /// Our record.
    pub entity: String,
    /// What they differ in: `state`, `approval`.
    pub about: String,
    /// What we say.
    pub ours: String,
    /// What they say.
    pub theirs: String,
}
