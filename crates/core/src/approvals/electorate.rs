//! The electorate: for each rule that applies, who was counted, who could still speak, who may not and why.
//!
//! This is for people who look at a change; the gate weighs with [`super::weigh`] and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::ballot::{Shared, gather_shared};
use super::share::{scopes_of, singly};
use super::{RuleStanding, weigh};
use crate::access::event::LoginGroups;
use crate::access::same_hands;
use crate::change::{Change, InvolvementRole, targets_of};
use crate::facts::{ApprovalFacts, ApprovalRuleFact, GivenApproval};
use crate::ids::{PersonId, RuleName};
use crate::organisation::{ApprovalRule, Organisation};
use crate::risk::RiskLevel;
use crate::scope::{Scope, Target};
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
    /// Whether a yes of theirs would be taken, also after a no: they may speak for the rule, and had no hand in the change.
    pub may_say_yes: bool,
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
    /// They said yes, and nobody is counted while it is not known who had a hand in the change.
    Unreported,
    /// They could speak.
    Could,
    /// They had a hand in the change.
    Involved,
    /// Somebody who had a hand in the change, or who spoke before, could be them: see [`crate::access::same_hands`].
    Hands,
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
}

/// The rules that apply to a change at its risk, for its present revision.
pub fn electorate(standing: &Standing, change: &Change, now: Timestamp) -> Vec<RuleElectorate> {
    let targets = targets_of(change, &standing.organisation);
    Poll::of(standing, change, &targets, now).each(|fact, booth| {
        let (voters, more) = booth.voters();
        RuleElectorate {
            rule: fact.name.clone(),
            reason: fact.reason.clone(),
            quorum: booth.weighed.map_or(fact.quorum, |rule| rule.quorum),
            who: fact.who.clone(),
            voters,
            more,
        }
    })
}

/// The first rule that needs somebody, and for which this person could still speak.
pub fn waits_for(
    standing: &Standing,
    change: &Change,
    person: &PersonId,
    now: Timestamp,
) -> Option<RuleName> {
    let waits = |fact: &ApprovalRuleFact, booth: &Booth<'_>| {
        (booth.is_open() && booth.could(person)).then(|| fact.name.clone())
    };
    let targets = targets_of(change, &standing.organisation);
    Poll::of(standing, change, &targets, now).each(waits).into_iter().flatten().next()
}

/// The rules for a share of which a person may say yes in their own name and with the groups of their login, be those
/// rules such as apply at the change's risk or not.
pub fn heeded_by(
    standing: &Standing,
    change: &Change,
    person: &PersonId,
    login: Option<&LoginGroups>,
) -> Vec<RuleName> {
    let organisation = &standing.organisation;
    let targets = targets_of(change, organisation);
    let risk = change.risk.as_ref().map(|risk| risk.level).unwrap_or_default();
    let (rules, _) = gather_shared(standing, change, &targets, risk);
    let heeding = rules.into_iter().filter(|asked| {
        let scopes = scopes_at(organisation, asked.rule, person, login);
        asked
            .shares
            .iter()
            .any(|share| share.within(&scopes) || share.heeds(organisation, asked.rule, person))
    });
    heeding.map(|asked| asked.fact.name).collect()
}

/// Whether a person may say no to a change, in their own name and with the groups of their login: for that it is enough to
/// speak for one of its services.
pub fn could_reject(
    organisation: &Organisation,
    change: &Change,
    person: &PersonId,
    login: Option<&LoginGroups>,
) -> bool {
    let targets = targets_of(change, organisation);
    let rules = organisation.approval_rules.values();
    let mut of_kind =
        rules.filter(|rule| rule.kinds.is_empty() || rule.kinds.contains(&change.kind));
    of_kind.any(|rule| {
        let scopes = scopes_at(organisation, rule, person, login);
        singly(rule, &targets)
            .iter()
            .any(|share| share.within(&scopes) || share.heeds(organisation, rule, person))
    })
}

/// Where somebody who has come in has the roles that a rule names.
fn scopes_at<'a>(
    organisation: &'a Organisation,
    rule: &ApprovalRule,
    person: &'a PersonId,
    login: Option<&LoginGroups>,
) -> Vec<&'a Scope> {
    if organisation.acting(person).is_none() {
        return Vec::new();
    }
    let by_login = login
        .into_iter()
        .flat_map(|login| organisation.mapped(&login.provider, login.names()).collect::<Vec<_>>());
    let by_login = by_login.map(|(_, held)| held);
    scopes_of(rule, by_login.chain(organisation.roles_of(person)))
}

