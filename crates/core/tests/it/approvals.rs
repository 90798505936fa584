//! Whether approvals count: an exhaustive small model against a second definition.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sluice_core::access::event::LoginGroups;
use sluice_core::approvals::weigh;
use sluice_core::change::{ApprovalVerdict, Change, command::Approve};
use sluice_core::facts::{ApprovalFacts, ApprovalRuleFact, GivenApproval};
use sluice_core::gate::Decision;
use sluice_core::ids::{ChangeNumber, RuleName};
use sluice_core::organisation::Item;
use sluice_core::risk::RiskLevel;
use sluice_core::verdict::Requirement;

use crate::world::{Play, at, author, digest, identity, person, question, wants};

/// What one person said, as the model sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Said {
    rejected: bool,
    involved: bool,
    /// Which of the two rules they may speak for, as bits.
    may: u8,
    expired: bool,
}

fn now() -> Timestamp {
    at("2026-03-04T10:00:00Z")
}

fn rule(name: &str, quorum: u32, involved: bool) -> ApprovalRuleFact {
    ApprovalRuleFact {
        name: name.parse().unwrap(),
        reason: String::new(),
        min_risk: RiskLevel::Low,
        applies: true,
        quorum,
        shares: BTreeMap::new(),
        divided: Vec::new(),
        who: Vec::new(),
        owners: BTreeSet::new(),
        involved_may_approve: if involved { [RiskLevel::Low].into() } else { BTreeSet::new() },
    }
}

fn given(number: u8, said: Said) -> GivenApproval {
    let until = now() + SignedDuration::from_hours(if said.expired { 0 } else { 1 });
    let rules = ["a", "b"].iter().enumerate().filter(|(bit, _)| said.may & (1 << bit) != 0);
    GivenApproval {
        person: person(number),
        rejected: said.rejected,
        at: now(),
        involved: said.involved,
        same_hands: BTreeSet::new(),
        eligible: rules.map(|(_, name)| (name.parse::<RuleName>().unwrap(), until)).collect(),
        shares: BTreeMap::new(),
        shares_until: BTreeMap::new(),
    }
}

/// The most places that can be filled, by trying every assignment of persons to rules.
fn filled(may: &[Vec<usize>], places: &[u32]) -> Vec<Vec<u32>> {
    let mut ways = vec![vec![0; places.len()]];
    for rules in may {
        let with = ways.clone();
        for way in with {
            for rule in rules.iter().filter(|rule| way[**rule] < places[**rule]) {
                let mut seated = way.clone();
                seated[*rule] += 1;
                ways.push(seated);
            }
        }
    }
    ways
}

