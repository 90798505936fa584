//! Why a token is not accepted.

/// What is wrong with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is not there, or null.
    Missing,
    /// It has another type than it must have.
    WrongType,
    /// It is negative, or beyond what a time or a text can be.
    OutOfRange,
}

/// Why a token is not accepted. The checks run in this order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES).
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url, or a part is not a JSON object whose members are there once.
    #[error("the token is not a signed JWT")]
    Malformed,
    /// A header that brings keys along or alters how the rest is read.
    #[error("the token's header has `{0}`, which is never accepted")]
    Header(&'static str),
    /// Another `typ` than a plain JWT.
    #[error("the token is of another type")]
    Type,
    /// An algorithm that is not of the issuer's family.
    #[error("the token's algorithm is not the one of its issuer")]
    Algorithm,
    /// No key with this id, or no id where there are several keys.
    #[error("the token's key is not among those of its issuer")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the token's signature does not verify")]
    Signature,
    /// A claim that is not as it must be.
    #[error("the token's claim `{name}` is not as it must be")]
    Claim {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        fault: Fault,
    },
    /// Another issuer.
    #[error("the token has another issuer")]
    Issuer,
    /// For somebody else, or for somebody else too.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come, or it was issued in the future.
    #[error("the token is not good yet")]
    NotYet,
    /// It was issued longer ago than is accepted, whatever its expiry.
    #[error("the token was issued too long ago")]
    TooOld,
}

impl Reject {
    /// A name that stays the same.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Header(_) => "header",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim { .. } => "claim",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::TooOld => "too_old",
        }
    }
}
