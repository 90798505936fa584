//! Requests and answers, as data.

use std::fmt;

/// What is done to the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Read.
    Get,
    /// Create, or do.
    Post,
    /// Replace.
    Put,
    /// Alter.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// As HTTP has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// The absolute address.
    pub url: String,
    /// Headers, in their order. `Host`, lengths and what belongs to the connection are not theirs
    /// to set.
    pub headers: Vec<Field>,
    /// The body. An empty one is sent as none with `GET`.
    pub body: Vec<u8>,
    /// How many redirects to follow, at most 3; only `GET` follows any. Headers that are secret
    /// stay behind, and every place is checked as the first one was.
    pub redirects: u8,
    /// The most bytes of the answer's body after unpacking, where fewer than the client's limit.
    pub most_bytes: Option<usize>,
}

impl Request {
    /// A request without headers and body that follows nothing.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            redirects: 0,
            most_bytes: None,
        }
    }

    /// With a header that may be shown.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Field { name: name.to_owned(), value: value.into(), secret: false });
        self
    }

    /// With a header that is shown nowhere and sent to no other host.
    pub fn secret_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Field { name: name.to_owned(), value: value.into(), secret: true });
        self
    }

    /// With a body.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Scheme and host, which may stand in a log where the rest may not.
    pub fn shown_url(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return "?".to_owned() };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}/..")
    }
}

/// Neither the path, nor secret headers, nor the body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method.as_str())
            .field("url", &self.shown_url())
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A header.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it must not be shown.
    pub secret: bool,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.secret { "(secret)" } else { &self.value };
        write!(f, "{}: {value}", self.name)
    }
}

/// What came back, whatever its status.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values. A value that is not text is left out.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The media type, in lower case and without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
    }
}

/// Status and size: bodies of others do not belong into a log.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("media_type", &self.media_type())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
