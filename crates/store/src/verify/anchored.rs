//! The identity of the folder, and its entries against the signed anchor and what witnesses have cosigned.

use std::path::Path;

use rusqlite::OptionalExtension;
use sluice_ledger::{Checkpoint, VerifyingKey};

use super::{Problem, Verification};
use crate::anchor_file::{self, AnchorReadError};
use crate::cosigned;
use crate::edge::{Edge, Tree};
use crate::format;

impl Verification<'_> {
    /// Checks format and key; gives the origin.
    pub(super) fn meta(&self, key: &VerifyingKey) -> Result<String, Problem> {
        let meta = |name: &str| -> Result<String, Problem> {
            self.connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0))
                .optional()
                .map_err(|error| Problem::unreadable("the table `meta`", error))?
                .ok_or_else(|| Problem::Identity(format!("the database does not name its {name}")))
        };
        let found = meta("format")?;
        let known = format::format()
            .map_err(|error| Problem::unreadable("the tables of this program", error))?;
        if found != known {
            return Err(Problem::Identity(format::told(&found, known)));
        }
        let stored = meta("key")?;
        if stored != key.to_string() {
            return Err(Problem::Identity(format!("the database belongs to the key `{stored}`")));
        }
        meta("origin")
    }

    /// Checks that the entries continue every head that a witness has cosigned.
    pub(super) fn cosigned(
        &self,
        key: &VerifyingKey,
        origin: &str,
        edge: &Edge,
    ) -> Result<(), Problem> {
        match cosigned::check(&self.connection, edge, origin, key) {
            Ok(None) => Ok(()),
            Ok(Some(misfit)) => Err(Problem::Cosigned(misfit.message)),
            Err(error) => Err(Problem::read("the cosigned heads", error)),
        }
    }

    /// Checks that the entries continue the signed head; gives the signed size.
    pub(super) fn anchor(
        &self,
        path: &Path,
        key: &VerifyingKey,
        origin: &str,
        commits: u64,
        edge: &Edge,
    ) -> Result<u64, Problem> {
        let state = match anchor_file::read(path) {
            Ok(Some(state)) => state,
            Ok(None) => {
                return Err(Problem::Anchor(format!("there is none at `{}`", path.display())));
            }
            Err(AnchorReadError::Io(source)) => {
                return Err(Problem::Io { path: path.to_path_buf(), source });
            }
            Err(AnchorReadError::Content(error)) => {
                return Err(Problem::Anchor(error.to_string()));
            }
        };
        let signed = Checkpoint::open(&state.checkpoint, std::slice::from_ref(key))
            .map_err(|error| Problem::Anchor(error.to_string()))?;
        if signed.origin != origin {
            return Err(Problem::Anchor(format!(
                "it is of the log `{}`, the database is `{origin}`",
                signed.origin
            )));
        }
        if signed.size > edge.size() || state.generation > commits {
            return Err(Problem::Anchor(format!(
                "{} entries in {} commits were acknowledged, the database has {} in {commits}: \
                 it is an older copy",
                signed.size,
                state.generation,
                edge.size()
            )));
        }
        let root = Tree::new(&self.connection, edge)
            .root_at(signed.size)
            .map_err(|error| Problem::read("the tree", error))?;
        if root == signed.root {
            return Ok(signed.size);
        }
        Err(Problem::Anchor(format!(
            "the first {} entries are not those that were acknowledged",
            signed.size
        )))
    }
}
