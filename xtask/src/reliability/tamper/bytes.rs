//! Single bits of every file.

use std::fs;
use std::os::unix::fs::FileExt;

use anyhow::Result;

use super::{Lab, Original, make};
use crate::reliability::random::Random;

/// Small files, in which every byte is tried.
const SMALL: [&str; 5] =
    ["keys/log.key", "keys/pass.key", "keys/people.key", "keys/origin", "keys/made"];

pub(super) fn run(lab: &mut Lab<'_>, original: &Original) -> Result<()> {
    let (flips, short, seed) = (lab.options.flips, lab.options.short, lab.options.seed);
    let mut random = Random::of(seed);
    for name in SMALL {
        let step = if short { 9 } else { 1 };
        let Ok(found) = fs::metadata(original.dir.join(name)) else { continue };
        for at in (0..found.len()).step_by(step) {
            flip(lab, original, name, at, random.below(8))?;
        }
    }
    let length = fs::metadata(original.dir.join("anchor"))?.len();
    for at in spread(length, flips / 8) {
        flip(lab, original, "anchor", at, random.below(8))?;
    }
    let length = fs::metadata(original.dir.join("sluice.db"))?.len();
    for _ in 0..flips / 2 {
        flip(lab, original, "sluice.db", random.below(length), random.below(8))?;
    }
    // The same while a part of it is still in the log, as after a power cut.
    let killed = make(lab.options, &lab.work.with_extension("killed"), "killed", false)?;
    let length = fs::metadata(killed.dir.join("sluice.db-wal"))?.len();
    for _ in 0..flips / 4 {
        flip(lab, &killed, "sluice.db-wal", random.below(length), random.below(8))?;
    }
    let length = fs::metadata(killed.dir.join("sluice.db-shm"))?.len();
    for at in spread(length, flips / 16) {
        flip(lab, &killed, "sluice.db-shm", at, random.below(8))?;
    }
    Ok(())
}

fn spread(length: u64, count: usize) -> impl Iterator<Item = u64> {
    let step = (length / (count as u64).max(1)).max(1);
    (0..length).step_by(usize::try_from(step).unwrap_or(1))
}

fn flip(lab: &mut Lab<'_>, original: &Original, name: &str, at: u64, bit: u64) -> Result<()> {
    let kind = format!("a flipped bit in `{name}`");
    lab.try_it(&kind, &format!("bit {bit} of byte {at}"), original, |dir| {
        let file = fs::OpenOptions::new().read(true).write(true).open(dir.join(name))?;
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        byte[0] ^= 1 << bit;
        Ok(file.write_all_at(&byte, at)?)
    })
}
