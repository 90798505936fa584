//! Paging by seeking: a page says where the next one begins, and nothing is counted or skipped.

use data_encoding::HEXLOWER;
use serde::Serialize;
use sluice_engine::store::Page;

use crate::problem::Problem;
use crate::status;

/// The most items of a page.
pub(crate) const MOST: u32 = 200;
/// The items of a page where nothing is said.
const USUAL: u32 = 50;

/// One page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<T> {
    /// The items, newest first unless said otherwise.
    pub(crate) items: Vec<T>,
    /// Where the next page is; absent on the last one.
    pub(crate) next: Option<String>,
    /// Entries of the ledger that the page speaks as of.
    pub(crate) as_of: u64,
}

/// Where a page begins, from the query.
pub(crate) struct Seek {
    pub(crate) limit: u32,
    cursor: Option<Cursor>,
}

/// The key after which a page begins: `n42` for a number, `k` and hexadecimal digits for the bytes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cursor {
    Number(u64),
    Name(String),
}

/// Digits of a number that a page can begin with.
const DIGITS: usize = 18;
/// Bytes of a name that a page can begin with.
const NAME_BYTES: usize = 256;

impl Seek {
    /// From `limit` and `cursor`.
    pub(crate) fn read(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::of(&status::QUERY_INVALID, "`limit` is 1 to 200"));
        }
        let cursor = cursor.map(Cursor::read).transpose()?;
        Ok(Self { limit, cursor })
    }

    /// The key after which the page begins, in a list by name.
    pub(crate) fn name(&self) -> Result<Option<&str>, Problem> {
        match &self.cursor {
            None => Ok(None),
            Some(Cursor::Name(name)) => Ok(Some(name)),
            Some(Cursor::Number(_)) => Err(invalid()),
        }
    }

    /// The page of a list by number, newest first. One more row is asked for than is shown.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        Ok(Page { before: self.number()?, after: None, limit: self.limit + 1 })
    }

    /// The number at which the page begins.
    pub(crate) fn number(&self) -> Result<Option<u64>, Problem> {
        match &self.cursor {
            None => Ok(None),
            Some(Cursor::Number(number)) => Ok(Some(*number)),
            Some(Cursor::Name(_)) => Err(invalid()),
        }
    }

    /// Cuts the one row too many off, and says whether it was there.
    pub(crate) fn cut<T>(&self, rows: &mut Vec<T>) -> bool {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        // The store gives no more than the largest page: there, a full page may have a next one.
        let more = rows.len() > limit || (self.limit == MOST && rows.len() == limit);
        rows.truncate(limit);
        more
    }
}

/// The address of the next page: the same query, with another cursor.
pub(crate) fn next(path: &str, query: Option<&str>, key: impl Into<Cursor>) -> String {
    let kept = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let cursor = format!("cursor={}", key.into().text());
    let query: Vec<&str> = kept.chain([cursor.as_str()]).collect();
    format!("{path}?{}", query.join("&"))
}

impl From<u64> for Cursor {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Cursor {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl Cursor {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => format!("n{number}"),
            Self::Name(name) => format!("k{}", HEXLOWER.encode(name.as_bytes())),
        }
    }

    fn read(text: &str) -> Result<Self, Problem> {
        if let Some(digits) = text.strip_prefix('n') {
            let proper = (1..=DIGITS).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit());
            return proper
                .then(|| digits.parse().ok())
                .flatten()
                .map(Self::Number)
                .ok_or_else(invalid);
        }
        let bytes = text.strip_prefix('k').and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
        let bytes = bytes.filter(|bytes| (1..=NAME_BYTES).contains(&bytes.len()));
        // A page begins after it in any case, whether it is a name of ours or not.
        bytes
            .map(|bytes| Self::Name(String::from_utf8_lossy(&bytes).into_owned()))
            .ok_or_else(invalid)
    }
}

fn invalid() -> Problem {
    Problem::of(&status::CURSOR_INVALID, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_next_page() {
        let next = next("/x", Some("state=new&cursor=old&limit=5"), 42_u64);
        let cursor = next.strip_prefix("/x?state=new&limit=5&cursor=").expect("the query is kept");
        let seek = Seek::read(Some(5), Some(cursor)).expect("our own cursor");
        assert_eq!(seek.page().expect("a number").before, Some(42));
        assert!(seek.name().is_err(), "it is the cursor of another list");
        for (limit, cursor) in [
            (Some(0), None),
            (Some(201), None),
            (None, Some("zz")),
            (None, Some("n")),
            (None, Some("n-1")),
            (None, Some("n1234567890123456789")),
            (None, Some("k")),
            (None, Some("k6")),
            (None, Some("k6A")),
        ] {
            assert!(Seek::read(limit, cursor).is_err(), "{limit:?} {cursor:?}");
        }
    }

    #[test]
    fn a_cursor_holds_any_name() {
        for name in ["42", "a/b", "Black Friday", "\u{e9}t\u{e9}"] {
            let next = next("/x", None, name);
            let cursor = next.strip_prefix("/x?cursor=").expect("a cursor");
            assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            let seek = Seek::read(None, Some(cursor)).expect("our own cursor");
            assert_eq!(seek.name().expect("a name"), Some(name));
        }
    }
}
