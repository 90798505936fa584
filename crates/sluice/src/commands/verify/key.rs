//! The public keys that a log is checked with.

use std::path::Path;
use std::str::FromStr;

use serde_json::Value;
use sluice_ledger::note::KeyError;
use sluice_ledger::{SigningKey, VerifyingKey};

use crate::client::Client;
use crate::commands::values;
use crate::exit;
use crate::failure::Failure;
use crate::output;

/// The keys that were given.
pub(super) fn given(keys: &[String]) -> Result<Vec<VerifyingKey>, Failure> {
    keys.iter().map(|key| of_log(key)).collect()
}

fn of_log(given: &str) -> Result<VerifyingKey, Failure> {
    read(given, "log", "as the server prints it at its start")
}

/// A public key, or a file with one: whose it is, and where people find it.
pub(super) fn read<K: FromStr<Err = KeyError>>(
    given: &str,
    whose: &str,
    from: &str,
) -> Result<K, Failure> {
    let text = if Path::new(given).is_file() {
        values::read_text(Path::new(given), 1 << 16)?
    } else {
        given.to_owned()
    };
    text.trim().parse().map_err(|error| {
        Failure::usage(
            format!("this is no public key of a {whose}: {error}"),
            format!("give it as `name+id+base64`, {from}, or a file with it"),
        )
    })
}

/// The keys that were given, or the one that the server itself names, with a warning.
pub(super) fn given_or_fetched(
    keys: &[String],
    client: &Client,
) -> Result<Vec<VerifyingKey>, Failure> {
    if !keys.is_empty() {
        return given(keys);
    }
    let answer = client.get("/api/v1/keys")?;
    let text = ["/log_key", "/log/vkey", "/log"]
        .iter()
        .find_map(|pointer| answer.pointer(pointer).and_then(Value::as_str));
    let Some(text) = text else {
        return Err(Failure::new(
            format!("`{}` names no key of its log", client.base()),
            "give the key with `--key`",
        )
        .with_exit(exit::FAILED));
    };
    warn("the server itself names", text);
    Ok(vec![of_log(text)?])
}

/// The keys that were given, or the public half of the one in the folder, with a warning.
pub(super) fn given_or_of_folder(
    keys: &[String],
    dir: &Path,
) -> Result<Vec<VerifyingKey>, Failure> {
    if !keys.is_empty() {
        return given(keys);
    }
    let folder = dir.join("keys");
    let origin = values::read_text(&folder.join("origin"), 1 << 10)?;
    let seed = values::read_text(&folder.join("log.key"), 1 << 10)?;
    let unusable = || {
        Failure::new(
            format!("the key in `{}` cannot be used", folder.display()),
            "give the public key with `--key`",
        )
    };
    let seed = data_encoding::BASE64.decode(seed.trim().as_bytes()).map_err(|_| unusable())?;
    let seed = <[u8; 32]>::try_from(seed).map_err(|_| unusable())?;
    let key = SigningKey::from_seed(origin.trim(), &seed).map_err(|_| unusable())?;
    let key = key.verifying_key();
    warn("lies in the folder", &key.to_string());
    Ok(vec![key])
}

fn warn(whence: &str, key: &str) {
    output::note(&format!(
        "{}: checking with the key that {whence}, {}; a key kept elsewhere, given with `--key`, \
         proves more",
        output::attention("warning"),
        output::clean(key)
    ));
}
