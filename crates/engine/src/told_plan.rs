//! A plan in words: what each step does, to whom or what, with what stood before and what is to stand.
//!
//! Items hold opaque numbers in place of people and addresses. Whoever is to say yes must see whom they speak of, so the
//! numbers become names again here: from the files of the plan where they are at hand, else from the tables beside the
//! ledger. Nothing of it is recorded, and the digest of a plan is over its steps alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sluice_core::ids::{IdentityKey, PersonId};
use sluice_core::organisation::{Item, ItemKind, PlanStep, RoleGrant, Withdrawal};
use sluice_core::permission::Permission;
use sluice_organisation::PersonRecord;

use crate::caller::Caller;
use crate::engine::Engine;

/// What a step of a plan does, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldStep {
    /// `declare`, `alter`, `withdraw`, or `rename` where a person only gets another name, of which the ledger knows nothing.
    pub does: &'static str,
    /// What kind of item.
    pub kind: ItemKind,
    /// Its name; of a person the name that people know.
    pub name: String,
    /// What differs, by member; nothing of what is withdrawn.
    pub differences: Vec<ToldDifference>,
}

/// One member of an item that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldDifference {
    /// Which, such as `roles` or `approvers.teams`.
    pub what: String,
    /// What stood and is gone.
    pub removed: Vec<String>,
    /// What is new.
    pub added: Vec<String>,
}

/// The members of an item, each with its values in words.
type Members = BTreeMap<String, Vec<String>>;

impl Engine {
    /// The steps in words. `given` are the people of the files, where they are at hand. Blocking.
    pub(crate) fn in_words(
        &self,
        caller: &Caller,
        steps: &[PlanStep],
        given: &[PersonRecord],
    ) -> Vec<ToldStep> {
        let organisation = &self.standing().organisation;
        let names = Names::new(self, caller, given);
        let mut told: Vec<ToldStep> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for step in steps {
            told.push(match step {
                PlanStep::Declare { item, replaces } => {
                    let old = organisation.item(item.kind(), item.name()).filter(|_| *replaces);
                    let mut differences =
                        differences(&names.members(old.as_ref()), &names.members(Some(item)));
                    if let Item::Person(person) = item {
                        seen.insert(person.id.as_str());
                        differences.extend(self.renamed(&names, &person.id));
                    }
                    let does = if *replaces { "alter" } else { "declare" };
                    ToldStep { does, kind: item.kind(), name: names.of(item.name()), differences }
                }
                PlanStep::Withdraw(Withdrawal { kind, name }) => ToldStep {
                    does: "withdraw",
                    kind: *kind,
                    name: names.of(name),
                    differences: Vec::new(),
                },
            });
        }
        told.extend(given.iter().filter(|it| !seen.contains(it.id.as_str())).filter_map(
            |person| {
                let renamed = self.renamed(&names, &person.id)?;
                let name = person.handle.clone();
                Some(ToldStep {
                    does: "rename",
                    kind: ItemKind::Person,
                    name,
                    differences: vec![renamed],
                })
            },
        ));
        told
    }

    /// Whether the files call somebody otherwise than the table beside the ledger does. Blocking.
    pub(crate) fn renames(&self, given: &[PersonRecord]) -> bool {
        given.iter().any(|person| {
            self.person_card(&person.id)
                .is_some_and(|card| (&card.handle, &card.name) != (&person.handle, &person.name))
        })
    }

    fn renamed(&self, names: &Names<'_>, person: &PersonId) -> Option<ToldDifference> {
        let given = names.people.get(person.as_str())?;
        let card = self.person_card(person)?;
        let was = full(&card.name, &card.handle);
        (was != *given).then(|| ToldDifference {
            what: "name".to_owned(),
            removed: vec![was],
            added: vec![given.clone()],
        })
    }
}

/// What stands for numbers of people and addresses.
struct Names<'a> {
    engine: &'a Engine,
    people: BTreeMap<&'a str, String>,
    addresses: BTreeMap<&'a str, &'a str>,
    /// Whether addresses that are not in the files may be shown: to whoever may apply or confirm a plan.
    may_see_addresses: bool,
}

impl<'a> Names<'a> {
    fn new(engine: &'a Engine, caller: &Caller, given: &'a [PersonRecord]) -> Self {
        let people = given.iter().map(|it| (it.id.as_str(), full(&it.name, &it.handle)));
        let addresses = given.iter().flat_map(|person| &person.identities);
        let may = [Permission::OrganisationApply, Permission::PolicyActivate];
        Self {
            engine,
            people: people.collect(),
            addresses: addresses.map(|it| (it.key.as_str(), it.value.as_str())).collect(),
            may_see_addresses: may.into_iter().any(|permission| caller.everywhere(permission)),
        }
    }

