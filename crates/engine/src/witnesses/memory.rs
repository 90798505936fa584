//! What each witness has cosigned, and when it is asked again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_ledger::{Checkpoint, Cosignature, VerifyingKey};
use sluice_store::rows::{CosignedRow, QUORUM};
use sluice_store::{ReadError, Readers};

use super::{Witness, WitnessCard, WitnessState, Witnessing, WitnessingCard};

/// The longest rest of a witness that does not cosign.
const LONGEST: Duration = Duration::from_secs(600);

/// A signed head that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) note: Arc<str>,
}

/// How a question to a witness ended.
pub(crate) enum Outcome {
    /// It has cosigned this head.
    Cosigned(Head, Box<Cosignature>),
    /// It has not, and why.
    Not(WitnessState, String),
}

/// What a witness has last cosigned.
#[derive(Debug, Clone)]
struct Last {
    size: u64,
    time_s: u64,
    line: String,
}

#[derive(Debug, Default)]
struct Known {
    state: WitnessState,
    error: Option<String>,
    last: Option<Last>,
    failures: u32,
    /// Not to be asked before, on the clock that no setting moves.
    rests_until: Duration,
}

#[derive(Debug)]
struct Memory {
    known: Vec<Known>,
    witnessed: Option<(u64, Arc<str>)>,
}

/// The witnesses with what is known of each.
pub(crate) struct Cosigning {
    pub(super) config: Witnessing,
    memory: Mutex<Memory>,
    /// Whoever asks holds it: no witness is asked twice at the same time.
    pub(crate) asking: tokio::sync::Mutex<()>,
}

impl Cosigning {
    /// Takes up what is stored. What the keys of the configuration do not confirm is not known.
    pub(crate) fn open(
        config: Witnessing,
        readers: &Readers,
        log_key: &VerifyingKey,
    ) -> Result<Self, ReadError> {
        let rows = readers.cosigned()?;
        let known = config.witnesses.iter().map(|witness| Known {
            last: rows.iter().find_map(|row| last(row, witness)),
            ..Known::default()
        });
        // What counted when it came goes on counting, whatever the clock says now.
        let now_s = u64::MAX;
        let keys = std::slice::from_ref(log_key);
        let witnessed = rows.iter().find(|row| row.name == QUORUM).and_then(|row| {
            let head = config.quorum.check(&row.note, keys, now_s).ok()?;
            Some((head.checkpoint.size, row.note.as_str().into()))
        });
        let memory = Mutex::new(Memory { known: known.collect(), witnessed });
        Ok(Self { config, memory, asking: tokio::sync::Mutex::new(()) })
    }

    /// How often it is looked whether they are to be asked.
    pub(crate) fn every(&self) -> Duration {
        self.config.every
    }

    pub(crate) fn witness(&self, index: usize) -> Option<&Witness> {
        self.config.witnesses.get(index)
    }

    /// Whom a log of this size is to be shown now, and what each has cosigned of it.
    pub(crate) fn due(&self, size: u64, now: Duration) -> Vec<(usize, u64)> {
        let memory = self.memory.lock();
        let due = memory.known.iter().enumerate().filter_map(|(index, known)| {
            let seen = known.last.as_ref().map_or(0, |last| last.size);
            // At a start each is asked even where nothing is new: it may know of more than this copy does.
            let is_news = seen < size || known.state != WitnessState::Cosigned;
            (is_news && known.rests_until <= now).then_some((index, seen))
        });
        due.collect()
    }

    /// What is to be kept of a cosignature: the last of this witness, and the head with the quorum where it is one.
    pub(crate) fn rows(
        &self,
        index: usize,
        head: &Head,
        cosigned: &Cosignature,
    ) -> Vec<CosignedRow> {
        let Some(witness) = self.witness(index) else { return Vec::new() };
        let memory = self.memory.lock();
        let row = |name: String, times: &[u64], lines: &str| CosignedRow {
            name,
            size: head.size,
            at_us: times.iter().copied().max().map_or(0, microseconds),
            note: format!("{}{lines}", head.note),
        };
        let mut rows = vec![row(witness.key.to_string(), &[cosigned.time_s], &cosigned.line)];
        let same = memory.known.iter().enumerate().filter_map(|(other, known)| {
            if other == index {
                return Some((cosigned.time_s, cosigned.line.as_str()));
            }
            let last = known.last.as_ref().filter(|last| last.size == head.size)?;
            Some((last.time_s, last.line.as_str()))
        });
        let (times, lines): (Vec<u64>, Vec<&str>) = same.unzip();
        let newest = memory.witnessed.as_ref().is_none_or(|(size, _)| *size <= head.size);
        if newest && lines.len() >= self.config.quorum.needed() {
            rows.push(row(QUORUM.to_owned(), &times, &lines.concat()));
        }
        rows
    }

