//! What witnesses have cosigned, against what is stored: the memory of a witness is an anchor too.
//!
//! Such a head was signed by this log, and somebody else has seen it. A log that is shorter, or has another root at that
//! size, is an older copy or another history.

use rusqlite::Connection;
use sluice_ledger::{Checkpoint, VerifyingKey};

use crate::edge::{Edge, Tree};
use crate::error::{ReadError, SafeHaltKind};
use crate::readers::{COSIGNED, cosigned};
use crate::rows::{CosignedRow, QUORUM};

/// What does not fit, and how it is called.
pub(crate) struct Misfit {
    pub(crate) kind: SafeHaltKind,
    pub(crate) message: String,
}

/// Holds every cosigned head against the tree; gives the first that does not fit.
pub(crate) fn check(
    connection: &Connection,
    edge: &Edge,
    origin: &str,
    key: &VerifyingKey,
) -> Result<Option<Misfit>, ReadError> {
    let tree = Tree::new(connection, edge);
    let mut query = connection.prepare(COSIGNED)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(misfit) = misfit(&cosigned(row)?, &tree, edge.size(), origin, key)? {
            return Ok(Some(misfit));
        }
    }
    Ok(None)
}

fn misfit(
    row: &CosignedRow,
    tree: &Tree<'_>,
    size: u64,
    origin: &str,
    key: &VerifyingKey,
) -> Result<Option<Misfit>, ReadError> {
    let by = match row.name.split_once('+') {
        Some((witness, _)) => format!("the witness `{witness}`"),
        None if row.name == QUORUM => "a quorum of witnesses".to_owned(),
        None => format!("`{}`", row.name),
    };
    let found = |kind, what: String| Ok(Some(Misfit { kind, message: format!("{by} {what}") }));
    let head = match Checkpoint::open(&row.note, std::slice::from_ref(key)) {
        Ok(head) if head.origin == origin && head.size == row.size => head,
        Ok(_) => {
            return found(SafeHaltKind::Corrupt, "is noted with the head of another log".into());
        }
        Err(error) => {
            let what = format!("is noted with a head that this log did not sign ({error})");
            return found(SafeHaltKind::Corrupt, what);
        }
    };
    if head.size > size {
        let what = format!(
            "has cosigned {} entries, the database has {size}: this is an older copy, or a part of it is gone",
            head.size
        );
        return found(SafeHaltKind::Rollback, what);
    }
    if tree.root_at(head.size)? == head.root {
        return Ok(None);
    }
    let what = format!(
        "has cosigned other entries than the first {} of the database: it holds another history",
        head.size
    );
    found(SafeHaltKind::Fork, what)
}
