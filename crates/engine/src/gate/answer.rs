//! What the asker hears.

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::approvals::ApprovalStanding;
use sluice_core::event::Event;
use sluice_core::gate::event::GateDecided;
use sluice_core::gate::{Decision, Judgement, decide};
use sluice_core::ids::{ChangeNumber, DecisionId, Digest, PassId};
use sluice_core::refusal::Refusal;
use sluice_core::risk::RiskAssessment;
use sluice_core::verdict::{Effect, Reason};
use sluice_ledger::Receipt;

use super::{DecisionInput, pass_token};
use crate::engine::Engine;
use crate::envelope::Envelope;
use crate::error::{EngineError, Unavailable};

/// The answer to a question at the gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateAnswer {
    /// Id of the decision; empty for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<DecisionId>,
    /// The answer.
    pub decision: Decision,
    /// The change it is under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// The environment by its own name, whichever of its names it was asked for by; a pass is for that.
    pub environment: String,
    /// The revision that was decided on.
    pub revision: Digest,
    /// All reasons, in order.
    pub reasons: Vec<Reason>,
    /// What would have to hold for the answer to be `allow`; empty when it is.
    pub would_pass_if: Vec<String>,
    /// When it is worth asking again at the latest, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Risk.
    pub risk: RiskAssessment,
    /// How the wanted approvals stand.
    pub approvals: ApprovalStanding,
    /// The pass, with `allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<IssuedPass>,
    /// Digest of the policy bundle that judged.
    pub policy: Digest,
    /// Proof that the decision is in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Entries in the ledger that the answer speaks as of.
    pub as_of: u64,
    /// Whether this answer was given before, to the same request.
    pub replayed: bool,
}

/// A pass as the asker gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuedPass {
    /// Its id.
    pub id: PassId,
    /// The signed token.
    pub token: String,
    /// Not after.
    pub expires_at: Timestamp,
}

impl GateAnswer {
    /// An answer that was not recorded.
    pub(super) fn dry(input: &DecisionInput, judgement: Judgement, as_of: u64) -> Self {
        let would_pass_if = would_pass_if(&judgement);
        Self {
            id: None,
            decision: judgement.decision,
            change: input.facts.change.number,
            environment: input.facts.target.environment.clone(),
            revision: input.facts.change.revision.clone(),
            reasons: judgement.reasons,
            would_pass_if,
            until: judgement.until,
            risk: judgement.risk,
            approvals: judgement.approvals,
            pass: None,
            policy: input.facts.policy.clone(),
            receipt: None,
            as_of,
            replayed: false,
        }
    }
}

fn would_pass_if(judgement: &Judgement) -> Vec<String> {
    let against = judgement.reasons.iter().filter(|reason| reason.effect != Effect::Note);
    against
        .filter(|reason| !reason.pass_if.is_empty())
        .map(|reason| reason.pass_if.clone())
        .collect()
}

impl Engine {
    /// The answer as recorded, with its pass and its receipt.
    pub(super) fn answer(
        &self,
        event: &GateDecided,
        input: &DecisionInput,
        judgement: Judgement,
        receipt: Receipt,
        as_of: u64,
    ) -> GateAnswer {
        let keys = self.signing();
        let pass = event.pass.as_ref().map(|claims| IssuedPass {
            id: claims.pass.clone(),
            token: pass_token::issue(
                &keys.pass,
                &keys.public.pass_kid,
                &keys.public.origin,
                claims,
                receipt.index,
                &receipt.leaf_hash.to_base64(),
            ),
            expires_at: claims.expires_at,
        });
        let dry = GateAnswer::dry(input, judgement, as_of);
        GateAnswer {
            id: Some(event.decision.clone()),
            change: event.change,
            pass,
            receipt: Some(receipt),
            ..dry
        }
    }

    /// The answer that was given before: made again from what is recorded, the same to the letter but for the receipt,
    /// which is of the present checkpoint.
    pub(super) fn recorded_answer(&self, seq: u64) -> Result<GateAnswer, EngineError> {
        let (event, input) = self.recorded_decision(seq)?;
        let judgement = decide(&input.facts, &input.verdict.as_result());
        let receipt = self.read(|readers| readers.receipt(seq))?;
        let mut answer = self.answer(&event, &input, judgement, receipt, self.standing().size);
        answer.replayed = true;
        Ok(answer)
    }

    pub(super) fn recorded_decision(
        &self,
        seq: u64,
    ) -> Result<(GateDecided, DecisionInput), EngineError> {
        let unreadable = || Unavailable::ledger("the recorded answer cannot be read back");
        let entry = self.read(|readers| readers.entry(seq))?.ok_or_else(unreadable)?;
        let envelope = Envelope::parse(&entry.bytes).map_err(|_| unreadable())?;
        let event =
            match envelope.recorded().map_err(|_| unreadable())?.map(|recorded| recorded.event) {
                Some(Event::GateDecided(event)) => event,
                _ => {
                    return Err(EngineError::Refused(Refusal::invalid(
                        "idempotency_key_reused",
                        "this idempotency key was used for something else",
                        "use a new key for a new request",
                    )));
                }
            };
        let blob =
            self.read(|readers| readers.blob(event.input.as_str()))?.ok_or_else(unreadable)?;
        let input = serde_json::from_slice(&blob.bytes).map_err(|_| unreadable())?;
        Ok((event, input))
    }
}
