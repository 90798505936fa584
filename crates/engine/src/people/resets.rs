//! Setting an account back that has a password: one person asks, another agrees and hands the code over.

use sluice_core::access::event::ResetAsked;
use sluice_core::access::reset;
use sluice_core::ids::PersonId;
use sluice_core::permission::Permission;
use sluice_core::standing::Standing;

use super::Enrolment;
use super::accounts::takes_two;
use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Asks to set an account back. Where nobody else could agree it is done at once, and the answer is the code; else it
    /// waits for a second person.
    pub async fn ask_reset(
        &self,
        caller: &Caller,
        person: &PersonId,
        reason: String,
    ) -> Result<Answer<Option<Enrolment>>, EngineError> {
        caller.require(Permission::AccountManage)?;
        let by = caller.require_recent(self.latest())?;
        let groups = self.login_groups(&caller.token);
        let asked = ResetAsked { person: person.clone(), by: by.clone(), groups, reason };
        if !reset::reset_takes_two(&self.standing(), person, &by, self.now()) {
            // That it takes two may have come to be meanwhile: it is looked at again.
            let rule = move |standing: &Standing, now| match asked {
                asked if reset::reset_takes_two(standing, &asked.person, &asked.by, now) => {
                    Err(takes_two(&asked.person))
                }
                asked => reset::ask(standing, asked, now),
            };
            let answer = self.hand_code_over(caller, person, rule).await;
            return answer.map(|answer| answer.map(Some));
        }
        self.decide(caller, move |standing, now| {
            reset::ask(standing, asked, now).map(|events| (None, events))
        })
        .await
    }

    /// A second person agrees: the account is set back, and the answer is the code.
    pub async fn confirm_reset(
        &self,
        caller: &Caller,
        person: &PersonId,
    ) -> Result<Answer<Enrolment>, EngineError> {
        caller.require(Permission::AccountManage)?;
        let by = caller.require_recent(self.latest())?;
        let who = person.clone();
        self.hand_code_over(caller, person, move |standing, now| {
            reset::confirm(standing, &who, &by, now).map(|confirmed| vec![confirmed.into()])
        })
        .await
    }

    /// Nothing becomes of it. Whoever could agree, whoever asked and the account's person may say so.
    pub async fn refuse_reset(
        &self,
        caller: &Caller,
        person: &PersonId,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        let (by, _) = caller.require_session()?;
        if by != *person {
            caller.require(Permission::AccountManage)?;
        }
        let person = person.clone();
        self.decide(caller, move |standing, now| {
            reset::refuse(standing, &person, &by, &because, now).map(|events| ((), events))
        })
        .await
    }
}
