//! Redeeming a pass: the last look at the moment of the deploy action, and the start of the deployment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::deployment::{self, StartReport, Strategy};
use sluice_core::event::Event;
use sluice_core::gate::event::PassRefused;
use sluice_core::gate::{Decision, Judgement, Observed, Question, redeem};
use sluice_core::ids::{ChangeNumber, DeploymentNumber, PassId};
use sluice_core::pass::PassClaims;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_core::verdict::{Check, Effect, Reason};

use super::ask::{Evaluated, TRIES};
use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::envelope::Envelope;
use crate::error::{EngineError, Unavailable};
use crate::idempotency::Known;
use crate::sequencer::{Commit, IdempotencyKey, Step};

/// A redeemed pass and the deployment that it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redeemed {
    /// The pass.
    pub pass: PassId,
    /// The deployment that runs now.
    pub deployment: DeploymentNumber,
    /// The change it is under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
}

/// What the deploy side says of the deployment it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartDetails {
    /// How.
    pub strategy: Strategy,
    /// Version.
    pub version: Option<String>,
}

/// One attempt to redeem, with the last look that was taken for it.
struct Attempt {
    looked: Option<Evaluated>,
    insist: bool,
    key: IdempotencyKey,
    observed: Observed,
    details: StartDetails,
}

impl Engine {
    /// Redeems a pass: at most once, and only if stops, freezes, approvals and policy still let it go.
    pub async fn redeem(
        &self,
        caller: &Caller,
        key: &str,
        body_hash: [u8; 32],
        pass: &PassId,
        observed: Observed,
        details: StartDetails,
    ) -> Result<Answer<Redeemed>, EngineError> {
        caller.require(Permission::GateRedeem)?;
        let key = match self.known_key(caller.key_scope("redeem"), key, body_hash)? {
            Known::Answered { seq } => return self.redeemed_before(seq),
            Known::New(key) => key,
        };
        let question = match self.standing().passes.get(pass) {
            Some(given) => self.question_of(&given.claims)?,
            // What is not known is refused by the rules below.
            None => None,
        };
        for attempt in 0..=TRIES {
            let attempt = Attempt {
                looked: question
                    .as_ref()
                    .map(|question| self.evaluate(&self.standing(), caller, question, self.now())),
                insist: attempt == TRIES,
                key: key.clone(),
                observed: observed.clone(),
                details: details.clone(),
            };
            if let Some(answer) = self.redeem_once(caller, pass, attempt).await? {
                return Ok(answer);
            }
        }
        Err(Unavailable::overloaded())
    }

    /// Redeems, or says that what the last look saw has changed. The look is taken without the lock; what is single
    /// about a pass is decided under it.
    async fn redeem_once(
        &self,
        caller: &Caller,
        pass: &PassId,
        attempt: Attempt,
    ) -> Result<Option<Answer<Redeemed>>, EngineError> {
        let (engine, asker, pass) = (self.clone(), caller.clone(), pass.clone());
        let decide = move |standing: &Standing, now: Timestamp| {
            let Attempt { looked, insist, key, observed, details } = attempt;
            let refuse = |refusal: Refusal, event: Option<Event>| {
                let commit = event.map(|event| Commit::of(vec![event], asker.actor()));
                Step::Refuse(EngineError::Refused(refusal), commit)
            };
            let (given, mut events) = match redeem(standing, &pass, &observed, now) {
                Ok(redeemed) => redeemed,
                Err((refusal, event)) => return refuse(refusal, event.map(|event| *event)),
            };
            let claims = given.claims;
            if let Err(error) = asker.require_run(&claims.run) {
                return Step::Refuse(error, None);
            }
            let looked = match looked {
                None => None,
                Some(looked) if looked.holds(standing, now) => Some(looked),
                Some(_) if !insist => return Step::Answer(None),
                Some(looked) => {
                    let question = &looked.input.facts.question;
                    Some(engine.evaluate(standing, &asker, question, now))
                }
            };
            let judgement = looked.as_ref().map(|looked| &looked.judgement);
            if let Some((refusal, event)) = last_look(&claims, judgement) {
                return refuse(refusal, Some(event));
            }
            let (number, started) = deployment::start(standing, start(&claims, details, now));
            // The redeem comes last, so that its receipt is the one that is given.
            events.splice(0..0, started);
            // An exception that was granted, or an emergency that was declared, after the pass was given carries it now.
            events.splice(0..0, looked.and_then(|looked| looked.debts(standing)));
            let redeemed =
                Redeemed { pass: pass.clone(), deployment: number, change: claims.change };
            Step::Record(Some(redeemed), Commit::of(events, asker.actor()).with_key(key))
        };
        let (redeemed, done) = self.sequencer().submit(decide).await?;
        Ok(redeemed.map(|redeemed| Answer::of(redeemed, &done)))
    }

