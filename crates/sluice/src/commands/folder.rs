//! Reading an organisation's folder from the disk.

use std::fs;
use std::path::Path;

use sluice_organisation::{FILE_LIMIT_BYTES, FILES_LIMIT, Folder};

use super::values;
use crate::failure::Failure;

/// Folders below folders that are followed.
const MAX_DEPTH: usize = 16;

/// Reads what is wanted of a folder. Links are not followed: they can lead anywhere.
pub(crate) fn read(dir: &Path) -> Result<Folder, Failure> {
    if !dir.is_dir() {
        return Err(Failure::usage(
            format!("`{}` is not a folder", dir.display()),
            "give the folder of an organisation, or make one with `sluice init DIR`",
        ));
    }
    let mut folder = Folder::default();
    let mut count = 0;
    walk(dir, "", 0, &mut count, &mut folder)?;
    Ok(folder)
}

fn walk(
    dir: &Path,
    prefix: &str,
    depth: usize,
    count: &mut usize,
    folder: &mut Folder,
) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::new(
            format!("`{}` lies more than {MAX_DEPTH} folders deep", dir.display()),
            "flatten the organisation",
        ));
    }
    let failed = |error: std::io::Error| Failure::file("read the folder", dir, &error);
    let mut entries =
        fs::read_dir(dir).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || *count > FILES_LIMIT {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth + 1, count, folder)?;
        } else if kind.is_file() && Folder::wants(&path) {
            *count += 1;
            folder.insert(path, read_cut(&entry.path())?);
        }
    }
    Ok(())
}

/// Reads a file up to one byte beyond its limit: too much is named as a problem of the folder.
fn read_cut(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let file = fs::File::open(path).map_err(|error| Failure::file("open", path, &error))?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file("read", path, &error))?;
    Ok(bytes)
}

/// The folder as the body of a request: every file as text.
pub(crate) fn as_body(folder: &Folder) -> Result<serde_json::Value, Failure> {
    let mut files = serde_json::Map::new();
    for (path, bytes) in folder.files() {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Failure::new(format!("`{path}` is not text"), "save it in UTF-8"))?;
        files.insert(path.to_owned(), text.into());
    }
    Ok(values::object([("files", files.into())]))
}
