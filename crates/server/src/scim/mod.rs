//! SCIM 2.0 (RFC 7643, RFC 7644): the door by which a provider of identities keeps people and groups here.
//!
//! Resources come in as JSON of many habits and are made into one form (`user.rs`, `group.rs`) before the engine sees
//! them. Filters and paths of patches have a parser each, small and without recursion beyond a limit; both judge and
//! alter the one form. Bulk, sorting and passwords are not offered, and `ServiceProviderConfig` says so.

mod discovery;
mod filter;
mod group;
mod groups;
mod list;
mod patch;
mod path;
mod search;
mod user;
mod users;
mod wire;

pub(crate) use discovery::{config, resource_type, resource_types, schema as one_schema, schemas};
pub(crate) use groups::{
    create as create_group, list as list_groups, patch as patch_group, remove as remove_group,
    replace as replace_group, show as show_group,
};
pub(crate) use search::{everything as search, groups as search_groups, users as search_users};
pub(crate) use users::{
    create as create_user, list as list_users, patch as patch_user, remove as remove_user,
    replace as replace_user, show as show_user,
};
pub(crate) use wire::rendered;

/// Reads a filter, as fuzzing does. Says whether it is one.
pub fn reads_filter(text: &str) -> bool {
    filter::Filter::read(text).is_ok()
}

/// Reads a path of a patch, as fuzzing does. Says whether it is one.
pub fn reads_path(text: &str) -> bool {
    path::Path::read(text).is_ok()
}
