//! Windows as they stand at one moment: what is in force, and what comes next.

use jiff::Timestamp;

use super::{ActiveWindow, Occurrence, ReleaseState, Window, WindowKind};

/// What is said of a window that says nothing for itself.
const NO_REASON: &str = "no reason is given";

/// One window at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming<'a> {
    pub(super) window: &'a Window,
    /// Its spans that end after the moment, sorted; none when it cannot be read.
    pub(super) spans: Option<&'a [Occurrence]>,
    pub(super) at: Timestamp,
}

impl Coming<'_> {
    /// The end of the span that holds the moment.
    fn end(&self) -> Option<Timestamp> {
        let first = self.spans?.first()?;
        (first.start <= self.at).then_some(first.end)
    }

    /// The next start after the moment.
    pub(super) fn next_start(&self) -> Option<Timestamp> {
        self.spans?.iter().map(|span| span.start).find(|start| *start > self.at)
    }

    /// Whether it is in force without a known end, because it cannot be read.
    fn is_unreadable_freeze(&self) -> bool {
        self.spans.is_none() && self.window.kind == WindowKind::Freeze
    }

    /// The window if it is in force.
    pub(super) fn active(&self) -> Option<ActiveWindow> {
        let until = self.end();
        if until.is_none() && !self.is_unreadable_freeze() {
            return None;
        }
        Some(ActiveWindow {
            name: self.window.name.clone(),
            title: self.window.title.clone(),
            until,
            in_flight: self.window.in_flight,
            grants: self.window.grants.clone(),
            reason: match self.window.reason.as_str() {
                "" => NO_REASON.to_owned(),
                reason => reason.to_owned(),
            },
        })
    }
}

/// When none of `windows` is in force any more, starting from those in force now; none when none
/// is, or when they go on beyond `horizon`.
pub(super) fn chain_end(windows: &[Coming<'_>], horizon: Timestamp) -> Option<Timestamp> {
    if windows.iter().any(Coming::is_unreadable_freeze) {
        return None;
    }
    let mut end = windows.iter().filter_map(Coming::end).max()?;
    let mut rest: Vec<&[Occurrence]> = windows.iter().filter_map(|it| it.spans).collect();
    // Each round moves the end past at least one span, so the spans bound the rounds.
    while end < horizon {
        let mut later = end;
        for spans in &mut rest {
            while let Some((first, tail)) = spans.split_first()
                && first.start <= end
            {
                later = later.max(first.end);
                *spans = tail;
            }
        }
        if later == end {
            return Some(end);
        }
        end = later;
    }
    None
}

/// How release windows stand.
pub(super) fn release_state(windows: &[Coming<'_>], horizon: Timestamp) -> ReleaseState {
    if windows.is_empty() {
        return ReleaseState::NoneApply;
    }
    let in_force = windows
        .iter()
        .filter_map(|it| it.end().map(|end| (end, &it.window.name)))
        .max_by_key(|(end, _)| *end);
    match in_force {
        Some((_, name)) => {
            let until = chain_end(windows, horizon).unwrap_or(horizon);
            ReleaseState::Inside { until, window: name.clone() }
        }
        None => ReleaseState::Outside { next: windows.iter().filter_map(Coming::next_start).min() },
    }
}
