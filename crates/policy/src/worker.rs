//! Threads on which policies run, and which can be left behind.
//!
//! The engine keeps to its limits between instructions, not within one. What does not come back in
//! time is abandoned: the caller gets its answer, a new thread takes the place, and the old one ends
//! when it can. When too many hang, questions are refused instead of piling up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicIsize, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

/// Stack of a worker; it is reserved, and used only as far as a policy goes.
const STACK_BYTES: usize = 256 * 1024 * 1024;
/// Most threads left behind at a time.
const MAX_ABANDONED: isize = 8;
/// Most jobs that wait.
const MAX_WAITING: usize = 256;
/// How long a job may wait for a thread.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// What a job may take beyond its limit, so that the engine's own limit speaks first.
const GRACE: Duration = Duration::from_millis(5);

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It did not come back in time.
    Late,
    /// It never began.
    Busy,
    /// It panicked.
    Panicked(String),
}

/// Who waits for a job. What people have worked on never takes the threads on which the gate judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// A question at the gate.
    Gate,
    /// A person: reading, testing and explaining policies.
    Desk,
}

/// Runs `job` on a worker, for at most `wall`.
pub(crate) fn run<T: Send + 'static>(
    whom: For,
    wall: Duration,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Lost> {
    let pool = pool(whom);
    let (answer, receive) = bounded(1);
    let ticket = Arc::new(Ticket::default());
    let mark = Arc::clone(&ticket);
    let work = Box::new(move || {
        if !mark.start() {
            return true;
        }
        let result = catch_unwind(AssertUnwindSafe(job));
        let in_time = mark.finish();
        if in_time {
            // The caller may be gone; then nobody wants the result.
            let _ =
                answer.send(result.map_err(|panic| Lost::Panicked(panic_message(panic.as_ref()))));
        }
        in_time
    });
    pool.submit(work)?;
    pool.wait(&ticket, &receive, wall + GRACE)
}

/// Runs `job` on the thread that asks; a panic is told as on a worker.
pub(crate) fn caught<T>(job: impl FnOnce() -> T) -> Result<T, Lost> {
    catch_unwind(AssertUnwindSafe(job))
        .map_err(|panic| Lost::Panicked(panic_message(panic.as_ref())))
}

type Work = Box<dyn FnOnce() -> bool + Send>;

struct Pool {
    queue: Sender<Work>,
    source: Receiver<Work>,
    abandoned: AtomicIsize,
}

fn pool(whom: For) -> &'static Arc<Pool> {
    static GATE: OnceLock<Arc<Pool>> = OnceLock::new();
    static DESK: OnceLock<Arc<Pool>> = OnceLock::new();
    let pool = match whom {
        For::Gate => &GATE,
        For::Desk => &DESK,
    };
    pool.get_or_init(|| {
        let (queue, source) = bounded(MAX_WAITING);
        let pool = Arc::new(Pool { queue, source, abandoned: AtomicIsize::new(0) });
        for _ in 0..threads() {
            pool.spawn();
        }
        pool
    })
}

/// Threads of a pool.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8)
}

impl Pool {
    fn spawn(self: &Arc<Pool>) {
        let pool = Arc::clone(self);
        let thread = std::thread::Builder::new().name("policy".into()).stack_size(STACK_BYTES);
        // Without threads nothing is answered, and every question ends as busy.
        let _ = thread.spawn(move || {
            while let Ok(work) = pool.source.recv() {
                if !work() {
                    // Somebody else has taken this place.
                    pool.abandoned.fetch_sub(1, Ordering::SeqCst);
                    return;
                }
            }
        });
    }

    fn submit(&self, work: Work) -> Result<(), Lost> {
        if self.abandoned.load(Ordering::SeqCst) >= MAX_ABANDONED {
            return Err(Lost::Busy);
        }
        self.queue.try_send(work).map_err(|_| Lost::Busy)
    }

