//! `seeds FOLDER` writes the seeds of every target, for cargo-fuzz. `play INPUTS [SEED] [TARGET...]` plays targets with their seeds and
//! damaged copies of them, and says what came of it.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sluice_fuzz_targets::{TARGETS, Target, play, seeds};

fn main() -> std::io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["seeds", folder] => write_seeds(Path::new(folder)).map(|()| ExitCode::SUCCESS),
        ["play", inputs, rest @ ..] if inputs.parse::<u64>().is_ok() => {
            let (chance, wanted) = match rest.split_first() {
                Some((first, targets)) if first.parse::<u64>().is_ok() => {
                    (first.parse().unwrap_or_default(), targets)
                }
                _ => (1, rest),
            };
            play_all(inputs.parse().unwrap_or_default(), chance, wanted)
        }
        _ => {
            println!("usage: sluice-fuzz-targets seeds FOLDER | play INPUTS [SEED] [TARGET...]");
            Ok(ExitCode::from(2))
        }
    }
}

fn write_seeds(corpus: &Path) -> std::io::Result<()> {
    for (name, _) in TARGETS {
        let folder = corpus.join(name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds(name).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}

fn play_all(inputs: u64, chance: u64, wanted: &[&str]) -> std::io::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    println!("{:<20} {:>10} {:>9} {:>10}", "target", "inputs", "seconds", "outcome");
    for (name, target) in TARGETS {
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        if !one(name, target, inputs, chance)? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Plays one target; an input on which it fails is kept in the working folder.
fn one(name: &str, target: Target, inputs: u64, chance: u64) -> std::io::Result<bool> {
    let began = Instant::now();
    let played = play(name, target, inputs, chance);
    let outcome = match &played.failed {
        None => "held".to_owned(),
        Some(input) => {
            let kept = format!("failed-{name}-{chance}");
            std::fs::write(&kept, input)?;
            format!("FAILED: {kept}")
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    println!("{name:<20} {:>10} {seconds:>9.1} {outcome:>10}", played.inputs);
    Ok(played.failed.is_none())
}
