//! The checks themselves, each with the message that says what to do.

use rusqlite::{Connection, OptionalExtension};
use sluice_ledger::{AnchorState, Checkpoint, Frontier};

use super::{Opening, halt};
use crate::anchor_file;
use crate::cosigned;
use crate::edge::{self, Edge, Tree};
use crate::error::{OpenError, SafeHaltKind};
use crate::format;
use crate::head::{self, StoredHead};
use crate::readers::Head;

impl Opening<'_> {
    /// Reads the anchor and checks that it is of this log and signed with this key.
    pub(super) fn read_anchor(&self) -> Result<Option<AnchorState>, OpenError> {
        let path = self.anchor_path.display();
        let state = match anchor_file::read(&self.anchor_path) {
            Ok(None) => return Ok(None),
            Ok(Some(state)) => state,
            Err(anchor_file::AnchorReadError::Io(source)) => {
                return Err(OpenError::Io { path: self.anchor_path.clone(), source });
            }
            Err(anchor_file::AnchorReadError::Content(error)) => {
                return Err(halt(
                    SafeHaltKind::Corrupt,
                    format!("the anchor `{path}` is damaged ({error}): restore it from a copy"),
                ));
            }
        };
        if state.origin != self.options.origin {
            return Err(halt(
                SafeHaltKind::WrongOrigin,
                format!(
                    "the anchor `{path}` is of the log `{}`, this is `{}`: point to the anchor \
                     of this log",
                    state.origin, self.options.origin
                ),
            ));
        }
        let key = self.options.signing_key.verifying_key();
        if let Err(error) = Checkpoint::open(&state.checkpoint, &[key]) {
            return Err(halt(
                SafeHaltKind::WrongKey,
                format!(
                    "the anchor `{path}` is not signed with this key ({error}): use the key that \
                     signed it"
                ),
            ));
        }
        Ok(Some(state))
    }

    /// Checks that the folder is of this log, this key and this format.
    pub(super) fn check_meta(&self, connection: &Connection) -> Result<(), OpenError> {
        let meta = |name: &str| -> Result<String, OpenError> {
            connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0))
                .optional()
                .map_err(|e| self.sql(e))
                .map(Option::unwrap_or_default)
        };
        let database = self.database.display();
        let (found, known) = (meta("format")?, format::format().map_err(|e| self.sql(e))?);
        if found != known {
            let kind =
                if found.is_empty() { SafeHaltKind::Corrupt } else { SafeHaltKind::OtherFormat };
            return Err(halt(kind, format!("`{database}`: {}", format::told(&found, known))));
        }
        let origin = meta("origin")?;
        if origin != self.options.origin {
            return Err(halt(
                SafeHaltKind::WrongOrigin,
                format!(
                    "`{database}` is the log `{origin}`, not `{}`: start with its own name, or \
                     point to the right folder",
                    self.options.origin
                ),
            ));
        }
        let key = meta("key")?;
        if key != self.options.signing_key.verifying_key().to_string() {
            return Err(halt(
                SafeHaltKind::WrongKey,
                format!("`{database}` belongs to the key `{key}`: start with that key"),
            ));
        }
        Ok(())
    }

    /// Checks that the head was written by us and is the head of what is stored.
    pub(super) fn check_head(
        &self,
        connection: &Connection,
    ) -> Result<(StoredHead, Edge), OpenError> {
        let stored = head::read(connection).map_err(|e| self.read(e))?;
        let corrupt = |found: String| {
            let message = format!("{found}: run `sluice verify`, then restore the newest backup");
            halt(SafeHaltKind::Corrupt, message)
        };
        if !self.head_key.sealed(&stored) {
            return Err(corrupt("the head row was not written with this key".to_owned()));
        }
        let head = &stored.head;
        let edge = Edge::load(connection, head.size).map_err(|e| self.read(e))?;
        if edge.frontier().root() != head.root {
            return Err(corrupt(format!(
                "the stored entries do not have the root of the head at size {}",
                head.size
            )));
        }
        let entries: u64 = connection
            .query_row("SELECT coalesce(max(seq) + 1, 0) FROM entries", [], |row| row.get(0))
            .map_err(|e| self.sql(e))?;
        if entries != head.size {
            return Err(corrupt(format!("the head says {} entries, found {entries}", head.size)));
        }
        Ok((stored, edge))
    }

    /// Checks that the database holds what was acknowledged.
    pub(super) fn check_anchor(
        &self,
        connection: &Connection,
        stored: &StoredHead,
        edge: &Edge,
        anchor: Option<&AnchorState>,
    ) -> Result<(), OpenError> {
        let head = &stored.head;
        let Some(anchor) = anchor else {
            if head.size == 0 || self.options.adopt_missing_anchor {
                return self.check_unsigned(connection, head, Frontier::new());
            }
            return Err(halt(
                SafeHaltKind::MissingAnchor,
                format!(
                    "the database has {} entries, and there is no anchor at `{}`: put it back; \
                     only if it is lost for good, adopt the database as it is",
                    head.size,
                    self.anchor_path.display()
                ),
            ));
        };
        if head.size < anchor.size || stored.commits < anchor.generation {
            return Err(halt(
                SafeHaltKind::Rollback,
                format!(
                    "the database has {} entries in {} commits, {} in {} were acknowledged: this \
                     is an older copy, or its log is gone; restore the newest backup",
                    head.size, stored.commits, anchor.size, anchor.generation
                ),
            ));
        }
        let signed =
            Tree::new(connection, edge).frontier_at(anchor.size).map_err(|e| self.read(e))?;
        if signed.root() != anchor.root {
            return Err(halt(
                SafeHaltKind::Fork,
                format!(
                    "the first {} entries are not those that were acknowledged: the database \
                     holds another history; run `sluice verify` and restore the newest backup",
                    anchor.size
                ),
            ));
        }
        self.check_unsigned(connection, head, signed)
    }

    /// Checks that the database holds what witnesses have cosigned.
    pub(super) fn check_cosigned(
        &self,
        connection: &Connection,
        edge: &Edge,
    ) -> Result<(), OpenError> {
        let key = self.options.signing_key.verifying_key();
        let misfit = cosigned::check(connection, edge, &self.options.origin, &key);
        let Some(misfit) = misfit.map_err(|e| self.read(e))? else { return Ok(()) };
        let message =
            format!("{}: run `sluice verify` and restore the newest backup", misfit.message);
        Err(halt(misfit.kind, message))
    }

    /// Reads back what was committed after the anchor was written, and is going to be signed.
    fn check_unsigned(
        &self,
        connection: &Connection,
        head: &Head,
        mut frontier: Frontier,
    ) -> Result<(), OpenError> {
        let signed = frontier.size();
        edge::each_leaf(connection, signed, head.size, |leaf| frontier.push(leaf))
            .map_err(|e| self.read(e))?;
        if frontier.root() == head.root {
            return Ok(());
        }
        Err(halt(
            SafeHaltKind::Corrupt,
            format!(
                "the entries after the {signed} that were acknowledged are damaged: run `sluice \
                 verify`, then restore the newest backup"
            ),
        ))
    }
}
