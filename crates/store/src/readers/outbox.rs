//! Questions to the outbox.

use rusqlite::{Row, params};

use super::{Listing, MAX_PAGE, Page, Readers, int, sealed};
use crate::error::ReadError;
use crate::rows::{EffectRow, ExternalRefRow, LinkHealthRow, OUTBOX_DELIVERED, OutboxRow};

/// Which effects a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxFilter {
    pub link: Option<String>,
    pub entity: Option<String>,
    pub state: Option<String>,
}

/// What a link owes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owed {
    /// Effects that are still to be told.
    pub pending: u64,
    /// Effects that were given up.
    pub given_up: u64,
    /// Since when the oldest is owed, in microseconds since the Unix epoch.
    pub oldest_us: Option<i64>,
}

impl Readers {
    /// One effect by its id.
    pub fn outbox_get(&self, id: u64) -> Result<Option<OutboxRow>, ReadError> {
        self.one("SELECT * FROM outbox WHERE id = ?1", [int(id)], effect)
    }

    /// Effects, by id.
    pub fn outbox(&self, filter: &OutboxFilter, page: Page) -> Result<Vec<OutboxRow>, ReadError> {
        if *filter == OutboxFilter::default() {
            return self.list(Listing::new("SELECT * FROM outbox"), "id", page, effect);
        }
        let is_open = filter.state.as_deref().is_some_and(|state| state != OUTBOX_DELIVERED);
        let leading = match (&filter.link, &filter.entity) {
            (Some(_), Some(_)) => Some("outbox_by_entity"),
            (Some(_), None) if is_open => Some("outbox_open"),
            _ => None,
        };
        let of = if leading.is_some() { "" } else { "listed." };
        let mut listing = match leading {
            Some(index) => Listing::new(&format!("SELECT * FROM outbox INDEXED BY {index}")),
            None => Listing::new(
                "SELECT outbox.* FROM outbox AS listed INDEXED BY outbox_listed
                 CROSS JOIN outbox ON outbox.id = listed.id",
            ),
        };
        listing.and_text(&format!("{of}link = ?"), filter.link.as_ref());
        listing.and_text(&format!("{of}entity = ?"), filter.entity.as_ref());
        // Said as text too, so that the index of what is open is seen.
        let said = if is_open { format!("{of}state <> 'delivered' AND ") } else { String::new() };
        listing.and_text(&format!("{said}{of}state = ?"), filter.state.as_ref());
        self.list(listing, &format!("{of}id"), page, effect)
    }

