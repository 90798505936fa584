//! The organisation as it stands, and the difference to a new wish.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::event::{ItemDeclared, ItemWithdrawn};
use super::{
    ApprovalRule, ChangeModel, Environment, EvidenceRule, GroupMapping, Item, ItemKind, Link,
    Person, PolicyFile, RoleGrant, Service, Settings, Team, TrustRule,
};
use crate::calendar::Window;
use crate::ids::{
    EnvironmentName, IdentityKey, LinkName, ModelName, PersonId, RuleName, ServiceName, TeamName,
};
use crate::provision::Provision;
use crate::scope::Target;

/// Everything declared, with the look-ups that rules need. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Organisation {
    /// What holds for all of it.
    pub settings: Arc<Settings>,
    /// Environments.
    pub environments: OrdMap<EnvironmentName, Arc<Environment>>,
    /// Teams.
    pub teams: OrdMap<TeamName, Arc<Team>>,
    /// People.
    pub people: OrdMap<PersonId, Arc<Person>>,
    /// Services.
    pub services: OrdMap<ServiceName, Arc<Service>>,
    /// Windows of the calendar.
    pub windows: OrdMap<String, Arc<Window>>,
    /// Approval rules.
    pub approval_rules: OrdMap<RuleName, Arc<ApprovalRule>>,
    /// Evidence rules.
    pub evidence_rules: OrdMap<RuleName, Arc<EvidenceRule>>,
    /// Change models.
    pub models: OrdMap<ModelName, Arc<ChangeModel>>,
    /// Files of the policy.
    pub policy_files: OrdMap<String, Arc<PolicyFile>>,
    /// Links.
    pub links: OrdMap<LinkName, Arc<Link>>,
    /// Roles that two people granted, beyond those declared; see [`crate::access::Access::roles`].
    #[serde(default)]
    pub granted: OrdMap<PersonId, Vec<RoleGrant>>,
    /// Rules that believe pipelines.
    #[serde(default)]
    pub trust_rules: OrdMap<RuleName, Arc<TrustRule>>,
    /// Roles that groups give.
    #[serde(default)]
    pub mappings: OrdMap<RuleName, Arc<GroupMapping>>,
    /// What a provider of identities keeps here, beside what is declared.
    #[serde(default)]
    pub provision: Provision,
    /// Who depends on a service.
    dependents: OrdMap<ServiceName, OrdSet<ServiceName>>,
    /// Which services come from a repository.
    by_repository: OrdMap<String, OrdSet<ServiceName>>,
    /// Whose an identity is.
    by_identity: OrdMap<IdentityKey, PersonId>,
    /// Which environment a foreign name means, in lower case.
    by_alias: OrdMap<String, EnvironmentName>,
    /// Who is declared with a role, wherever it holds.
    #[serde(default)]
    pub(super) by_role: OrdMap<String, OrdSet<PersonId>>,
    /// Who is declared with a claim.
    #[serde(default)]
    pub(super) by_claim: OrdMap<String, OrdSet<PersonId>>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan is short-lived, and mostly of the large ones"
)]
pub enum PlanStep {
    /// Declare an item.
    Declare {
        /// The item.
        item: Item,
        /// Whether it takes the place of an older one.
        replaces: bool,
    },
    /// Withdraw an item.
    Withdraw(Withdrawal),
}

/// An item to be withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Which kind.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
}

impl Organisation {
    /// The steps from what stands to exactly `wanted`, in the order in which they can be made.
    /// Nothing to do is an empty plan.
    pub fn plan(&self, wanted: &[Item]) -> Vec<PlanStep> {
        let mut steps = Vec::new();
        let mut names: BTreeSet<(ItemKind, &str)> = BTreeSet::new();
        let mut ordered: Vec<&Item> = wanted.iter().collect();
        ordered.sort_by(|a, b| (a.kind(), a.name()).cmp(&(b.kind(), b.name())));
        for item in ordered {
            names.insert((item.kind(), item.name()));
            let standing = self.item(item.kind(), item.name());
            if standing.as_ref() != Some(item) {
                steps.push(PlanStep::Declare { item: item.clone(), replaces: standing.is_some() });
            }
        }
        let gone = self
            .names()
            .into_iter()
            .filter(|(kind, name)| !names.contains(&(*kind, name.as_str())))
            .rev();
        steps.extend(gone.map(|(kind, name)| PlanStep::Withdraw(Withdrawal { kind, name })));
        steps
    }

