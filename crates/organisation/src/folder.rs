//! The files of an organisation, as bytes in memory. Reading a disk is the caller's work.

use std::collections::BTreeMap;

use crate::problem::{Place, Problem, Severity};

/// The most files that are read.
pub const FILES_LIMIT: usize = 5_000;
/// The largest file that is read, in bytes.
pub const FILE_LIMIT_BYTES: usize = 1024 * 1024;
/// The most bytes of all files together.
pub const FOLDER_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// The longest path, in bytes.
const PATH_LIMIT_BYTES: usize = 512;

/// Files by their path within the folder, with `/`.
///
/// Whoever fills it from a disk or a network may cut a file after [`FILE_LIMIT_BYTES`] + 1 bytes
/// and stop after [`FILES_LIMIT`] + 1 files: too much is named as a problem, it is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
}

/// What a file is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Yaml,
    Rego,
    Calendar,
}

/// A file that may be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedFile<'a> {
    pub(crate) path: &'a str,
    pub(crate) kind: FileKind,
    pub(crate) bytes: &'a [u8],
}

impl Folder {
    /// Adds a file, in place of one of the same path.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }

    /// Whether a path is one that is read at all: neither hidden nor below something hidden, and a
    /// `.yaml`, `.yml`, `.rego` or `.ics` file. All else is passed over.
    pub fn wants(path: &str) -> bool {
        kind_of(path).is_some()
    }

    /// The bytes of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The files that are wanted, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let wanted = self.files.iter().filter(|(path, _)| Self::wants(path));
        wanted.map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The files that may be read, and what is wrong with the others.
    pub(crate) fn readable(&self) -> (Vec<WantedFile<'_>>, Vec<Problem>) {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        let mut sum = 0_usize;
        for (path, bytes) in self.files() {
            let Some(kind) = kind_of(path) else { continue };
            if let Some(problem) = check_file(path, bytes.len()) {
                problems.push(problem);
                continue;
            }
            sum = sum.saturating_add(bytes.len());
            if files.len() >= FILES_LIMIT {
                let message = format!("the folder has more than {FILES_LIMIT} files");
                problems.push(refused(path, "too_many_files", message, "split the organisation"));
                break;
            }
            if sum > FOLDER_LIMIT_BYTES {
                let message = format!("the folder has more than {FOLDER_LIMIT_BYTES} bytes");
                problems.push(refused(path, "folder_too_large", message, "split the organisation"));
                break;
            }
            files.push(WantedFile { path, kind, bytes });
        }
        (files, problems)
    }
}

impl<P: Into<String>, B: Into<Vec<u8>>> FromIterator<(P, B)> for Folder {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        let files = files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect();
        Self { files }
    }
}

fn kind_of(path: &str) -> Option<FileKind> {
    if path.split('/').any(|part| part.starts_with('.') && part != "." && part != "..") {
        return None;
    }
    match path.rsplit_once('.')?.1 {
        "yaml" | "yml" => Some(FileKind::Yaml),
        "rego" => Some(FileKind::Rego),
        "ics" => Some(FileKind::Calendar),
        _ => None,
    }
}

fn check_file(path: &str, size_bytes: usize) -> Option<Problem> {
    let odd = |part: &str| matches!(part, "" | "." | "..");
    if path.len() > PATH_LIMIT_BYTES
        || path.split('/').any(odd)
        || path.chars().any(|letter| letter.is_control() || letter == '\\')
    {
        let help = "use a path within the folder, with `/`, of at most 512 bytes";
        return Some(refused(path, "bad_path", "this path is not read".to_owned(), help));
    }
    if size_bytes > FILE_LIMIT_BYTES {
        let message = format!("the file is larger than {FILE_LIMIT_BYTES} bytes");
        return Some(refused(path, "file_too_large", message, "split the file"));
    }
    None
}

fn refused(path: &str, code: &'static str, message: String, help: &str) -> Problem {
    let path: String = path.chars().filter(|letter| !letter.is_control()).take(512).collect();
    let place = Place::start_of(&path);
    Problem { place, severity: Severity::Error, code, message, help: help.to_owned() }
}
