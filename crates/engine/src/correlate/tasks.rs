//! Incidents and problems at a neighbour: what people do there with ours, and those that they open themselves.
//!
//! How both sides were left when a record was told last says who has altered it since. Where that is the neighbour
//! alone and it has a say, it is taken over; where both did, that is recorded and nobody is overwritten. What they have
//! the authority over is theirs whatever was done here.

use sluice_core::event::Event;
use sluice_core::ids::{IncidentNumber, ProblemNumber, ServiceName};
use sluice_core::incident::{self, IncidentState, Resolution};
use sluice_core::link::{Authority, ReferenceRecorded};
use sluice_core::problem::{self, ProblemState};
use sluice_core::refusal::Refusal;
use sluice_core::signal::{Signal, TaskKind};

use super::Correlation;
use crate::tasks::{adopted, overtaken};

/// What a neighbour calls a record that it gave up.
const CANCELED: &str = "canceled";
/// What it calls one that nobody can reopen; here that is the same as resolved.
const CLOSED: &str = "closed";

/// Whether a record is over, by their word.
fn is_over(theirs: &str) -> bool {
    matches!(theirs, "resolved" | CLOSED | CANCELED)
}

/// What they say of one of our records.
struct Said<'a> {
    entity: &'a str,
    theirs: &'a str,
    authority: Authority,
}

