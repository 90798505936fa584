//! The published log, for whoever verifies: heads, tiles and bundles of entries.

use crate::log;
use crate::route::Access::Log;
use crate::route::Class::{Light, Read};
use crate::route::Route;

pub(super) fn log() -> Vec<Route> {
    vec![
        Route::get("/log/checkpoint", Log, Light, log::checkpoint)
            .about("The signed head, as C2SP checkpoint, with the cosignatures of witnesses that it has.")
            .answers(200, "text/plain; charset=utf-8"),
        Route::get("/log/witnessed", Log, Light, log::witnessed)
            .about("The newest signed head that so many witnesses have cosigned as are needed.")
            .answers(200, "text/plain; charset=utf-8"),
        Route::get("/log/tile/{*path}", Log, Read, log::tile)
            .about("A tile of hashes or a bundle of entries, as C2SP tlog-tiles.")
            .answers(200, "application/octet-stream"),
    ]
}
