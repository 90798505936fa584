//! Asking: evaluate without a lock, record under it if nothing that was read has changed.

use std::collections::BTreeSet;
use std::time::Duration;

use data_encoding::BASE32_DNSSEC;
use jiff::Timestamp;
use sluice_core::change::event::DebtIncurred;
use sluice_core::change::{Evidence, Involvement, InvolvementRole};
use sluice_core::event::Event;
use sluice_core::gate::event::GateDecided;
use sluice_core::gate::{
    Decision, Ids, Judgement, Placement, Question, debts, decide, place, record,
};
use sluice_core::ids::{ChangeNumber, DecisionId, Digest, PassId};
use sluice_core::permission::Permission;
use sluice_core::risk::RiskLevel;
use sluice_core::standing::{Standing, Topic};
use sluice_store::Row;
use sluice_store::rows::BlobRow;

use super::gather::{Gathering, is_controlled};
use super::within::{check, is_in_scope};
use super::{DecisionInput, GateAnswer, Judged};
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::idempotency::{IN_FLIGHT, Known};
use crate::sequencer::{Commit, IdempotencyKey, Step};

/// The key of a request. An answer of `wait` that is going to be waited for does not use it up.
struct Keyed {
    key: IdempotencyKey,
    /// Whether this answer is the last one, whatever it is.
    last: bool,
}

/// How often a question is evaluated without the lock before it is evaluated under it.
pub(super) const TRIES: u32 = 3;

/// How often it is looked whether the same request, sent twice at the same time, has its answer, and for how long.
const BUSY: u32 = 40;
const MOMENT: Duration = Duration::from_millis(50);

/// The longest that an evaluation may lie back when it is recorded.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// One evaluated question.
pub(super) struct Evaluated {
    question: Question,
    involved: BTreeSet<Involvement>,
    /// The level by which the change was placed, where it bears on that.
    risk: Option<RiskLevel>,
    placement: Option<Placement>,
    pub(super) input: DecisionInput,
    kept: Kept,
    pub(super) judgement: Judgement,
    topics: BTreeSet<Topic>,
    /// Entries in the ledger that were looked at.
    size: u64,
}

/// The typed input as it will be kept. Written down before the sequencer's turn: its thread is the one that all share.
struct Kept {
    body: Vec<u8>,
    digest: Digest,
}

impl Kept {
    fn of(input: &DecisionInput) -> Self {
        // Structs, strings and ordered maps with text keys have a JSON form always.
        let body = serde_json::to_vec(input)
            .unwrap_or_else(|error| unreachable!("facts have a JSON form: {error}"));
        Self { digest: Digest::of(&body), body }
    }
}

impl Evaluated {
    /// Whether nothing that was read has changed since, and it does not lie back too long.
    pub(super) fn holds(&self, standing: &Standing, now: Timestamp) -> bool {
        now.duration_since(self.input.facts.now) <= FRESH
            && standing.untouched_since(&self.topics, self.size)
    }
}

impl Evaluated {
    /// What it costs to let it go now, as far as that is not owed already.
    pub(super) fn debts(&self, standing: &Standing) -> Option<Event> {
        let change = &self.placement.as_ref()?.change;
        let settings = &standing.organisation.settings;
        let debts = debts(change, &self.input.facts, &self.judgement, settings);
        let incurred = DebtIncurred { change: change.number, debts };
        (!incurred.debts.is_empty()).then(|| incurred.into())
    }
}

/// An answer, and what it depends on.
struct Asked {
    answer: GateAnswer,
    topics: BTreeSet<Topic>,
    /// Entries in the ledger that were looked at: what came after them may alter the answer.
    seen: u64,
}

/// A question as it is asked again and again while it waits.
#[derive(Clone)]
struct Asking {
    question: Question,
    /// The change that has its evidence already: what is heard of that meanwhile is newer.
    told: Option<ChangeNumber>,
}

/// What became of an attempt to record.
enum Attempt {
    Recorded(Box<(GateDecided, DecisionInput, Judgement, BTreeSet<Topic>)>),
    Stale,
}

