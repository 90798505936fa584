//! Approvals that a policy asked for beyond the rules' own risk: they are paid like others.

use sluice_core::change::Change;
use sluice_core::gate::Decision;
use sluice_core::ids::ChangeNumber;
use sluice_core::permission::Permission;
use sluice_engine::{EngineError, Object};

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

#[tokio::test]
async fn a_review_is_of_the_whole_change() {
    let world = World::start().await;
    let mut asked = question("payments", 5, 5);
    asked.services = ["docs".parse().unwrap(), "payments".parse().unwrap()].into();
    asked.emergency = Some("payments fail for all customers".into());
    let number = world.ask(asked).await.change.unwrap();
    let owed_before = owed(&world.change(number)).len();
    assert!(owed_before > 0);
    // Of `docs` and the web shop, and of nothing else.
    for (who, taken) in [("fatima", false), ("grace", true)] {
        let caller = world.person(who).await;
        let reviewed = world.engine.review_change(&caller, number, None, "the cache".into()).await;
        match reviewed {
            Ok(_) => assert!(taken, "{who}"),
            Err(EngineError::Refused(refusal)) => {
                assert_eq!((refusal.code.as_str(), taken), ("change_over", false), "{who}");
                assert_eq!(owed(&world.change(number)).len(), owed_before, "{who}");
            }
            Err(other) => panic!("{who}: {other}"),
        }
    }
}

#[tokio::test]
async fn whoever_may_speak_for_one_service_is_told_so() {
    let world = World::start().await;
    let mut asked = question("payments", 6, 6);
    asked.services = ["docs".parse().unwrap(), "payments".parse().unwrap()].into();
    asked.lines_changed = Some(2_000);
    let number = world.ask(asked).await.change.unwrap();
    for (who, allowed, words) in [
        ("fatima", true, "their word counts for the rules `owner-approval`"),
        ("ines", true, "their word counts for the rules `payment-security`"),
        ("emre", true, "their word counts for the rules `owner-approval`"),
        ("chidi", false, "they had a hand in"),
    ] {
        let person = world.engine.person_by_handle(who).unwrap();
        let (permission, of) = (Permission::ChangeApprove, Object::Change(number));
        let told = world.engine.explain_access(&world.admin, &person, permission, &of).unwrap();
        let said = [told.because.clone(), told.but.clone()].concat();
        assert_eq!(told.allowed, allowed, "{who}: {said:?}");
        assert!(said.iter().any(|it| it.contains(words)), "{who}: {said:?}");
        let beyond = told.but.iter().any(|it| it.contains("nothing covers `payments`"));
        assert_eq!(beyond, ["fatima", "emre"].contains(&who), "{who}: {said:?}");
    }
}
