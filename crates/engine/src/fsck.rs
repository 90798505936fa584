//! Checking everything: entries against the tree, and every view against the entries it comes from.

use std::path::Path;

use sluice_core::standing::Standing;
use sluice_store::{Described, Difference, Readers, Scratch, compare_views};

use crate::beside;
use crate::engine::fold_with;
use crate::envelope::{self, Envelope};
use crate::views::Projection;

/// What a check of the views found.
#[derive(Debug)]
pub struct FsckReport {
    /// Entries folded.
    pub entries: u64,
    /// Rows that are not what the entries say.
    pub differences: Vec<Difference>,
    /// Rows beside the journal that entries name and that are not there.
    pub missing: Vec<String>,
}

/// The most differences that are named.
const MOST: usize = 1_000;

/// Says what an entry's bytes say of themselves: for `sluice_store::verify_dir`.
///
/// Looks at the members that stand beside the bytes, at the start of them; that the rest is an event is what
/// [`fsck`] finds out.
pub fn describe(bytes: &[u8]) -> Result<Described<'_>, String> {
    if let Some(described) = envelope::opening(bytes) {
        return Ok(described);
    }
    let envelope = Envelope::parse(bytes).map_err(|error| error.to_string())?;
    Ok(Described {
        stream: envelope.stream.into(),
        version: envelope.stream_version,
        name: envelope.event.into(),
        time_us: envelope.time.as_microsecond(),
    })
}

/// Rebuilds every view from the entries beside the stored ones and names every row that differs.
pub fn fsck(dir: &Path) -> Result<FsckReport, String> {
    let readers = Readers::open_whole(dir).map_err(|error| error.to_string())?;
    let size = readers.head().size;
    let scratch = Scratch::in_memory().map_err(|error| error.to_string())?;
    let mut standing = Standing::default();
    let mut projection = Projection::default();
    fold_with(&readers, &mut standing, size, &mut |standing, recorded| {
        projection.fold(standing, recorded);
    })
    .map_err(|error| error.to_string())?;
    for row in projection.into_rows() {
        scratch.accept(&row).map_err(|error| error.to_string())?;
    }
    let differences = compare_views(&readers, &scratch, MOST).map_err(|error| error.to_string())?;
    let missing = beside::missing(&readers, &standing, MOST)?;
    Ok(FsckReport { entries: size, differences, missing })
}
