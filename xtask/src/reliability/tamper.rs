//! Tampering with a stopped server's folder: every byte, every column of every row, every file as a whole. What was
//! done must be found by `sluice verify`, or keep the server from starting; or it must provably change nothing.

mod bytes;
mod doc;
mod files;
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use rusqlite::{Connection, OpenFlags};

use super::Options;
use super::report::Report;
use super::server::{self, How, Started};
use super::workload::Client;

/// Who noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Noticed {
    /// `sluice verify --data`, with exit code 3.
    ByVerify,
    /// `sluice serve` does not start, with exit code 3.
    AtStart,
    /// A command ends with another error, and nothing is served.
    Refused,
    /// What is stored reads exactly as before.
    NoEffect,
    /// Nobody, and nobody can: no entry says that it has to be there.
    MayBeGone,
    /// Nobody.
    Silent,
}

/// Rows that are kept for a time, can be erased, or are made anew: their absence proves nothing.
const MAY_BE_GONE: [&str; 6] = ["inbox", "outbox", "persons", "identities", "snapshots", "cursors"];

fn deleted(table: &str) -> String {
    format!("of `{table}` are deleted")
}

/// What one kind of tampering came to.
#[derive(Debug, Default)]
pub(crate) struct Kind {
    pub(crate) counts: BTreeMap<Noticed, usize>,
    /// One message of those who noticed.
    pub(crate) message: String,
}

/// A folder to tamper with, and how it is used afterwards.
pub(crate) struct Lab<'a> {
    options: &'a Options,
    work: PathBuf,
    pub(crate) kinds: Vec<(String, Kind)>,
}

/// A stopped server's folder with everything that is known of it.
pub(crate) struct Original {
    pub(crate) dir: PathBuf,
    pub(crate) key: String,
    pub(crate) dump: Vec<String>,
    pub(crate) client: Client,
}

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let folder = options.folder()?;
    let original = make(options, &folder.path().join("original"), "one", true)?;
    let mut lab = Lab { options, work: folder.path().join("work"), kinds: Vec::new() };
    bytes::run(&mut lab, &original)?;
    rows::run(&mut lab, &original)?;
    files::run(&mut lab, &original, folder.path())?;
    for (kind, found) in &lab.kinds {
        let counts: Vec<String> = found
            .counts
            .iter()
            .map(|(noticed, count)| format!("{count} {}", noticed.told()))
            .collect();
        report.says(format!("{kind}: {}", counts.join(", ")));
        if let Some(count) = found.counts.get(&Noticed::Silent) {
            report.fault(format!("{kind}: {count} silent: {}", found.message));
        }
    }
    if let Some(path) = &options.doc {
        fs::write(path, doc::render(&lab.kinds))?;
    }
    Ok(())
}

impl Noticed {
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::ByVerify => "found by verify (3)",
            Self::AtStart => "start refused (3)",
            Self::Refused => "refused (1)",
            Self::NoEffect => "without effect",
            Self::MayBeGone => "may be gone",
            Self::Silent => "SILENT",
        }
    }
}

/// Plays a small company on a new folder and stops the server, or kills it so that its log stays.
pub(crate) fn make(options: &Options, dir: &Path, name: &str, stop: bool) -> Result<Original> {
    let server = server::start(&options.binary, dir, &How::default())?.ready()?;
    let mut client = Client::to(server.address, server.token.clone(), name);
    client.declare()?;
    client.work(12)?;
    let key = server.log_key.clone();
    if stop {
        server.stop()?;
    } else {
        server.kill()?;
    }
    let dump = dump(dir).unwrap_or_default();
    Ok(Original { dir: dir.to_path_buf(), key, dump, client })
}

impl Lab<'_> {
    /// Copies the original, lets `tamper` change the copy, and notes who notices.
    pub(crate) fn try_it(
        &mut self,
        kind: &str,
        what: &str,
        original: &Original,
        tamper: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let dir = self.work.clone();
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        copy(&original.dir, &dir)?;
        tamper(&dir)?;
        let (mut noticed, message) = self.ask(&dir, original)?;
        if noticed == Noticed::Silent
            && MAY_BE_GONE.iter().any(|table| kind.ends_with(&deleted(table)))
        {
            noticed = Noticed::MayBeGone;
        }
        let index = self.kinds.iter().position(|(known, _)| known == kind).unwrap_or_else(|| {
            self.kinds.push((kind.to_owned(), Kind::default()));
            self.kinds.len() - 1
        });
        let entry = &mut self.kinds[index].1;
        let silent = entry.counts.contains_key(&Noticed::Silent);
        *entry.counts.entry(noticed).or_default() += 1;
        if noticed == Noticed::Silent {
            let before = if silent { format!("{}; ", entry.message) } else { String::new() };
            entry.message = format!("{before}{what}");
        } else if entry.message.is_empty() && noticed != Noticed::NoEffect {
            entry.message = message.replace(&dir.display().to_string(), "DIR");
        }
        Ok(())
    }

    fn ask(&self, dir: &Path, original: &Original) -> Result<(Noticed, String)> {
        let verified = server::verify(&self.options.binary, dir, &original.key)?;
        if verified.code() == 3 {
            return Ok((Noticed::ByVerify, verified.stderr));
        }
        let same = original.dump.is_empty() || dump(dir).is_ok_and(|dump| dump == original.dump);
        match server::start(&self.options.binary, dir, &How::default())? {
            Started::Ended(ended) if ended.code() == 3 => Ok((Noticed::AtStart, ended.stderr)),
            Started::Ended(ended) => Ok((Noticed::Refused, ended.stderr)),
            Started::Ready(mut running) => {
                // A server that starts has to stay up, too.
                let ended = running.wait(Duration::ZERO)?;
                let same_identity = running.log_key == original.key;
                running.kill()?;
                let noticed = match (verified.code(), ended, same && same_identity) {
                    (0, None, true) => Noticed::NoEffect,
                    _ => Noticed::Silent,
                };
                Ok((noticed, verified.stderr))
            }
        }
    }
}

/// Everything that the database says, row by row. Empty where it cannot be read.
fn dump(dir: &Path) -> Result<Vec<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(dir.join("sluice.db"), flags)?;
    let mut lines = Vec::new();
    let tables = rows::tables(&database)?;
    for table in &tables {
        let mut query = database.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let width = query.column_count();
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let values: Result<Vec<String>, _> =
                (0..width).map(|at| row.get_ref(at).map(|value| format!("{value:?}"))).collect();
            lines.push(format!("{table}: {}", values?.join("|")));
        }
    }
    for name in ["anchor", "keys/log.key", "keys/pass.key", "keys/people.key", "keys/origin"] {
        // White space around a key is not part of it, and the anchor's spare bytes are not part of it either.
        if name != "anchor" {
            let text = fs::read(dir.join(name))?;
            lines.push(format!("{name}: {:?}", text.trim_ascii()));
        }
    }
    Ok(lines)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_name() != "reserve" {
            // `fs::copy` keeps the permissions that keys must have.
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
