//! The published log: checkpoint, tiles and bundles of entries, for any C2SP client
//! (tlog-tiles).

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sluice_engine::ledger::tile::TilePath;

use crate::api::no_such;
use crate::app::App;
use crate::problem::Problem;

/// The signed head. It changes with every entry, so it is kept for a moment only.
pub(crate) async fn checkpoint(State(app): State<App>) -> impl IntoResponse {
    let note = app.engine.lists().checkpoint_note().to_string();
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=1, must-revalidate"),
    ];
    (headers, note)
}

/// A tile or bundle. Its name says how much it holds, so what has a name never changes.
pub(crate) async fn tile(
    State(app): State<App>,
    Path(rest): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let path = TilePath::parse(&format!("tile/{rest}")).map_err(|_| no_such("such tile"))?;
    let bytes = app.read(move |readers| match path {
        TilePath::Hashes(tile) => readers.tile(tile),
        TilePath::Entries(bundle) => readers.entry_bundle(bundle),
    });
    let bytes = bytes.await?.ok_or_else(|| no_such("such tile yet"))?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, bytes))
}
