//! Runs that wait at a rule of their forge: that one waits there is a question at the gate, asked in its name and told
//! the answer as soon as there is one.
//!
//! What waits is kept beside the journal in the transaction of the delivery that told of it, so a restart asks for it
//! again. Forges give up by themselves after 30 days, and so does this.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use sluice_core::gate::Decision;
use sluice_core::ids::{LinkName, TokenId};
use sluice_core::organisation::Link;
use sluice_core::permission::Permission;
use sluice_core::standing::Standing;
use sluice_store::Row;
use tokio::task::JoinHandle;

use super::Line;
use super::asked::WaitingRun;
use super::of_run::{Questions, is_answered};
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

/// The most runs of a link that ask at the same time.
const MOST: usize = 2_000;
/// How long one question waits for its answer before it is asked anew.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// After so long a forge has given up by itself.
pub(super) const GIVEN_UP: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So long it is kept that a question was asked: what comes again later than that is a new one.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// So old an `allow` may be when a forge is told: nobody redeems a pass there, so that whatever happened since would
/// not be looked at.
pub(super) const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// How long it rests when nothing wakes it.
const REST: Duration = Duration::from_secs(15);

pub(super) async fn run(engine: Engine) {
    let mut asking: BTreeMap<(LinkName, String), JoinHandle<()>> = BTreeMap::new();
    let mut owed = engine.sequencer().watch_owed();
    loop {
        owed.mark_unchanged();
        asking.retain(|_, task| !task.is_finished());
        let waiting = engine.waiting_runs().await;
        engine.went_round("rules", waiting.as_ref());
        match waiting {
            Err(_) => {}
            Ok(waiting) => {
                for (link, run) in waiting {
                    asking.entry((link.clone(), run.name())).or_insert_with(|| {
                        let engine = engine.clone();
                        tokio::spawn(async move {
                            if let Err(error) = engine.answer_run(&link, run, Some(PATIENCE)).await
                            {
                                tracing::warn!(%link, %error, "a run that waits was not answered");
                                tokio::time::sleep(REST).await;
                            }
                        })
                    });
                }
            }
        }
        let _ = tokio::time::timeout(REST, owed.changed()).await;
    }
}

impl Engine {
    /// Asks the gate once for every run that waits at a rule of its forge; gives how many were answered for good.
    pub async fn answer_waiting_runs(&self) -> Result<usize, EngineError> {
        let mut answered = 0;
        for (link, run) in self.waiting_runs().await? {
            answered += usize::from(self.answer_run(&link, run, None).await?);
        }
        Ok(answered)
    }

    async fn waiting_runs(&self) -> Result<Vec<(LinkName, WaitingRun)>, EngineError> {
        let standing = self.standing();
        let (mut all, mut questions) = (Vec::new(), Questions::default());
        for link in standing.organisation.links.values().filter(|link| is_answered(link)) {
            let (kept, line) = (self.kept_runs(&link.name).await?, self.line(link).ok());
            if let Some(line) = &line {
                questions.hear(line, &kept);
            }
            all.push((link, line, kept));
        }
        let mut waiting = Vec::new();
        for (link, line, kept) in all {
            let runs = self.waiting_at(link, line.as_ref(), kept, &questions).await?;
            waiting.extend(runs.into_iter().map(|run| (link.name.clone(), run)));
        }
        Ok(waiting)
    }

    /// The runs that wait for an answer of one link. Those that wait no more are forgotten.
    async fn waiting_at(
        &self,
        link: &Link,
        line: Option<&Line>,
        kept: Vec<WaitingRun>,
        questions: &Questions,
    ) -> Result<Vec<WaitingRun>, EngineError> {
        let (now, mut over) = (self.now(), Vec::<Row>::new());
        let mut waits = Vec::new();
        for run in kept {
            let most = if run.over { KEPT } else { GIVEN_UP };
            if now.duration_since(run.since) >= most {
                over.push(run.forgotten(&link.name));
            } else if let Some(line) = line.filter(|_| !run.over)
                && questions.is_passed(&run, line)
            {
                over.push(run.ended(line));
            } else if !run.over {
                waits.push(run);
            }
        }
        if !over.is_empty() {
            self.record_rows(&link.name, over).await?;
        }
        waits.retain(|run| run.answered.is_none());
        waits.truncate(MOST);
        Ok(waits)
    }

    /// Asks in the name of a run; gives whether it has its answer.
    async fn answer_run(
        &self,
        link: &LinkName,
        run: WaitingRun,
        wait: Option<Duration>,
    ) -> Result<bool, EngineError> {
        let standing = self.standing();
        let (Some(question), Some(caller)) = (run.question(&standing), caller(&standing, link))
        else {
            return Ok(false);
        };
        // Where the link is told of nothing, it asks for nothing either: somebody else may answer there.
        let target = standing.organisation.target(&question.service, &question.environment);
        if !caller.covers(Permission::GateEvaluate, &target) {
            return Ok(false);
        }
        let key = format!("{}/{}", run.name(), standing.size);
        let hash = Sha256::digest(key.as_bytes()).into();
        let answer = self.ask(&caller, &key, hash, question.clone(), wait).await?;
        if answer.decision == Decision::Wait {
            return Ok(false);
        }
        let answered = WaitingRun { answered: answer.id.clone(), ..run.clone() };
        self.record_rows(link, vec![run.becomes(link, &answered)]).await?;
        self.sequencer().wake_tellers();
        Ok(true)
    }
}

/// The link itself asks: its delivery was verified, and what it is told of is where it may ask.
pub(super) fn caller(standing: &Standing, link: &LinkName) -> Option<Caller> {
    let declared = standing.organisation.links.get(link.as_str())?;
    let scope = declared.tell.as_ref()?.scope.clone();
    let token = TokenId::parse("forge-rule").ok()?;
    let machine = Caller::machine(token, [Permission::GateEvaluate].into(), scope);
    Some(Caller { link: Some(link.clone()), ..machine })
}
