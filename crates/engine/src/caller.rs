//! Who asks, as the credential says. Never from the body of a request.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sluice_core::ids::{PersonId, TokenId};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_core::standing::Actor;

use crate::error::EngineError;

/// What kind of credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// A machine's.
    Pipeline,
    /// A person's.
    Person,
}

impl CallerKind {
    /// The word for the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Person => "person",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token.
    pub token: TokenId,
    /// What kind of credential it is.
    pub kind: CallerKind,
    /// The person it acts for.
    pub person: Option<PersonId>,
    /// What it may.
    pub permissions: BTreeSet<Permission>,
    /// Where it may.
    pub scope: Scope,
}

impl Caller {
    /// Whether it has a permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    pub(crate) fn require(&self, permission: Permission) -> Result<(), EngineError> {
        if self.may(permission) { Ok(()) } else { Err(EngineError::Forbidden(permission)) }
    }

    /// The person behind it, where only a person may.
    pub(crate) fn require_person(&self) -> Result<PersonId, EngineError> {
        let person = self.person.clone().filter(|_| self.kind == CallerKind::Person);
        person.ok_or_else(|| {
            EngineError::Refused(sluice_core::refusal::Refusal::forbidden(
                "not_a_person",
                "only a person may do this, and the token is a machine's",
                "use a token of kind `person`",
            ))
        })
    }

    pub(crate) fn actor(&self) -> Actor {
        match (&self.kind, &self.person) {
            (CallerKind::Person, Some(person)) => Actor::Person(person.clone()),
            (CallerKind::Person | CallerKind::Pipeline, _) => Actor::Pipeline(self.token.clone()),
        }
    }

    /// Scope of this caller's idempotency keys.
    pub(crate) fn key_scope(&self, what: &str) -> String {
        format!("{what}:{}", self.token)
    }
}
