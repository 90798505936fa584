//! Checks of proposals: a forge asks what the gate would say to the head of a proposal, and is told as long as it can be
//! merged.
//!
//! Nothing is recorded in the ledger by that, and it gives no pass: it is the answer of a dry run, asked in the name of
//! the link. What is asked is kept beside the journal in the transaction of the delivery, so a restart goes on. It is
//! evaluated again when something was recorded, and now and then because time alone alters it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sluice_core::effect::{CheckCard, Effect, Subject, Tell};
use sluice_core::gate::Decision;
use sluice_core::ids::{CommitId, LinkName};
use sluice_core::run::RunRef;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use super::asked::WaitingRun;
use super::deliver::Line;
use super::rules::{FRESH, GIVEN_UP, caller};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::owed;
use crate::sequencer::{Commit, Step};

/// Under which it is kept what is asked.
const ASKED: &str = "proposal_checks";
/// Under which it is kept what was answered last, for which head, and when.
const ANSWERED: &str = "proposal_checks_answered";
/// The most checks of a link that are answered in one round; the others have their turn in the next ones.
const MOST: usize = 500;
/// After so long the same is said again: people can reset a check over there, and tell nobody.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How long it rests at least.
const REST: Duration = Duration::from_secs(5);
/// How long it rests when nothing is recorded.
const LONG: Duration = Duration::from_secs(60);

/// Which check asks.
pub(crate) struct Asked<'a> {
    pub(crate) repository: &'a str,
    pub(crate) proposal: &'a str,
    pub(crate) check: &'a str,
    pub(crate) run: &'a RunRef,
}

/// A check that wants an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Check {
    repository: String,
    proposal: String,
    check: String,
    run: RunRef,
    commit: CommitId,
    since: Timestamp,
}

/// The rows that keep what a check asks; without a head that could be merged it asks no more. Nothing is known to have
/// been answered: whenever it asks, it gets an answer.
pub(crate) fn asked(
    link: &LinkName,
    asked: &Asked<'_>,
    commit: Option<&CommitId>,
    now: Timestamp,
) -> Vec<Row> {
    let name = name(asked.repository, asked.proposal, asked.check);
    let check = commit.map(|commit| Check {
        repository: asked.repository.to_owned(),
        proposal: asked.proposal.to_owned(),
        check: asked.check.to_owned(),
        run: asked.run.clone(),
        commit: commit.clone(),
        since: now,
    });
    let json = |check: &Check| {
        serde_json::to_string(check)
            .unwrap_or_else(|error| unreachable!("a check has a JSON form: {error}"))
    };
    // Whoever retries it over there wants it said again: what was answered before is not known there any more.
    let asked = kept(link, ASKED, name.clone(), check.as_ref().map(json));
    vec![asked, kept(link, ANSWERED, name, None)]
}

/// Those whose turn it is: who comes after the one that was looked at last, and from the start again.
fn turn<'a>(
    asked: &'a BTreeMap<String, String>,
    last: &str,
    most: usize,
) -> Vec<(&'a String, &'a String)> {
    let after = asked.range::<str, _>((Bound::Excluded(last), Bound::Unbounded));
    let before = asked.range::<str, _>((Bound::Unbounded, Bound::Included(last)));
    after.chain(before).take(most).collect()
}

fn name(repository: &str, proposal: &str, check: &str) -> String {
    format!("{repository}!{proposal}/{check}")
}

fn kept(link: &LinkName, entity: &str, name: String, value: Option<String>) -> Row {
    let (link, entity) = (link.to_string(), entity.to_owned());
    Row::ExternalRef(ExternalRefRow { link, entity, name, value: value.unwrap_or_default() })
}

impl Check {
    fn name(&self) -> String {
        name(&self.repository, &self.proposal, &self.check)
    }

    /// The head of the proposal, as if it waited to be deployed.
    fn run(&self, environment: &str) -> WaitingRun {
        WaitingRun {
            repository: self.repository.clone(),
            environment: environment.to_owned(),
            run: self.run.clone(),
            commit: self.commit.clone(),
            since: self.since,
            answered: None,
            turn: 0,
            at: None,
            over: false,
            let_on: None,
            again: false,
        }
    }

    fn effect(&self, answer: Decision, size: u64, now: Timestamp) -> Effect {
        let entity = format!("check/{}", self.name());
        let key = format!("{entity}@{size}/{now}");
        let line = format!("the gate would say {} to {}", answer.as_str(), self.commit);
        Effect {
            check: Some(CheckCard {
                repository: self.repository.clone(),
                proposal: self.proposal.clone(),
                check: self.check.clone(),
                commit: self.commit.clone(),
                answer,
            }),
            ..Effect::aside(entity, key, Tell::ProposalJudged, now, line)
        }
    }
}

