//! Rows of the database, changed with SQL as somebody with access to the file would.

use std::path::Path;

use anyhow::Result;
use rusqlite::Connection;

use super::{Lab, Original};

pub(super) fn run(lab: &mut Lab<'_>, original: &Original) -> Result<()> {
    let database = open(&original.dir)?;
    let tables = tables(&database)?;
    for table in &tables {
        let count: i64 =
            database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        if count == 0 {
            continue;
        }
        let middle = middle(&database, table)?;
        for column in columns(&database, table)? {
            edit(lab, original, table, &column, &middle)?;
        }
        let kind = format!("rows of `{table}` are deleted");
        lab.try_it(&kind, "one", original, |dir| {
            Ok(open(dir)?.execute_batch(&format!("DELETE FROM {table} WHERE {middle}"))?)
        })?;
        lab.try_it(&kind, "all", original, |dir| {
            Ok(open(dir)?.execute_batch(&format!("DELETE FROM {table}"))?)
        })?;
    }
    let schema = [
        ("an index is dropped", "DROP INDEX entries_by_stream"),
        (
            "a trigger is added",
            "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM inbox; END",
        ),
        ("a table is added", "CREATE TABLE more (a)"),
        ("a view is added", "CREATE VIEW more AS SELECT * FROM tokens"),
        (
            "an entry is appended",
            "INSERT INTO entries SELECT max(seq) + 1, leaf, stream, version + 1000, name, time_us, bytes FROM entries",
        ),
        (
            "two entries change places",
            "UPDATE entries SET seq = -1 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 4; UPDATE entries SET seq = 4 WHERE seq = -1",
        ),
        (
            "the newest entry is deleted",
            "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
        ),
    ];
    for (kind, sql) in schema {
        lab.try_it(kind, sql, original, |dir| Ok(open(dir)?.execute_batch(sql)?))?;
    }
    Ok(())
}

/// One column of the row in the middle of a table.
fn edit(
    lab: &mut Lab<'_>,
    original: &Original,
    table: &str,
    column: &str,
    middle: &str,
) -> Result<()> {
    let kind = format!("a column of `{table}` is edited");
    lab.try_it(&kind, column, original, |dir| {
        let database = open(dir)?;
        let sql = format!(
            "UPDATE OR IGNORE {table} SET {column} = CASE typeof({column})
               WHEN 'integer' THEN {column} + 100003
               WHEN 'text' THEN {column} || 'x'
               WHEN 'blob' THEN zeroblob(length({column}))
               ELSE 1 END
             WHERE {middle}"
        );
        if let Err(error) = database.execute_batch(&sql) {
            // A column that is null and of text takes no number.
            let text = sql.replace("ELSE 1 END", "ELSE 'x' END");
            database.execute_batch(&text).map_err(|_| error)?;
        }
        Ok(())
    })
}

fn open(dir: &Path) -> Result<Connection> {
    let database = Connection::open(dir.join("sluice.db"))?;
    database.execute_batch("PRAGMA ignore_check_constraints = ON")?;
    Ok(database)
}

/// The names of all tables.
pub(super) fn tables(database: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut query = database.prepare(sql)?;
    let names = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

/// The condition that selects the row in the middle of a table, by its key: not every table has a `rowid`.
fn middle(database: &Connection, table: &str) -> Result<String> {
    let keyed: bool = database.query_row(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1",
        [table],
        |row| row.get(0),
    )?;
    let key = if keyed {
        let mut query = database.prepare(&format!(
            "SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"
        ))?;
        query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?.join(", ")
    } else {
        "rowid".to_owned()
    };
    Ok(format!(
        "({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1
                    OFFSET (SELECT count(*) / 2 FROM {table}))"
    ))
}

fn columns(database: &Connection, table: &str) -> Result<Vec<String>> {
    let mut query = database.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
    let names = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}
