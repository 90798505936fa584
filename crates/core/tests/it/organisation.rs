//! Look-ups of the organisation.

use serde_json::json;
use sluice_core::ids::ProvisionedId;
use sluice_core::provision::event::{UserRemoved, UserSet};

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

/// As ledgers have it from before a name that a record once had was refused to others.
#[test]
fn a_user_name_that_another_record_has_by_now_makes_nobody_of_the_one_before() {
    let mut play = Play::start();
    let (first, second) = ("first", "second");
    let id = |name| ProvisionedId::parse(name).unwrap();
    let set = |name, own, user_name| UserSet {
        user: id(name),
        person: person(own),
        user_name: identity(user_name),
        external_id: None,
        emails: [].into(),
        active: true,
    };
    let who = |play: &Play, name| {
        let known = play.standing.organisation.provision.users.get(&id(name)).unwrap();
        known.person().cloned()
    };
    // Person 1 claims the name of their identity.
    play.play([set(first, 41, 1).into(), set(first, 41, 31).into()]);
    assert_eq!(who(&play, first), Some(person(1)), "renamed, it stays theirs");
    play.play([set(second, 42, 1).into()]);
    for _ in 0..2 {
        assert_eq!(who(&play, first), Some(person(41)), "the name is another record's");
        assert_eq!(who(&play, second), Some(person(1)));
        assert_eq!(play.standing.organisation.provision.users_of(&person(1)).count(), 1);
        play.play([set(first, 41, 31).into()]);
    }
    // What one record has is not taken from another that is gone.
    play.play([set(second, 42, 32).into(), set(first, 41, 33).into()]);
    play.play([UserRemoved { user: id(first) }.into()]);
    let once = play.standing.organisation.provision.user_once_named(&identity(1));
    assert_eq!((once, who(&play, second)), (Some(&id(second)), Some(person(1))));
}
