//! Questions for pages that show many records at a glance: only what a line of a list needs.

use rusqlite::params;

use super::{Listing, MAX_PAGE, Page, Readers};
use crate::error::ReadError;

/// A delivery without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryGlance {
    pub id: u64,
    pub link: String,
    pub delivery_id: String,
    pub kind: String,
    pub received_us: i64,
    pub state: String,
    pub outcome: Option<String>,
    pub attempts: u32,
    pub size_bytes: u64,
}

/// How many rows of a table are in which state.
pub type States = Vec<(String, u64)>;

impl Readers {
    /// Deliveries without their bodies, newest first, those before `before` where it is given.
    pub fn inbox_glance(
        &self,
        state: Option<&str>,
        before: Option<u64>,
        max: u32,
    ) -> Result<Vec<DeliveryGlance>, ReadError> {
        let mut listing = Listing::new(
            "SELECT id, link, delivery_id, kind, received_us, state, outcome, attempts, length(body)
             FROM inbox",
        );
        listing.and_text("state = ?", state.map(str::to_owned).as_ref());
        let page = Page { before: Some(before.unwrap_or(u64::MAX)), after: None, limit: max };
        self.list(listing, "id", page, |row| {
            Ok(DeliveryGlance {
                id: row.get(0)?,
                link: row.get(1)?,
                delivery_id: row.get(2)?,
                kind: row.get(3)?,
                received_us: row.get(4)?,
                state: row.get(5)?,
                outcome: row.get(6)?,
                attempts: row.get(7)?,
                size_bytes: row.get(8)?,
            })
        })
    }

    /// How many deliveries are in which state.
    pub fn inbox_states(&self) -> Result<States, ReadError> {
        let sql = "SELECT state, count(*) FROM inbox GROUP BY state ORDER BY state";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// When each link was last heard.
    pub fn last_heard(&self) -> Result<Vec<(String, i64)>, ReadError> {
        // From link to link by the index, however much each of them has sent.
        let sql = "WITH RECURSIVE links(link) AS (
               SELECT min(link) FROM inbox
               UNION ALL
               SELECT (SELECT min(link) FROM inbox WHERE inbox.link > links.link) FROM links
               WHERE links.link IS NOT NULL)
             SELECT link, (SELECT received_us FROM inbox WHERE inbox.link = links.link
               ORDER BY id DESC LIMIT 1) FROM links WHERE link IS NOT NULL";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The rules that spoke in the latest decisions (JSON text each), with the answer; newest first.
    pub fn latest_rules(&self, max: u32) -> Result<Vec<(String, String)>, ReadError> {
        let sql = "SELECT decision, rules FROM decisions ORDER BY seq DESC LIMIT ?1";
        self.all(sql, [max.min(2_000)], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Persons whose handle or name contains a text, without regard to ASCII case.
    pub fn persons_named(
        &self,
        text: &str,
        max: u32,
    ) -> Result<Vec<(String, String, String)>, ReadError> {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let sql = "SELECT person_id, handle, name FROM persons
                   WHERE handle LIKE ?1 ESCAPE '\\' OR name LIKE ?1 ESCAPE '\\' ORDER BY name LIMIT ?2";
        self.all(sql, params![format!("%{escaped}%"), max.min(MAX_PAGE)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    }
}
