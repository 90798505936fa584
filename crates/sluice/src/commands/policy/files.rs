//! Reading Rego files and data from the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice_policy::limits::{MAX_DATA_BYTES, MAX_MODULES, MAX_SOURCE_BYTES};

use crate::commands::values;
use crate::failure::Failure;

/// Modules of these paths: files as they are, folders with every file below that ends in one of `ends`.
pub(super) fn modules(
    paths: &[PathBuf],
    ends: &[&str],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut modules = BTreeMap::new();
    for path in paths {
        collect(path, ends, 0, &mut modules)?;
    }
    if modules.is_empty() && !paths.is_empty() {
        return Err(Failure::usage(
            "there is no policy file in what was given",
            format!("give files, or folders with files that end in {}", ends.join(", ")),
        ));
    }
    Ok(modules)
}

fn collect(
    path: &Path,
    ends: &[&str],
    depth: usize,
    modules: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    if !path.is_dir() {
        // One byte more than allowed is read on, so that the limit is named as a problem.
        let text = values::read_text(path, MAX_SOURCE_BYTES as u64 + 1)?;
        let is_rego = path.extension().is_some_and(|end| end == "rego");
        // A folder holds YAML of other kinds too; a file that was named is what it was named for.
        if is_rego || depth == 0 || text.lines().any(|line| line.starts_with("guardrails:")) {
            modules.insert(path.display().to_string(), text);
        }
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::file("read the folder", path, &error);
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type().map_err(failed)?;
        let named = entry.path().extension().is_some_and(|end| ends.iter().any(|one| end == *one));
        let wanted = (kind.is_dir() && depth < 16) || (kind.is_file() && named);
        if wanted && !hidden && modules.len() <= MAX_MODULES {
            collect(&entry.path(), ends, depth + 1, modules)?;
        }
    }
    Ok(())
}

/// A JSON document from a file; `-` is stdin.
pub(super) fn document(path: &Path) -> Result<Value, Failure> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::file("read", path, &error))?
    } else {
        values::read_text(path, 16 * MAX_DATA_BYTES as u64)?
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("`{}` is not JSON: {error}", path.display()), "correct the file")
    })
}

/// Several documents as one: members side by side; the later one wins.
pub(super) fn data(paths: &[PathBuf]) -> Result<Value, Failure> {
    let mut joined = Value::Null;
    for path in paths {
        merge(&mut joined, document(path)?);
    }
    Ok(joined)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
