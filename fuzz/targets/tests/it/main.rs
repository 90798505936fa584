//! Every target takes its seeds and damaged copies of them. A short fuzzing that needs no nightly compiler.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use sluice_fuzz_targets::{TARGETS, Target, seeds};

/// One thing done to an input.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

/// Bytes that mean something to most of the readers.
const SHARP: [&str; 12] =
    ["{", "}", "[", "\"", "\\u0000", "\n", ":", "null", "-1", "1e400", "\u{202e}", "\r\n "];

#[test]
fn every_target_has_seeds_and_takes_them() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
        target(b"");
    }
}

#[test]
fn every_target_has_a_program() {
    let fuzz = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let manifest = std::fs::read_to_string(format!("{fuzz}/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let program = std::fs::read_to_string(format!("{fuzz}/fuzz_targets/{name}.rs")).unwrap();
        assert!(program.contains(&format!("sluice_fuzz_targets::{name}(data)")), "{name}");
    }
}

#[test]
fn damaged_inputs_end_in_an_answer() {
    for (name, target) in TARGETS {
        // Policies are compiled and evaluated; the others are read.
        let cases = if name == "policy_text" { 4 } else { 32 };
        play(name, target, cases);
    }
}

fn play(name: &str, target: Target, cases: u32) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let inputs = (any::<Index>(), vec(damage(), 0..6));
    let seeds = seeds(name);
    let ended = TestRunner::new(config).run(&inputs, |(seed, damages)| {
        let mut bytes = seed.get(&seeds).clone();
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        target(&bytes);
        Ok(())
    });
    // What is printed holds the seed and the damages that are left after shrinking.
    assert!(ended.is_ok(), "{name}: {ended:?}");
}

fn damage() -> impl Strategy<Value = Damage> {
    let sharp =
        proptest::sample::select(SHARP.as_slice()).prop_map(|text| text.as_bytes().to_vec());
    let inserted = prop_oneof![sharp, vec(any::<u8>(), 1..40)];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<Index>(), inserted).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), 1_usize..64).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<Index>(), 1_usize..200).prop_map(|(at, times)| Damage::Repeat(at, times)),
        any::<Index>().prop_map(Damage::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: &Index| if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
    match damage {
        Damage::Set(at, byte) => {
            let at = place(at);
            if let Some(found) = bytes.get_mut(at) {
                *found = *byte;
            }
        }
        Damage::Insert(at, inserted) => {
            let at = place(at);
            bytes.splice(at..at, inserted.iter().copied());
        }
        Damage::Remove(at, length) => {
            let at = place(at);
            let end = bytes.len().min(at + length);
            bytes.drain(at..end);
        }
        Damage::Repeat(at, times) => {
            let at = place(at);
            let byte = bytes.get(at).copied().unwrap_or(b'[');
            bytes.splice(at..at, std::iter::repeat_n(byte, *times));
        }
        Damage::Cut(at) => {
            let at = place(at);
            bytes.truncate(at);
        }
    }
}
