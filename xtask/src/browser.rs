//! The pages in a headless Chromium: screenshots of every page, and what only a browser can tell.
//!
//! Node and Chromium come from the system (Debian packages `nodejs`, `npm`, `chromium`; `CHROMIUM` names another
//! program), the two packages in `xtask/browser/package.json` from their registry, at the versions pinned there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::root;

/// Writes screenshots of every page, light and dark, desktop and phone, into `target/screenshots`.
pub(crate) fn screenshots() -> ExitCode {
    run("shots.mjs", &[root().join("target/screenshots")])
}

/// Plays the journeys of each role and looks at every page with axe-core.
pub(crate) fn check() -> ExitCode {
    run("check.mjs", &[])
}

fn run(script: &str, arguments: &[PathBuf]) -> ExitCode {
    let folder = root().join("xtask/browser");
    if !folder.join("node_modules").exists() && !step(Command::new("npm").arg("ci"), &folder) {
        return ExitCode::FAILURE;
    }
    let mut build = Command::new(env!("CARGO"));
    if !step(build.args(["build", "-p", "sluice"]), root()) {
        return ExitCode::FAILURE;
    }
    let mut node = Command::new("node");
    node.arg(script).arg(program()).args(arguments);
    if step(&mut node, &folder) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where the program lies that was just built: beside this one.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().unwrap_or(Path::new(".")).join("sluice")
}

fn step(command: &mut Command, folder: &Path) -> bool {
    match command.current_dir(folder).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("`{}` cannot be run: {error}", command.get_program().display());
            false
        }
    }
}
