//! Who wrote what is deployed, and that nobody's approval counts until that is known.

use std::collections::BTreeSet;

use sluice_core::change::InvolvementRole;
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::CommitId;

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

/// A pull request of `topic` was merged: by a merge commit, or squashed.
async fn merged(world: &World, head: u8, merge: u8, commits: u64) {
    let who = |login: &str| serde_json::json!({"login": login, "id": 2, "type": "User"});
    let body = serde_json::json!({
        "action": "closed", "number": 7,
        "pull_request": {"number": 7, "title": "Round amounts", "html_url": "https://x", "merged": true,
            "user": who("chidi-acme"), "merged_by": who("emre-acme"), "merged_at": "2026-03-04T09:30:00Z",
            "merge_commit_sha": commit_id(merge).as_str(), "additions": 900, "deletions": 1_100,
            "changed_files": 3, "commits": commits,
            "head": {"ref": "topic", "sha": commit_id(head).as_str()},
            "base": {"ref": "main", "sha": commit_id(99).as_str()}},
        "repository": {"id": 1, "full_name": "acme/payments", "default_branch": "main", "html_url": "https://github.com/acme/payments"},
        "sender": who("emre-acme"),
    });
    world.github("pull_request", &format!("merged-{merge}"), &body).await;
}

/// Codes of the approvals that do not count, once everybody has tried to say yes.
async fn codes(world: &World, commit: u8) -> (Decision, BTreeSet<String>) {
    approved_by(world, large(commit)).await;
    let answer = world.ask_unheard(large(commit)).await;
    let codes = answer.approvals.discounted.iter().map(|given| given.code.clone());
    (answer.decision, codes.collect())
}

fn unknown() -> (Decision, BTreeSet<String>) {
    (Decision::Wait, ["authorship_unknown".to_owned()].into())
}

/// Where a branch stood before it began.
fn nothing() -> CommitId {
    commit_id(0)
}

#[tokio::test]
async fn a_push_that_may_list_only_some_of_its_commits_tells_of_none_who_wrote_it() {
    let world = World::start().await;
    let ids: Vec<_> = (100..120).map(commit_id).collect();
    let twenty: Vec<_> = ids.iter().map(|id| (id, "chidi-acme")).collect();
    world.pushed("refs/heads/topic", &twenty).await;
    assert_eq!(codes(&world, 119).await, unknown());
    // One fewer is all there were.
    let world = World::start().await;
    world.pushed("refs/heads/topic", &twenty[1..]).await;
    assert_eq!(codes(&world, 119).await.0, Decision::Allow);
}

#[tokio::test]
async fn a_squashed_branch_is_known_by_its_pushes_with_everybody_who_wrote_it() {
    for (from, commits, expected) in
        [(40, 3, Decision::Allow), (41, 3, Decision::Wait), (40, 4, Decision::Wait)]
    {
        let world = World::start().await;
        // Of a branch of three pushes, those from `from` on are heard.
        let authors = ["dana-acme", "chidi-acme", "chidi-acme"];
        for (number, author) in (40..43).zip(authors).filter(|(number, _)| *number >= from) {
            let before = if number == 40 { nothing() } else { commit_id(number - 1) };
            world.pushed_onto("refs/heads/topic", &before, &[(&commit_id(number), author)]).await;
        }
        merged(&world, 42, 44, commits).await;
        world.pushed("refs/heads/main", &[(&commit_id(44), "chidi-acme")]).await;
        let (decision, codes) = codes(&world, 44).await;
        assert_eq!(decision, expected, "from {from} with {commits} proposed: {codes:?}");
    }
}

#[tokio::test]
async fn whoever_wrote_an_earlier_commit_of_a_merged_branch_cannot_approve_it() {
    let world = World::start().await;
    world.pushed_onto("refs/heads/topic", &nothing(), &[(&commit_id(45), "bob-acme")]).await;
    world.pushed_onto("refs/heads/topic", &commit_id(45), &[(&commit_id(46), "chidi-acme")]).await;
    merged(&world, 46, 47, 2).await;
    world.pushed("refs/heads/main", &[(&commit_id(47), "chidi-acme")]).await;
    assert!(!approved_by(&world, large(47)).await.contains("bob"));
}

/// A push to `main` of one commit.
async fn onto_main(world: &World, before: u8, commit: u8, author: &str) {
    let (before, commit) = (commit_id(before), commit_id(commit));
    world.pushed_onto("refs/heads/main", &before, &[(&commit, author)]).await;
}

/// A commit goes to production and runs there.
async fn runs(world: &World, commit: u8) {
    approved_by(world, large(commit)).await;
    deploys(world, large(commit)).await;
}

