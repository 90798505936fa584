//! Witnesses: heads that they have cosigned, what they say when they have not, and how each lie is named.

mod scene;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_engine::ledger::Checkpoint;
use sluice_engine::outbound::{Client, Limits, Roots};
use sluice_engine::store::{OpenError as StoreError, SafeHaltKind};
use sluice_engine::{Engine, EngineOptions, OpenError, WitnessState, Witnessing};
use sluice_testkit::FakeClock;
use sluice_testkit::neighbours::{Lie, Lies, Port, Witness, WitnessLie};

use WitnessState::{
    Cosigned, Disagrees, Failing, Forged, Limited, Refuses, Unasked, Unreachable, Unreadable,
    Untimely,
};

use self::scene::{ORIGIN, Scene, grow, open};

#[tokio::test]
async fn the_head_is_published_with_the_cosignatures_that_it_has() {
    let scene = Scene::of(2, None, false).await;
    assert_eq!(scene.states(), [Unasked, Unasked]);
    assert_eq!(scene.engine.witnessed_checkpoint(), None);
    let alone = scene.engine.published_checkpoint().unwrap();
    assert_eq!(alone, *scene.engine.readers().checkpoint_note());

    assert_eq!(scene.engine.ask_witnesses().await.unwrap(), 2);
    let size = scene.engine.readers().head().size;
    let published = scene.engine.published_checkpoint().unwrap();
    let head = scene.quorum(2).check(&published, &[scene.key()], scene.now_s()).unwrap();
    assert_eq!((head.checkpoint.size, head.cosignatures.len()), (size, 2));
    assert_eq!(scene.engine.witnessed_checkpoint().as_deref(), Some(published.as_str()));
    // Nothing is new: nobody is asked.
    assert_eq!(scene.engine.ask_witnesses().await.unwrap(), 0);

    scene.grow(300).await;
    let published = scene.engine.published_checkpoint().unwrap();
    assert_eq!(published, *scene.engine.readers().checkpoint_note());
    assert_eq!(scene.engine.ask_witnesses().await.unwrap(), 2);
    assert_eq!(scene.witnessed(), Some(size + 300));
    assert_eq!(scene.sizes(), [size + 300; 2]);
}

#[tokio::test]
async fn a_restart_loses_nothing_of_what_was_witnessed() {
    let scene = Scene::of(2, None, false).await;
    scene.engine.ask_witnesses().await.unwrap();
    scene.grow(3).await;
    let witnessed = scene.engine.witnessed_checkpoint();
    let card = scene.engine.witnessing().unwrap();
    let scene = scene.restarted().await;
    assert_eq!(scene.engine.witnessed_checkpoint(), witnessed);
    let again = scene.engine.witnessing().unwrap();
    assert_eq!(again.witnessed_size, card.witnessed_size);
    let lasts = |card: &sluice_engine::WitnessingCard| {
        card.witnesses.iter().map(|one| (one.size, one.at)).collect::<Vec<_>>()
    };
    assert_eq!(lasts(&again), lasts(&card));
    // Each is asked from the size that it knows: not one of them has to say it.
    scene.engine.ask_witnesses().await.unwrap();
    assert_eq!(scene.asked(), [2, 2]);
    // The witnesses of another configuration did not cosign: what is stored says nothing of them.
    let scene = scene.with_others().await;
    assert_eq!((scene.witnessed(), scene.engine.witnessed_checkpoint()), (None, None));
}

#[tokio::test]
async fn a_witness_that_was_away_catches_up() {
    let scene = Scene::of(2, Some(1), false).await;
    scene.net.lie(Lies::always(Lie::Unreachable));
    let error = scene.engine.ask_witnesses().await.unwrap_err().to_string();
    assert!(error.contains("`w0.example`: the host cannot be reached"), "{error}");
    assert_eq!(scene.states(), [Unreachable, Unreachable]);
    // It is left alone for a while, and for longer each time.
    assert_eq!(scene.engine.ask_witnesses().await.unwrap(), 0);
    scene.grow(1).await;
    scene.net.lie(Lies::none());
    scene.clock.advance(Duration::from_secs(10));
    assert_eq!(scene.engine.ask_witnesses().await.unwrap(), 2);
    assert_eq!(scene.states(), [Cosigned, Cosigned]);
    assert_eq!(scene.witnessed(), Some(scene.engine.readers().head().size));
}

