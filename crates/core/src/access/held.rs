//! What a person may do, where, and by what: gathered anew whenever it is asked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::ids::PersonId;
use crate::organisation::{ApprovalRule, GroupMapping, Person, RoleGrant};
use crate::permission::Permission;
use crate::scope::Scope;
use crate::standing::Standing;

use super::event::{LoginGroups, SessionOpened};
use super::{Narrowed, Reach, Role};

/// Permissions that a person has by one thing, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What they may.
    pub permissions: BTreeSet<Permission>,
    /// Where.
    pub scope: Scope,
    /// By what, in words: how `access explain` says it.
    pub by: String,
}

/// Everything that gives a person permissions, but for what a login says of groups. Nobody has any who is neither
/// declared nor provisioned, or whose provider says that they have left.
pub fn held_by(standing: &Standing, person: &PersonId) -> Vec<Held> {
    let Some(declared) = standing.organisation.acting(person) else { return Vec::new() };
    let teams = teams_of(standing, person);
    let mut held = Vec::new();
    for grant in &declared.roles {
        let by = format!("the role `{}`, which the organisation declares", grant.role);
        held.extend(of_role(standing, &grant.role, &grant.scope, &teams, &by));
    }
    for (id, role) in standing.access.granted(person) {
        let (name, scope) = (&role.proposed.role, &role.proposed.scope);
        let by = format!("the role `{name}`, granted by two people as `{id}`");
        held.extend(of_role(standing, name, scope, &teams, &by));
    }
    for (mapping, grant) in standing.organisation.roles_by_group(person) {
        held.extend(of_mapping(standing, mapping, grant, &teams));
    }
    for rule in standing.organisation.approval_rules.values() {
        held.extend(of_rule(rule, declared, person, &teams));
    }
    held
}

/// Everything that gives the person of a session permissions: with the roles of groups that the login said.
pub fn held_in(standing: &Standing, session: &SessionOpened) -> Vec<Held> {
    held_with(standing, &session.person, session.groups.as_ref())
}

/// Everything that gives a person permissions, with the roles of groups that a login of theirs said.
pub fn held_with(
    standing: &Standing,
    person: &PersonId,
    groups: Option<&LoginGroups>,
) -> Vec<Held> {
    let mut held = held_by(standing, person);
    let acting = standing.organisation.acting(person).is_some();
    let Some(groups) = groups.filter(|_| acting) else { return held };
    let teams = teams_of(standing, person);
    for (mapping, grant) in standing.organisation.mapped(&groups.provider, groups.names()) {
        held.extend(of_mapping(standing, mapping, grant, &teams));
    }
    held
}

/// What a person has by a token, where no session of theirs says what their login confirmed. It is no more than what the
/// last login by their provider confirmed, where that confirms roles.
pub fn held_beside(standing: &Standing, person: &PersonId) -> Vec<Held> {
    let held = held_by(standing, person);
    narrowed(held, standing.access.narrowed.get(person).map(AsRef::as_ref))
}

/// What a person has still who proposed something at a time. Their session had what it took then, whatever a login had
/// confirmed before; one that came after it may have confirmed less.
pub(super) fn held_since(
    standing: &Standing,
    person: &PersonId,
    groups: Option<&LoginGroups>,
    at: Timestamp,
) -> Vec<Held> {
    let held = held_with(standing, person, groups);
    let later = standing.access.narrowed.get(person).filter(|narrowed| narrowed.at >= at);
    narrowed(held, later.map(AsRef::as_ref))
}

fn narrowed(mut held: Vec<Held>, to: Option<&Narrowed>) -> Vec<Held> {
    if let Some(confirmed) = to {
        for one in &mut held {
            one.permissions.retain(|permission| confirmed.to.contains(permission.as_str()));
        }
    }
    held
}

fn of_mapping(
    standing: &Standing,
    mapping: &GroupMapping,
    grant: &RoleGrant,
    teams: &BTreeSet<String>,
) -> Vec<Held> {
    let GroupMapping { name, provider, group, .. } = mapping;
    let role = &grant.role;
    let by = format!(
        "the role `{role}`, which the mapping `{name}` gives the group `{group}` of `{provider}`"
    );
    of_role(standing, role, &grant.scope, teams, &by)
}

/// All permissions of a person, wherever they hold.
pub fn permissions_of(held: &[Held]) -> BTreeSet<Permission> {
    held.iter().flat_map(|held| held.permissions.iter().copied()).collect()
}

fn teams_of(standing: &Standing, person: &PersonId) -> BTreeSet<String> {
    let teams = standing.organisation.teams.values();
    teams.filter(|team| team.members.contains(person)).map(|team| team.name.to_string()).collect()
}

/// A role that is not in the table, or is a machine's, gives nothing.
fn of_role(
    standing: &Standing,
    name: &str,
    scope: &Scope,
    teams: &BTreeSet<String>,
    by: &str,
) -> Vec<Held> {
    let Some(role) = standing.access.table.role(name).filter(|role| !role.machine) else {
        return Vec::new();
    };
    let with = |reach: Reach, scope: Scope, by: String| {
        let permissions = reaching(role, reach);
        (!permissions.is_empty()).then_some(Held { permissions, scope, by })
    };
    let own = own_scope(scope, teams)
        .and_then(|scope| with(Reach::Own, scope, format!("{by}, for what is their own")));
    with(Reach::All, scope.clone(), by.to_owned()).into_iter().chain(own).collect()
}

fn reaching(role: &Role, reach: Reach) -> BTreeSet<Permission> {
    role.permissions().filter(|(_, its)| *its == reach).map(|(permission, _)| permission).collect()
}

/// What is a holder's own: what the grant names, else the services of their teams; nothing without a team.
fn own_scope(scope: &Scope, teams: &BTreeSet<String>) -> Option<Scope> {
    if !scope.services.is_empty() || !scope.teams.is_empty() {
        return Some(scope.clone());
    }
    (!teams.is_empty()).then(|| Scope { teams: teams.clone(), ..scope.clone() })
}

/// Whoever an approval rule names by person, team or claim may approve where it speaks. Holders of the roles that it
/// names come in by those roles: a role's own scope decides there.
fn of_rule(
    rule: &ApprovalRule,
    declared: &Person,
    person: &PersonId,
    teams: &BTreeSet<String>,
) -> Vec<Held> {
    let approvers = &rule.approvers;
    let named = approvers.persons.contains(person)
        || approvers.claims.iter().any(|claim| declared.claims.contains(claim))
        || approvers.teams.iter().any(|team| teams.contains(team));
    let held = |scope: Scope, how: &str| Held {
        permissions: [Permission::ChangeApprove, Permission::ChangeRead].into(),
        scope,
        by: format!("the approval rule `{}`, which names {how}", rule.name),
    };
    let by_name = named.then(|| held(rule.scope.clone(), "them"));
    let owner = approvers.teams.contains("@owner");
    let by_owner = owner.then(|| owned(&rule.scope, teams)).flatten();
    let by_owner = by_owner.map(|scope| held(scope, "the team that owns the service"));
    by_name.into_iter().chain(by_owner).collect()
}

/// The part of a rule's scope that belongs to these teams.
fn owned(scope: &Scope, teams: &BTreeSet<String>) -> Option<Scope> {
    let theirs: BTreeSet<String> = if scope.teams.is_empty() {
        teams.clone()
    } else {
        scope.teams.intersection(teams).cloned().collect()
    };
    (!theirs.is_empty()).then(|| Scope { teams: theirs, ..scope.clone() })
}
