//! Comparing views row by row: what is stored against what the entries say.
//!
//! The caller folds the entries anew into rows and puts them into a [`Scratch`]; the store
//! names every row that differs.

use std::cmp::Ordering;
use std::fmt;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::batch::NotCommitted;
use crate::connection;
use crate::error::ReadError;
use crate::failure::Failure;
use crate::readers::Readers;
use crate::record::{self, RecordError, record};
use crate::rows::Row;

/// A table that is derived from the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Changes, by number.
    Changes,
    /// Which change concerns which service.
    ChangeServices,
    /// Gate decisions, by id.
    Decisions,
    /// Deployments, by number.
    Deployments,
    /// Incidents, by number.
    Incidents,
    /// Problems, by number.
    Problems,
    /// What incidents and problems are about.
    Concerns,
    /// Declared items, by kind and name.
    Items,
    /// Words that people wrote, with the entries that hold them.
    Words,
}

impl View {
    /// Every view.
    pub const ALL: [Self; 9] = [
        Self::Changes,
        Self::ChangeServices,
        Self::Decisions,
        Self::Deployments,
        Self::Incidents,
        Self::Problems,
        Self::Concerns,
        Self::Items,
        Self::Words,
    ];

    /// Name of the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::ChangeServices => "change_services",
            Self::Decisions => "decisions",
            Self::Deployments => "deployments",
            Self::Incidents => "incidents",
            Self::Problems => "problems",
            Self::Concerns => "concerns",
            Self::Items => "items",
            Self::Words => "words",
        }
    }

    /// The columns of the key. They are the first columns of the table.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Changes | Self::Deployments | Self::Incidents | Self::Problems => &["number"],
            Self::ChangeServices => &["number", "service"],
            Self::Decisions => &["id"],
            Self::Concerns => &["kind", "number", "about"],
            Self::Items => &["kind", "name"],
            Self::Words => &["word", "entry"],
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One row of a view in canonical form.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewRow {
    key: Vec<Value>,
    /// `column=value` for each column, in the order of the table.
    pub content: String,
}

impl ViewRow {
    /// The key as text, its columns divided by `/`.
    pub fn key(&self) -> String {
        let columns = self.key.iter().map(|value| match value {
            Value::Text(text) => text.clone(),
            other => text(&other.into()),
        });
        columns.collect::<Vec<String>>().join("/")
    }
}

/// One row in which two sources differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub view: View,
    /// Key of the row.
    pub key: String,
    /// The row as it is stored; absent when it is missing.
    pub stored: Option<String>,
    /// The row as the entries say; absent when nothing says so.
    pub expected: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { view, key, .. } = self;
        match (&self.stored, &self.expected) {
            (Some(_), None) => write!(f, "`{view}` has a row `{key}` that no entry explains"),
            (None, _) => write!(f, "`{view}` lacks the row `{key}`"),
            (Some(stored), Some(expected)) => {
                write!(f, "`{view}` row `{key}` is {stored}, the entries say {expected}")
            }
        }
    }
}

/// Something that holds views.
pub trait ViewSource {
    /// The rows after `after` in the order of their keys, at most `limit`.
    fn page(
        &self,
        view: View,
        after: Option<&ViewRow>,
        limit: u32,
    ) -> Result<Vec<ViewRow>, ReadError>;
}

impl ViewSource for Readers {
    fn page(
        &self,
        view: View,
        after: Option<&ViewRow>,
        limit: u32,
    ) -> Result<Vec<ViewRow>, ReadError> {
        self.with(|connection| page(connection, view, after, limit))
    }
}

/// Views in memory, filled from nothing.
pub struct Scratch {
    connection: Connection,
}

impl Scratch {
    /// An empty database in memory.
    pub fn in_memory() -> Result<Self, ReadError> {
        Ok(Self { connection: connection::open_memory()? })
    }

    /// Takes one row of a view; other rows are refused.
    pub fn accept(&self, row: &Row) -> Result<(), NotCommitted> {
        if !record::is_view(row) {
            return Err(NotCommitted::Refused("only rows of views are compared".to_owned()));
        }
        match record(&self.connection, row) {
            Ok(_) => Ok(()),
            Err(RecordError::Conflict(what)) => Err(NotCommitted::Conflict(what)),
            Err(RecordError::Sql(error)) => Err(match Failure::from(error) {
                Failure::Undone(reason) => reason,
                Failure::Broken(error) => NotCommitted::Refused(error.to_string()),
            }),
        }
    }
}

