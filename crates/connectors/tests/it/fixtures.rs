//! Each fixture gives exactly what it says. `SLUICE_BLESS=1` writes what it gives now.

use serde_json::Value;
use sluice_connectors::registry;

use crate::support::{as_json, example_link, fixtures, is_set};

#[test]
fn each_fixture_is_heard_exactly_as_it_says() {
    let mut wrong = Vec::new();
    for connector in registry() {
        let link = example_link(connector.kind());
        for fixture in fixtures(connector.kind()) {
            let heard = as_json(&link.hear(&fixture.delivery()));
            if is_set("SLUICE_BLESS") {
                let mut json = fixture.json.clone();
                json["expected"] = heard;
                let mut text = serde_json::to_string_pretty(&json).expect("JSON");
                text.push('\n');
                std::fs::write(&fixture.path, text).expect("a file");
            } else if heard != fixture.json["expected"] {
                wrong.push(format!("{}: {heard:#}", fixture.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_fixtures_of_a_connector_show_every_way_it_can_end() {
    for connector in registry() {
        let outcomes: Vec<Value> = fixtures(connector.kind())
            .iter()
            .map(|fixture| fixture.json["expected"]["outcome"].clone())
            .collect();
        for outcome in ["signals", "ignored", "unreadable"] {
            assert!(outcomes.contains(&Value::from(outcome)), "{} {outcome}", connector.kind());
        }
    }
}
