//! Gathering: everything a policy may look at, read from one standing at one moment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sluice_core::approvals;
use sluice_core::calendar::{Calendar, CalendarFacts};
use sluice_core::change::{Change, ChangeState, EvidenceStatus};
use sluice_core::deployment::{DeploymentState, Place};
use sluice_core::facts::{
    CallerFacts, ChangeFacts, ClockFacts, ConflictFact, DebtFacts, DeniedDigestFact,
    DependencyFact, EvidenceFacts, ExceptionFact, GateFacts, HistoryFacts, IncidentFact,
    OrderFacts, PreviousFact, RegistrationFacts, Relation, StopFact,
};
use sluice_core::gate::{Placement, Question};
use sluice_core::ids::{Digest, EnvironmentName, ServiceName};
use sluice_core::organisation::{Environment, EnvironmentTier, Organisation, Service};
use sluice_core::risk::{RiskInput, RiskLevel, assess};
use sluice_core::scope::Target;
use sluice_core::standing::{Standing, Topic};

use crate::caller::Caller;

/// How many dependents are counted.
const DEPENDENTS: usize = 100;

/// How many related services are looked at for conflicts and incidents.
const RELATED: usize = 200;

/// What a question is gathered from.
pub(super) struct Gathering<'a> {
    pub(super) standing: &'a Standing,
    pub(super) calendar: &'a Calendar,
    pub(super) clock: ClockFacts,
    pub(super) caller: &'a Caller,
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
        let (stops, stop_exceptions) = self.stops(&target);
        let (calendar, freeze_exceptions) = self.calendar(&target);
        let rule_exceptions = self.exceptions(&target, |lifts| lifts.starts_with("rule:"));
        let mut exceptions = stop_exceptions;
        exceptions.extend(freeze_exceptions);
        exceptions.extend(rule_exceptions);
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
                in_scope: self.caller.scope.covers(&target),
            },
            registration: self.registration(service),
            stops,
            calendar,
            exceptions,
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

    /// Risk, the evidence and approvals that it asks for: in this order, since one needs the other.
    fn weigh(&self, facts: &mut GateFacts, service: Option<&Service>) {
        let evidence = self.evidence(RiskLevel::Low, &facts.target);
        let input = self.risk_input(facts, service, &evidence);
        facts.risk = assess(&input);
        facts.evidence = self.evidence(facts.risk.level, &facts.target);
        if let Some(placement) = self.placement {
            let organisation = &self.standing.organisation;
            let change = &placement.change;
            let targets: Vec<Target> = change
                .services
                .iter()
                .map(|name| organisation.target(name, &change.environment))
                .collect();
            (facts.approval_rules, facts.approvals) =
                approvals::gather(organisation, change, &targets, facts.risk.level);
        }
    }

    fn risk_input(
        &self,
        facts: &GateFacts,
        service: Option<&Service>,
        evidence: &EvidenceFacts,
    ) -> RiskInput {
        let change = self.placement.map(|placement| &placement.change);
        let origin = change.map(|change| &change.origin);
        let source = self.standing.sources.get(&self.question.commit);
        let mut paths = self.question.paths.clone();
        paths.extend(origin.into_iter().flat_map(|origin| origin.paths.iter().cloned()));
        paths.extend(source.into_iter().flat_map(|source| source.paths.iter().cloned()));
        let required = evidence.required.len();
        let lacking = evidence.required.keys().filter(|kind| {
            evidence.missing.contains(*kind)
                || evidence.present.iter().any(|brought| {
                    brought.kind == **kind && brought.status == EvidenceStatus::Failed
                })
        });
        let lacking = lacking.count();
        RiskInput {
            class: service.map(|service| service.class.clone()).unwrap_or_default(),
            tier: service.map(|service| service.tier.clone()).unwrap_or_default(),
            production: facts
                .registration
                .environment_tier
                .is_none_or(|tier| tier == EnvironmentTier::Production),
            services: change.map_or(1, |change| change.services.len()),
            lines_changed: self
                .question
                .lines_changed
                .or_else(|| origin.and_then(|origin| origin.lines_changed)),
            files_changed: origin.and_then(|origin| origin.files_changed),
            paths,
            recent_deployments: facts.history.deployments,
            recent_failures: facts.history.failures,
            evidence_present: u32::try_from(required - lacking).unwrap_or(u32::MAX),
            evidence_missing: u32::try_from(lacking).unwrap_or(u32::MAX),
            business_hours: facts.history.business_hours,
            maintenance: !facts.calendar.maintenance.is_empty(),
            dependents: usize::try_from(facts.history.dependents).unwrap_or(usize::MAX),
            open_incidents: facts.incidents.len(),
            emergency: facts.change.emergency_reason.is_some(),
        }
    }

    fn registration(&self, service: Option<&Service>) -> RegistrationFacts {
        let organisation = &self.standing.organisation;
        let repository = self.question.repository.as_deref();
        let unknown =
            self.question.services.iter().filter(|name| !organisation.services.contains_key(*name));
        RegistrationFacts {
            service: service.is_some(),
            environment: self.environment.is_some(),
            runs_there: match (service, self.environment) {
                (Some(service), Some(environment)) => {
                    service.environments.is_empty()
                        || service.environments.contains(&environment.name)
                }
                _ => false,
            },
            repository: match (service, repository) {
                (Some(service), Some(repository)) => {
                    service.repositories.is_empty()
                        || service.repositories.contains(&repository.to_lowercase())
                }
                _ => true,
            },
            controlled: self.placement.is_some(),
            environment_tier: self.environment.map(|environment| environment.tier),
            owner: service.map(|service| service.owner.clone()),
            class: service.map(|service| service.class.clone()).unwrap_or_default(),
            unknown_services: unknown.cloned().collect(),
        }
    }

    fn exceptions(&self, target: &Target, of: impl Fn(&str) -> bool) -> Vec<ExceptionFact> {
        self.standing
            .exceptions
            .values()
            .filter(|exception| of(&exception.lifts) && exception.scope.covers(target))
            .filter(|exception| exception.since <= self.now && self.now < exception.until)
            .map(|exception| ExceptionFact {
                id: exception.id.clone(),
                lifts: exception.lifts.clone(),
                reason: exception.reason.clone(),
                until: exception.until,
                by: exception.by.clone(),
            })
            .collect()
    }

    /// Stops that hold, and the exceptions that lifted the others.
    fn stops(&self, target: &Target) -> (Vec<StopFact>, Vec<ExceptionFact>) {
        let candidates = self.exceptions(target, |lifts| lifts.starts_with("stop:"));
        let mut used: Vec<ExceptionFact> = Vec::new();
        let mut holding = Vec::new();
        for stop in self.standing.stops.values().filter(|stop| stop.scope.covers(target)) {
            let name = format!("stop:{}", stop.id);
            match candidates
                .iter()
                .find(|exception| exception.lifts == name || exception.lifts == "stop:*")
            {
                Some(exception) if !used.contains(exception) => used.push(exception.clone()),
                Some(_) => {}
                None => holding.push(StopFact {
                    id: stop.id.clone(),
                    scope: stop.scope.clone(),
                    reason: stop.reason.clone(),
                    since: stop.since,
                    by: stop.by.clone(),
                }),
            }
        }
        (holding, used)
    }

    /// The calendar, and the exceptions that lifted a freeze in force.
    fn calendar(&self, target: &Target) -> (CalendarFacts, Vec<ExceptionFact>) {
        let candidates = self.exceptions(target, |lifts| lifts.starts_with("freeze:"));
        let all = candidates.iter().any(|exception| exception.lifts == "freeze:*");
        let excepted: BTreeSet<String> = if all {
            self.standing.organisation.windows.keys().cloned().collect()
        } else {
            candidates
                .iter()
                .filter_map(|exception| exception.lifts.strip_prefix("freeze:").map(str::to_owned))
                .collect()
        };
        let facts = self.calendar.evaluate(target, self.now, &excepted);
        let lifted: BTreeSet<String> =
            facts.excepted.iter().map(|window| format!("freeze:{}", window.name)).collect();
        let used = candidates.into_iter().filter(|exception| {
            lifted.contains(&exception.lifts)
                || (exception.lifts == "freeze:*" && !lifted.is_empty())
        });
        (facts, used.collect())
    }

    fn order(&self, service: Option<&Service>, environment: &EnvironmentName) -> OrderFacts {
        let change = self.placement.map(|placement| &placement.change);
        let dependencies =
            service.into_iter().flat_map(|service| &service.depends_on).take(RELATED).map(
                |needed| {
                    let place = self.standing.place(needed, environment);
                    let part_of_change = change.is_some_and(|change| {
                        change.services.contains(needed) && !change.deployed.contains(needed)
                    });
                    DependencyFact {
                        service: needed.clone(),
                        version: place.and_then(|place| place.version.clone()),
                        broken: place.is_some_and(|place| is_broken(place)),
                        goes_first: part_of_change,
                    }
                },
            );
        OrderFacts { dependencies: dependencies.collect(), previous: self.previous() }
    }

    fn previous(&self) -> Option<PreviousFact> {
        let environment = self.environment?;
        let before = environment.after.as_ref()?;
        let place = self.standing.place(&self.question.service, before);
        let same = place.filter(|place| {
            let digests = !self.question.artifacts.is_empty()
                && self.question.artifacts.is_subset(&place.artifacts);
            digests
                || (self.question.artifacts.is_empty()
                    && place.commit.as_ref() == Some(&self.question.commit))
        });
        let since = same.and_then(|place| place.since);
        let soak = SignedDuration::from_mins(i64::from(environment.soak_minutes));
        Some(PreviousFact {
            environment: before.to_string(),
            passed: same.is_some(),
            since,
            soak_minutes: environment.soak_minutes,
            soaked_at: since.and_then(|since| since.checked_add(soak).ok()),
        })
    }

    fn evidence(&self, risk: RiskLevel, target: &Target) -> EvidenceFacts {
        let rules = self.standing.organisation.evidence_rules.values();
        let mut required: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in rules.filter(|rule| risk >= rule.min_risk && rule.scope.covers(target)) {
            for kind in &rule.requires {
                required.entry(kind.clone()).or_default().insert(rule.name.to_string());
            }
        }
        let present = match self.placement {
            Some(placement) => placement.change.evidence.clone(),
            None => self.question.evidence.clone(),
        };
        let missing =
            required.keys().filter(|kind| !present.iter().any(|brought| brought.kind == **kind));
        let failed = present.iter().filter(|brought| brought.status == EvidenceStatus::Failed);
        EvidenceFacts {
            missing: missing.cloned().collect(),
            failed: failed.map(|brought| brought.name.clone()).collect(),
            required,
            present,
        }
    }

    fn change(&self) -> ChangeFacts {
        match self.placement {
            Some(placement) => {
                let change = &placement.change;
                let known = !placement.is_new;
                ChangeFacts {
                    number: known.then_some(change.number),
                    kind: change.kind,
                    state: known.then_some(change.state),
                    model: change.model.clone(),
                    revision: change.revision.digest.clone(),
                    services: change.services.clone(),
                    emergency_reason: change
                        .emergency_reason
                        .clone()
                        .or_else(|| self.question.emergency.clone()),
                }
            }
            None => ChangeFacts {
                number: None,
                kind: sluice_core::change::ChangeKind::Normal,
                state: None,
                model: None,
                revision: Digest::of(&serde_json::to_vec(self.question).unwrap_or_default()),
                services: self.question.services.clone(),
                emergency_reason: self.question.emergency.clone(),
            },
        }
    }

    /// The service itself, those it needs and those that need it.
    fn related(&self, service: Option<&Service>) -> Vec<(ServiceName, Relation)> {
        let own = std::iter::once((self.question.service.clone(), Relation::Same));
        let others = self.placement.into_iter().flat_map(|placement| &placement.change.services);
        let others = others
            .filter(|name| **name != self.question.service)
            .map(|name| (name.clone(), Relation::Same));
        let needed = service.into_iter().flat_map(|service| &service.depends_on);
        let needed = needed.map(|name| (name.clone(), Relation::Dependency));
        let needing = self.standing.organisation.dependents_of(&self.question.service);
        let needing = needing.map(|name| (name.clone(), Relation::Dependent));
        own.chain(others).chain(needed).chain(needing).take(RELATED).collect()
    }

    fn conflicts(
        &self,
        related: &[(ServiceName, Relation)],
        environment: &EnvironmentName,
    ) -> Vec<ConflictFact> {
        let own = self.placement.map(|placement| placement.change.number);
        let mut seen = BTreeSet::new();
        let mut conflicts = Vec::new();
        for (service, relation) in related {
            for change in self.standing.open_changes(service, environment) {
                if Some(change.number) == own
                    && self.placement.is_some_and(|placement| !placement.is_new)
                {
                    continue;
                }
                let running = change.state == ChangeState::Implement;
                let until = self.pass_until(change).filter(|_| !running);
                if (running || until.is_some()) && seen.insert(change.number) {
                    conflicts.push(ConflictFact {
                        change: change.number,
                        service: service.clone(),
                        relation: *relation,
                        state: change.state,
                        running,
                        until,
                    });
                }
            }
        }
        conflicts
    }

    /// When the pass of a change that is about to go ends; none where it has none, or it has ended.
    fn pass_until(&self, change: &Change) -> Option<Timestamp> {
        let until = self.standing.passes_of.get(&change.number).copied();
        until.filter(|until| change.state == ChangeState::Scheduled && *until > self.now)
    }

    fn incidents(&self, related: &[(ServiceName, Relation)]) -> Vec<IncidentFact> {
        let relation = |service: &ServiceName| {
            let found = related
                .iter()
                .find(|(name, relation)| name == service && *relation != Relation::Dependent);
            found.map(|(_, relation)| *relation)
        };
        self.standing
            .incidents
            .values()
            .filter_map(|open| {
                Some(IncidentFact {
                    relation: relation(&open.incident.service)?,
                    id: open.incident.id.clone(),
                    service: open.incident.service.clone(),
                    severity: open.incident.severity.clone(),
                    since: open.since,
                })
            })
            .collect()
    }

    fn denied_digests(&self) -> Vec<DeniedDigestFact> {
        let denied = |digest: &Digest| {
            let denied = self.standing.denied_digests.get(digest)?;
            let (deployment, reason) = (denied.deployment, denied.reason.clone());
            Some(DeniedDigestFact { digest: digest.clone(), deployment, reason })
        };
        self.question.artifacts.iter().filter_map(denied).collect()
    }

    fn debt(&self, target: &Target) -> DebtFacts {
        let own = self.placement.map(|placement| placement.change.number);
        let numbers = self.standing.owing.get(target.team.as_str()).into_iter().flatten();
        let mut facts = DebtFacts {
            limit: self.standing.organisation.settings.debt_limit,
            ..DebtFacts::default()
        };
        for change in numbers.filter_map(|number| self.standing.changes.get(number)) {
            if Some(change.number) == own {
                continue;
            }
            for debt in change.owed() {
                facts.owed += 1;
                facts.overdue += u32::from(debt.due <= self.now);
                facts.changes.insert(change.number);
            }
        }
        facts
    }

    fn history(&self, place: Option<&Place>) -> HistoryFacts {
        let organisation = &self.standing.organisation;
        let recent = place.map(|place| place.recent.as_slice()).unwrap_or_default();
        let failures = recent.iter().filter(|(_, state)| {
            matches!(state, DeploymentState::Failed | DeploymentState::RolledBack)
        });
        let dependents = organisation.count_dependents(&self.question.service, DEPENDENTS);
        HistoryFacts {
            deployments: u32::try_from(recent.len()).unwrap_or(u32::MAX),
            failures: u32::try_from(failures.count()).unwrap_or(u32::MAX),
            running_version: place.and_then(|place| place.version.clone()),
            last_at: place.and_then(|place| place.last_ended_at),
            business_hours: is_business_hours(organisation, self.now),
            dependents: u32::try_from(dependents).unwrap_or(u32::MAX),
        }
    }

    fn topics(&self, related: &[(ServiceName, Relation)]) -> BTreeSet<Topic> {
        let mut topics =
            BTreeSet::from([Topic::Organisation, Topic::Stops, Topic::Debts, Topic::Models]);
        topics.extend(related.iter().map(|(service, _)| Topic::Service(service.clone())));
        topics.extend(self.question.artifacts.iter().cloned().map(Topic::Digest));
        if let Some(placement) = self.placement.filter(|placement| !placement.is_new) {
            topics.insert(Topic::Change(placement.change.number));
        }
        topics
    }
}

/// Whether the last deployment failed and was not made good.
fn is_broken(place: &Place) -> bool {
    place.recent.last().is_some_and(|(_, state)| *state == DeploymentState::Failed)
}

/// Whether it is within the organisation's business hours.
fn is_business_hours(organisation: &Organisation, now: Timestamp) -> bool {
    let settings = &organisation.settings;
    let zone = jiff::tz::TimeZone::get(&settings.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let local = now.to_zoned(zone);
    let hour = u8::try_from(local.hour()).unwrap_or(0);
    let day = u8::try_from(local.weekday().to_monday_one_offset()).unwrap_or(0);
    settings.business_days.contains(&day)
        && (settings.business_hours.0..settings.business_hours.1).contains(&hour)
}
