//! Grants need a default: without one, a policy that does not hold says nothing instead of no.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Rule, RuleHead};

use super::{GRANTS, Subject, problem};
use crate::problem::Problem;
use crate::syntax;

pub(super) fn lint(subject: &Subject<'_>) -> Vec<Problem> {
    let mut defaulted = BTreeSet::new();
    let mut first = BTreeMap::new();
    for module in &subject.modules {
        for rule in &module.policy {
            let name = syntax::rule_path(rule);
            let [word] = name.as_slice() else { continue };
            if !GRANTS.contains(&word.as_str()) {
                continue;
            }
            let key = (syntax::package(module), word.clone());
            match &**rule {
                Rule::Default { .. } => drop(defaulted.insert(key)),
                Rule::Spec { head: RuleHead::Compr { .. }, .. } => {
                    first.entry(key).or_insert((*module, rule));
                }
                Rule::Spec { .. } => {}
            }
        }
    }
    let missing = first.into_iter().filter(|(key, _)| !defaulted.contains(key));
    missing
        .map(|((_, name), (module, rule))| {
            let message = format!("`{name}` grants and has no default");
            problem(
                module,
                rule.span(),
                "grant_without_default",
                message,
                &format!("add `default {name} := false`"),
            )
        })
        .collect()
}
