//! Questions that count: deployments by day, spans from change to deployment, recovery, waits at the gate.
//!
//! Each is answered from an index that holds all it needs; nothing here reads a record's body.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Readers;
use crate::error::ReadError;

/// Which deployments or decisions are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// The first microsecond since the Unix epoch.
    pub from_us: i64,
    /// The first one after it.
    pub to_us: i64,
    pub environment: Option<String>,
    pub service: Option<String>,
}

/// Deployments of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeployedDay {
    /// Days since the Unix epoch, in UTC.
    pub day: i64,
    pub ended: u64,
    /// Those that failed or were rolled back.
    pub failed: u64,
}

/// Changes of one day, by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposedDay {
    /// Days since the Unix epoch, in UTC.
    pub day: i64,
    pub standard: u64,
    pub normal: u64,
    pub emergency: u64,
}

/// How one change fared at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// When the first question was answered.
    pub first_us: i64,
    /// When it was first allowed.
    pub allowed_us: Option<i64>,
}

/// The most decisions that one question looks at.
const MOST: u32 = 20_000;
const DAY: &str = "86400000000";

impl Span {
    fn conditions(&self, time: &str, prefix: &str) -> (String, Vec<Value>) {
        let mut text = format!("{prefix}{time} >= ? AND {prefix}{time} < ?");
        let mut values = vec![Value::from(self.from_us), Value::from(self.to_us)];
        for (column, value) in [("environment", &self.environment), ("service", &self.service)] {
            if let Some(value) = value {
                text.push_str(&format!(" AND {prefix}{column} = ?"));
                values.push(Value::from(value.clone()));
            }
        }
        (text, values)
    }
}

impl Readers {
    /// Deployments that ended, by the day on which they began.
    pub fn deployed_by_day(&self, span: &Span) -> Result<Vec<DeployedDay>, ReadError> {
        let (conditions, values) = span.conditions("started_us", "");
        let sql = format!(
            "SELECT started_us / {DAY}, count(*), count(*) FILTER (WHERE state <> 'succeeded')
             FROM deployments INDEXED BY deployments_by_time
             WHERE {conditions} AND state <> 'running' GROUP BY 1 ORDER BY 1"
        );
        self.all(&sql, params_from_iter(values), |row| {
            Ok(DeployedDay { day: row.get(0)?, ended: row.get(1)?, failed: row.get(2)? })
        })
    }

    /// Time from a change's beginning to each of its deployments that succeeded, in microseconds, with the day; the
    /// newest 5,000.
    pub fn lead_times(&self, span: &Span) -> Result<Vec<(i64, i64)>, ReadError> {
        let (conditions, values) = span.conditions("started_us", "d.");
        let sql = format!(
            "SELECT d.started_us / {DAY}, d.finished_us - c.opened_us
             FROM deployments AS d INDEXED BY deployments_by_time
             JOIN changes AS c ON c.number = d.change_number
             WHERE {conditions} AND d.state = 'succeeded' AND d.finished_us IS NOT NULL
             ORDER BY d.started_us DESC LIMIT 5000"
        );
        self.all(&sql, params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Time from a failed deployment to the next one of the same service and environment that succeeded, in
    /// microseconds, with the day; `None` where there was none yet. The newest 500.
    pub fn recovery_times(&self, span: &Span) -> Result<Vec<(i64, Option<i64>)>, ReadError> {
        let (conditions, values) = span.conditions("started_us", "d.");
        let sql = format!(
            "SELECT d.started_us / {DAY}, (SELECT s.finished_us FROM deployments AS s
                 INDEXED BY deployments_by_service WHERE s.service = d.service AND s.number > d.number AND s.environment = d.environment
                 AND s.state = 'succeeded' ORDER BY s.number LIMIT 1) - d.finished_us
             FROM deployments AS d INDEXED BY deployments_by_time
             WHERE {conditions} AND d.state IN ('failed', 'rolled_back')
             ORDER BY d.started_us DESC LIMIT 500"
        );
        self.all(&sql, params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Changes by the day on which they were opened. A service is not looked at.
    pub fn proposed_by_day(&self, span: &Span) -> Result<Vec<ProposedDay>, ReadError> {
        let span = Span { service: None, ..span.clone() };
        let (conditions, values) = span.conditions("opened_us", "");
        let sql = format!(
            "SELECT opened_us / {DAY}, count(*) FILTER (WHERE kind = 'standard'),
               count(*) FILTER (WHERE kind = 'normal'), count(*) FILTER (WHERE kind = 'emergency')
             FROM changes INDEXED BY changes_by_time WHERE {conditions} GROUP BY 1 ORDER BY 1"
        );
        self.all(&sql, params_from_iter(values), |row| {
            Ok(ProposedDay {
                day: row.get(0)?,
                standard: row.get(1)?,
                normal: row.get(2)?,
                emergency: row.get(3)?,
            })
        })
    }

    /// How the changes that asked in this span fared at the gate, by the newest 20,000 decisions.
    pub fn passages(&self, span: &Span) -> Result<Vec<Passage>, ReadError> {
        let (conditions, values) = span.conditions("at_us", "");
        let sql = format!(
            "SELECT min(at_us), min(at_us) FILTER (WHERE decision = 'allow')
             FROM (SELECT at_us, decision, change_number FROM decisions INDEXED BY decisions_by_time
               WHERE {conditions} AND change_number IS NOT NULL ORDER BY at_us DESC LIMIT {MOST})
             GROUP BY change_number"
        );
        self.all(&sql, params_from_iter(values), |row| {
            Ok(Passage { first_us: row.get(0)?, allowed_us: row.get(1)? })
        })
    }
}
