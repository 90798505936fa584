//! Who takes the second person away is not alone by that.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::json;
use sluice_core::access::event::{
    AccountCreated, AccountDisabled, FactorChanged, GlassAsked, RoleProposed, RoleTableSet,
    SessionOpened,
};
use sluice_core::access::{RoleTable, decide, emergency, held_beside, two_could, two_could_lately};
use sluice_core::event::Event;
use sluice_core::gate::Question;
use sluice_core::ids::{GrantId, ServiceName, TokenId};
use sluice_core::organisation::ItemKind;
use sluice_core::organisation::event::ItemWithdrawn;
use sluice_core::refusal::Refusal;

use crate::world::{Play, allow, item, person, question, service};

/// Two change managers with an account and a password.
fn two() -> Play {
    two_of("change_manager")
}

fn two_of(role: &str) -> Play {
    let mut play = Play::start();
    play.play(vec![RoleTableSet { table: RoleTable::shipped() }.into()]);
    for number in [21, 22] {
        play.declare(item(
            "person",
            json!({"id": person(number), "identities": [], "roles": [{"role": role}]}),
        ));
        play.play(vec![AccountCreated { person: person(number) }.into()]);
        let password =
            FactorChanged { person: person(number), factor: "password".into(), present: true };
        play.play(vec![password.into()]);
    }
    play
}

/// Person 21 comes in.
fn comes_in(play: &mut Play, method: &str, narrowed_to: Option<&[&str]>, unconfirmed: bool) {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let opened = SessionOpened {
        session: TokenId::parse("s00000000001").unwrap(),
        person: person(21),
        client: "browser".into(),
        methods: [method.to_owned()].into(),
        auth_time: play.now,
        expires_at: play.now + SignedDuration::from_hours(12),
        narrowed_to: narrowed_to.map(names),
        groups: None,
        unconfirmed,
    };
    play.play(vec![opened.into()]);
    play.later(1);
}

#[test]
fn a_proposal_is_measured_by_what_its_session_had_and_by_what_was_lost_after_it() {
    for (after, code) in
        [(None, None), (Some(&["role.grant"][..]), None), (Some(&[]), Some("proposer_may_not"))]
    {
        let mut play = two_of("security_officer");
        comes_in(&mut play, "oidc", Some(&["change.read"]), false);
        // The provider is away: what it confirmed says nothing of this session.
        comes_in(&mut play, "password", None, false);
        let grant = GrantId::parse("g-000000000001").unwrap();
        let proposed = RoleProposed {
            grant: grant.clone(),
            person: person(5),
            role: "auditor".into(),
            scope: sluice_core::scope::Scope::default(),
            until: None,
            reason: "year-end audit".into(),
            by: person(21),
            groups: None,
        };
        play.play(decide::propose(&play.standing, proposed, play.now).unwrap());
        play.later(1);
        if let Some(names) = after {
            comes_in(&mut play, "oidc", Some(names), false);
        }
        let confirmed = decide::confirm(&play.standing, &grant, &person(22), play.now);
        assert_eq!(
            confirmed.err().map(|refusal| refusal.code.to_string()).as_deref(),
            code,
            "{after:?}"
        );
    }
}

#[test]
fn where_no_provider_confirms_roles_any_more_nobody_is_narrowed_by_one() {
    let mut play = two_of("security_officer");
    let all = |play: &Play| -> BTreeSet<_> {
        held_beside(&play.standing, &person(21)).into_iter().flat_map(|it| it.permissions).collect()
    };
    let before = all(&play);
    comes_in(&mut play, "oidc", Some(&[]), false);
    comes_in(&mut play, "password", None, false);
    assert!(!before.is_empty() && all(&play).is_empty());
    comes_in(&mut play, "password", None, true);
    assert_eq!(all(&play), before);
}

#[test]
fn for_a_week_after_there_were_two_it_is_as_if_there_still_were() {
    let disabled: Event =
        AccountDisabled { person: person(22), because: "out of the way".into() }.into();
    let withdrawn: Event =
        ItemWithdrawn { kind: ItemKind::Person, name: person(22).to_string() }.into();
    for taken in [disabled, withdrawn] {
        let mut play = two();
        assert!(two_could(&play.standing));
        let at = play.now;
        play.play(vec![taken.clone()]);
        assert!(!two_could(&play.standing), "{taken:?}");
        for (hours, lately) in [(0, true), (7 * 24 - 1, true), (7 * 24 + 1, false)] {
            let now = at + SignedDuration::from_hours(hours);
            assert_eq!(two_could_lately(&play.standing, now), lately, "{hours} h: {taken:?}");
        }
    }
}

#[test]
fn an_emergency_path_names_the_services_that_the_asker_sees() {
    let named = |names: &[&str]| names.iter().map(|name| service(name)).collect();
    let of = |names: &[&str]| Question { services: named(names), ..question("pay", 1, 1) };
    let mut play = Play::start();
    let number = play.ask(&of(&["pay", "shop", "docs", "mail"]), &allow()).change;
    for (asked, seen, told) in [
        (
            &["pay"][..],
            &["shop", "docs", "mail"][..],
            Some("takes `docs` and `mail` and `shop` along"),
        ),
        (
            &["pay", "mail"],
            &["shop"],
            Some("takes `shop` and one service that you do not see along"),
        ),
        (&["pay"], &[], Some("takes 3 services that you do not see along")),
        (&["pay", "shop", "docs", "mail"], &[], None),
    ] {
        let reason = "payments are down since ten".to_owned();
        let question = Question { emergency: Some(reason), ..of(asked) };
        let id = GrantId::parse("b-000000000001").unwrap();
        let glass = GlassAsked { id, question, by: person(1), groups: None };
        let sees = |name: &ServiceName| seen.contains(&name.as_str());
        let refusal = emergency::ask(&play.standing, glass, sees, play.now).err();
        let message = refusal.as_ref().map(|it| it.message.to_string());
        let names = |words: &str| message.as_ref().is_some_and(|it| it.contains(words));
        assert_eq!(message.is_some(), told.is_some(), "{message:?}");
        assert!(told.is_none_or(names), "{message:?}");
        let helps = |it: &Refusal| it.help.contains(&format!("cancel or close {number}"));
        assert!(refusal.as_ref().is_none_or(helps), "{refusal:?}");
    }
}
