//! Deliveries that bring more than an entry holds: they are taken in as far as they go, and the others flow.

use serde_json::{Value, json};
use sluice_core::gate::Decision;

use crate::world::{World, against, commit_id, question};

/// One commit of a push.
fn commit(id: &str, author: &str, paths: &[String]) -> Value {
    json!({"id": id, "message": "Round amounts", "timestamp": "2026-03-04T09:00:00Z", "author": {"name": author, "username": author},
        "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
        "added": [], "removed": [], "modified": paths, "distinct": true, "url": "https://x", "tree_id": "x"})
}

async fn pushed(world: &World, id: &str, commits: Vec<Value>) {
    let body = json!({
        "ref": "refs/heads/main", "before": commit_id(99).as_str(), "after": commits.last().unwrap()["id"], "created": false,
        "deleted": false, "forced": false, "compare": "https://github.com/acme/payments/compare/a...b",
        "repository": {"id": 1, "full_name": "acme/payments", "default_branch": "main", "html_url": "https://github.com/acme/payments"},
        "sender": {"login": "chidi-acme", "id": 2, "type": "User"}, "pusher": {"name": "chidi-acme"},
        "head_commit": null, "commits": commits,
    });
    world.github("push", id, &body).await;
}

/// The states of all deliveries.
fn states(world: &World) -> Vec<String> {
    let page = sluice_engine::store::Page { limit: 100, ..Default::default() };
    let rows = world.engine.readers().inbox(&Default::default(), page).unwrap();
    rows.into_iter().map(|row| row.state).collect()
}

#[tokio::test]
async fn a_push_of_many_long_paths_is_taken_in_with_as_many_as_an_entry_holds() {
    let world = World::start().await;
    let paths: Vec<String> = (0..200).map(|n| format!("src/{n:03}/{}", "\"".repeat(350))).collect();
    pushed(&world, "long", vec![commit(commit_id(1).as_str(), "chidi-acme", &paths)]).await;
    pushed(&world, "next", vec![commit(commit_id(2).as_str(), "chidi-acme", &["a".into()])]).await;
    assert_eq!(states(&world), ["done", "done"]);
    let standing = world.engine.standing();
    let kept = &standing.sources[&commit_id(1)].paths;
    assert!((10..200).contains(&kept.len()) && *kept == paths[..kept.len()], "{}", kept.len());
}

#[tokio::test]
async fn of_a_push_of_a_thousand_people_not_everybody_is_known() {
    let world = World::start().await;
    let many = (0..1_000).map(|n| commit(&format!("{n:040x}"), &format!("author-{n}"), &[]));
    let own = commit(commit_id(1).as_str(), "chidi-acme", &[]);
    pushed(&world, "many", many.chain([own]).collect()).await;
    pushed(&world, "next", vec![commit(commit_id(2).as_str(), "chidi-acme", &[])]).await;
    assert_eq!(states(&world), ["done", "done"]);
    let standing = world.engine.standing();
    let seen = &standing.sources[&commit_id(1)];
    assert!(seen.people_cut);
    let chidi = world.engine.person_by_handle("chidi").unwrap();
    let known = |by: &sluice_core::change::Involvement| {
        standing.organisation.person_of(&by.identity) == Some(&chidi)
    };
    assert!(seen.involved.iter().any(known), "whoever is known here is kept");
    let behind = standing.behind(&commit_id(1));
    assert!(!behind.everybody && behind.unheard.contains(&commit_id(1)));
    assert!(standing.behind(&commit_id(2)).everybody);
    let answer = world.ask(question("payments", 1, 1)).await;
    assert_ne!(answer.decision, Decision::Allow);
    assert!(!against(&answer).is_empty());
}
