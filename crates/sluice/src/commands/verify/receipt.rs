//! Verifying a receipt: that an entry is in the log whose head was signed.

use std::path::Path;

use serde_json::json;
use sluice_ledger::{Receipt, leaf_hash};

use super::{VerifyArgs, found, key, witness};
use crate::commands::values;
use crate::exit;
use crate::failure::{Failure, Outcome, chain};
use crate::output;

/// The most bytes of an entry in a log.
const MAX_ENTRY_BYTES: u64 = 65_535;

/// Verifies a receipt offline.
pub(super) fn run(arguments: &VerifyArgs, file: &Path) -> Outcome {
    let keys = key::given(&arguments.key)?;
    let entry = match &arguments.entry {
        Some(path) => Some(values::read_file(path, MAX_ENTRY_BYTES)?),
        None => None,
    };
    let receipt = read(file, entry.as_deref())?;
    let head = receipt
        .verify(entry.as_deref(), &keys)
        .map_err(|error| found(format!("the receipt does not hold: {}", chain(&error))))?;
    let quorum = arguments.witnesses.quorum()?;
    let cosigned = quorum.map(|quorum| witness::demand(&quorum, &receipt.checkpoint, &keys));
    let cosigned = cosigned.transpose()?;
    if arguments.json {
        output::json(&json!({
            "origin": head.origin,
            "size": head.size,
            "root": head.root.to_base64(),
            "index": receipt.index,
            "leaf_hash": receipt.leaf_hash.to_base64(),
            "entry_checked": entry.is_some(),
            "cosigned": cosigned.as_ref().map(witness::told),
        }));
        return Ok(exit::OK);
    }
    output::line(&format!(
        "{}  entry {} is in the log `{}` of {} entries",
        output::good("verified"),
        receipt.index,
        output::clean(&head.origin),
        head.size
    ));
    if let Some(cosigned) = &cosigned {
        witness::tell(cosigned);
    }
    if entry.is_none() {
        output::note("what the entry says was not checked: give its bytes with `--entry`");
    }
    Ok(exit::OK)
}

/// Reads either form. The file form has no leaf hash: it is the entry's.
fn read(file: &Path, entry: Option<&[u8]>) -> Result<Receipt, Failure> {
    let text = values::read_text(file, 1 << 20)?;
    let unreadable = |why: String| {
        Failure::new(
            format!("`{}` is not a receipt: {why}", file.display()),
            "give what `sluice gate --receipt-out` or `sluice log prove --out` wrote",
        )
    };
    if !text.starts_with("c2sp.org/tlog-proof@") {
        return serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()));
    }
    let Some(entry) = entry else {
        return Err(Failure::usage(
            "a `.tlog-proof` file says nothing without its entry",
            "give the entry's bytes with `--entry`",
        ));
    };
    Receipt::from_tlog_proof(&text, leaf_hash(entry)).map_err(|error| unreadable(chain(&error)))
}
