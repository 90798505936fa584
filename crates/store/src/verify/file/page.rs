//! One page of a tree: its kind, its cells, and whether nothing overlaps or is lost on it.

use super::cells::Cell;
use super::{Problem, be16, be32, damaged};

/// What a page of a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) enum Kind {
    IndexInterior,
    TableInterior,
    IndexLeaf,
    TableLeaf,
}

impl Kind {
    pub(super) fn is_leaf(self) -> bool {
        matches!(self, Self::IndexLeaf | Self::TableLeaf)
    }

    pub(super) fn is_index(self) -> bool {
        matches!(self, Self::IndexLeaf | Self::IndexInterior)
    }
}

/// A page with its header read.
#[derive(Clone, Copy)]
pub(in crate::verify) struct PageView<'a> {
    bytes: &'a [u8],
    usable: usize,
    header: usize,
    pub(in crate::verify) kind: Kind,
    pub(in crate::verify) cells: usize,
}

impl<'a> PageView<'a> {
    pub(super) fn of(number: u32, bytes: &'a [u8], usable: usize) -> Result<Self, Problem> {
        let header = if number == 1 { super::HEADER_BYTES } else { 0 };
        let kind = match bytes.get(header) {
            Some(2) => Kind::IndexInterior,
            Some(5) => Kind::TableInterior,
            Some(10) => Kind::IndexLeaf,
            Some(13) => Kind::TableLeaf,
            _ => return Err(damaged(format!("page {number} is of no kind"))),
        };
        let cells = usize::from(be16(bytes, header + 3)?);
        let bytes = bytes.get(..usable).ok_or_else(|| damaged("a page is cut short"))?;
        Ok(Self { bytes, usable, header, kind, cells })
    }

    /// The cell at a position.
    pub(in crate::verify) fn cell(&self, at: usize) -> Result<Cell<'a>, Problem> {
        let start = usize::from(be16(self.bytes, self.pointers() + 2 * at)?);
        let bytes = self.bytes.get(start..).ok_or_else(|| damaged("a cell is beyond its page"))?;
        Cell::of(self.kind, bytes, self.usable)
    }

    /// The page behind the last cell of an interior page.
    pub(super) fn right_child(&self) -> Result<u32, Problem> {
        be32(self.bytes, self.header + 8)
    }

    /// Checks that cells and free blocks fill the page, without overlap, but for the stated fragments.
    pub(in crate::verify) fn check(&self, spans: &mut Vec<(usize, usize)>) -> Result<(), Problem> {
        spans.clear();
        for at in 0..self.cells {
            let start = usize::from(be16(self.bytes, self.pointers() + 2 * at)?);
            spans.push((start, start + self.cell(at)?.bytes));
        }
        let mut block = usize::from(be16(self.bytes, self.header + 1)?);
        while block != 0 {
            let next = usize::from(be16(self.bytes, block)?);
            spans.push((block, block + usize::from(be16(self.bytes, block + 2)?)));
            if next != 0 && next <= block {
                return Err(damaged("the free blocks of a page do not end"));
            }
            block = next;
        }
        spans.sort_unstable();
        let content = match be16(self.bytes, self.header + 5)? {
            0 => 65_536,
            start => usize::from(start),
        };
        if content < self.pointers() + 2 * self.cells {
            return Err(damaged("the cells of a page begin within its header"));
        }
        let (mut end, mut lost) = (content, 0);
        for (start, next) in spans.iter().copied().chain([(self.usable, self.usable)]) {
            lost += start.checked_sub(end).ok_or_else(|| damaged("cells of a page overlap"))?;
            end = next;
        }
        let stated = self.bytes.get(self.header + 7).copied().unwrap_or_default();
        if lost == usize::from(stated) {
            return Ok(());
        }
        Err(damaged(format!("{lost} bytes of a page are lost, not {stated}")))
    }

    fn pointers(&self) -> usize {
        self.header + if self.kind.is_leaf() { 8 } else { 12 }
    }
}
