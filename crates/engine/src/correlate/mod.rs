//! Signals become events: what others told us is matched with changes by commit, digest and run, never by name.
//!
//! A merge to a production branch proposes a change; commits and runs are remembered with who is behind them; reported
//! deployments begin and end; evidence and incidents are taken in. Everything is decided under the sequencer, on the
//! standing that the signals before have left.

mod deployments;
mod intents;
mod merges;
mod neighbours;
mod tasks;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sluice_core::change::{Evidence, EvidenceStatus, Involvement, InvolvementRole, event};
use sluice_core::effect::Subject;
use sluice_core::event::Event;
use sluice_core::housekeeping::{RunSeen, SourceSeen};
use sluice_core::ids::{ChangeNumber, CommitId, LinkName, ServiceName};
use sluice_core::incident;
use sluice_core::link::ReferenceRecorded;
use sluice_core::run::RunRef;
use sluice_core::signal::{CommitInfo, Listed, Outcome, Signal, Who};
use sluice_core::standing::{Actor, Recorded, Standing};
use sluice_store::Row;

use crate::engine::Engine;
use crate::tasks::{News, WaitingRun, checks};

/// The most commits and paths that are remembered of one push.
const MOST: usize = 200;

/// The most pushes that are remembered of one tip.
const PUSHES: usize = 8;

/// The most bytes that the paths of one push take in an entry.
const PATH_BYTES: usize = 12 * 1024;

/// The most people that one entry names, in less than 80 bytes each. With as many paths, commits and pushes as there may
/// be, an entry is smaller than the largest that can be.
const PEOPLE: usize = 200;

/// Events being made, and the standing that they leave.
pub(crate) struct Correlation<'a> {
    engine: &'a Engine,
    standing: Standing,
    rows: &'a mut Vec<Row>,
    events: Vec<Event>,
    link: &'a LinkName,
    news: &'a News,
    /// How both sides of a record were left by what was taken over since the news came.
    left: BTreeMap<String, (String, String)>,
    now: Timestamp,
}

impl Engine {
    /// The events that follow from signals of a link.
    pub(crate) fn correlate(
        &self,
        standing: &Standing,
        link: &LinkName,
        news: &News,
        rows: &mut Vec<Row>,
        now: Timestamp,
    ) -> Vec<Event> {
        let mut correlation = Correlation {
            engine: self,
            standing: standing.clone(),
            rows,
            events: Vec::new(),
            link,
            news,
            left: BTreeMap::new(),
            now,
        };
        for signal in &news.signals {
            correlation.take(signal);
        }
        correlation.events
    }
}

