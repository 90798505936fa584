//! Nobody approves their own change by the account of another person that went through their hands.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use sluice_core::access::event::FactorChanged;
use sluice_core::approvals::{VoterStanding, electorate};
use sluice_core::change::command::Approve;
use sluice_core::change::event::Involved;
use sluice_core::change::{self, ApprovalVerdict};
use sluice_core::gate::Decision;
use sluice_core::ids::{ChangeNumber, PersonId, TokenId};
use sluice_core::standing::Actor;

use crate::world::{Play, author, item, person, question, wants};

const WEEK_HOURS: i64 = 7 * 24;

/// Whose hands, as the test says it: a person, or 0 for a token that nobody answers for.
type Reset = (u8, u8, i64);

/// A change of which `authors` wrote a commit, for a rule that lets persons 1 to 5 speak; `resets` are so many hours ago.
fn play(authors: &[u8], quorum: u32, open: bool, resets: &[Reset]) -> (Play, ChangeNumber) {
    let mut play = Play::start();
    let levels = if open { json!(["low"]) } else { json!([]) };
    let approvers = json!({"persons": (1..6).map(person).collect::<Vec<_>>()});
    play.declare(item(
        "approval_rule",
        json!({"name": "owner", "quorum": quorum, "involved_may_approve": levels, "approvers": approvers}),
    ));
    let mut resets = resets.to_vec();
    resets.sort_by_key(|(.., hours)| -*hours);
    let mut passed = 20 * 24;
    for (by, whom, hours) in resets {
        play.later((passed - hours) * 60);
        passed = hours;
        play.play_as(&hand(by), [code(whom).into()]);
    }
    play.later(passed * 60);
    let number = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).change;
    let involved = authors.iter().map(|number| author(*number)).collect();
    play.play([Involved { change: number, involved, stated_of: None }.into()]);
    (play, number)
}

fn hand(by: u8) -> Actor {
    match by {
        0 => Actor::Pipeline(TokenId::parse("t-unknown00000").unwrap()),
        by => Actor::Person(person(by)),
    }
}

fn code(whom: u8) -> FactorChanged {
    FactorChanged { person: person(whom), factor: "enrolment".into(), present: true }
}

fn approve(play: &mut Play, number: ChangeNumber, by: u8) {
    let change = play.change(number).clone();
    let command = Approve {
        change: number,
        person: person(by),
        on_behalf_of: None,
        verdict: ApprovalVerdict::Approve,
        revision: change.revision.digest.clone(),
        reason: String::new(),
        auth_time: Some(play.now),
        login: None,
        given_at: None,
    };
    match change::approve(&change, &play.standing.organisation, &command, play.now) {
        Ok(events) => play.play(events),
        Err((refusal, _)) => assert_eq!(refusal.code, "own_change"),
    }
}

/// The second definition: what the guide promises, said from the resets alone.
fn could_be_one(resets: &[Reset], one: u8, other: u8) -> bool {
    let hands = |of: u8| -> BTreeSet<u8> {
        let lately = resets.iter().filter(|(_, whom, hours)| *whom == of && *hours < WEEK_HOURS);
        lately.map(|(by, ..)| *by).collect()
    };
    let (ones, others) = (hands(one), hands(other));
    one != other
        && (ones.contains(&other)
            || others.contains(&one)
            || ones.contains(&0)
            || others.contains(&0)
            || !ones.is_disjoint(&others))
}

