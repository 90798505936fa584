//! The published log: checkpoint, tiles and bundles of entries, for any C2SP client
//! (tlog-tiles).

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sluice_engine::ledger::tile::TilePath;

use crate::api::no_such;
use crate::app::App;
use crate::problem::Problem;
use crate::status;

/// The signed head, with the cosignatures that it has by now. Where the configuration wants it so, the newest head that is
/// witnessed and nothing else.
pub(crate) async fn checkpoint(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    app.engine.published_checkpoint().map(note).ok_or_else(|| unwitnessed(&app))
}

/// The newest head that so many witnesses have cosigned as are needed.
pub(crate) async fn witnessed(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let witnessed = app.engine.witnessed_checkpoint();
    witnessed.map(|head| note(head.to_string())).ok_or_else(|| unwitnessed(&app))
}

/// It changes with every entry, so it is kept for a moment only.
fn note(text: String) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=1, must-revalidate"),
    ];
    (headers, text)
}

/// There is no witnessed head, and why.
pub(crate) fn unwitnessed(app: &App) -> Problem {
    let Some(card) = app.engine.witnessing() else {
        return Problem::of(&status::NOT_WITNESSED, "no witness is configured");
    };
    let message =
        format!("{} witness(es) have to cosign a head, and none has so many yet", card.quorum);
    Problem::of(&status::NOT_WITNESSED, message)
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
