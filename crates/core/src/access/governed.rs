//! What of an organisation needs a second person before it changes, and who gains by it.
//!
//! A link is among it: what forges tell says who wrote a commit, and a system of tickets may say yes in the name of others.
//! Whoever points one at a host of their own has all of that, and what the link shows to prove who we are.

use std::collections::BTreeSet;

use crate::ids::{IdentityKey, PersonId};
use crate::organisation::{
    GroupMapping, Item, ItemKind, Link, Organisation, PROVISIONED, PlanStep, Service,
};
use crate::scope::Target;
use crate::standing::Standing;

/// What a plan touches that decides about changes: policy, rules, windows, roles, settings.
pub fn sensitive(standing: &Standing, steps: &[PlanStep]) -> BTreeSet<String> {
    let touched = steps.iter().filter_map(|step| match step {
        PlanStep::Declare { item, .. } => of_item(standing, item),
        PlanStep::Withdraw(withdrawal) if withdrawal.kind == ItemKind::Service => {
            let gone = standing.organisation.services.get(withdrawal.name.as_str());
            // Whoever withdraws it could declare it anew, as somebody else's.
            gone.is_some_and(|gone| gone.controlled).then_some("services")
        }
        PlanStep::Withdraw(withdrawal) => of_kind(withdrawal.kind),
    });
    touched.map(str::to_owned).collect()
}

fn of_item(standing: &Standing, item: &Item) -> Option<&'static str> {
    let organisation = &standing.organisation;
    match item {
        Item::Person(new) => {
            let old = organisation.people.get(&new.id);
            // Whoever claims what a provider keeps has the groups of that record.
            let claims = new.identities.iter().any(|one| organisation.provision.knows(one));
            let same = old.is_some_and(|old| {
                (&old.roles, &old.claims, &old.delegates, &old.identities)
                    == (&new.roles, &new.claims, &new.delegates, &new.identities)
            });
            // Whoever knows an identity of somebody to be another person makes two of one.
            let plain = old.is_none()
                && !claims
                && new.identities.is_empty()
                && new.roles.is_empty()
                && new.claims.is_empty()
                && new.delegates.is_empty();
            (!same && !plain).then_some("people")
        }
        Item::Team(new) => {
            let old = organisation.teams.get(&new.name);
            let same = old.is_some_and(|old| old.members == new.members);
            (!same && !new.members.is_empty()).then_some("teams")
        }
        Item::Service(new) => {
            let old = organisation.services.get(&new.name);
            // Who owns it decides who approves, and what is not controlled needs no approval at all.
            let moved = old.is_some_and(|old| old.owner != new.owner);
            let freed = !new.controlled && old.is_none_or(|old| old.controlled);
            let loosened = old.is_some_and(|old| old.controlled && is_loosened(standing, old, new));
            (moved || freed || loosened).then_some("services")
        }
        Item::Link(new) => is_believed_anew(organisation, new).then_some("links"),
        item => of_kind(item.kind()),
    }
}

/// Whether a service would be weighed otherwise, or a rule or a window would speak of it no more.
fn is_loosened(standing: &Standing, old: &Service, new: &Service) -> bool {
    if (&old.tier, &old.class) != (&new.tier, &new.class) {
        return true;
    }
    if old.labels == new.labels {
        return false;
    }
    let organisation = &standing.organisation;
    organisation.environments.keys().any(|environment| {
        let before = organisation.target(&old.name, environment);
        let after = Target { labels: new.labels.clone(), ..before.clone() };
        let approval = organisation.approval_rules.values().map(|rule| &rule.scope);
        let evidence = organisation.evidence_rules.values().map(|rule| &rule.scope);
        let windows = standing.windows().map(|window| &window.scope);
        let mut scopes = approval.chain(evidence).chain(windows);
        scopes.any(|scope| scope.covers(&before) != scope.covers(&after))
    })
}

