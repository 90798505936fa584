//! Who there is, declared or provisioned, and which roles they have by what.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::mapping::PROVISIONED;
use super::{Approvers, GroupMapping, Organisation, Person, RoleGrant};
use crate::ids::{IdentityKey, PersonId, ProvisionedId};
use crate::provision::Bond;
use crate::provision::event::UserSet;
use crate::scope::Target;

impl Organisation {
    /// A person, whether they may act or not.
    pub fn person(&self, person: &PersonId) -> Option<&Arc<Person>> {
        self.people.get(person).or_else(|| self.provision.arrivals.get(person))
    }

    /// A person who may act: their provider has not said that they have left.
    pub fn acting(&self, person: &PersonId) -> Option<&Arc<Person>> {
        self.person(person).filter(|known| !self.has_left(known))
    }

    /// Everybody, in the order of their ids within those declared and those provisioned.
    pub fn everybody(&self) -> impl Iterator<Item = &PersonId> {
        self.people.keys().chain(self.provision.arrivals.keys())
    }

    /// Whether all records of a person say that they may not act, or the last one is gone.
    fn has_left(&self, person: &Person) -> bool {
        let mut records = self.provision.users_of(&person.id).peekable();
        if records.peek().is_none() {
            return person.identities.iter().any(|one| self.provision.left.contains(one));
        }
        !records.any(|user| user.set.active)
    }

    /// Whose an identity is.
    pub fn person_of(&self, identity: &IdentityKey) -> Option<&PersonId> {
        self.declared_with(identity).or_else(|| {
            let user = self.provision.user_at(identity)?;
            self.provision.users.get(user)?.person()
        })
    }

    /// Roles that groups which are provisioned give a person, with the mapping that says so.
    pub fn roles_by_group(
        &self,
        person: &PersonId,
    ) -> impl Iterator<Item = (&GroupMapping, &RoleGrant)> {
        self.mapped(PROVISIONED, self.provision.groups_of_person(person))
    }

    /// Roles that groups of a provider give.
    pub fn mapped<'a>(
        &'a self,
        provider: &str,
        groups: BTreeSet<&str>,
    ) -> impl Iterator<Item = (&'a GroupMapping, &'a RoleGrant)> {
        let mappings = self.mappings.values().map(AsRef::as_ref);
        let named: Vec<&GroupMapping> = mappings
            .filter(|one| one.provider == provider && groups.contains(one.group.as_str()))
            .collect();
        named.into_iter().flat_map(|mapping| mapping.roles.iter().map(move |role| (mapping, role)))
    }

    /// All roles of a person who may act, but for those that a login gave their session.
    pub fn roles_of<'a>(&'a self, person: &'a PersonId) -> impl Iterator<Item = &'a RoleGrant> {
        let acting = self.acting(person);
        let declared = acting.into_iter().flat_map(|known| known.roles.iter());
        let granted = self.granted.get(person).filter(|_| acting.is_some()).into_iter().flatten();
        let by_group = acting.into_iter().flat_map(|known| self.roles_by_group(&known.id));
        declared.chain(granted).chain(by_group.map(|(_, role)| role))
    }

    /// Everybody who might speak by one of these selectors of an approval rule, and perhaps some who may not: holders of the
    /// roles by whatever way, wherever they hold, members of the teams, persons with the claims.
    pub(crate) fn named_by(&self, approvers: &Approvers) -> BTreeSet<PersonId> {
        let declared = approvers.roles.iter().filter_map(|role| self.by_role.get(role)).flatten();
        let names = |held: &RoleGrant| approvers.roles.contains(&held.role);
        let granted = self.granted.iter().filter(|(_, roles)| roles.iter().any(names));
        let claiming = approvers.claims.iter().filter_map(|claim| self.by_claim.get(claim));
        let teams = approvers.teams.iter().filter_map(|team| self.teams.get(team.as_str()));
        let mut named: BTreeSet<PersonId> = approvers.persons.clone();
        named.extend(declared.cloned());
        named.extend(granted.map(|(person, _)| person.clone()));
        named.extend(claiming.flatten().cloned());
        named.extend(teams.flat_map(|team| team.members.iter().cloned()));
        let mappings = self.mappings.values().filter(|one| one.provider == PROVISIONED);
        for mapping in mappings.filter(|one| one.roles.iter().any(names)) {
            named.extend(self.provision.people_in(&mapping.group));
        }
        named
    }

    /// Whether a person holds a role whose scope covers a target.
    pub fn holds_role(&self, person: &PersonId, role: &str, target: &Target) -> bool {
        self.roles_of(person).any(|held| held.role == role && held.scope.covers(target))
    }

    /// Says anew who the records are that have any of these identities.
    pub(crate) fn rebind(&mut self, identities: &BTreeSet<IdentityKey>) {
        let known = identities.iter().flat_map(|one| {
            let found = [
                self.provision.user_named(one),
                self.provision.user_once_named(one),
                self.provision.user_at(one),
            ];
            found.into_iter().flatten()
        });
        let records: BTreeSet<ProvisionedId> = known.cloned().collect();
        for id in records {
            self.settle(&id);
        }
    }

    /// Says who a record is.
    pub(crate) fn settle(&mut self, id: &ProvisionedId) {
        let Some(user) = self.provision.users.get(id) else { return };
        let claim = self.claim(&user.set);
        let claimed = claim.map(|(person, _)| person);
        let other = |email| self.declared_with(email).is_some_and(|owner| Some(owner) != claimed);
        let bond = if user.set.emails.iter().any(other) {
            Bond::Disputed
        } else {
            claimed.map_or(Bond::Own, |person| Bond::Declared(person.clone()))
        };
        let claimed_as = claim.map(|(_, name)| name.clone());
        self.provision.bind(id, bond, claimed_as);
    }

    /// Who claims a record, and under which user name: the one that it has or, where nobody claims that, the one under
    /// which it was claimed before. A rename over there makes nobody else of anybody, unless another record has that name
    /// by now: a name is one record's.
    pub fn claim<'a>(&'a self, set: &'a UserSet) -> Option<(&'a PersonId, &'a IdentityKey)> {
        let before =
            self.provision.users.get(&set.user).and_then(|known| known.claimed_as.as_ref());
        let is_free = |name: &&IdentityKey| {
            self.provision.user_named(name).is_none_or(|record| *record == set.user)
        };
        let mut names = std::iter::once(&set.user_name).chain(before.filter(is_free));
        names.find_map(|name| self.declared_with(name).map(|person| (person, name)))
    }
}
