//! The roles that somebody has, wherever they come from.

use sluice_core::access::event::LoginGroups;
use sluice_core::ids::PersonId;
use sluice_core::organisation::{GroupMapping, RoleGrant};

use super::visit::Visit;
use super::{Markup, escape, w};

/// One role of a person.
pub(crate) struct RoleHeld {
    pub(crate) name: String,
    /// Where it holds.
    pub(crate) scope: String,
    /// Where it comes from, and until when it holds.
    pub(crate) from: Markup,
}

/// All roles of a person: declared, granted by two people, and given to a group that is provisioned, or that a login
/// of theirs said.
pub(crate) fn roles_of(
    visit: &Visit,
    person: &PersonId,
    groups: Option<&LoginGroups>,
) -> Vec<RoleHeld> {
    let organisation = &visit.standing.organisation;
    let plain = |text: &str| askama::filters::Safe(escape::escaped(text));
    let declared = organisation.acting(person).into_iter().flat_map(|person| &person.roles);
    let mut roles: Vec<RoleHeld> =
        declared.map(|grant| held(grant, plain(w::t("roles.declared")))).collect();
    roles.extend(visit.standing.access.granted(person).map(|(_, role)| {
        let by = escape::escaped(w::t("roles.granted_by_two"));
        let until = role.proposed.until.map(|until| visit.when(until));
        let from = match until {
            Some(until) => format!("{by} {} {until}", escape::escaped(w::t("roles.until"))),
            None => by,
        };
        RoleHeld {
            name: role.proposed.role.replace('_', " "),
            scope: role.proposed.scope.to_string(),
            from: askama::filters::Safe(from),
        }
    }));
    let by_group = |(mapping, grant): (&GroupMapping, &RoleGrant)| {
        held(grant, plain(&w::ff("roles.by_group", &mapping.group, &mapping.provider)))
    };
    roles.extend(organisation.roles_by_group(person).map(by_group));
    if let Some(groups) = groups {
        roles.extend(organisation.mapped(&groups.provider, groups.names()).map(by_group));
    }
    roles
}

fn held(grant: &RoleGrant, from: Markup) -> RoleHeld {
    RoleHeld { name: grant.role.replace('_', " "), scope: grant.scope.to_string(), from }
}
