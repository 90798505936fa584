//! Approvals that a policy asked for beyond the rules' own risk: they are paid like others.

use sluice_core::change::Change;
use sluice_core::gate::Decision;
use sluice_core::ids::ChangeNumber;

use crate::world::{World, acme, question};

/// Asks for a second look at every emergency, whatever its risk.
const SECOND_LOOK: &str = r#"package sluice.rules

require contains "payment-security" if input.change.kind == "emergency"
"#;

async fn apply(world: &World, rules: impl Fn(String) -> String) {
    let mut folder = acme();
    folder.insert("policies/second_look.rego", SECOND_LOOK.as_bytes().to_vec());
    let text = String::from_utf8(folder.get("rules.yaml").unwrap().to_vec()).unwrap();
    folder.insert("rules.yaml", rules(text).into_bytes());
    world.engine.apply(&world.admin, &folder, "test", None).await.unwrap();
}

/// A small emergency that went first.
async fn emergency(world: &World) -> ChangeNumber {
    let mut asked = question("payments", 5, 5);
    asked.emergency = Some("payments fail for all customers".into());
    let answer = world.ask(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    answer.change.unwrap()
}

fn owed(change: &Change) -> Vec<&str> {
    change.owed().map(|debt| debt.of.as_str()).collect()
}

#[tokio::test]
async fn an_approval_that_only_the_policy_asked_for_is_paid_by_giving_it() {
    let world = World::start().await;
    apply(&world, |text| text).await;
    let number = emergency(&world).await;
    assert!(owed(&world.change(number)).contains(&"payment-security"));
    world.approve(&world.person("ines").await, number).await.unwrap();
    assert!(
        !owed(&world.change(number)).contains(&"payment-security"),
        "{:?}",
        world.change(number).debts
    );
}

#[tokio::test]
async fn an_approval_for_a_rule_that_is_gone_is_paid_by_the_review() {
    let world = World::start().await;
    apply(&world, |text| text).await;
    let number = emergency(&world).await;
    apply(&world, |text| text.replace("payment-security", "card-security")).await;
    let grace = world.person("grace").await;
    world.engine.review_change(&grace, number, None, "it was the cache".into()).await.unwrap();
    assert!(
        !owed(&world.change(number)).contains(&"payment-security"),
        "{:?}",
        world.change(number).debts
    );
}
