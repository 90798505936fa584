//! What it weighs: risk, the approvals that the risk asks for, and the history behind both.

use jiff::Timestamp;
use sluice_core::approvals;
use sluice_core::change::EvidenceStatus;
use sluice_core::deployment::{DeploymentState, Place};
use sluice_core::facts::{EvidenceFacts, GateFacts, HistoryFacts};
use sluice_core::organisation::{EnvironmentTier, Organisation, Service};
use sluice_core::risk::{RiskInput, RiskLevel, assess};
use sluice_core::scope::Target;

use super::Gathering;

/// How many dependents are counted.
const DEPENDENTS: usize = 100;

impl Gathering<'_> {
    /// Risk, the evidence and approvals that it asks for: in this order, since one needs the other.
    pub(super) fn weigh(&self, facts: &mut GateFacts, service: Option<&Service>) {
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
                approvals::gather(self.standing, change, &targets, facts.risk.level);
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

    pub(super) fn history(&self, place: Option<&Place>) -> HistoryFacts {
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
