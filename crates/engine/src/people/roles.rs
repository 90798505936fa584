//! Roles that two people grant, and why somebody may do something or not.

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::access::event::RoleProposed;
use sluice_core::access::{self, Held};
use sluice_core::approvals;
use sluice_core::change::Change;
use sluice_core::ids::{ChangeNumber, GrantId, PersonId, RuleName};
use sluice_core::permission::Permission;
use sluice_core::scope::{Scope, Target};
use sluice_core::standing::Standing;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

/// A role that somebody is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleWish {
    /// Who.
    pub person: PersonId,
    /// Which role.
    pub role: String,
    /// Where.
    pub scope: Scope,
    /// Until when; absent: until it is revoked.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Whether somebody may do something, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Whether they may.
    pub allowed: bool,
    /// What lets them.
    pub because: Vec<String>,
    /// What does not let them although it comes near.
    pub but: Vec<String>,
}

/// What somebody may or may not do it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// Anything.
    Anything,
    /// A service in an environment.
    Place(Target),
    /// A change.
    Change(ChangeNumber),
}

impl Engine {
    /// Proposes a role for another person; it does nothing until a second person confirms it.
    pub async fn propose_role(
        &self,
        caller: &Caller,
        wish: RoleWish,
    ) -> Result<Answer<GrantId>, EngineError> {
        caller.require(Permission::RoleGrant)?;
        let by = caller.require_recent(self.latest())?;
        let id = GrantId::parse(&format!("g-{}", &self.rng().opaque_id()[..12]));
        let grant = id.unwrap_or_else(|_| unreachable!("letters and digits"));
        let RoleWish { person, role, scope, until, reason } = wish;
        let groups = self.login_groups(&caller.token);
        let proposed =
            RoleProposed { grant: grant.clone(), person, role, scope, until, reason, by, groups };
        self.decide(caller, move |standing, now| {
            access::decide::propose(standing, proposed, now).map(|events| (grant, events))
        })
        .await
    }

    /// A second person confirms a role.
    pub async fn confirm_role(
        &self,
        caller: &Caller,
        grant: &GrantId,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::RoleGrant)?;
        let (by, grant) = (caller.require_recent(self.latest())?, grant.clone());
        self.decide(caller, move |standing, now| {
            access::decide::confirm(standing, &grant, &by, now).map(|events| ((), events))
        })
        .await
    }

    /// Takes a role or a proposal back. A holder may give up their own.
    pub async fn revoke_role(
        &self,
        caller: &Caller,
        grant: &GrantId,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        let (person, _) = caller.require_session()?;
        let standing = self.standing();
        let own =
            standing.access.roles.get(grant).is_some_and(|role| role.proposed.person == person);
        if !own {
            caller.require_everywhere(Permission::RoleGrant)?;
        }
        let grant = grant.clone();
        self.decide(caller, move |standing, _| {
            access::decide::revoke(standing, &grant, &because).map(|events| ((), events))
        })
        .await
    }

    /// Whether a person may do something, and why. Blocking.
    pub fn explain_access(
        &self,
        caller: &Caller,
        person: &PersonId,
        permission: Permission,
        object: &Object,
    ) -> Result<Explained, EngineError> {
        if caller.person.as_ref() != Some(person) {
            caller.require_everywhere(Permission::AccessExplain)?;
        }
        let standing = self.standing();
        let mut explained = Explained { allowed: false, because: Vec::new(), but: Vec::new() };
        if standing.organisation.acting(person).is_none() {
            explained.but.push(why_not(&standing, person).to_owned());
            return Ok(explained);
        }
        let (targets, change) = match object {
            Object::Anything => (Vec::new(), None),
            Object::Place(target) => (vec![target.clone()], None),
            Object::Change(number) => {
                let change = self.change(*number)?;
                let Some(change) = change.filter(|change| caller.sees_change(&standing, change))
                else {
                    explained.but.push(format!("there is no change {number}"));
                    return Ok(explained);
                };
                let place = |name| standing.organisation.target(name, &change.environment);
                (change.services.iter().map(place).collect(), Some(change))
            }
        };
        let voting = change.filter(|_| permission == Permission::ChangeApprove);
        by_roles(&standing, person, permission, &targets, voting.is_some(), &mut explained);
        if let Some(change) = voting {
            by_involvement(&standing, person, &change, self.now(), &mut explained);
        }
        let closed = standing.access.accounts.get(person).and_then(|known| known.disabled.clone());
        explained.allowed &= closed.is_none();
        explained.but.extend(closed.map(|why| format!("the account is closed: {why}")));
        Ok(explained)
    }
}

