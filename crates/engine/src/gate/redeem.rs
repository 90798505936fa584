//! Redeeming a pass: the last look at the moment of the deploy action, and the start of the deployment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::deployment::{self, StartReport, Strategy};
use sluice_core::event::Event;
use sluice_core::gate::event::PassRefused;
use sluice_core::gate::{Decision, Observed, Question, redeem};
use sluice_core::ids::{ChangeNumber, DeploymentNumber, PassId};
use sluice_core::pass::PassClaims;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_core::verdict::{Effect, Reason};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::envelope::Envelope;
use crate::error::{EngineError, Unavailable};
use crate::idempotency::Known;
use crate::sequencer::{Commit, Step};

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
        let (engine, asker, pass) = (self.clone(), caller.clone(), pass.clone());
        let decide = move |standing: &Standing, now: Timestamp| {
            let refuse = |refusal: Refusal, event: Option<Event>| {
                let commit = event.map(|event| Commit::of(vec![event], asker.actor()));
                Step::Refuse(EngineError::Refused(refusal), commit)
            };
            let (given, mut events) = match redeem(standing, &pass, &observed, now) {
                Ok(redeemed) => redeemed,
                Err((refusal, event)) => return refuse(refusal, event.map(|event| *event)),
            };
            if let Some((refusal, event)) = engine.last_look(standing, &asker, &given.claims, now) {
                return refuse(refusal, Some(event));
            }
            let claims = given.claims;
            let (number, started) = deployment::start(standing, start(&claims, details, now));
            // The redeem comes last, so that its receipt is the one that is given.
            events.splice(0..0, started);
            let redeemed =
                Redeemed { pass: pass.clone(), deployment: number, change: claims.change };
            Step::Record(redeemed, Commit::of(events, asker.actor()).with_key(key))
        };
        let (redeemed, done) = self.sequencer().submit(decide).await?;
        Ok(Answer::of(redeemed, &done))
    }

    /// Judges the same question anew, on the standing as it is under the lock: what was allowed may have been stopped,
    /// frozen or forbidden since. Conflicts and order were judged when the pass was given and are ours now.
    fn last_look(
        &self,
        standing: &Standing,
        caller: &Caller,
        claims: &PassClaims,
        now: Timestamp,
    ) -> Option<(Refusal, Event)> {
        let Some(question) = self.question_of(claims) else {
            // What cannot be judged again is not let through.
            let (code, message) = (
                "decision_unreadable",
                "the decision behind the pass cannot be read back".to_owned(),
            );
            let event = PassRefused {
                pass: claims.pass.clone(),
                code: code.into(),
                message: message.clone(),
            };
            return Some((Refusal::conflict(code, message, "ask the gate again"), event.into()));
        };
        let judgement = self.judge_again(standing, caller, &question, now);
        if judgement.decision == Decision::Allow {
            return None;
        }
        let against: Vec<&Reason> =
            judgement.reasons.iter().filter(|reason| reason.effect != Effect::Note).collect();
        let first = against.first();
        let code = first.map_or("gate_closed", |reason| match reason.check {
            sluice_core::verdict::Check::Stop => "stopped",
            sluice_core::verdict::Check::Freeze => "freeze_started",
            sluice_core::verdict::Check::Approvals => "approval_lost",
            _ => "gate_closed",
        });
        let message =
            first.map_or_else(|| "the gate has closed".to_owned(), |reason| reason.message.clone());
        let event =
            PassRefused { pass: claims.pass.clone(), code: code.into(), message: message.clone() };
        let mut refusal = Refusal::conflict(code, message, "ask the gate again");
        refusal.rule = first.map(|reason| reason.rule.clone());
        Some((refusal, event.into()))
    }

    /// The question that a pass answered, from the decision's recorded input.
    fn question_of(&self, claims: &PassClaims) -> Option<Question> {
        let row = self.readers().decision(claims.decision.as_str()).ok().flatten()?;
        let blob = self.readers().blob(&row.input_digest).ok().flatten()?;
        let input: super::DecisionInput = serde_json::from_slice(&blob.bytes).ok()?;
        Some(input.facts.question)
    }

    fn redeemed_before(&self, seq: Option<u64>) -> Result<Answer<Redeemed>, EngineError> {
        let unreadable = || Unavailable::ledger("the recorded answer cannot be read back");
        let seq = seq.ok_or_else(unreadable)?;
        let read = |seq: u64| -> Result<Option<Event>, EngineError> {
            let entry = self.readers().entry(seq)?.ok_or_else(unreadable)?;
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
                    receipt: Some(self.readers().receipt(seq)?),
                    as_of: self.standing().size,
                });
            }
        }
        Err(unreadable())
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
