//! Windows that people make on the calendar: proposed by one, agreed to by another. What files declare is not touched.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sluice_core::access::{held_by, permissions_of};
use sluice_core::calendar::made::event::Deed;
use sluice_core::calendar::made::{self, Holding, Intent, PREFIX};
use sluice_core::calendar::{Window, WindowKind};
use sluice_core::ids::{PersonId, ProposalId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;
use sluice_core::standing::Standing;

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
        let scopes = self.scopes_touched(&window);
        self.intend(caller, Deed::Set { window: Box::new(window) }, scopes, reason).await
    }

    /// Ends a window that a person made, or proposes to.
    pub async fn end_window(
        &self,
        caller: &Caller,
        name: &str,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        let scopes = self.made_scope(name).into_iter().collect();
        self.intend(caller, Deed::End { name: name.to_owned() }, scopes, reason).await
    }

    async fn intend(
        &self,
        caller: &Caller,
        deed: Deed,
        scopes: Vec<Scope>,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        caller.require(Permission::CalendarEdit)?;
        let alone = !self.calendar_needs_two();
        // Where nobody else looks at it, whoever does it shows who they are.
        let by = match alone {
            true => caller.require_recent(self.now())?,
            false => caller.require_session()?.0,
        };
        for scope in &scopes {
            within(caller, Permission::CalendarEdit, scope)?;
        }
        let proposal = ProposalId::parse(&format!("p-{}", &self.rng().opaque_id()[..12]));
        let proposal = proposal.unwrap_or_else(|_| unreachable!("letters and digits"));
        let name = deed.name().to_owned();
        self.decide(caller, move |standing, now| {
            // Decided anew: somebody may have got the permission in between.
            let alone = alone && !calendar_needs_two(standing);
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
        let by = caller.require_recent(self.now())?;
        // Whoever may agree to a plan could agree to the same window in a file.
        if !caller.everywhere(Permission::PolicyActivate) {
            caller.require(Permission::CalendarEdit)?;
            self.within_proposal(caller, proposal)?;
        }
        let proposal = proposal.clone();
        self.decide(caller, move |standing, now| {
            still_may(standing, &proposal)?;
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
        calendar_needs_two(&self.standing())
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

    /// Where a window lies, where it lay, and what it loosens: inside of a release window things go that others hold.
    fn scopes_touched(&self, window: &Window) -> Vec<Scope> {
        let standing = self.standing();
        let mut scopes = vec![window.scope.clone()];
        scopes.extend(self.made_scope(&window.name));
        if window.kind == WindowKind::Release {
            let declared = standing.organisation.windows.values();
            let made = standing.made.windows.values().map(|made| &made.window);
            let others = declared.chain(made).filter(|other| {
                other.kind == WindowKind::Release
                    && other.name != window.name
                    && other.scope.overlaps(&window.scope)
            });
            scopes.extend(others.map(|other| other.scope.clone()));
        }
        scopes
    }

    /// Whoever agrees may alter both what is to hold and what holds.
    fn within_proposal(&self, caller: &Caller, proposal: &ProposalId) -> Result<(), EngineError> {
        let standing = self.standing();
        let Some(found) = standing.made.proposals.get(proposal) else { return Ok(()) };
        let scopes = match &found.proposed.deed {
            Deed::Set { window } => self.scopes_touched(window),
            Deed::End { name } => self.made_scope(name).into_iter().collect(),
        };
        scopes.iter().try_for_each(|scope| within(caller, Permission::CalendarEdit, scope))
    }
}

/// Whether a second person has to agree: as soon as two could, here or to the same window in a file.
fn calendar_needs_two(standing: &Standing) -> bool {
    second_person_needed(standing, Permission::CalendarEdit)
        || second_person_needed(standing, Permission::PolicyActivate)
}

/// Whoever proposed it and lost the right to since does not get it by somebody else's word.
fn still_may(standing: &Standing, proposal: &ProposalId) -> Result<(), Refusal> {
    let Some(found) = standing.made.proposals.get(proposal) else { return Ok(()) };
    let by = &found.proposed.by;
    let is_closed = |account: &sluice_core::access::Account| account.disabled.is_some();
    let gone = standing.access.accounts.get(by).is_some_and(|account| is_closed(account));
    if !gone && permissions_of(&held_by(standing, by)).contains(&Permission::CalendarEdit) {
        return Ok(());
    }
    Err(Refusal::conflict(
        "proposer_may_not",
        "whoever proposed it may not alter the calendar any more",
        "refuse it, and propose it yourself where it is right",
    ))
}
