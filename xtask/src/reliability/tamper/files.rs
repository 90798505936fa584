//! Whole files: cut, emptied, deleted, exchanged, put back from an older copy.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{Lab, Original, copy, make};
use crate::reliability::server::{self, How};

const FILES: [&str; 7] = [
    "sluice.db",
    "anchor",
    "keys/log.key",
    "keys/pass.key",
    "keys/people.key",
    "keys/origin",
    "keys/made",
];

pub(super) fn run(lab: &mut Lab<'_>, original: &Original, folder: &Path) -> Result<()> {
    for name in FILES {
        let Ok(found) = fs::metadata(original.dir.join(name)) else { continue };
        lab.try_it(&format!("`{name}` is deleted"), name, original, |dir| {
            Ok(fs::remove_file(dir.join(name))?)
        })?;
        for length in [0, 1, found.len() / 2, found.len() - 1] {
            lab.try_it(&format!("`{name}` is cut"), &format!("to {length}"), original, |dir| {
                Ok(fs::OpenOptions::new().write(true).open(dir.join(name))?.set_len(length)?)
            })?;
        }
    }
    lab.try_it("`keys` is deleted", "keys", original, |dir| {
        Ok(fs::remove_dir_all(dir.join("keys"))?)
    })?;
    exchanged(lab, original, folder)?;
    older(lab, folder)?;
    log_gone(lab, folder)
}

/// Files of another instance in the place of ours.
fn exchanged(lab: &mut Lab<'_>, original: &Original, folder: &Path) -> Result<()> {
    let other = make(lab.options, &folder.join("other"), "other", true)?;
    for name in FILES {
        if !other.dir.join(name).exists() {
            continue;
        }
        lab.try_it(&format!("`{name}` is that of another instance"), name, original, |dir| {
            fs::copy(other.dir.join(name), dir.join(name))?;
            Ok(())
        })?;
    }
    lab.try_it("database and anchor are those of another instance", "both", original, |dir| {
        fs::copy(other.dir.join("sluice.db"), dir.join("sluice.db"))?;
        fs::copy(other.dir.join("anchor"), dir.join("anchor"))?;
        Ok(())
    })
}

/// A copy of an hour ago in the place of what has grown since.
fn older(lab: &mut Lab<'_>, folder: &Path) -> Result<()> {
    let (kept, mut grown) =
        (folder.join("kept"), make(lab.options, &folder.join("grown"), "grown", true)?);
    copy(&grown.dir, &kept)?;
    let server = server::start(&lab.options.binary, &grown.dir, &How::default())?.ready()?;
    grown.client.address = Some(server.address);
    grown.client.work(3)?;
    server.stop()?;
    grown.dump = super::dump(&grown.dir)?;
    for name in ["sluice.db", "anchor"] {
        lab.try_it(&format!("`{name}` is an older copy"), name, &grown, |dir| {
            fs::copy(kept.join(name), dir.join(name))?;
            Ok(())
        })?;
    }
    Ok(())
}

/// What was acknowledged is in the log alone, and the log goes.
fn log_gone(lab: &mut Lab<'_>, folder: &Path) -> Result<()> {
    let killed = make(lab.options, &folder.join("killed"), "killed", false)?;
    lab.try_it("`sluice.db-wal` is deleted", "wal", &killed, |dir| {
        Ok(fs::remove_file(dir.join("sluice.db-wal"))?)
    })?;
    let length = fs::metadata(killed.dir.join("sluice.db-wal"))?.len();
    for length in [0, 32, length / 2, length - 1] {
        lab.try_it("`sluice.db-wal` is cut", &format!("to {length}"), &killed, |dir| {
            Ok(fs::OpenOptions::new()
                .write(true)
                .open(dir.join("sluice.db-wal"))?
                .set_len(length)?)
        })?;
    }
    Ok(())
}
