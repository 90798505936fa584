//! Rows beside the journal that entries name: whether they are still there.
//!
//! Each such row carries a checksum of its own, which finds one that was changed; this finds one that was taken away.
//! Deliveries and the names of people are not looked for: both may be gone because they are kept for a time only, or
//! were erased.

use sluice_core::event::Event;
use sluice_core::standing::Standing;
use sluice_store::rows::KEEP_US;
use sluice_store::{ReadError, Readers};

use crate::envelope::{Cause, Envelope};

/// Entries read at once.
const CHUNK: u32 = 1_000;

/// Names rows that are missing, at most `most` of them.
pub(crate) fn missing(
    readers: &Readers,
    standing: &Standing,
    most: usize,
) -> Result<Vec<String>, String> {
    let mut search = Search { readers, last_key: None, missing: Vec::new() };
    search.tokens(standing).map_err(|error| error.to_string())?;
    let mut next = 0;
    while next < standing.size && search.missing.len() < most {
        let entries = readers.entries(next, CHUNK).map_err(|error| error.to_string())?;
        let Some(last) = entries.last() else { break };
        next = last.seq + 1;
        for entry in &entries {
            search.entry(&entry.bytes).map_err(|error| format!("entry {}: {error}", entry.seq))?;
        }
    }
    search.missing.truncate(most);
    Ok(search.missing)
}

struct Search<'a> {
    readers: &'a Readers,
    last_key: Option<(String, String)>,
    missing: Vec<String>,
}

impl Search<'_> {
    fn tokens(&mut self, standing: &Standing) -> Result<(), ReadError> {
        let mut stored = std::collections::BTreeSet::new();
        let mut after = String::new();
        loop {
            let page = self.readers.tokens(&after, 100)?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            stored.extend(page.into_iter().map(|token| token.id));
        }
        let now_us = self.readers.head().last_time_us;
        let good = standing
            .tokens
            .iter()
            .filter(|(_, known)| known.token.expires_at.as_microsecond() > now_us);
        let gone = good.map(|(id, _)| id).filter(|id| !stored.contains(id.as_str()));
        self.missing.extend(gone.map(|id| format!("`tokens` lacks the row `{id}`")));
        Ok(())
    }

    fn entry(&mut self, bytes: &[u8]) -> Result<(), String> {
        let envelope = Envelope::parse(bytes).map_err(|error| error.to_string())?;
        if let Some(Cause::Request { scope, key }) = &envelope.cause {
            self.key(scope, key, envelope.time.as_microsecond())?;
        }
        match envelope.recorded().map_err(|error| error.to_string())?.map(|known| known.event) {
            Some(Event::GateDecided(decided)) => self.blob(decided.input.as_str()),
            Some(Event::PolicyActivated(activated)) => {
                activated.modules.values().try_for_each(|digest| self.blob(digest.as_str()))
            }
            _ => Ok(()),
        }
    }

    /// A key is kept for a time from its request on; nothing is pruned without an entry that is later by as much.
    fn key(&mut self, scope: &str, key: &str, at_us: i64) -> Result<(), String> {
        let this = (scope.to_owned(), key.to_owned());
        if at_us < self.readers.head().last_time_us - KEEP_US
            || self.last_key.as_ref() == Some(&this)
        {
            return Ok(());
        }
        let found = self.readers.idempotency(scope, key).map_err(|error| error.to_string())?;
        if found.is_none() {
            self.missing.push(format!("`idempotency` lacks the row `{scope}` `{key}`"));
        }
        self.last_key = Some(this);
        Ok(())
    }

    fn blob(&mut self, digest: &str) -> Result<(), String> {
        if self.readers.blob(digest).map_err(|error| error.to_string())?.is_none() {
            self.missing.push(format!("`blobs` lacks the row `{digest}`"));
        }
        Ok(())
    }
}
