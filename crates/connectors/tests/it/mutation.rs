//! Real payloads with bytes changed, cut or put together never panic and always have an outcome.

use proptest::prelude::*;
use sluice_connectors::{Delivery, Link, registry};

use crate::support::{example_link, files, fixtures, now, outcome_of, shared};

struct Case {
    delivery: Delivery,
    link: usize,
}

fn links() -> Vec<Link> {
    let mut links: Vec<Link> =
        registry().iter().map(|connector| example_link(connector.kind())).collect();
    links.extend(registry().iter().map(|connector| connector.offline()));
    links
}

/// Own fixtures and, where they are there, real deliveries.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, connector) in registry().iter().enumerate() {
        for fixture in fixtures(connector.kind()) {
            cases.push(Case { delivery: fixture.delivery(), link: index });
        }
    }
    let sets = [("webhooks-github", 2), ("webhooks-scm/gitlab", 3), ("cdevents/v0.5", 0)];
    for (set, link) in sets {
        let Some(folder) = shared(set) else { continue };
        for path in files(&folder)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        {
            let event = path.parent().and_then(|parent| parent.file_name()).expect("a folder");
            let body = std::fs::read(&path).expect("a file");
            let delivery = Delivery::of_body(body, now())
                .with_header("content-type", "application/json")
                .with_header("x-github-event", &event.to_string_lossy());
            cases.push(Case { delivery, link: link + registry().len() });
        }
    }
    cases
}

#[test]
fn changed_deliveries_never_panic() {
    let (cases, links) = (cases(), links());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let edits =
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..8);
    let strategy = (any::<prop::sample::Index>(), edits, any::<prop::sample::Index>(), 0..20_u8);
    let result = runner.run(&strategy, |(which, edits, cut, whether)| {
        let case = &cases[which.index(cases.len())];
        let mut body = case.delivery.body.to_vec();
        for (at, byte, kind) in edits {
            edit(&mut body, at, byte, kind);
        }
        if whether == 0 {
            body.truncate(cut.index(body.len() + 1));
        }
        let delivery = Delivery { body: body.into(), ..case.delivery.clone() };
        let link = &links[case.link];
        outcome_of(&link.hear(&delivery));
        link.delivery_id(&delivery);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Replaces, inserts or removes a byte; structural ones more often than chance would.
fn edit(body: &mut Vec<u8>, at: prop::sample::Index, byte: u8, kind: u8) {
    const STRUCTURE: &[u8] = b"{}[]\",:\\0n";
    if body.is_empty() {
        return;
    }
    let at = at.index(body.len());
    match kind {
        0 => body[at] = byte,
        1 => body[at] = STRUCTURE[usize::from(byte) % STRUCTURE.len()],
        2 => body.insert(at, byte),
        _ => {
            body.remove(at);
        }
    }
}
