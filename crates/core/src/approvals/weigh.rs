//! Weighing: whether the rules that are wanted are met by what was said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::seats::{Seat, Seating};
use crate::facts::{ApprovalFacts, ApprovalRuleFact, GivenApproval};
use crate::ids::{PersonId, RuleName};
use crate::risk::RiskLevel;
use crate::verdict::Requirement;

/// How the wanted rules stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalStanding {
    /// Each wanted rule, in the order wanted.
    pub rules: Vec<RuleStanding>,
    /// Who said no and may.
    pub rejected_by: BTreeSet<PersonId>,
    /// Whose yes does not count, and why.
    pub discounted: Vec<Discounted>,
    /// Wanted rules that are not declared; they can never be met.
    pub unknown: BTreeSet<RuleName>,
}

impl ApprovalStanding {
    /// The rules that people have met.
    pub fn approved(&self) -> Vec<RuleName> {
        let met = self.rules.iter().filter(|rule| rule.missing() == 0 && !rule.met_by.is_empty());
        met.map(|rule| rule.rule.clone()).collect()
    }
}

/// How one rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStanding {
    /// The rule.
    pub rule: RuleName,
    /// Why it exists.
    pub reason: String,
    /// Persons needed, in all.
    pub quorum: u32,
    /// Persons counted for it.
    pub met_by: BTreeSet<PersonId>,
    /// Where the rule has shares: those for which one person more would help, be it that somebody who is counted there
    /// becomes free for another.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub awaits: BTreeSet<String>,
    /// Who can meet it.
    pub who: Vec<String>,
    /// Whether it may be met afterwards.
    pub owed: bool,
    /// When the first of those counted no longer counts.
    pub good_until: Option<Timestamp>,
}

impl RuleStanding {
    /// Persons still missing.
    pub fn missing(&self) -> u32 {
        self.quorum.saturating_sub(u32::try_from(self.met_by.len()).unwrap_or(u32::MAX))
    }

    /// Names no team any more that has given what it could.
    fn leave_out(&mut self, fact: &ApprovalRuleFact) {
        let shares = fact.owners.iter().filter(|team| fact.shares.contains_key(*team));
        let done = shares.filter(|team| !self.awaits.contains(*team));
        let done: BTreeSet<String> = done.map(|team| format!("team:{team}")).collect();
        if !self.awaits.is_empty() {
            self.who.retain(|who| !done.contains(who));
        }
    }
}

/// A yes that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discounted {
    /// Whose.
    pub person: PersonId,
    /// Stable code: `involved`, `hands`, `authorship_unknown`, `identity_unresolved`, `not_eligible`, `expired`.
    pub code: String,
    /// In words.
    pub message: String,
}

/// Weighs what was said against the rules that are wanted.
pub fn weigh(
    rules: &[ApprovalRuleFact],
    facts: &ApprovalFacts,
    wanted: &[Requirement],
    risk: RiskLevel,
    now: Timestamp,
) -> ApprovalStanding {
    let declared: BTreeMap<&RuleName, &ApprovalRuleFact> =
        rules.iter().map(|rule| (&rule.name, rule)).collect();
    let mut standing = ApprovalStanding::default();
    let mut known: Vec<(&ApprovalRuleFact, bool)> = Vec::new();
    for requirement in wanted {
        match declared.get(&requirement.rule) {
            Some(rule) if !known.iter().any(|(other, _)| other.name == rule.name) => {
                known.push((rule, requirement.owed));
            }
            Some(_) => {}
            None => drop(standing.unknown.insert(requirement.rule.clone())),
        }
    }
    let yes: Vec<&GivenApproval> = facts.given.iter().filter(|given| !given.rejected).collect();
    let seats = Seat::of(&known);
    let may = yes.iter().map(|given| counted_for(given, &seats, facts, risk, now)).collect();
    let may = each_hand_once(&yes, may);
    standing.rules = known.iter().map(|(rule, owed)| unmet(rule, *owed)).collect();
    Seating::best(seats, may.clone()).tell(&yes, &mut standing.rules);
    for (rule, (fact, _)) in standing.rules.iter_mut().zip(&known) {
        rule.leave_out(fact);
    }
    // A no counts of everybody whom any rule of this change lets speak, whether that rule is wanted or not.
    standing.rejected_by = facts
        .given
        .iter()
        .filter(|given| given.rejected && !given.eligible.is_empty())
        .map(|given| given.person.clone())
        .collect();
    standing.discounted = yes
        .iter()
        .zip(&may)
        .filter(|(_, may)| may.is_empty() && !known.is_empty())
        .map(|(given, _)| discounted(given, &known, facts, now))
        .collect();
    standing
}

