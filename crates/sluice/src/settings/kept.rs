//! The session that `sluice login` keeps: one for each server, in a file that only its owner can read.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::variable;
use crate::failure::Failure;

/// Where sessions are kept: `$SLUICE_CONFIG_DIR`, else the user's folder for configuration.
fn path() -> Option<PathBuf> {
    let folder = variable("SLUICE_CONFIG_DIR").map(PathBuf::from).or_else(|| {
        let base = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
        let roaming = || variable("APPDATA").map(PathBuf::from);
        base.or_else(home).or_else(roaming).map(|base| base.join("sluice"))
    });
    folder.map(|folder| folder.join("sessions.json"))
}

/// The secret kept for a server; none where there is none, or where others could read it.
pub(crate) fn kept(server: &str) -> Option<String> {
    let path = path()?;
    if !is_private(&path) {
        crate::output::note(&format!(
            "`{}` can be read by others and is passed over: remove it and log in again",
            path.display()
        ));
        return None;
    }
    read(&path).remove(server)
}

/// Keeps a secret for a server, or forgets the one that is kept.
pub(crate) fn keep(server: &str, secret: Option<&str>) -> Result<(), Failure> {
    let Some(path) = path() else {
        return Err(Failure::new(
            "there is no folder to keep the session in",
            "set HOME or SLUICE_CONFIG_DIR",
        ));
    };
    let mut sessions = if is_private(&path) { read(&path) } else { BTreeMap::new() };
    match secret {
        Some(secret) => drop(sessions.insert(server.to_owned(), secret.to_owned())),
        None if sessions.remove(server).is_none() => return Ok(()),
        None => {}
    }
    let failed = |error: std::io::Error| Failure::file("keep the session in", &path, &error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // Written beside and moved: whoever reads sees the old or the new one, and never with open permissions.
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = private(&beside).map_err(failed)?;
    let text = serde_json::to_string_pretty(&sessions).unwrap_or_default();
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, &path).map_err(failed)
}

fn read(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).map_or(true, |found| found.permissions().mode() & 0o077 == 0)
}

/// Elsewhere the user's own folder is closed to others already.
#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}

fn private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