    /// Kinds and names of all items, in order of kind and name. Settings that were never declared are not among them.
    pub fn names(&self) -> Vec<(ItemKind, String)> {
        let mut names = Vec::new();
        if *self.settings != Settings::default() {
            names.push((ItemKind::Settings, "settings".to_owned()));
        }
        names
            .extend(self.environments.keys().map(|name| (ItemKind::Environment, name.to_string())));
        names.extend(self.teams.keys().map(|name| (ItemKind::Team, name.to_string())));
        names.extend(self.people.keys().map(|name| (ItemKind::Person, name.to_string())));
        names.extend(self.services.keys().map(|name| (ItemKind::Service, name.to_string())));
        names.extend(self.windows.keys().map(|name| (ItemKind::Window, name.clone())));
        names.extend(
            self.approval_rules.keys().map(|name| (ItemKind::ApprovalRule, name.to_string())),
        );
        names.extend(
            self.evidence_rules.keys().map(|name| (ItemKind::EvidenceRule, name.to_string())),
        );
        names.extend(self.models.keys().map(|name| (ItemKind::ChangeModel, name.to_string())));
        names.extend(self.policy_files.keys().map(|name| (ItemKind::PolicyFile, name.clone())));
        names.extend(self.links.keys().map(|name| (ItemKind::Link, name.to_string())));
        names.extend(self.trust_rules.keys().map(|name| (ItemKind::TrustRule, name.to_string())));
        names.extend(self.mappings.keys().map(|name| (ItemKind::GroupMapping, name.to_string())));
        names
    }

    /// One declared item.
    pub fn item(&self, kind: ItemKind, name: &str) -> Option<Item> {
        match kind {
            ItemKind::Settings => (name == "settings" && *self.settings != Settings::default())
                .then(|| Item::Settings(self.settings.as_ref().clone())),
            ItemKind::Environment => {
                self.environments.get(name).map(|item| Item::Environment(item.as_ref().clone()))
            }
            ItemKind::Team => self.teams.get(name).map(|item| Item::Team(item.as_ref().clone())),
            ItemKind::Person => {
                self.people.get(name).map(|item| Item::Person(item.as_ref().clone()))
            }
            ItemKind::Service => {
                self.services.get(name).map(|item| Item::Service(Box::new(item.as_ref().clone())))
            }
            ItemKind::Window => {
                self.windows.get(name).map(|item| Item::Window(Box::new(item.as_ref().clone())))
            }
            ItemKind::ApprovalRule => {
                self.approval_rules.get(name).map(|item| Item::ApprovalRule(item.as_ref().clone()))
            }
            ItemKind::EvidenceRule => {
                self.evidence_rules.get(name).map(|item| Item::EvidenceRule(item.as_ref().clone()))
            }
            ItemKind::ChangeModel => {
                self.models.get(name).map(|item| Item::ChangeModel(item.as_ref().clone()))
            }
            ItemKind::PolicyFile => {
                self.policy_files.get(name).map(|item| Item::PolicyFile(item.as_ref().clone()))
            }
            ItemKind::Link => self.links.get(name).map(|item| Item::Link(item.as_ref().clone())),
            ItemKind::TrustRule => {
                self.trust_rules.get(name).map(|item| Item::TrustRule(item.as_ref().clone()))
            }
            ItemKind::GroupMapping => {
                self.mappings.get(name).map(|item| Item::GroupMapping(item.as_ref().clone()))
            }
        }
    }

