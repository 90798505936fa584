//! Sorting failures of a write: those that left nothing behind, and those after which the
//! process must not go on.

use std::fmt::Display;
use std::io;

use rusqlite::{ErrorCode, ffi};

use crate::batch::NotCommitted;
use crate::record::RecordError;

/// Why a transaction did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It can be rolled back, and the process goes on.
    Undone(NotCommitted),
    /// What is on the disk is not known.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error() else { return Self::Broken(error) };
        match code.code {
            ErrorCode::DiskFull => Self::Undone(NotCommitted::Full),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Undone(NotCommitted::Busy),
            ErrorCode::ConstraintViolation => {
                Self::Undone(NotCommitted::Conflict(error.to_string()))
            }
            ErrorCode::TooBig => Self::Undone(NotCommitted::Refused(error.to_string())),
            // The shared index of the log is rebuilt from the log; it has no room to grow.
            ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                Self::Undone(NotCommitted::Full)
            }
            _ => Self::Broken(error),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Conflict(what) => Self::Undone(NotCommitted::Conflict(what)),
            RecordError::Sql(error) => error.into(),
        }
    }
}

/// Whether an I/O error says that there is no space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Ends the process at once: going on could acknowledge what is not there.
pub(crate) fn broken(doing: &str, error: &dyn Display) -> ! {
    tracing::error!(doing, %error, "the ledger cannot be trusted any more: the process ends");
    std::process::abort()
}
