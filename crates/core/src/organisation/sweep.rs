//! Plans that leave nobody and nothing of what was there: mostly a wrong folder, or half of the right one.

use std::collections::BTreeSet;

use super::{ItemKind, Organisation, PlanStep};

/// Kinds that an organisation cannot do without: who may say yes, and what the gate knows.
const WHOLE: [(ItemKind, &str); 2] =
    [(ItemKind::Person, "all people"), (ItemKind::Service, "all services")];

impl Organisation {
    /// What a plan sweeps out whole, in words: everything, or everything of a kind that an organisation cannot do without.
    /// The only one of its kind that gives way to another is no sweep: that is how it gets another name.
    pub fn swept_out_by(&self, steps: &[PlanStep]) -> Vec<&'static str> {
        let mut gone: BTreeSet<(ItemKind, &str)> = BTreeSet::new();
        let mut comes: BTreeSet<ItemKind> = BTreeSet::new();
        for step in steps {
            match step {
                PlanStep::Withdraw(step) => drop(gone.insert((step.kind, step.name.as_str()))),
                PlanStep::Declare { item, .. } => drop(comes.insert(item.kind())),
            }
        }
        let names = self.names();
        let all_gone = |kind: Option<ItemKind>| {
            let mut of_kind = names.iter().filter(|(of, _)| kind.is_none_or(|kind| *of == kind));
            of_kind.all(|(kind, name)| gone.contains(&(*kind, name.as_str())))
        };
        let swept = |kind: ItemKind| match names.iter().filter(|(of, _)| *of == kind).count() {
            0 => false,
            1 => all_gone(Some(kind)) && !comes.contains(&kind),
            _ => all_gone(Some(kind)),
        };
        if !names.is_empty() && comes.is_empty() && all_gone(None) {
            return vec!["everything"];
        }
        WHOLE.into_iter().filter(|(kind, _)| swept(*kind)).map(|(_, words)| words).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::organisation::Item;
    use crate::organisation::event::ItemDeclared;

    #[test]
    fn what_is_swept_out_whole_is_told_and_another_name_for_the_only_one_is_not() {
        let (both, one) = (["alpha", "beta"], ["alpha"]);
        check(&both, &[], &["everything"]);
        check(&both, &["team"], &["all services"]);
        check(&both, &["gamma", "delta"], &["all services"]);
        check(&both, &["alpha"], &[]);
        check(&both, &["alpha", "gamma"], &[]);
        check(&one, &["gamma"], &[]);
        check(&one, &["team"], &["all services"]);
        check(&[], &["alpha"], &[]);
        check(&[], &[], &[]);
    }

    fn check(stand: &[&str], wanted: &[&str], swept: &[&str]) {
        let mut organisation = Organisation::default();
        for item in stand.iter().map(|name| item(name)) {
            organisation.declare(&ItemDeclared { item });
        }
        let wanted: Vec<Item> = wanted.iter().map(|name| item(name)).collect();
        let plan = organisation.plan(&wanted);
        assert_eq!(organisation.swept_out_by(&plan), swept, "{stand:?} becomes {wanted:?}");
    }

    fn item(name: &str) -> Item {
        let made = match name {
            "team" => serde_json::from_value(json!({"name": "web"})).map(Item::Team),
            _ => serde_json::from_value(json!({"name": name, "owner": "web"}))
                .map(|service| Item::Service(Box::new(service))),
        };
        made.expect("an item")
    }
}
