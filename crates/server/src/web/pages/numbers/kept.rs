//! Numbers that were reckoned a moment ago. They count over months, and do not differ from one second to the next: they
//! are reckoned again when they are older than a minute, and each page says when they were.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::Wanted;
use super::gather::{Number, numbers};
use crate::problem::Problem;
use crate::web::visit::Visit;

/// How old they may be.
const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// The most that are kept.
const MOST: usize = 128;

/// Numbers, and when they were reckoned.
#[derive(Clone)]
pub(crate) struct Reckoned {
    pub(crate) numbers: Arc<Vec<Number>>,
    pub(crate) at: Timestamp,
    /// The entry that they speak as of.
    pub(crate) as_of: u64,
}

type Key = (String, Vec<String>, i64);

/// What was reckoned of late, by environment, services and days.
#[derive(Default)]
pub(crate) struct Kept {
    reckoned: Mutex<BTreeMap<Key, Reckoned>>,
}

impl Kept {
    /// The numbers as they were less than a minute ago, or as they are. Whether the caller may see them is asked before.
    pub(super) fn numbers(&self, visit: &Visit, wanted: &Wanted) -> Result<Reckoned, Problem> {
        let key = (wanted.environment.clone(), wanted.services.clone(), wanted.days);
        let known = self.reckoned.lock().ok().and_then(|kept| kept.get(&key).cloned());
        let fresh = |one: &Reckoned| {
            let age = visit.now.duration_since(one.at);
            !age.is_negative() && age < FRESH
        };
        if let Some(known) = known.filter(fresh) {
            return Ok(known);
        }
        let reckoned = Reckoned {
            numbers: Arc::new(numbers(visit, wanted)?),
            at: visit.now,
            as_of: visit.standing.size,
        };
        if let Ok(mut kept) = self.reckoned.lock() {
            kept.retain(|_, one| fresh(one));
            if kept.len() < MOST {
                kept.insert(key, reckoned.clone());
            }
        }
        Ok(reckoned)
    }
}
