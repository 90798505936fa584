//! The windows of an organisation, expanded and ready to be asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::coming::{Coming, chain_end, release_state};
use super::{
    CalendarFacts, HORIZON_DAYS, OCCURRENCES_LIMIT, Occurrence, ScheduleProblem, Window, WindowKind,
};
use crate::scope::Target;

/// How far before the present a calendar reaches: questions of a moment ago stay cheap.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(48);
/// How far a calendar looks ahead.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(HORIZON_DAYS * 24);

/// All windows of an organisation, expanded into instants around the present.
///
/// Questions about times beyond what was expanded are answered too, slowly; whoever holds a
/// calendar rebuilds it every day or so. A window that cannot be expanded (a zone that the time
/// zone data no longer knows) is never passed over: as a freeze it is in force, as a release
/// window it is not.
#[derive(Debug, Clone)]
pub struct Calendar {
    from: Timestamp,
    to: Timestamp,
    windows: Vec<Compiled>,
    /// Positions of the windows that name services, by service.
    of_service: BTreeMap<String, Vec<usize>>,
    /// Positions of the windows that name none.
    of_any_service: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Compiled {
    window: Window,
    /// Sorted, neither overlapping nor touching.
    spans: Result<Vec<Occurrence>, ScheduleProblem>,
}

/// One coming (or present) occurrence of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpcomingWindow {
    /// The unique name of the window.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it means.
    pub kind: WindowKind,
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// Why it exists.
    pub reason: String,
}

impl Calendar {
    /// Expands `windows` for questions around `now`.
    pub fn around(windows: impl IntoIterator<Item = Window>, now: Timestamp) -> Calendar {
        let from = now.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
        let to = now.checked_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX);
        let mut windows: Vec<Window> = windows.into_iter().collect();
        windows.sort_by(|a, b| a.name.cmp(&b.name));
        let windows: Vec<Compiled> = windows
            .into_iter()
            .map(|window| {
                let reading = window.kind.reading();
                let expanded = window.schedule.expand(from, to, reading, OCCURRENCES_LIMIT);
                Compiled { spans: expanded.map(|it| it.merged()), window }
            })
            .collect();
        let mut of_service: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut of_any_service = Vec::new();
        for (position, compiled) in windows.iter().enumerate() {
            let services = &compiled.window.scope.services;
            for service in services {
                of_service.entry(service.clone()).or_default().push(position);
            }
            if services.is_empty() {
                of_any_service.push(position);
            }
        }
        Calendar { from, to, windows, of_service, of_any_service }
    }

    /// The span of instants for which this calendar is expanded.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        (self.from, self.to)
    }

    /// The windows that cannot be expanded, by name, and why.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &ScheduleProblem)> {
        self.windows.iter().filter_map(|compiled| {
            let problem = compiled.spans.as_ref().err()?;
            Some((compiled.window.name.as_str(), problem))
        })
    }

    /// Every window with its spans that reach into `[from, to)`, in the order of their names; at most
    /// `limit` spans of each. Spans beyond what is expanded are not among them.
    pub fn between(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> impl Iterator<Item = (&Window, Vec<Occurrence>)> {
        self.windows.iter().map(move |compiled| {
            let spans = compiled.spans.as_deref().unwrap_or_default();
            let reaching = spans.iter().filter(|span| span.start < to && span.end > from);
            (&compiled.window, reaching.take(limit).copied().collect())
        })
    }

    /// What holds for a deployment to `target` at `at`, when exceptions pass the freezes that
    /// `excepted` names.
    pub fn evaluate(
        &self,
        target: &Target,
        at: Timestamp,
        excepted: &BTreeSet<String>,
    ) -> CalendarFacts {
        if !self.is_expanded_at(at) {
            return self.moved_to(target, at).evaluate(target, at, excepted);
        }
        let (mut binding, mut passed) = (Vec::new(), Vec::new());
        let (mut maintenance, mut release) = (Vec::new(), Vec::new());
        for compiled in self.covering(target) {
            let coming = compiled.coming(at);
            match coming.window.kind {
                WindowKind::Freeze if excepted.contains(&coming.window.name) => passed.push(coming),
                WindowKind::Freeze => binding.push(coming),
                WindowKind::Maintenance => maintenance.push(coming),
                WindowKind::Release => release.push(coming),
            }
        }
        let active = |windows: &[Coming<'_>]| windows.iter().filter_map(Coming::active).collect();
        CalendarFacts {
            freezes: active(&binding),
            frozen_until: chain_end(&binding, self.to),
            excepted: active(&passed),
            maintenance: active(&maintenance),
            release: release_state(&release, self.to),
            next_freeze: binding.iter().filter_map(Coming::next_start).min(),
        }
    }

    /// The first `count` occurrences of windows that cover `target` and end after `from`, by
    /// start and name; those of one kind, or of all. Occurrences of one window that touch are told as one.
    pub fn next_windows(
        &self,
        target: &Target,
        from: Timestamp,
        kind: Option<WindowKind>,
        count: usize,
    ) -> Vec<UpcomingWindow> {
        if !self.is_expanded_at(from) {
            return self.moved_to(target, from).next_windows(target, from, kind, count);
        }
        let mut upcoming: Vec<UpcomingWindow> = self
            .covering(target)
            .into_iter()
            .filter(|compiled| kind.is_none_or(|kind| compiled.window.kind == kind))
            .flat_map(|compiled| {
                let spans = compiled.coming(from).spans.unwrap_or_default().iter().take(count);
                spans.map(|span| compiled.upcoming(span))
            })
            .collect();
        upcoming.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        upcoming.truncate(count);
        upcoming
    }

    fn is_expanded_at(&self, at: Timestamp) -> bool {
        // At the very edges of time there is nothing to move to.
        (self.from..self.to).contains(&at) || self.to == Timestamp::MAX
    }

    /// The same windows, as far as they cover `target`, expanded around another time.
    fn moved_to(&self, target: &Target, at: Timestamp) -> Calendar {
        let covering = self.covering(target);
        Calendar::around(covering.into_iter().map(|it| it.window.clone()), at)
    }

    fn covering(&self, target: &Target) -> Vec<&Compiled> {
        let named = self.of_service.get(&target.service).map(Vec::as_slice).unwrap_or_default();
        let mut positions: Vec<usize> = named.iter().chain(&self.of_any_service).copied().collect();
        positions.sort_unstable();
        positions
            .into_iter()
            .filter_map(|position| self.windows.get(position))
            .filter(|compiled| compiled.window.scope.covers(target))
            .collect()
    }
}

impl Compiled {
    /// The window as it stands at `at`.
    fn coming(&self, at: Timestamp) -> Coming<'_> {
        let after = |spans: &[Occurrence]| spans.partition_point(|span| span.end <= at);
        let spans = self.spans.as_deref().ok();
        let spans = spans.map(|spans| spans.get(after(spans)..).unwrap_or_default());
        Coming { window: &self.window, spans, at }
    }

    fn upcoming(&self, span: &Occurrence) -> UpcomingWindow {
        UpcomingWindow {
            name: self.window.name.clone(),
            title: self.window.title.clone(),
            kind: self.window.kind,
            start: span.start,
            end: span.end,
            reason: self.window.reason.clone(),
        }
    }
}