    /// The pending effects of a link whose time has come, oldest first, at most `max`.
    ///
    /// Only the oldest pending effect of each entity is given, so that they are delivered in order.
    pub fn outbox_due(
        &self,
        link: &str,
        now_us: i64,
        max: u32,
    ) -> Result<Vec<OutboxRow>, ReadError> {
        let sql = "SELECT * FROM outbox AS due
             WHERE link = ?1 AND state = 'pending' AND next_us <= ?2
             AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.link = due.link
               AND earlier.entity = due.entity AND earlier.state = 'pending'
               AND earlier.id < due.id)
             ORDER BY next_us, id LIMIT ?3";
        self.all(sql, params![link, now_us, max.min(MAX_PAGE)], effect)
    }

    /// The pending effects of a link whose time has come and that wait for an earlier one of their entity: by time and id,
    /// behind one, at most `max`.
    pub fn outbox_behind(
        &self,
        link: &str,
        now_us: i64,
        (after_us, after): (i64, u64),
        max: u32,
    ) -> Result<Vec<OutboxRow>, ReadError> {
        let sql = "SELECT * FROM outbox AS due
             WHERE link = ?1 AND state = 'pending' AND next_us <= ?2
             AND (next_us, id) > (?3, ?4) AND entity <> ''
             AND EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.link = due.link
               AND earlier.entity = due.entity AND earlier.state = 'pending'
               AND earlier.id < due.id)
             ORDER BY next_us, id LIMIT ?5";
        let values = params![link, now_us, after_us, int(after), max.min(MAX_PAGE)];
        self.all(sql, values, effect)
    }

    /// The pending effects of a link about one entity: by id, behind one, at most `max`.
    pub fn outbox_of(
        &self,
        link: &str,
        entity: &str,
        after: u64,
        max: u32,
    ) -> Result<Vec<OutboxRow>, ReadError> {
        let sql =
            "SELECT * FROM outbox WHERE link = ?1 AND entity = ?2 AND state = 'pending' AND id > ?3
             ORDER BY id LIMIT ?4";
        self.all(sql, params![link, entity, int(after), max.min(MAX_PAGE)], effect)
    }

    /// When the next effect of a link can be told, in microseconds since the Unix epoch. One that waits for an
    /// earlier one of its entity does not count.
    pub fn outbox_next_us(&self, link: &str) -> Result<Option<i64>, ReadError> {
        let sql = "SELECT next_us FROM outbox AS due WHERE link = ?1 AND state = 'pending'
             AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.link = due.link
               AND earlier.entity = due.entity AND earlier.state = 'pending'
               AND earlier.id < due.id)
             ORDER BY next_us LIMIT 1";
        self.one(sql, [link], |row| Ok(row.get(0)?))
    }

    /// What a link owes.
    pub fn outbox_owed(&self, link: &str) -> Result<Owed, ReadError> {
        let sql = "SELECT
             (SELECT count(*) FROM outbox WHERE link = ?1 AND state = 'pending'),
             (SELECT count(*) FROM outbox WHERE link = ?1 AND state = 'given_up'),
             (SELECT created_us FROM outbox
                WHERE link = ?1 AND state = 'pending' AND state <> 'delivered'
                ORDER BY id LIMIT 1)";
        let owed = self.one(sql, [link], |row| {
            Ok(Owed { pending: row.get(0)?, given_up: row.get(1)?, oldest_us: row.get(2)? })
        })?;
        Ok(owed.unwrap_or_default())
    }

    /// Effects of a link that were given up and not told since: by when and id, behind one, at most `max`.
    pub fn outbox_given_up_after(
        &self,
        link: &str,
        (after_us, after): (i64, u64),
        max: u32,
    ) -> Result<Vec<OutboxRow>, ReadError> {
        let sql = "SELECT * FROM outbox INDEXED BY outbox_by_link
             WHERE link = ?1 AND state = 'given_up' AND (next_us, id) > (?2, ?3)
             ORDER BY next_us, id LIMIT ?4";
        self.all(sql, params![link, after_us, int(after), max.min(MAX_PAGE)], effect)
    }

    /// Effects of a link that have failed and are still to be told, owed since a time or before: the oldest first, behind
    /// one, at most `max`.
    pub fn outbox_failing(
        &self,
        link: &str,
        until_us: i64,
        (after_us, after): (i64, u64),
        max: u32,
    ) -> Result<Vec<OutboxRow>, ReadError> {
        let sql = "SELECT * FROM outbox INDEXED BY outbox_failing
             WHERE link = ?1 AND state = 'pending' AND last_error IS NOT NULL
             AND created_us <= ?2 AND (created_us, id) > (?3, ?4)
             ORDER BY created_us, id LIMIT ?5";
        let values = params![link, until_us, after_us, int(after), max.min(MAX_PAGE)];
        self.all(sql, values, effect)
    }

    /// Links that anything is still owed to.
    pub fn outbox_owing(&self) -> Result<Vec<String>, ReadError> {
        // From link to link by the index, however much one of them is owed.
        let sql = "WITH RECURSIVE links(link) AS (
               SELECT min(link) FROM outbox
               UNION ALL
               SELECT (SELECT min(link) FROM outbox WHERE outbox.link > links.link) FROM links
               WHERE links.link IS NOT NULL)
             SELECT link FROM links WHERE link IS NOT NULL AND EXISTS
               (SELECT 1 FROM outbox WHERE outbox.link = links.link AND state = 'pending')";
        self.all(sql, [], |row| Ok(row.get(0)?))
    }

    /// How a link fares.
    pub fn link_health(&self, link: &str) -> Result<Option<LinkHealthRow>, ReadError> {
        self.one("SELECT * FROM link_health WHERE link = ?1", [link], |row| {
            sealed(row, || format!("the health of the link `{link}`"))?;
            Ok(LinkHealthRow {
                link: row.get(0)?,
                last_good_us: row.get(1)?,
                last_error_us: row.get(2)?,
                last_error: row.get(3)?,
                failures: row.get(4)?,
                polled_us: row.get(5)?,
                cursor: row.get(6)?,
                last_told_us: row.get(7)?,
            })
        })
    }

    /// What a neighbour has for one of our records, by name.
    pub fn external_refs(
        &self,
        link: &str,
        entity: &str,
    ) -> Result<Vec<ExternalRefRow>, ReadError> {
        let sql = "SELECT * FROM external_refs WHERE link = ?1 AND entity = ?2 ORDER BY name";
        self.all(sql, [link, entity], reference)
    }

    /// What all neighbours have for one of our records. A name with a dot stands for what was read back of it, and is
    /// not among them.
    pub fn external_refs_of(&self, entity: &str) -> Result<Vec<ExternalRefRow>, ReadError> {
        let sql = "SELECT * FROM external_refs WHERE entity = ?1 AND instr(name, '.') = 0
                   ORDER BY link, name LIMIT 200";
        self.all(sql, [entity], reference)
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

fn reference(row: &Row<'_>) -> Result<ExternalRefRow, ReadError> {
    sealed(row, || "an id of a neighbour's record".to_owned())?;
    Ok(ExternalRefRow {
        link: row.get(0)?,
        entity: row.get(1)?,
        name: row.get(2)?,
        value: row.get(3)?,
    })
}
