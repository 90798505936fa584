//! The log's head is shown to witnesses, who cosign it when it continues what they have seen of the log before.
//!
//! A witness that has seen something else is what a restored older copy or a split view looks like: that is told loudly
//! and stays until the witness cosigns again. Whatever a witness does, the server goes on serving.

use std::sync::Arc;
use std::time::Duration;

use sluice_core::standing::{Actor, Standing};
use sluice_ledger::witness::{
    MAX_ANSWER_BYTES, WitnessAnswer, WitnessRefusal, add_checkpoint, read_answer,
};
use sluice_ledger::{Checkpoint, Cosignature};
use sluice_outbound::{Answer, Failure, Method, Request};
use sluice_store::Row;
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::sequencer::{Commit, Step};
use crate::witnesses::{Cosigning, Head, Outcome, Witness, WitnessState};

/// How long a witness may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a witness is asked in one round: once, and once more from the size that it names.
const TRIES: u32 = 2;

/// Under which name its health is shown.
const TASK: &str = "witnesses";

pub(super) async fn run(engine: Engine) {
    let Some(every) = engine.cosigning().map(|cosigning| cosigning.every()) else { return };
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // How it ended is noted, and logged where it did not go well.
        let _ = engine.ask_witnesses().await;
    }
}

impl Engine {
    /// Shows the head to every witness that has not cosigned it and is not left alone; gives how many were asked. The
    /// error names those that have not cosigned, and why.
    pub async fn ask_witnesses(&self) -> Result<usize, EngineError> {
        let Some(cosigning) = self.cosigning().cloned() else { return Ok(0) };
        let asked = self.ask_those_due(cosigning).await;
        // A round in which nobody was asked says nothing of how they fare.
        if !matches!(asked, Ok(0)) {
            self.went_round(TASK, asked.as_ref());
        }
        asked
    }

    async fn ask_those_due(&self, cosigning: Arc<Cosigning>) -> Result<usize, EngineError> {
        let _asking = cosigning.asking.lock().await;
        // Where the stored entries are in doubt, nobody is asked to vouch for them.
        let Some(head) = self.shown().filter(|_| self.halted().is_none()) else { return Ok(0) };
        let due = cosigning.due(head.size, self.monotonic());
        let count = due.len();
        let mut asked = JoinSet::new();
        for (index, seen) in due {
            let (engine, cosigning, head) = (self.clone(), Arc::clone(&cosigning), head.clone());
            asked.spawn(async move {
                let witness = cosigning.witness(index)?;
                Some((index, engine.ask_witness(witness, head, seen).await))
            });
        }
        let mut kept = Ok(());
        // One after the other: whether there is a quorum is seen by what was kept before.
        while let Some(ended) = asked.join_next().await {
            let Ok(Some((index, outcome))) = ended else { continue };
            kept = kept.and(self.note_witness(&cosigning, index, outcome).await);
        }
        kept?;
        if count == 0 { Ok(0) } else { all_well(&cosigning, count) }
    }

    /// The signed head, where there is something to show.
    fn shown(&self) -> Option<Head> {
        let note = self.readers().checkpoint_note();
        let size = Checkpoint::parse_unverified(&note).ok()?.size;
        (size > 0).then_some(Head { size, note })
    }

    /// Asks one witness, and once more from the size that it names.
    async fn ask_witness(&self, witness: &Witness, mut head: Head, mut seen: u64) -> Outcome {
        use WitnessState::{Disagrees, Unreadable};
        for _ in 0..TRIES {
            let answer = match self.show(witness, &head, seen).await {
                Ok(answer) => answer,
                Err((state, error)) => return Outcome::Not(state, error),
            };
            let named = match answer {
                WitnessAnswer::Cosigned(cosigned) => return Outcome::Cosigned(head, cosigned),
                WitnessAnswer::OtherSize(named) => named,
            };
            if named == seen {
                let error = "it wants the size that it was given (409)".to_owned();
                return Outcome::Not(Unreadable, error);
            }
            // Somebody else may have shown it a head that came after this one.
            if named > head.size {
                match self.shown().filter(|newer| newer.size >= named) {
                    Some(newer) => head = newer,
                    None => return Outcome::Not(Disagrees, longer(named, head.size)),
                }
            }
            if named < seen {
                let (witness, before) = (witness.key.name(), seen);
                tracing::warn!(witness, before, named, "a witness has forgotten what it cosigned");
            }
            seen = named;
        }
        Outcome::Not(Unreadable, "it names another size each time it is asked (409)".to_owned())
    }

