//! What stands of provisioned people and groups, with the look-ups that roles and logins need.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{GroupMembersChanged, GroupSet, UserSet};
use crate::ids::{IdentityKey, PersonId, ProvisionedId, TokenId};
use crate::organisation::Person;

/// Everything provisioned. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provision {
    /// People.
    pub users: OrdMap<ProvisionedId, Arc<User>>,
    /// Groups.
    pub groups: OrdMap<ProvisionedId, Arc<Group>>,
    /// Tokens that may provision, as far as people have agreed.
    pub tokens: OrdMap<TokenId, Arc<ProvisionToken>>,
    /// Those who are nobody that is declared.
    pub(crate) arrivals: OrdMap<PersonId, Arc<Person>>,
    /// User names of declared people whose record is gone over there.
    pub(crate) left: OrdSet<IdentityKey>,
    by_user_name: OrdMap<IdentityKey, ProvisionedId>,
    by_external_id: OrdMap<IdentityKey, ProvisionedId>,
    by_email: OrdMap<IdentityKey, ProvisionedId>,
    by_group_name: OrdMap<String, ProvisionedId>,
    by_person: OrdMap<PersonId, OrdSet<ProvisionedId>>,
    groups_of: OrdMap<ProvisionedId, OrdSet<ProvisionedId>>,
    /// Records that have another user name by now than the one under which somebody declared claims them.
    #[serde(default)]
    renamed: OrdMap<IdentityKey, ProvisionedId>,
}

/// A provisioned person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What is kept.
    pub set: UserSet,
    /// Who it is.
    pub bond: Bond,
    /// The user name under which somebody who is declared claims it: it stays theirs when it is renamed over there.
    #[serde(default)]
    pub claimed_as: Option<IdentityKey>,
    /// Counts up with every change.
    pub version: u64,
    /// Since when.
    pub since: Timestamp,
    /// When it changed last.
    pub changed: Timestamp,
}

/// Who a provisioned person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bond {
    /// A person of their own.
    Own,
    /// Somebody who is declared and claims the user name.
    Declared(PersonId),
    /// Somebody who is declared has an address of theirs and does not claim the user name: it gives nothing.
    Disputed,
}

/// A provisioned group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What is kept.
    pub set: GroupSet,
    /// Who is in it.
    pub members: OrdSet<ProvisionedId>,
    /// Counts up with every change.
    pub version: u64,
    /// Since when.
    pub since: Timestamp,
    /// When it changed last.
    pub changed: Timestamp,
}

/// A token that may provision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionToken {
    /// Who made it; none where a machine did.
    pub made_by: Option<PersonId>,
    /// Who agreed. Without that it does nothing.
    pub confirmed_by: Option<PersonId>,
}

impl User {
    /// Who it is, unless that is disputed.
    pub fn person(&self) -> Option<&PersonId> {
        match &self.bond {
            Bond::Own => Some(&self.set.person),
            Bond::Declared(person) => Some(person),
            Bond::Disputed => None,
        }
    }
}

impl Provision {
    /// Whose user name it is.
    pub fn user_named(&self, user_name: &IdentityKey) -> Option<&ProvisionedId> {
        self.by_user_name.get(user_name)
    }

    /// Whose id over there it is.
    pub fn user_known_as(&self, external_id: &IdentityKey) -> Option<&ProvisionedId> {
        self.by_external_id.get(external_id)
    }

    /// Whose mail address it is.
    pub fn user_at(&self, email: &IdentityKey) -> Option<&ProvisionedId> {
        self.by_email.get(email)
    }

    /// The record that was claimed under a user name which it has no more.
    pub fn user_once_named(&self, user_name: &IdentityKey) -> Option<&ProvisionedId> {
        self.renamed.get(user_name)
    }

    /// The group with this name, as it is written.
    pub fn group_named(&self, name: &str) -> Option<&ProvisionedId> {
        self.by_group_name.get(name)
    }

    /// Whether any record has this identity.
    pub fn knows(&self, identity: &IdentityKey) -> bool {
        self.by_user_name.contains_key(identity) || self.by_email.contains_key(identity)
    }

    /// The records of a person.
    pub fn users_of(&self, person: &PersonId) -> impl Iterator<Item = &Arc<User>> {
        let ids = self.by_person.get(person).into_iter().flatten();
        ids.filter_map(|id| self.users.get(id))
    }

    /// The groups that a record is in.
    pub fn groups_of(
        &self,
        user: &ProvisionedId,
    ) -> impl Iterator<Item = (&ProvisionedId, &Arc<Group>)> {
        let ids = self.groups_of.get(user).into_iter().flatten();
        ids.filter_map(|id| self.groups.get(id).map(|group| (id, group)))
    }

    /// The groups that a person is in by any of their records that is active.
    pub fn groups_of_person(&self, person: &PersonId) -> BTreeSet<&str> {
        let ids = self.by_person.get(person).into_iter().flatten();
        let active = ids.filter(|id| self.users.get(*id).is_some_and(|user| user.set.active));
        active.flat_map(|id| self.groups_of(id)).map(|(_, group)| group.set.name.as_str()).collect()
    }

    /// Who is in the groups with this name.
    pub(crate) fn people_in(&self, name: &str) -> BTreeSet<PersonId> {
        let group = self.group_named(name).and_then(|id| self.groups.get(id));
        let members = group.into_iter().flat_map(|group| group.members.iter());
        members.filter_map(|id| self.users.get(id)?.person().cloned()).collect()
    }