impl Correlation<'_> {
    pub(super) fn task_there(&mut self, signal: &Signal) {
        let Signal::TaskReported { entity, task, state, authority, .. } = signal else { return };
        let opened = || self.opened_from(signal);
        let Some(entity) = entity.clone().or_else(opened) else {
            return self.opened_there(signal);
        };
        let said = Said { entity: &entity, theirs: state, authority: *authority };
        match task {
            TaskKind::Incident => self.incident_there(&said),
            TaskKind::Problem => self.problem_there(&said),
        }
    }

    fn incident_there(&mut self, said: &Said<'_>) {
        let Ok(number) = IncidentNumber::parse(said.entity) else { return };
        let Some(incident) = self.standing.incidents.get(&number).cloned() else {
            return self.over_here(said);
        };
        if !self.counts(said, incident.state.as_str()) {
            return;
        }
        let note = format!("{} in {}", said.theirs, self.link);
        let events = match IncidentState::parse(said.theirs) {
            Some(state) if !state.is_over() => incident::move_to(&incident, state, note),
            Some(_) => incident::resolve(&incident, Resolution::Recovered, note),
            None if said.theirs == CLOSED => {
                incident::resolve(&incident, Resolution::Recovered, note)
            }
            None if said.theirs == CANCELED => {
                incident::resolve(&incident, Resolution::Unfounded, note)
            }
            None => return,
        };
        self.taken_over(said, events);
    }

    fn problem_there(&mut self, said: &Said<'_>) {
        let Ok(number) = ProblemNumber::parse(said.entity) else { return };
        let Some(problem) = self.standing.problems.get(&number).cloned() else {
            return self.over_here(said);
        };
        if !self.counts(said, problem.state.as_str()) {
            return;
        }
        let note = format!("{} in {}", said.theirs, self.link);
        let events = match ProblemState::parse(said.theirs) {
            Some(state) if !state.is_over() => problem::move_to(&problem, state, note),
            Some(_) => problem::resolve(&problem, note),
            None if is_over(said.theirs) => problem::resolve(&problem, note),
            None => return,
        };
        self.taken_over(said, events);
    }

    /// Whether what they say is taken over. Where it is not and both sides differ, that is recorded.
    fn counts(&mut self, said: &Said<'_>, ours: &str) -> bool {
        let Said { entity, theirs, authority } = *said;
        let left = self.left(entity);
        if ours == theirs || left.is_some_and(|(_, left)| left == theirs) {
            return false;
        }
        // It may be what we have written before ours went on: what came of that is looked at when it is told again.
        if self.news.may_be_ours(entity, theirs) {
            return false;
        }
        let altered_here = left.is_none_or(|(left, _)| left != ours);
        match authority {
            Authority::Foreign => return true,
            Authority::Mirrored if !altered_here => return true,
            Authority::Mirrored | Authority::Native => {}
        }
        // Before it was told for the first time, theirs is behind and nothing else.
        if left.is_some() {
            let (entity, ours, theirs) = (entity.to_owned(), ours.to_owned(), theirs.to_owned());
            self.differ(&entity, "state", &ours, &theirs);
        }
        false
    }

    fn taken_over(&mut self, said: &Said<'_>, events: Result<Vec<Event>, Refusal>) {
        match events {
            Ok(events) => {
                self.extend(events);
                self.leave(said);
            }
            Err(refusal) => self.differ(said.entity, "state", &refusal.code, said.theirs),
        }
    }

    /// How both sides were left when the record was told or taken over last.
    fn left(&self, entity: &str) -> Option<(&str, &str)> {
        let since = self.left.get(entity).map(|(ours, theirs)| (ours.as_str(), theirs.as_str()));
        since.or_else(|| self.news.left(entity))
    }

    /// Both sides agree, before ours is told again: what they do next is done by them alone.
    fn leave(&mut self, said: &Said<'_>) {
        let (entity, theirs) = (said.entity.to_owned(), said.theirs.to_owned());
        let incident = IncidentNumber::parse(&entity).ok();
        let incident = incident.and_then(|number| self.standing.incidents.get(&number));
        let problem = ProblemNumber::parse(&entity).ok();
        let problem = problem.and_then(|number| self.standing.problems.get(&number));
        let ours = incident.map(|known| known.state.as_str());
        let ours = ours.or_else(|| problem.map(|known| known.state.as_str())).unwrap_or("resolved");
        let size = self.standing.size;
        self.rows.extend(overtaken(self.link, &entity, (ours, &theirs), size));
        self.left.insert(entity, (ours.to_owned(), theirs));
    }

    /// Ours is over. That theirs goes on is a difference once it was told that it is over.
    fn over_here(&mut self, said: &Said<'_>) {
        let left = self.left(said.entity);
        let Some((ours, left)) = left.map(|(ours, left)| (ours.to_owned(), left.to_owned())) else {
            return;
        };
        let is_news = !self.news.may_be_ours(said.entity, said.theirs);
        if is_over(&left) && !is_over(said.theirs) && is_news {
            self.differ(said.entity, "state", &ours, said.theirs);
        }
    }

    /// Ours that was opened from theirs, within the same reading.
    fn opened_from(&self, signal: &Signal) -> Option<String> {
        let Signal::TaskReported { task, of, .. } = signal else { return None };
        let source = format!("{}:{}", self.link, of.id);
        match task {
            TaskKind::Incident => {
                self.standing.incident_from(&source).map(|known| known.number.to_string())
            }
            TaskKind::Problem => {
                let mut open = self.standing.problems.values();
                let known = open.find(|known| known.source.as_deref() == Some(source.as_str()));
                known.map(|known| known.number.to_string())
            }
        }
    }

    /// They have opened one: where they have a say and it concerns a service of ours, it is one here too.
    fn opened_there(&mut self, signal: &Signal) {
        let Signal::TaskReported { task, of, record, state, authority, service, title, at, .. } =
            signal
        else {
            return;
        };
        let service = service.as_deref().and_then(|name| ServiceName::parse(name).ok());
        // What concerns no service that is declared here is none of ours.
        let declared = &self.standing.organisation.services;
        let service = service.filter(|name| declared.contains_key(name));
        let Some(service) = service.filter(|_| !is_over(state) && *authority != Authority::Native)
        else {
            return;
        };
        let services = std::iter::once(service).collect();
        let source = Some(format!("{}:{}", self.link, of.id));
        let line =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(200).collect() };
        let title = Some(line(title)).filter(|title| !title.trim().is_empty());
        let title = title.unwrap_or_else(|| format!("{} in {}", line(record), self.link));
        let opened = match task {
            TaskKind::Incident => {
                let opening =
                    incident::Opening { source, title, services, ..incident::Opening::default() };
                incident::open(&self.standing, opening)
                    .map(|(number, events)| (number.to_string(), events))
            }
            TaskKind::Problem => {
                let opening =
                    problem::Opening { source, title, services, ..problem::Opening::default() };
                problem::open(&self.standing, opening)
                    .map(|(number, events)| (number.to_string(), events))
            }
        };
        let (entity, events) = match opened {
            Ok(opened) => opened,
            Err(refusal) => {
                let (link, code) = (self.link, &refusal.code);
                tracing::warn!(%link, record, %code, "what they opened could not be opened here");
                return;
            }
        };
        self.extend(events);
        self.rows.extend(adopted(self.link, &entity, of, (*task, record), (state, *at)));
        self.left.insert(entity.clone(), (state.clone(), state.clone()));
        for (name, value) in [(of.name.as_str(), &of.id), (task.as_str(), record)] {
            self.push(ReferenceRecorded {
                link: self.link.clone(),
                entity: entity.clone(),
                name: name.to_owned(),
                value: value.clone(),
            });
        }
        let said = Said { entity: &entity, theirs: state, authority: Authority::Foreign };
        match task {
            TaskKind::Incident => self.incident_there(&said),
            TaskKind::Problem => self.problem_there(&said),
        }
    }
}