/// What is allowed is deployed, and succeeds.
async fn deploys(world: &World, asked: Question) {
    let artifacts = asked.artifacts.clone();
    let answer = world.ask_unheard(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let deployed = world.redeem(&answer, artifacts).await.unwrap();
    let good = serde_json::json!({"state": "succeeded", "health": "healthy"});
    world.report(deployed.deployment, good).await;
}

#[tokio::test]
async fn whoever_pushed_since_what_runs_cannot_approve_what_takes_it_along() {
    let world = World::start().await;
    onto_main(&world, 99, 60, "chidi-acme").await;
    runs(&world, 60).await;
    // Two pushes, of which only the second is deployed: both go to production.
    onto_main(&world, 60, 61, "bob-acme").await;
    onto_main(&world, 61, 62, "chidi-acme").await;
    let taken = approved_by(&world, large(62)).await;
    assert!(!taken.contains("bob") && !taken.is_empty(), "{taken:?}");
    let alice = world.person("alice").await;
    let number = world.ask_unheard(large(62)).await.change.unwrap();
    world.approve(&alice, number).await.unwrap();
    // Once 61 ran, its author has no hand in what comes after.
    deploys(&world, large(62)).await;
    onto_main(&world, 62, 63, "chidi-acme").await;
    assert!(approved_by(&world, large(63)).await.contains("bob"));
}

#[tokio::test]
async fn a_push_since_what_runs_that_was_not_heard_leaves_it_unknown_until_it_is() {
    let world = World::start().await;
    onto_main(&world, 99, 64, "chidi-acme").await;
    runs(&world, 64).await;
    onto_main(&world, 65, 66, "chidi-acme").await;
    assert_eq!(codes(&world, 66).await, unknown());
    let answer = world.ask_unheard(large(66)).await;
    let missing = commit_id(65).to_string();
    assert!(
        answer
            .reasons
            .iter()
            .any(|it| it.rule == "approvals.unreported" && it.message.contains(&missing))
    );
    onto_main(&world, 64, 65, "ines-acme").await;
    let answer = world.ask_unheard(large(66)).await;
    let codes: BTreeSet<_> =
        answer.approvals.discounted.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["involved"].into(), "only hers: {:#?}", answer.approvals);
}

#[tokio::test]
async fn what_an_emergency_took_along_is_not_approved_afterwards_by_who_wrote_it() {
    let world = World::start().await;
    onto_main(&world, 99, 67, "chidi-acme").await;
    runs(&world, 67).await;
    onto_main(&world, 67, 68, "bob-acme").await;
    onto_main(&world, 68, 69, "chidi-acme").await;
    let mut asked = large(69);
    asked.emergency = Some("payments are down".into());
    let number = world.ask_unheard(asked.clone()).await.change.unwrap();
    deploys(&world, asked).await;
    let bob = world.person("bob").await;
    let refused = world.approve(&bob, number).await.unwrap_err();
    assert!(format!("{refused:?}").contains("own_change"), "{refused:?}");
}

#[tokio::test]
async fn a_push_of_the_branch_that_comes_late_completes_what_is_known() {
    let world = World::start().await;
    world.pushed_onto("refs/heads/topic", &commit_id(48), &[(&commit_id(49), "chidi-acme")]).await;
    merged(&world, 49, 50, 2).await;
    assert_eq!(codes(&world, 50).await, unknown());
    world.pushed_onto("refs/heads/topic", &nothing(), &[(&commit_id(48), "ines-acme")]).await;
    let answer = world.ask_unheard(large(50)).await;
    let involved: Vec<_> =
        answer.approvals.discounted.iter().filter(|given| given.code == "involved").collect();
    assert!(!involved.is_empty(), "{:#?}", answer.approvals);
}

#[tokio::test]
async fn a_merge_that_comes_with_all_its_commits_needs_no_push_of_the_branch() {
    let world = World::start().await;
    merged(&world, 52, 53, 2).await;
    assert_eq!(codes(&world, 53).await, unknown());
    let commits = [51, 52, 53].map(commit_id);
    let listed: Vec<_> = commits.iter().map(|commit| (commit, "chidi-acme")).collect();
    world.pushed("refs/heads/main", &listed).await;
    assert_eq!(codes(&world, 53).await.0, Decision::Allow);
}

#[tokio::test]
async fn a_pipeline_states_the_authors_only_where_the_organisation_believes_it() {
    for believed in [false, true] {
        let world = World::start().await;
        if believed {
            world.believe_pipelines().await;
        }
        let mut asked = large(54);
        asked.authors = world.engine.stated_authors(&["chidi.okafor@acme.example".into()]).unwrap();
        approved_by(&world, asked.clone()).await;
        let answer = world.ask_unheard(asked.clone()).await;
        let expected = if believed { Decision::Allow } else { Decision::Wait };
        assert_eq!(answer.decision, expected, "{believed}: {:#?}", answer.reasons);
        let change = world.change(answer.change.unwrap());
        let stated = change.involved.iter().any(|by| by.role == InvolvementRole::StatedAuthor);
        assert!(stated && change.authors_stated.contains(&commit_id(54)));
        // What was stated of one commit says nothing of another.
        asked.commit = commit_id(55);
        asked.authors = BTreeSet::new();
        approved_by(&world, asked.clone()).await;
        assert_eq!(world.ask_unheard(asked).await.decision, Decision::Wait);
    }
}

#[tokio::test]
async fn an_author_whom_the_pipeline_states_cannot_approve() {
    let world = World::start().await;
    world.believe_pipelines().await;
    let mut asked = large(56);
    asked.authors = world.engine.stated_authors(&["github:bob-acme".into()]).unwrap();
    assert!(!approved_by(&world, asked).await.contains("bob"));
    for wrong in ["", "bob", "github:", "a\n@b"] {
        assert!(world.engine.stated_authors(&[wrong.into()]).is_err(), "{wrong}");
    }
    assert!(world.engine.stated_authors(&["noreply@github.com".into()]).unwrap().is_empty());
}
