//! How far the readings back came: for each list by itself, as they are read one after the other, and for the scans.
//!
//! Written as `records=2026-03-04 10:00:00;approvals=2026-03-04 10:00:00#<sys_id>#2026-03-04 10:20:00`. A part without a
//! name, as programs before this one wrote it, stands for every list that has none, and for the scans: the position that they
//! had together.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::poll::back;
use super::wire::{is_sys_id, stamp, time};
use crate::tell::Polling;

/// The first reading looks back so far, in seconds.
const FIRST_S: i64 = 3_600;
/// The name of the scans among the lists.
const SCANS: &str = "scans";
/// Behind every `sys_id`.
pub(super) const LAST: &str = "~";

/// How far the readings came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Where a list begins that was not read yet.
    first: Timestamp,
    lists: BTreeMap<String, Position>,
    /// Behind which record of which time the scans of records go on.
    pub(super) scanned: Option<(Timestamp, String)>,
}

/// Where the next reading of a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    /// Somewhat before a time: the last one came to the end.
    Anew(Timestamp),
    /// Behind a row of a time, or with the first of it where none is named.
    Behind {
        at: Timestamp,
        id: String,
        /// To this time the readings have come when they are at the end.
        until: Timestamp,
    },
}

impl Position {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('#');
        let at = time(parts.next()?)?;
        match (parts.next(), parts.next()) {
            (None, _) => Some(Self::Anew(at)),
            (Some(id), Some(until)) if id.is_empty() || is_sys_id(id) => {
                Some(Self::Behind { at, id: id.to_owned(), until: time(until)? })
            }
            _ => None,
        }
    }

    /// Not beyond a time, with all rows of that one to come.
    pub(super) fn not_beyond(self, most: Timestamp) -> Self {
        match self {
            Self::Anew(at) => Self::Anew(at.min(most)),
            Self::Behind { at, until, .. } if at > most => {
                Self::Behind { at: most, id: String::new(), until }
            }
            behind @ Self::Behind { .. } => behind,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anew(at) => f.write_str(&stamp(*at)),
            Self::Behind { at, id, until } => {
                write!(f, "{}#{id}#{}", stamp(*at), stamp(*until))
            }
        }
    }
}

impl Cursor {
    pub(super) fn read(polling: &Polling<'_>) -> Self {
        let (mut lists, mut scanned) = (BTreeMap::new(), None);
        let (mut first, mut together) = (back(polling.now, FIRST_S), None);
        for part in polling.cursor.unwrap_or_default().split(';') {
            match part.split_once('=') {
                Some((SCANS, rest)) => {
                    let (at, id) = rest.split_once('#').unwrap_or((rest, ""));
                    scanned = time(at).map(|at| (at, id.to_owned()));
                }
                Some((name, rest)) => {
                    lists.extend(Position::parse(rest).map(|it| (name.to_owned(), it)));
                }
                None => {
                    let (at, id) = part.split_once('#').unwrap_or((part, ""));
                    if let Some(at) = time(at) {
                        (first, together) = (at, Some((at, id.to_owned())));
                    }
                }
            }
        }
        Self { first, lists, scanned: scanned.or(together) }
    }

    /// Where a list goes on.
    pub(super) fn of(&self, list: &str) -> Position {
        self.lists.get(list).cloned().unwrap_or(Position::Anew(self.first))
    }

    /// Notes where a list goes on.
    pub(super) fn set(&mut self, list: &str, position: Position) {
        self.lists.insert(list.to_owned(), position);
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.lists.iter().map(|(name, position)| format!("{name}={position}"));
        let scans = self.scanned.iter().map(|(at, id)| match id.as_str() {
            "" => format!("{SCANS}={}", stamp(*at)),
            id => format!("{SCANS}={}#{id}", stamp(*at)),
        });
        f.write_str(&lists.chain(scans).collect::<Vec<_>>().join(";"))
    }
}
