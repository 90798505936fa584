//! Events of provisioning. None holds a name, an address or a secret of a person; groups are named, since roles follow
//! from their names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{IdentityKey, PersonId, ProvisionedId, TokenId};

/// A person was provisioned, or what is kept of them changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSet {
    /// Which record.
    pub user: ProvisionedId,
    /// Who it is, where nobody who is declared claims the user name.
    pub person: PersonId,
    /// Key of the user name.
    pub user_name: IdentityKey,
    /// Key of the provider's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<IdentityKey>,
    /// Keys of mail addresses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub emails: BTreeSet<IdentityKey>,
    /// Whether the person may act.
    pub active: bool,
}

/// A provisioned person is gone over there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRemoved {
    /// Which record.
    pub user: ProvisionedId,
}

/// A group was provisioned, or is named otherwise now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSet {
    /// Which.
    pub group: ProvisionedId,
    /// Its name, as mappings name it.
    pub name: String,
    /// The provider's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// People came to a group, or left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMembersChanged {
    /// Which.
    pub group: ProvisionedId,
    /// Who came.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub added: BTreeSet<ProvisionedId>,
    /// Who left.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removed: BTreeSet<ProvisionedId>,
}

/// A group is gone over there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRemoved {
    /// Which.
    pub group: ProvisionedId,
}

/// A second person agreed that whoever has this token provisions people. Without that it does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenConfirmed {
    /// The token.
    pub token: TokenId,
    /// Who agreed.
    pub by: PersonId,
}
