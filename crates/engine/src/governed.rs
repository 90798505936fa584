//! Changes of what decides about changes: they take effect when a second person, who gains nothing by them, has made
//! them so from the same files.

use jiff::{SignedDuration, Timestamp};
use sluice_core::access::apart;
use sluice_core::access::event::{PlanConfirmed, PlanProposed};
use sluice_core::access::{
    Plan as Waiting, Proposer, benefits, everywhere, lends_voices, sensitive, still_here,
    still_in_force, still_may, two_could, two_could_lately,
};
use sluice_core::ids::Digest;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_store::Row;
use sluice_store::rows::BlobRow;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::organisation::{Applied, Pending, Plan};

/// What is to become of a plan.
pub(crate) enum Governed {
    /// It may be made so.
    Free,
    /// It was proposed and is confirmed now.
    Confirmed(PlanConfirmed),
    /// It waits for a second person.
    Propose(PlanProposed),
}

pub(crate) fn no_such_plan() -> Refusal {
    Refusal::missing(
        "plan_unknown",
        "nobody has proposed exactly this plan, or it was confirmed already, or its proposal has lapsed",
        "compare the folders: the plan that is confirmed is the one that was proposed",
    )
}

impl Engine {
    /// Judges whether a plan may be made so by this caller alone.
    pub(crate) fn governed(
        &self,
        caller: &Caller,
        plan: &Plan,
        confirming: bool,
    ) -> Result<Governed, EngineError> {
        let standing = self.standing();
        let mut touches = sensitive(&standing, &plan.steps);
        if plan.policy.is_some() {
            touches.insert("policy".to_owned());
        }
        let gains = |who| benefits(&standing.organisation, &plan.steps, who);
        if confirming {
            let (by, _) = caller.require_session()?;
            let confirmed = PlanConfirmed { plan: plan.digest.clone(), by };
            confirmable(&standing, &confirmed, self.now(), self.latest())?;
            if gains(&confirmed.by) {
                return Err(own_gain().into());
            }
            return Ok(Governed::Confirmed(confirmed));
        }
        if touches.is_empty() {
            return Ok(Governed::Free);
        }
        // A token is no second person: what it does is done by whoever made it.
        let answerable =
            caller.person.clone().or_else(|| standing.maker_of(&caller.token).cloned());
        if second_person_needed(&standing, self.now()) {
            let minutes = i64::from(standing.organisation.settings.cool_off_minutes);
            let from = self.now().saturating_add(SignedDuration::from_mins(minutes));
            return Ok(Governed::Propose(PlanProposed {
                plan: plan.digest.clone(),
                touches,
                by: answerable,
                groups: self.login_groups(&caller.token),
                token: caller.person.is_none().then(|| caller.token.clone()),
                from: from.unwrap_or(Timestamp::MAX),
            }));
        }
        let lends = lends_voices(&standing.organisation, &plan.steps);
        match &answerable {
            Some(person) if lends || gains(person) => Err(own_gain().into()),
            _ => Ok(Governed::Free),
        }
    }

    pub(crate) async fn propose_plan(
        &self,
        caller: &Caller,
        applied: Applied,
        proposed: PlanProposed,
        text: Vec<u8>,
        texts: Vec<Row>,
    ) -> Result<Answer<Applied>, EngineError> {
        let standing = self.standing();
        let already = good(&standing, &proposed.plan, self.now(), self.latest()).cloned();
        let proposed = already.unwrap_or(proposed);
        let pending = Pending {
            plan: proposed.plan.clone(),
            touches: proposed.touches.clone(),
            from: proposed.from,
        };
        // What is proposed is kept by its digest, so that the second person can read it.
        let kept = Row::Blob(BlobRow {
            digest: proposed.plan.to_string(),
            media_type: "application/json".into(),
            bytes: text,
            created_us: self.now().as_microsecond(),
        });
        let rows = std::iter::once(kept).chain(texts).collect();
        let (now, latest) = (self.now(), self.latest());
        let answer = self
            .decide_with(caller.actor(), rows, move |standing| {
                // Proposing it again does not begin the waiting again, and does not change who proposed it.
                let known = good(standing, &proposed.plan, now, latest).is_some();
                Ok(if known { Vec::new() } else { vec![proposed.into()] })
            })
            .await?;
        let nothing = Applied { declared: 0, withdrawn: 0, policy: None, ..applied };
        Ok(answer.map(|()| Applied { pending: Some(pending), ..nothing }))
    }
}

/// Whether a second person has to agree. Where the organisation does not say: as soon as two people have the permission
/// to, and a password here, and for a week after.
pub(crate) fn second_person_needed(standing: &Standing, now: Timestamp) -> bool {
    let settled = standing.organisation.settings.second_person;
    settled.unwrap_or_else(|| two_could(standing) || two_could_lately(standing, now))
}

/// Whether a plan that is confirmed waits, was proposed by somebody who could propose it still, and is confirmed by another
/// person than them, not before its time. Asked before anything is prepared, and again where it is recorded. `latest` is
/// the time by which tokens run out.
pub(crate) fn confirmable(
    standing: &Standing,
    confirmed: &PlanConfirmed,
    now: Timestamp,
    latest: Timestamp,
) -> Result<(), Refusal> {
    let plan = waiting(standing, &confirmed.plan, now)?;
    let proposed = &plan.proposed;
    if proposed.by.as_ref() == Some(&confirmed.by) {
        return Err(Refusal::forbidden(
            "same_person",
            "whoever proposed a plan cannot confirm it",
            "ask a second person with `policy.activate`",
        ));
    }
    if let Some(first) = &proposed.by {
        apart(standing, first, &confirmed.by, now)?;
    }
    still_good(standing, plan, latest)?;
    if now < proposed.from {
        let message = format!("the plan can be confirmed from {} on", proposed.from);
        return Err(Refusal::conflict("cooling_off", message, "wait until then"));
    }
    Ok(())
}

/// The proposal of a plan, where it waits.
pub(crate) fn waiting<'a>(
    standing: &'a Standing,
    plan: &Digest,
    now: Timestamp,
) -> Result<&'a Waiting, Refusal> {
    let known = standing.access.plans.get(plan).map(AsRef::as_ref);
    known.filter(|it| it.proposed.waits(now)).ok_or_else(no_such_plan)
}

/// A proposal that waits, of somebody who could propose it still.
fn good<'a>(
    standing: &'a Standing,
    plan: &Digest,
    now: Timestamp,
    latest: Timestamp,
) -> Option<&'a PlanProposed> {
    let known = waiting(standing, plan, now).ok()?;
    still_good(standing, known, latest).is_ok().then_some(&known.proposed)
}

/// Whether whoever proposed it could propose it still. A machine has its rights by its token, with which its proposals are
/// void; whoever answers for it has to be there.
fn still_good(standing: &Standing, plan: &Waiting, latest: Timestamp) -> Result<(), Refusal> {
    let PlanProposed { by, groups, token, .. } = &plan.proposed;
    if let Some(token) = token {
        still_in_force(standing, token, latest)?;
    }
    match (by, token) {
        (None, _) => Ok(()),
        (Some(maker), Some(_)) => still_here(standing, maker),
        (Some(person), None) => {
            let proposer = Proposer { person, groups: groups.as_ref(), at: plan.at };
            still_may(standing, proposer, Permission::OrganisationApply, everywhere)
        }
    }
}

fn own_gain() -> Refusal {
    Refusal::forbidden(
        "own_gain",
        "this would give yourself a role, a claim, a team, a rule or somebody's voice",
        "have somebody else apply it",
    )
}
