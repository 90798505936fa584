//! Verifying the folder of a stopped server.

use std::path::Path;

use serde_json::json;
use sluice_engine::fsck::{FsckReport, describe, fsck};
use sluice_store::{Problem, VerifyReport, verify_dir};

use super::{VerifyArgs, found, key};
use crate::exit;
use crate::failure::{Failure, Outcome, chain};
use crate::output;

/// The most differences that are named.
const SHOWN: usize = 20;

/// Verifies everything in the folder, changing nothing.
pub(super) fn run(arguments: &VerifyArgs, dir: &Path) -> Outcome {
    let anchor = arguments.anchor.as_deref();
    let report = folder(dir, anchor, &arguments.key)?;
    views(dir)?;
    if arguments.json {
        output::json(&json!({
            "origin": report.origin,
            "size": report.size,
            "root": report.root.to_base64(),
            "anchored_size": report.anchored_size,
            "tiles": report.tiles,
            "streams": report.streams,
            "blobs": report.blobs,
            "rows": report.rows,
        }));
        return Ok(exit::OK);
    }
    output::line(&format!(
        "{}  {} entries of `{}`, anchored up to {}; {} tiles, {} streams, {} rows, {} blobs; root {}",
        output::good("verified"),
        report.size,
        output::clean(&report.origin),
        report.anchored_size,
        report.tiles,
        report.streams,
        report.rows,
        report.blobs,
        report.root.to_base64()
    ));
    Ok(exit::OK)
}

/// Verifies a folder with the keys that were given, or the one in it.
pub(crate) fn folder(
    dir: &Path,
    anchor: Option<&Path>,
    keys: &[String],
) -> Result<VerifyReport, Failure> {
    if !dir.is_dir() {
        return Err(Failure::new(
            format!("`{}` is not a folder", dir.display()),
            "give the folder that `sluice serve --data` was started with",
        ));
    }
    if let Some(path) = anchor.filter(|path| !path.is_file()) {
        return Err(Failure::new(
            format!("there is no anchor `{}`", path.display()),
            "give the path that `sluice serve --anchor` was started with",
        ));
    }
    let keys = key::given_or_of_folder(keys, dir)?;
    let [key] = keys.as_slice() else {
        return Err(Failure::usage("a folder has one key", "give `--key` once"));
    };
    verify_dir(dir, anchor, key, &describe).map_err(|problem| failure(&problem))
}

/// Rebuilds every view from the entries, which were verified before, and compares.
pub(crate) fn views(dir: &Path) -> Result<FsckReport, Failure> {
    let report =
        fsck(dir).map_err(|message| found(format!("the views cannot be rebuilt: {message}")))?;
    let count = report.differences.len() + report.missing.len();
    if count == 0 {
        return Ok(report);
    }
    let told = report.differences.iter().map(ToString::to_string);
    let told = told.chain(report.missing.iter().cloned());
    let shown: Vec<String> = told.take(SHOWN).map(|one| format!("\n  {one}")).collect();
    Err(Failure::new(
        format!("{count} row(s) are not what the entries say:{}", shown.concat()),
        "keep a copy of the folder as it is, then restore a backup; the entries themselves are sound",
    )
    .with_exit(exit::TAMPERED)
    .with_code("views_differ"))
}

/// A folder in use or out of reach has shown nothing yet; all else is tampering or damage.
fn failure(problem: &Problem) -> Failure {
    match problem {
        Problem::Running(_) => {
            Failure::new(chain(problem), "stop the server, or use `sluice verify --server URL`")
        }
        Problem::Io { .. } => Failure::new(chain(problem), "check the path and its permissions"),
        _ => found(chain(problem)),
    }
}
