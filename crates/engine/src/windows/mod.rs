//! Windows that people make on the calendar: proposed by one, agreed to by another. What files declare is not touched.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sluice_core::calendar::Window;
use sluice_core::calendar::made::event::Deed;
use sluice_core::calendar::made::{self, Holding, Intent, PREFIX, reach};
use sluice_core::ids::{Digest, ProposalId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::stops::within;

mod second;

pub use self::second::has_say;
use self::second::needs_two;

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
    /// is a proposal. `seen` is the digest of the window that whoever alters it looked at. A window that does not say why
    /// it exists keeps what it said, or has the reason that is given for making it.
    pub async fn set_window(
        &self,
        caller: &Caller,
        mut window: Window,
        seen: Option<Digest>,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        if window.name.is_empty() {
            window.name = format!("{PREFIX}{}", &self.rng().opaque_id()[..12]);
        } else if self.standing().window(&window.name).is_none() {
            let message = format!("no window `{}` was made here", window.name);
            let help = "leave the name out to make a new one";
            return Err(Refusal::missing("window_unknown", message, help).into());
        }
        if window.reason.trim().is_empty() {
            let stands = self.standing().made.windows.get(&window.name).cloned();
            window.reason = stands.map_or_else(|| reason.clone(), |it| it.window.reason.clone());
        }
        self.intend(caller, Deed::Set { window: Box::new(window) }, seen, reason).await
    }

    /// Ends a window that a person made, or proposes to.
    pub async fn end_window(
        &self,
        caller: &Caller,
        name: &str,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        self.intend(caller, Deed::End { name: name.to_owned() }, None, reason).await
    }

    async fn intend(
        &self,
        caller: &Caller,
        deed: Deed,
        seen: Option<Digest>,
        reason: String,
    ) -> Result<Answer<WindowAnswer>, EngineError> {
        caller.require(Permission::CalendarEdit)?;
        let (by, _) = caller.require_session()?;
        let alone = !self.calendar_needs_two(Some(&by), Some(&deed));
        if alone {
            // Where nobody else looks at it, whoever does it shows who they are.
            caller.require_recent(self.latest())?;
        }
        for scope in &reach(&self.standing(), &deed) {
            within(caller, Permission::CalendarEdit, scope)?;
        }
        let groups = self.login_groups(&caller.token);
        let proposal = ProposalId::parse(&format!("p-{}", &self.rng().opaque_id()[..12]));
        let proposal = proposal.unwrap_or_else(|_| unreachable!("letters and digits"));
        let name = deed.name().to_owned();
        self.decide(caller, move |standing, now| {
            // Decided anew: somebody may have got the permission in between.
            let alone = alone && !needs_two(standing, Some(&by), &reach(standing, &deed), now);
            let minutes = i64::from(standing.organisation.settings.cool_off_minutes);
            let later = now.saturating_add(SignedDuration::from_mins(minutes));
            let from = (!alone).then(|| later.unwrap_or(Timestamp::MAX));
            let intent =
                Intent { proposal: proposal.clone(), deed, reason, by, groups, from, seen };
            let answer = WindowAnswer { window: name, proposal: from.map(|_| proposal), from };
            made::propose(standing, intent, now).map(|events| (answer, events))
        })
        .await
    }

    /// What a window would hold of what the caller sees, as things stand. It records nothing.
    pub fn preview_window(&self, caller: &Caller, window: &Window) -> Result<Holding, Refusal> {
        if let Err(problem) = window.validate() {
            return Err(Refusal::invalid("bad_window", problem.to_string(), problem.help()));
        }
        Ok(made::holds(&self.standing(), window, self.now(), |target| {
            caller.covers(Permission::CalendarRead, target)
        }))
    }
}
