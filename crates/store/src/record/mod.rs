//! Writing rows: one function per table, all inside the caller's transaction.

mod beside;
mod outbox;
mod people;
mod prune;
mod views;

use rusqlite::Connection;

use self::prune::{Old, prune};
use crate::rows::{Row, RowOutcome};

/// Why a row could not be written. The caller rolls the transaction back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("{0}")]
    Conflict(String),
    #[error("writing a row")]
    Sql(#[from] rusqlite::Error),
}

/// Writes one row.
pub(crate) fn record(connection: &Connection, row: &Row) -> Result<RowOutcome, RecordError> {
    match row {
        Row::Idempotency(row) => beside::idempotency(connection, row),
        Row::PruneIdempotency { before_us } => prune(connection, Old::Idempotency, *before_us),
        Row::Delivery(row) => beside::delivery(connection, row),
        Row::DeliveryOutcome { id, state, outcome, attempts } => {
            beside::delivery_outcome(connection, *id, state, outcome.as_deref(), *attempts)
        }
        Row::DeliveryAnew { id } => beside::delivery_anew(connection, *id),
        Row::PruneInbox { before_us } => prune(connection, Old::Inbox, *before_us),
        Row::Effect(row) => outbox::effect(connection, row),
        Row::EffectOutcome { id, state, attempts, next_us, last_error } => outbox::effect_outcome(
            connection,
            *id,
            state,
            *attempts,
            *next_us,
            last_error.as_deref(),
        ),
        Row::EffectAnew { id, next_us } => outbox::effect_anew(connection, *id, *next_us),
        Row::PruneOutbox { before_us } => prune(connection, Old::Outbox, *before_us),
        Row::LinkHealth(row) => outbox::health(connection, row),
        Row::ExternalRef(row) => outbox::external_ref(connection, row),
        Row::AlterExternalRef { row, was } => outbox::alter_external_ref(connection, row, was),
        Row::Blob(row) => beside::blob(connection, row),
        Row::Snapshot(row) => beside::snapshot(connection, row),
        Row::Person(row) => people::person(connection, row),
        Row::Identity(row) => people::identity(connection, row),
        Row::KeepIdentities { person_id, kind, keys } => {
            people::keep_identities(connection, person_id, kind, keys)
        }
        Row::ErasePerson { person_id } => people::erase_person(connection, person_id),
        Row::Token(row) => people::token(connection, row),
        Row::RevokeToken { id, at_us } => people::revoke_token(connection, id, *at_us),
        Row::TouchToken { id, at_us } => people::touch_token(connection, id, *at_us),
        Row::Credentials(row) => people::credentials(connection, row),
        Row::Session(row) => people::session(connection, row),
        Row::TouchSession { id, at_us } => people::touch_session(connection, id, *at_us),
        Row::Provisioned(row) => people::provisioned(connection, row),
        Row::RemoveProvisioned { id } => people::remove_provisioned(connection, id),
        Row::PruneTokens { before_us } => prune(connection, Old::Tokens, *before_us),
        Row::Preference(row) => people::preference(connection, row),
        Row::RemovePreference { person_id, name } => {
            connection
                .prepare_cached("DELETE FROM preferences WHERE person_id = ?1 AND name = ?2")?
                .execute([person_id, name])?;
            Ok(RowOutcome::Done)
        }
        Row::Secret(row) => people::secret(connection, row),
        Row::RemoveSecret { name } => people::remove_secret(connection, name),
        Row::PruneSessions { before_us } => prune(connection, Old::Sessions, *before_us),
        Row::Change(_)
        | Row::Decision(_)
        | Row::Deployment(_)
        | Row::DeploymentUndone { .. }
        | Row::Incident(_)
        | Row::Problem(_)
        | Row::Item(_)
        | Row::Words { .. }
        | Row::RemoveItem { .. } => views::view(connection, row),
        Row::Cursor { name, seq } => beside::cursor(connection, name, *seq),
        Row::Cosigned(row) => beside::cosigned(connection, row),
    }
}

/// Empties every view.
pub(crate) use views::clear as clear_views;

/// Whether a row belongs to a view, and so may be part of a rebuild.
pub(crate) fn is_view(row: &Row) -> bool {
    matches!(
        row,
        Row::Change(_)
            | Row::Decision(_)
            | Row::Deployment(_)
            | Row::DeploymentUndone { .. }
            | Row::Incident(_)
            | Row::Problem(_)
            | Row::Item(_)
            | Row::RemoveItem { .. }
            | Row::Words { .. }
            | Row::Cursor { .. }
    )
}

/// The integer that SQLite stores; numbers beyond `i64` are nowhere near in use.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
