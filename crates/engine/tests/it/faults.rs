//! Faults: a full disk, a clock that is moved, bytes that are not what was written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_core::gate::Decision;
use sluice_engine::{Client, Engine, EngineError, EngineOptions, NewSession};
use sluice_testkit::{NamedSecrets, SeededRng};

use crate::world::{World, against, digest, question};

#[tokio::test]
async fn a_full_disk_answers_unavailable_and_goes_on_when_there_is_room() {
    let world = World::start().await;
    let before = world.ask(question("docs", 1, 1)).await;
    let World { engine, dir, clock, pipeline, .. } = world;
    engine.shutdown();
    let options = |max_pages| EngineOptions {
        origin: Some("acme.example/sluice".to_owned()),
        clock: Arc::clone(&clock) as _,
        rng: Arc::new(SeededRng::new(7)),
        secrets: Arc::new(NamedSecrets),
        max_pages,
        ..EngineOptions::new(dir.path())
    };
    // As many pages as there are, and not one more.
    let size = std::fs::metadata(dir.path().join("sluice.db")).unwrap().len();
    let engine = Engine::open(options(Some(u32::try_from(size / 4096).unwrap() + 8))).unwrap();
    let mut full = None;
    for number in 0..200_u8 {
        let asked = question("docs", number, u32::from(number));
        match engine.ask(&pipeline, &format!("full-{number}"), [0; 32], asked, None).await {
            Ok(_) => {}
            Err(error) => {
                full = Some((number, error));
                break;
            }
        }
    }
    let (number, error) = full.expect("the disk fills");
    assert!(
        matches!(&error, EngineError::Unavailable(why) if why.code == "ledger_unavailable"),
        "{error}"
    );
    assert_eq!(engine.halted(), None);
    let size = engine.standing().size;
    engine.shutdown();
    let engine = Engine::open(options(None)).unwrap();
    assert_eq!(engine.standing().size, size, "nothing of the request was recorded");
    let asked = question("docs", number, u32::from(number));
    engine.ask(&pipeline, &format!("full-{number}"), [0; 32], asked, None).await.unwrap();
    assert!(engine.standing().size > before.receipt.unwrap().index);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_is_not_anchored_in_time_is_unknown_and_its_key_gives_it_later() {
    let World { engine, dir, clock, pipeline, .. } = World::start().await;
    engine.shutdown();
    let full = Arc::new(AtomicBool::new(false));
    let engine = Engine::open(EngineOptions {
        origin: Some("acme.example/sluice".to_owned()),
        clock: Arc::clone(&clock) as _,
        rng: Arc::new(SeededRng::new(7)),
        secrets: Arc::new(NamedSecrets),
        full_anchor: Some(Arc::clone(&full)),
        ..EngineOptions::new(dir.path())
    })
    .unwrap();
    let size = engine.standing().size;
    full.store(true, Ordering::Relaxed);
    let asked = tokio::spawn({
        let (engine, pipeline) = (engine.clone(), pipeline.clone());
        async move { engine.ask(&pipeline, "doubt", [3; 32], question("docs", 1, 1), None).await }
    });
    // Nobody is left in doubt longer than two seconds of the clock.
    let mut asked = asked;
    let unknown = loop {
        match tokio::time::timeout(Duration::from_millis(20), &mut asked).await {
            Ok(answer) => break answer.unwrap(),
            Err(_) => clock.advance(Duration::from_millis(500)),
        }
    };
    assert!(
        matches!(&unknown, Err(EngineError::Unavailable(why)) if why.code == "outcome_unknown"),
        "{unknown:?}"
    );
    assert_eq!(engine.standing().size, size, "nothing is shown that may not be answered for");
    full.store(false, Ordering::Relaxed);
    let mut shown = engine.watch_size();
    shown.wait_for(|now| *now > size).await.unwrap();
    let settled = engine.standing().size;
    let again =
        engine.ask(&pipeline, "doubt", [3; 32], question("docs", 1, 1), None).await.unwrap();
    assert!(again.replayed, "the same key has the answer that was in doubt");
    assert_eq!(again.decision, Decision::Allow, "{:#?}", again.reasons);
    assert_eq!(engine.standing().size, settled, "and it was recorded once");
    let other = engine.ask(&pipeline, "doubt", [4; 32], question("docs", 1, 1), None).await;
    assert!(
        matches!(other, Err(EngineError::Refused(why)) if why.code == "idempotency_key_reused")
    );
}

#[tokio::test]
async fn a_clock_that_goes_back_denies_and_the_ledger_time_does_not_follow_it() {
    let world = World::start().await;
    world.ask(question("docs", 1, 1)).await;
    let last = world.engine.standing().last_time;
    world.clock.jump_to("2026-03-04T09:00:00Z");
    let answer = world.ask(question("docs", 2, 2)).await;
    assert_eq!(answer.decision, Decision::Deny);
    assert!(against(&answer).contains(&"clock".to_owned()), "{:?}", against(&answer));
    assert!(world.engine.standing().last_time >= last);
    world.clock.jump_to("2026-03-04T10:00:01Z");
    let answer = world.ask(question("docs", 3, 3)).await;
    assert!(!against(&answer).contains(&"clock".to_owned()), "{:?}", against(&answer));
}

#[tokio::test]
async fn a_clock_that_was_ahead_for_a_moment_leaves_nothing_behind() {
    for ahead in ["2026-03-05T10:00:00Z", "2036-03-04T10:00:00Z"] {
        let world = World::start().await;
        let mut waits = question("payments", 2, 2);
        waits.lines_changed = Some(2_000);
        let waiting = world.ask(waits).await.change.unwrap();
        world.clock.jump_to(ahead);
        let denied = world.ask(question("docs", 1, 1)).await;
        assert!(against(&denied).contains(&"clock".to_owned()), "{:?}", against(&denied));
        world.clock.advance(Duration::from_secs(30));
        assert_eq!(world.engine.keep_deadlines().await.unwrap(), 0);
        world.engine.prune().await.unwrap();
        let denied = world.ask(question("docs", 1, 1)).await;
        assert_eq!(denied.decision, Decision::Deny);
        let latest = "2026-03-04T10:00:31Z".parse().unwrap();
        assert!(world.engine.standing().last_time.unwrap() <= latest, "{ahead}");
        world.clock.jump_to("2026-03-04T10:00:31Z");
        let answer = world.ask(question("docs", 1, 1)).await;
        assert_eq!(answer.decision, Decision::Allow, "{:#?}", answer.reasons);
        world.redeem(&answer, [digest(1)].into()).await.unwrap();
        assert!(!world.change(waiting).state.is_over());
    }
}

#[tokio::test]
async fn a_start_with_a_clock_that_is_years_ahead_leaves_nothing_behind() {
    let world = World::start().await;
    let World { engine, dir, clock, pipeline, .. } = world;
    engine.shutdown();
    clock.jump_to("2036-03-04T10:00:00Z");
    let engine = crate::world::open(dir.path(), &clock, 7);
    let ask = async |key: &str, number: u8| {
        let asked = question("docs", number, number.into());
        engine.ask(&pipeline, key, [0; 32], asked, None).await.unwrap()
    };
    assert!(against(&ask("wrong", 1).await).contains(&"clock".to_owned()));
    assert_eq!(engine.keep_deadlines().await.unwrap(), 0);
    clock.jump_to("2026-03-04T12:00:00Z");
    assert!(against(&ask("early", 1).await).contains(&"clock".to_owned()));
    clock.advance(Duration::from_secs(60));
    assert!(!against(&ask("right", 1).await).contains(&"clock".to_owned()));
    assert_eq!(engine.standing().last_time, Some(engine.now()));
}

/// The machine has slept for hours: the clock is right, and not trusted yet.
#[tokio::test]
async fn what_is_over_by_the_clock_is_over_before_the_clock_is_trusted() {
    let world = World::start().await;
    let open = async || {
        let new = NewSession {
            person: world.engine.person_by_handle("bob").unwrap(),
            client: Client::Cli,
            methods: ["password".to_owned()].into(),
            auth_time: None,
            narrowed_to: None,
            groups: None,
        };
        world.engine.open_session(new).await
    };
    let secret = open().await.unwrap().value.secret;
    let asked = question("payments", 1, 1);
    let number = world.ask(asked).await.change.unwrap();
    let bob = world.engine.authenticate(&secret).unwrap();
    // Jumps beyond the ten minutes of a proof, the half hour of idleness and the whole session.
    for (wall, good) in [("10:20:00", true), ("10:40:00", false), ("23:00:00", false)] {
        world.clock.jump_to(&format!("2026-03-04T{wall}Z"));
        assert_eq!(world.engine.authenticate(&secret).is_some(), good, "{wall}");
        let said = world.approve(&bob, number).await;
        assert!(
            matches!(said, Err(EngineError::Refused(no)) if no.code == "step_up_needed"),
            "{wall}"
        );
    }
    let login = open().await;
    assert!(matches!(login, Err(EngineError::Unavailable(why)) if why.code == "clock_untrusted"));
    // It was wrong: nothing has come of it.
    world.clock.jump_to("2026-03-04T10:00:01Z");
    assert!(world.engine.authenticate(&secret).is_some());
    world.approve(&bob, number).await.unwrap();
}

/// Goes round once, or as far as it gets.
fn patrol(engine: &Engine) -> Result<(), EngineError> {
    let mut from = 0;
    loop {
        from = engine.patrol(from)?;
        if from == 0 {
            return Ok(());
        }
    }
}

#[tokio::test]
async fn an_entry_that_is_edited_while_the_server_runs_halts_it() {
    let world = World::start().await;
    world.ask(question("docs", 1, 1)).await;
    patrol(&world.engine).unwrap();
    assert_eq!(world.engine.halted(), None);
    edit(&world, "UPDATE entries SET bytes = CAST(bytes || ' ' AS BLOB) WHERE seq = 3");
    assert!(patrol(&world.engine).is_err());
    assert!(world.engine.halted().is_some());
    let refused =
        world.engine.ask(&world.pipeline, "halted", [0; 32], question("docs", 2, 2), None).await;
    assert!(matches!(refused, Err(EngineError::Unavailable(why)) if why.code == "safe_halt"));
}

#[tokio::test]
async fn a_gate_does_not_judge_by_what_was_edited_beside_the_ledger() {
    for (edited, halts, wanted) in [
        ("UPDATE decisions SET input_digest = 'sha256:00', body = '{}'", false, "redeemed"),
        ("UPDATE decisions SET seq = 0", false, "decision_unreadable"),
        ("DELETE FROM decisions", false, "decision_unreadable"),
        ("UPDATE changes SET body = '{}', state = 'closed'", false, "redeemed"),
        ("UPDATE blobs SET bytes = x'00'", true, "damage"),
    ] {
        let world = World::start().await;
        let answer = world.ask(question("docs", 1, 1)).await;
        edit(&world, edited);
        let said = match world.redeem(&answer, [digest(1)].into()).await {
            Ok(_) => "redeemed".to_owned(),
            Err(EngineError::Refused(refusal)) => refusal.code,
            Err(EngineError::Read(error)) if error.is_damage() => "damage".to_owned(),
            Err(other) => other.to_string(),
        };
        assert_eq!((said.as_str(), world.engine.halted().is_some()), (wanted, halts), "{edited}");
    }
}

/// Edits the database as somebody with access to the host would.
fn edit(world: &World, sql: &str) {
    let database = rusqlite::Connection::open(world.dir.path().join("sluice.db")).unwrap();
    database.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn deadlines_and_pruning_leave_a_quiet_ledger_alone() {
    let world = World::start().await;
    let size = world.engine.standing().size;
    assert_eq!(world.engine.keep_deadlines().await.unwrap(), 0);
    world.engine.prune().await.unwrap();
    assert_eq!(world.engine.standing().size, size);
    // A change that nobody goes on with is given up after ninety days.
    let mut asked = question("payments", 2, 2);
    asked.lines_changed = Some(2_000);
    let number = world.ask(asked).await.change.unwrap();
    world.clock.advance(Duration::from_secs(91 * 24 * 3_600));
    assert!(world.engine.keep_deadlines().await.unwrap() > 0);
    assert_eq!(world.change(number).state, sluice_core::change::ChangeState::Canceled);
}
