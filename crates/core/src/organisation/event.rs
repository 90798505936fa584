//! Events of the organisation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Item, ItemKind};
use crate::ids::{Digest, ModelName};

/// An item was declared, new or in place of an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDeclared {
    /// The item.
    pub item: Item,
}

/// An item is no longer declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemWithdrawn {
    /// Which kind.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
}

/// A folder was applied. It follows the items it declared and withdrew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationApplied {
    /// Items declared.
    pub declared: u64,
    /// Items withdrawn.
    pub withdrawn: u64,
    /// Where the folder came from, as the caller says (a commit, a path).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// A policy bundle took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyActivated {
    /// Digest of the bundle: shipped modules and the organisation's.
    pub bundle: Digest,
    /// Digest of each module by path; texts are kept by digest.
    pub modules: BTreeMap<String, Digest>,
    /// The bundle it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
}

/// A change model has proven itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelEarned {
    /// The model.
    pub model: ModelName,
    /// Why.
    pub because: String,
}

/// A change model has lost the trust it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLost {
    /// The model.
    pub model: ModelName,
    /// Why.
    pub because: String,
}
