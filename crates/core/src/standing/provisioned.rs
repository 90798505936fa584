//! What provisioning makes of the standing: who may act, who has which groups, and whose sessions are over by it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::Standing;
use crate::event::Event;
use crate::ids::{IdentityKey, PersonId, ProvisionedId};
use crate::organisation::{Item, ItemKind, PROVISIONED};
use crate::permission::Permission;
use crate::provision::event::{GroupMembersChanged, GroupSet, TokenConfirmed, UserSet};
use crate::provision::{Bond, ProvisionToken};

impl Standing {
    pub(super) fn user_set(&mut self, set: &UserSet, at: Timestamp) {
        let before = self.person_of_record(&set.user);
        let claimed = self.claimed_record(&set.user);
        let once_named = self.organisation.provision.user_once_named(&set.user_name);
        let displaced = once_named.filter(|record| **record != set.user).cloned();
        self.organisation.provision.user_set(set, at);
        self.organisation.settle(&set.user);
        if let Some(record) = displaced {
            let before = self.person_of_record(&record);
            self.organisation.settle(&record);
            let after = self.person_of_record(&record);
            self.leave_unless_same(before, after);
        }
        if let Some((person, name)) = claimed
            && self.claimed_record(&set.user).is_none_or(|(now, _)| now != person)
        {
            // It is somebody else's over there now, so that whoever it was has none.
            self.organisation.provision.left.insert(name);
        }
        let after = self.person_of_record(&set.user);
        self.leave_unless_same(before, after);
    }

    pub(super) fn user_removed(&mut self, user: &ProvisionedId) {
        let before = self.person_of_record(user);
        self.organisation.provision.user_removed(user);
        self.leave_unless_same(before, None);
    }

    /// Whoever is declared and has a record, with the user name under which they claim it.
    fn claimed_record(&self, user: &ProvisionedId) -> Option<(PersonId, IdentityKey)> {
        let user = self.organisation.provision.users.get(user)?;
        match &user.bond {
            Bond::Declared(person) => Some((person.clone(), user.claimed_as.clone()?)),
            Bond::Own | Bond::Disputed => None,
        }
    }

    /// Who a record is, and whether they may act by it.
    fn person_of_record(&self, user: &ProvisionedId) -> Option<PersonId> {
        let user = self.organisation.provision.users.get(user)?;
        user.person().filter(|_| user.set.active).cloned()
    }

    fn leave_unless_same(&mut self, before: Option<PersonId>, after: Option<PersonId>) {
        if before != after
            && let Some(person) = before
        {
            if self.organisation.acting(&person).is_some() {
                self.access.end_sessions(&person);
            } else {
                self.let_go(&person);
            }
        }
    }

    pub(super) fn group_set(&mut self, set: &GroupSet, at: Timestamp) {
        let known = self.organisation.provision.groups.get(&set.group);
        let old = known.map(|group| group.set.name.clone()).filter(|name| *name != set.name);
        self.come_in_anew(old.as_deref());
        self.organisation.provision.group_set(set, at);
        self.come_in_anew(old.and(Some(set.name.as_str())));
    }

    pub(super) fn members_changed(&mut self, event: &GroupMembersChanged, at: Timestamp) {
        self.organisation.provision.members_changed(event, at);
        let provision = &self.organisation.provision;
        let name = provision.groups.get(&event.group).map(|group| group.set.name.clone());
        if !name.is_some_and(|name| self.gives_roles(&name)) {
            return;
        }
        let records = event.added.iter().chain(&event.removed);
        let people: BTreeSet<PersonId> = records
            .filter_map(|id| self.organisation.provision.users.get(id)?.person().cloned())
            .collect();
        for person in people {
            self.access.end_sessions(&person);
        }
    }

    pub(super) fn group_removed(&mut self, group: &ProvisionedId) {
        let known = self.organisation.provision.groups.get(group);
        let name = known.map(|group| group.set.name.clone());
        self.come_in_anew(name.as_deref());
        self.organisation.provision.group_removed(group);
    }

    /// Whoever is in a group that gives roles has others than before.
    fn come_in_anew(&mut self, group: Option<&str>) {
        let Some(group) = group.filter(|group| self.gives_roles(group)) else { return };
        for person in self.organisation.provision.people_in(group) {
            self.access.end_sessions(&person);
        }
    }

    fn gives_roles(&self, group: &str) -> bool {
        let mut mappings = self.organisation.mappings.values();
        mappings.any(|one| one.provider == PROVISIONED && one.group == group)
    }

    /// Whoever's roles follow from a mapping that changes comes in anew: called before and after it does.
    pub(super) fn mapping_declared(&mut self, item: &Item) {
        let Item::GroupMapping(mapping) = item else { return };
        self.mapping_withdrawn(ItemKind::GroupMapping, mapping.name.as_str());
    }

    pub(super) fn mapping_withdrawn(&mut self, kind: ItemKind, name: &str) {
        if kind == ItemKind::GroupMapping
            && let Some(mapping) = self.organisation.mappings.get(name).cloned()
            && mapping.provider == PROVISIONED
        {
            self.come_in_anew(Some(&mapping.group));
        }
    }

    /// Notes who made a token that may provision, since a second person has to agree.
    pub(super) fn provision_token(&mut self, event: &Event) {
        let provisioning = Permission::PeopleProvision.as_str();
        match event {
            Event::TokenCreated(token)
                if token.permissions.iter().any(|name| name == provisioning) =>
            {
                let made_by = self.maker_of(&token.id).cloned();
                let known = ProvisionToken { made_by, confirmed_by: None };
                let in_force = &self.tokens;
                let tokens = &mut self.organisation.provision.tokens;
                let over: Vec<_> =
                    tokens.keys().filter(|id| !in_force.contains_key(*id)).cloned().collect();
                for id in over {
                    tokens.remove(&id);
                }
                tokens.insert(token.id.clone(), Arc::new(known));
            }
            Event::TokenRevoked(event) => {
                drop(self.organisation.provision.tokens.remove(&event.id))
            }
            _ => {}
        }
    }

    pub(super) fn provision_confirmed(&mut self, event: &TokenConfirmed) {
        if let Some(known) = self.organisation.provision.tokens.get_mut(&event.token) {
            Arc::make_mut(known).confirmed_by = Some(event.by.clone());
        }
    }
}
