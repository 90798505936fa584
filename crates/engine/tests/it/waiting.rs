//! Waiting at the gate: woken by what is waited for, and by nothing else.

use std::sync::Arc;
use std::time::Duration;

use sluice_core::change::{Evidence, EvidenceStatus};
use sluice_core::gate::Decision;
use sluice_testkit::FakeClock;

use crate::world::{World, acme, commit_id, question};

#[tokio::test]
async fn an_approval_wakes_a_question_that_waits() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let first = world.ask(asked.clone()).await;
    assert_eq!(first.decision, Decision::Wait);
    let number = first.change.unwrap();
    let waits =
        world.engine.ask(&world.pipeline, "waits", [0; 32], asked, Some(Duration::from_secs(600)));
    let approves = async {
        for handle in ["bob", "grace", "ines"] {
            let person = world.person(handle).await;
            let _ = world.approve(&person, number).await;
        }
    };
    let (answer, ()) = tokio::join!(waits, approves);
    assert_eq!(answer.unwrap().decision, Decision::Allow);
}

#[tokio::test]
async fn the_lifting_of_a_stop_is_heard_by_whoever_asks_anew_and_a_wait_that_ends_says_wait() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let answer = world
        .engine
        .ask(&world.pipeline, "short", [0; 32], asked.clone(), Some(Duration::ZERO))
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer.decision, Decision::Wait);
    // The key belongs to that answer now.
    let again = world
        .engine
        .ask(&world.pipeline, "short", [0; 32], asked, Some(Duration::ZERO))
        .await
        .unwrap();
    assert!(again.replayed);
    assert_eq!(again.id, answer.id);
}

#[tokio::test]
async fn a_question_that_waits_for_a_freeze_is_woken_by_its_end() {
    let mut folder = acme();
    let freeze = "windows:\n  - name: stock-taking\n    kind: freeze\n    scope: {services: [docs]}\n    zone: UTC\n    \
                  start: 2026-03-04T09:00:00\n    end: 2026-03-04T10:00:01\n    reason: The shelves are counted.\n";
    folder.insert("calendar/stock.yaml".to_owned(), freeze.as_bytes().to_vec());
    let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00.95Z"));
    let world = World::among(&clock, Arc::new(sluice_engine::outbound::Nowhere), &folder).await;
    world.pushed("refs/heads/topic", &[(&commit_id(1), "chidi-acme")]).await;
    let waits = world.engine.ask(
        &world.pipeline,
        "frozen",
        [0; 32],
        question("docs", 1, 1),
        Some(Duration::from_secs(600)),
    );
    let mut size = world.engine.watch_size();
    size.mark_unchanged();
    // Nothing happens but that the answer of `wait` is recorded, and that time goes on.
    let goes_on = async {
        size.changed().await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    };
    let (answer, ()) = tokio::join!(waits, goes_on);
    let answer = answer.unwrap();
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let decided: Vec<_> = world
        .engine
        .readers()
        .entries(0, 10_000)
        .unwrap()
        .into_iter()
        .filter(|entry| entry.name == "gate.decided")
        .collect();
    assert_eq!(decided.len(), 2, "one `wait` and one `allow`, and nothing in between");
    let held = String::from_utf8(decided[0].bytes.clone()).unwrap();
    assert!(held.contains("2026-03-04T10:00:01"), "it says until when: {held}");
}

/// Something that was read for the answer is altered, and the answer is not.
#[tokio::test]
async fn what_alters_no_answer_is_looked_at_once() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let number = world.ask(asked.clone()).await.change.unwrap();
    let waits =
        world.engine.ask(&world.pipeline, "waits", [0; 32], asked, Some(Duration::from_secs(600)));
    let meanwhile = async {
        let mut elsewhere = question("docs", 7, 7);
        elsewhere.emergency = Some("the price list is wrong".into());
        let elsewhere = world.ask(elsewhere).await.change.unwrap();
        assert!(world.change(elsewhere).owed().count() > 0, "debts are read by every question");
        for handle in ["bob", "grace", "ines"] {
            let _ = world.approve(&world.person(handle).await, number).await;
        }
    };
    let (answer, ()) = tokio::join!(waits, meanwhile);
    assert_eq!(answer.unwrap().decision, Decision::Allow);
}

