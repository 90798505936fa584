//! The process-wide bound on memory while the tree-walking engine works.
//!
//! The machine counts what one evaluation asks for. The tree walker (queries at the desk, bundles
//! that the machine cannot run) only knows a bound over the whole process: it is set to what is in use now plus what
//! the evaluation may take, and lifted when nobody needs it.

use parking_lot::Mutex;

static HELD: Mutex<Held> = Mutex::new(Held { count: 0, limit: 0 });

struct Held {
    count: usize,
    limit: u64,
}

/// Holds the bound until dropped.
#[derive(Debug)]
pub(crate) struct Backstop;

impl Backstop {
    /// Bounds the process at what it uses now plus `more` bytes, or at what somebody else already set.
    pub(crate) fn raise(more: u64) -> Backstop {
        let (now, _) = regorus_mimalloc::allocation_stats_snapshot();
        let mut held = HELD.lock();
        held.count += 1;
        held.limit = held.limit.max(now.allocated.saturating_add(more));
        regorus::set_global_memory_limit(Some(held.limit));
        Backstop
    }
}

impl Drop for Backstop {
    fn drop(&mut self) {
        let mut held = HELD.lock();
        held.count = held.count.saturating_sub(1);
        if held.count == 0 {
            held.limit = 0;
            regorus::set_global_memory_limit(None);
        }
    }
}
