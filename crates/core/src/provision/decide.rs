//! What a provider of identities may change, and who lets it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::event::{
    GroupMembersChanged, GroupRemoved, GroupSet, TokenConfirmed, UserRemoved, UserSet,
};
use super::{Group, User};
use crate::access::{apart, still_here};
use crate::event::Event;
use crate::ids::{IdentityKey, PersonId, ProvisionedId, TokenId};
use crate::refusal::{Refusal, RefusalNature};
use crate::standing::Standing;

/// People that are provisioned at the most.
pub const USERS: usize = 20_000;
/// Groups that are provisioned at the most.
pub const GROUPS: usize = 2_000;
/// Members of a group at the most.
pub const MEMBERS: usize = 10_000;
/// Members in one event, so that it fits into an entry.
const CHUNK: usize = 1_000;

/// A person is provisioned, or changed. `expected` is the version that was looked at.
pub fn set_user(
    standing: &Standing,
    new: UserSet,
    expected: Option<u64>,
) -> Result<Vec<Event>, Refusal> {
    let provision = &standing.organisation.provision;
    let old = provision.users.get(&new.user);
    if let Some(old) = old {
        same_version(old.version, expected)?;
    } else if provision.users.len() >= USERS {
        return Err(full("people", USERS));
    }
    let mine = |owner: Option<&ProvisionedId>| owner.is_none_or(|owner| *owner == new.user);
    if !mine(provision.user_named(&new.user_name)) {
        return Err(taken("another person has this `userName`"));
    }
    if !mine(provision.user_once_named(&new.user_name)) {
        return Err(Refusal::conflict(
            "not_unique",
            "somebody who is declared has another `userName` by now, and had this one",
            "write their present `userName` into their `provisioned_as` in the organisation's files, and apply that",
        ));
    }
    if !new.external_id.iter().all(|external| mine(provision.user_known_as(external))) {
        return Err(taken("another person has this `externalId`"));
    }
    if !new.emails.iter().all(|email| mine(provision.user_at(email))) {
        return Err(taken("another person has one of these addresses"));
    }
    undisputed(standing, &new)?;
    Ok(vec![new.into()])
}

/// An address of somebody who is declared belongs to them alone, unless they claim the user name.
fn undisputed(standing: &Standing, new: &UserSet) -> Result<(), Refusal> {
    let claimed = standing.organisation.claim(new).map(|(person, _)| person);
    let other = |email: &IdentityKey| {
        standing.organisation.declared_with(email).is_some_and(|owner| Some(owner) != claimed)
    };
    if !new.emails.iter().any(other) {
        return Ok(());
    }
    Err(Refusal::conflict(
        "not_unique",
        "somebody who is declared has one of these addresses",
        "add the `userName` to `provisioned_as` of that person in the organisation's files, and apply that",
    ))
}

/// A provisioned person is gone over there.
pub fn remove_user(
    standing: &Standing,
    user: &ProvisionedId,
    expected: Option<u64>,
) -> Result<Vec<Event>, Refusal> {
    let known = user_of(standing, user)?;
    same_version(known.version, expected)?;
    Ok(vec![UserRemoved { user: user.clone() }.into()])
}

