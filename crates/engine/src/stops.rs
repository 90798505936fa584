//! Stopping the line, and exceptions.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sluice_core::event::Event;
use sluice_core::ids::{ExceptionId, StopId};
use sluice_core::organisation::{known_scope, own_names};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;
use sluice_core::standing::Standing;
use sluice_core::stop::{self, Exception, Lifted, Stop};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

impl Engine {
    /// Stops the line; takes effect on the next question.
    pub async fn pull_stop(
        &self,
        caller: &Caller,
        scope: Scope,
        reason: String,
    ) -> Result<Answer<Stop>, EngineError> {
        caller.require(Permission::StopPull)?;
        let scope = own_names(&self.standing().organisation, scope);
        within(caller, Permission::StopPull, &scope)?;
        let id = StopId::parse(&format!("s-{}", &self.rng().opaque_id()[..12]));
        let id = id.unwrap_or_else(|_| unreachable!("letters and digits"));
        let by = caller.person.clone();
        self.decide(caller, move |standing, now| {
            known_scope(&standing.organisation, &scope)?;
            let stop = Stop { id, scope, reason, by, since: now };
            stop::pull(stop.clone()).map(|events| (stop, events))
        })
        .await
    }

    /// Lifts a stop.
    pub async fn lift_stop(
        &self,
        caller: &Caller,
        id: &StopId,
        reason: String,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::StopLift)?;
        if let Some(stop) = self.standing().stops.get(id) {
            within(caller, Permission::StopLift, &stop.scope)?;
        }
        let id = id.clone();
        self.decide(caller, move |standing, _| {
            stop::lift(standing, &id, &reason).map(|events| ((), events))
        })
        .await
    }

    /// Grants an exception; using it costs a review.
    pub async fn grant_exception(
        &self,
        caller: &Caller,
        lifts: String,
        scope: Scope,
        reason: String,
        until: Timestamp,
    ) -> Result<Answer<Exception>, EngineError> {
        caller.require(Permission::ExceptionGrant)?;
        let by = caller.require_recent(self.latest())?;
        let scope = own_names(&self.standing().organisation, scope);
        within(caller, Permission::ExceptionGrant, &scope)?;
        self.known_rule(&lifts)?;
        let id = ExceptionId::parse(&format!("x-{}", &self.rng().opaque_id()[..12]));
        let id = id.unwrap_or_else(|_| unreachable!("letters and digits"));
        self.decide(caller, move |standing, now| {
            known_scope(&standing.organisation, &scope)?;
            let exception = Exception {
                id,
                lifts,
                scope,
                reason,
                by: Some(by),
                agreed_by: None,
                since: now,
                until,
            };
            stop::grant(standing, exception.clone(), now).map(|events| (exception, events))
        })
        .await
    }

    /// Refuses an exception to a rule that the policy in force does not have: it would lift nothing, and look as if it did.
    fn known_rule(&self, lifts: &str) -> Result<(), EngineError> {
        let Some(rule) = lifts.strip_prefix("rule:") else { return Ok(()) };
        let standing = self.standing();
        let judge = self.judge(&standing);
        let (Some(in_force), Some(policy)) = (&standing.policy, judge.policy()) else {
            return Ok(());
        };
        let own: BTreeSet<&str> = in_force
            .modules
            .keys()
            .filter_map(|name| name.split_once(':').map(|(_, path)| path))
            .collect();
        let known = sluice_policy::reason_names(policy.bundle(), &own);
        if known.others || known.names.contains(rule) {
            return Ok(());
        }
        let near =
            sluice_organisation::nearest_few(rule, known.names.iter().map(String::as_str), 3);
        let message = format!("the policy in force has no rule `{rule}`");
        let help = format!("the nearest are `{}`", near.join("`, `"));
        Err(Refusal::invalid("nothing_to_lift", message, help).into())
    }

    /// What an exception would let through of what the caller sees, as things stand; refused as granting it would be. It
    /// records nothing.
    pub fn preview_exception(
        &self,
        caller: &Caller,
        lifts: String,
        scope: Scope,
        until: Timestamp,
    ) -> Result<Vec<Lifted>, EngineError> {
        caller.require(Permission::ExceptionGrant)?;
        let (by, _) = caller.require_session()?;
        let (standing, now) = (self.standing(), self.now());
        let scope = own_names(&standing.organisation, scope);
        within(caller, Permission::ExceptionGrant, &scope)?;
        known_scope(&standing.organisation, &scope)?;
        let id = ExceptionId::parse("x-preview");
        let id = id.unwrap_or_else(|_| unreachable!("letters and a hyphen"));
        let reason = "a preview".to_owned();
        let exception = Exception {
            id,
            lifts,
            scope,
            reason,
            by: Some(by),
            agreed_by: None,
            since: now,
            until,
        };
        stop::grant(&standing, exception.clone(), now)?;
        self.known_rule(&exception.lifts)?;
        let calendar = self.present_calendar();
        Ok(stop::would_lift(&standing, &calendar, &exception, now, |target| {
            caller.covers(Permission::ChangeRead, target)
        }))
    }

    /// Takes an exception back.
    pub async fn revoke_exception(
        &self,
        caller: &Caller,
        id: &ExceptionId,
        reason: String,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::ExceptionGrant)?;
        if let Some(exception) = self.standing().exceptions.get(id) {
            within(caller, Permission::ExceptionGrant, &exception.scope)?;
        }
        let id = id.clone();
        self.decide(caller, move |standing, _| {
            stop::revoke(standing, &id, &reason).map(|events| ((), events))
        })
        .await
    }

    /// Decides by a pure rule and records what it gives.
    pub(crate) async fn decide<T: Send + 'static>(
        &self,
        caller: &Caller,
        rule: impl FnOnce(&Standing, Timestamp) -> Result<(T, Vec<Event>), Refusal> + Send + 'static,
    ) -> Result<Answer<T>, EngineError> {
        let actor = caller.actor();
        let step = move |standing: &Standing, now: Timestamp| match rule(standing, now) {
            Ok((value, events)) => Step::Record(value, Commit::of(events, actor)),
            Err(refusal) => Step::Refuse(refusal.into(), None),
        };
        let (value, done) = self.sequencer().submit(step).await?;
        Ok(Answer::of(value, &done))
    }
}

/// Nobody stops, lifts or passes what lies outside of where they may.
pub(crate) fn within(
    caller: &Caller,
    permission: Permission,
    scope: &Scope,
) -> Result<(), EngineError> {
    if caller.contains(permission, scope) {
        return Ok(());
    }
    let held = caller.told_scope(permission);
    let message = format!("`{permission}` holds for {held}, and this is for {scope}");
    Err(Refusal::forbidden("outside_scope", message, "name a narrower scope, or use another token")
        .into())
}
