//! Several witnesses, and how many of them must have cosigned a head.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{self, Cosignature, CosignerKey, VerifyingKey};

/// Witnesses that are trusted, none twice, and how many of them are needed: at least one, at most all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    witnesses: Vec<CosignerKey>,
    needed: usize,
}

/// Why witnesses and a number make no quorum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuorum {
    /// One key, under one name or two.
    #[error("the witnesses `{one}` and `{other}` have the same key, and would count twice")]
    SameKey {
        /// Name of the first.
        one: String,
        /// Name of the second.
        other: String,
    },
    /// More than there are, or none.
    #[error(
        "{needed} of {witnesses} witnesses is not possible: at least 1 is needed, and at most all"
    )]
    Needed {
        /// How many were asked for.
        needed: usize,
        /// How many there are.
        witnesses: usize,
    },
}

/// A published head, and who has cosigned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedHead {
    /// The head.
    pub checkpoint: Checkpoint,
    /// One cosignature for each witness, its latest timely one, in the order of the witnesses.
    pub cosignatures: Vec<Cosignature>,
}

/// Why a head is not one that the quorum has cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// It is malformed, not signed by the log, or carries a cosignature that is none.
    #[error("the cosigned checkpoint is refused")]
    Checkpoint(#[from] CheckpointError),
    /// Fewer have cosigned than are needed.
    #[error(
        "{found} of the {needed} witnesses that are needed have cosigned the head of size {size}; {missing}"
    )]
    TooFew {
        /// How many have.
        found: usize,
        /// How many are needed.
        needed: usize,
        /// Size of the head.
        size: u64,
        /// Those that have not, and why where it is known.
        missing: String,
    },
}

impl Quorum {
    /// These witnesses, of which so many are needed; all of them where no number is given.
    pub fn new(witnesses: Vec<CosignerKey>, needed: Option<usize>) -> Result<Self, BadQuorum> {
        for (index, one) in witnesses.iter().enumerate() {
            if let Some(other) = witnesses.iter().skip(index + 1).find(|key| key.is_same_key(one)) {
                let (one, other) = (one.name().to_owned(), other.name().to_owned());
                return Err(BadQuorum::SameKey { one, other });
            }
        }
        let needed = needed.unwrap_or(witnesses.len());
        if needed == 0 || needed > witnesses.len() {
            return Err(BadQuorum::Needed { needed, witnesses: witnesses.len() });
        }
        Ok(Self { witnesses, needed })
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[CosignerKey] {
        &self.witnesses
    }

    /// How many of them are needed.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// Who has cosigned a published head, whether they are enough or not. `keys` are those of the log.
    pub fn look(
        &self,
        published: &str,
        keys: &[VerifyingKey],
        now_s: u64,
    ) -> Result<CosignedHead, CheckpointError> {
        let checkpoint = Checkpoint::open(published, keys)?;
        let all = Checkpoint::cosignatures(published, &self.witnesses)?;
        let of = |key: &CosignerKey| {
            let timely = |one: &&Cosignature| one.key == *key && one.is_timely(now_s);
            all.iter().filter(timely).max_by_key(|one| one.time_s).cloned()
        };
        let cosignatures = self.witnesses.iter().filter_map(of).collect();
        Ok(CosignedHead { checkpoint, cosignatures })
    }

    /// Checks that enough witnesses have cosigned a published head.
    pub fn check(
        &self,
        published: &str,
        keys: &[VerifyingKey],
        now_s: u64,
    ) -> Result<CosignedHead, QuorumError> {
        let head = self.look(published, keys, now_s)?;
        if head.cosignatures.len() >= self.needed {
            return Ok(head);
        }
        let all = Checkpoint::cosignatures(published, &self.witnesses)?;
        let missing = self.witnesses.iter().filter_map(|key| {
            if head.cosignatures.iter().any(|one| one.key == *key) {
                return None;
            }
            let is_there = all.iter().any(|one| one.key == *key);
            let why = if is_there { "has one with a time that is none" } else { "has none" };
            Some(format!("`{}` {why}", key.name()))
        });
        Err(QuorumError::TooFew {
            found: head.cosignatures.len(),
            needed: self.needed,
            size: head.checkpoint.size,
            missing: missing.collect::<Vec<_>>().join(", "),
        })
    }
}

impl Checkpoint {
    /// The cosignatures of these witnesses that hold over a published checkpoint, whatever their time. Whether the log
    /// signed it is not looked at.
    pub fn cosignatures(
        published: &str,
        witnesses: &[CosignerKey],
    ) -> Result<Vec<Cosignature>, CheckpointError> {
        let (text, lines) = note::split(published)?;
        Ok(note::cosignatures(text, lines, witnesses)?)
    }
}
