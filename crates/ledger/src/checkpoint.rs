//! Checkpoints (C2SP tlog-checkpoint): the signed statement of a log's size and root.

use crate::hash::{Hash, empty_root};
use crate::note::{self, NoteError, SigningKey, VerifyingKey};

/// The longest origin that is read, in bytes.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// The head of a log: which log, how many entries, which root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log, a schema-less URL such as `sluice.example.com/acme`.
    pub origin: String,
    /// Entries in the log.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is refused.
    #[error("the checkpoint's note is refused")]
    Note(#[from] NoteError),
    /// The first line is not an origin.
    #[error("the checkpoint's origin must be one line of 1 to 255 bytes")]
    Origin,
    /// The second line is not a size.
    #[error("the checkpoint's size is not a decimal number without leading zeros")]
    Size,
    /// The third line is not a root.
    #[error("the checkpoint's root is not a hash in base64")]
    Root,
    /// An extension line is empty, or the last line is not ended.
    #[error("the checkpoint's lines are malformed")]
    Lines,
    /// Size 0 with a root that is not the empty one.
    #[error("the checkpoint claims an empty log with the root of another")]
    EmptyRoot,
}

impl Checkpoint {
    /// The text that is signed: origin, size and root, a line each.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads a checkpoint's text strictly. Extension lines after the root are skipped.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = lines.split('\n');
        let origin = lines.next().filter(|line| is_origin(line)).ok_or(CheckpointError::Origin)?;
        let size = lines.next().and_then(parse_decimal).ok_or(CheckpointError::Size)?;
        let root = lines
            .next()
            .and_then(|line| Hash::from_base64(line).ok())
            .ok_or(CheckpointError::Root)?;
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Lines);
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Signs the checkpoint with every one of `keys`; the result is the published note.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<String, CheckpointError> {
        if !is_origin(&self.origin) {
            return Err(CheckpointError::Origin);
        }
        Ok(note::sign(&self.text(), keys)?)
    }

    /// Reads a published checkpoint and checks that one of `keys`, the keys of the log, signed it.
    ///
    /// Which log it is of is for the caller to compare (`origin`).
    pub fn open(published: &str, keys: &[VerifyingKey]) -> Result<Self, CheckpointError> {
        Self::parse(note::open(published, keys)?.text)
    }

    /// Reads a published checkpoint without checking who signed it.
    pub fn parse_unverified(published: &str) -> Result<Self, CheckpointError> {
        let (text, _) = note::split(published)?;
        Self::parse(text)
    }
}

/// A decimal number in the one way to write it.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn is_origin(line: &str) -> bool {
    (1..=MAX_ORIGIN_BYTES).contains(&line.len()) && !line.contains(char::is_control)
}
