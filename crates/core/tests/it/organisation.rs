//! Look-ups of the organisation.

use serde_json::json;

use crate::world::{Play, identity, item, person};

#[test]
fn an_identity_that_moves_to_another_person_stays_known_in_whatever_order_they_are_declared() {
    for (first, second) in [(1, 2), (2, 1)] {
        let mut play = Play::start();
        let with = |number, identities: serde_json::Value| {
            item("person", json!({"id": person(number), "identities": identities}))
        };
        // Person 2 gives an identity to person 1.
        let gains = with(1, json!([identity(1), identity(2)]));
        let loses = with(2, json!([]));
        for number in [first, second] {
            play.declare(if number == 1 { gains.clone() } else { loses.clone() });
        }
        assert_eq!(play.standing.organisation.person_of(&identity(2)), Some(&person(1)));
    }
}

#[test]
fn an_alias_that_moves_to_another_environment_stays_known() {
    let mut play = Play::start();
    let live = |name: &str, aliases: &[&str]| {
        item(
            "environment",
            json!({"name": name, "tier": "production", "controlled": true, "aliases": aliases}),
        )
    };
    play.declare(live("production", &["live"]));
    play.declare(live("blue", &["live"]));
    play.declare(live("production", &[]));
    let found = play.standing.organisation.environment_named("LIVE").unwrap();
    assert_eq!(found.name.as_str(), "blue");
}
