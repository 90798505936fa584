//! The questions of one run, by whichever links they were heard, and which of those for one place is the newest.
//!
//! Several links may lead to one controller, each with a token of its own: that a run came to wait for another environment
//! counts for what is told by all of them. So does a question that cannot be read, or that is heard where nobody answers:
//! it is kept as one that nobody is told an answer to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sluice_core::effect::{Effect, Subject};
use sluice_core::ids::LinkName;
use sluice_core::organisation::Link;
use sluice_core::run::RunRef;
use sluice_core::signal::Signal;
use sluice_store::Row;

use super::Line;
use super::asked::{Answered, WaitingRun, is_same};
use crate::engine::Engine;
use crate::error::EngineError;

/// How often it is tried to note something while somebody else notes something of the same question.
const TRIES: usize = 5;

/// Which question of its run one is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct InTurn {
    /// From 1.
    pub(crate) number: u64,
    /// Whether the run waited for the environment before, and was let on.
    pub(crate) again: bool,
}

/// Questions that were heard.
#[derive(Default)]
pub(super) struct Questions(Vec<Heard>);

struct Heard {
    link: LinkName,
    /// Where it is answered by the link that heard it.
    place: Option<String>,
    run: WaitingRun,
}

impl Questions {
    pub(super) fn hear(&mut self, line: &Line, runs: &[WaitingRun]) {
        self.0.extend(runs.iter().map(|run| Heard {
            link: line.name.clone(),
            place: line.telling.waits_at(&run.environment).map(str::to_owned),
            run: run.clone(),
        }));
    }

    /// Whether another question of the run was asked since, at the same place.
    pub(super) fn is_passed(&self, asked: &WaitingRun, line: &Line) -> bool {
        self.at_the_place(asked, line)
            .any(|other| (other.turn, other.since) > (asked.turn, asked.since))
    }

    /// Whether it came late: the run has come to wait for another environment since.
    fn is_late(&self, asked: &WaitingRun, line: &Line) -> bool {
        let newest = self.at_the_place(asked, line).max_by_key(|other| (other.turn, other.since));
        let Some(newest) = newest else { return false };
        match (asked.at, newest.at) {
            (Some(at), Some(newest)) => at < newest,
            // Without times, one that was asked before the other is that one again.
            _ => {
                let before = self.0.iter().map(|heard| &heard.run);
                let mut before = before.filter(|it| it.name() == asked.name());
                before.any(|it| (it.turn, it.since) < (newest.turn, newest.since))
            }
        }
    }

    /// The other questions of the run that are answered at the place of this one.
    fn at_the_place<'a>(
        &'a self,
        asked: &'a WaitingRun,
        line: &'a Line,
    ) -> impl Iterator<Item = &'a WaitingRun> {
        let place = line.telling.waits_at(&asked.environment);
        let here = self.0.iter().filter(move |_| place.is_some());
        let others = here.filter(move |other| {
            is_same(&other.run.run, &asked.run)
                && (other.link != line.name || other.run.environment != asked.environment)
        });
        let same = others.filter(move |other| {
            other.run.is_unread()
                || other.place.as_deref() == place
                || line.telling.waits_at(&other.run.environment) == place
        });
        same.map(|other| &other.run)
    }

    fn of_run<'a>(&'a self, run: &'a RunRef) -> impl Iterator<Item = &'a Heard> {
        self.0.iter().filter(move |heard| is_same(&heard.run.run, run))
    }

    /// Which question of its run this is; nothing for one that came late.
    fn turn(&self, asked: &WaitingRun, line: Option<&Line>) -> Option<InTurn> {
        if line.is_some_and(|line| self.is_late(asked, line)) {
            return None;
        }
        let newest = self.of_run(&asked.run).map(|heard| heard.run.turn).max().unwrap_or(0);
        let mut before = self.of_run(&asked.run).map(|heard| &heard.run);
        let again = before.any(|it| it.environment == asked.environment && it.let_on.is_some());
        Some(InTurn { number: newest + 1, again })
    }
}

impl Engine {
    /// The questions of a run that some link is told the answers of.
    async fn questions_of(&self, run: &RunRef) -> Result<Questions, EngineError> {
        let standing = self.standing();
        let mut questions = Questions::default();
        for link in standing.organisation.links.values().filter(|link| is_answered(link)) {
            let Ok(line) = self.line(link) else { continue };
            let mut runs = self.kept_runs(&link.name).await?;
            runs.retain(|kept| is_same(&kept.run, run));
            questions.hear(&line, &runs);
        }
        Ok(questions)
    }

    /// The same, where it matters which of them is the newest.
    pub(super) async fn questions_beside(
        &self,
        line: &Line,
        kept: &[WaitingRun],
    ) -> Result<Questions, EngineError> {
        let placed = kept.iter().find(|kept| line.telling.waits_at(&kept.environment).is_some());
        match placed {
            Some(kept) => self.questions_of(&kept.run).await,
            None => Ok(Questions::default()),
        }
    }

