//! Whether whoever proposed something could propose it still.
//!
//! A proposal waits for days, and by another's word it takes effect in the name of whoever made it. Whoever has left, whose account
//! was closed, or who may not any more what it took to propose it, gets nothing by that word.

use jiff::Timestamp;

use super::event::LoginGroups;
use super::held::held_since;
use crate::ids::{PersonId, TokenId};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::standing::Standing;

/// Whoever proposed something.
#[derive(Debug, Clone, Copy)]
pub struct Proposer<'a> {
    /// Who.
    pub person: &'a PersonId,
    /// The groups that their login said, where one did: they may be what gave the right to.
    pub groups: Option<&'a LoginGroups>,
    /// When they did.
    pub at: Timestamp,
}

impl Standing {
    /// Whether a person may do anything at all: they are declared or provisioned, have not left, and their account is not
    /// closed. An account is not needed where somebody else has seen the proof of who they are.
    pub fn may_act(&self, person: &PersonId) -> bool {
        let account = self.access.accounts.get(person);
        self.organisation.acting(person).is_some()
            && account.is_none_or(|account| account.disabled.is_none())
    }
}

/// Refuses what somebody proposed who may not act any more.
pub fn still_here(standing: &Standing, person: &PersonId) -> Result<(), Refusal> {
    if standing.may_act(person) {
        return Ok(());
    }
    Err(may_not("whoever proposed it has left, or their account is closed"))
}

/// Refuses what somebody proposed who may not any more what it took. `reaches` says of everything in which they have the
/// permission whether that is enough.
pub fn still_may(
    standing: &Standing,
    proposer: Proposer<'_>,
    permission: Permission,
    reaches: impl FnOnce(&[Scope]) -> bool,
) -> Result<(), Refusal> {
    still_here(standing, proposer.person)?;
    let held = held_since(standing, proposer.person, proposer.groups, proposer.at);
    let having = held.into_iter().filter(|held| held.permissions.contains(&permission));
    let scopes: Vec<Scope> = having.map(|held| held.scope).collect();
    if !scopes.is_empty() && reaches(&scopes) {
        return Ok(());
    }
    Err(may_not(&format!("whoever proposed it has `{permission}` no more, or not there")))
}

/// Refuses what a machine proposed whose token was revoked or has run out.
pub fn still_in_force(standing: &Standing, token: &TokenId, now: Timestamp) -> Result<(), Refusal> {
    let known = standing.tokens.get(token);
    if known.is_some_and(|known| now < known.token.expires_at) {
        return Ok(());
    }
    Err(may_not("the token that proposed it has run out, or was revoked"))
}

/// That a permission holds for the whole organisation.
pub fn everywhere(scopes: &[Scope]) -> bool {
    scopes.iter().any(Scope::is_everything)
}

fn may_not(message: &str) -> Refusal {
    let help = "refuse it, and propose it yourself where it is right";
    Refusal::conflict("proposer_may_not", message, help)
}
