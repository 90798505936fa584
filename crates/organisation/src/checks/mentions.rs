//! Words in scopes and selectors that match nothing.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::organisation::Item;

use crate::desk::shortened;
use crate::findings::{Dimension, Findings};
use crate::words::suggest;

/// The most names among which the one that was meant is looked for.
const CANDIDATES_LIMIT: usize = 2_000;

pub(super) fn check(findings: &mut Findings) {
    let known = words(&findings.items);
    for mention in std::mem::take(&mut findings.mentions) {
        if findings.is_full() {
            return;
        }
        let words = known.get(&mention.dimension);
        if words.is_some_and(|words| words.contains(&mention.word)) {
            continue;
        }
        let (code, what) = match &mention.dimension {
            Dimension::Service => ("unmatched_scope", "service is called".to_owned()),
            Dimension::Team => ("unmatched_scope", "team is called".to_owned()),
            Dimension::ServiceTier => ("unmatched_scope", "service has the tier".to_owned()),
            Dimension::Environment => ("unmatched_scope", "environment is called".to_owned()),
            Dimension::EnvironmentTier => {
                ("unmatched_scope", "environment has the tier".to_owned())
            }
            Dimension::Label(key) => {
                ("unmatched_scope", format!("service has the label `{}` with", shortened(key)))
            }
            Dimension::Role => ("unmatched_role", "person has the role".to_owned()),
            Dimension::Claim => ("unmatched_claim", "person has the claim".to_owned()),
        };
        let message = format!("no {what} `{}`", shortened(&mention.word));
        let candidates = words.into_iter().flatten().take(CANDIDATES_LIMIT).map(String::as_str);
        let help =
            suggest(&mention.word, candidates, || "as it stands this matches nothing".to_owned());
        findings.warn(mention.at, code, message, help);
    }
}

fn words(items: &[Item]) -> BTreeMap<Dimension, BTreeSet<String>> {
    let mut words: BTreeMap<Dimension, BTreeSet<String>> = BTreeMap::new();
    let mut add = |dimension: Dimension, word: &str| {
        words.entry(dimension).or_default().insert(word.to_owned());
    };
    for item in items {
        match item {
            Item::Service(service) => {
                add(Dimension::Service, service.name.as_str());
                add(Dimension::ServiceTier, &service.tier);
                for (key, value) in &service.labels {
                    add(Dimension::Label(key.clone()), value);
                }
            }
            Item::Team(team) => add(Dimension::Team, team.name.as_str()),
            Item::Environment(environment) => {
                add(Dimension::Environment, environment.name.as_str());
                add(Dimension::EnvironmentTier, environment.tier.as_str());
            }
            Item::Person(person) => {
                for grant in &person.roles {
                    add(Dimension::Role, &grant.role);
                }
                for claim in &person.claims {
                    add(Dimension::Claim, claim);
                }
            }
            Item::GroupMapping(mapping) => {
                for grant in &mapping.roles {
                    add(Dimension::Role, &grant.role);
                }
            }
            _ => {}
        }
    }
    words
}
