//! The row of a deployment that is undone when it has long left the standing.

use sluice_core::deployment::{Deployment, DeploymentState};
use sluice_core::gate::Decision;
use sluice_core::ids::DeploymentNumber;

use crate::world::{World, digest, question};

/// A deployment of `docs` in staging that succeeded.
async fn succeeded(world: &World, seed: u8) -> DeploymentNumber {
    let mut asked = question("docs", seed, seed.into());
    asked.environment = "staging".parse().unwrap();
    let answer = world.ask(asked).await;
    assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
    let number = world.redeem(&answer, [digest(seed)].into()).await.unwrap().deployment;
    world.report(number, serde_json::json!({"state": "succeeded", "note": "well: \"é\"\n"})).await;
    number
}

#[tokio::test]
async fn what_is_undone_late_keeps_what_its_row_says_of_it() {
    let world = World::start().await;
    let first = succeeded(&world, 1).await;
    succeeded(&world, 2).await;
    assert!(!world.engine.standing().deployments.contains_key(&first), "it has left the standing");
    let before = world.engine.deployment(first).unwrap().unwrap();
    assert!(before.run.is_some() && before.commit.is_some());

    let undone = serde_json::json!({"state": "rolled_back", "note": "late \\ \"ü\"\t",
        "rollback": {"reason": "it leaks"}});
    world.report(first, undone).await;
    let after = world.engine.deployment(first).unwrap().unwrap();
    let report = after.report.clone();
    assert_eq!(report.as_ref().unwrap().rollback.as_ref().unwrap().reason, "it leaks");
    assert_eq!(after, Deployment { state: DeploymentState::RolledBack, report, ..before });
    let row = world.engine.readers().deployment(first.0).unwrap().unwrap();
    assert_eq!(row.state, "rolled_back");

    // Folded anew, in one go, the entries come to the same row.
    let World { engine, dir, .. } = world;
    engine.shutdown();
    let report = sluice_engine::fsck::fsck(dir.path()).unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
}