    /// Takes in what was kept: from here on it is shown.
    pub(crate) fn keep(&self, index: usize, rows: &[CosignedRow], cosigned: &Cosignature) {
        let mut memory = self.memory.lock();
        for row in rows {
            if row.name == QUORUM {
                memory.witnessed = Some((row.size, row.note.as_str().into()));
            } else if let Some(known) = memory.known.get_mut(index) {
                *known = Known {
                    state: WitnessState::Cosigned,
                    last: Some(Last {
                        size: row.size,
                        time_s: cosigned.time_s,
                        line: cosigned.line.clone(),
                    }),
                    ..Known::default()
                };
            }
        }
    }

    /// Notes that a witness did not cosign, and leaves it alone for a while: longer each time, never quite as long as
    /// another. `chance` is any number.
    pub(crate) fn failed(
        &self,
        index: usize,
        (state, error): (WitnessState, String),
        now: Duration,
        chance: u64,
    ) {
        let mut memory = self.memory.lock();
        let Some(known) = memory.known.get_mut(index) else { return };
        known.failures = known.failures.saturating_add(1);
        known.rests_until = now + rest(self.config.every, known.failures, chance);
        // That it disagrees is not forgotten because it cannot be asked any more.
        if known.state != WitnessState::Disagrees || state == WitnessState::Disagrees {
            (known.state, known.error) = (state, Some(error));
        }
    }

    /// The cosignatures of a head of this size, as lines.
    pub(super) fn lines(&self, size: u64) -> String {
        let memory = self.memory.lock();
        let lasts = memory.known.iter().filter_map(|known| known.last.as_ref());
        lasts.filter(|last| last.size == size).map(|last| last.line.as_str()).collect()
    }

    /// The newest head that has the quorum.
    pub(super) fn witnessed(&self) -> Option<(u64, Arc<str>)> {
        self.memory.lock().witnessed.clone()
    }

    /// What may be shown.
    pub(crate) fn card(&self) -> WitnessingCard {
        let memory = self.memory.lock();
        let cards = self.config.witnesses.iter().zip(&memory.known).map(|(witness, known)| {
            let last = known.last.as_ref();
            WitnessCard {
                name: witness.key.name().to_owned(),
                state: known.state,
                size: last.map(|last| last.size),
                at: last
                    .and_then(|last| Timestamp::from_second(i64::try_from(last.time_s).ok()?).ok()),
                error: known.error.clone(),
            }
        });
        WitnessingCard {
            witnesses: cards.collect(),
            quorum: self.config.quorum.needed(),
            witnessed_size: memory.witnessed.as_ref().map(|(size, _)| *size),
            strict: self.config.strict,
        }
    }
}

/// What a stored head says of a witness: nothing, where its key did not sign it.
fn last(row: &CosignedRow, witness: &Witness) -> Option<Last> {
    if row.name != witness.key.to_string() {
        return None;
    }
    let keys = std::slice::from_ref(&witness.key);
    let mut cosigned = Checkpoint::cosignatures(&row.note, keys).ok()?;
    let Cosignature { time_s, line, .. } = cosigned.pop()?;
    Some(Last { size: row.size, time_s, line })
}

fn microseconds(time_s: u64) -> i64 {
    i64::try_from(time_s).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

/// How long a witness rests after so many failures: twice as long each time, between a half and the whole of it.
fn rest(every: Duration, failures: u32, chance: u64) -> Duration {
    let doubled = every.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    let half = u64::try_from(doubled.min(LONGEST).as_millis()).unwrap_or(u64::MAX) / 2;
    Duration::from_millis(half + chance % half.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_doubles_up_to_ten_minutes() {
        let every = Duration::from_secs(10);
        for (failures, least_s) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (99, 300)] {
            for chance in [0, 7, u64::MAX] {
                let rests = rest(every, failures, chance).as_secs();
                assert!((least_s..2 * least_s).contains(&rests), "{failures}: {rests} s");
            }
        }
    }
}
