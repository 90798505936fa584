//! `targets` lists the targets. `seeds FOLDER` writes the seeds of every target, for cargo-fuzz. `play INPUTS [SEED] [TARGET...]` plays
//! targets with their seeds and damaged copies of them, and says of each what came of it: name, inputs, seconds, outcome.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sluice_fuzz_targets::{TARGETS, Target, play, seeds};

fn main() -> std::io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["seeds", folder] => write_seeds(Path::new(folder)).map(|()| ExitCode::SUCCESS),
        ["targets"] => {
            TARGETS.iter().for_each(|(name, _)| println!("{name}"));
            Ok(ExitCode::SUCCESS)
        }
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
            println!(
                "usage: sluice-fuzz-targets targets | seeds FOLDER | play INPUTS [SEED] [TARGET...]"
            );
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
    if let Some(unknown) = wanted.iter().find(|wanted| TARGETS.iter().all(|it| it.0 != **wanted)) {
        println!("there is no target `{unknown}`; `targets` lists them");
        return Ok(ExitCode::from(2));
    }
    let mut code = ExitCode::SUCCESS;
    for (name, target) in TARGETS {
        let is_wanted = wanted.is_empty() || wanted.contains(&name);
        if is_wanted && !one(name, target, inputs, chance)? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Plays one target. The input that is played is kept in the working folder, so that it is there whatever ends the
/// process; it stays there when the target failed on it.
fn one(name: &str, target: Target, inputs: u64, chance: u64) -> std::io::Result<bool> {
    let began = Instant::now();
    let kept = format!("failed-{name}-{chance}");
    let mut file = File::create(&kept)?;
    let mut keep = |input: &[u8]| -> std::io::Result<()> {
        file.rewind()?;
        file.write_all(input)?;
        file.set_len(input.len() as u64)
    };
    let mut unkept = None;
    let played = play(name, target, inputs, chance, |input| {
        if let Err(error) = keep(input) {
            unkept = Some(error);
        }
    });
    if let Some(error) = unkept {
        return Err(error);
    }
    let outcome = match &played.failed {
        None => {
            std::fs::remove_file(&kept)?;
            "held".to_owned()
        }
        Some(_) => format!("FAILED: {kept}"),
    };
    let seconds = began.elapsed().as_secs_f64();
    println!("{name:<20} {:>10} {seconds:>9.1} {outcome:>10}", played.inputs);
    Ok(played.failed.is_none())
}
