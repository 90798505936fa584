//! Approval rules that nobody could meet.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::ids::{PersonId, TeamName};
use sluice_core::organisation::{ApprovalRule, Item, ItemKind, Person, RoleGrant, Service, Team};
use sluice_core::scope::Scope;

use crate::findings::Findings;
use crate::sections::approval::OWNER;
use crate::words::quoted;

const HELP: &str = "add people to the teams or roles it asks for, or lower `quorum`";
/// The most services that one message names.
const NAMED_SERVICES: usize = 5;

pub(super) fn check(findings: &mut Findings) {
    let folk = Folk::of(&findings.items);
    let mut complaints = Vec::new();
    for item in &findings.items {
        if let Item::ApprovalRule(rule) = item {
            complaints.extend(folk.judge(rule).map(|complaint| (rule.name.to_string(), complaint)));
        }
    }
    for (name, complaint) in complaints {
        let Complaint { hopeless, code, message } = complaint;
        let part = if code == "quorum_unreachable" { "quorum" } else { "approvers" };
        let place = findings.place_of(ItemKind::ApprovalRule, &name, part);
        if hopeless {
            findings.error(place, code, message, HELP.to_owned());
        } else {
            findings.warn(place, code, message, HELP.to_owned());
        }
    }
}

/// Who is there to approve.
struct Folk<'a> {
    people: Vec<&'a Person>,
    teams: BTreeMap<&'a TeamName, &'a Team>,
    /// Services by the team that owns them.
    services: BTreeMap<&'a TeamName, Vec<&'a Service>>,
    declared: BTreeSet<&'a PersonId>,
    /// Roles that groups give. Who is in them is not said here.
    by_group: Vec<&'a RoleGrant>,
}

struct Complaint {
    /// Whether nothing that the rule speaks of could ever be approved.
    hopeless: bool,
    code: &'static str,
    message: String,
}

impl<'a> Folk<'a> {
    fn of(items: &'a [Item]) -> Self {
        let mut folk = Self {
            people: Vec::new(),
            teams: BTreeMap::new(),
            services: BTreeMap::new(),
            declared: BTreeSet::new(),
            by_group: Vec::new(),
        };
        for item in items {
            match item {
                Item::Person(person) => {
                    folk.declared.insert(&person.id);
                    folk.people.push(person);
                }
                Item::Team(team) => {
                    folk.teams.insert(&team.name, team);
                }
                Item::GroupMapping(mapping) => folk.by_group.extend(&mapping.roles),
                Item::Service(service) => {
                    folk.services.entry(&service.owner).or_default().push(service);
                }
                _ => {}
            }
        }
        folk
    }

    fn judge(&self, rule: &ApprovalRule) -> Option<Complaint> {
        let quorum = usize::try_from(rule.quorum).unwrap_or(usize::MAX);
        let fixed = self.fixed(rule);
        let by_group = self.by_group.iter().any(|grant| {
            rule.approvers.roles.contains(&grant.role) && may_overlap(&grant.scope, &rule.scope)
        });
        if fixed.len() >= quorum || by_group {
            return None;
        }
        if !rule.approvers.teams.contains(OWNER) {
            return Some(shortage(rule, fixed.len()));
        }
        let mut most = None;
        let mut short: BTreeSet<&str> = BTreeSet::new();
        for (owner, services) in &self.services {
            if !services.iter().any(|service| may_cover(&rule.scope, service)) {
                continue;
            }
            let members = self.teams.get(owner).map(|team| &team.members);
            let declared = members.into_iter().flatten().filter(|it| self.declared.contains(it));
            let able = fixed.iter().copied().chain(declared).collect::<BTreeSet<_>>().len();
            most = most.max(Some(able));
            if able < quorum {
                short.insert(owner.as_str());
            }
        }
        match most {
            Some(most) if most < quorum => Some(shortage(rule, most)),
            _ if short.is_empty() => None,
            _ => {
                let named = quoted(short.iter().copied().take(NAMED_SERVICES));
                let more = match short.len().saturating_sub(NAMED_SERVICES) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let message = format!(
                    "`{}` needs {quorum}, which services owned by {named}{more} do not have",
                    rule.name
                );
                Some(Complaint { hopeless: false, code: "quorum_unreachable", message })
            }
        }
    }

    /// Those who may approve whatever the service.
    fn fixed(&self, rule: &ApprovalRule) -> BTreeSet<&'a PersonId> {
        let approvers = &rule.approvers;
        let mut able: BTreeSet<&PersonId> =
            self.declared.iter().copied().filter(|id| approvers.persons.contains(*id)).collect();
        for (name, team) in &self.teams {
            if approvers.teams.contains(name.as_str()) {
                able.extend(team.members.iter().filter(|id| self.declared.contains(id)));
            }
        }
        for person in &self.people {
            let by_role = person.roles.iter().any(|grant| {
                approvers.roles.contains(&grant.role) && may_overlap(&grant.scope, &rule.scope)
            });
            if by_role || person.claims.iter().any(|claim| approvers.claims.contains(claim)) {
                able.insert(&person.id);
            }
        }
        able
    }
}

fn shortage(rule: &ApprovalRule, able: usize) -> Complaint {
    let name = &rule.name;
    match able {
        0 => Complaint {
            hopeless: true,
            code: "nobody_can_approve",
            message: format!("nobody can approve what `{name}` asks for"),
        },
        able => Complaint {
            hopeless: true,
            code: "quorum_unreachable",
            message: format!("`{name}` needs {} people, but only {able} may approve", rule.quorum),
        },
    }
}

/// Whether a scope may cover a deployment of a service, in some environment.
fn may_cover(scope: &Scope, service: &Service) -> bool {
    let admits = |set: &BTreeSet<String>, word: &str| set.is_empty() || set.contains(word);
    admits(&scope.services, service.name.as_str())
        && admits(&scope.teams, service.owner.as_str())
        && admits(&scope.service_tiers, &service.tier)
        && scope.labels.iter().all(|(key, value)| service.labels.get(key) == Some(value))
}

/// Whether two scopes may cover a deployment in common.
fn may_overlap(one: &Scope, other: &Scope) -> bool {
    let meets = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        a.is_empty() || b.is_empty() || !a.is_disjoint(b)
    };
    let labels_agree =
        one.labels.iter().all(|(key, value)| other.labels.get(key).is_none_or(|it| it == value));
    meets(&one.services, &other.services)
        && meets(&one.teams, &other.teams)
        && meets(&one.service_tiers, &other.service_tiers)
        && meets(&one.environments, &other.environments)
        && meets(&one.environment_tiers, &other.environment_tiers)
        && labels_agree
}
