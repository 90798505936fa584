//! One delivery as plain data.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

/// What arrived at a hook: everything a connector may look at.
///
/// Its `Debug` form shows names and sizes only, because headers and the query carry secrets and the
/// body carries personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Header names in lower case with their values, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The raw bytes, exactly as they came.
    pub body: Bytes,
    /// The query of the URL without `?`.
    pub query: Option<String>,
    /// When it arrived, by our own clock.
    pub received_at: Timestamp,
}

impl Delivery {
    /// A delivery without headers and query.
    pub fn of_body(body: impl Into<Bytes>, received_at: Timestamp) -> Self {
        Self { headers: Vec::new(), body: body.into(), query: None, received_at }
    }

    /// The same delivery with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The value of the only header called `name` (lower case). A header that came twice is
    /// ambiguous and counts as absent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(header, _)| header == name);
        match (named.next(), named.next()) {
            (Some((_, value)), None) => Some(value.trim()),
            _ => None,
        }
    }

    /// The sender's id of the delivery in a header, if it is one: 1 to 512 bytes.
    pub(crate) fn id_in(&self, header: &str) -> Option<String> {
        let id = self.header(header).filter(|id| (1..=512).contains(&id.len()));
        id.map(str::to_owned)
    }

    /// The value of the only query parameter called `name`.
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref()?;
        let mut named = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(parameter, _)| parameter == name);
        match (named.next(), named.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    }

    /// The media type in lower case without its parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let media_type = value.split(';').next().unwrap_or_default();
        Some(media_type.trim().to_ascii_lowercase())
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Delivery")
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("query", &self.query.as_ref().map(|_| "withheld"))
            .field("received_at", &self.received_at)
            .finish()
    }
}
