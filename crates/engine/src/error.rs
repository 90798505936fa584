//! Why the engine does not do what it was asked.

use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_store::ReadError;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A rule says no.
    #[error("{}: {}", .0.code, .0.message)]
    Refused(Refusal),
    /// The credential does not allow it.
    #[error("the token does not have the permission `{0}`")]
    Forbidden(Permission),
    /// It cannot be recorded now, so it is not done.
    #[error("{}: {}", .0.code, .0.message)]
    Unavailable(Unavailable),
    /// What is stored could not be read.
    #[error("reading the store")]
    Read(#[from] ReadError),
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// It cannot be recorded now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// `ledger_unavailable`, `outcome_unknown`, `safe_halt`, `clock_untrusted` or `overloaded`.
    pub code: &'static str,
    /// What is the matter.
    pub message: String,
    /// When it is worth trying again.
    pub retry_after_s: Option<u32>,
}

impl Unavailable {
    pub(crate) fn ledger(message: impl Into<String>) -> EngineError {
        EngineError::Unavailable(Self {
            code: "ledger_unavailable",
            message: message.into(),
            retry_after_s: Some(1),
        })
    }

    pub(crate) fn unknown() -> EngineError {
        EngineError::Unavailable(Self {
            code: "outcome_unknown",
            message: "the answer is written but not yet anchored; ask again with the same key"
                .into(),
            retry_after_s: Some(1),
        })
    }

    pub(crate) fn halted(reason: &str) -> EngineError {
        EngineError::Unavailable(Self {
            code: "safe_halt",
            message: format!("nothing is answered until a person has looked: {reason}"),
            retry_after_s: None,
        })
    }

    pub(crate) fn clock() -> EngineError {
        EngineError::Unavailable(Self {
            code: "clock_untrusted",
            message:
                "the clock has jumped, and is not trusted yet: what began now would be over by it"
                    .into(),
            retry_after_s: Some(60),
        })
    }

    pub(crate) fn overloaded() -> EngineError {
        EngineError::Unavailable(Self {
            code: "overloaded",
            message: "more is asked than can be recorded".into(),
            retry_after_s: Some(1),
        })
    }
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] sluice_store::OpenError),
    /// A key cannot be used.
    #[error("{message}")]
    Keys {
        /// What is wrong, and what to do.
        message: String,
    },
    /// A key is not the one that the ledger was made with.
    #[error("{message}")]
    OtherKeys {
        /// What is wrong, and what to do.
        message: String,
    },
    /// What is stored cannot be folded.
    #[error("the ledger cannot be read back: {message}")]
    Standing {
        /// What is wrong, and what to do.
        message: String,
    },
}

impl OpenError {
    /// The exit code of the process: 3 for a safe halt, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(sluice_store::OpenError::SafeHalt { .. })
            | Self::Standing { .. }
            | Self::OtherKeys { .. } => 3,
            Self::Store(_) | Self::Keys { .. } => 1,
        }
    }
}
