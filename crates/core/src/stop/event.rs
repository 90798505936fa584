//! Events of stops and exceptions, on the streams `stop/<id>` and `exception/<id>`.

use serde::{Deserialize, Serialize};

use super::{Exception, Stop};
use crate::ids::{ExceptionId, StopId};

/// The line was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPulled {
    /// The stop.
    pub stop: Stop,
}

/// A stop was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopLifted {
    /// The stop.
    pub stop: StopId,
    /// Why.
    pub reason: String,
}

/// An exception was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionGranted {
    /// The exception.
    pub exception: Exception,
}

/// An exception was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRevoked {
    /// The exception.
    pub exception: ExceptionId,
    /// Why.
    pub reason: String,
}