/// What the word of one person is worth before each rule that names them, and before each that they spoke against.
pub fn stands(
    standing: &Standing,
    change: &Change,
    person: &PersonId,
    now: Timestamp,
) -> Vec<Voter> {
    let voter = |_: &ApprovalRuleFact, booth: &Booth<'_>| {
        let known =
            booth.met().any(|it| it == person) || booth.names(person) || booth.against(person);
        let voter = known.then(|| booth.voter(person));
        voter.filter(|it| it.standing != VoterStanding::Could || booth.needs(person))
    };
    let targets = targets_of(change, &standing.organisation);
    Poll::of(standing, change, &targets, now).each(voter).into_iter().flatten().collect()
}

/// Everybody who could still speak for a rule that needs somebody.
pub fn could_speak(standing: &Standing, change: &Change, now: Timestamp) -> BTreeSet<PersonId> {
    let targets = targets_of(change, &standing.organisation);
    let poll = Poll::of(standing, change, &targets, now);
    let persons = poll.each(|_, booth| match booth.is_open() {
        true => booth.named().into_iter().filter(|it| booth.could(it)).collect(),
        false => BTreeSet::new(),
    });
    persons.into_iter().flatten().collect()
}

/// All rules of a change, and what was said.
struct Poll<'a> {
    standing: &'a Standing,
    organisation: &'a Organisation,
    rules: Vec<Shared<'a>>,
    facts: ApprovalFacts,
    weighed: BTreeMap<RuleName, RuleStanding>,
    risk: RiskLevel,
    now: Timestamp,
}

impl<'a> Poll<'a> {
    fn of(standing: &'a Standing, change: &Change, targets: &'a [Target], now: Timestamp) -> Self {
        let organisation = &standing.organisation;
        let risk = change.risk.as_ref().map(|risk| risk.level).unwrap_or_default();
        let (rules, facts) = gather_shared(standing, change, targets, risk);
        let told: Vec<ApprovalRuleFact> = rules.iter().map(|asked| asked.fact.clone()).collect();
        let wanted: Vec<Requirement> = told
            .iter()
            .filter(|rule| rule.applies)
            .map(|rule| Requirement { rule: rule.name.clone(), owed: false })
            .collect();
        let weighed = weigh(&told, &facts, &wanted, risk, now);
        let weighed = weighed.rules.into_iter().map(|rule| (rule.rule.clone(), rule)).collect();
        Self { standing, organisation, rules, facts, weighed, risk, now }
    }

    fn each<T>(&self, mut see: impl FnMut(&ApprovalRuleFact, &Booth<'_>) -> T) -> Vec<T> {
        let applying = self.rules.iter().filter(|asked| asked.fact.applies);
        applying
            .map(|asked| {
                let weighed = self.weighed.get(&asked.fact.name);
                see(&asked.fact, &Booth { poll: self, asked, weighed })
            })
            .collect()
    }
}

/// One rule.
struct Booth<'a> {
    poll: &'a Poll<'a>,
    asked: &'a Shared<'a>,
    weighed: Option<&'a RuleStanding>,
}

