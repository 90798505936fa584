//! Style sheet, script and picture: part of the program, at addresses that name their content, so
//! that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::status;

/// One file.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const STYLE: Asset = Asset {
    name: "sluice.css",
    media_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../assets/sluice.css"),
};
const SCRIPT: Asset = Asset {
    name: "sluice.js",
    media_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../assets/sluice.js"),
};
const PROOF: Asset = Asset {
    name: "proof.js",
    media_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../assets/proof.js"),
};
const PICTURE: Asset = Asset {
    name: "sluice.svg",
    media_type: "image/svg+xml",
    bytes: include_bytes!("../../assets/sluice.svg"),
};

/// Where each file is.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) proof: String,
    pub(crate) picture: String,
}

/// The addresses of the files of this program.
pub(crate) fn addresses() -> &'static Addresses {
    static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| Addresses {
        style: address(&STYLE),
        script: address(&SCRIPT),
        proof: address(&PROOF),
        picture: address(&PICTURE),
    });
    &ADDRESSES
}

fn address(asset: &Asset) -> String {
    format!("/assets/{}/{}", mark(asset), asset.name)
}

/// The first digits of the content's hash.
fn mark(asset: &Asset) -> String {
    Sha256::digest(asset.bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Gives a file; under a mark that is not its own there is none.
pub(crate) async fn show(Path((wanted, name)): Path<(String, String)>) -> Response {
    let found = [&STYLE, &SCRIPT, &PROOF, &PICTURE]
        .into_iter()
        .find(|asset| asset.name == name && mark(asset) == wanted);
    let Some(asset) = found else {
        return Problem::of(&status::NOT_FOUND, "").into_response();
    };
    let headers =
        [(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.bytes).into_response()
}