    fn wait<T>(
        self: &Arc<Pool>,
        ticket: &Ticket,
        receive: &Receiver<Result<T, Lost>>,
        wall: Duration,
    ) -> Result<T, Lost> {
        let asked = Instant::now();
        let mut patience = wall;
        loop {
            match receive.recv_timeout(patience) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Lost::Panicked("the worker ended".into()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let rest = match ticket.started() {
                Some(started) => wall.saturating_sub(started.elapsed()),
                None => MAX_WAIT.saturating_sub(asked.elapsed()).min(wall),
            };
            if rest > Duration::ZERO {
                patience = rest;
                continue;
            }
            return match ticket.abandon() {
                Phase::Waiting => Err(Lost::Busy),
                Phase::Running => {
                    self.abandoned.fetch_add(1, Ordering::SeqCst);
                    self.spawn();
                    Err(Lost::Late)
                }
                // It finished between the clock and the mark: the result is in the channel.
                Phase::Done => receive.recv().unwrap_or(Err(Lost::Late)),
            };
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running,
    Done,
}

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const ABANDONED: u8 = 3;

#[derive(Default)]
struct Ticket {
    phase: AtomicU8,
    started: Mutex<Option<Instant>>,
}

impl Ticket {
    fn start(&self) -> bool {
        *self.started.lock() = Some(Instant::now());
        self.phase.compare_exchange(WAITING, RUNNING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn finish(&self) -> bool {
        self.phase.compare_exchange(RUNNING, DONE, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn started(&self) -> Option<Instant> {
        *self.started.lock()
    }

    fn abandon(&self) -> Phase {
        match self.phase.compare_exchange(RUNNING, ABANDONED, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Phase::Running,
            Err(DONE) => Phase::Done,
            Err(_) => match self.phase.compare_exchange(
                WAITING,
                ABANDONED,
                Ordering::SeqCst,
                Ordering::SeqCst,
            ) {
                Ok(_) => Phase::Waiting,
                Err(DONE) => Phase::Done,
                Err(_) => self.abandon(),
            },
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the engine panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_comes_back() {
        assert_eq!(run(For::Gate, Duration::from_secs(5), || 41 + 1), Ok(42));
    }

    #[test]
    fn a_panic_is_told_and_the_worker_lives() {
        let lost = run(For::Gate, Duration::from_secs(5), || -> u32 { panic!("boom") });
        assert_eq!(lost, Err(Lost::Panicked("the engine panicked: boom".into())));
        assert_eq!(run(For::Gate, Duration::from_secs(5), || 1), Ok(1));
    }

    #[test]
    fn what_hangs_is_left_behind_and_replaced() {
        let (release, hold) = bounded::<()>(0);
        let lost = run(For::Gate, Duration::from_millis(10), move || hold.recv().is_ok());
        assert_eq!(lost, Err(Lost::Late));
        assert_eq!(run(For::Gate, Duration::from_secs(5), || 2), Ok(2));
        drop(release);
    }

    #[test]
    fn what_people_have_worked_on_takes_no_place_at_the_gate() {
        const MANY: usize = 16;
        let (release, hold) = bounded::<()>(0);
        let (begin, begun) = bounded::<()>(MANY);
        let desks: Vec<_> = (0..MANY)
            .map(|_| {
                let (hold, begin) = (hold.clone(), begin.clone());
                std::thread::spawn(move || {
                    run(For::Desk, Duration::from_secs(5), move || {
                        begin.send(()).is_ok() && hold.recv().is_ok()
                    })
                })
            })
            .collect();
        // Every thread of theirs is taken before the gate asks.
        for _ in 0..threads() {
            assert_eq!(begun.recv(), Ok(()));
        }
        assert_eq!(run(For::Gate, Duration::from_secs(5), || 3), Ok(3));
        drop(release);
        for desk in desks {
            assert!(desk.join().is_ok());
        }
    }
}