fn why_not(standing: &Standing, person: &PersonId) -> &'static str {
    match standing.organisation.person(person) {
        Some(_) => "their provider of identities says that they have left",
        None => {
            "the organisation does not declare this person, and no provider keeps them, or it is disputed whose record it is"
        }
    }
}

/// What their roles say. For a change every service of it counts, but to say yes or no one is enough.
fn by_roles(
    standing: &Standing,
    person: &PersonId,
    permission: Permission,
    targets: &[Target],
    one_is_enough: bool,
    explained: &mut Explained,
) {
    let held = access::held_by(standing, person);
    let having: Vec<&Held> =
        held.iter().filter(|held| held.permissions.contains(&permission)).collect();
    for held in &having {
        let comes_near = targets.is_empty() || targets.iter().any(|its| held.scope.covers(its));
        let list = if comes_near { &mut explained.because } else { &mut explained.but };
        list.push(told(held, permission));
    }
    let covered = |target: &Target| having.iter().any(|held| held.scope.covers(target));
    let covers = match one_is_enough {
        true => targets.iter().any(covered),
        false => targets.iter().all(covered),
    };
    explained.allowed = !having.is_empty() && covers;
    for target in targets.iter().filter(|target| !covered(target)) {
        let (service, environment) = (&target.service, &target.environment);
        explained.but.push(format!("nothing covers `{service}` in `{environment}`"));
    }
    if having.is_empty() {
        let table = standing.access.table.roles.iter();
        let roles = table.filter(|role| role.permissions().any(|(its, _)| its == permission));
        let names: Vec<&str> = roles.map(|role| role.name.as_str()).collect();
        let roles = names.join("`, `");
        explained.but.push(format!("none of their roles has `{permission}`; `{roles}` do"));
    }
}

/// What their hand in the change says: nobody's own approval counts.
fn by_involvement(
    standing: &Standing,
    person: &PersonId,
    change: &Change,
    now: Timestamp,
    explained: &mut Explained,
) {
    let organisation = &standing.organisation;
    let (involved, unresolved) =
        approvals::involvement(organisation, &standing.behind_change(change).involved);
    if let Some(roles) = involved.get(person) {
        let roles: Vec<&str> = roles.iter().map(|role| role.told()).collect();
        let roles = roles.join(" and ");
        explained.allowed = false;
        explained.but.push(format!("they had a hand in {} as {roles}", change.number));
    }
    let hands = involved.keys().any(|other| access::same_hands(standing, person, other, now));
    if hands {
        explained.allowed = false;
        explained.but.push(format!(
            "they cannot be told from somebody who had a hand in {}: an account of the two was made or set back by the other, by the same person, or by a token that nobody answers for, within the last seven days",
            change.number
        ));
    }
    if !unresolved.is_empty() {
        explained.but.push(format!(
            "{} identities in {} belong to nobody that is declared, so no approval of it counts yet",
            unresolved.len(),
            change.number
        ));
    }
    let names = approvals::heeded_by(standing, change, person, None);
    let names: Vec<&str> = names.iter().map(RuleName::as_str).collect();
    if !names.is_empty() {
        explained.because.push(format!("their word counts for the rules `{}`", names.join("`, `")));
    } else if approvals::could_reject(organisation, change, person, None) {
        explained.because.push("a no of theirs counts, and a yes for no rule".to_owned());
    } else {
        explained.allowed = false;
        explained.but.push("no approval rule counts their word".to_owned());
    }
}

fn told(held: &Held, permission: Permission) -> String {
    format!("`{permission}` for {} by {}", held.scope, held.by)
}
