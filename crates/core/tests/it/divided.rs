//! Rules whose roles are held service by service: what is asked of whom, and what one person counts for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use sluice_core::access::event::LoginGroups;
use sluice_core::approvals::{
    RuleElectorate, VoterStanding, could_reject, could_speak, electorate, heeded_by, weigh,
};
use sluice_core::change::event::Involved;
use sluice_core::change::{ApprovalVerdict, command::Approve};
use sluice_core::facts::{ApprovalFacts, ApprovalRuleFact, GivenApproval};
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{ChangeNumber, PersonId, RuleName};
use sluice_core::risk::RiskLevel;
use sluice_core::verdict::Requirement;

use crate::world::{Play, at, author, identity, item, person, question, service, wants};

/// `pay` together with `shop`, of which a manager is asked.
fn both() -> Question {
    Question { services: [service("pay"), service("shop")].into(), ..question("pay", 1, 1) }
}

fn start(quorum: u32) -> (Play, ChangeNumber) {
    let mut play = Play::start();
    let rule = json!({"name": "asked", "quorum": quorum, "approvers": {"roles": ["manager"]}});
    play.declare(item("approval_rule", rule));
    for number in [1, 2, 3, 4, 5] {
        manager(&mut play, number, &[]);
    }
    let number = play.ask(&both(), &wants(&["asked"], false)).change;
    (play, number)
}

/// Declares somebody as a manager of these services.
fn manager(play: &mut Play, number: u8, services: &[&str]) {
    let roles = match services {
        [] => json!([]),
        _ => json!([{"role": "manager", "scope": {"services": services}}]),
    };
    play.declare(item(
        "person",
        json!({"id": person(number), "identities": [identity(number)], "roles": roles}),
    ));
}

/// A group of a login, of the name of its service.
fn group(play: &mut Play, of: &str) {
    let roles = json!([{"role": "manager", "scope": {"services": [of]}}]);
    let spec =
        json!({"name": format!("{of}-managers"), "provider": "okta", "group": of, "roles": roles});
    play.declare(item("group_mapping", spec));
}

fn login(groups: &[&str]) -> Option<LoginGroups> {
    let names = groups.iter().map(|name| (*name).to_owned()).collect();
    (!groups.is_empty()).then(|| LoginGroups { provider: "okta".into(), names })
}

/// Says yes; the code of the refusal where that is not taken.
fn yes(play: &mut Play, number: ChangeNumber, by: u8, groups: &[&str]) -> Option<String> {
    let change = play.standing.with_everybody(play.change(number));
    let command = Approve {
        change: number,
        person: person(by),
        on_behalf_of: None,
        verdict: ApprovalVerdict::Approve,
        revision: change.revision.digest.clone(),
        reason: String::new(),
        auth_time: None,
        login: login(groups),
        given_at: None,
    };
    let said =
        sluice_core::change::approve(&change, &play.standing.organisation, &command, play.now);
    play.later(1);
    said.map(|events| play.play(events)).err().map(|(refusal, _)| refusal.code.to_string())
}

fn missing(play: &mut Play) -> u32 {
    let judgement = play.ask(&both(), &wants(&["asked"], false)).judgement;
    let missing = judgement.approvals.rules[0].missing();
    assert_eq!(judgement.decision == Decision::Allow, missing == 0);
    missing
}

fn asked(play: &Play, number: ChangeNumber) -> RuleElectorate {
    let rules = electorate(&play.standing, play.change(number), play.now);
    rules.into_iter().find(|rule| rule.rule.as_str() == "asked").unwrap()
}