    pub(crate) fn user_set(&mut self, set: &UserSet, at: Timestamp) {
        let id = set.user.clone();
        let old = self.users.get(&id).cloned();
        let (version, since) = old.as_ref().map_or((0, at), |old| (old.version, old.since));
        let claimed_as = old.and_then(|old| old.claimed_as.clone());
        self.unlink(&id);
        self.by_user_name.insert(set.user_name.clone(), id.clone());
        if let Some(external) = &set.external_id {
            self.by_external_id.insert(external.clone(), id.clone());
        }
        for email in &set.emails {
            self.by_email.insert(email.clone(), id.clone());
        }
        self.left.remove(&set.user_name);
        let user = User {
            set: set.clone(),
            bond: Bond::Disputed,
            claimed_as,
            version: version + 1,
            since,
            changed: at,
        };
        self.users.insert(id, Arc::new(user));
    }

    /// Says who a record is and under which user name it is claimed, and lists it there.
    pub(crate) fn bind(&mut self, id: &ProvisionedId, bond: Bond, claimed_as: Option<IdentityKey>) {
        self.unbind(id);
        let Some(user) = self.users.get_mut(id) else { return };
        if let Some(once) = claimed_as.as_ref().filter(|name| **name != user.set.user_name) {
            self.renamed.insert(once.clone(), id.clone());
        }
        let changed = Arc::make_mut(user);
        (changed.bond, changed.claimed_as) = (bond, claimed_as);
        let (set, person) = (user.set.clone(), user.person().cloned());
        let own = user.bond == Bond::Own;
        let Some(person) = person else { return };
        self.by_person.entry(person.clone()).or_default().insert(id.clone());
        if own {
            let identities = set.emails.iter().chain([&set.user_name]).cloned().collect();
            let stub = Person {
                id: person.clone(),
                identities,
                roles: Vec::new(),
                claims: BTreeSet::new(),
                delegates: BTreeSet::new(),
            };
            self.arrivals.insert(person, Arc::new(stub));
        }
    }

    fn unbind(&mut self, id: &ProvisionedId) {
        let Some(user) = self.users.get(id) else { return };
        let (person, own) = (user.person().cloned(), user.bond == Bond::Own);
        if let Some(once) = &user.claimed_as
            && self.renamed.get(once) == Some(id)
        {
            self.renamed.remove(once);
        }
        let Some(person) = person else { return };
        if own {
            self.arrivals.remove(&person);
        }
        unlist(&mut self.by_person, &person, id);
    }

    /// Takes a record out of all look-ups, but for its groups.
    fn unlink(&mut self, id: &ProvisionedId) {
        self.unbind(id);
        let Some(user) = self.users.get(id).cloned() else { return };
        self.by_user_name.remove(&user.set.user_name);
        if let Some(external) = &user.set.external_id {
            self.by_external_id.remove(external);
        }
        for email in &user.set.emails {
            self.by_email.remove(email);
        }
    }

    pub(crate) fn user_removed(&mut self, id: &ProvisionedId) {
        self.unlink(id);
        let Some(user) = self.users.remove(id) else { return };
        if matches!(user.bond, Bond::Declared(_)) {
            self.left.extend(user.claimed_as.clone());
        }
        for group in self.groups_of.remove(id).into_iter().flatten() {
            if let Some(group) = self.groups.get_mut(&group) {
                Arc::make_mut(group).members.remove(id);
            }
        }
    }

    pub(crate) fn group_set(&mut self, set: &GroupSet, at: Timestamp) {
        let new = || Group {
            set: set.clone(),
            members: OrdSet::new(),
            version: 0,
            since: at,
            changed: at,
        };
        let mut group = self.groups.get(&set.group).map_or_else(new, |old| old.as_ref().clone());
        self.by_group_name.remove(&group.set.name);
        self.by_group_name.insert(set.name.clone(), set.group.clone());
        group.set = set.clone();
        group.version += 1;
        group.changed = at;
        self.groups.insert(set.group.clone(), Arc::new(group));
    }

    pub(crate) fn members_changed(&mut self, event: &GroupMembersChanged, at: Timestamp) {
        let Some(group) = self.groups.get_mut(&event.group) else { return };
        let group = Arc::make_mut(group);
        group.version += 1;
        group.changed = at;
        for id in &event.removed {
            group.members.remove(id);
            unlist(&mut self.groups_of, id, &event.group);
        }
        for id in event.added.iter().filter(|id| self.users.contains_key(*id)) {
            group.members.insert(id.clone());
            self.groups_of.entry(id.clone()).or_default().insert(event.group.clone());
        }
    }

    pub(crate) fn group_removed(&mut self, id: &ProvisionedId) {
        let Some(group) = self.groups.remove(id) else { return };
        self.by_group_name.remove(&group.set.name);
        for member in &group.members {
            unlist(&mut self.groups_of, member, id);
        }
    }
}

/// Takes an id out of a look-up; an empty set leaves it.
fn unlist<K: Ord + Clone>(map: &mut OrdMap<K, OrdSet<ProvisionedId>>, key: &K, id: &ProvisionedId) {
    let empty = map.get_mut(key).is_some_and(|ids| {
        ids.remove(id);
        ids.is_empty()
    });
    if empty {
        map.remove(key);
    }
}
