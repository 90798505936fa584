//! What waits for a second person, and is refused by one: nobody else's word is needed to let nothing happen.

use sluice_core::access::event::{GlassRefused, PlanRefused};
use sluice_core::ids::{Digest, GrantId, PersonId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::stop::reason_given;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Refuses a plan that was proposed. Whoever proposed it may take it back.
    pub async fn refuse_plan(
        &self,
        caller: &Caller,
        plan: &Digest,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        let (by, _) = caller.require_session()?;
        let standing = self.standing();
        let own = |by: &PersonId| {
            let known = standing.access.plans.get(plan);
            known.is_some_and(|known| known.proposed.by.as_ref() == Some(by))
        };
        if !own(&by) {
            caller.require_everywhere(Permission::PolicyActivate)?;
        }
        reason_given(&because)?;
        let plan = plan.clone();
        self.decide(caller, move |standing, now| {
            crate::governed::waiting(standing, &plan, now)?;
            Ok(((), vec![PlanRefused { plan, by, because }.into()]))
        })
        .await
    }

    /// Refuses an emergency path that waits, or takes the wish for one back.
    pub async fn refuse_break_glass(
        &self,
        caller: &Caller,
        id: &GrantId,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::BreakGlass)?;
        let (by, _) = caller.require_session()?;
        reason_given(&because)?;
        let asked =
            sluice_core::access::emergency::found(&self.standing(), id)?.asked.question.clone();
        self.covers_question(caller, &asked)?;
        let id = id.clone();
        self.decide(caller, move |standing, now| {
            let glass = sluice_core::access::emergency::found(standing, &id)?;
            if !glass.waits(now) {
                let message = format!("`{id}` does not wait any more");
                return Err(Refusal::conflict("not_waiting", message, "nothing is left to refuse"));
            }
            Ok(((), vec![GlassRefused { id, by, because }.into()]))
        })
        .await
    }
}
