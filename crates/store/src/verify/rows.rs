//! The rows beside the journal, and the structure of the file.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::Problem;
use super::file::DatabaseFile;
use crate::connection;
use crate::format;
use crate::readers::digest_holds;
use crate::seal::{self, SEALED};

/// What lies beside the entries, read with a connection of its own.
pub(super) struct Beside<'a> {
    connection: Connection,
    file: &'a DatabaseFile,
}

impl<'a> Beside<'a> {
    /// Checks all of it; gives the numbers of sealed rows and of blobs.
    pub(super) fn check(database: &Path, file: &'a DatabaseFile) -> Result<(u64, u64), Problem> {
        let connection = connection::open_reader(database)
            .map_err(|error| Problem::unreadable("the database", error))?;
        let beside = Self { connection, file };
        let counted = (beside.sealed_rows()?, beside.blobs()?);
        beside.tables()?;
        beside.trees()?;
        Ok(counted)
    }

    /// Checks every seal; gives their number.
    fn sealed_rows(&self) -> Result<u64, Problem> {
        let mut count = 0;
        for (table, keys) in SEALED {
            self.each(&format!("SELECT * FROM {table}"), table, |row| {
                count += 1;
                if seal::holds(row)? {
                    return Ok(None);
                }
                let key: Vec<String> = keys
                    .iter()
                    .map(|key| Ok(told(row.get_ref(*key)?)))
                    .collect::<rusqlite::Result<_>>()?;
                Ok(Some(Problem::Row { table, key: key.join("/") }))
            })?;
        }
        Ok(count)
    }

    /// Hashes every blob; gives their number.
    fn blobs(&self) -> Result<u64, Problem> {
        let mut count = 0;
        self.each("SELECT digest, bytes FROM blobs", "blobs", |row| {
            count += 1;
            let digest: String = row.get(0)?;
            let bytes = row.get_ref(1)?.as_blob()?;
            Ok((!digest_holds(&digest, bytes)).then_some(Problem::Blob { digest }))
        })?;
        Ok(count)
    }

    /// Checks the tables beside the journal and their indexes, as far as SQLite itself can.
    fn tables(&self) -> Result<(), Problem> {
        let tables = format::schema(&self.connection).map_err(unreadable_list)?;
        let tables = tables.iter().filter_map(|[kind, name, ..]| {
            name.as_deref().filter(|name| kind.as_deref() == Some("table") && *name != "entries")
        });
        for table in tables {
            self.each(&format!("PRAGMA integrity_check(\"{table}\")"), "the structure", |row| {
                let answer: String = row.get(0)?;
                Ok((answer != "ok").then_some(Problem::Structure(answer)))
            })?;
        }
        Ok(())
    }

    /// Walks every tree but those of the entries: whose pages are whose, and whether they are sound.
    fn trees(&self) -> Result<(), Problem> {
        let roots: Vec<u32> = self
            .connection
            .prepare(
                "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0
                 AND name NOT IN ('entries', 'entries_by_stream')",
            )
            .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
            .map_err(unreadable_list)?;
        // The list of tables is a tree itself.
        for root in std::iter::once(1).chain(roots) {
            self.file.walk(root, &mut |_| Ok(()))?;
        }
        Ok(())
    }

    fn each(
        &self,
        sql: &str,
        what: &str,
        mut check: impl FnMut(&Row<'_>) -> rusqlite::Result<Option<Problem>>,
    ) -> Result<(), Problem> {
        let unreadable = |e| Problem::unreadable(format!("`{what}`"), e);
        let mut statement = self.connection.prepare(sql).map_err(unreadable)?;
        let mut rows = statement.query([]).map_err(unreadable)?;
        while let Some(row) = rows.next().map_err(unreadable)? {
            if let Some(problem) = check(row).map_err(unreadable)? {
                return Err(problem);
            }
        }
        Ok(())
    }
}

/// Checks that tables and indexes are the ones that this program makes.
pub(super) fn check_schema(connection: &Connection) -> Result<(), Problem> {
    let expected = connection::open_memory().and_then(|fresh| format::schema(&fresh));
    if format::schema(connection).map_err(unreadable_list)? == expected.map_err(unreadable_list)? {
        return Ok(());
    }
    let found = connection.query_row("SELECT value FROM meta WHERE key = 'format'", [], |row| {
        row.get::<_, String>(0)
    });
    match (found, format::format()) {
        (Ok(found), Ok(known)) if found != known => {
            Err(Problem::Identity(format::told(&found, known)))
        }
        _ => Err(Problem::Structure("its tables or indexes were changed".to_owned())),
    }
}

fn unreadable_list(error: rusqlite::Error) -> Problem {
    Problem::unreadable("the list of tables", error)
}

/// A value as people read it.
fn told(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}
