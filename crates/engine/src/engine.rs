//! The engine itself: what it is made of, how it is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_core::calendar::{Calendar, UpcomingWindow};
use sluice_core::facts::ClockFacts;
use sluice_core::ids::ServiceName;
use sluice_core::standing::{Recorded, Standing, Topic};
use sluice_outbound::Net;
use sluice_store::{ReadError, Readers, Store, StoreOptions};
use tokio::sync::{Notify, watch};

use crate::clock::{Clock, SkewWatch};
use crate::envelope::Envelope;
use crate::error::{EngineError, OpenError};
use crate::issuer_keys::IssuerKeys;
use crate::keys::{Keys, PublicKeys};
use crate::known_secrets::KnownSecrets;
use crate::people::People;
use crate::policy::Policies;
use crate::rng::Rng;
use crate::secrets::Secrets;
use crate::sequencer::{Parts, Sequencer};
use crate::snapshot::{self, Owner, Snapshots};
use crate::tasks::Lines;
use crate::vault::Vault;
use crate::witnesses::{Cosigning, Witnessing};

/// What to open, and with what.
pub struct EngineOptions {
    /// The data folder.
    pub dir: PathBuf,
    /// The anchor file, better on another device; in the data folder when absent.
    pub anchor: Option<PathBuf>,
    /// Origin of the log, taken at the first start.
    pub origin: Option<String>,
    /// Take the database as it is when the anchor is missing. A decision for a person.
    pub adopt_missing_anchor: bool,
    /// For tests: the named point at which the process kills itself.
    pub crash_at: Option<String>,
    /// For tests: while set, the disk of the anchor is full.
    pub full_anchor: Option<Arc<AtomicBool>>,
    /// For tests: the most pages that the database may have, as if the disk were full.
    pub max_pages: Option<u32>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Secrets of links.
    pub secrets: Arc<dyn Secrets>,
    /// The way to other systems.
    pub net: Arc<dyn Net>,
    /// The master key of secrets that are kept here. Without it none are.
    pub vault: Option<Vault>,
    /// Where our pages are, for links that people follow.
    pub public_url: Option<String>,
    /// Who cosigns the log.
    pub witnessing: Option<Witnessing>,
}

impl EngineOptions {
    /// The usual options for a folder: the system's clock and chance, no secrets.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            anchor: None,
            origin: None,
            adopt_missing_anchor: false,
            crash_at: None,
            full_anchor: None,
            max_pages: None,
            clock: Arc::new(crate::clock::SystemClock::default()),
            rng: Arc::new(crate::rng::SystemRng),
            secrets: Arc::new(crate::secrets::NoSecrets),
            net: Arc::new(sluice_outbound::Nowhere),
            vault: None,
            public_url: None,
            witnessing: None,
        }
    }
}

/// The engine. Cheap to clone; the last one dropped stops it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    sequencer: Sequencer,
    readers: Readers,
    lists: Readers,
    clock: Arc<dyn Clock>,
    skew: Arc<SkewWatch>,
    rng: Arc<dyn Rng>,
    secrets: Arc<dyn Secrets>,
    net: Arc<dyn Net>,
    vault: Option<Vault>,
    lines: Lines,
    public_url: Option<String>,
    issuer_keys: IssuerKeys,
    keys: Keys,
    policies: Policies,
    known_secrets: KnownSecrets,
    calendar: ArcSwapOption<CompiledCalendar>,
    inbox: Notify,
    /// Whoever interprets deliveries holds it: each is interpreted once.
    interpreting: tokio::sync::Mutex<()>,
    people: People,
    cosigning: Option<Arc<Cosigning>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    tasks: crate::tasks::Tasks,
}

/// The windows as expanded around a moment.
struct CompiledCalendar {
    /// Where the organisation was last touched when it was made.
    organisation: u64,
    calendar: Arc<Calendar>,
}

