//! Questions to the view of changes.

use rusqlite::Row;

use super::{Listing, Page, Readers, int};
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
            let mut listing = Listing::new(
                "SELECT changes.* FROM change_services
                 CROSS JOIN changes AS listed INDEXED BY changes_listed
                   ON listed.number = change_services.number
                 CROSS JOIN changes ON changes.number = change_services.number",
            );
            listing.and("change_services.service = ?", service.clone());
            conditions(&mut listing, "listed.", filter);
            return self.list(listing, "change_services.number", page, change);
        }
        if *filter == ChangeFilter::default() {
            return self.list(Listing::new("SELECT * FROM changes"), "number", page, change);
        }
        if let Some(index) = leading(filter) {
            let mut listing = Listing::new(&format!("SELECT * FROM changes INDEXED BY {index}"));
            conditions(&mut listing, "", filter);
            return self.list(listing, "number", page, change);
        }
        let mut listing = Listing::new(
            "SELECT changes.* FROM changes AS listed INDEXED BY changes_listed
             CROSS JOIN changes ON changes.number = listed.number",
        );
        conditions(&mut listing, "listed.", filter);
        self.list(listing, "listed.number", page, change)
    }

    /// The highest change number in use; 0 before the first.
    pub fn last_change_number(&self) -> Result<u64, ReadError> {
        let number =
            self.one("SELECT coalesce(max(number), 0) FROM changes", [], |row| Ok(row.get(0)?))?;
        Ok(number.unwrap_or(0))
    }
}

/// The index whose part of the changes is short, or is all that is asked for. Where there is none, what is asked for is
/// looked for in the index that has all of it, newest first, and only what fits is read.
fn leading(filter: &ChangeFilter) -> Option<&'static str> {
    let of_state = filter.state.as_deref();
    let alone = |left: ChangeFilter| left == ChangeFilter::default();
    if filter.waiting == Some(true) {
        Some("changes_by_waiting")
    } else if filter.kind.as_deref() == Some("emergency") {
        Some("changes_of_emergency")
    } else if matches!(filter.risk.as_deref(), Some("high" | "critical")) {
        Some("changes_of_high_risk")
    } else if of_state.is_some_and(|state| !matches!(state, "closed" | "canceled"))
        || alone(ChangeFilter { state: None, ..filter.clone() })
    {
        Some("changes_by_state")
    } else if alone(ChangeFilter { environment: None, ..filter.clone() }) {
        Some("changes_by_environment")
    } else {
        None
    }
}

fn conditions(listing: &mut Listing, of: &str, filter: &ChangeFilter) {
    listing.and_text(&format!("{of}state = ?"), filter.state.as_ref());
    listing.and_text(&format!("{of}environment = ?"), filter.environment.as_ref());
    // Said as text too, so that the indexes of what is rare are seen.
    let kind = match filter.kind.as_deref() {
        Some("emergency") => format!("{of}kind = 'emergency' AND {of}kind = ?"),
        _ => format!("{of}kind = ?"),
    };
    listing.and_text(&kind, filter.kind.as_ref());
    let risk = match filter.risk.as_deref() {
        Some("high" | "critical") => {
            format!("{of}risk IN ('high', 'critical') AND {of}risk = ?")
        }
        _ => format!("{of}risk = ?"),
    };
    listing.and_text(&risk, filter.risk.as_ref());
    if let Some(waiting) = filter.waiting {
        listing.and(&format!("{of}waiting = ?"), waiting);
    }
    if let Some(text) = &filter.text {
        listing.and(&format!("{of}title LIKE ? ESCAPE '\\'"), part_of(text));
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
