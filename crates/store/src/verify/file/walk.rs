//! Walking the trees of a database: every page once, its rows in the order of their keys.

use super::cells::Cell;
use super::page::PageView;
use super::{AHEAD, DatabaseFile, Kind, PageReader, Problem, damaged};

/// Deeper than any tree that fits into a file.
const DEEPEST: usize = 20;

/// A leaf of a table and the greatest key that it may hold.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct Leaf {
    pub(in crate::verify) page: u32,
    pub(in crate::verify) last: i64,
}

/// Hears the payloads of an index in order.
pub(in crate::verify) type Hear<'a> = dyn FnMut(&[u8]) -> Result<(), Problem> + 'a;

impl DatabaseFile {
    /// Walks a whole tree and lets `hear` have the payloads of its rows.
    pub(in crate::verify) fn walk(&self, root: u32, hear: &mut Hear<'_>) -> Result<(), Problem> {
        let (reader, overflow) = (self.reader(), self.reader());
        let (buffer, spans) = (Vec::new(), Vec::new());
        Walk { file: self, reader, overflow, buffer, spans, depth: None, hear }.page(root, 0, None)
    }

    /// The leaves of a table in order; reads the pages above them only.
    pub(in crate::verify) fn leaves(&self, root: u32) -> Result<Vec<Leaf>, Problem> {
        let mut reader = self.reader();
        let (mut level, mut spans) = (vec![Leaf { page: root, last: i64::MAX }], Vec::new());
        self.claim(root)?;
        for _ in 0..DEEPEST {
            let Some(first) = level.first() else { break };
            let bytes = reader.page(first.page, 1)?;
            if PageView::of(first.page, bytes, self.usable)?.kind == Kind::TableLeaf {
                return Ok(level);
            }
            let mut below = Vec::new();
            for parent in &level {
                let view = PageView::of(parent.page, reader.page(parent.page, 1)?, self.usable)?;
                if view.kind != Kind::TableInterior {
                    return Err(damaged(format!("page {} is at the wrong depth", parent.page)));
                }
                view.check(&mut spans)?;
                let start = below.len();
                for at in 0..view.cells {
                    let cell = view.cell(at)?;
                    below.push(Leaf { page: cell.child, last: cell.rowid });
                }
                below.push(Leaf { page: view.right_child()?, last: parent.last });
                let children = below.get(start..).unwrap_or_default();
                if !children.is_sorted_by(|one, next| one.last < next.last) {
                    return Err(damaged(format!(
                        "the keys of page {} are in disorder",
                        parent.page
                    )));
                }
                children.iter().try_for_each(|child| self.claim(child.page))?;
            }
            if !below.is_sorted_by(|one, next| one.last < next.last) {
                return Err(damaged("the keys of a table are in disorder"));
            }
            level = below;
        }
        Err(damaged("a tree is too deep"))
    }

    /// Lets `hear` have the cells of one leaf, in order, and checks the page.
    pub(in crate::verify) fn leaf(
        &self,
        reader: &mut PageReader<'_>,
        spans: &mut Vec<(usize, usize)>,
        page: u32,
        mut hear: impl FnMut(Cell<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let view = PageView::of(page, reader.page(page, AHEAD)?, self.usable)?;
        if view.kind != Kind::TableLeaf {
            return Err(damaged(format!("page {page} is at the wrong depth")));
        }
        view.check(spans)?;
        (0..view.cells).try_for_each(|at| hear(view.cell(at)?))
    }
}

struct Walk<'a, 'h> {
    file: &'a DatabaseFile,
    reader: PageReader<'a>,
    overflow: PageReader<'a>,
    buffer: Vec<u8>,
    spans: Vec<(usize, usize)>,
    /// How deep the leaves are.
    depth: Option<usize>,
    hear: &'h mut Hear<'h>,
}

impl Walk<'_, '_> {
    fn page(&mut self, page: u32, depth: usize, is_index: Option<bool>) -> Result<(), Problem> {
        if depth > DEEPEST {
            return Err(damaged("a tree is too deep"));
        }
        self.file.claim(page)?;
        let bytes = self.reader.page(page, AHEAD)?.to_vec();
        let view = PageView::of(page, &bytes, self.file.usable)?;
        let same_depth = !view.kind.is_leaf() || *self.depth.get_or_insert(depth) == depth;
        if !same_depth || is_index.is_some_and(|is_index| is_index != view.kind.is_index()) {
            return Err(damaged(format!("page {page} is at the wrong place")));
        }
        view.check(&mut self.spans)?;
        for at in 0..view.cells {
            let cell = view.cell(at)?;
            if !view.kind.is_leaf() {
                self.page(cell.child, depth + 1, Some(view.kind.is_index()))?;
            }
            if view.kind != Kind::TableInterior {
                let payload = cell.payload(self.file, &mut self.overflow, &mut self.buffer)?;
                (self.hear)(payload)?;
            }
        }
        if view.kind.is_leaf() {
            return Ok(());
        }
        self.page(view.right_child()?, depth + 1, Some(view.kind.is_index()))
    }
}