impl Engine {
    /// Opens the data folder and everything in it, after checking that it may be served. Blocking.
    pub fn open(options: EngineOptions) -> Result<Self, OpenError> {
        sluice_store::make_folder(&options.dir).map_err(|error| OpenError::Keys {
            message: format!("`{}` cannot be made: {error}", options.dir.display()),
        })?;
        let keys = Keys::open(&options.dir, options.origin.as_deref(), options.rng.as_ref())?;
        let mut store = StoreOptions::new(&options.dir, &keys.public.origin, Arc::clone(&keys.log));
        store.anchor = options.anchor;
        store.adopt_missing_anchor = options.adopt_missing_anchor;
        store.crash_at = options.crash_at;
        store.full_anchor = options.full_anchor;
        store.max_pages = options.max_pages;
        let (writer, readers) = Store::open(&store)?;
        let owner =
            Owner { origin: keys.public.origin.as_str().into(), key: Arc::clone(&keys.log) };
        let (standing, snapshot) = stand(&readers, &owner)?;
        crate::stored_secrets::can_be_opened(&readers, &standing, options.vault.as_ref())?;
        let cosigning = cosigning(options.witnessing, &readers, &keys)?;
        let clock = options.clock.as_ref();
        let skew = Arc::new(SkewWatch::begin(clock.now(), clock.monotonic(), standing.last_time));
        let parts = Parts {
            skew: Arc::clone(&skew),
            writer,
            readers: readers.apart(),
            clock: Arc::clone(&options.clock),
            snapshots: Snapshots::new(owner, snapshot),
        };
        let (sequencer, thread) = Sequencer::start(parts, standing);
        let engine = Self {
            inner: Arc::new(Inner {
                sequencer,
                lists: readers.apart(),
                readers,
                clock: options.clock,
                skew,
                rng: options.rng,
                secrets: options.secrets,
                net: options.net,
                vault: options.vault,
                lines: Lines::default(),
                public_url: options.public_url,
                issuer_keys: IssuerKeys::default(),
                keys,
                policies: Policies::default(),
                known_secrets: KnownSecrets::default(),
                calendar: ArcSwapOption::empty(),
                inbox: Notify::new(),
                interpreting: tokio::sync::Mutex::new(()),
                people: People::default(),
                cosigning,
                thread: Mutex::new(Some(thread)),
                tasks: crate::tasks::Tasks::default(),
            }),
        };
        engine.begin()?;
        Ok(engine)
    }

    /// Now, by what is trusted of the clock.
    pub fn now(&self) -> Timestamp {
        let clock = self.inner.clock.as_ref();
        self.inner.skew.trusted(clock.now(), clock.monotonic())
    }

    /// The later of what the clock says and what is trusted of it: by this it is judged whether sessions, tokens and proofs
    /// are over, and what others have signed with their time. While it is not known which of the two is right, nothing is
    /// good for longer by that. What is written goes by [`Engine::now`].
    pub fn latest(&self) -> Timestamp {
        let clock = self.inner.clock.as_ref();
        let wall = clock.now();
        self.inner.skew.trusted(wall, clock.monotonic()).max(wall)
    }

    /// The standing as of the last durable entry.
    pub fn standing(&self) -> Arc<Standing> {
        self.inner.sequencer.standing()
    }

    /// Reads of the store; blocking.
    pub fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// The same for pages and lists, by connections of their own: no decision waits for whoever looks at many rows.
    pub fn lists(&self) -> &Readers {
        &self.inner.lists
    }

    /// What outsiders need in order to verify.
    pub fn keys(&self) -> &PublicKeys {
        &self.inner.keys.public
    }

    /// Why writes are refused for good, if they are.
    pub fn halted(&self) -> Option<String> {
        self.inner.sequencer.halted()
    }

    /// Follows the number of durable entries.
    pub fn watch_size(&self) -> watch::Receiver<u64> {
        self.inner.sequencer.watch_size()
    }

    /// Stops after what waits is recorded. For the last owner: others' requests are refused from then on.
    pub fn shutdown(self) {
        let thread = self.inner.thread.lock().take();
        drop(self);
        if let Some(thread) = thread {
            // The sequencer ends when the last sender is gone; where somebody still holds one, the process ends it.
            let _ = wait_for(thread, std::time::Duration::from_secs(10));
        }
    }

