//! Questions to the view of deployments.

use rusqlite::{Row, params_from_iter};

use super::{Listing, Page, Readers, Span, int};
use crate::error::ReadError;
use crate::rows::DeploymentRow;

/// Which deployments a list shows; an absent condition lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentFilter {
    pub change_number: Option<u64>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub state: Option<String>,
}

impl Readers {
    /// One deployment by its number.
    pub fn deployment(&self, number: u64) -> Result<Option<DeploymentRow>, ReadError> {
        self.one("SELECT * FROM deployments WHERE number = ?1", [int(number)], deployment)
    }

    /// Deployments, by number.
    pub fn deployments(
        &self,
        filter: &DeploymentFilter,
        page: Page,
    ) -> Result<Vec<DeploymentRow>, ReadError> {
        let mut listing = match leading(filter) {
            Some(index) => Listing::new(&format!("SELECT * FROM deployments INDEXED BY {index}")),
            None => Listing::new("SELECT * FROM deployments"),
        };
        if let Some(number) = filter.change_number {
            listing.and("change_number = ?", int(number));
        }
        listing.and_text("service = ?", filter.service.as_ref());
        listing.and_text("environment = ?", filter.environment.as_ref());
        listing.and_text("state = ?", filter.state.as_ref());
        self.list(listing, "number", page, deployment)
    }

    /// The newest deployments that began within a span, newest first.
    pub fn deployments_within(
        &self,
        span: &Span,
        most: u32,
    ) -> Result<Vec<DeploymentRow>, ReadError> {
        let (conditions, values) = span.conditions("started_us", "");
        let sql = format!(
            "SELECT * FROM deployments INDEXED BY deployments_by_time
             WHERE {conditions} ORDER BY started_us DESC LIMIT {most}"
        );
        self.all(&sql, params_from_iter(values), deployment)
    }

    /// The highest deployment number in use; 0 before the first.
    pub fn last_deployment_number(&self) -> Result<u64, ReadError> {
        let number = self
            .one("SELECT coalesce(max(number), 0) FROM deployments", [], |row| Ok(row.get(0)?))?;
        Ok(number.unwrap_or(0))
    }
}

/// The index with the shortest part of the deployments.
fn leading(filter: &DeploymentFilter) -> Option<&'static str> {
    if filter.change_number.is_some() {
        Some("deployments_by_change")
    } else if filter.state.as_deref() == Some("running") {
        Some("deployments_by_state")
    } else if filter.service.is_some() {
        Some("deployments_by_service")
    } else if filter.environment.is_some() {
        Some("deployments_by_environment")
    } else if filter.state.is_some() {
        Some("deployments_by_state")
    } else {
        None
    }
}

fn deployment(row: &Row<'_>) -> Result<DeploymentRow, ReadError> {
    Ok(DeploymentRow {
        number: row.get(0)?,
        change_number: row.get(1)?,
        service: row.get(2)?,
        environment: row.get(3)?,
        state: row.get(4)?,
        started_us: row.get(5)?,
        finished_us: row.get(6)?,
        body: row.get(7)?,
    })
}
