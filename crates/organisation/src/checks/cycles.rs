//! Cycles of dependencies between services, and of the order of environments.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::organisation::{Item, ItemKind, find_cycle};

use crate::findings::Findings;

/// The most cycles that are told.
const CYCLES_LIMIT: usize = 20;

type Edges = BTreeMap<String, BTreeSet<String>>;

pub(super) fn check(findings: &mut Findings) {
    let mut services = Edges::new();
    let mut environments = Edges::new();
    for item in &findings.items {
        match item {
            Item::Service(service) => {
                let needs = service.depends_on.iter().map(ToString::to_string).collect();
                services.insert(service.name.to_string(), needs);
            }
            Item::Environment(environment) => {
                let after = environment.after.iter().map(ToString::to_string).collect();
                environments.insert(environment.name.to_string(), after);
            }
            _ => {}
        }
    }
    report(
        findings,
        services,
        &Words {
            kind: ItemKind::Service,
            code: "dependency_cycle",
            verb: "depends on",
            help: "remove one of these dependencies: nothing could go first",
        },
    );
    report(
        findings,
        environments,
        &Words {
            kind: ItemKind::Environment,
            code: "environment_cycle",
            verb: "comes after",
            help: "remove `after` from the first environment of the row",
        },
    );
}

struct Words {
    kind: ItemKind,
    code: &'static str,
    verb: &'static str,
    help: &'static str,
}

/// Tells each cycle at the dependency that closes it, and looks on without that dependency.
fn report(findings: &mut Findings, mut edges: Edges, words: &Words) {
    for _ in 0..CYCLES_LIMIT {
        let Some(cycle) = find_cycle(&edges) else { return };
        let [.., from, to] = cycle.as_slice() else { return };
        let shown: Vec<String> = match cycle.len() {
            0..=12 => cycle.iter().map(|name| format!("`{name}`")).collect(),
            more => {
                let first = cycle.iter().take(6).map(|name| format!("`{name}`"));
                let last = cycle.iter().skip(more - 5).map(|name| format!("`{name}`"));
                first.chain([format!("… {} more …", more - 11)]).chain(last).collect()
            }
        };
        let message = shown.join(&format!(" {} ", words.verb));
        let place = findings.place_of(words.kind, from, to);
        findings.error(place, words.code, message, words.help.to_owned());
        if let Some(needs) = edges.get_mut(from) {
            needs.remove(to);
        }
    }
}