fn unmet(rule: &ApprovalRuleFact, owed: bool) -> RuleStanding {
    RuleStanding {
        rule: rule.name.clone(),
        reason: rule.reason.clone(),
        quorum: rule.quorum,
        met_by: BTreeSet::new(),
        awaits: BTreeSet::new(),
        who: rule.who.clone(),
        owed,
        good_until: None,
    }
}

/// The seats, by index, that a yes may be counted for.
fn counted_for(
    given: &GivenApproval,
    seats: &[Seat<'_>],
    facts: &ApprovalFacts,
    risk: RiskLevel,
    now: Timestamp,
) -> Vec<usize> {
    let independent =
        !given.involved && !by_involved_hands(given, facts) && facts.knows_everybody();
    seats
        .iter()
        .enumerate()
        .filter(|(_, seat)| seat.until(given).is_some_and(|until| now < until))
        .filter(|(_, seat)| seat.rule.involved_may_approve.contains(&risk) || independent)
        .map(|(index, _)| index)
        .collect()
}

/// Whether somebody who had a hand in the change could have given this word.
fn by_involved_hands(given: &GivenApproval, facts: &ApprovalFacts) -> bool {
    given.same_hands.iter().any(|other| facts.involved.contains_key(other))
}

/// Of people who could be one, the first whose word counts for anything is counted, and nobody after.
fn each_hand_once(yes: &[&GivenApproval], mut may: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..yes.len()).filter(|index| !may[*index].is_empty()).collect();
    order.sort_by_key(|index| (yes[*index].at, &yes[*index].person));
    let mut heard: Vec<&GivenApproval> = Vec::new();
    for index in order {
        let one = yes[index];
        let is_other = |other: &&GivenApproval| {
            !one.same_hands.contains(&other.person) && !other.same_hands.contains(&one.person)
        };
        if heard.iter().all(is_other) {
            heard.push(one);
        } else {
            may[index].clear();
        }
    }
    may
}

fn discounted(
    given: &GivenApproval,
    rules: &[(&ApprovalRuleFact, bool)],
    facts: &ApprovalFacts,
    now: Timestamp,
) -> Discounted {
    let until: Vec<Timestamp> =
        rules.iter().filter_map(|(rule, _)| given.eligible.get(&rule.name)).copied().collect();
    let (code, message) = if until.is_empty() {
        ("not_eligible", "may not speak for any of the rules that are wanted")
    } else if until.iter().all(|until| *until <= now) {
        ("expired", "gave the approval too long ago")
    } else if given.involved {
        ("involved", "had a hand in the change")
    } else if by_involved_hands(given, facts) {
        (
            "hands",
            "cannot be told from somebody who had a hand in the change: an account of the two was made or set back by the other, by the same person, or by a token that nobody answers for, in the week before",
        )
    } else if !given.same_hands.is_empty() && facts.knows_everybody() {
        (
            "hands",
            "cannot be told from somebody else who approved: an account of the two was made or set back by the other, by the same person, or by a token that nobody answers for, in the week before",
        )
    } else if facts.knows_everybody() {
        ("not_eligible", "is not counted")
    } else if !facts.unreported.is_empty() {
        (
            "authorship_unknown",
            "cannot be told from those who wrote the change: it was not told who wrote all of it",
        )
    } else {
        (
            "identity_unresolved",
            "cannot be told from the unknown identities that had a hand in the change",
        )
    };
    Discounted { person: given.person.clone(), code: code.into(), message: message.into() }
}
