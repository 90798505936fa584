//! The envelope: the canonical bytes of a ledger entry.
//!
//! JSON, members in the order below, no white space: one encoder, the same bytes for the same event. The leaf hash
//! covers exactly these bytes. `after` is the head that the entry's batch was appended to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::event::{Decoded, Event};
use sluice_core::standing::{Actor, Recorded};
use sluice_store::Described;

/// Layout of the envelope.
const FORMAT: u32 = 1;

/// The envelope as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Writing<'a> {
    pub(crate) format: u32,
    pub(crate) seq: u64,
    pub(crate) event: &'static str,
    pub(crate) version: u32,
    pub(crate) stream: &'a str,
    pub(crate) stream_version: u64,
    pub(crate) time: Timestamp,
    pub(crate) actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'a Cause>,
    pub(crate) after: &'a After,
    pub(crate) data: &'a Event,
}

/// What an event was caused by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A request with an idempotency key.
    Request {
        /// Scope of the key: the token that asked.
        scope: String,
        /// The key.
        key: String,
    },
    /// A delivery in the inbox.
    Delivery {
        /// Its number.
        inbox: u64,
    },
    /// A deadline.
    Deadline,
}

/// The head that a batch was appended to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// Entries before the batch.
    pub size: u64,
    /// Root over them, base64.
    pub root: String,
}

impl Writing<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Events are structs, strings and ordered maps with text keys: they have a JSON form always.
        serde_json::to_vec(self)
            .unwrap_or_else(|error| unreachable!("an event has a JSON form: {error}"))
    }

    pub(crate) fn new<'a>(
        seq: u64,
        (stream, stream_version): (&'a str, u64),
        time: Timestamp,
        actor: &'a Actor,
        cause: Option<&'a Cause>,
        after: &'a After,
        data: &'a Event,
    ) -> Writing<'a> {
        Writing {
            format: FORMAT,
            seq,
            event: data.name(),
            version: data.version(),
            stream,
            stream_version,
            time,
            actor,
            cause,
            after,
            data,
        }
    }
}

/// The envelope as it is read.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// Layout of the envelope.
    pub format: u32,
    /// Index in the ledger.
    pub seq: u64,
    /// Name of the event.
    pub event: String,
    /// Version of the event.
    pub version: u32,
    /// The stream it belongs to.
    pub stream: String,
    /// Its position in the stream, from 0.
    pub stream_version: u64,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Why.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// The head that the batch was appended to.
    pub after: After,
    /// What happened.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

/// Reads the first members of an envelope as [`Writing`] writes them; `None` where it is written in another way.
pub(crate) fn opening(bytes: &[u8]) -> Option<Described<'_>> {
    let rest = bytes.strip_prefix(b"{\"format\":1,\"seq\":")?;
    let (_, rest) = number(rest)?;
    let (name, rest) = text(rest.strip_prefix(b",\"event\":\"")?)?;
    let (_, rest) = number(rest.strip_prefix(b",\"version\":")?)?;
    let (stream, rest) = text(rest.strip_prefix(b",\"stream\":\"")?)?;
    let (version, rest) = number(rest.strip_prefix(b",\"stream_version\":")?)?;
    let (time, rest) = text(rest.strip_prefix(b",\"time\":\"")?)?;
    let is_envelope = rest.starts_with(b",\"actor\":") && rest.ends_with(b"}");
    let time: Timestamp = time.parse().ok().filter(|_| is_envelope)?;
    let (stream, name) = (stream.into(), name.into());
    Some(Described { stream, version, name, time_us: time.as_microsecond() })
}

/// A text without escapes up to its closing quote, and what follows.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(text).ok()?, rest.strip_prefix(b"\"")?))
}

/// A whole number as JSON has it, and what follows.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = bytes.split_at_checked(end)?;
    let is_plain = digits.len() == 1 || !digits.starts_with(b"0");
    Some((std::str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()?, rest))
}

impl<'a> Envelope<'a> {
    /// Reads an entry's bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The event with its circumstances; `None` where this build does not know the event.
    pub fn recorded(&self) -> Result<Option<Recorded>, serde_json::Error> {
        match Event::decode(&self.event, self.version, self.data)? {
            Decoded::Known(event) => Ok(Some(Recorded {
                index: self.seq,
                at: self.time,
                actor: self.actor.clone(),
                event,
            })),
            Decoded::Unknown => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#"{"format":1,"seq":7,"event":"stop.lifted","version":1,"stream":"stop/01j0000000000000000000000a","stream_version":3,"time":"2026-03-02T10:00:00.000001Z","actor":"system","after":{"size":7,"root":"x"},"data":{}}"#;

    #[test]
    fn the_opening_says_what_the_whole_says() {
        let described = opening(ENVELOPE.as_bytes()).expect("an envelope");
        assert_eq!(described.stream, "stop/01j0000000000000000000000a");
        assert_eq!((&*described.name, described.version), ("stop.lifted", 3));
        assert_eq!(described.time_us, 1_772_445_600_000_001);
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_the_reader_of_the_whole() {
        for (from, to) in [
            ("\"seq\":7", "\"seq\": 7"),
            ("\"format\":1", "\"format\":2"),
            ("stop/", "stop\\/"),
            ("\"stream_version\":3", "\"stream_version\":03"),
            ("\"stream_version\":3", "\"stream_version\":-3"),
            ("000001Z", "000001"),
            ("\"actor\"", "\"stream\":\"other\",\"actor\""),
            ("{}}", "{}"),
        ] {
            let changed = ENVELOPE.replacen(from, to, 1);
            let changed = if to == "{}" { format!("{changed} ") } else { changed };
            assert_eq!(opening(changed.as_bytes()), None, "{changed}");
        }
    }
}
