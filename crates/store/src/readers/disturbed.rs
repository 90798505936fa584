//! Questions to the views of incidents and problems.

use rusqlite::Row;

use super::{Listing, Page, Readers, int};
use crate::error::ReadError;
use crate::rows::{IncidentRow, ProblemRow};

/// Which incidents a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    pub state: Option<String>,
    pub service: Option<String>,
    pub change_number: Option<u64>,
}

/// Which problems a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProblemFilter {
    pub state: Option<String>,
    pub service: Option<String>,
    /// One of its incidents, as it is written: `INC0000042`.
    pub incident: Option<String>,
}

/// Services stand in a row divided by line feeds, which no name has.
const CONCERNS: &str = "instr(char(10) || services || char(10), char(10) || ? || char(10)) > 0";
const NAMES: &str = "EXISTS (SELECT 1 FROM json_each(body, '$.incidents') WHERE value = ?)";

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
        let mut listing = Listing::new("SELECT * FROM incidents");
        listing.and_text("state = ?", filter.state.as_ref());
        listing.and_text(CONCERNS, filter.service.as_ref());
        if let Some(number) = filter.change_number {
            listing.and("change_number = ?", int(number));
        }
        self.list(listing, "number", page, incident)
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
        let mut listing = Listing::new("SELECT * FROM problems");
        listing.and_text("state = ?", filter.state.as_ref());
        listing.and_text(CONCERNS, filter.service.as_ref());
        listing.and_text(NAMES, filter.incident.as_ref());
        self.list(listing, "number", page, problem)
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
