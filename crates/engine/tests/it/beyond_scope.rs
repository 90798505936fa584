//! A token of one service does nothing to the changes of another, whatever it asks.

use sluice_core::change::ChangeKind;
use sluice_core::gate::{Decision, Question};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::{Caller, CallerKind, NewToken};

use crate::world::{World, against, question};

/// The pipeline of `docs`.
async fn docs(world: &World) -> Caller {
    let new = NewToken {
        label: "docs".into(),
        kind: CallerKind::Pipeline,
        person: None,
        permissions: [Permission::GateEvaluate, Permission::GateRedeem].into(),
        scope: serde_json::from_str::<Scope>(r#"{"services":["docs"]}"#).unwrap(),
        expires_in_hours: 1,
    };
    let made = world.engine.create_token(&world.admin, new).await.unwrap();
    world.engine.authenticate(&made.value.secret).unwrap()
}

/// Who may not ask is denied, and every change stands as it stood.
async fn asks_in_vain(world: &World, caller: &Caller, asked: Question, case: &str) {
    let before = world.engine.standing();
    let answer = world.engine.ask(caller, &world.key(), [0; 32], asked, None).await.unwrap();
    assert_eq!(answer.decision, Decision::Deny, "{case}");
    assert!(
        against(&answer).contains(&"identity.scope".to_owned()),
        "{case}: {:#?}",
        answer.reasons
    );
    let after = world.engine.standing();
    assert_eq!(after.changes, before.changes, "{case}");
    assert_eq!(after.changes_counted, before.changes_counted, "{case}");
}

#[tokio::test]
async fn the_change_of_another_service_stays_as_it_is() {
    let world = World::start().await;
    let docs = docs(&world).await;
    let mut theirs = question("payments", 2, 2);
    theirs.lines_changed = Some(2_000);
    let number = world.ask(theirs.clone()).await.change.unwrap();

    let mut emergency = theirs.clone();
    emergency.emergency = Some("let me through".into());
    emergency.run.id = "acme/docs/9".into();
    asks_in_vain(&world, &docs, emergency, "an emergency").await;
    let mut other = theirs.clone();
    other.artifacts.clear();
    asks_in_vain(&world, &docs, other, "another revision").await;
    let mut beside = question("docs", 3, 3);
    beside.services = ["docs".parse().unwrap(), "payments".parse().unwrap()].into();
    asks_in_vain(&world, &docs, beside, "both at once").await;

    assert_eq!(world.ask(theirs).await.decision, Decision::Wait, "nobody approved it");
    assert_eq!(world.change(number).kind, ChangeKind::Normal);
}

#[tokio::test]
async fn a_part_of_a_joint_change_asks_for_itself_and_makes_no_emergency_of_the_whole() {
    let world = World::start().await;
    let docs = docs(&world).await;
    let mut joint = question("payments", 4, 4);
    joint.services = ["docs".parse().unwrap(), "payments".parse().unwrap()].into();
    let number = world.ask(joint).await.change.unwrap();

    let part = question("docs", 4, 4);
    let mut emergency = part.clone();
    emergency.emergency = Some("let me through".into());
    asks_in_vain(&world, &docs, emergency, "an emergency").await;
    let answer = world.engine.ask(&docs, &world.key(), [0; 32], part, None).await.unwrap();
    assert_eq!(answer.change, Some(number));
    assert!(!against(&answer).contains(&"identity.scope".to_owned()), "{:#?}", answer.reasons);
}