    pub(crate) fn sequencer(&self) -> &Sequencer {
        &self.inner.sequencer
    }

    pub(crate) fn signing(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn rng(&self) -> &dyn Rng {
        self.inner.rng.as_ref()
    }

    /// Secrets wherever they are.
    pub(crate) fn secrets(&self) -> &dyn Secrets {
        self
    }

    /// Secrets outside of the vault.
    pub(crate) fn outer_secrets(&self) -> &dyn Secrets {
        self.inner.secrets.as_ref()
    }

    pub(crate) fn vault(&self) -> Option<&Vault> {
        self.inner.vault.as_ref()
    }

    pub(crate) fn known_secrets(&self) -> &KnownSecrets {
        &self.inner.known_secrets
    }

    pub(crate) fn net(&self) -> &dyn Net {
        self.inner.net.as_ref()
    }

    pub(crate) fn lines(&self) -> &Lines {
        &self.inner.lines
    }

    pub(crate) fn public_url(&self) -> Option<&str> {
        self.inner.public_url.as_deref()
    }

    pub(crate) fn issuer_keys(&self) -> &IssuerKeys {
        &self.inner.issuer_keys
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.inner.policies
    }

    pub(crate) fn people(&self) -> &People {
        &self.inner.people
    }

    pub(crate) fn tasks(&self) -> &crate::tasks::Tasks {
        &self.inner.tasks
    }

    pub(crate) fn cosigning(&self) -> Option<&Arc<Cosigning>> {
        self.inner.cosigning.as_ref()
    }

    /// Time since some fixed moment that no clock setting moves.
    pub(crate) fn monotonic(&self) -> std::time::Duration {
        self.inner.clock.monotonic()
    }

    pub(crate) fn inbox(&self) -> &Notify {
        &self.inner.inbox
    }

    pub(crate) fn interpreting(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.interpreting
    }

    /// Whether the clock can be trusted. It is the wall's time that is judged, not the ledger's: that never goes back.
    pub(crate) fn clock_facts(&self, standing: &Standing) -> ClockFacts {
        let clock = self.inner.clock.as_ref();
        self.inner.skew.look(clock.now(), clock.monotonic(), standing.last_time)
    }

    /// The windows of `standing`, expanded around `now`; made anew only when the organisation was touched or
    /// the day has moved on.
    pub(crate) fn calendar(&self, standing: &Standing, now: Timestamp) -> Arc<Calendar> {
        let organisation = standing.touched_at(&Topic::Organisation);
        if let Some(compiled) = self.inner.calendar.load_full() {
            let (from, to) = compiled.calendar.span();
            let margin = jiff::SignedDuration::from_hours(24 * 30);
            let inside = now >= from && now.checked_add(margin).is_ok_and(|later| later <= to);
            if compiled.organisation == organisation && inside {
                return Arc::clone(&compiled.calendar);
            }
        }
        let windows = standing.windows().map(|window| window.as_ref().clone());
        let calendar = Arc::new(Calendar::around(windows, now));
        let compiled = CompiledCalendar { organisation, calendar: Arc::clone(&calendar) };
        self.inner.calendar.store(Some(Arc::new(compiled)));
        calendar
    }

    /// The windows as they stand, expanded around now.
    pub fn present_calendar(&self) -> Arc<Calendar> {
        self.calendar(&self.standing(), self.now())
    }

    /// The next windows of a service in an environment (all of them where it is not named).
    pub fn next_windows(
        &self,
        service: &ServiceName,
        environment: Option<&str>,
        count: usize,
    ) -> Vec<UpcomingWindow> {
        let (standing, now) = (self.standing(), self.now());
        let organisation = &standing.organisation;
        let names: Vec<_> = match environment {
            Some(name) => organisation
                .environment_named(name)
                .map(|found| found.name.clone())
                .into_iter()
                .collect(),
            None => organisation.environments.keys().cloned().collect(),
        };
        let calendar = self.calendar(&standing, now);
        let mut windows: Vec<UpcomingWindow> = names
            .iter()
            .flat_map(|name| {
                calendar.next_windows(&organisation.target(service, name), now, None, count)
            })
            .collect();
        windows.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        windows.dedup_by(|a, b| (a.start, &a.name) == (b.start, &b.name));
        windows.truncate(count);
        windows
    }

    /// Reads from the store. Damage that is found on the way halts every write: what is damaged is not judged by.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Readers) -> Result<T, ReadError>,
    ) -> Result<T, EngineError> {
        read(self.readers()).map_err(|error| {
            if error.is_damage() {
                self.halt(&error.to_string());
            }
            EngineError::Read(error)
        })
    }

