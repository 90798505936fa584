//! The table of roles: which ITIL function has which permissions. Data, versioned, recorded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::permission::Permission;

/// The table that this version of the program ships with.
const SHIPPED: &str = include_str!("roles.json");

/// Which function has which permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleTable {
    /// Counts up whenever the table changes.
    pub version: u32,
    /// The roles, by name.
    pub roles: Vec<Role>,
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name, `change_manager`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is for, in a sentence.
    pub about: String,
    /// Whether machines have it, not people.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine: bool,
    /// Permissions in the whole scope of the grant.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub all: BTreeSet<String>,
    /// Permissions for what is the holder's own: services of their teams, or those that the grant names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub own: BTreeSet<String>,
}

/// How far a permission of a role reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The whole scope of the grant.
    All,
    /// The services of the holder's teams, or those that the grant names.
    Own,
}

impl RoleTable {
    /// The table that this version of the program ships with.
    pub fn shipped() -> Self {
        match serde_json::from_str(SHIPPED) {
            Ok(table) => table,
            // It is part of the program, and a test reads it.
            Err(error) => unreachable!("the shipped table of roles is sound: {error}"),
        }
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }
}

impl Role {
    /// The permissions with how far they reach. Names that this build does not know allow nothing.
    pub fn permissions(&self) -> impl Iterator<Item = (Permission, Reach)> {
        let read = |names: &BTreeSet<String>, reach: Reach| {
            let known = names.iter().filter_map(|name| Permission::parse(name));
            known.map(|permission| (permission, reach)).collect::<Vec<_>>()
        };
        read(&self.all, Reach::All).into_iter().chain(read(&self.own, Reach::Own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_of_the_shipped_table_exists_and_has_a_role() {
        let table = RoleTable::shipped();
        let mut given = BTreeSet::new();
        for role in &table.roles {
            for name in role.all.iter().chain(&role.own) {
                let known = Permission::parse(name);
                assert!(known.is_some(), "`{}` has the unknown permission `{name}`", role.name);
                given.extend(known);
            }
            assert!(role.all.is_disjoint(&role.own), "`{}` has one twice", role.name);
        }
        let missing: Vec<_> = Permission::ALL.iter().filter(|one| !given.contains(one)).collect();
        assert!(missing.is_empty(), "no role has {missing:?}");
    }

    #[test]
    fn machines_have_nothing_that_is_for_people() {
        for role in RoleTable::shipped().roles.iter().filter(|role| role.machine) {
            for (permission, _) in role.permissions() {
                assert!(!permission.is_for_people(), "`{}` has `{permission}`", role.name);
            }
        }
    }

    #[test]
    fn whoever_administers_has_no_part_in_decisions() {
        let table = RoleTable::shipped();
        let administrator = table.role("administrator").expect("there is one");
        for (permission, _) in administrator.permissions() {
            assert!(!permission.is_of_decisions(), "`{permission}`");
        }
    }
}
