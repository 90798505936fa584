//! Whether there is a second person who could agree.
//!
//! Whoever takes accounts, roles or people away must not be left as the only one and so be free: for a week after there
//! were two last, it is as if there still were.

use jiff::{SignedDuration, Timestamp};

use super::{held_by, permissions_of};
use crate::event::Event;
use crate::ids::{PersonId, TokenId};
use crate::organisation::{Item, ItemKind};
use crate::permission::Permission;
use crate::standing::{Actor, Standing};

/// For how long it is remembered that there were two.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whether two people could activate policy, and so agree to all that is governed: they may, have an account that is
/// open, and a password here.
pub fn two_could(standing: &Standing) -> bool {
    able(standing, Permission::PolicyActivate).take(2).count() == 2
}

/// Who could manage accounts: with an account that is open, and a password here.
pub(super) fn manages_accounts(standing: &Standing) -> impl Iterator<Item = &PersonId> {
    able(standing, Permission::AccountManage)
}

fn able(standing: &Standing, permission: Permission) -> impl Iterator<Item = &PersonId> {
    let accounts = standing.access.accounts.iter();
    let able = accounts.filter(move |(person, account)| {
        account.disabled.is_none()
            && account.factors.contains("password")
            && permissions_of(&held_by(standing, person)).contains(&permission)
    });
    able.map(|(person, _)| person)
}

/// Whether two could within the last week, though they cannot now.
pub fn two_could_lately(standing: &Standing, now: Timestamp) -> bool {
    let until = standing.access.two_until.and_then(|last| last.checked_add(REMEMBERED).ok());
    until.is_some_and(|until| now < until)
}

impl Standing {
    /// Remembers, before an event that may take a second person away, that there was one.
    pub(crate) fn note_second(&mut self, event: &Event, at: Timestamp) {
        let has_account = |person: &PersonId| self.access.accounts.contains_key(person);
        let may_take = match event {
            Event::RoleRevoked(_)
            | Event::RoleTableSet(_)
            | Event::AccountCreated(_)
            | Event::AccountFactorChanged(_)
            | Event::AccountDisabled(_)
            | Event::PersonErased(_)
            | Event::UserSet(_)
            | Event::UserRemoved(_)
            | Event::GroupMembersChanged(_)
            | Event::GroupRemoved(_) => true,
            Event::ItemDeclared(event) => match &event.item {
                Item::Person(person) => has_account(&person.id),
                Item::Team(_) | Item::GroupMapping(_) | Item::ApprovalRule(_) => true,
                _ => false,
            },
            Event::ItemWithdrawn(event) => matches!(
                event.kind,
                ItemKind::Person | ItemKind::Team | ItemKind::GroupMapping | ItemKind::ApprovalRule
            ),
            _ => false,
        };
        if may_take && two_could(self) {
            self.access.two_until = Some(at);
        }
        if may_take {
            // Beside any two of three there is one.
            let managers: Vec<PersonId> = manages_accounts(self).take(3).cloned().collect();
            let lately =
                |until: &Timestamp| until.checked_add(REMEMBERED).is_ok_and(|end| at < end);
            self.access.managers_until.retain(|_, until| lately(until));
            self.access.managers_until.extend(managers.into_iter().map(|person| (person, at)));
        }
    }

    /// Notes who made a token: what it does is theirs where a second person is counted.
    pub(crate) fn token_made(&mut self, event: &Event, actor: &Actor) {
        let Event::TokenCreated(token) = event else { return };
        let maker = match actor {
            Actor::Person(person) => Some(person.clone()),
            Actor::Pipeline(by) => self.maker_of(by).cloned(),
            Actor::Link(_) | Actor::Sluice => None,
        };
        if let Some(known) = self.tokens.get(&token.id) {
            let mut known = known.as_ref().clone();
            known.maker = maker;
            self.tokens.insert(token.id.clone(), std::sync::Arc::new(known));
        }
    }

    /// The person who answers for what a token does.
    pub fn maker_of(&self, token: &TokenId) -> Option<&PersonId> {
        self.tokens.get(token)?.maker.as_ref()
    }
}
