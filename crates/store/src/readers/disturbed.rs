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
        let is_few = filter.is_open || filter.change_number.is_some();
        let titled = filter.text.as_ref().filter(|_| !is_few && many(filter.state.as_ref()));
        let (mut listing, key) = of("incidents", "incident", about.collect(), titled);
        if let Some(number) = filter.change_number {
            listing.and("incidents.change_number = ?", int(number));
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
        let titled =
            filter.text.as_ref().filter(|_| !filter.is_open && many(filter.state.as_ref()));
        let (mut listing, key) =
            of("problems", "problem", records.chain(service).collect(), titled);
        conditions(&mut listing, "problems", &filter.state, filter.is_open, &filter.text);
        self.list(listing, key, page, problem)
    }
}

/// Whether a list of this state is as long as the whole table: all that ever was is resolved.
fn many(state: Option<&String>) -> bool {
    state.is_none_or(|state| state == "resolved")
}

/// Rows of a table that are about each of these, and the column that they are in the order of. The first one leads: its
/// rows are read from the index in order, no further than the page needs. Where nothing else leads, a part of the title
/// does: the titles are read from their index in order, and of the rows only those that fit, again no further.
fn of(
    table: &str,
    kind: &'static str,
    about: Vec<String>,
    titled: Option<&String>,
) -> (Listing, &'static str) {
    let mut about = about.into_iter();
    let Some(first) = about.next() else {
        if let Some(text) = titled {
            let mut listing = Listing::new(&format!(
                "SELECT {table}.* FROM {table} AS titles INDEXED BY {table}_titles
                 CROSS JOIN {table} USING (number)"
            ));
            listing.and("titles.title LIKE ? ESCAPE '\\'", part_of(text));
            return (listing, "titles.number");
        }
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
    listing.and_text(&format!("{table}.state = ?"), state.as_ref());
    if is_open {
        // With a place for a value, as all conditions have; the index of what is open is seen.
        listing.and(&format!("{table}.resolved_us IS NULL AND ?"), true);
    }
    if let Some(text) = text {
        listing.and(&format!("{table}.title LIKE ? ESCAPE '\\'"), part_of(text));
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