    /// Takes over a declared item.
    pub fn declare(&mut self, event: &ItemDeclared) {
        self.forget(event.item.kind(), event.item.name());
        match event.item.clone() {
            Item::Settings(item) => self.settings = Arc::new(item),
            Item::Environment(item) => {
                for alias in &item.aliases {
                    self.by_alias.insert(alias.to_lowercase(), item.name.clone());
                }
                self.by_alias.insert(item.name.as_str().to_lowercase(), item.name.clone());
                self.environments.insert(item.name.clone(), Arc::new(item));
            }
            Item::Team(item) => {
                self.teams.insert(item.name.clone(), Arc::new(item));
            }
            Item::Person(item) => {
                for identity in &item.identities {
                    self.by_identity.insert(identity.clone(), item.id.clone());
                }
                for held in &item.roles {
                    self.by_role.entry(held.role.clone()).or_default().insert(item.id.clone());
                }
                for claim in &item.claims {
                    self.by_claim.entry(claim.clone()).or_default().insert(item.id.clone());
                }
                let identities = item.identities.clone();
                self.people.insert(item.id.clone(), Arc::new(item));
                self.rebind(&identities);
            }
            Item::Service(item) => {
                for needed in &item.depends_on {
                    self.dependents.entry(needed.clone()).or_default().insert(item.name.clone());
                }
                for repository in &item.repositories {
                    self.by_repository
                        .entry(repository.clone())
                        .or_default()
                        .insert(item.name.clone());
                }
                self.services.insert(item.name.clone(), Arc::new(*item));
            }
            Item::Window(item) => {
                self.windows.insert(item.name.clone(), Arc::new(*item));
            }
            Item::ApprovalRule(item) => {
                self.approval_rules.insert(item.name.clone(), Arc::new(item));
            }
            Item::EvidenceRule(item) => {
                self.evidence_rules.insert(item.name.clone(), Arc::new(item));
            }
            Item::ChangeModel(item) => {
                self.models.insert(item.name.clone(), Arc::new(item));
            }
            Item::PolicyFile(item) => {
                self.policy_files.insert(item.path.clone(), Arc::new(item));
            }
            Item::Link(item) => {
                self.links.insert(item.name.clone(), Arc::new(item));
            }
            Item::TrustRule(item) => {
                self.trust_rules.insert(item.name.clone(), Arc::new(item));
            }
            Item::GroupMapping(item) => {
                self.mappings.insert(item.name.clone(), Arc::new(item));
            }
        }
    }

    /// Takes over a withdrawal.
    pub fn withdraw(&mut self, event: &ItemWithdrawn) {
        self.forget(event.kind, &event.name);
    }

    fn forget(&mut self, kind: ItemKind, name: &str) {
        match kind {
            ItemKind::Settings => self.settings = Arc::default(),
            ItemKind::Environment => {
                if let Some(item) = self.environments.remove(name) {
                    for alias in item.aliases.iter().map(String::as_str).chain([item.name.as_str()])
                    {
                        let alias = alias.to_lowercase();
                        // It may mean another one by now.
                        if self.by_alias.get(&alias) == Some(&item.name) {
                            self.by_alias.remove(&alias);
                        }
                    }
                }
            }
            ItemKind::Team => drop(self.teams.remove(name)),
            ItemKind::Person => {
                if let Some(item) = self.people.remove(name) {
                    for identity in &item.identities {
                        // It may have moved to somebody else by now.
                        if self.by_identity.get(identity) == Some(&item.id) {
                            self.by_identity.remove(identity);
                        }
                    }
                    for held in &item.roles {
                        unlist(&mut self.by_role, &held.role, &item.id);
                    }
                    for claim in &item.claims {
                        unlist(&mut self.by_claim, claim, &item.id);
                    }
                    self.rebind(&item.identities);
                }
            }
            ItemKind::Service => self.forget_service(name),
            ItemKind::Window => drop(self.windows.remove(name)),
            ItemKind::ApprovalRule => drop(self.approval_rules.remove(name)),
            ItemKind::EvidenceRule => drop(self.evidence_rules.remove(name)),
            ItemKind::ChangeModel => drop(self.models.remove(name)),
            ItemKind::PolicyFile => drop(self.policy_files.remove(name)),
            ItemKind::Link => drop(self.links.remove(name)),
            ItemKind::TrustRule => drop(self.trust_rules.remove(name)),
            ItemKind::GroupMapping => drop(self.mappings.remove(name)),
        }
    }

    fn forget_service(&mut self, name: &str) {
        let Some(item) = self.services.remove(name) else { return };
        for needed in &item.depends_on {
            unlist(&mut self.dependents, needed, &item.name);
        }
        for repository in &item.repositories {
            unlist(&mut self.by_repository, repository, &item.name);
        }
    }

    /// The environment that a foreign name means; letters' case does not matter.
    pub fn environment_named(&self, name: &str) -> Option<&Arc<Environment>> {
        let known = self.by_alias.get(name.to_lowercase().as_str())?;
        self.environments.get(known)
    }

    /// Services whose sources come from `repository` (and, where paths are known, from one of `paths`).
    pub fn services_from(&self, repository: &str) -> Vec<&Arc<Service>> {
        let Some(names) = self.by_repository.get(repository) else { return Vec::new() };
        names.iter().filter_map(|name| self.services.get(name)).collect()
    }

