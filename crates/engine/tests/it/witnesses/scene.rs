//! An engine among witnesses, with a log that grows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::ledger::{Quorum, VerifyingKey};
use sluice_engine::outbound::Net;
use sluice_engine::{
    CallerKind, Clock as _, Engine, EngineOptions, NewToken, WitnessState, Witnessing,
};
use sluice_testkit::neighbours::{Neighbours, Witness};
use sluice_testkit::{FakeClock, SeededRng};

pub(super) const ORIGIN: &str = "acme.example/sluice";

/// An engine among witnesses `w0.example`, `w1.example` and so on.
pub(super) struct Scene {
    pub(super) engine: Engine,
    pub(super) clock: Arc<FakeClock>,
    pub(super) witnesses: Vec<Arc<Mutex<Witness>>>,
    pub(super) net: Arc<Neighbours>,
    pub(super) needed: Option<usize>,
    pub(super) strict: bool,
    pub(super) admin: Mutex<String>,
    dir: tempfile::TempDir,
}

impl Scene {
    pub(super) async fn of(count: u8, needed: Option<usize>, strict: bool) -> Self {
        let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
        let witnesses = witnesses(count, 0);
        let net = among(&clock, &witnesses);
        let dir = tempfile::tempdir().unwrap();
        let config = config(&witnesses, needed, strict);
        let engine = open(dir.path(), &clock, 1, Arc::clone(&net) as _, Some(config));
        let admin = Mutex::new(engine.bootstrap_token().await.unwrap().unwrap());
        let scene = Self { engine, clock, witnesses, net, needed, strict, admin, dir };
        for witness in &scene.witnesses {
            witness.lock().unwrap().watch(&scene.key());
        }
        scene
    }

    pub(super) fn open_at(&self, dir: &Path, seed: u64) -> Engine {
        let config = config(&self.witnesses, self.needed, self.strict);
        open(dir, &self.clock, seed, Arc::clone(&self.net) as _, Some(config))
    }

    pub(super) async fn restarted(self) -> Self {
        let Self { engine, clock, witnesses, net, needed, strict, admin, dir } = self;
        engine.shutdown();
        let config = config(&witnesses, needed, strict);
        let engine = open(dir.path(), &clock, 2, Arc::clone(&net) as _, Some(config));
        Self { engine, clock, witnesses, net, needed, strict, admin, dir }
    }

    /// The same folder with other witnesses.
    pub(super) async fn with_others(self) -> Self {
        let count = u8::try_from(self.witnesses.len()).unwrap();
        let witnesses = witnesses(count, 100);
        let net = among(&self.clock, &witnesses);
        Self { witnesses, net, ..self }.restarted().await
    }

    /// A copy of the folder as it is now, and the scene that goes on.
    pub(super) async fn copied(self) -> (tempfile::TempDir, Self) {
        let Self { engine, clock, witnesses, net, needed, strict, admin, dir } = self;
        engine.shutdown();
        let copy = tempfile::tempdir().unwrap();
        copy_all(dir.path(), copy.path());
        let config = config(&witnesses, needed, strict);
        let engine = open(dir.path(), &clock, 3, Arc::clone(&net) as _, Some(config));
        (copy, Self { engine, clock, witnesses, net, needed, strict, admin, dir })
    }

    /// The same witnesses and another folder.
    pub(super) async fn on(mut self, dir: tempfile::TempDir) -> Self {
        // The folder that is left goes when nobody has it open any more.
        let _left = std::mem::replace(&mut self.dir, dir);
        self.restarted().await
    }

    pub(super) fn closed(self) -> tempfile::TempDir {
        self.engine.shutdown();
        self.dir
    }

    pub(super) fn key(&self) -> VerifyingKey {
        self.engine.keys().log_key.parse().unwrap()
    }

    pub(super) fn now_s(&self) -> u64 {
        u64::try_from(self.clock.now().as_second()).unwrap()
    }

