//! The format of the database: what its tables are, as `meta` names it.
//!
//! A build does not take up a database with other tables than its own: it would find out in the middle of its work. The
//! name is made of the tables themselves, so that nobody can alter one and forget the other.

use std::sync::OnceLock;

use rusqlite::Connection;

use crate::connection;

/// What a name begins with. It counts what the tables do not say: how rows are sealed, what is in a blob.
const GENERATION: u32 = 2;

/// How many digits of the digest a name has.
const DIGITS: usize = 8;

/// One table, index or trigger: its kind, its name, whose it is, and what made it.
pub(crate) type Described = [Option<String>; 4];

/// The name of the format that this program makes and knows.
pub(crate) fn format() -> rusqlite::Result<&'static str> {
    static FORMAT: OnceLock<String> = OnceLock::new();
    if let Some(format) = FORMAT.get() {
        return Ok(format);
    }
    let format = name_of(&schema(&connection::open_memory()?)?);
    Ok(FORMAT.get_or_init(|| format))
}

fn name_of(schema: &[Described]) -> String {
    let mut bytes = Vec::new();
    for text in schema.iter().flatten() {
        bytes.extend(text.as_deref().unwrap_or_default().as_bytes());
        bytes.push(0);
    }
    let digest = data_encoding::HEXLOWER.encode(sluice_ledger::leaf_hash(&bytes).as_bytes());
    format!("{GENERATION}.{}", &digest[..DIGITS])
}

/// Everything that a database says of its own tables.
pub(crate) fn schema(connection: &Connection) -> rusqlite::Result<Vec<Described>> {
    connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?
        .collect()
}

/// What to do about a database of another format.
pub(crate) fn told(found: &str, known: &str) -> String {
    format!(
        "it was made by another build: it has format `{found}`, this program knows `{known}`: start it with the program \
         that made it, or begin a new folder and keep this one, with that program, for verification"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tables_are_another_format() {
        let mut tables = schema(&connection::open_memory().unwrap()).unwrap();
        let known = name_of(&tables);
        assert_eq!(format().unwrap(), known);
        let (generation, digits) = known.split_once('.').unwrap();
        assert_eq!((generation, digits.len()), ("2", DIGITS));
        tables[0][3] = Some("CREATE TABLE other (id INTEGER) STRICT".to_owned());
        assert_ne!(name_of(&tables), known);
        tables.pop();
        assert_ne!(name_of(&tables), known);
    }
}
