//! A witness of logs: it keeps of each log the last head that it cosigned, checks that the next one continues it, and
//! lies where it is told to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sluice_engine::ledger::checkpoint::CheckpointError;
use sluice_engine::ledger::note::NoteError;
use sluice_engine::ledger::{
    Checkpoint, CosignerKey, CosigningKey, Hash, VerifyingKey, empty_root, verify_consistency,
};

use super::{Neighbour, Said, Seen};

/// How a witness lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessLie {
    /// It says that it knows more of the log than there is.
    Larger,
    /// It says that what it is shown does not continue what it has seen.
    Inconsistent,
    /// It gives a signature over another head.
    Forged,
    /// It signs with another key than the one that is known.
    OtherKey,
    /// It signs with the time 0.
    Timeless,
    /// It signs with a time an hour ahead.
    Ahead,
    /// It says that it knows another size, and not which.
    NoSize,
    /// It names the size that it was told as another one.
    SameSize,
    /// Bytes that say nothing.
    Garbage,
    /// Any status.
    Status(u16),
}

/// A witness.
pub struct Witness {
    key: CosigningKey,
    logs: BTreeMap<String, VerifyingKey>,
    heads: BTreeMap<String, Checkpoint>,
    lie: Option<WitnessLie>,
    asked: u32,
}

impl Witness {
    /// A witness of this name, with a key of this seed, which knows no log.
    pub fn new(name: &str, seed: u8) -> Self {
        let key = CosigningKey::from_seed(name, &[seed; 32]).expect("the name of a key");
        Self { key, logs: BTreeMap::new(), heads: BTreeMap::new(), lie: None, asked: 0 }
    }

    /// Its public key.
    pub fn key(&self) -> CosignerKey {
        self.key.public().clone()
    }

    /// Looks after a log from now on.
    pub fn watch(&mut self, log: &VerifyingKey) {
        self.logs.insert(log.name().to_owned(), log.clone());
    }

    /// Lies from now on, or no more.
    pub fn lie(&mut self, lie: Option<WitnessLie>) {
        self.lie = lie;
    }

    /// How often it was asked.
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// The last size of a log that it has cosigned.
    pub fn size_of(&self, origin: &str) -> u64 {
        self.heads.get(origin).map_or(0, |head| head.size)
    }

    /// Forgets a log, or is put back to what it knew of it.
    pub fn put_back(&mut self, origin: &str, head: Option<Checkpoint>) {
        match head {
            Some(head) => drop(self.heads.insert(origin.to_owned(), head)),
            None => drop(self.heads.remove(origin)),
        }
    }

    /// What it remembers of a log.
    pub fn head_of(&self, origin: &str) -> Option<Checkpoint> {
        self.heads.get(origin).cloned()
    }

    fn add_checkpoint(&mut self, body: &str, now: Timestamp) -> Said {
        let Some(asked) = Asked::read(body) else { return said(400, "") };
        let Ok(shown) = Checkpoint::parse_unverified(asked.note) else { return said(400, "") };
        let Some(key) = self.logs.get(&shown.origin) else { return said(404, "") };
        let head = match Checkpoint::open(asked.note, std::slice::from_ref(key)) {
            Ok(head) => head,
            Err(CheckpointError::Note(
                NoteError::BadSignature { .. } | NoteError::NoKnownSignature,
            )) => return said(403, ""),
            Err(_) => return said(400, ""),
        };
        if let Some(lie) = self.lie {
            return self.false_answer(lie, &asked, &head, now);
        }
        let known = self.heads.get(&head.origin);
        let (size, root) = known.map_or((0, empty_root()), |known| (known.size, known.root));
        if asked.old > head.size {
            return said(400, "");
        }
        if asked.old != size {
            return other_size(size);
        }
        let continues = match size {
            0 => asked.proof.is_empty(),
            _ => verify_consistency(size, head.size, &root, &head.root, &asked.proof).is_ok(),
        };
        if !continues {
            return said(422, "");
        }
        let line = self.key.cosign(&head.text(), seconds(now));
        self.heads.insert(head.origin.clone(), head);
        said(200, &line)
    }

    fn false_answer(
        &self,
        lie: WitnessLie,
        asked: &Asked<'_>,
        head: &Checkpoint,
        now: Timestamp,
    ) -> Said {
        let now_s = seconds(now);
        match lie {
            WitnessLie::Larger => other_size(head.size + 1_000),
            WitnessLie::Inconsistent => said(422, ""),
            WitnessLie::Forged => {
                let other = Checkpoint { size: head.size + 1, ..head.clone() };
                said(200, &self.key.cosign(&other.text(), now_s))
            }
            WitnessLie::OtherKey => {
                let name = self.key.public().name();
                let other = CosigningKey::from_seed(name, &[255; 32]).expect("the name of a key");
                said(200, &other.cosign(&head.text(), now_s))
            }
            WitnessLie::Timeless => said(200, &self.key.cosign(&head.text(), 0)),
            WitnessLie::Ahead => said(200, &self.key.cosign(&head.text(), now_s + 3_600)),
            WitnessLie::NoSize => said(409, "elsewhere\n"),
            WitnessLie::SameSize => other_size(asked.old),
            WitnessLie::Garbage => said(200, "\u{2014} \u{2014} \u{2014}\n"),
            WitnessLie::Status(status) => said(status, ""),
        }
    }
}

impl Neighbour for Witness {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        if seen.method != "POST" || seen.parts() != ["w", "add-checkpoint"] {
            return said(404, "");
        }
        self.asked += 1;
        match std::str::from_utf8(&seen.body) {
            Ok(body) => self.add_checkpoint(body, now),
            Err(_) => said(400, ""),
        }
    }
}

/// The body of `add-checkpoint`, read strictly.
struct Asked<'a> {
    old: u64,
    proof: Vec<Hash>,
    note: &'a str,
}

impl<'a> Asked<'a> {
    fn read(body: &'a str) -> Option<Self> {
        let (question, note) = body.split_once("\n\n")?;
        let mut lines = question.split('\n');
        let written = lines.next()?.strip_prefix("old ")?;
        let old: u64 = written.parse().ok().filter(|old: &u64| old.to_string() == written)?;
        let proof: Vec<Hash> =
            lines.map(|line| Hash::from_base64(line).ok()).collect::<Option<_>>()?;
        (proof.len() <= 63).then_some(Self { old, proof, note })
    }
}

fn other_size(size: u64) -> Said {
    let headers = vec![("content-type".to_owned(), "text/x.tlog.size".to_owned())];
    Said { status: 409, headers, body: format!("{size}\n").into_bytes() }
}

fn said(status: u16, body: &str) -> Said {
    let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    Said { status, headers, body: body.as_bytes().to_vec() }
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).expect("a time after 1970")
}
