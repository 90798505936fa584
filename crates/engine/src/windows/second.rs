//! The second person: who could agree to what is wanted of the calendar, and their word.

use jiff::Timestamp;
use sluice_core::access::{Held, Proposer, held_by, still_may, two_could_lately};
use sluice_core::calendar::made::event::{Deed, WindowProposed};
use sluice_core::calendar::made::{self, reach};
use sluice_core::ids::{PersonId, ProposalId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;
use sluice_core::standing::Standing;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::stops::within;

impl Engine {
    /// A second person agrees to what was proposed.
    pub async fn confirm_window(
        &self,
        caller: &Caller,
        proposal: &ProposalId,
    ) -> Result<Answer<()>, EngineError> {
        let by = caller.require_recent(self.latest())?;
        self.require_say(caller, proposal)?;
        let proposal = proposal.clone();
        self.decide(caller, move |standing, now| {
            still_proposed(standing, &proposal)?;
            made::confirm(standing, &proposal, &by, now).map(|events| ((), events))
        })
        .await
    }

    /// Somebody who could agree refuses a proposal, or whoever made it takes it back.
    pub async fn refuse_window(
        &self,
        caller: &Caller,
        proposal: &ProposalId,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        let (by, _) = caller.require_session()?;
        let standing = self.standing();
        let found = standing.made.proposals.get(proposal);
        if found.is_none_or(|found| found.proposed.by != by) {
            self.require_say(caller, proposal)?;
        }
        let proposal = proposal.clone();
        self.decide(caller, move |standing, now| {
            made::refuse(standing, &proposal, &by, &because, now).map(|events| ((), events))
        })
        .await
    }

    /// Whether what somebody wants of the calendar waits for a second person: as soon as another could agree to it, here or
    /// to the same window in a file. Without a deed: whether any other could agree to anything.
    pub fn calendar_needs_two(&self, by: Option<&PersonId>, deed: Option<&Deed>) -> bool {
        let standing = self.standing();
        let reach = deed.map(|deed| reach(&standing, deed)).unwrap_or_default();
        needs_two(&standing, by, &reach, self.now())
    }

    fn require_say(&self, caller: &Caller, proposal: &ProposalId) -> Result<(), EngineError> {
        let standing = self.standing();
        let found = standing.made.proposals.get(proposal);
        if found.is_some_and(|found| has_say(&standing, caller, &found.proposed.deed)) {
            return Ok(());
        }
        caller.require(Permission::CalendarEdit)?;
        let deed = found.map(|found| &found.proposed.deed);
        let scopes = deed.map(|deed| reach(&standing, deed)).unwrap_or_default();
        scopes.iter().try_for_each(|scope| within(caller, Permission::CalendarEdit, scope))
    }
}

/// Whether somebody could agree to a deed: they may alter the calendar wherever it reaches, or agree to the same window
/// in a file.
pub fn has_say(standing: &Standing, caller: &Caller, deed: &Deed) -> bool {
    let everywhere =
        || reach(standing, deed).iter().all(|it| caller.contains(Permission::CalendarEdit, it));
    caller.everywhere(Permission::PolicyActivate)
        || (caller.may(Permission::CalendarEdit) && everywhere())
}

pub(super) fn needs_two(
    standing: &Standing,
    by: Option<&PersonId>,
    reach: &[Scope],
    now: Timestamp,
) -> bool {
    let another = || {
        let accounts = standing.access.accounts.iter().filter(|(person, account)| {
            account.disabled.is_none()
                && account.factors.contains("password")
                && by.is_none_or(|by| by != *person)
        });
        accounts.map(|(person, _)| held_by(standing, person)).any(|held| {
            holds(&held, Permission::CalendarEdit, reach)
                || holds(&held, Permission::PolicyActivate, &[Scope::default()])
        })
    };
    let settled = standing.organisation.settings.second_person;
    settled.unwrap_or_else(|| another() || two_could_lately(standing, now))
}

fn holds(held: &[Held], permission: Permission, reach: &[Scope]) -> bool {
    let having = held.iter().filter(|it| it.permissions.contains(&permission));
    let scopes: Vec<Scope> = having.map(|it| it.scope.clone()).collect();
    !scopes.is_empty() && all_within(&scopes, reach)
}

/// Whether everything that is reached lies within one of these scopes.
fn all_within(scopes: &[Scope], reach: &[Scope]) -> bool {
    reach.iter().all(|reached| scopes.iter().any(|scope| scope.contains(reached)))
}

/// Whoever proposed it and lost the right to since does not get it by somebody else's word.
fn still_proposed(standing: &Standing, proposal: &ProposalId) -> Result<(), Refusal> {
    let Some(found) = standing.made.proposals.get(proposal) else { return Ok(()) };
    let WindowProposed { by: person, groups, deed, .. } = &found.proposed;
    let proposer = Proposer { person, groups: groups.as_ref(), at: found.at };
    let reach = reach(standing, deed);
    still_may(standing, proposer, Permission::CalendarEdit, |scopes| all_within(scopes, &reach))
}
