//! Paging by seeking: a page says where the next one begins, and nothing is counted or skipped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    cursor: Option<String>,
}

impl Seek {
    /// From `limit` and `cursor`.
    pub(crate) fn read(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::of(&status::QUERY_INVALID, "`limit` is 1 to 200"));
        }
        let cursor = cursor.map(decode).transpose()?;
        Ok(Self { limit, cursor })
    }

    /// The key after which the page begins, in a list by name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The page of a list by number, newest first. One more row is asked for than is shown.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        Ok(Page { before: self.number()?, after: None, limit: self.limit + 1 })
    }

    /// The number at which the page begins.
    pub(crate) fn number(&self) -> Result<Option<u64>, Problem> {
        self.cursor.as_deref().map(|text| text.parse().map_err(|_| invalid())).transpose()
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
pub(crate) fn next(path: &str, query: Option<&str>, key: impl std::fmt::Display) -> String {
    let kept = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let cursor = format!("cursor={}", URL_SAFE_NO_PAD.encode(format!("1:{key}")));
    let query: Vec<&str> = kept.chain([cursor.as_str()]).collect();
    format!("{path}?{}", query.join("&"))
}

fn decode(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    text.strip_prefix("1:").map(str::to_owned).ok_or_else(invalid)
}

fn invalid() -> Problem {
    Problem::of(&status::CURSOR_INVALID, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_next_page() {
        let next = next("/x", Some("state=new&cursor=old&limit=5"), 42);
        let cursor = next.strip_prefix("/x?state=new&limit=5&cursor=").expect("the query is kept");
        let seek = Seek::read(Some(5), Some(cursor)).expect("our own cursor");
        assert_eq!(seek.page().expect("a number").before, Some(42));
        for (limit, cursor) in
            [(Some(0), None), (Some(201), None), (None, Some("zz")), (None, Some("!"))]
        {
            assert!(Seek::read(limit, cursor).is_err(), "{limit:?} {cursor:?}");
        }
    }
}