#[test]
fn what_counts_is_what_the_second_definition_says_for_every_small_case() {
    let all: Vec<Said> = (0..32_u8)
        .map(|bits| Said {
            rejected: bits & 1 != 0,
            involved: bits & 2 != 0,
            may: (bits >> 2) & 3,
            expired: bits & 16 != 0,
        })
        .collect();
    let mut cases = 0;
    for first in &all {
        for second in &all {
            for third in [None, Some(all[12]), Some(all[14])] {
                for (quorum, open, unresolved) in [
                    (1, false, false),
                    (2, false, false),
                    (1, true, false),
                    (1, false, true),
                    (1, true, true),
                ] {
                    let said: Vec<Said> =
                        [Some(*first), Some(*second), third].into_iter().flatten().collect();
                    check(&said, [quorum, 1], open, unresolved);
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 32 * 32 * 3 * 5);
}

/// `open`: rule `a` names the risk level for those involved; rule `b` never does.
fn check(said: &[Said], quorum: [u32; 2], open: bool, unresolved: bool) {
    let rules = [rule("a", quorum[0], open), rule("b", quorum[1], false)];
    let facts = ApprovalFacts {
        given: said.iter().zip(1..).map(|(said, number)| given(number, *said)).collect(),
        involved: BTreeMap::new(),
        unresolved: if unresolved { [identity(9)].into() } else { BTreeSet::new() },
        unreported: BTreeSet::new(),
    };
    let wanted: Vec<Requirement> =
        rules.iter().map(|rule| Requirement { rule: rule.name.clone(), owed: false }).collect();
    let standing = weigh(&rules, &facts, &wanted, RiskLevel::Low, now());
    // The second definition.
    let counts = |said: &Said, rule: usize| {
        !said.rejected
            && !said.expired
            && said.may & (1 << rule) != 0
            && ((open && rule == 0) || !(said.involved || unresolved))
    };
    let may: Vec<Vec<usize>> =
        said.iter().map(|said| (0..2).filter(|rule| counts(said, *rule)).collect()).collect();
    let ways = filled(&may, &quorum);
    let met = ways.iter().any(|way| way[..] == quorum[..]);
    let most = ways.iter().map(|way| way.iter().sum::<u32>()).max().unwrap_or(0);
    let case = || format!("{said:?} quorum {quorum:?} open {open} unresolved {unresolved}");
    assert_eq!(standing.rules.iter().all(|rule| rule.missing() == 0), met, "{}", case());
    let seated: Vec<_> = standing.rules.iter().flat_map(|rule| rule.met_by.iter()).collect();
    assert_eq!(seated.len(), usize::try_from(most).unwrap(), "{}", case());
    assert_eq!(seated.iter().collect::<BTreeSet<_>>().len(), seated.len(), "each once: {}", case());
    for (rule, index) in standing.rules.iter().zip(0..) {
        for counted in &rule.met_by {
            let number = (1..).find(|number| person(*number) == *counted).unwrap();
            assert!(counts(&said[usize::from(number) - 1], index), "{}", case());
        }
    }
    let no = said.iter().filter(|said| said.rejected && said.may != 0).count();
    assert_eq!(standing.rejected_by.len(), no, "{}", case());
}

#[test]
fn a_delegate_lends_no_second_voice_to_the_one_who_spoke() {
    let approve = |play: &mut Play, number, by: u8, on_behalf_of: Option<u8>, verdict| {
        let change = play.change(number).clone();
        let command = Approve {
            change: number,
            person: person(by),
            on_behalf_of: on_behalf_of.map(person),
            verdict,
            revision: change.revision.digest.clone(),
            reason: String::new(),
            auth_time: None,
            login: None,
            given_at: None,
        };
        let events =
            sluice_core::change::approve(&change, &play.standing.organisation, &command, play.now);
        play.play(events.map_err(|(refusal, _)| refusal.code).unwrap());
    };
    use ApprovalVerdict::{Approve as Yes, Reject as No};
    // Person 5 is the delegate of 1, and may not speak for `owner` alone. Two are needed.
    for (words, missing, decision) in [
        (vec![(5, Some(1), Yes)], 1, Decision::Wait),
        (vec![(1, None, Yes), (5, Some(1), Yes)], 1, Decision::Wait),
        (vec![(5, Some(1), Yes), (1, None, Yes)], 1, Decision::Wait),
        (vec![(5, Some(1), Yes), (2, None, Yes)], 0, Decision::Allow),
        (vec![(1, None, Yes), (2, None, Yes)], 0, Decision::Allow),
        (vec![(1, None, Yes), (2, None, Yes), (1, None, No)], 1, Decision::Deny),
    ] {
        let mut play = Play::start();
        play.declare(crate::world::item(
            "approval_rule",
            serde_json::json!({"name": "owner", "quorum": 2, "approvers": {"teams": ["@owner"]}}),
        ));
        let number = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).change;
        for (by, absent, verdict) in &words {
            approve(&mut play, number, *by, *absent, *verdict);
        }
        let asked = play.ask(&question("shop", 1, 1), &wants(&["owner"], false));
        assert_eq!(asked.judgement.approvals.rules[0].missing(), missing, "{words:?}");
        assert_eq!(asked.judgement.decision, decision, "{words:?}");
    }
}

#[test]
fn an_approval_ends_with_its_rule_and_with_its_revision_and_with_the_role() {
    let mut play = Play::start();
    let verdict = wants(&["manager"], false);
    let number = play.ask(&question("shop", 1, 1), &verdict).change;
    let change = play.change(number).clone();
    let command = Approve {
        change: number,
        person: person(4),
        on_behalf_of: None,
        verdict: ApprovalVerdict::Approve,
        revision: change.revision.digest.clone(),
        reason: String::new(),
        auth_time: None,
        login: None,
        given_at: None,
    };
    let events =
        sluice_core::change::approve(&change, &play.standing.organisation, &command, play.now);
    play.play(events.unwrap());
    assert_eq!(play.ask(&question("shop", 1, 1), &verdict).judgement.decision, Decision::Allow);
    // Another digest is another revision.
    let mut other = question("shop", 1, 1);
    other.artifacts = [digest(77)].into();
    let placement = play.place(&other, None);
    let facts = play.facts(&other, &placement);
    assert_eq!(sluice_core::gate::decide(&facts, &verdict).decision, Decision::Wait);
    // Without the role the same word counts for nothing.
    let without = crate::world::item(
        "person",
        serde_json::json!({"id": person(4), "identities": [identity(4)]}),
    );
    let with =
        crate::world::items().into_iter().find(|item| item.name() == person(4).as_str()).unwrap();
    play.declare(without);
    assert_eq!(play.ask(&question("shop", 1, 1), &verdict).judgement.decision, Decision::Wait);
    play.declare(with);
    // A pass never outlives an approval, and an approval ends an hour after it was given.
    play.later(50);
    let asked = play.ask(&question("shop", 1, 1), &verdict);
    let claims = &play.standing.passes[&asked.pass.unwrap()].claims;
    assert_eq!(claims.expires_at, at("2026-03-04T11:00:00Z"));
    play.later(10);
    let asked = play.ask(&question("shop", 1, 1), &verdict);
    assert_eq!(asked.judgement.decision, Decision::Wait);
    assert_eq!(asked.judgement.approvals.discounted[0].code, "expired");
}

/// A word of person 5, who is nobody here but by a group that their login says.
fn by_group(play: &Play, number: ChangeNumber, group: &str) -> Approve {
    let groups = LoginGroups { provider: "okta".into(), names: [group.to_owned()].into() };
    Approve { person: person(5), login: Some(groups), ..yes(play.change(number), 5) }
}

fn mapping(group: &str, role: &str) -> Item {
    let roles = serde_json::json!([{"role": role}]);
    let mapping =
        serde_json::json!({"name": "cab", "provider": "okta", "group": group, "roles": roles});
    crate::world::item("group_mapping", mapping)
}

#[test]
fn a_word_by_a_group_counts_while_its_mapping_is_the_one_it_was_given_by() {
    for (declared_anew, counts) in [
        (mapping("board", "manager"), true),
        (mapping("everybody", "manager"), false),
        (mapping("board", "auditor"), false),
    ] {
        let mut play = Play::start();
        play.declare(mapping("board", "manager"));
        let verdict = wants(&["manager"], false);
        let number = play.ask(&question("shop", 1, 1), &verdict).change;
        let command = by_group(&play, number, "board");
        let (change, organisation) = (play.change(number), &play.standing.organisation);
        play.play(sluice_core::change::approve(change, organisation, &command, play.now).unwrap());
        play.declare(declared_anew);
        let decision = play.ask(&question("shop", 1, 1), &verdict).judgement.decision;
        assert_eq!(decision == Decision::Allow, counts);
    }
}

#[test]
fn a_mapping_that_is_declared_anew_lends_its_new_role_to_no_earlier_word() {
    // Said as an auditor, for a rule that asks for either; the rule of managers was never spoken for.
    let mut play = Play::start();
    play.declare(mapping("board", "auditor"));
    let either = serde_json::json!({"name": "any", "approvers": {"roles": ["auditor"]}});
    play.declare(crate::world::item("approval_rule", either));
    let verdict = wants(&["manager"], false);
    let number = play.ask(&question("shop", 1, 1), &verdict).change;
    let command = by_group(&play, number, "board");
    let (change, organisation) = (play.change(number), &play.standing.organisation);
    play.play(sluice_core::change::approve(change, organisation, &command, play.now).unwrap());
    play.declare(mapping("board", "manager"));
    let decision = play.ask(&question("shop", 1, 1), &verdict).judgement.decision;
    assert_eq!(decision, Decision::Wait);
}

#[test]
fn of_words_given_elsewhere_the_newest_counts_and_has_its_own_time() {
    let mut play = Play::start();
    let number = play.ask(&question("shop", 1, 1), &wants(&["manager"], false)).change;
    play.later(30);
    let mut say = |verdict, at: Option<&str>| {
        let change = play.change(number);
        let given_at = at.map(crate::world::at);
        let command = Approve { verdict, given_at, ..yes(change, 4) };
        let organisation = &play.standing.organisation;
        match sluice_core::change::approve(change, organisation, &command, play.now) {
            Ok(events) => {
                play.play(events);
                play.change(number).approvals.last().unwrap().at.to_string()
            }
            Err((refusal, _)) => refusal.code.to_string(),
        }
    };
    let (yes, no) = (ApprovalVerdict::Approve, ApprovalVerdict::Reject);
    assert_eq!(say(yes, Some("2026-03-04T10:10:00Z")), "2026-03-04T10:10:00Z");
    assert_eq!(say(no, Some("2026-03-04T10:05:00Z")), "older_word");
    assert_eq!(say(no, Some("2026-03-04T10:10:00Z")), "2026-03-04T10:10:00Z");
    assert_eq!(say(yes, Some("2026-03-04T10:10:00Z")), "older_word");
    // Nobody speaks in the future.
    assert_eq!(say(yes, Some("2026-03-04T12:00:00Z")), "2026-03-04T10:30:00Z");
    assert_eq!(say(no, None), "2026-03-04T10:30:00Z");
    assert_eq!(say(yes, Some("2026-03-04T10:29:00Z")), "older_word");
}

fn yes(change: &Change, by: u8) -> Approve {
    Approve {
        change: change.number,
        person: person(by),
        on_behalf_of: None,
        verdict: ApprovalVerdict::Approve,
        revision: change.revision.digest.clone(),
        reason: String::new(),
        auth_time: None,
        login: None,
        given_at: None,
    }
}

proptest! {
    #[test]
    fn nobody_involved_counts_unless_the_rule_names_the_risk_level(
        involved in proptest::collection::btree_set(1_u8..6, 0..5),
        approvers in proptest::collection::vec((1_u8..6, proptest::option::of(Just(1_u8))), 0..6),
        named in any::<bool>(),
    ) {
        let mut play = Play::start();
        let levels = if named { serde_json::json!(["low"]) } else { serde_json::json!([]) };
        play.declare(crate::world::item("approval_rule", serde_json::json!({"name": "owner", "quorum": 2,
            "involved_may_approve": levels, "approvers": {"persons": (1..6).map(person).collect::<Vec<_>>()}})));
        let number = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).change;
        let hands = involved.iter().map(|number| author(*number)).collect();
        play.play([sluice_core::change::event::Involved { change: number, involved: hands, stated_of: None }.into()]);
        for (by, absent) in approvers {
            let change = play.change(number).clone();
            let command = Approve {
                change: number,
                person: person(by),
                on_behalf_of: absent.map(person),
                verdict: ApprovalVerdict::Approve,
                revision: change.revision.digest.clone(),
                reason: String::new(),
                auth_time: None,
                login: None,
                given_at: None,
            };
            let events = sluice_core::change::approve(&change, &play.standing.organisation, &command, play.now);
            if let Ok(events) = events {
                play.play(events);
            }
        }
        let judgement = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).judgement;
        let counted = &judgement.approvals.rules[0].met_by;
        prop_assert!(named || involved.iter().all(|number| !counted.contains(&person(*number))));
        if judgement.decision == Decision::Allow {
            prop_assert!(counted.len() >= 2);
        }
    }
}

#[test]
fn nobody_is_independent_of_a_commit_of_which_nothing_was_heard() {
    let facts = |unreported: &[u8]| ApprovalFacts {
        given: vec![given(1, Said { may: 1, ..Said::default() })],
        unreported: unreported.iter().map(|number| crate::world::commit(*number)).collect(),
        ..ApprovalFacts::default()
    };
    let wanted = [Requirement { rule: rule("a", 1, false).name, owed: false }];
    for (open, unreported, missing) in [(false, &[][..], 0), (false, &[7], 1), (true, &[7], 0)] {
        let rules = [rule("a", 1, open)];
        let standing = weigh(&rules, &facts(unreported), &wanted, RiskLevel::Low, now());
        assert_eq!(standing.rules[0].missing(), missing, "open {open}, {unreported:?}");
        let codes: Vec<_> = standing.discounted.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(codes, ["authorship_unknown"][..missing as usize]);
    }
}
