//! The write-ahead log: which pages are newer there than in the file.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Problem, be32};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// The frames that a start would take up: whole, in one piece, up to the last commit.
pub(super) struct Wal {
    file: File,
    /// Where the newest content of a page is.
    offsets: HashMap<u32, u64>,
    /// Pages of the database after the last commit.
    pages: u32,
}

impl Wal {
    /// Reads the log beside a database; `None` where it holds no commit.
    pub(super) fn open(database: &Path, page_bytes: usize) -> Result<Option<Self>, Problem> {
        let mut name = database.as_os_str().to_owned();
        name.push("-wal");
        let path = PathBuf::from(name);
        let io = |source| Problem::Io { path: path.clone(), source };
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io)?,
        };
        let length = file.metadata().map_err(io)?.len();
        if length < HEADER_BYTES as u64 {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).map_err(io)?;
        let Some(mut frames) = Frames::of(&header, page_bytes)? else { return Ok(None) };
        let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
        let mut wal = Self { file, offsets: HashMap::new(), pages: 0 };
        let (mut offset, mut uncommitted) = (HEADER_BYTES as u64, Vec::new());
        while offset + frame.len() as u64 <= length {
            wal.file.read_exact_at(&mut frame, offset).map_err(io)?;
            let Some((page, commit)) = frames.next(&frame)? else { break };
            uncommitted.push((page, offset + FRAME_HEADER_BYTES as u64));
            if commit > 0 {
                wal.offsets.extend(uncommitted.drain(..));
                wal.pages = commit;
            }
            offset += frame.len() as u64;
        }
        Ok((wal.pages > 0).then_some(wal))
    }

    pub(super) fn offset(&self, page: u32) -> Option<u64> {
        self.offsets.get(&page).copied()
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn pages(&self) -> u32 {
        self.pages
    }
}

/// The running checksum over the frames.
struct Frames {
    is_big_endian: bool,
    salts: (u32, u32),
    sums: (u32, u32),
}

impl Frames {
    /// `None` where the header is none that a start would take up.
    fn of(header: &[u8], page_bytes: usize) -> Result<Option<Self>, Problem> {
        let magic = be32(header, 0)?;
        let mut frames = Self {
            is_big_endian: magic & 1 == 1,
            salts: (be32(header, 16)?, be32(header, 20)?),
            sums: (0, 0),
        };
        frames.add(header.get(..24).unwrap_or_default());
        let sound = magic & !1 == 0x377f_0682
            && u64::from(be32(header, 8)?) == page_bytes as u64
            && frames.sums == (be32(header, 24)?, be32(header, 28)?);
        Ok(sound.then_some(frames))
    }

    /// Page and size after the commit of one frame; `None` where the log ends before it.
    fn next(&mut self, frame: &[u8]) -> Result<Option<(u32, u32)>, Problem> {
        let (page, commit) = (be32(frame, 0)?, be32(frame, 4)?);
        self.add(frame.get(..8).unwrap_or_default());
        self.add(frame.get(FRAME_HEADER_BYTES..).unwrap_or_default());
        let sound = page > 0
            && self.salts == (be32(frame, 8)?, be32(frame, 12)?)
            && self.sums == (be32(frame, 16)?, be32(frame, 20)?);
        Ok(sound.then_some((page, commit)))
    }

    fn add(&mut self, bytes: &[u8]) {
        let read = |word: &[u8; 4]| {
            if self.is_big_endian { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) }
        };
        let (words, _) = bytes.as_chunks::<4>();
        let (mut first, mut second) = self.sums;
        for pair in words.as_chunks::<2>().0 {
            first = first.wrapping_add(read(&pair[0])).wrapping_add(second);
            second = second.wrapping_add(read(&pair[1])).wrapping_add(first);
        }
        self.sums = (first, second);
    }
}
