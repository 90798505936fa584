//! Many at once: one slot, one pass, one voice, one answer.

use std::collections::BTreeSet;

use sluice_core::gate::{Decision, Observed};
use sluice_engine::{EngineError, StartDetails};

use crate::world::{World, commit_id, digest, question};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_slot_of_a_service_goes_to_one_of_many_changes_at_a_time() {
    let world = World::start().await;
    for round in 0..4_u32 {
        let asks = (0..16_u8).map(|number| {
            let (engine, pipeline) = (world.engine.clone(), world.pipeline.clone());
            // Two changes ask again and again, by runs of their own.
            let side = number % 2;
            let mut asked = question("docs", 10 + side, u32::from(side));
            asked.commit = commit_id(10 + side);
            let key = format!("slot-{round}-{number}");
            tokio::spawn(async move { engine.ask(&pipeline, &key, [0; 32], asked, None).await })
        });
        let mut holders = BTreeSet::new();
        for ask in asks.collect::<Vec<_>>() {
            let answer = ask.await.unwrap().unwrap();
            if answer.decision == Decision::Allow {
                holders.insert(answer.change.unwrap());
            }
        }
        assert_eq!(holders.len(), 1, "round {round}");
        // The passes end, and the slot is free for either again.
        world.clock.advance(std::time::Duration::from_secs(16 * 60));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pass_that_many_show_at_once_is_taken_once() {
    let world = World::start().await;
    let answer = world.ask(question("docs", 1, 1)).await;
    let pass = answer.pass.unwrap().id;
    let shown = (0..200).map(|number| {
        let (engine, pipeline, pass) = (world.engine.clone(), world.pipeline.clone(), pass.clone());
        let observed = Observed { artifacts: [digest(1)].into(), ..Observed::default() };
        let key = format!("redeem-{number}");
        tokio::spawn(async move {
            let details = StartDetails::default();
            engine.redeem(&pipeline, &key, [0; 32], &pass, observed, details).await
        })
    });
    let mut redeemed = 0;
    for one in shown.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(_) => redeemed += 1,
            Err(EngineError::Refused(refusal)) => assert_eq!(refusal.code, "pass_redeemed"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(redeemed, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_person_who_says_yes_two_hundred_times_is_counted_once() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let number = world.ask(asked).await.change.unwrap();
    let bob = world.person("bob").await;
    let revision = world.change(number).revision.digest;
    let said = (0..200).map(|_| {
        let (engine, bob) = (world.engine.clone(), bob.clone());
        let input = sluice_engine::ApprovalInput {
            verdict: sluice_core::change::ApprovalVerdict::Approve,
            revision: revision.clone(),
            reason: String::new(),
            on_behalf_of: None,
        };
        tokio::spawn(async move { engine.approve(&bob, number, None, input).await })
    });
    let mut taken = 0;
    for one in said.collect::<Vec<_>>() {
        taken += usize::from(one.await.unwrap().is_ok());
    }
    assert_eq!(taken, 1);
    assert_eq!(world.change(number).approvals.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_sent_many_times_at_once_has_one_answer() {
    let world = World::start().await;
    let sent = (0..50).map(|_| {
        let (engine, pipeline) = (world.engine.clone(), world.pipeline.clone());
        let asked = question("docs", 1, 1);
        tokio::spawn(async move { engine.ask(&pipeline, "same", [7; 32], asked, None).await })
    });
    let mut ids = BTreeSet::new();
    for one in sent.collect::<Vec<_>>() {
        ids.insert(one.await.unwrap().unwrap().id.unwrap());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_push_that_is_heard_while_a_question_is_judged_is_judged_with_it_or_comes_after_it() {
    let world = World::start().await;
    let (mut with, mut without) = (0, 0);
    for number in 100..116_u8 {
        let tip = commit_id(number);
        world.pushed("refs/heads/topic", &[(&tip, "chidi-acme")]).await;
        let mut asked = question("ledger", number, u32::from(number));
        asked.lines_changed = Some(2_000);
        let change = world.ask_unheard(asked.clone()).await.change.unwrap();
        for handle in ["bob", "grace"] {
            let person = world.person(handle).await;
            world.approve(&person, change).await.unwrap();
        }
        let key = format!("race-{number}");
        let before = world.engine.standing().size;
        // Bob is the only one of the owners who said yes; now it is told that he pushed it elsewhere.
        let ask = tokio::spawn({
            let (engine, pipeline) = (world.engine.clone(), world.pipeline.clone());
            let lets_go_first = usize::from(number - 100) * 1_000;
            async move {
                for _ in 0..lets_go_first {
                    tokio::task::yield_now().await;
                }
                engine.ask(&pipeline, &key, [0; 32], asked, None).await
            }
        });
        let branch = format!("refs/heads/copy-{number}");
        let pushed = [(&tip, "bob-acme")];
        let (answer, ()) = tokio::join!(ask, world.pushed(&branch, &pushed));
        let answer = answer.unwrap().unwrap();
        let decided = answer.receipt.unwrap().index;
        let told = world.engine.readers().entries(before, 100).unwrap();
        let told = told.iter().find(|entry| entry.name == "source.seen").unwrap().seq;
        let expected = if told < decided { Decision::Wait } else { Decision::Allow };
        assert_eq!(answer.decision, expected, "{number}: told {told}, decided {decided}");
        *(if told < decided { &mut with } else { &mut without }) += 1;
        world.clock.advance(std::time::Duration::from_secs(16 * 60));
    }
    println!("{with} with what was told, {without} before it");
}
