//! Through whose hands an account went.
//!
//! Whoever makes an account, or sets one back, holds the code by which its person sets a password, and could come in as
//! that person. So the two of them do not count as two people for a week, nor do two people whose accounts went
//! through the same hands.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::PersonId;
use crate::refusal::Refusal;
use crate::standing::{Actor, Standing};

/// For how long it counts.
const COUNTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Who had the code of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hand {
    /// A person, by themselves or by a token of theirs.
    Person(PersonId),
    /// Whoever had a token that nobody answers for: it may have been anybody.
    Anybody,
}

/// An account went through somebody's hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Whose.
    pub by: Hand,
    /// When.
    pub at: Timestamp,
    /// Whether the person had a password before.
    pub reset: bool,
}

/// The hands through which the account of a person went lately.
pub fn hands_of<'a>(
    standing: &'a Standing,
    person: &PersonId,
    now: Timestamp,
) -> impl Iterator<Item = &'a Handed> {
    let handed = standing.access.handed.get(person);
    handed.into_iter().flat_map(|all| all.iter()).filter(move |it| counts(it, now))
}

/// Refuses where a second person would not be another one: an account of the two went through the hands of the
/// other, or both through the same, within the last week. Asked wherever somebody confirms what another proposed.
pub fn apart(
    standing: &Standing,
    first: &PersonId,
    second: &PersonId,
    now: Timestamp,
) -> Result<(), Refusal> {
    if first == second {
        return Ok(());
    }
    let held_by = |of: &PersonId, other: &PersonId| {
        let mut hands = hands_of(standing, of, now);
        hands.any(|it| matches!(&it.by, Hand::Person(by) if by == other) || it.by == Hand::Anybody)
    };
    let same = || {
        hands_of(standing, first, now)
            .any(|one| hands_of(standing, second, now).any(|other| one.by == other.by))
    };
    if !held_by(first, second) && !held_by(second, first) && !same() {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "same_hands",
        "the accounts of these two people were made or set back by one of them, by the same person, or by a token that nobody answers for, within the last seven days: for so long they do not count as two",
        "ask a third person, or wait until the seven days are over",
    ))
}

fn counts(handed: &Handed, now: Timestamp) -> bool {
    handed.at.saturating_add(COUNTS).is_ok_and(|end| now < end)
}

impl Standing {
    /// Notes who got the code of an account, and which tokens are those of the console.
    pub(crate) fn account_handed(&mut self, event: &Event, actor: &Actor, at: Timestamp) {
        match event {
            Event::TokenCreated(token) if *actor == Actor::Sluice => {
                let tokens = &self.tokens;
                self.access.console.retain(|id| tokens.contains_key(id));
                self.access.console.insert(token.id.clone());
            }
            Event::AccountFactorChanged(changed)
                if changed.present && changed.factor == "enrolment" =>
            {
                let by = match actor {
                    Actor::Person(person) => Hand::Person(person.clone()),
                    // Whoever sets an installation up stands at its console, and is not one of its people.
                    Actor::Pipeline(token) if self.access.console.contains(token) => return,
                    Actor::Pipeline(token) => match self.maker_of(token) {
                        Some(maker) => Hand::Person(maker.clone()),
                        None => Hand::Anybody,
                    },
                    Actor::Link(_) => Hand::Anybody,
                    Actor::Sluice => return,
                };
                let account = self.access.accounts.get(&changed.person);
                let reset = account.is_some_and(|account| account.enrolled);
                let all = self.access.handed.entry(changed.person.clone()).or_default();
                let all = Arc::make_mut(all);
                all.retain(|it| counts(it, at));
                all.push(Handed { by, at, reset });
            }
            Event::PersonErased(erased) => drop(self.access.handed.remove(&erased.person)),
            _ => {}
        }
    }
}
