//! The electorate: for each rule that applies, who was counted, who could still speak, who may not and why.
//!
//! This is for people who look at a change; the gate weighs with [`super::weigh`] and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{eligible, gather, weigh};
use crate::change::{Change, InvolvementRole};
use crate::facts::ApprovalFacts;
use crate::ids::{PersonId, RuleName};
use crate::organisation::{ApprovalRule, Organisation};
use crate::risk::RiskLevel;
use crate::scope::Target;
use crate::standing::Standing;
use crate::verdict::Requirement;

/// The most persons that are named for one rule.
const MOST: usize = 50;

/// One rule with those who may speak for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleElectorate {
    /// The rule.
    pub rule: RuleName,
    /// Why it exists.
    pub reason: String,
    /// Persons needed.
    pub quorum: u32,
    /// Selectors of those who can meet it.
    pub who: Vec<String>,
    /// Everybody whom the rule names, by what their word is worth now; at most 50.
    pub voters: Vec<Voter>,
    /// How many more it names.
    pub more: usize,
}

/// One person before one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    /// Who.
    pub person: PersonId,
    /// What their word is worth.
    pub standing: VoterStanding,
    /// In which parts they had a hand in the change.
    pub involved: BTreeSet<InvolvementRole>,
}

/// What a person's word is worth before one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoterStanding {
    /// Their yes is counted here.
    Counted,
    /// They said no.
    Rejected,
    /// They said yes, and it is counted for another rule.
    Elsewhere,
    /// They said yes too long ago.
    Expired,
    /// They could speak.
    Could,
    /// They had a hand in the change.
    Involved,
}

impl RuleElectorate {
    /// Persons still missing.
    pub fn missing(&self) -> usize {
        let quorum = usize::try_from(self.quorum).unwrap_or(usize::MAX);
        quorum.saturating_sub(self.count(VoterStanding::Counted))
    }

    /// How many persons stand so.
    pub fn count(&self, standing: VoterStanding) -> usize {
        self.voters.iter().filter(|voter| voter.standing == standing).count()
    }

    /// Whether a person could still speak for it, and it still needs somebody.
    pub fn waits_for(&self, person: &PersonId) -> bool {
        let could =
            |voter: &Voter| voter.person == *person && voter.standing == VoterStanding::Could;
        self.missing() > 0 && self.voters.iter().any(could)
    }
}

/// The rules that apply to a change at its risk, for its present revision.
pub fn electorate(standing: &Standing, change: &Change, now: Timestamp) -> Vec<RuleElectorate> {
    let organisation = &standing.organisation;
    let targets: Vec<Target> =
        change.services.iter().map(|name| organisation.target(name, &change.environment)).collect();
    let risk = change.risk.as_ref().map(|risk| risk.level).unwrap_or_default();
    let (rules, facts) = gather(standing, change, &targets, risk);
    let wanted: Vec<Requirement> = rules
        .iter()
        .filter(|rule| rule.applies)
        .map(|rule| Requirement { rule: rule.name.clone(), owed: false })
        .collect();
    let weighed = weigh(&rules, &facts, &wanted, risk, now);
    let counted: BTreeMap<&RuleName, &BTreeSet<PersonId>> =
        weighed.rules.iter().map(|rule| (&rule.rule, &rule.met_by)).collect();
    let named = rules.iter().filter(|rule| rule.applies);
    named
        .filter_map(|fact| {
            let rule = organisation.approval_rules.get(&fact.name)?;
            let met = counted.get(&fact.name).copied();
            let booth = Booth { organisation, rule, facts: &facts, met, risk, now };
            let (voters, more) = booth.voters(&targets);
            Some(RuleElectorate {
                rule: fact.name.clone(),
                reason: fact.reason.clone(),
                quorum: fact.quorum,
                who: fact.who.clone(),
                voters,
                more,
            })
        })
        .collect()
}

/// One rule, and what was said.
struct Booth<'a> {
    organisation: &'a Organisation,
    rule: &'a ApprovalRule,
    facts: &'a ApprovalFacts,
    met: Option<&'a BTreeSet<PersonId>>,
    risk: RiskLevel,
    now: Timestamp,
}

impl Booth<'_> {
    fn voters(&self, targets: &[Target]) -> (Vec<Voter>, usize) {
        let delegates = self.met.into_iter().flatten();
        let named = self
            .organisation
            .everybody()
            .filter(|person| eligible(self.organisation, self.rule, person, targets));
        let persons: BTreeSet<&PersonId> = delegates.chain(named).collect();
        let mut voters: Vec<Voter> = persons
            .into_iter()
            .map(|person| Voter {
                person: person.clone(),
                standing: self.standing(person),
                involved: self.facts.involved.get(person).cloned().unwrap_or_default(),
            })
            .collect();
        voters.sort_by(|a, b| (a.standing, &a.person).cmp(&(b.standing, &b.person)));
        let more = voters.len().saturating_sub(MOST);
        voters.truncate(MOST);
        (voters, more)
    }

    fn standing(&self, person: &PersonId) -> VoterStanding {
        if self.met.is_some_and(|met| met.contains(person)) {
            return VoterStanding::Counted;
        }
        let given = self.facts.given.iter().find(|given| given.person == *person);
        let involved = self.facts.involved.contains_key(person)
            && !self.rule.involved_may_approve.contains(&self.risk);
        match given {
            Some(given) if given.rejected => VoterStanding::Rejected,
            _ if involved => VoterStanding::Involved,
            Some(given) => match given.eligible.get(&self.rule.name) {
                Some(until) if *until <= self.now => VoterStanding::Expired,
                Some(_) | None => VoterStanding::Elsewhere,
            },
            None => VoterStanding::Could,
        }
    }
}