impl Correlation<'_> {
    fn push(&mut self, event: impl Into<Event>) {
        let recorded = Recorded {
            index: self.standing.size,
            at: self.now,
            actor: Actor::Link(self.link.clone()),
            event: event.into(),
        };
        self.standing.apply(&recorded);
        self.events.push(recorded.event);
    }

    fn extend(&mut self, events: Vec<Event>) {
        for event in events {
            self.push(event);
        }
    }

    fn involve(&mut self, role: InvolvementRole, who: &Who) -> BTreeSet<Involvement> {
        self.engine.involvement(&self.standing, role, who, self.rows)
    }

    fn take(&mut self, signal: &Signal) {
        match signal {
            Signal::CommitsPushed { .. } => self.pushed(signal),
            Signal::ProposalMerged { .. } => self.merged(signal),
            Signal::RunStarted { run, commit, actor, .. }
            | Signal::RunFinished { run, commit, actor, .. } => {
                self.run_seen(run, commit.as_ref(), actor.as_ref());
            }
            Signal::GateRequested { run, commit, actor, .. } => {
                self.run_seen(run, commit.as_ref(), actor.as_ref());
                self.gate_requested(signal);
            }
            Signal::CheckRequested { repository, proposal, check, run, commit, open, .. } => {
                let asked = checks::Asked { repository, proposal, check, run };
                let commit = commit.as_ref().filter(|_| *open);
                self.rows.extend(checks::asked(self.link, &asked, commit, self.now));
            }
            Signal::StageReported { .. } => self.stage(signal),
            Signal::DeploymentReported { .. } => self.deployment(signal),
            Signal::EvidenceReported { evidence, name, commit, outcome, url, .. } => {
                self.evidence(evidence, name, commit.as_ref(), *outcome, url.as_deref());
            }
            Signal::IncidentReported {
                incident,
                resolved,
                service,
                environment,
                title,
                severity,
                ..
            } => {
                let id = format!("{}:{incident}", self.link);
                let service = service.as_deref().and_then(|name| ServiceName::parse(name).ok());
                self.incident(
                    id,
                    *resolved,
                    service,
                    environment.clone(),
                    title,
                    severity.as_deref(),
                );
            }
            Signal::ApprovalReported { entity, who, verdict, revision, comment, at, .. } => {
                let (verdict, at) = (*verdict, *at);
                let reported = neighbours::Reported { who, verdict, revision, comment, at };
                self.approved_there(entity, &reported);
            }
            Signal::IntentReported { intent, entity, wish, revision, reply_to, .. } => {
                if let Some(to) = reply_to {
                    self.wished(&intents::Wished { intent, entity, wish: *wish, revision, to });
                }
            }
            Signal::RecordReported { entity, state, counts, .. } => {
                self.moved_there(entity, state, *counts);
            }
            Signal::TaskReported { .. } => self.task_there(signal),
            Signal::ReferenceReported { entity, name, value, .. } => {
                let (link, entity) = (self.link.clone(), entity.clone());
                let (name, value) = (name.clone(), value.clone());
                self.push(ReferenceRecorded { link, entity, name, value });
            }
            // Nothing follows from these yet; that they came is recorded all the same.
            Signal::Ping
            | Signal::ProposalUpdated { .. }
            | Signal::ArtifactReported { .. }
            | Signal::Noted { .. } => {}
        }
    }

    /// Everybody behind a list of commits.
    fn behind(&mut self, commits: &[CommitInfo]) -> BTreeSet<Involvement> {
        let mut involved = BTreeSet::new();
        for commit in commits {
            involved.extend(self.involve(InvolvementRole::Author, &commit.author));
            if let Some(committer) = &commit.committer {
                involved.extend(self.involve(InvolvementRole::Committer, committer));
            }
            for co_author in &commit.co_authors {
                involved.extend(self.involve(InvolvementRole::CoAuthor, co_author));
            }
        }
        involved
    }

    /// Remembers a tip with what came with it, together with what was known of it before.
    fn source_seen(&mut self, mut seen: SourceSeen) {
        if let Some(known) = self.standing.sources.get(&seen.commit) {
            seen.involved.extend(known.involved.iter().cloned());
            seen.paths.extend(known.paths.iter().cloned());
            seen.commits.extend(known.commits.iter().cloned());
            seen.pushes.splice(..0, known.pushes.iter().cloned());
            seen.merge = seen.merge.or_else(|| known.merge.clone());
            seen.people_cut |= known.people_cut;
        }
        seen.commits.push(seen.commit.clone());
        newest(&mut seen.commits, MOST);
        newest(&mut seen.pushes, PUSHES);
        let mut paths = BTreeSet::new();
        seen.paths.retain(|path| path.len() <= 1_024 && paths.insert(path.clone()));
        seen.paths.truncate(MOST);
        let mut room = PATH_BYTES;
        seen.paths.retain(|path| take_room(&mut room, path));
        self.cut_people(&mut seen);
        if self.standing.sources.get(&seen.commit).is_none_or(|known| **known != seen) {
            self.push(seen.clone());
        }
        self.involve_in_changes(&seen);
    }

    /// Keeps as many people as an entry holds: first those who are known here, then those who pushed and merged. Where
    /// some are left out, it is said that not everybody is known.
    fn cut_people(&self, seen: &mut SourceSeen) {
        if seen.involved.len() > PEOPLE {
            let organisation = &self.standing.organisation;
            let unknown = |by: &Involvement| organisation.person_of(&by.identity).is_none();
            let mut people: Vec<Involvement> =
                std::mem::take(&mut seen.involved).into_iter().collect();
            people.sort_by_key(|by| (unknown(by), Reverse(by.role)));
            seen.involved = people.into_iter().take(PEOPLE).collect();
            seen.people_cut = true;
        }
        if seen.people_cut {
            seen.pushes.iter_mut().for_each(|push| push.listed = Listed::Some);
        }
    }

    /// Records that people had a hand in a change.
    fn involved_in(&mut self, change: ChangeNumber, people: impl IntoIterator<Item = Involvement>) {
        let people: Vec<Involvement> = people.into_iter().collect();
        for some in people.chunks(PEOPLE) {
            let involved = some.iter().cloned().collect();
            self.push(event::Involved { change, involved, stated_of: None });
        }
    }

    /// Who wrote a commit had a hand in every open change that brings it, also where it was asked for before.
    fn involve_in_changes(&mut self, source: &SourceSeen) {
        let numbers: BTreeSet<ChangeNumber> = source
            .every_commit()
            .filter_map(|commit| self.standing.changes_of_commit.get(commit))
            .flatten()
            .copied()
            .collect();
        for number in numbers {
            let Some(change) = self.standing.changes.get(&number) else { continue };
            let commits = change.origin.commits.iter();
            let told = commits.flat_map(|commit| self.standing.behind(commit).involved);
            let involved: BTreeSet<Involvement> =
                told.filter(|by| !change.involved.contains(by)).collect();
            self.involved_in(number, involved);
        }
    }

    fn run_seen(&mut self, run: &RunRef, commit: Option<&CommitId>, actor: Option<&Who>) {
        let known = self.standing.runs.get(&run.key()).cloned();
        let involved =
            actor.map(|actor| self.involve(InvolvementRole::Trigger, actor)).unwrap_or_default();
        let commit =
            commit.cloned().or_else(|| known.as_ref().and_then(|known| known.commit.clone()));
        let event = RunSeen { run: run.clone(), commit, involved };
        let event = event.and_before(known.as_deref(), self.engine.others_of(run));
        if known.as_deref() != Some(&event) {
            self.push(event);
        }
    }

    /// A run waits at a rule of its forge. That it does is kept until it is answered, where that can be told.
    fn gate_requested(&mut self, signal: &Signal) {
        let link = self.standing.organisation.links.get(self.link.as_str());
        let is_told = link
            .and_then(|link| link.tell.as_ref())
            .is_some_and(|tell| tell.about.contains(&Subject::Decision));
        if is_told {
            let turns = &self.news.turns;
            self.rows.extend(WaitingRun::asked(self.link, signal, turns, self.now));
        }
    }

    fn evidence(
        &mut self,
        kind: &str,
        name: &str,
        commit: Option<&CommitId>,
        outcome: Option<Outcome>,
        url: Option<&str>,
    ) {
        let (Some(commit), Some(outcome)) = (commit, outcome) else { return };
        let status = match outcome {
            Outcome::Succeeded => EvidenceStatus::Passed,
            Outcome::Failed => EvidenceStatus::Failed,
            Outcome::Canceled | Outcome::Skipped => return,
        };
        let cut = |text: &str, most: usize| {
            text.chars().filter(|c| !c.is_control()).take(most).collect::<String>()
        };
        let evidence = Evidence {
            kind: cut(kind, 128),
            name: cut(name, 256),
            status,
            digest: None,
            url: url.map(|url| cut(url, 2_048)),
        };
        let changes: Vec<_> =
            self.standing.changes_of_commit.get(commit).into_iter().flatten().copied().collect();
        for number in changes {
            let Some(change) = self.standing.changes.get(&number) else { continue };
            if !change.state.is_over() && !change.evidence.contains(&evidence) {
                self.push(event::EvidenceAdded {
                    change: number,
                    evidence: vec![evidence.clone()],
                });
            }
        }
    }

    fn incident(
        &mut self,
        id: String,
        resolved: bool,
        service: Option<ServiceName>,
        environment: Option<String>,
        title: &str,
        severity: Option<&str>,
    ) {
        let services = &self.standing.organisation.services;
        let service = service.filter(|name| services.contains_key(name));
        let told = incident::Opening {
            title: title.to_owned(),
            environment,
            severity: severity.unwrap_or_default().to_owned(),
            ..incident::Opening::default()
        };
        let event = incident::report(&self.standing, &id, service.as_ref(), told, resolved);
        self.extend(event.into_iter().collect());
    }
}

/// Keeps each member once, where it came first, and of them the newest.
fn newest<T: Ord + Clone>(members: &mut Vec<T>, most: usize) {
    let mut kept = BTreeSet::new();
    members.retain(|member| kept.insert(member.clone()));
    members.drain(..members.len().saturating_sub(most));
}

/// Takes the room that a text has as a member of a list in JSON, where there is as much left.
fn take_room(room: &mut usize, text: &str) -> bool {
    let bytes = serde_json::Value::from(text).to_string().len() + 1;
    let left = room.checked_sub(bytes);
    *room = left.unwrap_or(*room);
    left.is_some()
}
