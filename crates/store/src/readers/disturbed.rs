//! Questions to the views of incidents and problems.

use rusqlite::Row;

use super::changes::part_of;
use super::{Listing, Page, Readers, int};
use crate::error::ReadError;
use crate::rows::{IncidentRow, ProblemRow};

/// Which incidents a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    pub state: Option<String>,
    pub service: Option<String>,
    pub change_number: Option<u64>,
    /// Only those that are not over.
    pub is_open: bool,
    /// A part of the title.
    pub text: Option<String>,
}

/// Which problems a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProblemFilter {
    pub state: Option<String>,
    pub service: Option<String>,
    /// One of its incidents, as it is written: `INC0000042`.
    pub incident: Option<String>,
    /// One of its changes, as it is written: `CHG0000042`.
    pub change: Option<String>,
    /// Only those that are not over.
    pub is_open: bool,
    /// A part of the title.
    pub text: Option<String>,
}

impl Readers {
    /// One incident by its number.
    pub fn incident(&self, number: u64) -> Result<Option<IncidentRow>, ReadError> {
        self.one("SELECT * FROM incidents WHERE number = ?1", [int(number)], incident)
    }

    /// Incidents, by number.
    pub fn incidents(
        &self,
        filter: &IncidentFilter,
        page: Page,
    ) -> Result<Vec<IncidentRow>, ReadError> {
        let about = filter.service.iter().map(|service| format!("service/{service}"));
        let (mut listing, key) = of("incidents", "incident", about.collect());
        if let Some(number) = filter.change_number {
            listing.and("change_number = ?", int(number));
        }
        conditions(&mut listing, "incidents", &filter.state, filter.is_open, &filter.text);
        self.list(listing, key, page, incident)
    }

    /// One problem by its number.
    pub fn problem(&self, number: u64) -> Result<Option<ProblemRow>, ReadError> {
        self.one("SELECT * FROM problems WHERE number = ?1", [int(number)], problem)
    }

    /// Problems, by number.
    pub fn problems(
        &self,
        filter: &ProblemFilter,
        page: Page,
    ) -> Result<Vec<ProblemRow>, ReadError> {
        let records = filter.incident.iter().chain(&filter.change).cloned();
        let service = filter.service.iter().map(|service| format!("service/{service}"));
        let (mut listing, key) = of("problems", "problem", records.chain(service).collect());
        conditions(&mut listing, "problems", &filter.state, filter.is_open, &filter.text);
        self.list(listing, key, page, problem)
    }
}

/// Rows of a table that are about each of these, and the column that they are in the order of. The first one leads: its
/// rows are read from the index in order, no further than the page needs.
fn of(table: &str, kind: &'static str, about: Vec<String>) -> (Listing, &'static str) {
    let mut about = about.into_iter();
    let Some(first) = about.next() else {
        return (Listing::new(&format!("SELECT * FROM {table}")), "number");
    };
    let select = format!("SELECT {table}.* FROM concerns CROSS JOIN {table} USING (number)");
    let mut listing = Listing::new(&select);
    listing.and("concerns.kind = ?", kind.to_owned());
    listing.and("concerns.about = ?", first);
    for further in about {
        let also = format!(
            "EXISTS (SELECT 1 FROM concerns AS also WHERE also.kind = '{kind}'
             AND also.number = concerns.number AND also.about = ?)"
        );
        listing.and(&also, further);
    }
    (listing, "concerns.number")
}

fn conditions(
    listing: &mut Listing,
    table: &str,
    state: &Option<String>,
    is_open: bool,
    text: &Option<String>,
) {
    listing.and_text("state = ?", state.as_ref());
    if is_open {
        // With a place for a value, as all conditions have; the index of what is open is seen.
        listing.and("resolved_us IS NULL AND ?", true);
    }
    if let Some(text) = text {
        let titled = format!(
            "{table}.number IN (SELECT number FROM {table} INDEXED BY {table}_titles
             WHERE title LIKE ? ESCAPE '\\')"
        );
        listing.and(&titled, part_of(text));
    }
}

fn incident(row: &Row<'_>) -> Result<IncidentRow, ReadError> {
    Ok(IncidentRow {
        number: row.get(0)?,
        state: row.get(1)?,
        services: services(row.get(2)?),
        environment: row.get(3)?,
        change_number: row.get(4)?,
        title: row.get(5)?,
        opened_us: row.get(6)?,
        resolved_us: row.get(7)?,
        body: row.get(8)?,
    })
}

fn problem(row: &Row<'_>) -> Result<ProblemRow, ReadError> {
    Ok(ProblemRow {
        number: row.get(0)?,
        state: row.get(1)?,
        services: services(row.get(2)?),
        title: row.get(3)?,
        opened_us: row.get(4)?,
        resolved_us: row.get(5)?,
        body: row.get(6)?,
    })
}

fn services(text: String) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