    /// A text as people read it: itself, where it is no number of a person or an address.
    fn of(&self, text: &str) -> String {
        if let Ok(person) = PersonId::parse(text) {
            let known = self.people.get(text).cloned();
            let card = || self.engine.person_card(&person);
            return known
                .or_else(|| card().map(|card| full(&card.name, &card.handle)))
                .unwrap_or_else(|| format!("somebody whose name is not known yet ({text})"));
        }
        if IdentityKey::parse(text).is_ok() {
            return self.address(text);
        }
        text.to_owned()
    }

    fn address(&self, key: &str) -> String {
        if let Some(known) = self.addresses.get(key) {
            return (*known).to_owned();
        }
        match self.engine.readers().identity(key).ok().flatten() {
            Some(row) if self.may_see_addresses => row.value,
            Some(row) => format!("an identity of the kind {} ({key})", row.kind),
            None => format!("an identity that is not known yet ({key})"),
        }
    }

    fn members(&self, item: Option<&Item>) -> Members {
        let mut members = Members::new();
        let Some(item) = item else { return members };
        let value = serde_json::to_value(item).unwrap_or_default();
        let own = match item {
            Item::Person(person) => self.engine.self_identity(&person.id).to_string(),
            _ => String::new(),
        };
        for (name, value) in value.get("spec").and_then(Value::as_object).into_iter().flatten() {
            // What an item is called stands before its differences.
            if !matches!(name.as_str(), "id" | "path") && (name != "name" || item.name() != value) {
                self.gather(name, value, &own, &mut members);
            }
        }
        members
    }

    fn gather(&self, name: &str, value: &Value, own: &str, members: &mut Members) {
        match value {
            Value::Object(inner) => {
                for (member, value) in inner {
                    self.gather(&format!("{name}.{member}"), value, own, members);
                }
            }
            Value::Array(values) => {
                let values = values.iter().filter(|value| value.as_str() != Some(own));
                members.insert(name.to_owned(), values.map(|it| self.words(it)).collect());
            }
            single => drop(members.insert(name.to_owned(), vec![self.words(single)])),
        }
    }

    fn words(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.of(text),
            Value::Array(values) => {
                values.iter().map(|it| self.words(it)).collect::<Vec<_>>().join(", ")
            }
            Value::Object(members) => {
                if let Ok(RoleGrant { role, scope }) = serde_json::from_value(value.clone()) {
                    return format!("{role} for {scope}");
                }
                let members = members.iter().map(|(name, it)| format!("{name} {}", self.words(it)));
                members.collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }
}

fn full(name: &str, handle: &str) -> String {
    if name.is_empty() { handle.to_owned() } else { format!("{name} ({handle})") }
}

fn differences(old: &Members, new: &Members) -> Vec<ToldDifference> {
    let nothing = Vec::new();
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter_map(|name| {
        let (was, is) = (old.get(name).unwrap_or(&nothing), new.get(name).unwrap_or(&nothing));
        if was == is {
            return None;
        }
        let without = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|it| !those.contains(it)).cloned().collect()
        };
        let (removed, added) = (without(was, is), without(is, was));
        // The same values in another order, or not as often.
        let (removed, added) = if removed.is_empty() && added.is_empty() {
            (vec![was.join(", ")], vec![is.join(", ")])
        } else {
            (removed, added)
        };
        Some(ToldDifference { what: name.clone(), removed, added })
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::{Members, ToldDifference, differences};

    fn members(texts: &[(&str, &[&str])]) -> Members {
        let owned = |it: &[&str]| it.iter().map(|text| (*text).to_owned()).collect();
        texts.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect()
    }

    #[test]
    fn what_differs_is_told_by_member_and_another_order_is_a_difference() {
        let old = members(&[("roles", &["a", "b"]), ("steps", &["1", "2"]), ("tier", &["x"])]);
        let new = members(&[("roles", &["b", "c"]), ("steps", &["2", "1"]), ("tier", &["x"])]);
        let told = |what: &str, removed: &[&str], added: &[&str]| ToldDifference {
            what: what.to_owned(),
            removed: removed.iter().map(|it| (*it).to_owned()).collect(),
            added: added.iter().map(|it| (*it).to_owned()).collect(),
        };
        let wanted = [told("roles", &["a"], &["c"]), told("steps", &["1, 2"], &["2, 1"])];
        assert_eq!(differences(&old, &new), wanted);
    }
}
