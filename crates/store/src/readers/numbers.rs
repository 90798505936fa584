//! Questions that count: deployments by day, spans from change to deployment, recovery, waits at the gate.
//!
//! Each is answered from an index that holds all it needs; nothing here reads a record's body.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

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
    /// Of these services; empty: of all.
    pub services: Vec<String>,
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
    /// Whether people were asked to approve, or had approved before it asked.
    pub people: bool,
    /// How long it waited for people: from each answer that does to the next one, in microseconds.
    pub awaited_us: i64,
}

/// The most decisions that one question looks at.
const MOST: u32 = 20_000;
/// The most days that one question counts.
const MOST_DAYS: i64 = 800;
const DAY: &str = "86400000000";
const DAY_US: i64 = 86_400_000_000;

impl Span {
    pub(super) fn conditions(&self, time: &str, prefix: &str) -> (String, Vec<Value>) {
        let mut text = format!("{prefix}{time} >= ? AND {prefix}{time} < ?");
        let mut values = vec![Value::from(self.from_us), Value::from(self.to_us)];
        if let Some(environment) = &self.environment {
            text.push_str(&format!(" AND {prefix}environment = ?"));
            values.push(Value::from(environment.clone()));
        }
        if !self.services.is_empty() {
            let places = vec!["?"; self.services.len()].join(", ");
            text.push_str(&format!(" AND {prefix}service IN ({places})"));
            values.extend(self.services.iter().cloned().map(Value::from));
        }
        (text, values)
    }
}

impl Readers {
    /// Deployments that ended, by the day on which they began.
    pub fn deployed_by_day(&self, span: &Span) -> Result<Vec<DeployedDay>, ReadError> {
        self.deployed(span, days_of(span))
    }

    /// Deployments that ended, by which of the parts they began in: `bounds` are the times, in microseconds, at which
    /// one part ends and the next begins. The first part is day 0.
    pub fn deployed_by_part(
        &self,
        span: &Span,
        bounds: &[i64],
    ) -> Result<Vec<DeployedDay>, ReadError> {
        let parts = (0..).zip(bounds.windows(2));
        let parts = parts.filter_map(|(part, bound)| match *bound {
            [from, to] => Some((part, from, to)),
            _ => None,
        });
        self.deployed(span, parts.collect())
    }

    fn deployed(&self, span: &Span, parts: Vec<Part>) -> Result<Vec<DeployedDay>, ReadError> {
        let counted = "count(*), count(*) FILTER (WHERE state <> 'succeeded')
             FROM deployments INDEXED BY deployments_by_time WHERE state <> 'running' AND";
        let days = self.by_part(span, parts, ("started_us", counted), |day, row| {
            Ok(DeployedDay { day, ended: row.get(0)?, failed: row.get(1)? })
        })?;
        Ok(days.into_iter().filter(|day| day.ended > 0).collect())
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
        let span = Span { services: Vec::new(), ..span.clone() };
        let counted = "count(*) FILTER (WHERE kind = 'standard'),
             count(*) FILTER (WHERE kind = 'normal'), count(*) FILTER (WHERE kind = 'emergency')
             FROM changes INDEXED BY changes_by_time WHERE";
        let counted = ("opened_us", counted);
        let days = self.by_part(&span, days_of(&span), counted, |day, row| {
            let (standard, normal, emergency) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(ProposedDay { day, standard, normal, emergency })
        })?;
        Ok(days.into_iter().filter(|day| day.standard + day.normal + day.emergency > 0).collect())
    }

    /// How the changes that asked in this span fared at the gate, by the newest 20,000 decisions.
    pub fn passages(&self, span: &Span) -> Result<Vec<Passage>, ReadError> {
        let (conditions, values) = span.conditions("at_us", "");
        let sql = format!(
            "SELECT change_number, at_us, decision = 'allow', approvals <> 'none', approvals = 'awaited'
             FROM decisions INDEXED BY decisions_by_time
             WHERE {conditions} AND change_number IS NOT NULL ORDER BY at_us DESC LIMIT {MOST}"
        );
        let mut asked = self.all(&sql, params_from_iter(values), |row| {
            let change: i64 = row.get(0)?;
            let (at_us, is_allowed, people) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((change, Answer { at_us, is_allowed, people, awaits: row.get(4)? }))
        })?;
        // Put together here: the store would sort them by a tree on the way.
        asked.sort_unstable_by_key(|(change, answer)| (*change, answer.at_us));
        let of_changes = asked.chunk_by(|(one, _), (other, _)| one == other);
        Ok(of_changes.filter_map(passage).collect())
    }

    /// What is counted of each part of a span, from the oldest. Each part is a question of its own, answered from its
    /// part of the index: asked together, all rows would be sorted by a day in the order of which the index has them
    /// already.
    fn by_part<T>(
        &self,
        span: &Span,
        parts: Vec<Part>,
        (time, counted): (&str, &str),
        read: impl Fn(i64, &Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        self.with(|connection| {
            // All of them see the same.
            let snapshot = connection.unchecked_transaction()?;
            let mut found = Vec::new();
            for (day, from_us, to_us) in parts {
                let part = Span { from_us, to_us, ..span.clone() };
                let (conditions, values) = part.conditions(time, "");
                let sql = format!("SELECT {counted} {conditions}");
                let mut statement = snapshot.prepare_cached(&sql)?;
                let mut rows = statement.query(params_from_iter(values))?;
                if let Some(row) = rows.next()? {
                    found.push(read(day, row)?);
                }
            }
            Ok(found)
        })
    }
}

/// One answer of the gate.
struct Answer {
    at_us: i64,
    is_allowed: bool,
    people: bool,
    awaits: bool,
}

/// How a change fared whose answers these are, in their order.
fn passage(answers: &[(i64, Answer)]) -> Option<Passage> {
    let (_, first) = answers.first()?;
    let mut passage =
        Passage { first_us: first.at_us, allowed_us: None, people: false, awaited_us: 0 };
    for (_, answer) in answers {
        passage.people |= answer.people;
        if answer.is_allowed {
            passage.allowed_us = passage.allowed_us.or(Some(answer.at_us));
        }
    }
    for pair in answers.windows(2) {
        if let [(_, one), (_, next)] = pair
            && one.awaits
        {
            passage.awaited_us += next.at_us - one.at_us;
        }
    }
    Some(passage)
}

/// A part of a span: its number, its first microsecond and the first one after it.
type Part = (i64, i64, i64);

/// The days of a span, in UTC.
fn days_of(span: &Span) -> Vec<Part> {
    let (from, to) = (span.from_us, span.to_us.max(span.from_us));
    let last = (to - 1).div_euclid(DAY_US);
    let first = from.div_euclid(DAY_US).max(last - MOST_DAYS);
    let day = |day: i64| (day, from.max(day * DAY_US), to.min((day + 1) * DAY_US));
    (first..=last).map(day).collect()
}
