//! Reliability of the built program: what is killed, failed, filled up and tampered with here is the real binary
//! on a real folder, and what is compared is what it acknowledged with what it still has afterwards.
//!
//! `reliability --short` is the set for every change; each program alone, with larger numbers, is for a release.

mod check;
mod crashlab;
mod diskfull;
mod door;
mod http;
mod kills;
mod random;
mod report;
mod server;
mod tamper;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use self::report::Report;

/// What the commands take.
pub(crate) const USAGE: &str = "\
  crashlab     --binary PATH [--points N]   kill -9, EIO and ENOSPC at chosen system calls
  kills        --binary PATH [--rounds N]   kill -9 at random moments under load
  tamper       --binary PATH [--flips N] [--doc FILE]   change stored data in every way, and see who notices
  diskfull     --binary PATH                a disk that is full, and then is not
  door         --binary PATH                huge and malformed requests
  reliability  --binary PATH [--short]      all of them
  all take --seed N and --keep (leaves the folders)";

/// The commands, by name.
const COMMANDS: [&str; 6] = ["crashlab", "kills", "tamper", "diskfull", "door", "reliability"];

/// The command of that name.
pub(crate) fn command(name: &str) -> Option<&'static str> {
    COMMANDS.into_iter().find(|known| *known == name)
}

/// What was asked for.
pub(crate) struct Options {
    binary: PathBuf,
    points: usize,
    rounds: usize,
    flips: usize,
    seed: u64,
    keep: bool,
    short: bool,
    doc: Option<PathBuf>,
}

/// Plays one command; the exit code is 0 only if all held.
pub(crate) fn run(command: &str, arguments: &[String]) -> ExitCode {
    let played = Options::read(arguments).and_then(|options| play(command, &options));
    match played {
        Ok(report) => report.end(),
        Err(error) => {
            eprintln!("{command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn play(command: &str, options: &Options) -> Result<Report> {
    let mut report = Report::new(options.seed);
    let commands: Vec<&str> = match command {
        "reliability" => vec!["crashlab", "kills", "tamper", "diskfull", "door"],
        one => vec![one],
    };
    for command in commands {
        report.begin(command);
        match command {
            "crashlab" => crashlab::run(options, &mut report),
            "kills" => kills::run(options, &mut report),
            "tamper" => tamper::run(options, &mut report),
            "diskfull" => diskfull::run(options, &mut report),
            "door" => door::run(options, &mut report),
            other => bail!("there is no `{other}`"),
        }
        .with_context(|| format!("`{command}` cannot be played"))?;
    }
    Ok(report)
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let short = arguments.iter().any(|word| word == "--short");
        let mut options = Self {
            binary: PathBuf::new(),
            points: if short { 12 } else { 150 },
            rounds: if short { 10 } else { 200 },
            flips: if short { 40 } else { 2_000 },
            seed: 1,
            keep: false,
            short,
            doc: None,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "--binary" => options.binary = PathBuf::from(value()?),
                "--points" => options.points = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse()?,
                "--flips" => options.flips = value()?.parse()?,
                "--seed" => options.seed = value()?.parse()?,
                "--doc" => options.doc = Some(PathBuf::from(value()?)),
                "--keep" => options.keep = true,
                "--short" => {}
                other => bail!("`{other}` is not known\n{USAGE}"),
            }
        }
        options.binary = std::path::absolute(&options.binary)?;
        if !options.binary.is_file() {
            bail!("`--binary` names no program; build it with `cargo build --release`");
        }
        Ok(options)
    }

    /// A folder to work in, removed when dropped unless it is to be kept.
    fn folder(&self) -> Result<tempfile::TempDir> {
        let mut dir = tempfile::tempdir()?;
        if self.keep {
            dir.disable_cleanup(true);
            println!("  kept: {}", dir.path().display());
        }
        Ok(dir)
    }
}
