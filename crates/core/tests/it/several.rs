//! Approvals of a change of several services.

use serde_json::{Value, json};
use sluice_core::access::event::LoginGroups;
use sluice_core::approvals::{VoterStanding, electorate, role_used, waits_for};
use sluice_core::change::{ApprovalVerdict, command::Approve};
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::ChangeNumber;

use crate::world::{Play, identity, item, person, question, service, wants};

/// `pay` together with `shop`, whose owners are 3, and 1 and 2.
fn both() -> Question {
    Question { services: [service("pay"), service("shop")].into(), ..question("pay", 1, 1) }
}

fn approve(number: ChangeNumber, play: &Play, by: u8) -> Approve {
    Approve {
        change: number,
        person: person(by),
        on_behalf_of: None,
        verdict: ApprovalVerdict::Approve,
        revision: play.change(number).revision.digest.clone(),
        reason: String::new(),
        auth_time: None,
        login: None,
        given_at: None,
    }
}

/// Says it; the code of the refusal where it is not taken.
fn say(play: &mut Play, command: &Approve) -> Option<&'static str> {
    let (change, organisation) = (play.change(command.change), &play.standing.organisation);
    match sluice_core::change::approve(change, organisation, command, play.now) {
        Ok(events) => {
            play.play(events);
            play.later(1);
            None
        }
        Err((refusal, _)) => Some(Box::leak(refusal.code.to_string().into_boxed_str())),
    }
}

/// The organisation without approval rules.
fn without_rules() -> Play {
    let mut play = Play::start();
    for rule in crate::world::items().iter().filter(|it| ["owner", "manager"].contains(&it.name()))
    {
        play.withdraw(rule);
    }
    play
}

fn manager_of(services: &Value) -> sluice_core::organisation::Item {
    let roles = json!([{"role": "manager", "scope": {"services": services}}]);
    let person =
        json!({"id": person(4), "identities": [identity(4)], "roles": roles, "delegates": []});
    item("person", person)
}

#[test]
fn whoever_speaks_for_one_service_says_nothing_of_another() {
    let (of_pay, anywhere) = (json!({"services": ["pay"]}), json!({}));
    let owners = json!({"teams": ["@owner"]});
    let either = json!({"teams": ["@owner"], "persons": [person(5)]});
    let managers = json!({"roles": ["manager"]});
    let refused = Some("not_an_approver");
    // What is in the rule, of which services 4 is a manager, who says yes and whether it is taken, how many are missing.
    for (scope, approvers, manages, words, missing) in [
        (&of_pay, &owners, json!(["pay"]), vec![(1, refused)], 1),
        (&of_pay, &owners, json!(["pay"]), vec![(3, None)], 0),
        (&anywhere, &owners, json!(["pay"]), vec![(1, None)], 1),
        (&anywhere, &owners, json!(["pay"]), vec![(1, None), (2, None)], 1),
        (&anywhere, &owners, json!(["pay"]), vec![(3, None)], 1),
        (&anywhere, &owners, json!(["pay"]), vec![(1, None), (3, None)], 0),
        (&anywhere, &either, json!(["pay"]), vec![(1, None), (5, None)], 0),
        (&anywhere, &either, json!(["pay"]), vec![(5, None)], 1),
        (&of_pay, &managers, json!(["shop"]), vec![(4, refused)], 1),
        (&of_pay, &managers, json!(["pay"]), vec![(4, None)], 0),
        (&anywhere, &managers, json!(["shop"]), vec![(4, refused)], 1),
        (&anywhere, &managers, json!(["pay", "shop"]), vec![(4, None)], 0),
    ] {
        let mut play = without_rules();
        play.declare(manager_of(&manages));
        play.declare(item(
            "approval_rule",
            json!({"name": "asked", "scope": scope, "approvers": approvers}),
        ));
        let case = format!("{scope} {approvers} {manages} {words:?}");
        let verdict = wants(&["asked"], false);
        let number = play.ask(&both(), &verdict).change;
        for (by, taken) in words {
            let command = approve(number, &play, by);
            assert_eq!(say(&mut play, &command), taken, "{by}: {case}");
        }
        let judgement = play.ask(&both(), &verdict).judgement;
        assert_eq!(judgement.approvals.rules[0].missing(), missing, "{case}");
        assert_eq!(judgement.decision == Decision::Allow, missing == 0, "{case}");
    }
}

#[test]
fn a_role_by_a_login_speaks_for_its_own_services_only() {
    for (services, taken) in [(json!(["shop"]), Some("not_an_approver")), (json!(["pay"]), None)] {
        let mut play = without_rules();
        let roles = json!([{"role": "manager", "scope": {"services": services}}]);
        let cab = json!({"name": "cab", "provider": "okta", "group": "board", "roles": roles});
        play.declare(item("group_mapping", cab));
        let rule = json!({"name": "asked", "scope": {"services": ["pay"]}, "approvers": {"roles": ["manager"]}});
        play.declare(item("approval_rule", rule));
        let verdict = wants(&["asked"], false);
        let number = play.ask(&both(), &verdict).change;
        let login = LoginGroups { provider: "okta".into(), names: ["board".to_owned()].into() };
        let organisation = &play.standing.organisation;
        let targets = ["pay", "shop"]
            .map(|name| organisation.target(&service(name), &crate::world::production()));
        let (used, voices) = role_used(organisation, &person(5), Some(&login), &targets);
        assert_eq!((used.is_none(), voices.is_empty()), (taken.is_some(), taken.is_some()));
        let command = Approve { login: Some(login), ..approve(number, &play, 5) };
        assert_eq!(say(&mut play, &command), taken);
        let allowed = play.ask(&both(), &verdict).judgement.decision == Decision::Allow;
        assert_eq!(allowed, taken.is_none());
    }
}

#[test]
fn who_is_still_asked_are_those_whose_share_is_missing() {
    let mut play = Play::start();
    let verdict = wants(&["owner"], false);
    let number = play.ask(&both(), &verdict).change;
    let asked = |play: &Play| {
        let all = [1, 2, 3].into_iter();
        let waits = |by: &u8| {
            waits_for(&play.standing, play.change(number), &person(*by), play.now).is_some()
        };
        all.filter(waits).collect::<Vec<_>>()
    };
    assert_eq!(asked(&play), [1, 2, 3]);
    let command = approve(number, &play, 1);
    say(&mut play, &command);
    assert_eq!(asked(&play), [3]);
    let rules = electorate(&play.standing, play.change(number), play.now);
    assert_eq!((rules[0].missing(), rules[0].count(VoterStanding::Could)), (1, 1));
    assert_eq!(rules[0].who, ["team:money", "team:web"]);
    let command = approve(number, &play, 3);
    say(&mut play, &command);
    assert_eq!(asked(&play), [0_u8; 0]);
}