#[tokio::test]
async fn each_way_to_lie_has_its_name_and_is_never_signed_away() {
    for (lie, state) in [
        (WitnessLie::Larger, Disagrees),
        (WitnessLie::Inconsistent, Disagrees),
        (WitnessLie::Forged, Forged),
        (WitnessLie::OtherKey, Forged),
        (WitnessLie::Timeless, Untimely),
        (WitnessLie::Ahead, Untimely),
        (WitnessLie::NoSize, Unreadable),
        (WitnessLie::SameSize, Unreadable),
        (WitnessLie::Garbage, Unreadable),
        (WitnessLie::Status(400), Refuses),
        (WitnessLie::Status(403), Refuses),
        (WitnessLie::Status(404), Refuses),
        (WitnessLie::Status(429), Limited),
        (WitnessLie::Status(500), Failing),
        (WitnessLie::Status(503), Failing),
        (WitnessLie::Status(204), Unreadable),
        (WitnessLie::Status(302), Unreadable),
    ] {
        let scene = Scene::of(1, None, false).await;
        scene.engine.ask_witnesses().await.unwrap();
        let before = scene.engine.witnessed_checkpoint();
        scene.grow(2).await;
        scene.witness(0).lie(Some(lie));
        scene.engine.ask_witnesses().await.unwrap_err();
        assert_eq!(scene.states(), [state], "{lie:?}");
        assert_eq!(scene.engine.witnessed_checkpoint(), before, "{lie:?}");
        let published = scene.engine.published_checkpoint().unwrap();
        assert_eq!(published, *scene.engine.readers().checkpoint_note(), "{lie:?}");
        // Serving goes on, and so does asking.
        scene.grow(1).await;
        scene.witness(0).lie(None);
        scene.clock.advance(Duration::from_secs(600));
        scene.engine.ask_witnesses().await.unwrap();
        assert_eq!(scene.states(), [Cosigned], "{lie:?}");
    }
}

#[tokio::test]
async fn that_a_witness_disagrees_is_not_forgotten_when_it_is_away() {
    let scene = Scene::of(1, None, false).await;
    scene.witness(0).lie(Some(WitnessLie::Inconsistent));
    scene.engine.ask_witnesses().await.unwrap_err();
    for lie in [WitnessLie::Status(503), WitnessLie::Garbage, WitnessLie::Forged] {
        scene.witness(0).lie(Some(lie));
        scene.clock.advance(Duration::from_secs(600));
        let error = scene.engine.ask_witnesses().await.unwrap_err().to_string();
        assert_eq!(scene.states(), [Disagrees], "{lie:?}");
        assert!(error.contains("another history"), "{lie:?}: {error}");
    }
    scene.witness(0).lie(None);
    scene.clock.advance(Duration::from_secs(600));
    scene.engine.ask_witnesses().await.unwrap();
    assert_eq!(scene.states(), [Cosigned]);
}

#[tokio::test]
async fn an_answer_that_got_lost_or_was_damaged_on_the_way_is_made_good() {
    for lie in [
        Lie::Broken,
        Lie::Away,
        Lie::TooMuch(Some(7)),
        Lie::Page,
        Lie::Elsewhere,
        Lie::LostAnswer,
        Lie::Drip,
        Lie::DoneAndBroken,
        Lie::DoneAndPage,
        Lie::Bomb,
        Lie::Cut,
        Lie::Empty,
    ] {
        let scene = Scene::of(1, None, false).await;
        scene.net.lie(Lies::once_after(0, lie));
        scene.engine.ask_witnesses().await.unwrap_err();
        assert!(!matches!(scene.states()[0], Cosigned | Disagrees), "{lie:?}");
        scene.clock.advance(Duration::from_secs(600));
        scene.engine.ask_witnesses().await.unwrap();
        assert_eq!(scene.states(), [Cosigned], "{lie:?}");
        assert_eq!(scene.sizes(), [scene.engine.readers().head().size], "{lie:?}");
    }
}

#[tokio::test]
async fn a_witness_that_has_forgotten_is_shown_the_log_from_where_it_is() {
    let scene = Scene::of(1, None, false).await;
    scene.engine.ask_witnesses().await.unwrap();
    let older = scene.witness(0).head_of(ORIGIN);
    scene.grow(7).await;
    scene.engine.ask_witnesses().await.unwrap();
    for memory in [older, None] {
        scene.witness(0).put_back(ORIGIN, memory);
        scene.grow(1).await;
        scene.engine.ask_witnesses().await.unwrap();
        assert_eq!(scene.sizes(), [scene.engine.readers().head().size]);
    }
}

