//! Checks by programs from PyPI, each of a pinned version, against the program as it is built.
//!
//! Skipped, and said so, where Python or the packages are not at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::oidc::{built, is_there, skipped};

const SCIM: [&str; 3] = ["scim2-cli==0.6.0", "scim2-tester==0.5.2", "scim2-client==0.13.2"];
const SCHEMATHESIS: [&str; 1] = ["schemathesis==4.32.5"];

/// Checks that SCIM is spoken as `scim2-tester` understands it.
pub(crate) fn scim(root: &Path) -> ExitCode {
    run(root, &SCIM, "scim.py", &[])
}

/// Plays everything that `schemathesis` makes of the API's description; a number after it is how many examples of each.
pub(crate) fn schemathesis(root: &Path) -> ExitCode {
    let examples = std::env::args().nth(2);
    run(root, &SCHEMATHESIS, "schemathesis_run.py", examples.as_slice())
}

fn run(root: &Path, packages: &[&str], program: &str, arguments: &[String]) -> ExitCode {
    if !is_there("python3") {
        return skipped("Python is not installed");
    }
    let Ok(folder) = tempfile::tempdir() else { return skipped("there is no temporary folder") };
    let Some(python) = installed(folder.path(), packages) else {
        return skipped("the packages cannot be installed");
    };
    let Some(sluice) = built(root) else { return ExitCode::FAILURE };
    let mut check = Command::new(python);
    check.arg(root.join("xtask/python").join(program)).arg(sluice).arg(folder.path());
    check.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    match check.status() {
        Ok(status) if status.success() => {
            println!("{}: passed", packages.join(" "));
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

/// The interpreter of an environment of its own that has the packages.
fn installed(folder: &Path, packages: &[&str]) -> Option<PathBuf> {
    let place = folder.join("python");
    let quiet = |command: &mut Command| {
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let mut make = Command::new("python3");
    if !quiet(make.args(["-m", "venv"]).arg(&place)) {
        return None;
    }
    let python = place.join("bin/python");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "-q"]).args(packages);
    quiet(&mut install).then_some(python)
}
