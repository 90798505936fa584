//! What is asked about: the service as it is registered, its change, its evidence, what is owed.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::change::EvidenceStatus;
use sluice_core::facts::{
    ChangeFacts, DebtFacts, DeniedDigestFact, EvidenceFacts, RegistrationFacts,
};
use sluice_core::ids::Digest;
use sluice_core::organisation::Service;
use sluice_core::risk::RiskLevel;
use sluice_core::scope::Target;

use super::Gathering;

impl Gathering<'_> {
    pub(super) fn registration(&self, service: Option<&Service>) -> RegistrationFacts {
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

    pub(super) fn change(&self) -> ChangeFacts {
        match self.placement {
            Some(placement) => {
                let change = &placement.change;
                let known = !placement.is_new;
                ChangeFacts {
                    number: known.then_some(change.number),
                    kind: change.kind,
                    state: known.then_some(change.state),
                    under_way: known
                        && change.goes_on_with(
                            &self.question.service,
                            &self.question.commit,
                            &self.question.artifacts,
                        ),
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
                under_way: false,
                model: None,
                revision: Digest::of(&serde_json::to_vec(self.question).unwrap_or_default()),
                services: self.question.services.clone(),
                emergency_reason: self.question.emergency.clone(),
            },
        }
    }

    pub(super) fn evidence(&self, risk: RiskLevel, target: &Target) -> EvidenceFacts {
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

    pub(super) fn denied_digests(&self) -> Vec<DeniedDigestFact> {
        let denied = |digest: &Digest| {
            let denied = self.standing.denied_digests.get(digest)?;
            let (deployment, reason) = (denied.deployment, denied.reason.clone());
            Some(DeniedDigestFact { digest: digest.clone(), deployment, reason })
        };
        self.question.artifacts.iter().filter_map(denied).collect()
    }

    pub(super) fn debt(&self, target: &Target) -> DebtFacts {
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
}
