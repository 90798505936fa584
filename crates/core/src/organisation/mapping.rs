//! Which group of which provider of identities gives which roles: said here and nowhere else.

use serde::{Deserialize, Serialize};

use super::RoleGrant;
use crate::ids::RuleName;

/// The provider's name for groups that are provisioned (SCIM), and not said at a login.
pub const PROVISIONED: &str = "scim";

/// Roles that the members of a group have: for the length of a session where a login says the group, for as long as
/// they are in it where it is provisioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMapping {
    /// Its name.
    pub name: RuleName,
    /// Name of the provider that people come in by, or [`PROVISIONED`].
    pub provider: String,
    /// The group, exactly as the provider writes it.
    pub group: String,
    /// The roles, and where they hold.
    pub roles: Vec<RoleGrant>,
}
