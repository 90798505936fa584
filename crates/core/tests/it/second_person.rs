//! Who takes the second person away is not alone by that.

use jiff::SignedDuration;
use serde_json::json;
use sluice_core::access::event::{AccountCreated, AccountDisabled, FactorChanged, RoleTableSet};
use sluice_core::access::{RoleTable, two_could, two_could_lately};
use sluice_core::event::Event;
use sluice_core::organisation::ItemKind;
use sluice_core::organisation::event::ItemWithdrawn;

use crate::world::{Play, item, person};

/// Two change managers with an account and a password.
fn two() -> Play {
    let mut play = Play::start();
    play.play(vec![RoleTableSet { table: RoleTable::shipped() }.into()]);
    for number in [21, 22] {
        play.declare(item(
            "person",
            json!({"id": person(number), "identities": [], "roles": [{"role": "change_manager"}]}),
        ));
        play.play(vec![AccountCreated { person: person(number) }.into()]);
        let password =
            FactorChanged { person: person(number), factor: "password".into(), present: true };
        play.play(vec![password.into()]);
    }
    assert!(two_could(&play.standing));
    play
}

#[test]
fn for_a_week_after_there_were_two_it_is_as_if_there_still_were() {
    let disabled: Event =
        AccountDisabled { person: person(22), because: "out of the way".into() }.into();
    let withdrawn: Event =
        ItemWithdrawn { kind: ItemKind::Person, name: person(22).to_string() }.into();
    for taken in [disabled, withdrawn] {
        let mut play = two();
        let at = play.now;
        play.play(vec![taken.clone()]);
        assert!(!two_could(&play.standing), "{taken:?}");
        for (hours, lately) in [(0, true), (7 * 24 - 1, true), (7 * 24 + 1, false)] {
            let now = at + SignedDuration::from_hours(hours);
            assert_eq!(two_could_lately(&play.standing, now), lately, "{hours} h: {taken:?}");
        }
    }
}
