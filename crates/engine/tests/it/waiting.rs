//! Waiting at the gate: woken by what is waited for, and by nothing else.

use std::time::Duration;

use sluice_core::gate::Decision;

use crate::world::{World, question};

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
