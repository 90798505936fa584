//! Random walks over the HTTP API: people say yes and no, teams change, pipelines ask. Whatever the order, nothing goes
//! without the word of somebody who may give it and had no hand in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use sluice_core::permission::Permission;
use sluice_testkit::{ORGANISATION, SeededRng, TestApp};

use crate::gate::{ask, question};
use crate::hooks::pushed;

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// What the walk knows by itself: who is in the owning team, and each one's last word on the revision of each change.
struct Known {
    members: BTreeSet<&'static str>,
    words: BTreeMap<(u32, &'static str), (bool, String)>,
    revisions: BTreeMap<u32, (String, String)>,
    allowed: u32,
    held: u32,
}

async fn walk(seed: u64) -> (u32, u32) {
    let rng = SeededRng::new(seed);
    let pick = |most: u64| rng.number() % most;
    let app = TestApp::start().await;
    for change in 1..=2 {
        pushed(&app, "shop", change).await;
    }
    let mut known = Known {
        members: ["alice", "bob"].into(),
        words: BTreeMap::new(),
        revisions: BTreeMap::new(),
        allowed: 0,
        held: 0,
    };
    for step in 0..40 {
        let change = u32::try_from(pick(2)).expect("small") + 1;
        let who = PEOPLE[usize::try_from(pick(3)).expect("small")];
        match pick(5) {
            0 | 1 => asks(&app, &mut known, change, &format!("seed-{seed}-step-{step}")).await,
            2 | 3 => says(&app, &mut known, change, who, pick(3) > 0).await,
            _ => moves(&app, &mut known, who).await,
        }
    }
    (known.allowed, known.held)
}

/// A pipeline asks; if it may go, the words that were said have to bear it.
async fn asks(app: &TestApp, known: &mut Known, change: u32, what: &str) {
    // Passes given before have ended by then: there is one slot for a service.
    app.clock.advance(Duration::from_secs(16 * 60));
    let answered = ask(app, what, &question("shop", change)).await;
    assert_eq!(answered.status, 200, "{what}: {answered:?}");
    let answered = answered.json();
    let text = |name: &str| answered[name].as_str().unwrap_or_default().to_owned();
    let (number, revision) = (text("change"), text("revision"));
    if text("answer") != "allow" {
        known.held += 1;
    } else {
        known.allowed += 1;
        let said = |who: &'static str, yes: bool| {
            known.words.get(&(change, who)) == Some(&(yes, revision.clone()))
        };
        let yes = known.members.iter().any(|who| *who != "alice" && said(who, true));
        let no = known.members.iter().any(|who| said(who, false));
        assert!(
            yes && !no,
            "{what}: {number} may go with {:?} of {:?}",
            known.words,
            known.members
        );
    }
    assert!(!number.is_empty(), "{what}: {answered}");
    known.revisions.insert(change, (number, revision));
}

async fn says(app: &TestApp, known: &mut Known, change: u32, who: &'static str, yes: bool) {
    let Some((number, revision)) = known.revisions.get(&change).cloned() else { return };
    let token = app.person(who, &[Permission::ChangeApprove]).await;
    let verb = if yes { "approve" } else { "reject" };
    let body = json!({"revision": revision, "reason": "a walk"});
    let path = format!("/api/v1/changes/{number}/{verb}");
    let said = app.post(&token, &path, &[], &body).await;
    let member = known.members.contains(who);
    match said.code().as_str() {
        "" => {
            assert!(member, "{who} is in no team that may speak");
            assert!(who != "alice" || !yes, "alice wrote it");
            known.words.insert((change, who), (yes, revision));
        }
        "own_change" => assert!(who == "alice" && yes),
        "not_an_approver" => assert!(!member),
        "already_given" | "revision_outdated" | "change_over" => {}
        other => panic!("{other}: {said:?}"),
    }
}

/// Somebody joins or leaves the team that owns the service.
async fn moves(app: &TestApp, known: &mut Known, who: &'static str) {
    if !known.members.remove(who) {
        known.members.insert(who);
    }
    if known.members.is_empty() {
        known.members.insert("bob");
    }
    let members: Vec<&str> = known.members.iter().copied().collect();
    let members = format!("members: [{}]", members.join(", "));
    app.apply(&[("sluice.yaml", &ORGANISATION.replace("members: [alice, bob]", &members))]).await;
}

#[tokio::test]
async fn nothing_goes_without_a_word_that_counts() {
    let (mut allowed, mut held) = (0, 0);
    for seed in 1..=8 {
        let (went, waited) = walk(seed).await;
        allowed += went;
        held += waited;
    }
    assert!(allowed > 5 && held > 5, "the walks went both ways: {allowed} and {held}");
}
