//! What Backstage files leave open, settled once everything is declared.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::ids::{PersonId, ServiceName, TeamName};
use sluice_core::organisation::{Item, ItemKind, Team};

use crate::findings::{EntityKind, Findings};
use crate::keys::Keys;

/// Declares the teams that nothing else declares, and puts people into the teams that they name.
pub(super) fn implied_teams(findings: &mut Findings, keys: &dyn Keys) {
    for (name, implied) in std::mem::take(&mut findings.implied_teams) {
        let key = (ItemKind::Team, name.to_string());
        if findings.names.contains_key(&key) {
            continue;
        }
        let person = implied.person.filter(|handle| {
            findings.names.contains_key(&(ItemKind::Person, handle.to_lowercase()))
        });
        let members: BTreeSet<PersonId> = person.iter().map(|handle| keys.person(handle)).collect();
        if members.is_empty() {
            let message =
                format!("no file declares the team `{name}`: it is taken as an empty one");
            let help = format!("declare it: `teams: [{{name: {name}, members: [...]}}]`");
            findings.warn(implied.at.clone(), "implied_team", message, help);
        }
        findings.names.insert(key.clone(), implied.at.clone());
        findings.sources.insert(key, implied.at);
        findings.items.push(Item::Team(Team { name, title: String::new(), members }));
    }
    let mut joining: BTreeMap<TeamName, BTreeSet<PersonId>> = BTreeMap::new();
    for membership in std::mem::take(&mut findings.memberships) {
        joining.entry(membership.team).or_default().insert(membership.person);
    }
    for item in &mut findings.items {
        if let Item::Team(team) = item
            && let Some(people) = joining.remove(&team.name)
        {
            team.members.extend(people);
        }
    }
}

/// Keeps the dependencies of Backstage entities that are declared.
pub(super) fn dependencies(findings: &mut Findings) {
    let mut needs: BTreeMap<String, BTreeSet<ServiceName>> = BTreeMap::new();
    for soft in std::mem::take(&mut findings.soft_dependencies) {
        let name = soft.needs.as_str();
        let other_kind = findings.entities.get(name).is_some_and(|kind| *kind != soft.kind);
        if !other_kind && findings.names.contains_key(&(ItemKind::Service, name.to_owned())) {
            let part = (ItemKind::Service, soft.service.clone(), soft.needs.to_string());
            findings.parts.insert(part, soft.at);
            needs.entry(soft.service).or_default().insert(soft.needs);
        } else if soft.kind == EntityKind::Component {
            let message = format!(
                "`{}` depends on `{}`, which no file declares: it is left out",
                soft.service, soft.needs
            );
            let help = "declare the service, or remove the dependency".to_owned();
            findings.warn(soft.at, "dangling_reference", message, help);
        }
    }
    for item in &mut findings.items {
        if let Item::Service(service) = item
            && let Some(names) = needs.remove(service.name.as_str())
        {
            service.depends_on.extend(names);
        }
    }
}
