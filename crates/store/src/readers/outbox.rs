//! Questions to the outbox.

use rusqlite::{Row, params};

use super::{Listing, MAX_PAGE, Page, Readers, sealed};
use crate::error::ReadError;
use crate::rows::{EffectRow, OutboxRow};

/// Which effects a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxFilter {
    pub link: Option<String>,
    pub entity: Option<String>,
    pub state: Option<String>,
}

impl Readers {
    /// One effect by its id.
    pub fn outbox_get(&self, id: u64) -> Result<Option<OutboxRow>, ReadError> {
        self.one("SELECT * FROM outbox WHERE id = ?1", [id], effect)
    }

    /// Effects, by id.
    pub fn outbox(&self, filter: &OutboxFilter, page: Page) -> Result<Vec<OutboxRow>, ReadError> {
        let mut listing = Listing::new("SELECT * FROM outbox");
        listing.and_text("link = ?", filter.link.as_ref());
        listing.and_text("entity = ?", filter.entity.as_ref());
        listing.and_text("state = ?", filter.state.as_ref());
        self.list(listing, "id", page, effect)
    }

    /// The pending effects whose time has come, oldest first, at most `max`.
    ///
    /// Only the oldest pending effect of each entity of a link is given, so that they are
    /// delivered in order.
    pub fn outbox_due(&self, now_us: i64, max: u32) -> Result<Vec<OutboxRow>, ReadError> {
        let sql = "SELECT * FROM outbox AS due WHERE state = 'pending' AND next_us <= ?1
             AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.link = due.link
               AND earlier.entity = due.entity AND earlier.state = 'pending'
               AND earlier.id < due.id)
             ORDER BY next_us, id LIMIT ?2";
        self.all(sql, params![now_us, max.min(MAX_PAGE)], effect)
    }

    /// When the next pending effect is due, in microseconds since the Unix epoch.
    pub fn outbox_next_us(&self) -> Result<Option<i64>, ReadError> {
        let sql = "SELECT min(next_us) FROM outbox WHERE state = 'pending'";
        Ok(self.one(sql, [], |row| Ok(row.get::<_, Option<i64>>(0)?))?.flatten())
    }
}

fn effect(row: &Row<'_>) -> Result<OutboxRow, ReadError> {
    let id = row.get(0)?;
    sealed(row, || format!("effect {id} of the outbox"))?;
    Ok(OutboxRow {
        id,
        effect: EffectRow {
            link: row.get(1)?,
            entity: row.get(2)?,
            effect_key: row.get(3)?,
            kind: row.get(4)?,
            body: row.get(5)?,
            next_us: row.get(8)?,
            created_us: row.get(10)?,
        },
        state: row.get(6)?,
        attempts: row.get(7)?,
        last_error: row.get(9)?,
    })
}
