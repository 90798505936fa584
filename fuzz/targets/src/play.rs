//! Playing a target without a fuzzer: its seeds, and copies of them that were damaged by chance.
//!
//! It finds less than a fuzzer that watches which code runs, and needs neither its compiler nor its flags. The same seed
//! gives the same inputs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sluice_testkit::SeededRng;

use crate::{Target, seeds};

/// The longest input that is made.
const MOST: usize = 64 * 1024;
/// The most things done to one input.
const DAMAGES: u64 = 8;
/// Texts that mean something to most of the readers.
const SHARP: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\u0000",
    "\n",
    ":",
    ",",
    "null",
    "-1",
    "1e400",
    "\u{202e}",
    "\r\n ",
    "18446744073709551616",
    "\0",
    "..",
    "/",
    "@",
    "%00",
    "&a *a",
    "\t",
    "- ",
    "$(",
];

/// What came of it.
#[derive(Debug)]
pub struct Played {
    /// How many inputs were taken.
    pub inputs: u64,
    /// The input on which the target failed.
    pub failed: Option<Vec<u8>>,
}

/// Plays a target with so many inputs, as a seed of chance has them. Each is shown before it is played: what ends the
/// process ends this too.
pub fn play(
    name: &str,
    target: Target,
    inputs: u64,
    chance: u64,
    mut shown: impl FnMut(&[u8]),
) -> Played {
    let seeds = seeds(name);
    let chance = Chance(SeededRng::new(chance));
    for number in 0..inputs {
        let mut input = usize::try_from(number)
            .ok()
            .and_then(|number| seeds.get(number).cloned())
            .unwrap_or_else(|| made(&seeds, &chance));
        input.truncate(MOST);
        shown(&input);
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            return Played { inputs: number + 1, failed: Some(input) };
        }
    }
    Played { inputs, failed: None }
}

fn made(seeds: &[Vec<u8>], chance: &Chance) -> Vec<u8> {
    let mut input = chance.one_of(seeds).cloned().unwrap_or_default();
    for _ in 0..=chance.below(DAMAGES) {
        damage(&mut input, seeds, chance);
    }
    input
}

fn damage(input: &mut Vec<u8>, seeds: &[Vec<u8>], chance: &Chance) {
    let at = chance.place(input.len());
    match chance.below(8) {
        0 => set(input, at, chance.byte()),
        1 => {
            let bit = 1 << chance.below(8);
            let byte = input.get(at).copied().unwrap_or_default();
            set(input, at, byte ^ bit);
        }
        2 => insert(input, at, chance.one_of(&SHARP).copied().unwrap_or_default().as_bytes()),
        3 => {
            let bytes: Vec<u8> = (0..=chance.below(16)).map(|_| chance.byte()).collect();
            insert(input, at, &bytes);
        }
        4 => {
            let end = input.len().min(at + 1 + chance.place(64));
            input.drain(at.min(end)..end);
        }
        5 => {
            let end = input.len().min(at + 1 + chance.place(32));
            let piece = input.get(at..end).unwrap_or_default().repeat(1 + chance.place(40));
            insert(input, at, &piece);
        }
        6 => input.truncate(at),
        _ => {
            // A piece of another seed: what belongs to one place comes to another.
            let other = chance.one_of(seeds).cloned().unwrap_or_default();
            let from = chance.place(other.len());
            let end = other.len().min(from + 1 + chance.place(200));
            insert(input, at, other.get(from..end).unwrap_or_default());
        }
    }
}

fn set(input: &mut [u8], at: usize, byte: u8) {
    if let Some(place) = input.get_mut(at) {
        *place = byte;
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if input.len() + bytes.len() <= MOST {
        input.splice(at..at, bytes.iter().copied());
    }
}

/// Chance by a seed.
struct Chance(SeededRng);

impl Chance {
    fn below(&self, most: u64) -> u64 {
        self.0.number() % most.max(1)
    }

    fn place(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    fn byte(&self) -> u8 {
        self.0.number().to_le_bytes()[0]
    }

    fn one_of<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        let at = self.place(all.len());
        all.get(at)
    }
}
