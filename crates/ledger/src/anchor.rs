//! The anchor: the last signed head, kept outside the database (only its bytes are made here).
//!
//! The file has two slots of 4 KiB that are written in turn, so that a write torn by a power cut
//! leaves the head before it. Whoever writes it must write one slot, flush it to the device, and
//! only then tell anybody of the head; a new file is best made whole and renamed into place.
//!
//! A slot: magic (8 bytes), format version (4), generation (8), size (8), root (32), length of
//! the origin (2), length of the note (2), origin, note, zeros, SHA-256 over all before (32);
//! numbers are big-endian.

use sha2::{Digest, Sha256};

use crate::checkpoint::{Checkpoint, MAX_ORIGIN_BYTES};
use crate::hash::{HASH_BYTES, Hash};

/// Bytes of one slot.
pub const SLOT_BYTES: usize = 4096;

/// Slots in the file.
pub const SLOTS: usize = 2;

/// Bytes of the whole file.
pub const ANCHOR_BYTES: usize = SLOTS * SLOT_BYTES;

const MAGIC: &[u8; 8] = b"SLANCHOR";
const FORMAT: u32 = 1;
const HEAD_BYTES: usize = 8 + 4 + 8 + 8 + HASH_BYTES + 2 + 2;
const BODY_BYTES: usize = SLOT_BYTES - HASH_BYTES;

/// The most bytes that origin and note may have together.
pub const MAX_TEXT_BYTES: usize = BODY_BYTES - HEAD_BYTES;

/// A signed head as the anchor holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorState {
    /// Counts the writes, from 1; says which slot is newer.
    pub generation: u64,
    /// Which log.
    pub origin: String,
    /// Entries in it.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// The published checkpoint that says the same, signed.
    pub checkpoint: String,
}

/// Why an anchor cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Origin and checkpoint do not fit into a slot.
    #[error("the anchor's origin and checkpoint have {0} bytes, more than a slot holds")]
    TooLarge(usize),
    /// The checkpoint does not say what the anchor says.
    #[error("the anchor and its checkpoint contradict each other")]
    Contradiction,
    /// The file is longer than two slots.
    #[error("the anchor file has {0} bytes where 8192 are expected")]
    Length(usize),
    /// There is something, but no slot of it is whole.
    #[error("no slot of the anchor file is whole")]
    NoValidSlot,
    /// A slot was written by a newer version.
    #[error("the anchor file has format {0}, newer than this program knows")]
    NewerFormat(u32),
    /// The newer slot is of another log or behind the older one.
    #[error("the anchor file's newer slot does not continue its older one")]
    Backwards,
}

/// The slot, 0 or 1, that the state of this generation is written to.
pub fn slot_for(generation: u64) -> usize {
    (generation % SLOTS as u64) as usize
}

/// The bytes of the slot that holds `state`; they belong at `slot_for(generation) * SLOT_BYTES`.
pub fn encode_slot(state: &AnchorState) -> Result<[u8; SLOT_BYTES], AnchorError> {
    let text_bytes = state.origin.len() + state.checkpoint.len();
    if text_bytes > MAX_TEXT_BYTES || state.origin.len() > MAX_ORIGIN_BYTES {
        return Err(AnchorError::TooLarge(text_bytes));
    }
    if !state.agrees_with_checkpoint() {
        return Err(AnchorError::Contradiction);
    }
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(&state.generation.to_be_bytes());
    bytes.extend_from_slice(&state.size.to_be_bytes());
    bytes.extend_from_slice(state.root.as_bytes());
    bytes.extend_from_slice(&(state.origin.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&(state.checkpoint.len() as u16).to_be_bytes());
    bytes.extend_from_slice(state.origin.as_bytes());
    bytes.extend_from_slice(state.checkpoint.as_bytes());
    bytes.resize(BODY_BYTES, 0);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    let mut slot = [0; SLOT_BYTES];
    slot.copy_from_slice(&bytes);
    Ok(slot)
}

/// Reads the whole file: the newest state whose slot is whole.
///
/// `None` when nothing was ever written (empty, or zeros only). A file that ends early is read as
/// if zeros followed. One torn slot does no harm as long as the other is whole.
pub fn decode(file: &[u8]) -> Result<Option<AnchorState>, AnchorError> {
    if file.len() > ANCHOR_BYTES {
        return Err(AnchorError::Length(file.len()));
    }
    if file.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let mut whole = [0; ANCHOR_BYTES];
    whole[..file.len()].copy_from_slice(file);
    let (first, second) = whole.split_at(SLOT_BYTES);
    match (decode_slot(0, first)?, decode_slot(1, second)?) {
        (None, None) => Err(AnchorError::NoValidSlot),
        (Some(state), None) | (None, Some(state)) => Ok(Some(state)),
        (Some(a), Some(b)) => {
            let (older, newer) = if a.generation < b.generation { (a, b) } else { (b, a) };
            if newer.continues(&older) { Ok(Some(newer)) } else { Err(AnchorError::Backwards) }
        }
    }
}

impl AnchorState {
    fn agrees_with_checkpoint(&self) -> bool {
        Checkpoint::parse_unverified(&self.checkpoint).is_ok_and(|signed| {
            signed.origin == self.origin && signed.size == self.size && signed.root == self.root
        })
    }

    fn continues(&self, older: &Self) -> bool {
        let grown = self.size > older.size;
        self.origin == older.origin && (grown || (self.size, self.root) == (older.size, older.root))
    }
}

/// A slot's state; `None` when it is not whole. Another format is an error, not a torn write.
fn decode_slot(place: usize, slot: &[u8]) -> Result<Option<AnchorState>, AnchorError> {
    let Some((body, checksum)) = slot.split_at_checked(BODY_BYTES) else { return Ok(None) };
    if Sha256::digest(body).as_slice() != checksum {
        return Ok(None);
    }
    let mut fields = Fields(body);
    if fields.array() != Some(*MAGIC) {
        return Ok(None);
    }
    match fields.array().map(u32::from_be_bytes) {
        Some(FORMAT) => {}
        Some(other) => return Err(AnchorError::NewerFormat(other)),
        None => return Ok(None),
    }
    let state = fields.state();
    Ok(state.filter(|s| slot_for(s.generation) == place && s.agrees_with_checkpoint()))
}

/// Takes fields from the front of a slot.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn state(&mut self) -> Option<AnchorState> {
        let generation = self.array().map(u64::from_be_bytes)?;
        let size = self.array().map(u64::from_be_bytes)?;
        let root = self.array().map(Hash::new)?;
        let origin_bytes = self.array().map(u16::from_be_bytes)?;
        let note_bytes = self.array().map(u16::from_be_bytes)?;
        let origin = self.text(origin_bytes)?;
        let checkpoint = self.text(note_bytes)?;
        Some(AnchorState { generation, origin, size, root, checkpoint })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn text(&mut self, length: u16) -> Option<String> {
        let (text, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}
