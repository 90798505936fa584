//! The patrol: stored entries are read again, slice by slice, and proven against the signed tree.
//!
//! A disk forgets and a database can be edited while the server runs. What the patrol finds halts every write, so that
//! nothing is decided or signed on top of it. It only reads, and it rests between slices.

use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};

/// How often a slice is looked at.
const EVERY: std::time::Duration = std::time::Duration::from_secs(10);

/// Entries in a slice.
const SLICE: u32 = 64;

pub(super) async fn run(engine: Engine) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut from = 0;
    loop {
        tick.tick().await;
        let patrol = engine.clone();
        let looked = tokio::task::spawn_blocking(move || patrol.patrol(from)).await;
        let Ok(looked) = looked else { return };
        engine.went_round("patrol", looked.as_ref());
        from = looked.unwrap_or(from);
    }
}

impl Engine {
    /// Looks at the slice of entries that begins at `from`, and says where the next one begins: at 0 after the last.
    /// Entries that are missing, not what the tree says, or not under the signed checkpoint halt the engine. Blocking.
    pub fn patrol(&self, from: u64) -> Result<u64, EngineError> {
        let found = |what: String| {
            self.halt(&what);
            Unavailable::halted(&what)
        };
        let size = self.readers().head().size;
        if from >= size {
            return Ok(0);
        }
        let key = self.keys().log_key.parse();
        let key = key.map_err(|_| found("the log's key cannot be read".to_owned()))?;
        let entries = self.read(|readers| readers.entries(from, SLICE))?;
        let expected = (size - from).min(u64::from(SLICE));
        if u64::try_from(entries.len()).unwrap_or(u64::MAX) < expected {
            return Err(found(format!("entries from {from} on are missing")));
        }
        let keys = [key];
        for entry in &entries {
            let receipt = self.read(|readers| readers.receipt(entry.seq))?;
            if let Err(error) = receipt.verify(Some(&entry.bytes), &keys) {
                return Err(found(format!("entry {} is not what was signed: {error}", entry.seq)));
            }
        }
        Ok(entries.last().map_or(0, |entry| entry.seq + 1))
    }
}