#[tokio::test]
async fn a_restored_older_copy_is_named_by_the_witness() {
    let scene = Scene::of(1, None, false).await;
    scene.engine.ask_witnesses().await.unwrap();
    let (older, scene) = scene.copied().await;
    let size = scene.grow(5).await;
    scene.engine.ask_witnesses().await.unwrap();
    // The folder is put back with its anchor: nothing in it says that there was more.
    let scene = scene.on(older).await;
    let error = scene.engine.ask_witnesses().await.unwrap_err().to_string();
    assert!(error.contains(&format!("it has cosigned {size} entries of this log")), "{error}");
    assert_eq!(scene.states(), [Disagrees]);
    // It goes on, and comes by the size that the witness knows: it is another history all the same.
    scene.grow(9).await;
    scene.clock.advance(Duration::from_secs(600));
    let error = scene.engine.ask_witnesses().await.unwrap_err().to_string();
    assert!(error.contains("another history"), "{error}");
    assert_eq!(scene.states(), [Disagrees]);
    assert_eq!(scene.sizes(), [size]);
}

#[tokio::test]
async fn of_two_histories_with_the_same_key_a_witness_cosigns_one() {
    let scene = Scene::of(1, None, false).await;
    scene.engine.ask_witnesses().await.unwrap();
    let (copy, scene) = scene.copied().await;
    let other = scene.open_at(copy.path(), 99);
    grow(&other, &scene.admin, 4).await;
    scene.grow(4).await;
    scene.engine.ask_witnesses().await.unwrap();
    other.ask_witnesses().await.unwrap_err();
    assert_eq!(other.witnessing().unwrap().witnesses[0].state, Disagrees);
    assert_eq!(scene.states(), [Cosigned]);
    let of = |engine: &Engine| engine.readers().head();
    assert_eq!(of(&other).size, of(&scene.engine).size);
    assert_ne!(of(&other).root, of(&scene.engine).root);
}

#[tokio::test]
async fn strictly_only_what_the_quorum_has_cosigned_is_published() {
    let scene = Scene::of(2, None, true).await;
    assert_eq!(scene.engine.published_checkpoint(), None);
    scene.engine.ask_witnesses().await.unwrap();
    let first = scene.engine.published_checkpoint().unwrap();
    scene.grow(3).await;
    scene.witness(1).lie(Some(WitnessLie::Status(500)));
    scene.engine.ask_witnesses().await.unwrap_err();
    assert_eq!(scene.engine.published_checkpoint(), Some(first));
    scene.witness(1).lie(None);
    scene.clock.advance(Duration::from_secs(600));
    scene.engine.ask_witnesses().await.unwrap();
    let now = scene.engine.published_checkpoint().unwrap();
    assert_eq!(
        scene.quorum(2).check(&now, &[scene.key()], scene.now_s()).unwrap().checkpoint.size,
        scene.engine.readers().head().size
    );
}

#[tokio::test]
async fn two_of_three_are_enough_and_the_third_comes_along() {
    let scene = Scene::of(3, Some(2), false).await;
    scene.witness(0).lie(Some(WitnessLie::Forged));
    scene.engine.ask_witnesses().await.unwrap_err();
    let size = scene.engine.readers().head().size;
    assert_eq!(scene.witnessed(), Some(size));
    let lines =
        |scene: &Scene| scene.engine.witnessed_checkpoint().unwrap().matches("example ").count();
    assert_eq!(lines(&scene), 2);
    scene.witness(0).lie(None);
    scene.clock.advance(Duration::from_secs(600));
    scene.engine.ask_witnesses().await.unwrap();
    assert_eq!((scene.witnessed(), lines(&scene)), (Some(size), 3));
    // One alone is none: what was witnessed stays as it was.
    scene.grow(1).await;
    scene.witness(1).lie(Some(WitnessLie::Inconsistent));
    scene.witness(2).lie(Some(WitnessLie::Status(503)));
    scene.engine.ask_witnesses().await.unwrap_err();
    assert_eq!(scene.witnessed(), Some(size));
    assert_eq!(scene.states(), [Cosigned, Disagrees, Failing]);
}

