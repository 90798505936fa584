//! Gathering: everything a policy may look at, read from one standing at one moment.

mod barriers;
mod neighbours;
mod subject;
mod weight;

use std::collections::BTreeSet;

use jiff::Timestamp;
use sluice_core::calendar::Calendar;
use sluice_core::facts::{CallerFacts, ClockFacts, EvidenceFacts, GateFacts, Relation};
use sluice_core::gate::{Placement, Question};
use sluice_core::ids::{Digest, EnvironmentName, ServiceName};
use sluice_core::organisation::{Environment, Organisation};
use sluice_core::standing::{Standing, Topic};

use crate::caller::Caller;

/// How many related services are looked at for conflicts and incidents.
const RELATED: usize = 200;

/// What a question is gathered from.
pub(super) struct Gathering<'a> {
    pub(super) standing: &'a Standing,
    pub(super) calendar: &'a Calendar,
    pub(super) clock: ClockFacts,
    pub(super) caller: &'a Caller,
    /// Whether the caller may ask for all that the question speaks of.
    pub(super) in_scope: bool,
    pub(super) question: &'a Question,
    /// The declared environment, where the name is known.
    pub(super) environment: Option<&'a Environment>,
    /// The change, where a record is needed.
    pub(super) placement: Option<&'a Placement>,
    pub(super) policy: &'a Digest,
    pub(super) now: Timestamp,
}

/// Facts, and the topics they were read from.
pub(super) struct Gathered {
    pub(super) facts: GateFacts,
    pub(super) topics: BTreeSet<Topic>,
}

/// Whether service and environment both say that a change record is needed.
pub(super) fn is_controlled(
    organisation: &Organisation,
    question: &Question,
    environment: Option<&Environment>,
) -> bool {
    let services = std::iter::once(&question.service).chain(&question.services);
    let wanted = services
        .filter_map(|name| organisation.services.get(name))
        .any(|service| service.controlled);
    let known = organisation.services.contains_key(&question.service);
    // What is not declared is refused as such; no record is opened for a misspelt name.
    known && wanted && environment.is_some_and(|environment| environment.controlled)
}

impl Gathering<'_> {
    pub(super) fn gather(&self) -> Gathered {
        let organisation = &self.standing.organisation;
        let environment = self.environment_name();
        let target = organisation.target(&self.question.service, &environment);
        let service = organisation.services.get(&self.question.service).map(AsRef::as_ref);
        let related = self.related(service);
        let granted = self.exceptions(&target);
        let (stops, mut exceptions) = self.stops(&target, &granted.counting);
        let (calendar, freeze_exceptions) = self.calendar(&target, &granted.counting);
        exceptions.extend(freeze_exceptions);
        exceptions.extend(barriers::lifting(&granted.counting, "rule:"));
        let own_exceptions = granted.missed(&stops, &calendar);
        let place = self.standing.place(&self.question.service, &environment).map(AsRef::as_ref);
        let history = self.history(place);
        let incidents = self.incidents(&related);
        let mut facts = GateFacts {
            now: self.now,
            policy: self.policy.clone(),
            question: self.question.clone(),
            caller: CallerFacts {
                kind: self.caller.kind.as_str().to_owned(),
                person: self.caller.person.clone(),
                in_scope: self.in_scope,
            },
            registration: self.registration(service),
            stops,
            calendar,
            exceptions,
            own_exceptions,
            order: self.order(service, &environment),
            evidence: EvidenceFacts::default(),
            change: self.change(),
            risk: sluice_core::risk::RiskAssessment::default(),
            approval_rules: Vec::new(),
            approvals: sluice_core::facts::ApprovalFacts::default(),
            conflicts: self.conflicts(&related, &environment),
            incidents,
            denied_digests: self.denied_digests(),
            debt: self.debt(&target),
            history,
            clock: self.clock.clone(),
            target,
        };
        self.weigh(&mut facts, service);
        Gathered { topics: self.topics(&related), facts }
    }

    fn environment_name(&self) -> EnvironmentName {
        self.environment.map_or_else(
            || self.question.environment.clone(),
            |environment| environment.name.clone(),
        )
    }

    fn topics(&self, related: &[(ServiceName, Relation)]) -> BTreeSet<Topic> {
        let mut topics =
            BTreeSet::from([Topic::Organisation, Topic::Stops, Topic::Debts, Topic::Models]);
        topics.extend(related.iter().map(|(service, _)| Topic::Service(service.clone())));
        topics.extend(self.question.artifacts.iter().cloned().map(Topic::Digest));
        if let Some(placement) = self.placement.filter(|placement| !placement.is_new) {
            topics.insert(Topic::Change(placement.change.number));
        }
        if let Some(Placement { change, .. }) = self.placement {
            // Who is behind it depends on what was heard, and on what runs of each service.
            topics.extend(change.services.iter().cloned().map(Topic::Service));
            let read = self.standing.behind_change(change).read;
            topics.extend(read.into_iter().map(Topic::Source));
        }
        topics
    }
}