impl ViewSource for Scratch {
    fn page(
        &self,
        view: View,
        after: Option<&ViewRow>,
        limit: u32,
    ) -> Result<Vec<ViewRow>, ReadError> {
        page(&self.connection, view, after, limit)
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Every row of a view in the order of the keys. Ends after an error.
pub fn views_dump(
    source: &dyn ViewSource,
    view: View,
) -> impl Iterator<Item = Result<ViewRow, ReadError>> + '_ {
    Rows { source, view, page: Vec::new().into_iter(), last: None, ended: false }
}

/// Names the rows of all views in which `stored` differs from `expected`, at most `max`.
pub fn compare_views(
    stored: &dyn ViewSource,
    expected: &dyn ViewSource,
    max: usize,
) -> Result<Vec<Difference>, ReadError> {
    let mut differences = Vec::new();
    for view in View::ALL {
        let mut stored = views_dump(stored, view);
        let mut expected = views_dump(expected, view);
        let (mut left, mut right) = (stored.next().transpose()?, expected.next().transpose()?);
        while differences.len() < max && (left.is_some() || right.is_some()) {
            let order = match (&left, &right) {
                (Some(left), Some(right)) => order(&left.key, &right.key),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            let mine = if order.is_le() { left.take() } else { None };
            let theirs = if order.is_ge() { right.take() } else { None };
            if mine != theirs {
                let key = mine.as_ref().or(theirs.as_ref()).map(ViewRow::key).unwrap_or_default();
                let (stored, expected) = (mine.map(|r| r.content), theirs.map(|r| r.content));
                differences.push(Difference { view, key, stored, expected });
            }
            if order.is_le() {
                left = stored.next().transpose()?;
            }
            if order.is_ge() {
                right = expected.next().transpose()?;
            }
        }
    }
    Ok(differences)
}

const PAGE: u32 = 1_000;

struct Rows<'a> {
    source: &'a dyn ViewSource,
    view: View,
    page: std::vec::IntoIter<ViewRow>,
    last: Option<ViewRow>,
    ended: bool,
}

impl Iterator for Rows<'_> {
    type Item = Result<ViewRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.ended {
            match self.source.page(self.view, self.last.as_ref(), PAGE) {
                Ok(page) => {
                    self.ended = page.len() < PAGE as usize;
                    self.last = page.last().cloned();
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.page.next().map(Ok)
    }
}

fn page(
    connection: &Connection,
    view: View,
    after: Option<&ViewRow>,
    limit: u32,
) -> Result<Vec<ViewRow>, ReadError> {
    let keys = view.keys().join(", ");
    let mut sql = format!("SELECT * FROM {view}");
    if after.is_some() {
        let places = vec!["?"; view.keys().len()].join(", ");
        sql.push_str(&format!(" WHERE ({keys}) > ({places})"));
    }
    sql.push_str(&format!(" ORDER BY {keys} LIMIT {limit}"));
    let mut statement = connection.prepare_cached(&sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let values = after.map(|row| row.key.clone()).unwrap_or_default();
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = (0..view.keys().len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
        let mut content = String::new();
        for (index, name) in names.iter().enumerate() {
            let glue = if index == 0 { "" } else { " " };
            content.push_str(&format!("{glue}{name}={}", text(&row.get_ref(index)?)));
        }
        found.push(ViewRow { key, content });
    }
    Ok(found)
}

/// The order in which SQLite gives keys: numbers before text, text by its bytes.
fn order(left: &[Value], right: &[Value]) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Integer(_) | Value::Real(_) => 1,
        Value::Text(_) => 2,
        Value::Blob(_) => 3,
    };
    let pairs = left.iter().zip(right);
    let first = pairs.map(|(left, right)| match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    });
    first.fold(Ordering::Equal, Ordering::then)
}

/// A value in words that no other value has: text in quotes, so that it is neither nothing nor two columns.
fn text(value: &ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("{text:?}"),
            Err(_) => format!("text:{}", data_encoding::HEXLOWER.encode(bytes)),
        },
        ValueRef::Blob(bytes) => format!("blob:{}", data_encoding::HEXLOWER.encode(bytes)),
    }
}
