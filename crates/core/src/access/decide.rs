//! Who may get which role: nobody their own, and never by one person alone.

use jiff::{SignedDuration, Timestamp};

use super::another::another;
use super::event::{RoleConfirmed, RoleGranted, RoleProposed, RoleRevoked};
use super::{Proposer, RoleState, StandingRole, everywhere, still_may};
use crate::event::Event;
use crate::ids::{GrantId, PersonId};
use crate::organisation::known_scope;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::standing::Standing;
use crate::stop::reason_given;

/// How long a proposal waits for a second person.
pub(super) const WAITS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Roles that wait or hold at the same time, for one person.
const EACH: usize = 50;

/// Proposes a role for another person.
pub fn propose(
    standing: &Standing,
    proposed: RoleProposed,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let organisation = &standing.organisation;
    if organisation.acting(&proposed.person).is_none() {
        let message = format!("{} is not declared, or has left", proposed.person);
        return Err(Refusal::missing("person_unknown", message, "declare the person first"));
    }
    match standing.access.table.role(&proposed.role) {
        None => {
            let message = format!("there is no role `{}`", proposed.role);
            return Err(Refusal::invalid(
                "role_unknown",
                message,
                "see `sluice role list --table`",
            ));
        }
        Some(role) if role.machine => {
            let message = format!("`{}` is for machines", proposed.role);
            return Err(Refusal::invalid(
                "role_of_machines",
                message,
                "make a token, or a trust rule for pipelines",
            ));
        }
        Some(_) => {}
    }
    not_own(&proposed.person, &proposed.by)?;
    known_scope(organisation, &proposed.scope)?;
    reason_given(&proposed.reason)?;
    if proposed.until.is_some_and(|until| until <= now) {
        return Err(Refusal::invalid("until_past", "`until` has passed", "choose a later time"));
    }
    let theirs = standing.access.roles.values();
    if theirs.filter(|role| role.proposed.person == proposed.person).count() >= EACH {
        let message = format!("{} has {EACH} roles that wait or hold", proposed.person);
        return Err(Refusal::conflict("too_many_roles", message, "revoke some first"));
    }
    Ok(vec![proposed.into()])
}

/// A second person agrees. It takes effect after the cool-off, at once where there is none.
pub fn confirm(
    standing: &Standing,
    grant: &GrantId,
    by: &PersonId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let role = found(standing, grant)?;
    if role.state != RoleState::Proposed {
        let message = format!("`{grant}` is confirmed already");
        return Err(Refusal::conflict("role_confirmed", message, "nothing is left to be done"));
    }
    not_own(&role.proposed.person, by)?;
    let words = ("whoever proposed a role cannot confirm it", "role.grant");
    another(standing, &role.proposed.by, by, now, words)?;
    let RoleProposed { by: person, groups, .. } = &role.proposed;
    let proposer = Proposer { person, groups: groups.as_ref(), at: role.at };
    still_may(standing, proposer, Permission::RoleGrant, everywhere)?;
    if lapsed(role, now) {
        let message = format!("`{grant}` was proposed more than seven days ago");
        return Err(Refusal::conflict("proposal_lapsed", message, "propose it again"));
    }
    let minutes = i64::from(standing.organisation.settings.cool_off_minutes);
    let from = now.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX);
    let confirmed = RoleConfirmed { grant: grant.clone(), by: by.clone(), from };
    let mut events = vec![confirmed.into()];
    if from <= now {
        events.push(RoleGranted { grant: grant.clone() }.into());
    }
    Ok(events)
}

/// Takes a role or a proposal back. One person is enough, and it holds at once; nobody else's word is needed to
/// lose power, and a holder may give their own up.
pub fn revoke(standing: &Standing, grant: &GrantId, because: &str) -> Result<Vec<Event>, Refusal> {
    found(standing, grant)?;
    reason_given(because)?;
    Ok(vec![RoleRevoked { grant: grant.clone(), because: because.to_owned() }.into()])
}

/// What time alone makes of roles: those whose cool-off is over, those that end, proposals that nobody confirmed.
pub fn due(standing: &Standing, now: Timestamp) -> Vec<Event> {
    let revoked = |grant: &GrantId, because: &str| {
        Some(Event::from(RoleRevoked { grant: grant.clone(), because: because.to_owned() }))
    };
    let roles = standing.access.roles.iter();
    let due = roles.filter_map(|(grant, role)| {
        let gone = standing.organisation.person(&role.proposed.person).is_none();
        let ended = role.proposed.until.is_some_and(|until| until <= now);
        match &role.state {
            _ if gone => revoked(grant, "the person is not declared any more"),
            _ if ended => revoked(grant, "its time is over"),
            RoleState::Proposed if lapsed(role, now) => revoked(grant, "nobody confirmed it"),
            RoleState::Confirmed { from, .. } if *from <= now => {
                Some(RoleGranted { grant: grant.clone() }.into())
            }
            RoleState::Proposed | RoleState::Confirmed { .. } | RoleState::Granted { .. } => None,
        }
    });
    due.collect()
}

/// Roles whose time is over, or whose holder is gone, and nothing else of what time makes of roles: what takes a right away
/// does not wait for a clock that is trusted.
pub fn over(standing: &Standing, now: Timestamp) -> Vec<Event> {
    let held = |event: &Event| match event {
        Event::RoleRevoked(revoked) => standing
            .access
            .roles
            .get(&revoked.grant)
            .is_some_and(|role| role.state != RoleState::Proposed),
        _ => false,
    };
    due(standing, now).into_iter().filter(held).collect()
}

fn found<'a>(standing: &'a Standing, grant: &GrantId) -> Result<&'a StandingRole, Refusal> {
    standing.access.roles.get(grant).map(AsRef::as_ref).ok_or_else(|| {
        let message = format!("there is no grant `{grant}` that waits or holds");
        Refusal::missing("grant_unknown", message, "see `sluice role list`")
    })
}

fn not_own(person: &PersonId, by: &PersonId) -> Result<(), Refusal> {
    if person != by {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "own_role",
        "nobody gives a role to themselves, and nobody confirms their own",
        "ask two other people with `role.grant`",
    ))
}

fn lapsed(role: &StandingRole, now: Timestamp) -> bool {
    role.at.saturating_add(WAITS).is_ok_and(|end| end <= now)
}