#[test]
fn whoever_may_speak_for_every_part_is_counted_in_each() {
    // Of what 4 is a manager as declared; quorum; who says yes with which groups; how many are missing then.
    type Words = &'static [(u8, &'static [&'static str])];
    for (declared, quorum, words, left) in [
        (&[][..], 1, &[] as Words, 2),
        (&[], 1, &[(5, &["pay"])], 1),
        (&[], 1, &[(5, &["pay", "shop"])], 0),
        (&[], 1, &[(5, &["pay"]), (3, &["shop"])], 0),
        (&["pay"], 1, &[(4, &["shop"])], 0),
        (&["pay"], 1, &[(4, &[]), (5, &["pay", "shop"])], 0),
        (&[], 2, &[(5, &["pay", "shop"])], 2),
        (&[], 2, &[(5, &["pay", "shop"]), (3, &["pay", "shop"])], 0),
        (&[], 2, &[(5, &["pay", "shop"]), (3, &["pay"]), (2, &["shop"])], 0),
        (&[], 2, &[(5, &["pay", "shop"]), (3, &["pay"]), (2, &["pay"])], 1),
    ] {
        let (mut play, number) = start(quorum);
        group(&mut play, "pay");
        group(&mut play, "shop");
        manager(&mut play, 4, declared);
        let case = format!("{declared:?} {quorum} {words:?}");
        for (by, groups) in words {
            assert_eq!(yes(&mut play, number, *by, groups), None, "{case}");
        }
        assert_eq!(missing(&mut play), left, "{case}");
        let shown = asked(&play, number);
        assert_eq!(shown.missing(), usize::try_from(left).unwrap(), "{case}");
    }
}

#[test]
fn a_yes_more_takes_nothing_from_those_who_are_counted() {
    let (mut play, number) = start(1);
    let rule = json!({"name": "other", "approvers": {"persons": [person(5)]}});
    play.declare(item("approval_rule", rule));
    group(&mut play, "pay");
    group(&mut play, "shop");
    let of_both = wants(&["asked", "other"], false);
    for (by, groups) in [(2, &["pay"][..]), (3, &["shop"]), (5, &["pay", "shop"])] {
        assert_eq!(yes(&mut play, number, by, groups), None);
    }
    let judgement = play.ask(&both(), &of_both).judgement;
    assert_eq!(judgement.decision, Decision::Allow, "{:?}", judgement.approvals);
}

#[test]
fn nobody_is_waited_for_who_had_a_hand_in_it() {
    // Who is a manager of what, and what the author (1) is; how many are asked then.
    for (author_of, others, asked_of) in [
        (&["pay", "shop"][..], [(4, &["pay"][..]), (5, &["shop"][..])], 2),
        (&["pay", "shop"], [(4, &["pay", "shop"]), (5, &["shop"])], 1),
        (&[], [(4, &["pay"]), (5, &["shop"])], 2),
    ] {
        let (mut play, number) = start(1);
        manager(&mut play, 1, author_of);
        for (number, services) in others {
            manager(&mut play, number, services);
        }
        let hands = [author(1)].into();
        play.play([Involved { change: number, involved: hands, stated_of: None }.into()]);
        let case = format!("{author_of:?} {others:?}");
        assert_eq!(missing(&mut play), asked_of, "{case}");
        let could = could_speak(&play.standing, play.change(number), play.now);
        assert!(!could.contains(&person(1)) && could.contains(&person(4)), "{case}");
        for by in [4, 5].into_iter().take(usize::try_from(asked_of).unwrap()) {
            assert_eq!(yes(&mut play, number, by, &[]), None, "{case}");
        }
        assert_eq!(missing(&mut play), 0, "{case}");
    }
}

#[test]
fn a_provisioned_group_is_whoever_is_in_it() {
    let (mut play, _) = start(1);
    manager(&mut play, 4, &["pay"]);
    manager(&mut play, 5, &["shop"]);
    let roles = json!([{"role": "manager"}]);
    let all = json!({"name": "all", "provider": "scim", "group": "Managers", "roles": roles});
    play.declare(item("group_mapping", all));
    assert_eq!(missing(&mut play), 2, "nobody is in it");
}

#[test]
fn words_are_heard_by_the_groups_of_a_login() {
    let (mut play, number) = start(1);
    group(&mut play, "pay");
    let (change, organisation) = (play.change(number), &play.standing.organisation);
    for (groups, heard) in [(&[][..], false), (&["pay"], true), (&["shop"], false)] {
        let login = login(groups);
        assert_eq!(could_reject(organisation, change, &person(5), login.as_ref()), heard);
        let said = heeded_by(&play.standing, change, &person(5), login.as_ref());
        assert_eq!(!said.is_empty(), heard, "a yes is of a part");
    }
}

#[test]
fn many_people_are_looked_at_once_for_a_change() {
    const PEOPLE: usize = 3_000;
    let (mut play, number) = start(1);
    for number in 0..PEOPLE {
        let id = PersonId::parse(&format!("person/{number:0>24}aa")).unwrap();
        let of = if number % 2 == 0 { "pay" } else { "shop" };
        let roles = json!([{"role": "manager", "scope": {"services": [of]}}]);
        play.declare(item("person", json!({"id": id, "identities": [], "roles": roles})));
    }
    let shown = asked(&play, number);
    assert_eq!((shown.quorum, shown.voters.len() + shown.more), (2, PEOPLE));
    assert!(shown.voters.iter().all(|voter| voter.standing == VoterStanding::Could));
    assert_eq!(could_speak(&play.standing, play.change(number), play.now).len(), PEOPLE + 3);
    play.withdraw(&item("person", json!({"id": person(1), "identities": []})));
    assert_eq!(missing(&mut play), 2);
}

/// A rule of two parts and a rule of its own, with a yes for each mask: the parts are bits 0 and 1, the other rule 2.
fn facts(quorum: [u32; 2], said: &[u8]) -> ([ApprovalRuleFact; 2], ApprovalFacts) {
    let now = at("2026-03-04T10:00:00Z");
    let until = now + SignedDuration::from_hours(1);
    let parts = ["service:a", "service:b"].map(str::to_owned);
    let rule = |name: &str, quorum, shares: BTreeMap<String, u32>| ApprovalRuleFact {
        name: name.parse().unwrap(),
        reason: String::new(),
        min_risk: RiskLevel::Low,
        applies: true,
        quorum,
        divided: if shares.is_empty() { Vec::new() } else { vec![parts.clone().into()] },
        shares,
        who: Vec::new(),
        owners: BTreeSet::new(),
        involved_may_approve: BTreeSet::new(),
    };
    let shares = parts.iter().map(|part| (part.clone(), quorum[0])).collect();
    let rules = [rule("divided", quorum[0] * 2, shares), rule("other", quorum[1], BTreeMap::new())];
    let given = said.iter().zip(1..).map(|(mask, number)| {
        let of = |name: &str| (name.parse::<RuleName>().unwrap(), until);
        let heard = [(mask & 3 != 0, "divided"), (mask & 4 != 0, "other")];
        let shares = parts.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
        let shares = shares.map(|(_, part)| (part.clone(), until)).collect();
        GivenApproval {
            person: person(number),
            rejected: false,
            at: now,
            involved: false,
            same_hands: BTreeSet::new(),
            eligible: heard.into_iter().filter(|(may, _)| *may).map(|(_, it)| of(it)).collect(),
            shares: BTreeMap::new(),
            shares_until: [("divided".parse().unwrap(), shares)].into(),
        }
    });
    let facts = ApprovalFacts { given: given.collect(), ..ApprovalFacts::default() };
    (rules, facts)
}

/// The fewest places that stay empty, by trying everything that each person could be counted for.
fn fewest(said: &[u8], left: [u32; 3]) -> u32 {
    let Some((mask, rest)) = said.split_first() else {
        return left.iter().sum();
    };
    let ways = [0_u8, 1, 2, 3, 4].into_iter().filter(|way| way & mask == *way);
    let fill = |way: u8| {
        let mut after = left;
        for (_, left) in after.iter_mut().enumerate().filter(|(bit, _)| way & (1 << bit) != 0) {
            *left = left.saturating_sub(1);
        }
        fewest(rest, after)
    };
    ways.map(fill).min().unwrap_or_default()
}

proptest! {
    #[test]
    fn rules_are_met_where_some_way_of_counting_meets_them(
        said in proptest::collection::vec(0_u8..8, 0..6),
        quorum in [1_u32..3, 1..3],
    ) {
        let (rules, facts) = facts(quorum, &said);
        let wanted: Vec<Requirement> =
            rules.iter().map(|it| Requirement { rule: it.name.clone(), owed: false }).collect();
        let now = at("2026-03-04T10:00:00Z");
        let weighed = weigh(&rules, &facts, &wanted, RiskLevel::Low, now);
        let met = weighed.rules.iter().all(|rule| rule.missing() == 0);
        prop_assert_eq!(met, fewest(&said, [quorum[0], quorum[0], quorum[1]]) == 0);
        let counted: Vec<_> = weighed.rules.iter().flat_map(|rule| &rule.met_by).collect();
        let different: BTreeSet<_> = counted.iter().collect();
        prop_assert_eq!(different.len(), counted.len(), "each once");
        for rule in &weighed.rules {
            prop_assert!(rule.missing() > 0 || rule.awaits.is_empty());
        }
    }
}
