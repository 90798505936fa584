//! What can be wrong with a file, each with its line and what would help.

use std::fmt;

use sluice_core::calendar::ScheduleProblem;

use super::{EVENTS_LIMIT, PROBLEMS_LIMIT, SIZE_LIMIT_BYTES};

/// Something in a file that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcsProblem {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: IcsProblemKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IcsProblemKind {
    /// The file is too long to be read.
    #[error("the file is longer than {SIZE_LIMIT_BYTES} bytes")]
    FileTooLong,
    /// The file is not text in UTF-8.
    #[error("this is not UTF-8")]
    NotUtf8,
    /// The file holds no calendar at all.
    #[error("there is no `BEGIN:VCALENDAR`")]
    NoCalendar,
    /// Too many events.
    #[error("there are more than {EVENTS_LIMIT} events")]
    TooManyEvents,
    /// Too many occurrences were asked for.
    #[error("there are more than {limit} occurrences in the asked span")]
    TooManyOccurrences {
        /// The most that is given.
        limit: usize,
    },
    /// The repeated events need too much work to expand.
    #[error("the repeated events need too much work to expand over the asked span")]
    TooMuchWork,
    /// Too many problems to tell them all.
    #[error("there are more than {PROBLEMS_LIMIT} problems")]
    TooManyProblems,
    /// A line is not `NAME:VALUE`.
    #[error("this is not a line of the form `NAME:VALUE`")]
    NotAContentLine,
    /// Components are not properly nested.
    #[error("`{found}` where `{expected}` is due")]
    BadNesting {
        /// The line as written.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// Components are nested too deeply.
    #[error("components are nested too deeply")]
    TooDeep,
    /// An event lacks a property.
    #[error("the event has no `{name}`")]
    Missing {
        /// The property.
        name: &'static str,
    },
    /// A property is given twice that may be given once.
    #[error("`{name}` is given more than once")]
    Duplicate {
        /// The property.
        name: String,
    },
    /// A property has a value that is not understood.
    #[error("`{name}` has the value `{value}`, which is not {expected}")]
    BadValue {
        /// The property.
        name: String,
        /// The value, shortened.
        value: String,
        /// What would have been understood.
        expected: &'static str,
    },
    /// Both an end and a length are given.
    #[error("`DTEND` and `DURATION` are both given")]
    EndAndDuration,
    /// Start and end are not both dates or both times.
    #[error("`{name}` is a date and `DTSTART` is not, or the other way round")]
    MixedDates {
        /// The property.
        name: String,
    },
    /// A zone that is none of IANA's and that the file does not make plain.
    #[error("the time zone `{zone}` is not known")]
    UnknownZone {
        /// The name as written.
        zone: String,
    },
    /// Valid, but not understood by Sluice.
    #[error("`{what}` is not supported")]
    Unsupported {
        /// The property or parameter.
        what: String,
    },
    /// The times make no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleProblem),
}

impl IcsProblem {
    pub(super) fn new(line: usize, kind: IcsProblemKind) -> IcsProblem {
        IcsProblem { line, kind }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match &self.kind {
            IcsProblemKind::FileTooLong
            | IcsProblemKind::TooManyEvents
            | IcsProblemKind::TooManyOccurrences { .. }
            | IcsProblemKind::TooMuchWork => "leave out what is past, or split the calendar",
            IcsProblemKind::NotUtf8 => "save the file as UTF-8",
            IcsProblemKind::NoCalendar => "export the calendar as iCalendar (`.ics`)",
            IcsProblemKind::TooManyProblems => "solve the first ones, and check again",
            IcsProblemKind::NotAContentLine => {
                "begin lines that go on from the line before with a space"
            }
            IcsProblemKind::BadNesting { .. } | IcsProblemKind::TooDeep => {
                "close each `BEGIN:X` by its `END:X`"
            }
            IcsProblemKind::Missing { .. } => "add it to the event",
            IcsProblemKind::Duplicate { .. } => "keep the one that counts",
            IcsProblemKind::BadValue { .. } => "write the value as in RFC 5545, section 3.3",
            IcsProblemKind::EndAndDuration => "keep one of them",
            IcsProblemKind::MixedDates { .. } => "write dates everywhere, or times everywhere",
            IcsProblemKind::UnknownZone { .. } => {
                "name an IANA time zone such as `Europe/Berlin` in `TZID`"
            }
            IcsProblemKind::Unsupported { .. } => "write it as separate events",
            IcsProblemKind::Schedule(problem) => problem.help(),
        }
    }
}

impl fmt::Display for IcsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

/// The problems found so far, up to the limit.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<IcsProblem>,
}

impl Problems {
    pub(super) fn push(&mut self, line: usize, kind: IcsProblemKind) {
        if self.found.len() < PROBLEMS_LIMIT {
            self.found.push(IcsProblem { line, kind });
        } else if self.found.len() == PROBLEMS_LIMIT {
            self.found.push(IcsProblem { line, kind: IcsProblemKind::TooManyProblems });
        }
    }

    /// Whether further problems would not be told: then there is no use in looking for them.
    pub(super) fn are_too_many(&self) -> bool {
        self.found.len() > PROBLEMS_LIMIT
    }

    pub(super) fn told(mut self) -> Vec<IcsProblem> {
        self.found.sort_by_key(|problem| problem.line);
        self.found
    }
}
