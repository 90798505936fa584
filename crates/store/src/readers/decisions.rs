//! Questions to the view of gate decisions.

use rusqlite::Row;

use super::{Listing, Page, Readers, int};
use crate::error::ReadError;
use crate::rows::DecisionRow;

/// Which decisions a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    pub change_number: Option<u64>,
    pub service: Option<String>,
    pub environment: Option<String>,
    /// `allow`, `wait` or `deny`.
    pub decision: Option<String>,
}

/// How many questions were answered how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    pub allowed: u64,
    pub waited: u64,
    pub denied: u64,
}

impl Readers {
    /// The answers given since a time.
    pub fn answers_since(&self, since_us: i64) -> Result<Answers, ReadError> {
        let sql = "SELECT count(*) FILTER (WHERE decision = 'allow'),
                   count(*) FILTER (WHERE decision = 'wait'),
                   count(*) FILTER (WHERE decision = 'deny') FROM decisions WHERE at_us >= ?1";
        let found = self.one(sql, [since_us], |row| {
            Ok(Answers { allowed: row.get(0)?, waited: row.get(1)?, denied: row.get(2)? })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// One decision by its id.
    pub fn decision(&self, id: &str) -> Result<Option<DecisionRow>, ReadError> {
        self.one("SELECT * FROM decisions WHERE id = ?1", [id], decision)
    }

    /// Decisions, by the entry that records them.
    pub fn decisions(
        &self,
        filter: &DecisionFilter,
        page: Page,
    ) -> Result<Vec<DecisionRow>, ReadError> {
        let mut listing = match leading(filter) {
            Some(index) => Listing::new(&format!("SELECT * FROM decisions INDEXED BY {index}")),
            None => Listing::new("SELECT * FROM decisions"),
        };
        if let Some(number) = filter.change_number {
            listing.and("change_number = ?", int(number));
        }
        listing.and_text("service = ?", filter.service.as_ref());
        listing.and_text("environment = ?", filter.environment.as_ref());
        // Said as text too, so that the index of what is rare is seen.
        let answered = match filter.decision.as_deref() {
            Some("allow") | None => "decision = ?",
            Some(_) => "decision <> 'allow' AND decision = ?",
        };
        listing.and_text(answered, filter.decision.as_ref());
        self.list(listing, "seq", page, decision)
    }
}

/// The index with the shortest part of the decisions. Most are `allow`: those come by themselves.
fn leading(filter: &DecisionFilter) -> Option<&'static str> {
    if filter.change_number.is_some() {
        Some("decisions_by_change")
    } else if filter.service.is_some() {
        Some("decisions_by_service")
    } else if filter.environment.is_some() {
        Some("decisions_by_environment")
    } else if filter.decision.as_deref().is_some_and(|answer| answer != "allow") {
        Some("decisions_against")
    } else {
        None
    }
}

fn decision(row: &Row<'_>) -> Result<DecisionRow, ReadError> {
    Ok(DecisionRow {
        id: row.get(0)?,
        seq: row.get(1)?,
        change_number: row.get(2)?,
        service: row.get(3)?,
        environment: row.get(4)?,
        decision: row.get(5)?,
        at_us: row.get(6)?,
        rules: row.get(7)?,
        bundle: row.get(8)?,
        input_digest: row.get(9)?,
        approvals: row.get(10)?,
        body: row.get(11)?,
    })
}
