//! Folders for tests.

use std::path::{Path, PathBuf};

use sluice_organisation::{FILE_LIMIT_BYTES, Folder, OfflineKeys, Reading, read, render};

/// The wanted files of a folder of this repository.
pub(crate) fn folder_of(root: &Path) -> Folder {
    let mut folder = Folder::default();
    let mut pending = vec![root.to_path_buf()];
    while let Some(next) = pending.pop() {
        for entry in std::fs::read_dir(&next).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let below = path.strip_prefix(root).expect("a path below the root");
            let name = below.to_str().expect("a plain name").replace('\\', "/");
            if Folder::wants(&name) {
                let mut bytes = std::fs::read(&path).expect("a readable file");
                bytes.truncate(FILE_LIMIT_BYTES + 1);
                folder.insert(name, bytes);
            }
        }
    }
    folder
}

/// A folder below the repository's root.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// All problems as people see them.
pub(crate) fn rendered(folder: &Folder, reading: &Reading) -> String {
    reading.problems.iter().map(|problem| render(problem, folder)).collect::<Vec<_>>().join("\n")
}

pub(crate) fn read_offline(folder: &Folder) -> Reading {
    read(folder, &OfflineKeys)
}
