//! The views: changes, decisions, deployments, incidents, problems and items.

use rusqlite::{Connection, params};

use super::RecordError;
use crate::rows::{
    ChangeRow, DecisionRow, DeploymentRow, IncidentRow, ItemRow, ProblemRow, Row, RowOutcome,
};

pub(super) fn view(connection: &Connection, row: &Row) -> Result<RowOutcome, RecordError> {
    match row {
        Row::Change(row) => change(connection, row)?,
        Row::Decision(row) => decision(connection, row)?,
        Row::Deployment(row) => deployment(connection, row)?,
        Row::DeploymentUndone { alone, report } => undone(connection, alone, report)?,
        Row::Incident(row) => incident(connection, row)?,
        Row::Problem(row) => problem(connection, row)?,
        Row::Item(row) => item(connection, row)?,
        Row::RemoveItem { kind, name } => {
            connection
                .prepare_cached("DELETE FROM items WHERE kind = ?1 AND name = ?2")?
                .execute(params![kind, name])?;
        }
        Row::Words { entry, words } => {
            let mut insert = connection.prepare_cached(
                "INSERT INTO words VALUES (?1, ?2) ON CONFLICT (word, entry) DO NOTHING",
            )?;
            for word in words {
                insert.execute(params![word, entry])?;
            }
        }
        _ => return Err(RecordError::Conflict("this row is not part of a view".to_owned())),
    }
    Ok(RowOutcome::Done)
}

/// Empties every view.
pub(crate) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM changes; DELETE FROM change_services; DELETE FROM decisions;
         DELETE FROM deployments; DELETE FROM incidents; DELETE FROM problems; DELETE FROM concerns;
         DELETE FROM items; DELETE FROM words;",
    )
}

/// Writes a change. Where it stands in no other list than before, which is most of the time, no index is touched.
fn change(connection: &Connection, row: &ChangeRow) -> rusqlite::Result<()> {
    let services = row.services.join("\n");
    let in_place = connection
        .prepare_cached(
            "UPDATE changes SET kind = ?2, risk = ?3, title = ?4, opened_us = ?5, updated_us = ?6,
               closed_us = ?7, outcome = ?8, as_of = ?9, body = ?10
             WHERE number = ?1 AND state = ?11 AND environment = ?12 AND waiting = ?13
               AND services = ?14",
        )?
        .execute(params![
            row.number,
            row.kind,
            row.risk,
            row.title,
            row.opened_us,
            row.updated_us,
            row.closed_us,
            row.outcome,
            row.as_of,
            row.body,
            row.state,
            row.environment,
            row.waiting,
            services,
        ])?;
    if in_place == 1 {
        return Ok(());
    }
    enlist(connection, row, &services)
}

fn enlist(connection: &Connection, row: &ChangeRow, services: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO changes VALUES
               (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (number) DO UPDATE SET state = excluded.state, kind = excluded.kind,
               services = excluded.services, environment = excluded.environment,
               risk = excluded.risk, title = excluded.title, opened_us = excluded.opened_us,
               updated_us = excluded.updated_us, closed_us = excluded.closed_us,
               outcome = excluded.outcome, waiting = excluded.waiting, as_of = excluded.as_of,
               body = excluded.body",
        )?
        .execute(params![
            row.number,
            row.state,
            row.kind,
            services,
            row.environment,
            row.risk,
            row.title,
            row.opened_us,
            row.updated_us,
            row.closed_us,
            row.outcome,
            row.waiting,
            row.as_of,
            row.body,
        ])?;
    connection
        .prepare_cached("DELETE FROM change_services WHERE number = ?1")?
        .execute([row.number])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO change_services VALUES (?1, ?2) ON CONFLICT (number, service) DO NOTHING",
    )?;
    for service in &row.services {
        insert.execute(params![row.number, service])?;
    }
    Ok(())
}

fn decision(connection: &Connection, row: &DecisionRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq,
               change_number = excluded.change_number, service = excluded.service,
               environment = excluded.environment, decision = excluded.decision,
               at_us = excluded.at_us, rules = excluded.rules, bundle = excluded.bundle,
               input_digest = excluded.input_digest,
               approvals = excluded.approvals, body = excluded.body",
        )?
        .execute(params![
            row.id,
            row.seq,
            row.change_number,
            row.service,
            row.environment,
            row.decision,
            row.at_us,
            row.rules,
            row.bundle,
            row.input_digest,
            row.approvals,
            row.body,
        ])?;
    Ok(())
}

fn deployment(connection: &Connection, row: &DeploymentRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO deployments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (number) DO UPDATE SET change_number = excluded.change_number,
               service = excluded.service, environment = excluded.environment,
               state = excluded.state, started_us = excluded.started_us,
               finished_us = excluded.finished_us, body = excluded.body",
        )?
        .execute(params![
            row.number,
            row.change_number,
            row.service,
            row.environment,
            row.state,
            row.started_us,
            row.finished_us,
            row.body,
        ])?;
    Ok(())
}

/// The members of the body are replaced where they stand: it is the same bytes as one that was written as a whole.
fn undone(connection: &Connection, alone: &DeploymentRow, report: &str) -> rusqlite::Result<()> {
    let in_place = connection
        .prepare_cached(
            "UPDATE deployments SET state = ?2, finished_us = ?3,
               body = json_set(body, '$.state', ?2, '$.report', json(?4))
             WHERE number = ?1",
        )?
        .execute(params![alone.number, alone.state, alone.finished_us, report])?;
    if in_place == 0 { deployment(connection, alone) } else { Ok(()) }
}

fn incident(connection: &Connection, row: &IncidentRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO incidents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (number) DO UPDATE SET state = excluded.state,
               services = excluded.services, environment = excluded.environment,
               change_number = excluded.change_number, title = excluded.title,
               opened_us = excluded.opened_us, resolved_us = excluded.resolved_us,
               body = excluded.body",
        )?
        .execute(params![
            row.number,
            row.state,
            row.services.join("\n"),
            row.environment,
            row.change_number,
            row.title,
            row.opened_us,
            row.resolved_us,
            row.body,
        ])?;
    concerns(connection, "incident", row.number, &row.services)
}

fn problem(connection: &Connection, row: &ProblemRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO problems VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (number) DO UPDATE SET state = excluded.state,
               services = excluded.services, title = excluded.title,
               opened_us = excluded.opened_us, resolved_us = excluded.resolved_us,
               body = excluded.body",
        )?
        .execute(params![
            row.number,
            row.state,
            row.services.join("\n"),
            row.title,
            row.opened_us,
            row.resolved_us,
            row.body,
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO concerns
             SELECT 'problem', ?1, value FROM json_each(?2, '$.incidents')
             UNION SELECT 'problem', ?1, value FROM json_each(?2, '$.changes') WHERE true
             ON CONFLICT (kind, number, about) DO NOTHING",
        )?
        .execute(params![row.number, row.body])?;
    concerns(connection, "problem", row.number, &row.services)
}

/// Notes which services a record is about. Nothing that was linked to one is ever taken away again.
fn concerns(
    connection: &Connection,
    kind: &str,
    number: u64,
    services: &[String],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO concerns VALUES (?1, ?2, 'service/' || ?3)
         ON CONFLICT (kind, number, about) DO NOTHING",
    )?;
    for service in services {
        insert.execute(params![kind, number, service])?;
    }
    Ok(())
}

fn item(connection: &Connection, row: &ItemRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO items VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, name) DO UPDATE SET digest = excluded.digest,
               body = excluded.body",
        )?
        .execute(params![row.kind, row.name, row.digest, row.body])?;
    Ok(())
}
