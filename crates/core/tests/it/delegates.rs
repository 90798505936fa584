//! Words of several delegates of one person.

use serde_json::json;
use sluice_core::change::{ApprovalVerdict, command::Approve};
use sluice_core::gate::Decision;

use crate::world::{Play, identity, item, person, question, wants};

use ApprovalVerdict::{Approve as Yes, Reject as No};

/// Person 1, who has named these as delegates.
fn delegating(delegates: &[u8]) -> sluice_core::organisation::Item {
    let delegates: Vec<_> = delegates.iter().map(|by| person(*by)).collect();
    item("person", json!({"id": person(1), "identities": [identity(1)], "delegates": delegates}))
}

#[test]
fn a_no_that_was_taken_counts_whoever_else_spoke_for_the_same_person() {
    // Who says what for 1, whom they have named by the end, and whether somebody's no counts.
    for (words, named, decision) in [
        (vec![(5, true, Yes), (4, true, No)], &[4, 5][..], Decision::Deny),
        (vec![(4, true, No), (5, true, Yes)], &[4, 5], Decision::Deny),
        (vec![(1, false, Yes), (5, true, No)], &[4, 5], Decision::Deny),
        (vec![(5, true, No), (1, false, Yes)], &[4, 5], Decision::Deny),
        (vec![(5, true, No), (5, true, Yes)], &[4, 5], Decision::Allow),
        // Somebody who is no delegate any more neither speaks nor stands in the way of one who is.
        (vec![(5, true, No), (4, true, Yes)], &[4], Decision::Allow),
        (vec![(5, true, Yes), (4, true, Yes)], &[4], Decision::Allow),
        (vec![(5, true, Yes)], &[4], Decision::Wait),
    ] {
        let mut play = Play::start();
        play.declare(delegating(&[4, 5]));
        let verdict = wants(&["owner"], false);
        let number = play.ask(&question("shop", 1, 1), &verdict).change;
        for (by, instead, verdict) in &words {
            let on_behalf_of = instead.then(|| person(1));
            let change = play.change(number);
            let command = Approve {
                change: number,
                person: person(*by),
                on_behalf_of,
                verdict: *verdict,
                revision: change.revision.digest.clone(),
                reason: String::new(),
                auth_time: None,
                login: None,
                given_at: None,
            };
            let organisation = &play.standing.organisation;
            let events = sluice_core::change::approve(change, organisation, &command, play.now);
            play.play(events.map_err(|(refusal, _)| refusal.code).unwrap());
            play.later(1);
        }
        play.declare(delegating(named));
        let asked = play.ask(&question("shop", 1, 1), &verdict);
        assert_eq!(asked.judgement.decision, decision, "{words:?} {named:?}");
    }
}
