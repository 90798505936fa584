//! Why a policy gave no answer. A fault is always a denial at the gate.

use std::fmt;

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultCode {
    /// The wall-clock limit passed.
    Timeout,
    /// The limit of instructions passed.
    Steps,
    /// The memory limit passed.
    Memory,
    /// The policy failed: a refused builtin, a conflict of rules, a panic in the engine.
    Error,
    /// The entrypoint has no value.
    Undefined,
    /// The value does not have the shape of a verdict.
    Type,
    /// Too many evaluations wait, or too many hang.
    Busy,
}

impl FaultCode {
    /// Every kind.
    pub const ALL: [FaultCode; 7] = [
        FaultCode::Timeout,
        FaultCode::Steps,
        FaultCode::Memory,
        FaultCode::Error,
        FaultCode::Undefined,
        FaultCode::Type,
        FaultCode::Busy,
    ];

    /// The stable code, as it stands in decisions.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultCode::Timeout => "policy_timeout",
            FaultCode::Steps => "policy_steps",
            FaultCode::Memory => "policy_memory",
            FaultCode::Error => "policy_error",
            FaultCode::Undefined => "policy_undefined",
            FaultCode::Type => "policy_type",
            FaultCode::Busy => "policy_busy",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A policy gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// What happened, for the person who writes policies.
    pub message: String,
}

impl Fault {
    /// A fault of a kind, with what happened.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into() }
    }

    /// Reads the kind out of an engine's error.
    pub(crate) fn from_engine(error: &anyhow::Error) -> Fault {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.clone();
        }
        let message = crate::problem::plain_message(&format!("{error:#}"));
        // A builtin's fault comes wrapped in the place of the call.
        for code in FaultCode::ALL {
            if let Some((_, rest)) = message.split_once(&format!("{code}: ")) {
                return Fault::new(code, rest);
            }
        }
        let lower = message.to_ascii_lowercase();
        let code = if lower.contains("time limit") {
            FaultCode::Timeout
        } else if lower.contains("instruction limit") {
            FaultCode::Steps
        } else if lower.contains("memory limit") || lower.contains("memory budget") {
            FaultCode::Memory
        } else {
            FaultCode::Error
        };
        Fault::new(code, message)
    }
}
