//! Questions to the view of changes.

use rusqlite::Row;

use super::{Listing, MAX_PAGE, Page, Readers, int};
use crate::error::ReadError;
use crate::rows::ChangeRow;

/// Which changes a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    pub state: Option<String>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub kind: Option<String>,
    pub risk: Option<String>,
    pub waiting: Option<bool>,
    /// Part of the title, without regard to ASCII case.
    pub text: Option<String>,
}

impl Readers {
    /// One change by its number.
    pub fn change(&self, number: u64) -> Result<Option<ChangeRow>, ReadError> {
        self.one("SELECT * FROM changes WHERE number = ?1", [int(number)], change)
    }

    /// Changes, by number.
    pub fn changes(&self, filter: &ChangeFilter, page: Page) -> Result<Vec<ChangeRow>, ReadError> {
        if let Some(service) = &filter.service {
            let mut listing =
                Listing::new("SELECT changes.* FROM change_services JOIN changes USING (number)");
            listing.and("change_services.service = ?", service.clone());
            conditions(&mut listing, filter);
            return self.list(listing, "change_services.number", page, change);
        }
        if let Some(text) = filter.text.as_ref().filter(|_| page.after.is_none()) {
            let alone = ChangeFilter { text: Some(text.clone()), ..ChangeFilter::default() };
            if *filter == alone {
                return self.changes_titled(text, page);
            }
        }
        let mut listing = Listing::new("SELECT * FROM changes");
        conditions(&mut listing, filter);
        self.list(listing, "number", page, change)
    }

    /// Changes by a part of their title alone, newest first: the titles are read from their index, no further than the
    /// page needs.
    fn changes_titled(&self, text: &str, page: Page) -> Result<Vec<ChangeRow>, ReadError> {
        let sql = "SELECT * FROM changes WHERE number IN (
               SELECT number FROM changes INDEXED BY changes_titles
               WHERE title LIKE ?1 ESCAPE '\\' AND number < ?2 ORDER BY number DESC LIMIT ?3)
             ORDER BY number DESC";
        let limit = if page.limit == 0 { MAX_PAGE } else { page.limit.min(MAX_PAGE) };
        let before = page.before.map_or(i64::MAX, int);
        self.all(sql, rusqlite::params![part_of(text), before, limit], change)
    }

    /// The highest change number in use; 0 before the first.
    pub fn last_change_number(&self) -> Result<u64, ReadError> {
        let number =
            self.one("SELECT coalesce(max(number), 0) FROM changes", [], |row| Ok(row.get(0)?))?;
        Ok(number.unwrap_or(0))
    }
}

fn conditions(listing: &mut Listing, filter: &ChangeFilter) {
    listing.and_text("state = ?", filter.state.as_ref());
    listing.and_text("environment = ?", filter.environment.as_ref());
    // Said as text too, so that the indexes of what is rare are seen.
    listing.and_text(
        if filter.kind.as_deref() == Some("emergency") {
            "kind = 'emergency' AND kind = ?"
        } else {
            "kind = ?"
        },
        filter.kind.as_ref(),
    );
    let is_rare = matches!(filter.risk.as_deref(), Some("high" | "critical"));
    listing.and_text(
        if is_rare { "risk IN ('high', 'critical') AND risk = ?" } else { "risk = ?" },
        filter.risk.as_ref(),
    );
    if let Some(waiting) = filter.waiting {
        listing.and("waiting = ?", waiting);
    }
    if let Some(text) = &filter.text {
        let titled = "changes.number IN (SELECT number FROM changes INDEXED BY changes_titles
             WHERE title LIKE ? ESCAPE '\\')";
        listing.and(titled, part_of(text));
    }
}

/// The pattern that a text with this part fits.
pub(super) fn part_of(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn change(row: &Row<'_>) -> Result<ChangeRow, ReadError> {
    let services: String = row.get(3)?;
    Ok(ChangeRow {
        number: row.get(0)?,
        state: row.get(1)?,
        kind: row.get(2)?,
        services: services.split('\n').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        environment: row.get(4)?,
        risk: row.get(5)?,
        title: row.get(6)?,
        opened_us: row.get(7)?,
        updated_us: row.get(8)?,
        closed_us: row.get(9)?,
        outcome: row.get(10)?,
        waiting: row.get(11)?,
        as_of: row.get(12)?,
        body: row.get(13)?,
    })
}
