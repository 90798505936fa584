//! Reading an organisation's folder from the disk.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_organisation::{FILE_LIMIT_BYTES, FILES_LIMIT, Folder};

use super::values;
use crate::failure::Failure;

/// Folders below folders that are followed.
const MAX_DEPTH: usize = 16;

/// Reads what is wanted of a folder. Links are followed within it, as mounted folders have them; one that leads elsewhere
/// is an error, because what is passed over would be withdrawn.
pub(crate) fn read(dir: &Path) -> Result<Folder, Failure> {
    if !dir.is_dir() {
        return Err(Failure::usage(
            format!("`{}` is not a folder", dir.display()),
            "give the folder of an organisation, or make one with `sluice init DIR`",
        ));
    }
    let root =
        fs::canonicalize(dir).map_err(|error| Failure::file("read the folder", dir, &error))?;
    let mut reader = Reader { root, folder: Folder::default(), count: 0 };
    reader.walk(dir, "", 0)?;
    if reader.count == 0 {
        return Err(Failure::usage(
            format!("no file of an organisation in `{}`", dir.display()),
            "give a folder with `.yaml`, `.rego` or `.ics` files, or make one with `sluice init DIR`",
        ));
    }
    Ok(reader.folder)
}

struct Reader {
    /// The folder as it is without links.
    root: PathBuf,
    folder: Folder,
    count: usize,
}

impl Reader {
    fn walk(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), Failure> {
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
            if name.starts_with('.') || self.count > FILES_LIMIT {
                continue;
            }
            let path = format!("{prefix}{name}");
            match self.kind_of(&entry, Folder::wants(&path))? {
                Kind::Folder => self.walk(&entry.path(), &format!("{path}/"), depth + 1)?,
                Kind::File if Folder::wants(&path) => {
                    self.count += 1;
                    self.folder.insert(path, read_cut(&entry.path())?);
                }
                Kind::File | Kind::Other => {}
            }
        }
        Ok(())
    }

    fn kind_of(&self, entry: &fs::DirEntry, wanted: bool) -> Result<Kind, Failure> {
        let path = entry.path();
        let failed = |error: std::io::Error| Failure::file("read", &path, &error);
        let mut kind = entry.file_type().map_err(failed)?;
        if kind.is_symlink() {
            let target = match fs::canonicalize(&path) {
                Err(_) if !wanted => return Ok(Kind::Other),
                found => found.map_err(|error| Failure::file("follow the link", &path, &error))?,
            };
            kind = fs::metadata(&target).map_err(failed)?.file_type();
            if (wanted || kind.is_dir()) && !target.starts_with(&self.root) {
                return Err(Failure::new(
                    format!("`{}` is a link that leads out of the folder", path.display()),
                    "put what it leads to into the folder, or take the link out: what is not read would be withdrawn",
                ));
            }
        }
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => Ok(Kind::Folder),
            (_, true) => Ok(Kind::File),
            _ if !wanted => Ok(Kind::Other),
            _ => Err(Failure::new(
                format!("`{}` is no file, and has the name of one that is read", path.display()),
                "take it out, or give it another name",
            )),
        }
    }
}

/// What is at a place, or at the end of its link.
enum Kind {
    File,
    Folder,
    /// Neither, under a name that is not read.
    Other,
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
