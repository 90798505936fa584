//! The rows beside the journal, and the structure of the file.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::{Problem, Verification};
use crate::connection;
use crate::readers::digest_holds;
use crate::seal::{self, SEALED};

impl Verification<'_> {
    /// Checks every seal; gives their number.
    pub(super) fn sealed_rows(&self) -> Result<u64, Problem> {
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
    pub(super) fn blobs(&self) -> Result<u64, Problem> {
        let mut count = 0;
        self.each("SELECT digest, bytes FROM blobs", "blobs", |row| {
            count += 1;
            let digest: String = row.get(0)?;
            let bytes = row.get_ref(1)?.as_blob()?;
            Ok((!digest_holds(&digest, bytes)).then_some(Problem::Blob { digest }))
        })?;
        Ok(count)
    }

    /// Checks tables, indexes and pages, as far as SQLite itself can.
    pub(super) fn structure(&self) -> Result<(), Problem> {
        let unreadable = |e| Problem::unreadable("the list of tables", e);
        let expected = connection::open_memory().and_then(|fresh| schema(&fresh));
        if schema(&self.connection).map_err(unreadable)? != expected.map_err(unreadable)? {
            return Err(Problem::Structure("its tables or indexes were changed".to_owned()));
        }
        self.each("PRAGMA integrity_check(1)", "the structure", |row| {
            let answer: String = row.get(0)?;
            Ok((answer != "ok").then_some(Problem::Structure(answer)))
        })
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

/// A value as people read it.
fn told(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Everything that the file says of its own tables.
fn schema(connection: &Connection) -> rusqlite::Result<Vec<[Option<String>; 4]>> {
    connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?
        .collect()
}
