//! Questions to the inbox.

use rusqlite::Row;

use super::{Listing, MAX_PAGE, Page, Readers, int, sealed};
use crate::error::ReadError;
use crate::rows::{DeliveryRow, InboxRow};

/// Which deliveries a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboxFilter {
    pub link: Option<String>,
    pub state: Option<String>,
}

impl Readers {
    /// One delivery by its id.
    pub fn inbox_get(&self, id: u64) -> Result<Option<InboxRow>, ReadError> {
        self.one("SELECT * FROM inbox WHERE id = ?1", [int(id)], delivery)
    }

    /// Deliveries, by id. Their bodies come along: ask for small pages.
    pub fn inbox(&self, filter: &InboxFilter, page: Page) -> Result<Vec<InboxRow>, ReadError> {
        let mut listing = match (&filter.link, &filter.state) {
            (Some(_), _) => Listing::new("SELECT * FROM inbox INDEXED BY inbox_by_link"),
            (None, Some(_)) => Listing::new("SELECT * FROM inbox INDEXED BY inbox_by_state"),
            (None, None) => Listing::new("SELECT * FROM inbox"),
        };
        listing.and_text("link = ?", filter.link.as_ref());
        listing.and_text("state = ?", filter.state.as_ref());
        self.list(listing, "id", page, delivery)
    }

    /// How many deliveries are not handled yet.
    pub fn inbox_backlog(&self) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM inbox WHERE state = 'new'";
        Ok(self.one(sql, [], |row| Ok(row.get(0)?))?.unwrap_or(0))
    }

    /// The oldest deliveries that are not handled yet, at most `max`.
    pub fn inbox_next(&self, max: u32) -> Result<Vec<InboxRow>, ReadError> {
        let sql = "SELECT * FROM inbox WHERE state = 'new' ORDER BY id LIMIT ?1";
        self.all(sql, [max.min(MAX_PAGE)], delivery)
    }
}

fn delivery(row: &Row<'_>) -> Result<InboxRow, ReadError> {
    let id = row.get(0)?;
    sealed(row, || format!("delivery {id} of the inbox"))?;
    Ok(InboxRow {
        id,
        delivery: DeliveryRow {
            link: row.get(1)?,
            delivery_id: row.get(2)?,
            body_hash: row.get(3)?,
            kind: row.get(4)?,
            headers: row.get(5)?,
            body: row.get(6)?,
            received_us: row.get(7)?,
        },
        state: row.get(8)?,
        outcome: row.get(9)?,
        attempts: row.get(10)?,
    })
}