fn of_kind(kind: ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::Settings => Some("settings"),
        ItemKind::Environment => Some("environments"),
        ItemKind::Window => Some("windows"),
        ItemKind::ApprovalRule => Some("approval rules"),
        ItemKind::EvidenceRule => Some("evidence rules"),
        ItemKind::ChangeModel => Some("change models"),
        ItemKind::PolicyFile => Some("policy"),
        ItemKind::TrustRule => Some("trust rules"),
        ItemKind::GroupMapping => Some("group mappings"),
        // Taking people away lessens who may decide; rules that can be met by nobody then wait, and let nothing through.
        // Of whom nothing is heard any more nothing is believed.
        ItemKind::Team | ItemKind::Person | ItemKind::Service | ItemKind::Link => None,
    }
}

/// Whether a link is believed in another way than before: it is new, or goes elsewhere, proves itself or us otherwise, has
/// other settings, or is read back for the first time. What it is told of is its own affair.
fn is_believed_anew(organisation: &Organisation, new: &Link) -> bool {
    let same = organisation.links.get(new.name.as_str()).is_some_and(|old| {
        (&old.connector, &old.secrets, &old.credentials, &old.settings)
            == (&new.connector, &new.secrets, &new.credentials, &new.settings)
            && (old.tell.is_some() || new.tell.is_none())
    });
    !same
}

/// Whether a plan lends the voices of approvers to whoever runs a neighbour: a link by which others say who may. Nobody
/// does that alone, since it may be a neighbour of their own.
pub fn lends_voices(organisation: &Organisation, steps: &[PlanStep]) -> bool {
    steps.iter().any(|step| match step {
        PlanStep::Declare { item: Item::Link(new), .. } => {
            new.says_who_may() && is_believed_anew(organisation, new)
        }
        PlanStep::Declare { .. } | PlanStep::Withdraw(_) => false,
    })
}

/// Whether a person gains power by a plan: a role, a claim, an identity fewer, a team, a rule or a colleague's voice.
pub fn benefits(organisation: &Organisation, steps: &[PlanStep], person: &PersonId) -> bool {
    let declared = steps.iter().filter_map(|step| match step {
        PlanStep::Declare { item, .. } => Some(item),
        PlanStep::Withdraw(_) => None,
    });
    declared.into_iter().any(|item| match item {
        Item::Person(new) if new.id == *person => {
            let old = organisation.people.get(person);
            let roles =
                new.roles.iter().any(|role| old.is_none_or(|old| !old.roles.contains(role)));
            let claims =
                old.map_or(!new.claims.is_empty(), |old| !new.claims.is_subset(&old.claims));
            // Whoever sheds an identity sheds what it had a hand in.
            let shed = old.is_some_and(|old| !old.identities.is_subset(&new.identities));
            let known = |one: &&IdentityKey| organisation.provision.knows(one);
            let gained = new
                .identities
                .iter()
                .filter(known)
                .any(|one| old.is_none_or(|old| !old.identities.contains(one)));
            roles || claims || shed || gained
        }
        Item::Person(new) => {
            let old = organisation.people.get(&new.id);
            new.delegates.contains(person) && old.is_none_or(|old| !old.delegates.contains(person))
        }
        Item::Team(new) => {
            let old = organisation.teams.get(&new.name);
            new.members.contains(person) && old.is_none_or(|old| !old.members.contains(person))
        }
        Item::ApprovalRule(new) => {
            let old = organisation.approval_rules.get(&new.name);
            new.approvers.persons.contains(person)
                && old.is_none_or(|old| !old.approvers.persons.contains(person))
        }
        Item::GroupMapping(new) => {
            let old = organisation.mappings.get(&new.name);
            let same = old.is_some_and(|old| old.as_ref() == new);
            !same && is_member(organisation, new, person)
        }
        _ => false,
    })
}

/// Whether a person is in the provisioned group of a mapping. What logins say of groups stands in sessions only.
fn is_member(organisation: &Organisation, mapping: &GroupMapping, person: &PersonId) -> bool {
    mapping.provider == PROVISIONED
        && organisation.provision.groups_of_person(person).contains(mapping.group.as_str())
}
