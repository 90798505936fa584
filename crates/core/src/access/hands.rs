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

/// For how long it is known: an approval that was given within the week may be looked at for a year.
const KNOWN: SignedDuration = SignedDuration::from_hours(373 * 24);

/// The most that is known of one account.
const MOST: usize = 200;

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

/// The hands through which the account of a person went in the week before a time.
pub fn hands_of<'a>(
    standing: &'a Standing,
    person: &PersonId,
    when: Timestamp,
) -> impl Iterator<Item = &'a Handed> {
    let handed = standing.access.handed.get(person);
    handed.into_iter().flat_map(|all| all.iter()).filter(move |it| counts(it, when))
}

/// Whether one person could have been both at a time: an account of the two went through the hands of the other, or both
/// through the same, within the week before it.
pub fn same_hands(
    standing: &Standing,
    first: &PersonId,
    second: &PersonId,
    when: Timestamp,
) -> bool {
    if first == second {
        return false;
    }
    let held_by = |of: &PersonId, other: &PersonId| {
        let mut hands = hands_of(standing, of, when);
        hands.any(|it| matches!(&it.by, Hand::Person(by) if by == other) || it.by == Hand::Anybody)
    };
    let same = || {
        hands_of(standing, first, when)
            .any(|one| hands_of(standing, second, when).any(|other| one.by == other.by))
    };
    held_by(first, second) || held_by(second, first) || same()
}

/// Refuses where a second person would not be another one. Asked wherever somebody confirms what another proposed.
pub fn apart(
    standing: &Standing,
    first: &PersonId,
    second: &PersonId,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !same_hands(standing, first, second, now) {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "same_hands",
        "the accounts of these two people were made or set back by one of them, by the same person, or by a token that nobody answers for, within the last seven days: for so long they do not count as two",
        "ask a third person, or wait until the seven days are over",
    ))
}

fn counts(handed: &Handed, when: Timestamp) -> bool {
    handed.at <= when && within(handed, COUNTS, when)
}

fn within(handed: &Handed, span: SignedDuration, when: Timestamp) -> bool {
    handed.at.saturating_add(span).is_ok_and(|end| when < end)
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
                // Whatever was asked for is done.
                self.access.resets.remove(&changed.person);
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
                self.handed(&changed.person, Handed { by, at, reset });
            }
            // The code has whoever confirmed it; whoever asked may have it as well.
            Event::AccountResetConfirmed(confirmed) => {
                let by = Hand::Person(confirmed.asked_by.clone());
                self.handed(&confirmed.person, Handed { by, at, reset: true });
            }
            Event::PersonErased(erased) => drop(self.access.handed.remove(&erased.person)),
            _ => {}
        }
    }

    fn handed(&mut self, person: &PersonId, handed: Handed) {
        let all = Arc::make_mut(self.access.handed.entry(person.clone()).or_default());
        all.retain(|it| within(it, KNOWN, handed.at));
        all.drain(..(all.len() + 1).saturating_sub(MOST));
        all.push(handed);
    }
}
