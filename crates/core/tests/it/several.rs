//! Approvals of a change of several services.

use serde_json::{Value, json};
use sluice_core::access::event::LoginGroups;
use sluice_core::approvals::{VoterStanding, electorate, role_used, stands, waits_for};
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
    manager(4, services)
}

fn manager(number: u8, services: &Value) -> sluice_core::organisation::Item {
    let roles = json!([{"role": "manager", "scope": {"services": services}}]);
    let person = json!({"id": person(number), "identities": [identity(number)], "roles": roles, "delegates": []});
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
        (&anywhere, &managers, json!(["shop"]), vec![(4, None)], 1),
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

#[test]
fn a_no_is_heard_of_whoever_speaks_for_one_service() {
    for (approvers, by, heard, may_say_yes) in [
        (json!({"roles": ["manager"]}), 4, true, Some(false)),
        (json!({"teams": ["@owner"]}), 3, true, Some(true)),
        (json!({"teams": ["web"]}), 3, false, None),
    ] {
        let mut play = without_rules();
        play.declare(manager_of(&json!(["pay"])));
        play.declare(manager(5, &json!(["pay", "shop"])));
        play.declare(item("approval_rule", json!({"name": "asked", "approvers": approvers})));
        let verdict = wants(&["asked"], false);
        let number = play.ask(&both(), &verdict).change;
        let no = Approve { verdict: ApprovalVerdict::Reject, ..approve(number, &play, by) };
        let taken = say(&mut play, &no);
        assert_eq!(taken, (!heard).then_some("not_an_approver"), "{approvers}");
        for by in [1, 2, 5] {
            let yes = approve(number, &play, by);
            say(&mut play, &yes);
        }
        let judgement = play.ask(&both(), &verdict).judgement;
        let against: Vec<_> = judgement.approvals.rejected_by.iter().cloned().collect();
        assert_eq!(against, if heard { vec![person(by)] } else { vec![] }, "{approvers}");
        assert_eq!(judgement.decision == Decision::Deny, heard, "{approvers}");
        let rules = electorate(&play.standing, play.change(number), play.now);
        assert_eq!(rules[0].count(VoterStanding::Rejected) == 1, heard, "{approvers}");
        let own = stands(&play.standing, play.change(number), &person(by), play.now);
        let own: Vec<_> = own.iter().map(|voter| (voter.standing, voter.may_say_yes)).collect();
        let said = may_say_yes.map(|may| (VoterStanding::Rejected, may));
        assert_eq!(own, said.into_iter().collect::<Vec<_>>(), "{approvers}");
    }
}

#[test]
fn a_role_that_is_held_service_by_service_is_asked_of_several() {
    let mut play = without_rules();
    play.declare(manager_of(&json!(["pay"])));
    play.declare(manager(5, &json!(["shop"])));
    let rule = json!({"name": "asked", "approvers": {"roles": ["manager"]}});
    play.declare(item("approval_rule", rule));
    let verdict = wants(&["asked"], false);
    let number = play.ask(&both(), &verdict).change;
    for (by, missing, told) in [(None, 2, ""), (Some(4), 1, "for `shop`"), (Some(5), 0, "")] {
        if let Some(by) = by {
            let yes = approve(number, &play, by);
            assert_eq!(say(&mut play, &yes), None);
        }
        let judgement = play.ask(&both(), &verdict).judgement;
        assert_eq!(judgement.approvals.rules[0].missing(), missing);
        assert_eq!(judgement.decision == Decision::Allow, missing == 0);
        let message = judgement.reasons.iter().map(|reason| reason.message.as_str()).next();
        assert!(message.unwrap_or_default().contains(told), "{message:?}");
    }
    // Where somebody holds it for both, one of them is asked.
    play.declare(manager(2, &json!(["pay", "shop"])));
    assert_eq!(play.ask(&both(), &verdict).judgement.approvals.rules[0].quorum, 1);
}

#[test]
fn each_share_has_an_end_of_its_own() {
    let mut play = without_rules();
    let roles = json!([{"role": "manager", "scope": {"services": ["pay"]}}]);
    let cab = json!({"name": "cab", "provider": "okta", "group": "board", "roles": roles});
    play.declare(item("group_mapping", cab));
    let approvers = json!({"teams": ["@owner"], "roles": ["manager"]});
    play.declare(item("approval_rule", json!({"name": "asked", "approvers": approvers})));
    let verdict = wants(&["asked"], false);
    let number = play.ask(&both(), &verdict).change;
    let login = LoginGroups { provider: "okta".into(), names: ["board".to_owned()].into() };
    let of_both = Approve { login: Some(login), ..approve(number, &play, 1) };
    assert_eq!(say(&mut play, &of_both), None);
    play.later(13 * 60);
    let late = approve(number, &play, 3);
    assert_eq!(say(&mut play, &late), None);
    let judgement = play.ask(&both(), &verdict).judgement;
    assert_eq!(judgement.decision, Decision::Allow, "{:?}", judgement.reasons);
}

#[test]
fn the_gate_names_who_can_still_help() {
    let mut play = Play::start();
    let verdict = wants(&["owner"], false);
    let number = play.ask(&both(), &verdict).change;
    let command = approve(number, &play, 1);
    say(&mut play, &command);
    let judgement = play.ask(&both(), &verdict).judgement;
    let reason = &judgement.reasons[0];
    assert_eq!(
        reason.message,
        "`owner` waits for one more person of 2, for the services of `money`"
    );
    assert_eq!(reason.who, ["team:money"]);
}

#[test]
fn whoever_could_free_somebody_for_another_share_is_asked() {
    let mut play = without_rules();
    let approvers = json!({"teams": ["@owner"], "persons": [person(5)]});
    play.declare(item("approval_rule", json!({"name": "asked", "approvers": approvers})));
    let verdict = wants(&["asked"], false);
    let number = play.ask(&both(), &verdict).change;
    let command = approve(number, &play, 5);
    say(&mut play, &command);
    let judgement = play.ask(&both(), &verdict).judgement;
    let awaits: Vec<&str> =
        judgement.approvals.rules[0].awaits.iter().map(String::as_str).collect();
    assert_eq!(awaits, ["money", "web"], "5 sits at one of them, and could at the other");
    let asked =
        |by| waits_for(&play.standing, play.change(number), &person(by), play.now).is_some();
    assert_eq!([1, 2, 3].map(asked), [true; 3]);
    let command = approve(number, &play, 3);
    say(&mut play, &command);
    let judgement = play.ask(&both(), &verdict).judgement;
    assert_eq!(judgement.decision, Decision::Allow);
}