    /// The question that a pass answered, from the decision's recorded input; `None` where it cannot be read back. The
    /// view only says where the decision stands: what is judged by is the entry, and what the entry names by digest.
    fn question_of(&self, claims: &PassClaims) -> Result<Option<Question>, EngineError> {
        let row = self.read(|readers| readers.decision(claims.decision.as_str()))?;
        let Some(row) = row else { return Ok(None) };
        match self.recorded_decision(row.seq) {
            Ok((event, input)) if event.decision == claims.decision => {
                let mut question = input.facts.question;
                if claims.change.is_some() {
                    // The change has it, or what was heard of it since.
                    question.evidence.clear();
                }
                Ok(Some(question))
            }
            Ok(_) | Err(EngineError::Refused(_) | EngineError::Unavailable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn redeemed_before(&self, seq: Option<u64>) -> Result<Answer<Redeemed>, EngineError> {
        let unreadable = || Unavailable::ledger("the recorded answer cannot be read back");
        let seq = seq.ok_or_else(unreadable)?;
        let read = |seq: u64| -> Result<Option<Event>, EngineError> {
            let entry = self.read(|readers| readers.entry(seq))?.ok_or_else(unreadable)?;
            let envelope = Envelope::parse(&entry.bytes).map_err(|_| unreadable())?;
            Ok(envelope.recorded().map_err(|_| unreadable())?.map(|recorded| recorded.event))
        };
        let Some(Event::PassRedeemed(redeemed)) = read(seq)? else { return Err(unreadable()) };
        // The deployment's start stands right before, with at most the change's own event between.
        for before in (seq.saturating_sub(3)..seq).rev() {
            if let Some(Event::DeploymentStarted(started)) = read(before)? {
                let value = Redeemed {
                    pass: redeemed.pass.clone(),
                    deployment: started.deployment.number,
                    change: redeemed.change,
                };
                return Ok(Answer {
                    value,
                    receipt: Some(self.read(|readers| readers.receipt(seq))?),
                    as_of: self.standing().size,
                });
            }
        }
        Err(unreadable())
    }
}

/// What a last look says against a pass: the same question is judged anew at the moment of the deploy action, since what
/// was allowed may have been stopped, frozen, forbidden or overtaken meanwhile. What cannot be judged again is not let
/// through.
fn last_look(claims: &PassClaims, judgement: Option<&Judgement>) -> Option<(Refusal, Event)> {
    let (code, message, rule) = match judgement {
        None => {
            let message = "the decision behind the pass cannot be read back".to_owned();
            ("decision_unreadable", message, None)
        }
        Some(judgement) if judgement.decision == Decision::Allow => return None,
        Some(judgement) => {
            let against = |reason: &&Reason| reason.effect != Effect::Note;
            let first = judgement.reasons.iter().find(against);
            let message = first.map_or_else(|| "the gate has closed".into(), |r| r.message.clone());
            (first.map_or("gate_closed", code_of), message, first.map(|reason| reason.rule.clone()))
        }
    };
    let event =
        PassRefused { pass: claims.pass.clone(), code: code.into(), message: message.clone() };
    let mut refusal = Refusal::conflict(code, message, "ask the gate again");
    refusal.rule = rule;
    Some((refusal, event.into()))
}

fn code_of(reason: &Reason) -> &'static str {
    match reason.check {
        Check::Stop => "stopped",
        Check::Freeze => "freeze_started",
        Check::Approvals => "approval_lost",
        Check::Identity
        | Check::Registration
        | Check::Order
        | Check::Evidence
        | Check::Conflicts
        | Check::Policy => "gate_closed",
    }
}

fn start(claims: &PassClaims, details: StartDetails, now: Timestamp) -> StartReport {
    StartReport {
        change: claims.change,
        service: claims.service.clone(),
        environment: claims.environment.clone(),
        version: details.version,
        commit: Some(claims.commit.clone()),
        artifacts: claims.artifacts.clone(),
        run: Some(claims.run.clone()),
        pass: Some(claims.pass.clone()),
        strategy: details.strategy,
        at: now,
    }
}