    /// Who is declared with an identity.
    pub fn declared_with(&self, identity: &IdentityKey) -> Option<&PersonId> {
        self.by_identity.get(identity)
    }

    /// Who depends on a service directly.
    pub fn dependents_of(&self, service: &ServiceName) -> impl Iterator<Item = &ServiceName> {
        self.dependents.get(service).into_iter().flatten()
    }

    /// How many services depend on `service`, directly or not, counted up to `limit`.
    pub fn count_dependents(&self, service: &ServiceName, limit: usize) -> usize {
        let mut seen: BTreeSet<&ServiceName> = BTreeSet::new();
        let mut pending = vec![service];
        while let Some(next) = pending.pop() {
            for name in self.dependents_of(next) {
                if seen.len() >= limit {
                    return limit;
                }
                if seen.insert(name) {
                    pending.push(name);
                }
            }
        }
        seen.len()
    }

    /// Service and environment as scopes see them. What is not declared has empty texts.
    pub fn target(&self, service: &ServiceName, environment: &EnvironmentName) -> Target {
        let mut target = Target {
            service: service.to_string(),
            environment: environment.to_string(),
            ..Target::default()
        };
        if let Some(item) = self.services.get(service) {
            target.team = item.owner.to_string();
            target.service_tier = item.tier.clone();
            target.labels = item.labels.clone();
        }
        if let Some(item) = self.environments.get(environment) {
            target.environment_tier = item.tier.as_str().to_owned();
        }
        target
    }
}

/// Takes a service out of a look-up; an empty set leaves it.
fn unlist<K: Ord + Clone, V: Ord + Clone>(map: &mut OrdMap<K, OrdSet<V>>, key: &K, name: &V) {
    let empty = map.get_mut(key).is_some_and(|names| {
        names.remove(name);
        names.is_empty()
    });
    if empty {
        map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::EnvironmentTier;

    fn service(name: &str, needs: &[&str]) -> Item {
        Item::Service(Box::new(
            serde_json::from_value(
                serde_json::json!({"name": name, "owner": "payments", "depends_on": needs,
                "repositories": ["github.com/acme/mono"]}),
            )
            .expect("a service"),
        ))
    }

    fn environment(name: &str) -> Item {
        Item::Environment(Environment {
            name: EnvironmentName::parse(name).expect("a name"),
            tier: EnvironmentTier::Production,
            controlled: true,
            aliases: ["PROD".to_owned()].into(),
            after: None,
            soak_minutes: 0,
        })
    }

    fn apply(organisation: &mut Organisation, wanted: &[Item]) -> usize {
        let plan = organisation.plan(wanted);
        for step in &plan {
            match step {
                PlanStep::Declare { item, .. } => {
                    organisation.declare(&ItemDeclared { item: item.clone() })
                }
                PlanStep::Withdraw(Withdrawal { kind, name }) => {
                    organisation.withdraw(&ItemWithdrawn { kind: *kind, name: name.clone() });
                }
            }
        }
        plan.len()
    }

    #[test]
    fn applying_the_same_wish_twice_changes_nothing() {
        let mut organisation = Organisation::default();
        let wanted = [service("api", &["db"]), service("db", &[]), environment("production")];
        assert_eq!(apply(&mut organisation, &wanted), 3);
        assert_eq!(apply(&mut organisation, &wanted), 0);
        assert_eq!(apply(&mut organisation, &wanted[..2]), 1);
        assert_eq!(organisation.environment_named("prod"), None);
        assert_eq!(apply(&mut organisation, &[]), 2);
        assert_eq!(organisation.names(), []);
    }

    #[test]
    fn look_ups_follow_what_is_declared() {
        let mut organisation = Organisation::default();
        apply(
            &mut organisation,
            &[service("api", &["db"]), service("db", &[]), environment("production")],
        );
        let db = ServiceName::parse("db").expect("a name");
        assert_eq!(organisation.count_dependents(&db, 100), 1);
        assert_eq!(organisation.services_from("github.com/acme/mono").len(), 2);
        assert_eq!(
            organisation.environment_named("Prod").map(|found| found.name.to_string()),
            Some("production".into())
        );
        apply(&mut organisation, &[service("api", &[]), service("db", &[])]);
        assert_eq!(organisation.count_dependents(&db, 100), 0);
    }
}
