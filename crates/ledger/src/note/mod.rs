//! Signed notes (C2SP signed-note): a text, an empty line, and signatures over the text.

mod cosigner;
mod key;

pub use cosigner::{Cosignature, CosignerKey, CosigningKey, MAX_AHEAD_S};
pub use key::{KeyError, SigningKey, VerifyingKey};

use data_encoding::BASE64;

use key::is_key_name;

/// The largest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// The most signatures that a note may carry.
pub const MAX_SIGNATURES: usize = 100;

const SIGNATURE_START: &str = "\u{2014} ";

/// A note of which at least one known key has signed the text, and no known key has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedNote<'a> {
    /// The signed text, with its final line feed.
    pub text: &'a str,
    /// The signatures that hold, in the order of the note.
    pub verified: Vec<Signature>,
    /// Signatures by keys that were not given; nothing is known of them.
    pub unknown: Vec<Signature>,
}

/// Who signed, as the signature line says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: u32,
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than [`MAX_NOTE_BYTES`].
    #[error("the note has {0} bytes, above the limit of 1048576")]
    TooLarge(usize),
    /// More signatures than [`MAX_SIGNATURES`].
    #[error("the note has more than 100 signatures")]
    TooManySignatures,
    /// The text is empty or does not end in a line feed.
    #[error("the note's text does not end in a line feed")]
    TextNotEnded,
    /// A control character other than the line feed.
    #[error("the note contains a control character")]
    ControlCharacter,
    /// There is no empty line with signatures after it.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A signature line is not of the form `— name base64`.
    #[error("signature line {0} of the note is malformed")]
    MalformedSignature(usize),
    /// A key that we know did not sign this text.
    #[error("the signature of `{name}` does not match the text")]
    BadSignature {
        /// Name of the key.
        name: String,
    },
    /// None of the known keys has signed.
    #[error("no known key has signed the note")]
    NoKnownSignature,
}

/// Signs `text`, which must end in a line feed, with every one of `keys`.
pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<String, NoteError> {
    check_text(text)?;
    if keys.is_empty() {
        return Err(NoteError::NoSignatures);
    }
    let mut note = format!("{text}\n");
    for key in keys {
        note.push_str(&signature_line(key, text));
    }
    check_size(&note)?;
    Ok(note)
}

/// Checks a note: no known key's signature may fail, and at least one must hold.
pub fn open<'a>(note: &'a str, keys: &[VerifyingKey]) -> Result<OpenedNote<'a>, NoteError> {
    let (text, lines) = split(note)?;
    let mut opened = OpenedNote { text, verified: Vec::new(), unknown: Vec::new() };
    for parsed in signatures(lines) {
        let (_, signature, bytes) = parsed?;
        let known =
            |key: &&VerifyingKey| key.name() == signature.name && key.key_id() == signature.key_id;
        let mut candidates = keys.iter().filter(known).peekable();
        if candidates.peek().is_none() {
            opened.unknown.push(signature);
        } else if candidates.any(|key| key.verify(text.as_bytes(), &bytes)) {
            opened.verified.push(signature);
        } else {
            return Err(NoteError::BadSignature { name: signature.name });
        }
    }
    if opened.verified.is_empty() { Err(NoteError::NoKnownSignature) } else { Ok(opened) }
}

/// The cosignatures of these witnesses among signature lines over `text`, in the order of the lines.
///
/// Lines by other keys are skipped: nothing is known of them. One that a known witness did not make refuses all.
pub fn cosignatures(
    text: &str,
    lines: &str,
    witnesses: &[CosignerKey],
) -> Result<Vec<Cosignature>, NoteError> {
    let mut found = Vec::new();
    for parsed in signatures(lines) {
        let (line, signature, bytes) = parsed?;
        let known =
            |key: &&CosignerKey| key.name() == signature.name && key.key_id() == signature.key_id;
        let mut candidates = witnesses.iter().filter(known).peekable();
        if candidates.peek().is_none() {
            continue;
        }
        let cosigned = candidates.find_map(|key| Some((key, key.verify(text, &bytes)?)));
        match cosigned {
            Some((key, time_s)) => {
                found.push(Cosignature { key: key.clone(), time_s, line: format!("{line}\n") });
            }
            None => return Err(NoteError::BadSignature { name: signature.name }),
        }
    }
    Ok(found)
}

/// The text of a note and its signature lines, well-formed but not verified.
pub fn split(note: &str) -> Result<(&str, &str), NoteError> {
    check_size(note)?;
    if has_control_character(note) {
        return Err(NoteError::ControlCharacter);
    }
    let end = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
    let (text, rest) = note.split_at(end + 1);
    let lines = rest.strip_prefix('\n').unwrap_or(rest);
    if lines.is_empty() || !lines.ends_with('\n') {
        return Err(NoteError::NoSignatures);
    }
    Ok((text, lines))
}

fn signature_line(key: &SigningKey, text: &str) -> String {
    line_of(key.name(), key.key_id(), &key.sign(text.as_bytes()))
}

fn line_of(name: &str, key_id: u32, signature: &[u8]) -> String {
    let mut bytes = key_id.to_be_bytes().to_vec();
    bytes.extend_from_slice(signature);
    format!("{SIGNATURE_START}{name} {}\n", BASE64.encode(&bytes))
}

/// Each signature line with whose it is and its bytes, up to the first that is none or too many.
fn signatures(lines: &str) -> impl Iterator<Item = Result<(&str, Signature, Vec<u8>), NoteError>> {
    lines.split_terminator('\n').zip(1..).map(|(line, number)| {
        if number > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let parsed = parse_signature(line).ok_or(NoteError::MalformedSignature(number));
        parsed.map(|(signature, bytes)| (line, signature, bytes))
    })
}

fn parse_signature(line: &str) -> Option<(Signature, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
    let decoded = BASE64.decode(encoded.as_bytes()).ok()?;
    let (key_id, bytes) = decoded.split_first_chunk()?;
    if !is_key_name(name) || bytes.is_empty() {
        return None;
    }
    let signature = Signature { name: name.to_owned(), key_id: u32::from_be_bytes(*key_id) };
    Some((signature, bytes.to_vec()))
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::TextNotEnded);
    }
    if has_control_character(text) {
        return Err(NoteError::ControlCharacter);
    }
    Ok(())
}

fn check_size(note: &str) -> Result<(), NoteError> {
    if note.len() > MAX_NOTE_BYTES { Err(NoteError::TooLarge(note.len())) } else { Ok(()) }
}

fn has_control_character(text: &str) -> bool {
    text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}
