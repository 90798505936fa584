//! Verifying a published log: every entry, every tile, the root and its signature.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;

use serde_json::json;
use sluice_engine::envelope::Envelope;
use sluice_ledger::log::{EntryCheck, verify_continues};
use sluice_ledger::{
    Checkpoint, CosignedHead, LogProblem, LogReport, LogSource, LogVerifier, Progress, Receipt,
    VerifyingKey,
};

use super::source::{Published, SourceError, WITNESSED};
use super::{VerifyArgs, found, is_address, kept_head, key, witness};
use crate::client::Client;
use crate::commands::values;
use crate::exit;
use crate::failure::{Failure, Outcome, chain};
use crate::output;
use crate::settings::ServerArgs;

/// Verifies the log of a running server, and that its entries are what Sluice writes.
pub(super) fn server(arguments: &VerifyArgs, address: &str) -> Outcome {
    let client = client(arguments, address)?;
    let keys = key::given_or_fetched(&arguments.key, &client)?;
    let mut source = Published::server(client, "/log", arguments.checkpoint.as_deref());
    if arguments.witnesses.is_demanded() {
        source = source.witnessed();
    }
    verify(arguments, &source, &keys, Some(&is_ours))
}

/// Verifies a folder with the published log of a Sluice server.
pub(super) fn own_folder(arguments: &VerifyArgs, dir: &Path) -> Outcome {
    if arguments.key.is_empty() {
        return Err(Failure::usage("the key of the log is not known here", "give it with `--key`"));
    }
    let keys = key::given(&arguments.key)?;
    let source = Published::folder(dir, arguments.checkpoint.as_deref());
    verify(arguments, &source, &keys, Some(&is_ours))
}

/// Verifies any C2SP tlog-tiles log.
pub(super) fn log(arguments: &VerifyArgs, place: &str) -> Outcome {
    let keys = key::given(&arguments.key)?;
    let checkpoint = arguments.checkpoint.as_deref();
    let source = if is_address(place) {
        Published::server(client(arguments, place)?, "", checkpoint)
    } else {
        Published::folder(Path::new(place), checkpoint)
    };
    verify(arguments, &source, &keys, None)
}

fn client(arguments: &VerifyArgs, address: &str) -> Result<Client, Failure> {
    Client::new(&ServerArgs { server: address.to_owned(), token: arguments.token.clone() })
}

/// An entry of ours says its own index.
fn is_ours(index: u64, bytes: &[u8]) -> Result<(), String> {
    let envelope = Envelope::parse(bytes).map_err(|error| format!("it is no envelope: {error}"))?;
    if envelope.seq == index { Ok(()) } else { Err(format!("it says that it is {}", envelope.seq)) }
}

fn verify(
    arguments: &VerifyArgs,
    source: &Published,
    keys: &[VerifyingKey],
    check: Option<&EntryCheck<'_>>,
) -> Outcome {
    let cosigned = cosigned(arguments, source, keys)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut verifier = LogVerifier::new(keys).threads(threads);
    if let Some(check) = check {
        verifier = verifier.check_entries(check);
    }
    if let Some(path) = &arguments.checkpoint {
        kept_head(&path.display().to_string(), &values::read_text(path, 1 << 20)?, keys)?;
    }
    let mut progress = progress();
    let report = verifier.run(source, &mut *progress).map_err(|problem| failure(&problem))?;
    for older in &arguments.continues {
        let older = older_head(older, keys)?;
        verify_continues(source, &older, &report.checkpoint)
            .map_err(|problem| failure(&problem))?;
    }
    tell(&report, cosigned.as_ref(), arguments);
    Ok(exit::OK)
}

/// Who has cosigned the head, where somebody has to. It is read once: what was cosigned is what is verified.
fn cosigned(
    arguments: &VerifyArgs,
    source: &Published,
    keys: &[VerifyingKey],
) -> Result<Option<CosignedHead>, Failure> {
    let Some(quorum) = arguments.witnesses.quorum()? else { return Ok(None) };
    let published = source.checkpoint().map_err(|error| match error {
        SourceError::Missing(path) if path == WITNESSED => {
            found("the server has no head that its witnesses have cosigned")
                .with_code("not_witnessed")
        }
        error => Failure::new(error.to_string(), "check the address or folder, and try again"),
    })?;
    witness::demand(&quorum, &published, keys).map(Some)
}

/// A line on the terminal for logs that take their time.
fn progress() -> Box<dyn FnMut(Progress)> {
    if !std::io::stderr().is_terminal() {
        return Box::new(|_| {});
    }
    let mut told = 0;
    Box::new(move |progress| {
        if progress.entries_done >= told + 100_000 {
            told = progress.entries_done;
            output::note(&format!("{} of {} entries", progress.entries_done, progress.entries));
        }
    })
}

/// A signed head from a file: a checkpoint, or the one in a receipt.
fn older_head(path: &Path, keys: &[VerifyingKey]) -> Result<Checkpoint, Failure> {
    let text = values::read_text(path, 1 << 20)?;
    let note = match serde_json::from_str::<Receipt>(&text) {
        Ok(receipt) => receipt.checkpoint,
        Err(_) => text,
    };
    kept_head(&path.display().to_string(), &note, keys)
}

/// A problem of the log itself is tampering; a source that cannot be read has shown nothing yet.
fn failure(problem: &LogProblem) -> Failure {
    let message = chain(problem);
    let LogProblem::Read { what, source } = problem else { return found(message) };
    match source.downcast_ref::<SourceError>() {
        Some(SourceError::Missing(_)) if what != "checkpoint" => {
            found(format!("{message}, though the signed head says that it exists"))
        }
        _ => Failure::new(message, "check the address or folder, and try again"),
    }
}

fn tell(report: &LogReport, cosigned: Option<&CosignedHead>, arguments: &VerifyArgs) {
    let head = &report.checkpoint;
    if arguments.json {
        return output::json(&json!({
            "origin": head.origin,
            "size": head.size,
            "root": head.root.to_base64(),
            "entry_bytes": report.entry_bytes,
            "bundles": report.bundles,
            "tiles": report.tiles,
            "continues": arguments.continues.len(),
            "cosigned": cosigned.map(witness::told),
        }));
    }
    output::line(&format!(
        "{}  {} entries of `{}`, {} tiles, {} bytes: every hash, the root {} and its signature",
        output::good("verified"),
        head.size,
        output::clean(&head.origin),
        report.tiles,
        report.entry_bytes,
        head.root.to_base64()
    ));
    if let Some(cosigned) = cosigned {
        witness::tell(cosigned);
    }
}