/// What was answered last: for which head, what, and when.
fn read_answered(value: &str) -> Option<(&str, &str, Timestamp)> {
    let mut parts = value.split(' ');
    Some((parts.next()?, parts.next()?, parts.next()?.parse().ok()?))
}

pub(super) async fn run(engine: Engine) {
    let mut size = engine.watch_size();
    loop {
        size.mark_unchanged();
        engine.went_round("checks", engine.answer_checks().await.as_ref());
        tokio::time::sleep(REST).await;
        let _ = tokio::time::timeout(LONG, size.changed()).await;
    }
}

impl Engine {
    /// Owes forges what the gate would say to proposals, where that is another thing than what was said; gives how
    /// many answers are owed.
    pub async fn answer_checks(&self) -> Result<usize, EngineError> {
        let (standing, mut count) = (self.standing(), 0);
        for link in standing.organisation.links.values() {
            let wants =
                link.tell.as_ref().is_some_and(|tell| tell.about.contains(&Subject::Decision));
            let Some(line) = Some(link).filter(|_| wants).and_then(|link| self.line(link).ok())
            else {
                continue;
            };
            let Some(environment) = line.telling.checks() else { continue };
            let answered = self.known(&link.name, ANSWERED).await?;
            let asked = self.known(&link.name, ASKED).await?;
            let last = line.state.check_looked_at.lock().clone();
            for (name, value) in turn(&asked, &last, MOST) {
                line.state.check_looked_at.lock().clone_from(name);
                let Ok(check) = serde_json::from_str::<Check>(value) else { continue };
                match self.answer_check(&link.name, &check, environment, &answered).await {
                    Ok(is_owed) => count += usize::from(is_owed),
                    Err(error) => {
                        tracing::warn!(%error, link = %link.name, name, "a check of a proposal could not be answered");
                    }
                }
            }
        }
        Ok(count)
    }

    async fn answer_check(
        &self,
        link: &LinkName,
        check: &Check,
        environment: &str,
        answered: &BTreeMap<String, String>,
    ) -> Result<bool, EngineError> {
        let (standing, now) = (self.standing(), self.now());
        if now.duration_since(check.since) >= GIVEN_UP {
            let over = [ASKED, ANSWERED].map(|entity| kept(link, entity, check.name(), None));
            return self.record_rows(link, over.into()).await.map(|()| false);
        }
        let question = check.run(environment).question(&standing);
        let (Some(question), Some(caller)) = (question, caller(&standing, link)) else {
            return Ok(false);
        };
        let target = standing.organisation.target(&question.service, &question.environment);
        if !caller.covers(sluice_core::permission::Permission::GateEvaluate, &target) {
            return Ok(false);
        }
        let engine = self.clone();
        let judged = tokio::task::spawn_blocking(move || engine.dry_run(&caller, question)).await;
        let stopped = |_| crate::error::Unavailable::ledger("the evaluation was stopped");
        let answer = judged.map_err(stopped)??.decision;
        let said = answered.get(&check.name()).and_then(|value| read_answered(value));
        let is_known = said.is_some_and(|(head, word, at)| {
            let is_same = head == check.commit.as_str() && word == answer.as_str();
            is_same && now.duration_since(at) < AGAIN
        });
        if is_known {
            return Ok(false);
        }
        let value = format!("{} {} {now}", check.commit, answer.as_str());
        let known = kept(link, ANSWERED, check.name(), Some(value));
        let rows = vec![known, owed(link, &check.effect(answer, standing.size, now))];
        let actor = Actor::Link(link.clone());
        let decide = move |_: &Standing, _: Timestamp| {
            let mut commit = Commit::of(Vec::new(), actor);
            commit.rows = rows;
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await?;
        self.sequencer().wake_tellers();
        Ok(true)
    }

    /// The row that has a check answered anew, where this answer lets something go and is too old to be told: whatever
    /// happened since would not be looked at.
    pub(super) fn outdated_check(&self, line: &Line, effect: &Effect) -> Option<Row> {
        let card = effect.check.as_ref().filter(|card| card.answer == Decision::Allow)?;
        let is_old = self.now().duration_since(effect.at) > FRESH;
        let name = name(&card.repository, &card.proposal, &card.check);
        is_old.then(|| kept(&line.name, ANSWERED, name, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn() {
        let asked: BTreeMap<String, String> =
            ["a", "b", "c", "d", "e"].map(|name| (name.to_owned(), String::new())).into();
        let names = |last: &str| {
            turn(&asked, last, 2).into_iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["a", "b"]);
        assert_eq!(names("b"), ["c", "d"]);
        assert_eq!(names("d"), ["e", "a"]);
        // The one that was looked at last may ask no more.
        assert_eq!((names("cc"), names("z")), (vec!["d", "e"], vec!["a", "b"]));
        assert_eq!(turn(&asked, "b", 9).len(), 5);
    }
}
