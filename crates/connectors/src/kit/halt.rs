//! The two ways in which reading a delivery stops early.

use sluice_core::signal::{Heard, Signal};

use crate::connector::Unreadable;
use crate::kit::bounds;

/// Why reading stopped: an answer, not a failure of ours.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Readable, but not for us.
    Ignored { code: &'static str, reason: String },
    /// Not readable.
    Unreadable(Unreadable),
}

impl From<Unreadable> for Halt {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// Readable, but not for us.
pub(crate) fn ignored(code: &'static str, reason: impl Into<String>) -> Halt {
    Halt::Ignored { code, reason: reason.into() }
}

/// Not readable.
pub(crate) fn unreadable(code: &'static str, reason: impl Into<String>) -> Halt {
    Halt::Unreadable(Unreadable::new(code, reason))
}

/// Turns what a reading found into the answer, within the bounds of signals.
pub(crate) fn heard(found: Result<Vec<Signal>, Halt>) -> Result<Heard, Unreadable> {
    match found {
        Ok(signals) if signals.is_empty() => Ok(Heard::Ignored {
            code: "nothing_told".to_owned(),
            reason: "the delivery tells nothing that is used".to_owned(),
        }),
        Ok(signals) => Ok(Heard::Signals { signals: bounds::keep(signals)? }),
        Err(Halt::Ignored { code, reason }) => Ok(Heard::Ignored { code: code.to_owned(), reason }),
        Err(Halt::Unreadable(unreadable)) => Err(unreadable),
    }
}
