//! Windows that people make on the calendar: proposed by one, agreed to by another. What files declare is not touched.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sluice_core::calendar::Window;
use sluice_core::calendar::made::event::Deed;
use sluice_core::calendar::made::{self, Holding, Intent, PREFIX};
use sluice_core::ids::{PersonId, ProposalId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::governed::second_person_needed;
use crate::stops::within;

/// What became of a wish for the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowAnswer {
    /// The window's name.
    pub window: String,
    /// The proposal that waits for a second person; none where it holds already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
    /// When it can be confirmed at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
}

impl Engine {
    /// Makes a window, or alters the one of its name; an empty name is a new one. Where a second person could agree, it
    /// is a proposal.
    pub async fn set_window(
        &self,
        caller: &Caller,
        mut window: Window,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        if window.name.is_empty() {
            window.name = format!("{PREFIX}{}", &self.rng().opaque_id()[..12]);
        } else if self.standing().window(&window.name).is_none() {
            let message = format!("no window `{}` was made here", window.name);
            let help = "leave the name out to make a new one";
            return Err(Refusal::missing("window_unknown", message, help).into());
        }
        let scopes = [Some(window.scope.clone()), self.made_scope(&window.name)];
        self.intend(caller, Deed::Set { window: Box::new(window) }, scopes, reason).await
    }

    /// Ends a window that a person made, or proposes to.
    pub async fn end_window(
        &self,
        caller: &Caller,
        name: &str,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        let scopes = [self.made_scope(name), None];
        self.intend(caller, Deed::End { name: name.to_owned() }, scopes, reason).await
    }

    async fn intend(
        &self,
        caller: &Caller,
        deed: Deed,
        scopes: [Option<Scope>; 2],
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        caller.require(Permission::CalendarEdit)?;
        let (by, _) = caller.require_session()?;
        for scope in scopes.iter().flatten() {
            within(caller, Permission::CalendarEdit, scope)?;
        }
        let proposal = ProposalId::parse(&format!("p-{}", &self.rng().opaque_id()[..12]));
        let proposal = proposal.unwrap_or_else(|_| unreachable!("letters and digits"));
        let name = deed.name().to_owned();
        self.decide(caller, move |standing, now| {
            let alone = !second_person_needed(standing, Permission::CalendarEdit);
            let minutes = i64::from(standing.organisation.settings.cool_off_minutes);
            let later = now.saturating_add(SignedDuration::from_mins(minutes));
            let from = (!alone).then(|| later.unwrap_or(Timestamp::MAX));
            let intent = Intent { proposal: proposal.clone(), deed, reason, by, from };
            let answer = WindowAnswer { window: name, proposal: from.map(|_| proposal), from };
            made::propose(standing, intent, now).map(|events| (answer, events))
        })
        .await
    }

    /// A second person agrees to what was proposed.
    pub async fn confirm_window(
        &self,
        caller: &Caller,
        proposal: &ProposalId,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::CalendarEdit)?;
        let by = caller.require_recent(self.now())?;
        self.within_proposal(caller, proposal)?;
        let proposal = proposal.clone();
        self.decide(caller, move |standing, now| {
            made::confirm(standing, &proposal, &by, now).map(|events| ((), events))
        })
        .await
    }

    /// Somebody who may alter the calendar refuses a proposal, or whoever made it takes it back.
    pub async fn refuse_window(
        &self,
        caller: &Caller,
        proposal: &ProposalId,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        let (by, _) = caller.require_session()?;
        if !self.proposed_by(proposal, &by) {
            caller.require(Permission::CalendarEdit)?;
            self.within_proposal(caller, proposal)?;
        }
        let proposal = proposal.clone();
        self.decide(caller, move |standing, now| {
            made::refuse(standing, &proposal, &by, &because, now).map(|events| ((), events))
        })
        .await
    }

    /// Whether what is done to the calendar waits for a second person.
    pub fn calendar_needs_two(&self) -> bool {
        second_person_needed(&self.standing(), Permission::CalendarEdit)
    }

    /// What a window would hold, as things stand. It records nothing.
    pub fn preview_window(&self, window: &Window) -> Result<Holding, Refusal> {
        if let Err(problem) = window.validate() {
            return Err(Refusal::invalid("bad_window", problem.to_string(), problem.help()));
        }
        Ok(made::holds(&self.standing(), window, self.now()))
    }

    fn proposed_by(&self, proposal: &ProposalId, person: &PersonId) -> bool {
        let standing = self.standing();
        standing.made.proposals.get(proposal).is_some_and(|it| it.proposed.by == *person)
    }

    fn made_scope(&self, name: &str) -> Option<Scope> {
        let standing = self.standing();
        standing.made.windows.get(name).map(|made| made.window.scope.clone())
    }

    /// Whoever agrees may alter both what is to hold and what holds.
    fn within_proposal(&self, caller: &Caller, proposal: &ProposalId) -> Result<(), EngineError> {
        let standing = self.standing();
        let Some(found) = standing.made.proposals.get(proposal) else { return Ok(()) };
        if let Deed::Set { window } = &found.proposed.deed {
            within(caller, Permission::CalendarEdit, &window.scope)?;
        }
        match self.made_scope(found.proposed.deed.name()) {
            Some(scope) => within(caller, Permission::CalendarEdit, &scope),
            None => Ok(()),
        }
    }
}
