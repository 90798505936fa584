//! Reads bundles on the calling thread, checks them on others, and hands them on in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use super::check::{Checked, Pair, check};
use super::{EntryCheck, LogProblem, LogSource};
use crate::tile::{BundleId, bundles_at};

/// Bundles in flight for each thread.
const PER_THREAD: usize = 8;

/// Bytes in flight after which reading waits, whatever the number of bundles.
const MAX_WAITING_BYTES: usize = 64 << 20;

type Outcome = thread::Result<Result<Checked, LogProblem>>;

/// Checks every bundle of a log of `size` entries; `accept` gets them from left to right.
pub(super) fn run<S: LogSource>(
    source: &S,
    size: u64,
    threads: NonZeroUsize,
    entry_check: Option<&EntryCheck<'_>>,
    accept: &mut dyn FnMut(Checked) -> Result<(), LogProblem>,
) -> Result<(), LogProblem> {
    if threads.get() == 1 {
        return bundles_at(size)
            .try_for_each(|bundle| accept(check(&read(source, bundle)?, entry_check)?));
    }
    let (jobs, queue) = mpsc::channel::<(u64, Pair)>();
    let (results, done) = mpsc::channel::<(u64, usize, Outcome)>();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            let (queue, results) = (&queue, results.clone());
            scope.spawn(move || work(queue, &results, entry_check));
        }
        drop(results);
        let window = threads.get() * PER_THREAD;
        feed(source, size, window, jobs, &done, accept)
    })
}

/// Keeps the workers busy within the limits; leaving it ends them, as `jobs` is dropped.
fn feed<S: LogSource>(
    source: &S,
    size: u64,
    window: usize,
    jobs: mpsc::Sender<(u64, Pair)>,
    done: &mpsc::Receiver<(u64, usize, Outcome)>,
    accept: &mut dyn FnMut(Checked) -> Result<(), LogProblem>,
) -> Result<(), LogProblem> {
    let mut bundles = bundles_at(size);
    let mut waiting: BTreeMap<u64, Result<Checked, LogProblem>> = BTreeMap::new();
    let (mut sent, mut taken, mut in_flight, mut bytes) = (0u64, 0u64, 0usize, 0usize);
    let mut exhausted = false;
    loop {
        while !exhausted && (sent - taken) < window as u64 && (bytes < MAX_WAITING_BYTES) {
            match bundles.next().map(|bundle| read(source, bundle)) {
                None => exhausted = true,
                Some(Ok(pair)) => {
                    bytes += pair.bytes();
                    in_flight += 1;
                    if jobs.send((sent, pair)).is_err() {
                        unreachable!("workers live as long as jobs can be sent");
                    }
                    sent += 1;
                }
                Some(Err(problem)) => {
                    waiting.insert(sent, Err(problem));
                    sent += 1;
                    exhausted = true;
                }
            }
        }
        while let Some(result) = waiting.remove(&taken) {
            accept(result?)?;
            taken += 1;
        }
        if in_flight == 0 {
            if exhausted {
                return Ok(());
            }
            continue;
        }
        match done.recv() {
            Ok((order, freed, Ok(result))) => {
                waiting.insert(order, result);
                bytes -= freed;
                in_flight -= 1;
            }
            Ok((_, _, Err(panic))) => resume_unwind(panic),
            Err(mpsc::RecvError) => unreachable!("workers live as long as jobs can be sent"),
        }
    }
}

fn work(
    queue: &Mutex<mpsc::Receiver<(u64, Pair)>>,
    results: &mpsc::Sender<(u64, usize, Outcome)>,
    entry_check: Option<&EntryCheck<'_>>,
) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((order, pair)) = next else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&pair, entry_check)));
        if results.send((order, pair.bytes(), outcome)).is_err() {
            return;
        }
    }
}

fn read<S: LogSource>(source: &S, bundle: BundleId) -> Result<Pair, LogProblem> {
    let tile = bundle.leaf_tile();
    let entries =
        source.entries(&bundle).map_err(|error| LogProblem::read(bundle.path(), error))?;
    let tile = source.tile(&tile).map_err(|error| LogProblem::read(tile.path(), error))?;
    Ok(Pair { bundle, entries, tile })
}

impl Pair {
    fn bytes(&self) -> usize {
        self.entries.len() + self.tile.len()
    }
}
