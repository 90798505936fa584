//! Logs in at a real provider of identities on this machine: `oidc-provider` from npm, which is certified.
//!
//! Skipped, and said so, where Node, npm or the package is not at hand.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// The version that is tried.
const PACKAGE: &str = "oidc-provider@9.5.2";

/// Runs the check.
pub(crate) fn run(root: &Path) -> ExitCode {
    if !is_there("node") || !is_there("npm") {
        return skipped("Node and npm are not installed");
    }
    let Ok(folder) = tempfile::tempdir() else { return skipped("there is no temporary folder") };
    let program = root.join("xtask/oidc/check.mjs");
    if std::fs::copy(program, folder.path().join("check.mjs")).is_err() {
        return skipped("the program of the check cannot be copied");
    }
    let mut install = Command::new("npm");
    install.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]);
    install.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    if !install.status().is_ok_and(|status| status.success()) {
        return skipped("the package cannot be installed");
    }
    let Some(sluice) = built(root) else { return ExitCode::FAILURE };
    let mut check = Command::new("node");
    check.arg("check.mjs").arg(sluice).arg(folder.path()).current_dir(folder.path());
    match check.status() {
        Ok(status) if status.success() => {
            println!("{PACKAGE}: passed");
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

/// The program, built as it stands.
pub(crate) fn built(root: &Path) -> Option<std::path::PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "-q", "-p", "sluice"]).current_dir(root);
    build.status().ok().filter(std::process::ExitStatus::success)?;
    let own = std::env::current_exe().ok()?;
    Some(own.parent()?.join("sluice"))
}

pub(crate) fn is_there(program: &str) -> bool {
    let mut asked = Command::new(program);
    asked.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

pub(crate) fn skipped(why: &str) -> ExitCode {
    println!("SKIPPED: {why}");
    ExitCode::SUCCESS
}
