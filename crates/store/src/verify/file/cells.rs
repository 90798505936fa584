//! Cells: what a page of a tree holds of one row or of one child.

use super::page::Kind;
use super::record::varint;
use super::{DatabaseFile, PageReader, Problem, be32, damaged};

/// One cell, borrowed from its page.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct Cell<'a> {
    /// The child to its left, on interior pages.
    pub(super) child: u32,
    /// The key, in trees of tables.
    pub(in crate::verify) rowid: i64,
    /// The part of the payload that is on the page.
    local: &'a [u8],
    /// Bytes of the whole payload.
    total: usize,
    /// Where the rest is; 0 where there is none.
    overflow: u32,
    /// Bytes that it takes on the page.
    pub(super) bytes: usize,
}

impl<'a> Cell<'a> {
    pub(super) fn of(kind: Kind, bytes: &'a [u8], usable: usize) -> Result<Self, Problem> {
        let mut rest = bytes;
        let mut cell = Self { child: 0, rowid: 0, local: &[], total: 0, overflow: 0, bytes: 0 };
        if !kind.is_leaf() {
            cell.child = be32(rest, 0)?;
            rest = rest.get(4..).unwrap_or_default();
        }
        if kind != Kind::TableInterior {
            let (total, after) = varint(rest)?;
            cell.total = usize::try_from(total).unwrap_or(usize::MAX);
            rest = after;
        }
        if !kind.is_index() {
            let (rowid, after) = varint(rest)?;
            cell.rowid = rowid.cast_signed();
            rest = after;
        }
        let local = local_bytes(kind, cell.total, usable);
        let cut = || damaged("a cell is beyond its page");
        (cell.local, rest) = rest.split_at_checked(local).ok_or_else(cut)?;
        if local < cell.total {
            cell.overflow = be32(rest, 0)?;
            rest = rest.get(4..).unwrap_or_default();
        }
        // SQLite gives a cell four bytes at least, so that a free block fits into its place.
        cell.bytes = (bytes.len() - rest.len()).max(4);
        Ok(cell)
    }

    /// The whole payload, put together in `buffer` where it goes on elsewhere. Claims those pages.
    pub(in crate::verify) fn payload<'b>(
        &self,
        file: &DatabaseFile,
        reader: &mut PageReader<'_>,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], Problem>
    where
        'a: 'b,
    {
        if self.overflow == 0 {
            return Ok(self.local);
        }
        buffer.clear();
        buffer.extend_from_slice(self.local);
        let mut page = self.overflow;
        while buffer.len() < self.total {
            file.claim(page)?;
            let bytes = reader.page(page, 1)?;
            page = be32(bytes, 0)?;
            let wanted = (self.total - buffer.len()).min(file.usable.saturating_sub(4));
            let part = bytes.get(4..4 + wanted).filter(|part| !part.is_empty());
            buffer.extend_from_slice(part.ok_or_else(|| damaged("a row is cut short"))?);
        }
        if page == 0 { Ok(buffer) } else { Err(damaged("a row does not end where it should")) }
    }
}

/// How much of a payload is on the page itself.
fn local_bytes(kind: Kind, total: usize, usable: usize) -> usize {
    let most = match kind {
        Kind::TableLeaf => usable - 35,
        Kind::TableInterior => return 0,
        Kind::IndexLeaf | Kind::IndexInterior => (usable - 12) * 64 / 255 - 23,
    };
    if total <= most {
        return total;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let wanted = least + (total - least) % (usable - 4);
    if wanted <= most { wanted } else { least }
}