    pub(super) fn quorum(&self, needed: usize) -> Quorum {
        let keys = self.witnesses.iter().map(|witness| witness.lock().unwrap().key()).collect();
        Quorum::new(keys, Some(needed)).unwrap()
    }

    pub(super) fn witness(&self, index: usize) -> std::sync::MutexGuard<'_, Witness> {
        self.witnesses[index].lock().unwrap()
    }

    pub(super) fn states(&self) -> Vec<WitnessState> {
        self.engine.witnessing().unwrap().witnesses.iter().map(|one| one.state).collect()
    }

    pub(super) fn witnessed(&self) -> Option<u64> {
        self.engine.witnessing().unwrap().witnessed_size
    }

    /// What each has cosigned, by its own memory.
    pub(super) fn sizes(&self) -> Vec<u64> {
        self.witnesses.iter().map(|witness| witness.lock().unwrap().size_of(ORIGIN)).collect()
    }

    pub(super) fn asked(&self) -> Vec<u32> {
        self.witnesses.iter().map(|witness| witness.lock().unwrap().asked()).collect()
    }

    /// Records so many entries; gives the size of the log after them.
    pub(super) async fn grow(&self, entries: u64) -> u64 {
        grow(&self.engine, &self.admin, entries).await
    }
}

/// Records so many entries, with a token that may make others; a new one where it is over.
pub(super) async fn grow(engine: &Engine, secret: &Mutex<String>, entries: u64) -> u64 {
    let size = engine.readers().head().size;
    let known = secret.lock().unwrap().clone();
    if engine.authenticate(&known).is_none() {
        let first = engine.bootstrap_token().await.unwrap().unwrap();
        *secret.lock().unwrap() = first;
    }
    let known = secret.lock().unwrap().clone();
    let admin = engine.authenticate(&known).unwrap();
    while engine.readers().head().size < size + entries {
        let new = NewToken {
            label: "test".into(),
            kind: CallerKind::Pipeline,
            person: None,
            permissions: BTreeSet::from([Permission::GateEvaluate]),
            scope: Scope::default(),
            expires_in_hours: 1,
        };
        engine.create_token(&admin, new).await.unwrap();
    }
    engine.readers().head().size
}

fn witnesses(count: u8, seed: u8) -> Vec<Arc<Mutex<Witness>>> {
    let of = |number: u8| Witness::new(&format!("w{number}.example"), seed + number + 1);
    (0..count).map(|number| Arc::new(Mutex::new(of(number)))).collect()
}

fn among(clock: &Arc<FakeClock>, witnesses: &[Arc<Mutex<Witness>>]) -> Arc<Neighbours> {
    let net =
        witnesses.iter().enumerate().fold(Neighbours::new(clock), |net, (number, witness)| {
            net.with(&format!("w{number}.example"), Arc::clone(witness) as _)
        });
    Arc::new(net)
}

fn config(witnesses: &[Arc<Mutex<Witness>>], needed: Option<usize>, strict: bool) -> Witnessing {
    let of = |(number, witness): (usize, &Arc<Mutex<Witness>>)| {
        let url = format!("https://w{number}.example/w/");
        sluice_engine::Witness::new(witness.lock().unwrap().key(), &url, &[], false).unwrap()
    };
    let all = witnesses.iter().enumerate().map(of).collect();
    Witnessing::new(all, needed, Duration::from_secs(10), strict).unwrap()
}

pub(super) fn open(
    dir: &Path,
    clock: &Arc<FakeClock>,
    seed: u64,
    net: Arc<dyn Net>,
    witnessing: Option<Witnessing>,
) -> Engine {
    Engine::open(EngineOptions {
        net,
        origin: Some(ORIGIN.to_owned()),
        clock: Arc::clone(clock) as _,
        rng: Arc::new(SeededRng::new(seed)),
        witnessing,
        ..EngineOptions::new(dir)
    })
    .unwrap()
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
