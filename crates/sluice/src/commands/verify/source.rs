//! Where a published log is read from: a folder or an address.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use reqwest::Method;
use sluice_ledger::tile::TILE_WIDTH;
use sluice_ledger::{BundleId, LogSource, TileId};

use crate::client::{Client, Request};

/// The most bytes of a bundle: 256 entries of 64 KiB, each with its length.
const MAX_PIECE_BYTES: usize = 256 * (65_535 + 2);
const HASH_BYTES: usize = 32;

/// Where a server of ours has the newest head that its witnesses have cosigned.
pub(super) const WITNESSED: &str = "witnessed";

/// Why a piece of a log is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// The log's signed head says that it exists, and it does not.
    #[error("`{0}` is missing")]
    Missing(String),
    /// It could not be read; whether it exists is not known.
    #[error("{0}")]
    Unreadable(String),
}

/// A published log.
pub(super) struct Published {
    place: Place,
    checkpoint: Option<PathBuf>,
    /// Where the head is.
    head_at: &'static str,
    /// The head, once it was read: it grows while a log is verified.
    head: OnceLock<String>,
}

enum Place {
    Folder(PathBuf),
    /// With the path that the log lies under.
    Server(Client, &'static str),
}

impl Published {
    pub(super) fn folder(dir: &Path, checkpoint: Option<&Path>) -> Self {
        Self::at(Place::Folder(dir.to_owned()), checkpoint)
    }

    pub(super) fn server(client: Client, under: &'static str, checkpoint: Option<&Path>) -> Self {
        Self::at(Place::Server(client, under), checkpoint)
    }

    fn at(place: Place, checkpoint: Option<&Path>) -> Self {
        let checkpoint = checkpoint.map(Path::to_owned);
        Self { place, checkpoint, head_at: "checkpoint", head: OnceLock::new() }
    }

    /// The same up to the newest head that is witnessed.
    pub(super) fn witnessed(self) -> Self {
        Self { head_at: WITNESSED, ..self }
    }

    fn piece(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        match &self.place {
            Place::Folder(dir) => read_file(&dir.join(path), path),
            Place::Server(client, under) => {
                let full = format!("{under}/{path}");
                let request =
                    Request { limit_bytes: MAX_PIECE_BYTES, ..Request::new(Method::GET, &full) };
                let reply = client
                    .send(&request)
                    .map_err(|trouble| SourceError::Unreadable(client.trouble(&trouble).message))?;
                match reply.status {
                    200 => Ok(reply.body),
                    404 | 410 => Err(SourceError::Missing(path.to_owned())),
                    status => Err(SourceError::Unreadable(format!("`{path}`: status {status}"))),
                }
            }
        }
    }

    /// A piece of less than its full width. A log may drop those once the full one exists; then the
    /// beginning of the full one is the same.
    fn partial(
        &self,
        path: &str,
        full: &str,
        cut: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, SourceError> {
        match self.piece(path) {
            Err(SourceError::Missing(_)) => {
                let missing = || SourceError::Missing(path.to_owned());
                let mut bytes = self.piece(full).map_err(|error| match error {
                    SourceError::Missing(_) => missing(),
                    other => other,
                })?;
                bytes.truncate(cut(&bytes).ok_or_else(missing)?);
                Ok(bytes)
            }
            result => result,
        }
    }
}

fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, SourceError> {
    use std::io::Read;
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => SourceError::Missing(name.to_owned()),
        _ => SourceError::Unreadable(format!("`{}`: {error}", path.display())),
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_PIECE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

impl LogSource for Published {
    type Error = SourceError;

    fn checkpoint(&self) -> Result<String, SourceError> {
        if let Some(head) = self.head.get() {
            return Ok(head.clone());
        }
        let bytes = match &self.checkpoint {
            Some(path) => read_file(path, &path.display().to_string())?,
            None => self.piece(self.head_at)?,
        };
        let head = String::from_utf8(bytes)
            .map_err(|_| SourceError::Unreadable("the checkpoint is not text".to_owned()))?;
        Ok(self.head.get_or_init(|| head).clone())
    }

    fn tile(&self, tile: &TileId) -> Result<Vec<u8>, SourceError> {
        if tile.is_full() {
            return self.piece(&tile.path());
        }
        let full = TileId { width: TILE_WIDTH, ..*tile };
        let length = usize::from(tile.width) * HASH_BYTES;
        self.partial(&tile.path(), &full.path(), |bytes| (bytes.len() >= length).then_some(length))
    }

    fn entries(&self, bundle: &BundleId) -> Result<Vec<u8>, SourceError> {
        if bundle.is_full() {
            return self.piece(&bundle.path());
        }
        let full = BundleId { width: TILE_WIDTH, ..*bundle };
        self.partial(&bundle.path(), &full.path(), |bytes| length_of(bytes, bundle.width))
    }
}

/// Bytes of the first `count` entries of a bundle, each led by its length in two bytes.
fn length_of(bytes: &[u8], count: u16) -> Option<usize> {
    let mut at = 0_usize;
    for _ in 0..count {
        let length = bytes.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    (at <= bytes.len()).then_some(at)
}