impl Booth<'_> {
    /// Whether persons are still missing.
    fn is_open(&self) -> bool {
        self.weighed.is_none_or(|rule| rule.missing() > 0)
    }

    fn met(&self) -> impl Iterator<Item = &PersonId> {
        self.weighed.into_iter().flat_map(|rule| &rule.met_by)
    }

    /// Everybody whom the rule names, for whatever share.
    fn named(&self) -> BTreeSet<PersonId> {
        let Poll { organisation, .. } = self.poll;
        let Shared { rule, shares, .. } = self.asked;
        let mut named = organisation.named_by(&rule.approvers);
        named.extend(shares.iter().flat_map(|share| share.owners(organisation)).cloned());
        named.retain(|person| self.names(person));
        named
    }

    fn names(&self, person: &PersonId) -> bool {
        let Shared { rule, shares, .. } = self.asked;
        shares.iter().any(|share| share.heeds(self.poll.organisation, rule, person))
    }

    /// Whether somebody is missing whom this person could be. Of a rule that teams share, one may have given its part.
    fn needs(&self, person: &PersonId) -> bool {
        let Shared { rule, shares, .. } = self.asked;
        let awaits = self.weighed.map(|rule| &rule.awaits).filter(|awaits| !awaits.is_empty());
        let mut open = shares
            .iter()
            .filter(|share| awaits.is_none_or(|awaits| awaits.contains(&share.name())));
        open.any(|share| share.heeds(self.poll.organisation, rule, person))
    }

    fn could(&self, person: &PersonId) -> bool {
        self.standing(person) == VoterStanding::Could && self.needs(person)
    }

    fn voters(&self) -> (Vec<Voter>, usize) {
        let delegates = self.met();
        let named = self.named();
        let given = self.poll.facts.given.iter().map(|given| &given.person);
        let against = given.filter(|person| self.against(person));
        let persons: BTreeSet<&PersonId> = delegates.chain(&named).chain(against).collect();
        let mut voters: Vec<Voter> = persons
            .into_iter()
            .map(|person| self.voter(person))
            .filter(|voter| voter.standing != VoterStanding::Could || self.needs(&voter.person))
            .collect();
        voters.sort_by(|a, b| (a.standing, &a.person).cmp(&(b.standing, &b.person)));
        let more = voters.len().saturating_sub(MOST);
        voters.truncate(MOST);
        (voters, more)
    }

    /// Whether somebody said no who is heard for this rule. Whoever may speak for one of several services can say no and
    /// nothing else.
    fn against(&self, person: &PersonId) -> bool {
        let mut given = self.poll.facts.given.iter();
        given.any(|given| {
            given.rejected
                && given.person == *person
                && given.eligible.contains_key(&self.asked.rule.name)
        })
    }

    fn voter(&self, person: &PersonId) -> Voter {
        Voter {
            person: person.clone(),
            standing: self.standing(person),
            involved: self.poll.facts.involved.get(person).cloned().unwrap_or_default(),
            may_say_yes: self.names(person) && !self.is_involved(person),
        }
    }

    fn is_involved(&self, person: &PersonId) -> bool {
        let Poll { facts, risk, .. } = self.poll;
        facts.involved.contains_key(person) && !self.asked.rule.involved_may_approve.contains(risk)
    }

    /// Whether this person's word does not count because of whose hands an account went through; of somebody who has not
    /// spoken, whether it would not.
    fn in_hands(&self, person: &PersonId, given: Option<&GivenApproval>) -> bool {
        let Poll { standing, facts, risk, now, .. } = self.poll;
        let open = self.asked.rule.involved_may_approve.contains(risk);
        let involved = |other: &PersonId| !open && facts.involved.contains_key(other);
        let counted =
            |other: &PersonId| self.poll.weighed.values().any(|rule| rule.met_by.contains(other));
        match given {
            Some(given) => given.same_hands.iter().any(|other| involved(other) || counted(other)),
            None => {
                let spoke = facts.given.iter().map(|given| &given.person);
                let mut others = facts.involved.keys().chain(spoke);
                others.any(|other| {
                    (involved(other) || counted(other)) && same_hands(standing, person, other, *now)
                })
            }
        }
    }

    fn standing(&self, person: &PersonId) -> VoterStanding {
        if self.weighed.is_some_and(|rule| rule.met_by.contains(person)) {
            return VoterStanding::Counted;
        }
        let Poll { facts, risk, now, .. } = self.poll;
        let given = facts.given.iter().find(|given| given.person == *person);
        match given {
            Some(given) if given.rejected => VoterStanding::Rejected,
            _ if self.is_involved(person) => VoterStanding::Involved,
            _ if self.in_hands(person, given) => VoterStanding::Hands,
            Some(given) => match given.eligible.get(&self.asked.rule.name) {
                Some(until) if until <= now => VoterStanding::Expired,
                Some(_)
                    if !facts.knows_everybody()
                        && !self.asked.rule.involved_may_approve.contains(risk) =>
                {
                    VoterStanding::Unreported
                }
                Some(_) | None => VoterStanding::Elsewhere,
            },
            None => VoterStanding::Could,
        }
    }
}