#[test]
fn whoever_set_an_account_back_does_not_approve_their_change_by_it() {
    // 2 wrote it, and set back the account of 3 so many hours ago.
    for (hours, counts) in [(0, false), (WEEK_HOURS - 1, false), (WEEK_HOURS, true)] {
        let (mut play, number) = play(&[2], 1, false, &[(2, 3, hours)]);
        let before = electorate(&play.standing, play.change(number), play.now);
        let standing = |of: &[sluice_core::approvals::RuleElectorate], who: &PersonId| {
            of[0].voters.iter().find(|voter| voter.person == *who).map(|voter| voter.standing)
        };
        let wanted = if counts { VoterStanding::Could } else { VoterStanding::Hands };
        assert_eq!(standing(&before, &person(3)), Some(wanted), "{hours}");
        assert_eq!(standing(&before, &person(4)), Some(VoterStanding::Could));
        approve(&mut play, number, 3);
        // Waiting makes nothing of a word that did not count when it was given.
        for days in [0, 6] {
            play.later(days * 24 * 60);
            let asked = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).judgement;
            let decision = if counts { Decision::Allow } else { Decision::Wait };
            assert_eq!(asked.decision, decision, "{hours} h, {days} d: {:#?}", asked.approvals);
            let codes: Vec<_> =
                asked.approvals.discounted.iter().map(|it| it.code.as_str()).collect();
            assert_eq!(codes, ["hands"][..usize::from(!counts)]);
            assert_eq!(
                asked.reasons.iter().any(|it| it.message.contains("made or set back")),
                !counts
            );
        }
        approve(&mut play, number, 4);
        let asked = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).judgement;
        assert_eq!(asked.decision, Decision::Allow, "somebody else is somebody else");
    }
}

#[test]
fn an_account_that_is_set_back_later_takes_no_word_back() {
    let (mut play, number) = play(&[2], 1, false, &[]);
    approve(&mut play, number, 3);
    play.later(60);
    play.play_as(&hand(2), [code(3).into()]);
    let asked = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).judgement;
    assert_eq!(asked.decision, Decision::Allow, "{:#?}", asked.approvals);
}

proptest! {
    #[test]
    fn no_word_counts_beside_that_of_somebody_who_could_have_given_it(
        authors in proptest::collection::btree_set(1_u8..6, 1..3),
        resets in proptest::collection::vec((0_u8..7, 1_u8..6, prop_oneof![0_i64..WEEK_HOURS, WEEK_HOURS..300]), 0..4),
        approvers in proptest::collection::btree_set(1_u8..6, 1..6),
        quorum in 1_u32..3,
        open in any::<bool>(),
    ) {
        let authors: Vec<u8> = authors.into_iter().collect();
        let resets: Vec<Reset> = resets.into_iter().filter(|(by, whom, _)| by != whom).collect();
        let (mut play, number) = play(&authors, quorum, open, &resets);
        for by in &approvers {
            approve(&mut play, number, *by);
        }
        let judgement = play.ask(&question("shop", 1, 1), &wants(&["owner"], false)).judgement;
        let counted: Vec<u8> = (1..6)
            .filter(|number| judgement.approvals.rules[0].met_by.contains(&person(*number)))
            .collect();
        let ties = |one: u8, others: &[u8]| others.iter().any(|other| could_be_one(&resets, one, *other));
        for one in &counted {
            prop_assert!(open || !ties(*one, &authors), "{one} could be an author: {resets:?}");
            prop_assert!(!ties(*one, &counted), "{one} could be another who is counted: {resets:?}");
        }
        // And whoever is tied to nobody is heard.
        let said: Vec<u8> = approvers.into_iter().collect();
        let free = said.iter().filter(|one| !ties(**one, &said) && !ties(**one, &authors));
        let free = free.filter(|one| open || !authors.contains(one)).count();
        prop_assert!(counted.len() >= free.min(quorum as usize), "{counted:?} of {said:?}: {resets:?}");
    }
}

#[test]
fn a_word_is_not_said_to_count_elsewhere_while_an_author_is_not_known() {
    // Nobody has the identity 9.
    for (author, wanted) in [(2, VoterStanding::Counted), (9, VoterStanding::Unreported)] {
        let (mut play, number) = play(&[author], 1, false, &[]);
        approve(&mut play, number, 1);
        let after = electorate(&play.standing, play.change(number), play.now);
        let voter = after[0].voters.iter().find(|voter| voter.person == person(1)).unwrap();
        assert_eq!(voter.standing, wanted, "{author}");
    }
}