impl Engine {
    /// Asks at the gate. With `wait`, an answer of `wait` is held back until something that it depends on changes,
    /// or the time is over; no thread is held meanwhile.
    ///
    /// The same `key` with the same body gives the same answer for 30 days.
    pub async fn ask(
        &self,
        caller: &Caller,
        key: &str,
        body_hash: [u8; 32],
        question: Question,
        wait: Option<Duration>,
    ) -> Result<GateAnswer, EngineError> {
        caller.require(Permission::GateEvaluate)?;
        caller.require_run(&question.run)?;
        check(&question)?;
        let mut asking = Asking { question, told: None };
        let ends = wait.map(|wait| tokio::time::Instant::now() + wait);
        let scope = caller.key_scope("gate");
        let mut waited_for: Option<GateAnswer> = None;
        let mut busied = 0;
        loop {
            let key = match self.known_key(scope.clone(), key, body_hash) {
                Ok(Known::Answered { seq: Some(seq) }) => return self.recorded_answer(seq),
                Ok(Known::Answered { seq: None }) => {
                    return Err(Unavailable::ledger("the answer is not readable yet"));
                }
                Ok(Known::New(key)) => key,
                Err(EngineError::Unavailable(busy)) if busy.code == IN_FLIGHT && busied < BUSY => {
                    busied += 1;
                    self.next_entry().await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let over = ends.is_none_or(|ends| tokio::time::Instant::now() >= ends);
            match self.ask_once(caller, key, &asking, over, waited_for.as_ref()).await {
                Ok(asked) if asked.answer.decision == Decision::Wait && !over => {
                    let answer = self.wait_for_change(asked, ends).await;
                    asking.told = answer.change;
                    waited_for = Some(answer);
                }
                Ok(asked) => return Ok(asked.answer),
                Err(EngineError::Unavailable(busy)) if busy.code == IN_FLIGHT && busied < BUSY => {
                    busied += 1;
                    self.next_entry().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until something is durable, or for a moment.
    async fn next_entry(&self) {
        let mut size = self.watch_size();
        let _ = tokio::time::timeout(MOMENT, size.changed()).await;
    }

    /// Answers without recording anything: for laptops, before a push. Gives no pass.
    pub fn dry_run(&self, caller: &Caller, question: Question) -> Result<GateAnswer, EngineError> {
        caller.require(Permission::GateEvaluate)?;
        caller.require_run(&question.run)?;
        check(&question)?;
        let standing = self.standing();
        let evaluated = self.evaluate(&standing, caller, &question, self.now());
        Ok(GateAnswer::dry(&evaluated.input, evaluated.judgement, standing.size))
    }

    /// Evaluates and records once. An answer of `wait` that is going to be waited for is recorded without the key, so
    /// that the key is free for the last one; one that says what the one before said is not recorded again.
    async fn ask_once(
        &self,
        caller: &Caller,
        key: IdempotencyKey,
        asking: &Asking,
        last: bool,
        before: Option<&GateAnswer>,
    ) -> Result<Asked, EngineError> {
        for attempt in 0..=TRIES {
            let standing = self.standing();
            let evaluated = self.evaluate_again(&standing, caller, asking, self.now());
            let waits = evaluated.judgement.decision == Decision::Wait;
            if let Some(before) = before.filter(|before| waits && same(before, &evaluated)) {
                return self.again(caller, before, evaluated, last.then_some(key)).await;
            }
            let key = Keyed { key: key.clone(), last };
            let insist = (attempt == TRIES).then(|| asking.clone());
            let done = self.record_decision(caller, evaluated, key, insist).await?;
            if let Some(done) = done {
                return Ok(done);
            }
        }
        Err(Unavailable::overloaded())
    }

    /// The answer that was recorded before still holds; only the key may have to be remembered.
    async fn again(
        &self,
        caller: &Caller,
        before: &GateAnswer,
        evaluated: Evaluated,
        key: Option<IdempotencyKey>,
    ) -> Result<Asked, EngineError> {
        if let Some(mut key) = key {
            key.seq = before.receipt.as_ref().map(|receipt| receipt.index);
            let actor = caller.actor();
            self.sequencer()
                .submit(move |_, _| Step::Record((), Commit::of(Vec::new(), actor).with_key(key)))
                .await?;
        }
        Ok(Asked { answer: before.clone(), topics: evaluated.topics, seen: evaluated.size })
    }

    /// Waits until an answer may be another, or the time is over; gives the answer back.
    async fn wait_for_change(
        &self,
        asked: Asked,
        ends: Option<tokio::time::Instant>,
    ) -> GateAnswer {
        let Asked { answer, mut topics, seen } = asked;
        // The question may have opened the change itself, and then it was not among what was read.
        topics.extend(answer.change.map(Topic::Change));
        let waiter = self.sequencer().wait_for(topics.iter().cloned());
        // What happened between the answer and taking the place among those who wait is not missed.
        if !self.standing().untouched_since(&topics, seen) {
            return answer;
        }
        let now = tokio::time::Instant::now();
        let ends = ends.unwrap_or(now);
        let until = answer.until.map(|until| {
            let left = until.duration_since(self.now());
            now + Duration::try_from(left).unwrap_or_default()
        });
        let wake = until.map_or(ends, |until| until.min(ends));
        // A deadline or a touched topic: either way it is asked anew.
        let _ = tokio::time::timeout_at(wake, waiter.woken()).await;
        answer
    }

    /// Evaluates a question that may have been asked before. Where its change was ended meanwhile, the one that takes its
    /// place has nothing yet and gets all that the question brought; one that is there already gets what it lacks.
    fn evaluate_again(
        &self,
        standing: &Standing,
        caller: &Caller,
        asking: &Asking,
        now: Timestamp,
    ) -> Evaluated {
        let Asking { question, told } = asking;
        let Some(told) = told else { return self.evaluate(standing, caller, question, now) };
        let bare = Question { evidence: Vec::new(), ..question.clone() };
        let evaluated = self.evaluate(standing, caller, &bare, now);
        let placed = evaluated.placement.as_ref().filter(|placed| !placed.is_new);
        let number = placed.map(|placed| placed.change.number);
        if number == Some(*told) {
            return evaluated;
        }
        let mut evidence = self.newest(&question.evidence, *told);
        if let Some(change) = number.and_then(|number| standing.changes.get(&number)) {
            evidence.retain(|brought| same_evidence(&change.evidence, brought).is_none());
        }
        self.evaluate(standing, caller, &Question { evidence, ..question.clone() }, now)
    }

    /// What a question brought to a change that was ended, as that had it at the end: others may have brought newer.
    fn newest(&self, brought: &[Evidence], told: ChangeNumber) -> Vec<Evidence> {
        let known = self.change(told).ok().flatten().map(|change| change.evidence);
        let known = known.unwrap_or_default();
        brought.iter().map(|one| same_evidence(&known, one).unwrap_or(one).clone()).collect()
    }

    /// Evaluates a question. A change model is for its own risk and below, and the risk is known only when everything
    /// else is: where the model that was taken is for less, the question is evaluated once more without it.
    pub(super) fn evaluate(
        &self,
        standing: &Standing,
        caller: &Caller,
        question: &Question,
        now: Timestamp,
    ) -> Evaluated {
        let evaluated = self.evaluate_at(standing, caller, question, None, now);
        let risk = evaluated.judgement.risk.level;
        let model = evaluated.placement.as_ref().and_then(|placed| placed.change.model.as_ref());
        let model = model.and_then(|name| standing.organisation.models.get(name));
        if model.is_some_and(|model| risk > model.max_risk) {
            return self.evaluate_at(standing, caller, question, Some(risk), now);
        }
        evaluated
    }

    fn evaluate_at(
        &self,
        standing: &Standing,
        caller: &Caller,
        question: &Question,
        risk: Option<RiskLevel>,
        now: Timestamp,
    ) -> Evaluated {
        let organisation = &standing.organisation;
        let environment =
            organisation.environment_named(question.environment.as_str()).map(AsRef::as_ref);
        let involved = self.involved(standing, caller, question);
        let judge = self.judge(standing);
        let name = environment.map_or(&question.environment, |environment| &environment.name);
        let placement = is_controlled(organisation, question, environment)
            .then(|| place(standing, question, name, &involved, judge.digest(), risk, now));
        let in_scope = is_in_scope(organisation, caller, question, name, placement.as_ref());
        // Whoever may not ask for it does nothing to the change either.
        let placement = placement.filter(|_| in_scope);
        let gathered = Gathering {
            standing,
            calendar: &self.calendar(standing, now),
            clock: self.clock_facts(standing),
            caller,
            in_scope,
            question,
            environment,
            placement: placement.as_ref(),
            policy: judge.digest(),
            now,
        }
        .gather();
        let verdict = judge.judge(&gathered.facts);
        let judgement = decide(&gathered.facts, &verdict);
        let verdict = verdict.map_or_else(Judged::Fault, Judged::Verdict);
        let input = DecisionInput { facts: gathered.facts, verdict };
        // Who is behind it was read from these two.
        let mut topics = gathered.topics;
        topics.extend(standing.behind(&question.commit).read.into_iter().map(Topic::Source));
        topics.insert(Topic::Run(question.run.key()));
        Evaluated {
            question: question.clone(),
            involved,
            risk,
            placement,
            kept: Kept::of(&input),
            input,
            judgement,
            topics,
            size: standing.size,
        }
    }

    /// Everybody known to have a hand in what is asked for.
    fn involved(
        &self,
        standing: &Standing,
        caller: &Caller,
        question: &Question,
    ) -> BTreeSet<Involvement> {
        let run = standing.runs.get(&question.run.key());
        let mut involved = standing.behind(&question.commit).involved;
        involved.extend(run.into_iter().flat_map(|run| run.involved.iter().cloned()));
        if let Some(person) = &caller.person {
            involved.insert(Involvement {
                role: InvolvementRole::Deployer,
                identity: self.self_identity(person),
            });
        }
        involved
    }

    /// Records a decision, or says that what it was made of has changed. Under the lock it is evaluated anew
    /// where `insist` has the question.
    async fn record_decision(
        &self,
        caller: &Caller,
        evaluated: Evaluated,
        key: Keyed,
        insist: Option<Asking>,
    ) -> Result<Option<Asked>, EngineError> {
        let engine = self.clone();
        let caller = caller.clone();
        let decide = move |standing: &Standing, now: Timestamp| {
            let evaluated = match (evaluated.holds(standing, now), &insist) {
                (true, _) => evaluated,
                (false, Some(asking)) => engine.evaluate_again(standing, &caller, asking, now),
                (false, None) => return Step::Answer(Attempt::Stale),
            };
            engine.step(&caller, standing, evaluated, key, now)
        };
        let (attempt, done) = self.sequencer().submit(decide).await?;
        match attempt {
            Attempt::Stale => Ok(None),
            Attempt::Recorded(recorded) => {
                let (event, input, judgement, topics) = *recorded;
                let receipt =
                    done.receipt().ok_or_else(|| Unavailable::ledger("no receipt was given"))?;
                // Others may have come after it in the same commit.
                let seen = receipt.index + 1;
                let answer = self.answer(&event, &input, judgement, receipt, done.size);
                Ok(Some(Asked { answer, topics, seen }))
            }
        }
    }

    fn step(
        &self,
        caller: &Caller,
        standing: &Standing,
        evaluated: Evaluated,
        key: Keyed,
        now: Timestamp,
    ) -> Step<Attempt> {
        let Evaluated {
            question, involved, risk, placement, input, kept, judgement, topics, ..
        } = evaluated;
        // Numbers are given out here: where another change took this one's, it is placed once more. Nothing else can
        // have moved.
        let placement = placement.map(|placement| {
            let change = &placement.change;
            if !placement.is_new || change.number == ChangeNumber(standing.changes_counted + 1) {
                return placement;
            }
            let policy = &input.facts.policy;
            place(standing, &question, &change.environment, &involved, policy, risk, now)
        });
        let ids = Ids {
            decision: self.new_decision_id(now),
            pass: self.new_pass_id(),
            input: kept.digest,
        };
        let events = record(
            placement.as_ref(),
            &input.facts,
            &judgement,
            &standing.organisation.settings,
            &ids,
        );
        let Some(Event::GateDecided(decided)) = events.last().cloned() else {
            return Step::Refuse(Unavailable::ledger("no decision was made"), None);
        };
        let mut commit = Commit::of(events, caller.actor());
        commit.rows.push(Row::Blob(BlobRow {
            digest: ids.input.to_string(),
            media_type: "application/json".into(),
            bytes: kept.body,
            created_us: now.as_microsecond(),
        }));
        // By the decision that is recorded, which may be another than the one that was found without the lock.
        if key.last || judgement.decision != Decision::Wait {
            commit = commit.with_key(key.key);
        }
        Step::Record(Attempt::Recorded(Box::new((decided, input, judgement, topics))), commit)
    }

    /// An id that begins with the moment, so that decisions lie in the order in which they were made: what is written
    /// together lies together on the disk. The rest is chance.
    fn new_decision_id(&self, now: Timestamp) -> DecisionId {
        let moment = now.as_microsecond().max(0).to_be_bytes();
        let moment = BASE32_DNSSEC.encode(moment.get(1..).unwrap_or_default());
        let id = format!("d-{moment}{}", &self.rng().opaque_id()[..20]);
        DecisionId::parse(&id).unwrap_or_else(|_| unreachable!("letters and digits"))
    }

    fn new_pass_id(&self) -> PassId {
        let id = format!("p-{}", self.rng().opaque_id());
        PassId::parse(&id).unwrap_or_else(|_| unreachable!("letters and digits"))
    }
}

/// The evidence of the same type and name.
fn same_evidence<'e>(among: &'e [Evidence], one: &Evidence) -> Option<&'e Evidence> {
    among.iter().find(|it| (&it.kind, &it.name) == (&one.kind, &one.name))
}

/// Whether a question would be answered as it was: of the same change, and with the same words.
fn same(before: &GateAnswer, evaluated: &Evaluated) -> bool {
    let judgement = &evaluated.judgement;
    before.change == evaluated.placement.as_ref().map(|placed| placed.change.number)
        && before.decision == judgement.decision
        && before.reasons == judgement.reasons
        && before.risk == judgement.risk
}
