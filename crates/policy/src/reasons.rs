//! The names of rules that a policy gives as reasons, as far as its texts say them.

use std::collections::BTreeSet;

use crate::bundle::Bundle;

/// Names of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReasonNames {
    /// Those that are written out.
    pub names: BTreeSet<String>,
    /// Whether there may be others: some module puts a name together when it is asked.
    pub others: bool,
}

/// The names in the modules of a bundle, without its tests. Modules with a path in `own` are the organisation's: only there a
/// name that is put together may be that of a reason.
pub fn reason_names(bundle: &Bundle, own: &BTreeSet<&str>) -> ReasonNames {
    let mut found = ReasonNames::default();
    let modules = &bundle.sources().modules;
    for (path, text) in modules.iter().filter(|(path, _)| !path.ends_with("_test.rego")) {
        let values =
            written_out(text).split("\"rule\"").skip(1).map(str::to_owned).collect::<Vec<_>>();
        for value in values {
            // `"rule": "a.b"` of an object, or `object.get(fields, "rule", "a.b")`.
            let Some(value) = value.trim_start().strip_prefix([':', ',']) else { continue };
            match value.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                Some((name, _)) => drop(found.names.insert(name.to_owned())),
                None => found.others |= own.contains(path.as_str()),
            }
        }
    }
    found
}

/// A text without its comments.
fn written_out(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Sources;

    #[test]
    fn names_that_are_written_out_are_known_and_others_are_owned_up_to() {
        let own = |text: &str| {
            let text = format!("package sluice.rules\n\nimport rego.v1\n\n{text}\n");
            let bundle = Bundle::parse(Sources::of([("own.rego", text)])).expect("a bundle");
            reason_names(&bundle, &["own.rego"].into())
        };
        let plain = own("deny contains {\n\t\"rule\" : \"acme.never\",\n\t\"message\": \"no\",\n}");
        assert_eq!(plain, ReasonNames { names: ["acme.never".to_owned()].into(), others: false });
        let made =
            own("deny contains {\"rule\": sprintf(\"acme.%s\", [\"x\"]), \"message\": \"no\"}");
        assert!(made.others && made.names.is_empty());
    }

    #[test]
    fn the_shipped_policy_names_its_rules() {
        let policy = crate::GatePolicy::assemble(&std::collections::BTreeMap::new()).expect("it");
        let found = reason_names(policy.bundle(), &BTreeSet::new());
        for name in ["evidence.missing", "freeze.in_force", "stop.in_force", "policy.own"] {
            assert!(found.names.contains(name), "{name} in {found:?}");
        }
        assert!(!found.others);
    }
}