    /// Refuses every write from now on, until a person has looked.
    pub fn halt(&self, reason: &str) {
        self.inner.sequencer.halt(reason);
    }
}

/// Waits for a thread, but not for ever.
fn wait_for(thread: std::thread::JoinHandle<()>, longest: std::time::Duration) -> Option<()> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let waiting = std::thread::Builder::new().name("shutdown".into()).spawn(move || {
        let _ = sender.send(thread.join());
    });
    waiting.ok()?;
    receiver.recv_timeout(longest).ok()?.ok()
}

/// Takes up what witnesses have cosigned.
fn cosigning(
    witnessing: Option<Witnessing>,
    readers: &Readers,
    keys: &Keys,
) -> Result<Option<Arc<Cosigning>>, OpenError> {
    let Some(config) = witnessing else { return Ok(None) };
    let opened = Cosigning::open(config, readers, &keys.log.verifying_key());
    let opened = opened.map_err(|error| OpenError::Standing { message: error.to_string() })?;
    Ok(Some(Arc::new(opened)))
}

/// Folds the ledger: from the last good snapshot on. Also gives the size of that snapshot.
fn stand(readers: &Readers, owner: &Owner) -> Result<(Standing, u64), OpenError> {
    let size = readers.head().size;
    let mut standing = snapshot::find(readers, owner).unwrap_or_default();
    let snapshot = standing.size;
    fold(readers, &mut standing, size)?;
    Ok((standing, snapshot))
}

/// Takes in the entries up to `size`.
pub(crate) fn fold(readers: &Readers, standing: &mut Standing, size: u64) -> Result<(), OpenError> {
    fold_with(readers, standing, size, &mut |standing, recorded| drop(standing.apply(recorded)))
}

/// Takes in the entries up to `size`, each by `apply`.
pub(crate) fn fold_with(
    readers: &Readers,
    standing: &mut Standing,
    size: u64,
    apply: &mut dyn FnMut(&mut Standing, &Recorded),
) -> Result<(), OpenError> {
    let broken = |message: String| OpenError::Standing { message };
    while standing.size < size {
        let entries = readers
            .entries(standing.size, 1_000)
            .map_err(|error| broken(format!("entry {}: {error}", standing.size)))?;
        if entries.is_empty() {
            return Err(broken(format!("entry {} is missing: run `sluice verify`", standing.size)));
        }
        for entry in entries {
            let unreadable = |error: serde_json::Error| {
                broken(format!("entry {} cannot be read: {error}", entry.seq))
            };
            let envelope = Envelope::parse(&entry.bytes).map_err(unreadable)?;
            if envelope.seq != entry.seq || envelope.seq != standing.size {
                return Err(broken(format!(
                    "entry {} says that it is {}",
                    entry.seq, envelope.seq
                )));
            }
            match envelope.recorded().map_err(unreadable)? {
                Some(recorded) => apply(standing, &recorded),
                None => standing.skip(envelope.seq, envelope.time),
            }
        }
    }
    Ok(())
}

/// Turns an error of the first writes into one of opening.
pub(crate) fn at_open(error: EngineError) -> OpenError {
    OpenError::Standing { message: format!("the first entries cannot be written: {error}") }
}
