//! A structural check of JSON that runs before any typed reading.
//!
//! It refuses what two parsers may read in two ways (duplicate members, lone surrogates, numbers
//! that lose their value) and what costs too much (size, depth, members, long strings). It builds
//! nothing, does not recurse, and takes one pass. What passes is JSON by RFC 8259 in UTF-8 without
//! a byte order mark.

use std::borrow::Cow;

use crate::kit::limits::Limits;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {offset})")]
pub struct JsonProblem {
    /// A stable code: `body_empty`, `body_too_large`, `not_utf8`, `not_json`, `too_deep`,
    /// `too_many_keys`, `string_too_long`, `duplicate_key`, `lone_surrogate` or
    /// `number_out_of_range`.
    pub code: &'static str,
    /// A sentence; it quotes member names, never values.
    pub message: String,
    /// The byte at which it was seen, from 0.
    pub offset: usize,
}

/// Checks that `bytes` is one JSON value within `limits`.
pub fn check(bytes: &[u8], limits: &Limits) -> Result<(), JsonProblem> {
    let problem = |code, message: String, offset| Err(JsonProblem { code, message, offset });
    if bytes.len() > limits.size_bytes {
        let message = format!("the body has more than {} bytes", limits.size_bytes);
        return problem("body_too_large", message, limits.size_bytes);
    }
    if bytes.iter().all(|byte| is_space(*byte)) {
        return problem("body_empty", "the body is empty".to_owned(), 0);
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return problem("not_utf8", "the body is not UTF-8".to_owned(), error.valid_up_to());
    }
    Scanner { bytes, at: 0, limits, open: Vec::new(), keys: Vec::new(), keys_seen: 0 }.run()
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    limits: &'a Limits,
    /// The containers we are in, outermost first.
    open: Vec<Container>,
    /// Member names of all open objects; each object's own begin at its `first_key`.
    keys: Vec<(Cow<'a, [u8]>, usize)>,
    keys_seen: usize,
}

struct Container {
    is_object: bool,
    first_key: usize,
}

impl<'a> Scanner<'a> {
    fn run(mut self) -> Result<(), JsonProblem> {
        loop {
            let opened = self.value()?;
            if opened && !self.closes_at_once()? {
                self.key_of_object()?;
                continue;
            }
            if self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Reads a scalar whole, or the opening bracket of a container: then the answer is true.
    fn value(&mut self) -> Result<bool, JsonProblem> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.open(true),
            Some(b'[') => self.open(false),
            Some(b'"') => self.string().map(|_| false),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.not_json("a value is expected")),
        }
    }

    fn open(&mut self, is_object: bool) -> Result<bool, JsonProblem> {
        if self.open.len() >= self.limits.depth {
            let message = format!("it is nested deeper than {} levels", self.limits.depth);
            return Err(self.problem("too_deep", message));
        }
        self.at += 1;
        self.open.push(Container { is_object, first_key: self.keys.len() });
        Ok(true)
    }

    fn closes_at_once(&mut self) -> Result<bool, JsonProblem> {
        self.skip_space();
        let is_object = self.open.last().is_some_and(|container| container.is_object);
        let closes = self.peek() == Some(if is_object { b'}' } else { b']' });
        if closes {
            self.close()?;
        }
        Ok(closes)
    }

    fn close(&mut self) -> Result<(), JsonProblem> {
        self.at += 1;
        let Some(container) = self.open.pop() else {
            return Err(self.not_json("a bracket closes nothing"));
        };
        let Some(own) = self.keys.get_mut(container.first_key..) else { return Ok(()) };
        own.sort_unstable();
        let twice = own.windows(2).find_map(|pair| match pair {
            [(first, _), (second, offset)] if first == second => Some((second, *offset)),
            _ => None,
        });
        if let Some((name, offset)) = twice {
            let name: String = String::from_utf8_lossy(name).chars().take(80).collect();
            let message = format!("the member `{}` is there twice", name.escape_debug());
            return Err(JsonProblem { code: "duplicate_key", message, offset });
        }
        self.keys.truncate(container.first_key);
        Ok(())
    }

    /// Goes on behind a value; true at the end of the text.
    fn after_value(&mut self) -> Result<bool, JsonProblem> {
        loop {
            self.skip_space();
            let Some(container) = self.open.last() else {
                return match self.peek() {
                    None => Ok(true),
                    Some(_) => Err(self.not_json("something follows the end of the value")),
                };
            };
            match (self.peek(), container.is_object) {
                (Some(b','), _) => {
                    self.at += 1;
                    self.key_of_object()?;
                    return Ok(false);
                }
                (Some(b'}'), true) | (Some(b']'), false) => self.close()?,
                _ => return Err(self.not_json("a comma or a closing bracket is expected")),
            }
        }
    }

    /// Inside an object, reads a member's name and the colon; inside an array, nothing.
    fn key_of_object(&mut self) -> Result<(), JsonProblem> {
        let Some(container) = self.open.last().filter(|container| container.is_object) else {
            return Ok(());
        };
        let own_keys = self.keys.len() - container.first_key;
        if own_keys >= self.limits.keys_per_object || self.keys_seen >= self.limits.keys {
            return Err(self.problem("too_many_keys", "it has too many members".to_owned()));
        }
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.not_json("a member's name is expected"));
        }
        let offset = self.at;
        let escaped = self.string()?;
        let written = self.bytes.get(offset..self.at).unwrap_or_default();
        let name = if escaped {
            let decoded: String = serde_json::from_slice(written)
                .map_err(|_| self.not_json("a member's name is not readable"))?;
            Cow::Owned(decoded.into_bytes())
        } else {
            Cow::Borrowed(written.get(1..written.len() - 1).unwrap_or_default())
        };
        self.keys.push((name, offset));
        self.keys_seen += 1;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.not_json("a colon is expected"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string; true if it has escapes.
    fn string(&mut self) -> Result<bool, JsonProblem> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(byte) if byte >= 0x20 => self.at += 1,
                Some(_) => return Err(self.not_json("a control character stands in a string")),
                None => return Err(self.not_json("a string does not end")),
            }
        }
        self.at += 1;
        if self.at - start - 2 > self.limits.string_bytes {
            let message = format!("a string has more than {} bytes", self.limits.string_bytes);
            return Err(JsonProblem { code: "string_too_long", message, offset: start });
        }
        Ok(escaped)
    }

    fn escape(&mut self) -> Result<(), JsonProblem> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => Err(self.not_json("an escape is unknown")),
        }
    }

    fn unicode_escape(&mut self) -> Result<(), JsonProblem> {
        let lone = "an escape is half of a surrogate pair";
        match self.code_unit(self.at)? {
            0xD800..=0xDBFF => {
                if self.bytes.get(self.at + 6..self.at + 8) != Some(b"\\u") {
                    return Err(self.problem("lone_surrogate", lone.to_owned()));
                }
                if !(0xDC00..=0xDFFF).contains(&self.code_unit(self.at + 6)?) {
                    return Err(self.problem("lone_surrogate", lone.to_owned()));
                }
                self.at += 12;
            }
            0xDC00..=0xDFFF => return Err(self.problem("lone_surrogate", lone.to_owned())),
            _ => self.at += 6,
        }
        Ok(())
    }

    fn code_unit(&self, at: usize) -> Result<u32, JsonProblem> {
        let digits = self.bytes.get(at + 2..at + 6).unwrap_or_default();
        if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.not_json("an escape lacks its four digits"));
        }
        let text = std::str::from_utf8(digits).unwrap_or_default();
        u32::from_str_radix(text, 16).map_err(|_| self.not_json("an escape lacks its four digits"))
    }

    fn literal(&mut self, word: &[u8]) -> Result<bool, JsonProblem> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(self.not_json("a value is expected"));
        }
        self.at += word.len();
        Ok(false)
    }

    fn number(&mut self) -> Result<bool, JsonProblem> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return Err(self.not_json("a number begins with a zero"));
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        if keeps_its_value(text, whole) {
            return Ok(false);
        }
        let message = "a number is out of range".to_owned();
        Err(JsonProblem { code: "number_out_of_range", message, offset: start })
    }

    fn digits(&mut self) -> Result<usize, JsonProblem> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.not_json("a digit is expected"))
        } else {
            Ok(self.at - start)
        }
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn not_json(&self, message: &str) -> JsonProblem {
        self.problem("not_json", format!("it is not JSON: {message}"))
    }

    fn problem(&self, code: &'static str, message: String) -> JsonProblem {
        JsonProblem { code, message, offset: self.at }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whole numbers must fit 64 bits and others must be finite; beyond that, readers differ.
fn keeps_its_value(text: &[u8], whole: bool) -> bool {
    let text = std::str::from_utf8(text).unwrap_or_default();
    if whole {
        text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok()
    } else {
        text.parse::<f64>().is_ok_and(f64::is_finite)
    }
}
