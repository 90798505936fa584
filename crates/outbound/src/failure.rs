//! What may come instead of an answer.

use std::fmt;

/// Why there is no answer. The set is closed: these are labels of metrics too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The time was over.
    #[error("no answer in time")]
    Timeout {
        /// Whether the request may have arrived.
        sent: bool,
    },
    /// No connection, or it broke.
    #[error("the host cannot be reached")]
    Unreachable {
        /// Whether the request may have arrived.
        sent: bool,
    },
    /// The request was not sent, because it must not be.
    #[error("the request was not sent: {0}")]
    Blocked(Why),
    /// The answer is larger than it may be, after unpacking.
    #[error("the answer is larger than allowed")]
    TooLarge,
    /// No trusted, encrypted connection. Nothing was sent.
    #[error("no trusted connection (TLS) could be made")]
    Tls,
    /// What came is not HTTP, or is packed in a way that is not understood.
    #[error("the answer cannot be read")]
    BadResponse,
}

impl Failure {
    /// A name that stays the same.
    pub fn code(self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::Blocked(_) => "blocked",
            Self::TooLarge => "too_large",
            Self::Tls => "tls",
            Self::BadResponse => "bad_response",
        }
    }

    /// Whether the other side may have seen the request, and done what it asks for.
    pub fn may_have_arrived(self) -> bool {
        match self {
            Self::Timeout { sent } | Self::Unreachable { sent } => sent,
            Self::Blocked(_) | Self::Tls => false,
            Self::TooLarge | Self::BadResponse => true,
        }
    }
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The address does not read as an absolute one, or is longer than 4 KiB.
    Malformed,
    /// A scheme other than `https`, or `http` for a host that is not listed for it.
    Scheme,
    /// A name or password in the address.
    UserInfo,
    /// A host that can be read in more than one way.
    OddHost,
    /// A port that is not listed.
    Port,
    /// A host that is not on the link's list.
    Host,
    /// The name has no address.
    NoAddress,
    /// An address inside of a network that the link did not open.
    PrivateAddress,
    /// An address of a special purpose, which nothing opens.
    SpecialAddress,
    /// An address at which a cloud serves credentials.
    Metadata,
    /// More redirects than asked for, or one that cannot be followed.
    Redirect,
    /// A header that this client sets itself, or that has no valid form.
    Header,
    /// A body larger than 16 MiB.
    Body,
}

impl Why {
    /// A name that stays the same.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Scheme => "scheme",
            Self::UserInfo => "user_info",
            Self::OddHost => "odd_host",
            Self::Port => "port",
            Self::Host => "host",
            Self::NoAddress => "no_address",
            Self::PrivateAddress => "private_address",
            Self::SpecialAddress => "special_address",
            Self::Metadata => "metadata",
            Self::Redirect => "redirect",
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the address is not an absolute URL",
            Self::Scheme => "only `https` is sent, unless the link lists the host for `http`",
            Self::UserInfo => "an address must not hold a name or password",
            Self::OddHost => "the host can be read in more than one way",
            Self::Port => "the port is not 443 or 8443, and the link does not list it",
            Self::Host => "the host is not on the link's list",
            Self::NoAddress => "the host's name has no address",
            Self::PrivateAddress => "the host is in a network that the link does not open",
            Self::SpecialAddress => "the host has an address of a special purpose",
            Self::Metadata => "the address serves a cloud's credentials",
            Self::Redirect => "the answer leads elsewhere",
            Self::Header => "a header is set that must not be",
            Self::Body => "the body is larger than 16 MiB",
        })
    }
}
