//! Requests as data, and what came of them.

use std::fmt;

use serde_json::Value;

use crate::tell::{Because, Session};

/// A request, as data.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// Which step of the conversation this is.
    pub step: &'static str,
    /// The method.
    pub verb: Verb,
    /// The absolute address. Holds no secret, except where the other side has no other way.
    pub url: String,
    /// Headers that may be shown.
    pub headers: Vec<(&'static str, String)>,
    /// Headers that may not.
    pub secret_headers: Vec<(&'static str, String)>,
    /// Media type and bytes.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Whether it alters nothing, whatever its method: some are searched by `POST`.
    pub only_reads: bool,
}

/// Neither the path, nor secrets, nor the body.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = url::Url::parse(&self.url).ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or("?");
        let size = self.body.as_ref().map_or(0, |(_, bytes)| bytes.len());
        write!(f, "Ask({} {:?} {host} {size} bytes)", self.step, self.verb)
    }
}

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read.
    Get,
    /// Create, or do.
    Post,
    /// Replace.
    Put,
    /// Alter.
    Patch,
    /// Remove.
    Delete,
}

impl Ask {
    /// A request without headers and body.
    pub fn new(step: &'static str, verb: Verb, url: impl Into<String>) -> Self {
        let (headers, secret_headers) = (Vec::new(), Vec::new());
        let only_reads = verb == Verb::Get;
        Self { step, verb, url: url.into(), headers, secret_headers, body: None, only_reads }
    }

    /// Which alters nothing, whatever its method.
    pub fn only_reads(self) -> Self {
        Self { only_reads: true, ..self }
    }

    /// With a header that may be shown.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a header that may not.
    pub fn secret(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.secret_headers.push((name, value.into()));
        self
    }

    /// With the headers of a session.
    pub fn by(mut self, session: &Session) -> Self {
        self.secret_headers.extend(session.headers.iter().cloned());
        self
    }

    /// With JSON.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string().into_bytes()));
        self
    }

    /// With the fields of a form.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = Some(("application/x-www-form-urlencoded", form.into_bytes()));
        self
    }
}

/// A request that was sent, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Which step it was.
    pub step: &'static str,
    /// The answer, or why there is none.
    pub answer: Result<Reply, Lost>,
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

/// No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub because: Because,
    /// Whether the other side may have done what was asked.
    pub may_have_arrived: bool,
    /// Whether there is an answer, larger than it may be.
    pub is_too_large: bool,
}