#[tokio::test]
async fn a_receipt_under_a_witnessed_head_holds() {
    let scene = Scene::of(2, None, false).await;
    assert!(scene.engine.witnessed_receipt(0).unwrap().is_none());
    scene.engine.ask_witnesses().await.unwrap();
    let size = scene.engine.readers().head().size;
    scene.grow(300).await;
    let receipt = scene.engine.witnessed_receipt(1).unwrap().unwrap();
    receipt.verify(None, &[scene.key()]).unwrap();
    let head = scene.quorum(2).check(&receipt.checkpoint, &[scene.key()], scene.now_s());
    assert_eq!(head.unwrap().checkpoint.size, size);
    assert!(scene.engine.witnessed_receipt(size).unwrap().is_none());
}

#[tokio::test]
async fn a_halted_engine_asks_nobody_to_vouch_for_it() {
    let scene = Scene::of(1, None, false).await;
    scene.engine.halt("a test");
    assert_eq!(scene.engine.ask_witnesses().await.unwrap(), 0);
    assert_eq!(scene.asked(), [0]);
}

#[tokio::test]
async fn a_witnessed_head_is_an_anchor_at_the_next_start() {
    let scene = Scene::of(1, None, false).await;
    scene.engine.ask_witnesses().await.unwrap();
    let key = scene.witness(0).key().to_string();
    let size = scene.engine.readers().head().size;
    let dir = scene.closed();
    let database = rusqlite::Connection::open(dir.path().join("sluice.db")).unwrap();
    let note: String = database
        .query_row("SELECT note FROM cosigned WHERE name = ?1", [&key], |row| row.get(0))
        .unwrap();
    assert_eq!(Checkpoint::parse_unverified(&note).unwrap().size, size);
    database.execute("UPDATE cosigned SET size = size + 1", []).unwrap();
    drop(database);
    let options = EngineOptions { origin: Some(ORIGIN.into()), ..EngineOptions::new(dir.path()) };
    match Engine::open(options).err() {
        Some(OpenError::Store(StoreError::SafeHalt { kind, .. })) => {
            assert_eq!(kind, SafeHaltKind::Corrupt);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_is_asked_over_http_by_the_one_way_out() {
    let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
    let witness = Arc::new(Mutex::new(Witness::new("w.example", 1)));
    let mut port = Port::open(Arc::clone(&witness) as _, Arc::clone(&clock) as _, 0).await.unwrap();
    let url = format!("{}/w", port.url());
    let key = witness.lock().unwrap().key();
    let told = |networks: &[String]| {
        let one = sluice_engine::Witness::new(key.clone(), &url, networks, true).unwrap();
        Witnessing::new(vec![one], None, Duration::from_secs(10), false).unwrap()
    };
    let client = || Arc::new(Client::new(Roots::of_system(), Limits::default()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let open = |witnessing| open(dir.path(), &clock, 1, client(), Some(witnessing));

    // An address of this machine is reached where the configuration opens it, and nowhere else.
    let engine = open(told(&[]));
    let admin = Mutex::new(engine.bootstrap_token().await.unwrap().unwrap());
    witness.lock().unwrap().watch(&engine.keys().log_key.parse().unwrap());
    let error = engine.ask_witnesses().await.unwrap_err().to_string();
    assert!(error.contains("in a network that the link does not open"), "{error}");
    engine.shutdown();

    let engine = open(told(&["127.0.0.1/32".to_owned()]));
    engine.ask_witnesses().await.unwrap();
    let card = || engine.witnessing().unwrap();
    assert_eq!(card().witnessed_size, Some(engine.readers().head().size));
    for (lie, state) in [(Lie::Bomb, Unreadable), (Lie::Page, Unreadable), (Lie::Broken, Failing)] {
        grow(&engine, &admin, 1).await;
        port.lie(Lies::always(lie));
        clock.advance(Duration::from_secs(600));
        engine.ask_witnesses().await.unwrap_err();
        assert_eq!(card().witnesses[0].state, state, "{lie:?}");
    }
    port.unplug();
    clock.advance(Duration::from_secs(600));
    engine.ask_witnesses().await.unwrap_err();
    assert_eq!(card().witnesses[0].state, Unreachable);
    port.lie(Lies::none());
    port.plug_in().await.unwrap();
    clock.advance(Duration::from_secs(600));
    engine.ask_witnesses().await.unwrap();
    assert_eq!(card().witnessed_size, Some(engine.readers().head().size));
}
