//! Asking a witness (C2SP tlog-witness): the body of `add-checkpoint`, and what its answer means.
//!
//! Both are functions of their arguments: who sends, and when, is the caller's.

use crate::checkpoint::parse_decimal;
use crate::hash::Hash;
use crate::note::{self, Cosignature, CosignerKey, NoteError};

/// The most hashes of a consistency proof that are sent.
pub const MAX_PROOF_LINES: usize = 63;

/// The most bytes of an answer that are read.
pub const MAX_ANSWER_BYTES: usize = 16 << 10;

/// The media type of an answer that names the size that the witness knows.
const SIZE_TYPE: &str = "text/x.tlog.size";

/// What a witness says to a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// It has cosigned it.
    Cosigned(Box<Cosignature>),
    /// It knows the log at another size than it was told, and wants the proof from there.
    OtherSize(u64),
}

/// Why a witness did not cosign, or did not do what a witness does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// 400: it does not understand the question.
    #[error("it does not understand the request (400)")]
    BadRequest,
    /// 403: it does not trust the signature on the head.
    #[error("it does not accept the signature of this log (403): give its operator the log's key")]
    KeyRefused,
    /// 404: it has not been told of this log, or the address is not that of a witness.
    #[error(
        "it does not know this log (404): give its operator origin and key, or check the address"
    )]
    UnknownLog,
    /// 422: what it has seen of this log is not continued by this head.
    #[error("it has seen another history of this log: what we show does not continue it (422)")]
    Inconsistent,
    /// 429: it is asked too often.
    #[error("it asks to be left alone for a while (429)")]
    Busy,
    /// 5xx: it has a fault.
    #[error("it has a fault of its own ({0})")]
    Failing(u16),
    /// A status that is no answer to this question.
    #[error("it answers with the status {0}, which says nothing here")]
    Unexpected(u16),
    /// The answer is not of the form that the protocol has.
    #[error("its answer is not understood: {0}")]
    Malformed(&'static str),
    /// It says that it cosigned, with a signature that its key did not make.
    #[error(
        "the signature that it gives was not made by its key: it is a false witness, or its key is another by now"
    )]
    Forged,
    /// It says that it cosigned, and there is no signature of the key that we know.
    #[error(
        "its answer has no signature of the key that is configured: its key may be another by now"
    )]
    OtherKey,
    /// The time that it signed is 0, or ahead of our clock.
    #[error("the time of its cosignature is not one: its clock or ours is wrong")]
    Untimely,
}

/// The body of `add-checkpoint`: the proof that the head continues the tree of `old_size` entries, and the head. `None`
/// when the proof is longer than the protocol lets it be, which no tree of 2^62 entries or fewer has.
pub fn add_checkpoint(old_size: u64, proof: &[Hash], checkpoint: &str) -> Option<String> {
    if proof.len() > MAX_PROOF_LINES {
        return None;
    }
    let lines: String = proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
    Some(format!("old {old_size}\n{lines}\n{checkpoint}"))
}

/// What the answer to `add-checkpoint` says. `checkpoint` is what was sent, `media_type` without parameters.
pub fn read_answer(
    (status, media_type, body): (u16, Option<&str>, &[u8]),
    checkpoint: &str,
    witness: &CosignerKey,
    now_s: u64,
) -> Result<WitnessAnswer, WitnessRefusal> {
    if body.len() > MAX_ANSWER_BYTES {
        return Err(WitnessRefusal::Malformed("it has more than 16 KiB"));
    }
    match status {
        200 => {
            let cosigned = cosigned(body, checkpoint, witness, now_s)?;
            Ok(WitnessAnswer::Cosigned(Box::new(cosigned)))
        }
        409 => other_size(media_type, body).map(WitnessAnswer::OtherSize),
        400 => Err(WitnessRefusal::BadRequest),
        403 => Err(WitnessRefusal::KeyRefused),
        404 => Err(WitnessRefusal::UnknownLog),
        422 => Err(WitnessRefusal::Inconsistent),
        429 => Err(WitnessRefusal::Busy),
        500..=599 => Err(WitnessRefusal::Failing(status)),
        other => Err(WitnessRefusal::Unexpected(other)),
    }
}

/// The latest cosignature of the witness among the lines that it gave.
fn cosigned(
    body: &[u8],
    checkpoint: &str,
    witness: &CosignerKey,
    now_s: u64,
) -> Result<Cosignature, WitnessRefusal> {
    let malformed = WitnessRefusal::Malformed;
    let lines = std::str::from_utf8(body).map_err(|_| malformed("it is not text"))?;
    if !lines.ends_with('\n') {
        return Err(malformed("its last line does not end"));
    }
    let (text, _) = note::split(checkpoint).map_err(|_| malformed("what was sent is no head"))?;
    let found = note::cosignatures(text, lines, std::slice::from_ref(witness));
    let found = found.map_err(|error| match error {
        NoteError::BadSignature { .. } => WitnessRefusal::Forged,
        _ => malformed("it is not made of signature lines"),
    })?;
    let latest = found.into_iter().max_by_key(|one| one.time_s).ok_or(WitnessRefusal::OtherKey)?;
    if latest.is_timely(now_s) { Ok(latest) } else { Err(WitnessRefusal::Untimely) }
}

fn other_size(media_type: Option<&str>, body: &[u8]) -> Result<u64, WitnessRefusal> {
    if media_type != Some(SIZE_TYPE) {
        return Err(WitnessRefusal::Malformed("it names no size (409 without `text/x.tlog.size`)"));
    }
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| parse_decimal(text.strip_suffix('\n')?))
        .ok_or(WitnessRefusal::Malformed("the size that it names is no number (409)"))
}