/// A group is provisioned, or changed, with exactly these members.
pub fn set_group(
    standing: &Standing,
    new: GroupSet,
    members: &BTreeSet<ProvisionedId>,
    expected: Option<u64>,
) -> Result<Vec<Event>, Refusal> {
    let provision = &standing.organisation.provision;
    let old = provision.groups.get(&new.group);
    if let Some(old) = old {
        same_version(old.version, expected)?;
    } else if provision.groups.len() >= GROUPS {
        return Err(full("groups", GROUPS));
    }
    if provision.group_named(&new.name).is_some_and(|owner| *owner != new.group) {
        return Err(taken("another group has this `displayName`"));
    }
    if members.len() > MEMBERS {
        return Err(full("members of a group", MEMBERS));
    }
    if let Some(unknown) = members.iter().find(|id| !provision.users.contains_key(*id)) {
        let message = format!("there is no user `{unknown}`");
        return Err(Refusal::invalid("member_unknown", message, "provision the person first"));
    }
    let group = new.group.clone();
    let mut events: Vec<Event> = Vec::new();
    if old.is_none_or(|old| old.set != new) {
        events.push(new.into());
    }
    let before: BTreeSet<ProvisionedId> =
        old.map(|old| old.members.iter().cloned().collect()).unwrap_or_default();
    let (added, removed) = (members - &before, &before - members);
    for added in chunks(added) {
        let removed = BTreeSet::new();
        events.push(GroupMembersChanged { group: group.clone(), added, removed }.into());
    }
    for removed in chunks(removed) {
        let added = BTreeSet::new();
        events.push(GroupMembersChanged { group: group.clone(), added, removed }.into());
    }
    Ok(events)
}

/// A group is gone over there.
pub fn remove_group(
    standing: &Standing,
    group: &ProvisionedId,
    expected: Option<u64>,
) -> Result<Vec<Event>, Refusal> {
    let known = group_of(standing, group)?;
    same_version(known.version, expected)?;
    Ok(vec![GroupRemoved { group: group.clone() }.into()])
}

/// A second person agrees that whoever has a token provisions people: with it groups, and with groups roles.
pub fn confirm_token(
    standing: &Standing,
    token: &TokenId,
    by: &PersonId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let known = standing.organisation.provision.tokens.get(token);
    let known = known.filter(|_| standing.tokens.contains_key(token)).ok_or_else(|| {
        let message = format!("there is no token `{token}` with `people.provision`");
        Refusal::missing("token_unknown", message, "list the tokens")
    })?;
    if known.made_by.as_ref() == Some(by) {
        return Err(Refusal::forbidden(
            "same_person",
            "whoever made a token that provisions people cannot confirm it",
            "ask a second person with `role.grant`",
        ));
    }
    if let Some(made_by) = &known.made_by {
        apart(standing, made_by, by, now)?;
        still_here(standing, made_by)?;
    }
    if known.confirmed_by.is_some() {
        let message = format!("`{token}` is confirmed already");
        return Err(Refusal::conflict("token_confirmed", message, "nothing is left to be done"));
    }
    Ok(vec![TokenConfirmed { token: token.clone(), by: by.clone() }.into()])
}

/// A provisioned person by id.
pub fn user_of<'a>(standing: &'a Standing, id: &ProvisionedId) -> Result<&'a User, Refusal> {
    let known = standing.organisation.provision.users.get(id).map(AsRef::as_ref);
    known.ok_or_else(|| missing(id))
}

/// A provisioned group by id.
pub fn group_of<'a>(standing: &'a Standing, id: &ProvisionedId) -> Result<&'a Group, Refusal> {
    let known = standing.organisation.provision.groups.get(id).map(AsRef::as_ref);
    known.ok_or_else(|| missing(id))
}

fn missing(id: &ProvisionedId) -> Refusal {
    let message = format!("nothing is provisioned as `{id}`");
    Refusal::missing("provisioned_unknown", message, "look for it with a filter")
}

fn same_version(version: u64, expected: Option<u64>) -> Result<(), Refusal> {
    if expected.is_none_or(|expected| expected == version) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalNature::Outdated,
        "version_outdated",
        "it has been changed since you looked at it",
        "read it again, and decide anew",
    ))
}

fn taken(message: &str) -> Refusal {
    Refusal::conflict("not_unique", message, "look for it with a filter, and change that one")
}

fn full(what: &str, most: usize) -> Refusal {
    let message = format!("there can be {most} {what}");
    Refusal::conflict("too_many_provisioned", message, "provision only those who work with this")
}

fn chunks(ids: BTreeSet<ProvisionedId>) -> Vec<BTreeSet<ProvisionedId>> {
    let ids: Vec<ProvisionedId> = ids.into_iter().collect();
    ids.chunks(CHUNK).map(|part| part.iter().cloned().collect()).collect()
}
