//! The database file as its pages, read without SQLite: the format of <https://sqlite.org/fileformat2.html>.
//!
//! A verification that asked the program that wrote the file would believe its caches and its idea of the format.
//! This reads every page that is in use, exactly once, and knows which those are. It reads our own files only:
//! no automatic vacuum, UTF-8, one page size for file and log.

mod cells;
mod page;
mod record;
mod wal;
mod walk;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use self::record::{Record, Value};
pub(super) use self::walk::Leaf;

use self::page::Kind;
use self::wal::Wal;
use super::Problem;

/// Bytes of the header of a database file.
const HEADER_BYTES: usize = 100;

/// How many pages are read at once where they are likely to follow each other.
const AHEAD: usize = 32;

/// SQLite locks bytes from here on and never uses the page that they are in.
const LOCKED_OFFSET: u64 = 0x4000_0000;

/// The pages of a database, those that are still in its log included.
pub(super) struct DatabaseFile {
    file: File,
    wal: Option<Wal>,
    page_bytes: usize,
    /// Bytes of a page that hold content.
    usable: usize,
    pages: u32,
    first_free: u32,
    free: u32,
    claimed: Vec<AtomicBool>,
}

impl DatabaseFile {
    /// Opens the file and its log, and reads what page 1 says of the rest.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let io = |source| Problem::Io { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).map_err(io)?;
        let page_bytes = match be16(&header, 16)? {
            1 => 65_536,
            size => usize::from(size),
        };
        if page_bytes < 512 || !page_bytes.is_power_of_two() {
            return Err(damaged("the size of its pages is none"));
        }
        let wal = Wal::open(path, page_bytes)?;
        if let Some(offset) = wal.as_ref().and_then(|wal| wal.offset(1)) {
            let log = wal.as_ref().map(Wal::file).ok_or_else(|| damaged("no log"))?;
            log.read_exact_at(&mut header, offset).map_err(io)?;
        }
        if header.get(..16) != Some(b"SQLite format 3\0") || be32(&header, 52)? != 0 {
            return Err(damaged("its header is not of our making"));
        }
        let reserved = usize::from(header.get(20).copied().unwrap_or_default());
        let pages = match &wal {
            Some(wal) => wal.pages(),
            None => be32(&header, 28)?,
        };
        if be32(&header, 24)? != be32(&header, 92)? {
            return Err(damaged("its header does not vouch for its size"));
        }
        if wal.is_none() && u64::from(pages) * page_bytes as u64 > length {
            return Err(damaged("it is shorter than its header says"));
        }
        Ok(Self {
            file,
            wal,
            page_bytes,
            usable: page_bytes.saturating_sub(reserved),
            pages,
            first_free: be32(&header, 32)?,
            free: be32(&header, 36)?,
            claimed: (0..=pages).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    /// A reader of its own for every thread.
    pub(super) fn reader(&self) -> PageReader<'_> {
        PageReader { file: self, window: Vec::new(), first: 0, held: 0 }
    }

    /// Notes that a page is in use. Whoever comes second is told.
    fn claim(&self, page: u32) -> Result<(), Problem> {
        let claimed = usize::try_from(page).ok().and_then(|page| self.claimed.get(page));
        match claimed.filter(|_| page > 0) {
            None => Err(damaged(format!("it refers to page {page} of {}", self.pages))),
            Some(claimed) if claimed.swap(true, Ordering::Relaxed) => {
                Err(damaged(format!("page {page} is used twice")))
            }
            Some(_) => Ok(()),
        }
    }

    /// Follows the list of free pages; after all trees were walked, every page must be known.
    pub(super) fn nothing_left_over(&self) -> Result<(), Problem> {
        let mut reader = self.reader();
        let (mut trunk, mut seen) = (self.first_free, 0_u32);
        while trunk != 0 {
            self.claim(trunk)?;
            let bytes = reader.page(trunk, 1)?;
            let (next, count) = (be32(bytes, 0)?, be32(bytes, 4)?);
            let leaves = (0..count).map(|at| {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                be32(bytes, at.saturating_mul(4).saturating_add(8))
            });
            for leaf in leaves {
                self.claim(leaf?)?;
            }
            seen = seen.saturating_add(count).saturating_add(1);
            trunk = next;
        }
        if seen != self.free {
            return Err(damaged(format!("it has {seen} free pages, not {}", self.free)));
        }
        let locked = LOCKED_OFFSET / self.page_bytes as u64 + 1;
        let unused = (1..=self.pages)
            .zip(self.claimed.iter().skip(1))
            .find(|(page, claimed)| !claimed.load(Ordering::Relaxed) && u64::from(*page) != locked);
        match unused {
            Some((page, _)) => Err(damaged(format!("page {page} is never used"))),
            None => Ok(()),
        }
    }
}

/// Reads pages, some of them ahead.
pub(super) struct PageReader<'a> {
    file: &'a DatabaseFile,
    window: Vec<u8>,
    first: u32,
    held: u32,
}

impl<'a> PageReader<'a> {
    /// The bytes of one page. `ahead` says how many are worth reading with it.
    fn page(&mut self, page: u32, ahead: usize) -> Result<&[u8], Problem> {
        let size = self.file.page_bytes;
        if page == 0 || page > self.file.pages {
            return Err(damaged(format!("it refers to page {page} of {}", self.file.pages)));
        }
        let in_log = self.file.wal.as_ref().and_then(|wal| Some((wal.offset(page)?, wal.file())));
        if let Some((offset, log)) = in_log {
            self.fill(log, offset, 1, page)?;
            // What follows in the log is another page.
            self.first = 0;
            return self.window.get(..size).ok_or_else(|| damaged("a page is cut short"));
        }
        if self.first == 0 || page < self.first || page >= self.first + self.held {
            let rest = usize::try_from(self.file.pages - page).unwrap_or(usize::MAX);
            let pages = ahead.min(rest.saturating_add(1)).max(1);
            self.fill(&self.file.file, u64::from(page - 1) * size as u64, pages, page)?;
        }
        let at = usize::try_from(page - self.first).unwrap_or(usize::MAX).saturating_mul(size);
        self.window.get(at..at + size).ok_or_else(|| damaged("a page is cut short"))
    }

    fn fill(&mut self, file: &File, offset: u64, pages: usize, first: u32) -> Result<(), Problem> {
        self.first = 0;
        self.window.resize(pages * self.file.page_bytes, 0);
        let mut filled = 0;
        while let Some(rest) = self.window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset + filled as u64;
            match file.read_at(rest, at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(damaged(format!("page {first} cannot be read: {source}")));
                }
            }
        }
        // With a log, the file may end before what the log holds of it.
        let whole = filled / self.file.page_bytes;
        self.window.truncate(whole * self.file.page_bytes);
        (self.first, self.held) = (first, u32::try_from(whole).unwrap_or(0));
        if whole == 0 { Err(damaged(format!("page {first} is beyond its end"))) } else { Ok(()) }
    }
}

fn damaged(message: impl Into<String>) -> Problem {
    Problem::Structure(message.into())
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, Problem> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>());
    found.map(|chunk| u16::from_be_bytes(*chunk)).ok_or_else(|| damaged("a page is cut short"))
}

fn be32(bytes: &[u8], at: usize) -> Result<u32, Problem> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    found.map(|chunk| u32::from_be_bytes(*chunk)).ok_or_else(|| damaged("a page is cut short"))
}
