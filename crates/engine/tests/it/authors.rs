//! Who wrote what is deployed, and that nobody's approval counts until that is known.

use std::collections::BTreeSet;

use sluice_core::gate::{Decision, Question};

use crate::world::{World, commit_id, question};

const PEOPLE: [&str; 4] = ["bob", "grace", "ines", "dana"];

/// A question about so large a change that people have to say yes.
fn large(commit: u8) -> Question {
    let mut asked = question("payments", commit, u32::from(commit));
    asked.lines_changed = Some(2_000);
    asked
}

/// Everybody says yes; gives whose yes was not refused.
async fn approved_by(world: &World, asked: Question) -> BTreeSet<&'static str> {
    let number = world.ask_unheard(asked).await.change.unwrap();
    let mut taken = BTreeSet::new();
    for handle in PEOPLE {
        let person = world.person(handle).await;
        if world.approve(&person, number).await.is_ok() {
            taken.insert(handle);
        }
    }
    taken
}

#[tokio::test]
async fn approvals_count_only_when_a_push_has_told_who_wrote_the_commit() {
    let world = World::start().await;
    approved_by(&world, large(31)).await;
    let answer = world.ask_unheard(large(31)).await;
    assert_eq!(answer.decision, Decision::Wait, "{:#?}", answer.reasons);
    assert!(!answer.approvals.discounted.is_empty());
    for discounted in &answer.approvals.discounted {
        assert_eq!(discounted.code, "authorship_unknown");
    }
    assert!(answer.reasons.iter().any(|reason| reason.rule == "approvals.unreported"));
    world.pushed("refs/heads/topic", &[(&commit_id(31), "chidi-acme")]).await;
    let answer = world.ask_unheard(large(31)).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
}

#[tokio::test]
async fn every_commit_of_a_push_is_known_with_its_authors() {
    for number in [32, 33] {
        let world = World::start().await;
        let commits = [(&commit_id(32), "chidi-acme"), (&commit_id(33), "chidi-acme")];
        world.pushed("refs/heads/topic", &commits).await;
        assert!(!approved_by(&world, large(number)).await.is_empty());
        let answer = world.ask_unheard(large(number)).await;
        assert_eq!(answer.decision, Decision::Allow, "{number}: {:#?}", answer.reasons);
        let change = world.change(answer.change.unwrap());
        assert!(!change.involved.is_empty(), "{number}");
    }
}

#[tokio::test]
async fn an_author_who_becomes_known_after_the_question_has_a_hand_in_the_change() {
    let world = World::start().await;
    let number = world.ask_unheard(large(34)).await.change.unwrap();
    assert!(world.change(number).involved.is_empty());
    // The commit is in the middle of the push that tells of it.
    let commits = [(&commit_id(34), "chidi-acme"), (&commit_id(35), "chidi-acme")];
    world.pushed("refs/heads/topic", &commits).await;
    assert!(!world.change(number).involved.is_empty());
}
