//! Events of windows that people make, on the stream `calendar/<name>`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::event::LoginGroups;
use crate::calendar::Window;
use crate::ids::{Digest, PersonId, ProposalId};

/// What is to become of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// It holds as it is here, new or in place of what it was.
    Set {
        /// The window.
        window: Box<Window>,
    },
    /// It holds no longer.
    End {
        /// Its name.
        name: String,
    },
}

impl Deed {
    /// The name of the window.
    pub fn name(&self) -> &str {
        match self {
            Self::Set { window } => &window.name,
            Self::End { name } => name,
        }
    }
}

/// Somebody wants to make, alter or end a window. It does nothing until a second person agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowProposed {
    /// The proposal.
    pub proposal: ProposalId,
    /// What is to be done.
    pub deed: Deed,
    /// Digest of the window as it stood when this was proposed; none for a new one. Over another one it is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Digest>,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub by: PersonId,
    /// The groups that their login said, where one did: they may be what gave the right to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LoginGroups>,
    /// When it can be confirmed at the earliest.
    pub from: Timestamp,
}

/// A window holds, new or in place of what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSet {
    /// The window.
    pub window: Box<Window>,
    /// Why.
    pub reason: String,
    /// Who wanted it.
    pub by: PersonId,
    /// The proposal and the second person who agreed; none where none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Agreed>,
}

/// A window holds no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowEnded {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Who wanted it.
    pub by: PersonId,
    /// The proposal and the second person who agreed; none where none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Agreed>,
}

/// That a second person agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// To what.
    pub proposal: ProposalId,
    /// Who.
    pub by: PersonId,
}

/// A proposal was refused, or taken back by whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRefused {
    /// The proposal.
    pub proposal: ProposalId,
    /// The window it was about.
    pub name: String,
    /// Who.
    pub by: PersonId,
    /// Why.
    pub because: String,
}
