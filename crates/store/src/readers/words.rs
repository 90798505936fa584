//! Entries by the words that people wrote in them.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Readers;
use crate::error::ReadError;

/// The most places of one word that are looked at.
const MOST: u32 = 20_000;
/// Above this many letters the beginning of a word is enough.
const WHOLE: usize = 3;

impl Readers {
    /// Entries in which every one of `words` was written, newest first; of longer words the beginning is enough. Where a
    /// word stands in very many entries, not all of them are looked at. `below`: only entries before that one.
    pub fn entries_with(
        &self,
        words: &[String],
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<u64>, ReadError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Vec::new();
        let mut parts = Vec::new();
        for word in words {
            let condition = if word.chars().count() > WHOLE {
                // What sorts after everything that begins so.
                values
                    .extend([Value::from(word.clone()), Value::from(format!("{word}\u{10ffff}"))]);
                "word >= ? AND word < ?"
            } else {
                values.push(Value::from(word.clone()));
                "word = ?"
            };
            parts.push(format!(
                "SELECT entry FROM (SELECT entry FROM words WHERE {condition} ORDER BY word DESC, entry DESC LIMIT {MOST})"
            ));
        }
        let of_all = parts.join(" INTERSECT ");
        let below = below.and_then(|entry| i64::try_from(entry).ok()).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT DISTINCT entry FROM ({of_all}) WHERE entry < {below} ORDER BY entry DESC LIMIT {limit}"
        );
        self.all(&sql, params_from_iter(values), |row| Ok(row.get(0)?))
    }
}