    /// Which question of its run each is that comes with these signals; nothing for one that came late.
    pub(super) async fn turns(
        &self,
        link: &LinkName,
        signals: &[Signal],
    ) -> Result<BTreeMap<String, InTurn>, EngineError> {
        let mut turns = BTreeMap::new();
        for signal in signals {
            let Some(asked) = WaitingRun::of(signal, self.now()) else { continue };
            let standing = self.standing();
            let declared = standing.organisation.links.get(link.as_str());
            let line = declared.and_then(|declared| self.line(declared).ok());
            let questions = self.questions_of(&asked.run).await?;
            match questions.turn(&asked, line.as_ref()) {
                Some(turn) => drop(turns.insert(asked.name(), turn)),
                None => {
                    let run = asked.run.key();
                    tracing::warn!(%link, run, asked.environment, "a question came again after the next one");
                }
            }
        }
        Ok(turns)
    }

    /// What is kept of a run that came to wait for something which nobody is told an answer to: what it asked before is
    /// over.
    pub(super) async fn asked_in_vain(
        &self,
        run: &RunRef,
        at: Option<Timestamp>,
    ) -> Result<Vec<Row>, EngineError> {
        let questions = self.questions_of(run).await?;
        let newest = questions.of_run(run).map(|heard| heard.run.turn).max().unwrap_or(0);
        let mut rows: BTreeMap<&LinkName, Row> = BTreeMap::new();
        for heard in questions.of_run(run).filter(|heard| heard.place.is_some()) {
            let unread = heard.run.unread(newest + 1, at, self.now());
            rows.insert(&heard.link, unread.row(&heard.link));
        }
        Ok(rows.into_values().collect())
    }

    /// The runs that signals tell of, where this link is told no answers.
    pub(super) fn unanswered(&self, link: &LinkName, signals: &[Signal]) -> Vec<WaitingRun> {
        let standing = self.standing();
        let declared = standing.organisation.links.get(link.as_str());
        if declared.is_some_and(is_answered) {
            return Vec::new();
        }
        signals.iter().filter_map(|signal| WaitingRun::of(signal, self.now())).collect()
    }

    /// Notes that a run is let on from now on, by the answer to this question: what waits later may be something else.
    /// Gives whether that is noted.
    pub(super) async fn note_let_on(
        &self,
        line: &Line,
        effect: &Effect,
        environment: &str,
    ) -> Result<bool, EngineError> {
        let now = self.now();
        self.alter_asked(line, effect, environment, |asked| asked.let_on = Some(now)).await
    }

    /// Takes that back: nothing of it has arrived.
    pub(super) async fn note_not_let_on(
        &self,
        line: &Line,
        effect: &Effect,
        environment: &str,
    ) -> Result<(), EngineError> {
        self.alter_asked(line, effect, environment, |asked| asked.let_on = None).await.map(|_| ())
    }

    async fn alter_asked(
        &self,
        line: &Line,
        effect: &Effect,
        environment: &str,
        alter: impl Fn(&mut WaitingRun),
    ) -> Result<bool, EngineError> {
        let Some(decision) = &effect.decision else { return Ok(false) };
        for _ in 0..TRIES {
            let Some(asked) = self.open_question(line, effect, environment).await? else {
                return Ok(false);
            };
            let mut altered = asked.answered_by(&decision.id);
            alter(&mut altered);
            self.record_rows(&line.name, vec![asked.becomes(&line.name, &altered)]).await?;
            if self.open_question(line, effect, environment).await? == Some(altered) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The question of the run that is open for an environment, by its name over there.
    async fn open_question(
        &self,
        line: &Line,
        effect: &Effect,
        environment: &str,
    ) -> Result<Option<WaitingRun>, EngineError> {
        let Some(run) = effect.decision.as_ref().and_then(|it| it.run.as_ref()) else {
            return Ok(None);
        };
        let kept = self.kept_runs(&line.name).await?.into_iter();
        let mut open = kept.filter(|kept| !kept.over && is_same(&kept.run, run));
        Ok(open.find(|kept| kept.environment == environment))
    }

    /// What ends the questions that are answered by now, also where one was let on meanwhile.
    pub(crate) async fn answered(
        &self,
        line: &Line,
        effect: Option<&Effect>,
        answered: Answered,
    ) -> Result<Vec<Row>, EngineError> {
        let mut over = answered.over;
        if let (Some(effect), Some(waits), false) = (effect, &answered.waits, over.is_empty()) {
            let open = self.open_question(line, effect, &waits.environment).await?;
            let open = open.filter(|open| open.let_on.is_some());
            over.extend(open.map(|open| open.ended(line)));
        }
        Ok(over)
    }
}

/// Whether a link is told decisions, so that it has its questions answered.
pub(super) fn is_answered(link: &Arc<Link>) -> bool {
    link.tell.as_ref().is_some_and(|tell| tell.about.contains(&Subject::Decision))
}