#[tokio::test]
async fn what_is_heard_while_a_question_waits_is_newer_than_what_it_brought() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let number = world.ask(asked.clone()).await.change.unwrap();
    let waits = world.engine.ask(
        &world.pipeline,
        "waits",
        [0; 32],
        asked.clone(),
        Some(Duration::from_secs(600)),
    );
    let meanwhile = async {
        asked.evidence[0].status = EvidenceStatus::Failed;
        world.ask(asked.clone()).await;
        for handle in ["bob", "grace", "ines"] {
            let _ = world.approve(&world.person(handle).await, number).await;
        }
    };
    let (answer, ()) = tokio::join!(waits, meanwhile);
    assert_eq!(answer.unwrap().decision, Decision::Deny);
    let tests = world.change(number).evidence.into_iter().find(|one| one.kind == "test_report");
    assert_eq!(tests.unwrap().status, EvidenceStatus::Failed);
}

#[tokio::test]
async fn a_question_brings_its_evidence_to_the_change_that_takes_the_place_of_one_that_was_ended() {
    let world = World::start().await;
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let first = world.ask(asked.clone()).await.change.unwrap();
    let waits =
        world.engine.ask(&world.pipeline, "waits", [0; 32], asked, Some(Duration::from_secs(600)));
    let meanwhile = async {
        let why = "another way was found".to_owned();
        world.engine.cancel_change(&world.admin, first, None, why).await.unwrap();
        let mut size = world.engine.watch_size();
        let second = loop {
            size.mark_unchanged();
            let standing = world.engine.standing();
            if let Some(open) = standing.changes.values().find(|it| !it.state.is_over()) {
                break open.number;
            }
            size.changed().await.unwrap();
        };
        for handle in ["bob", "grace", "ines"] {
            let _ = world.approve(&world.person(handle).await, second).await;
        }
        second
    };
    let (answer, second) = tokio::join!(waits, meanwhile);
    assert_eq!(answer.unwrap().decision, Decision::Allow);
    let evidence = |number| world.change(number).evidence.into_iter().map(|one| one.kind);
    assert_eq!(evidence(second).collect::<Vec<_>>(), evidence(first).collect::<Vec<_>>());
    assert!(evidence(second).any(|kind| kind == "test_report"));
}

/// Two attempts of a run wait with the same change, which is ended; both come to the one that takes its place.
#[tokio::test]
async fn the_newest_of_what_several_questions_brought_goes_to_the_next_change() {
    let world = World::start().await;
    let attempt = |number: u32| {
        let mut asked = question("payments", 2, 2);
        asked.lines_changed = Some(2_000);
        asked.run.attempt = number;
        asked.evidence[0].url = Some(format!("https://ci.example/{number}"));
        asked
    };
    let first = world.ask(attempt(1)).await.change.unwrap();
    let wait = Some(Duration::from_secs(600));
    let (engine, pipeline) = (&world.engine, &world.pipeline);
    let older = engine.ask(pipeline, "older", [0; 32], attempt(1), wait);
    let newer = engine.ask(pipeline, "newer", [0; 32], attempt(2), wait);
    let meanwhile = async {
        let mut size = engine.watch_size();
        let newest = |number| {
            let change = engine.standing().changes.get(&number).cloned();
            change.is_some_and(|it| urls(&it.evidence) == ["https://ci.example/2"])
        };
        while !newest(first) {
            size.changed().await.unwrap();
        }
        engine.cancel_change(&world.admin, first, None, "another way".to_owned()).await.unwrap();
        let second = loop {
            size.mark_unchanged();
            let standing = engine.standing();
            if let Some(open) = standing.changes.values().find(|it| !it.state.is_over()) {
                break open.number;
            }
            size.changed().await.unwrap();
        };
        for handle in ["bob", "grace", "ines"] {
            let _ = world.approve(&world.person(handle).await, second).await;
        }
        second
    };
    let (older, newer, second) = tokio::join!(older, newer, meanwhile);
    assert_eq!((older.unwrap().change, newer.unwrap().change), (Some(second), Some(second)));
    assert_eq!(urls(&world.change(second).evidence), ["https://ci.example/2"]);
}

fn urls(evidence: &[Evidence]) -> Vec<&str> {
    evidence.iter().filter_map(|one| one.url.as_deref()).collect()
}
