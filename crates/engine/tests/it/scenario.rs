//! A random life of the example company, from a seed: afterwards every view is what the entries say, and every decision
//! is made again of its stored input.

use sluice_core::event::Event;
use sluice_core::gate::{Decision, decide};
use sluice_engine::envelope::Envelope;
use sluice_engine::{DecisionInput, GateAnswer, Judged};
use sluice_testkit::SeededRng;

use crate::world::{World, commit_id, open, question};

/// Lets things happen that pipelines and people do.
pub(crate) async fn play(world: &World, seed: u64, steps: u32) {
    let rng = SeededRng::new(seed);
    let draw = move |of: u64| rng.number() % of;
    let people = ["bob", "grace", "ines", "dana", "henrik"];
    let mut callers = Vec::new();
    for handle in people {
        callers.push(world.person(handle).await);
    }
    let mut answers: Vec<GateAnswer> = Vec::new();
    for _ in 0..steps {
        match draw(8) {
            0..=2 => {
                let service = ["docs", "payments", "web-shop"][draw(3) as usize];
                let number = draw(6) as u8;
                let mut asked = question(service, number, draw(5) as u32);
                asked.commit = commit_id(number);
                asked.lines_changed = Some([20, 900, 3_000][draw(3) as usize]);
                asked.emergency = (draw(8) == 0).then(|| "urgent".to_owned());
                answers.push(world.ask(asked).await);
            }
            3 => {
                for answer in answers.iter().filter(|answer| answer.decision == Decision::Allow) {
                    let Some(pass) = world
                        .engine
                        .standing()
                        .passes
                        .get(&answer.pass.as_ref().unwrap().id)
                        .cloned()
                    else {
                        continue;
                    };
                    let Ok(redeemed) = world.redeem(answer, pass.claims.artifacts.clone()).await
                    else {
                        continue;
                    };
                    let state = ["succeeded", "failed", "rolled_back"][draw(3) as usize];
                    let health = ["healthy", "unhealthy", "unknown"][draw(3) as usize];
                    let mut report = serde_json::json!({"state": state, "health": health});
                    if state == "rolled_back" {
                        report["rollback"] = serde_json::json!({"reason": "errors"});
                    }
                    world.report(redeemed.deployment, report).await;
                }
            }
            4 | 5 => {
                let open: Vec<_> = world.engine.standing().changes.keys().copied().collect();
                for number in open {
                    let _ = world.approve(&callers[draw(5) as usize], number).await;
                }
            }
            6 => {
                let stop = world
                    .engine
                    .pull_stop(
                        &world.admin,
                        serde_json::from_str(r#"{"services":["docs"]}"#).unwrap(),
                        "test".into(),
                    )
                    .await
                    .unwrap();
                world.ask(question("docs", 5, 5)).await;
                world.engine.lift_stop(&world.admin, &stop.value.id, "over".into()).await.unwrap();
            }
            _ => world.clock.advance(std::time::Duration::from_secs(draw(4_000))),
        }
        let _ = world.engine.keep_deadlines().await.unwrap();
    }
}

#[tokio::test]
async fn views_equal_the_entries_and_decisions_replay_after_a_random_life() {
    let mut decisions = 0;
    for seed in [1, 2] {
        let world = World::start().await;
        play(&world, seed, 40).await;
        let readers = world.engine.readers();
        for entry in readers.entries(0, 10_000).unwrap() {
            let envelope = Envelope::parse(&entry.bytes).unwrap();
            let Some(Event::GateDecided(decided)) = envelope.recorded().unwrap().map(|it| it.event)
            else {
                continue;
            };
            let blob = readers.blob(decided.input.as_str()).unwrap().unwrap();
            let input: DecisionInput = serde_json::from_slice(&blob.bytes).unwrap();
            let verdict = match input.verdict {
                Judged::Verdict(verdict) => Ok(verdict),
                Judged::Fault(fault) => Err(fault),
            };
            let again = decide(&input.facts, &verdict);
            assert_eq!(
                (again.decision, &again.reasons),
                (decided.answer, &decided.reasons),
                "seed {seed}, entry {}",
                entry.seq
            );
            assert_eq!(decided.pass.is_some(), decided.answer == Decision::Allow);
            decisions += 1;
        }
        let before = world.engine.standing();
        let World { engine, dir, clock, .. } = world;
        engine.shutdown();
        let report = sluice_engine::fsck::fsck(dir.path()).unwrap();
        assert_eq!(
            (report.entries, report.differences.len()),
            (before.size, 0),
            "seed {seed}: {:#?}",
            report.differences
        );
        assert!(report.missing.is_empty(), "seed {seed}: {:?}", report.missing);
        let engine = open(dir.path(), &clock, seed);
        assert_eq!(*engine.standing(), *before, "seed {seed}");
    }
    assert!(decisions > 20, "{decisions} decisions");
}