    /// Sends a head with the proof that it continues the tree of `seen` entries.
    async fn show(
        &self,
        witness: &Witness,
        head: &Head,
        seen: u64,
    ) -> Result<WitnessAnswer, (WitnessState, String)> {
        let (readers, size) = (self.readers().clone(), head.size);
        let proof = self.blocking(move || readers.consistency_proof(seen, size)).await;
        let here = |error: String| (WitnessState::Unasked, error);
        let proof = proof.map_err(|error| here(format!("the proof cannot be made: {error}")))?;
        let body = add_checkpoint(seen, &proof, &head.note)
            .ok_or_else(|| here("the proof is longer than it may be".to_owned()))?;
        let mut request =
            Request::new(Method::Post, &witness.door).body("text/plain; charset=utf-8", body);
        request.most_bytes = Some(MAX_ANSWER_BYTES);
        let sending = tokio::time::timeout(PATIENCE, self.net().send(&witness.reach, request));
        let answer = sending.await.unwrap_or(Err(Failure::Timeout { sent: true }));
        let Answer { status, body, .. } =
            answer.as_ref().map_err(|failure| unanswered(*failure))?;
        let media_type = answer.as_ref().ok().and_then(Answer::media_type);
        let now_s = u64::try_from(self.now().as_second()).unwrap_or(0);
        let answer = (*status, media_type.as_deref(), body.as_slice());
        read_answer(answer, &head.note, &witness.key, now_s)
            .map_err(|refusal| (state_of(&refusal), refusal.to_string()))
    }

    /// Keeps what a witness has cosigned, or why it has not.
    async fn note_witness(
        &self,
        cosigning: &Cosigning,
        index: usize,
        outcome: Outcome,
    ) -> Result<(), EngineError> {
        let (state, error) = match outcome {
            Outcome::Cosigned(head, cosigned) => {
                return self.keep_cosigned(cosigning, index, head, &cosigned).await;
            }
            Outcome::Not(state, error) => (state, error),
        };
        let name = cosigning.witness(index).map_or("", |witness| witness.key.name());
        if state == WitnessState::Disagrees {
            tracing::error!(
                witness = name,
                error,
                "a witness has seen another history of this log: an older copy was restored, or somebody signs with its key"
            );
        }
        let mut chance = [0; 8];
        self.rng().fill(&mut chance);
        cosigning.failed(index, (state, error), self.monotonic(), u64::from_be_bytes(chance));
        Ok(())
    }

    /// It is shown when it is durable: what was published as witnessed still is after a restart.
    async fn keep_cosigned(
        &self,
        cosigning: &Cosigning,
        index: usize,
        head: Head,
        cosigned: &Cosignature,
    ) -> Result<(), EngineError> {
        let kept = cosigning.rows(index, &head, cosigned);
        let rows = kept.iter().cloned().map(Row::Cosigned).collect();
        let decide = move |_: &Standing, _| {
            let mut commit = Commit::of(Vec::new(), Actor::Sluice);
            commit.rows = rows;
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await?;
        cosigning.keep(index, &kept, cosigned);
        Ok(())
    }
}

fn all_well(cosigning: &Cosigning, asked: usize) -> Result<usize, EngineError> {
    let card = cosigning.card();
    let told = |disagrees: bool| {
        let troubled = card.witnesses.iter().filter(move |witness| {
            witness.error.is_some() && (witness.state == WitnessState::Disagrees) == disagrees
        });
        troubled.map(|one| format!("`{}`: {}", one.name, one.error.as_deref().unwrap_or_default()))
    };
    let all: Vec<String> = told(true).chain(told(false)).collect();
    if all.is_empty() {
        return Ok(asked);
    }
    let disagrees = told(true).next().is_some();
    Err(EngineError::Unavailable(Unavailable {
        code: if disagrees { "witness_disagrees" } else { "witness_silent" },
        message: all.join("; "),
        retry_after_s: None,
    }))
}

fn longer(named: u64, ours: u64) -> String {
    format!(
        "it has cosigned {named} entries of this log, and here are {ours}: this is an older copy, or the log was forked"
    )
}

fn unanswered(failure: Failure) -> (WitnessState, String) {
    let state = match failure {
        Failure::TooLarge | Failure::BadResponse => WitnessState::Unreadable,
        Failure::Timeout { .. }
        | Failure::Unreachable { .. }
        | Failure::Blocked(_)
        | Failure::Tls => WitnessState::Unreachable,
    };
    (state, failure.to_string())
}

fn state_of(refusal: &WitnessRefusal) -> WitnessState {
    match refusal {
        WitnessRefusal::Inconsistent => WitnessState::Disagrees,
        WitnessRefusal::Busy => WitnessState::Limited,
        WitnessRefusal::Failing(_) => WitnessState::Failing,
        WitnessRefusal::BadRequest | WitnessRefusal::KeyRefused | WitnessRefusal::UnknownLog => {
            WitnessState::Refuses
        }
        WitnessRefusal::Forged | WitnessRefusal::OtherKey => WitnessState::Forged,
        WitnessRefusal::Untimely => WitnessState::Untimely,
        WitnessRefusal::Unexpected(_) | WitnessRefusal::Malformed(_) => WitnessState::Unreadable,
    }
}
