//! Roles that two people grant, and why somebody may do something or not.

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::access::event::RoleProposed;
use sluice_core::access::{self, Held};
use sluice_core::ids::{GrantId, PersonId};
use sluice_core::permission::Permission;
use sluice_core::scope::{Scope, Target};

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

impl Engine {
    /// Proposes a role for another person; it does nothing until a second person confirms it.
    pub async fn propose_role(
        &self,
        caller: &Caller,
        wish: RoleWish,
    ) -> Result<Answer<GrantId>, EngineError> {
        caller.require(Permission::RoleGrant)?;
        let by = caller.require_recent(self.now())?;
        let id = GrantId::parse(&format!("g-{}", &self.rng().opaque_id()[..12]));
        let grant = id.unwrap_or_else(|_| unreachable!("letters and digits"));
        let RoleWish { person, role, scope, until, reason } = wish;
        let proposed =
            RoleProposed { grant: grant.clone(), person, role, scope, until, reason, by };
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
        let (by, grant) = (caller.require_recent(self.now())?, grant.clone());
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
            caller.require(Permission::RoleGrant)?;
        }
        let grant = grant.clone();
        self.decide(caller, move |standing, _| {
            access::decide::revoke(standing, &grant, &because).map(|events| ((), events))
        })
        .await
    }

    /// Whether a person may do something, on one deployment's target or anywhere, and why.
    pub fn explain_access(
        &self,
        caller: &Caller,
        person: &PersonId,
        permission: Permission,
        target: Option<&Target>,
    ) -> Result<Explained, EngineError> {
        if caller.person.as_ref() != Some(person) {
            caller.require(Permission::AccessExplain)?;
        }
        let standing = self.standing();
        let mut explained = Explained { allowed: false, because: Vec::new(), but: Vec::new() };
        if !standing.organisation.people.contains_key(person) {
            explained.but.push("the organisation does not declare this person".to_owned());
            return Ok(explained);
        }
        for held in access::held_by(&standing, person) {
            let list = if !held.permissions.contains(&permission) {
                continue;
            } else if target.is_none_or(|target| held.scope.covers(target)) {
                &mut explained.because
            } else {
                &mut explained.but
            };
            list.push(told(&held, permission));
        }
        let closed = standing.access.accounts.get(person).and_then(|known| known.disabled.clone());
        explained.allowed = !explained.because.is_empty() && closed.is_none();
        explained.but.extend(closed.map(|why| format!("the account is closed: {why}")));
        if explained.because.is_empty() && explained.but.is_empty() {
            let having = standing.access.table.roles.iter();
            let having = having.filter(|role| role.permissions().any(|(its, _)| its == permission));
            let names: Vec<&str> = having.map(|role| role.name.as_str()).collect();
            let roles = names.join("`, `");
            explained.but.push(format!("none of their roles has `{permission}`; `{roles}` do"));
        }
        Ok(explained)
    }
}

fn told(held: &Held, permission: Permission) -> String {
    format!("`{permission}` for {} by {}", held.scope, held.by)
}
