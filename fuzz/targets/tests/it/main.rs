//! Every target takes its seeds and damaged copies of them. A short fuzzing that needs no nightly compiler.

use sluice_fuzz_targets::{TARGETS, play, seeds};

/// Another one makes other inputs.
const SEED: u64 = 7;

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
        let damaged = if name == "policy_text" { 4 } else { 32 };
        let inputs = seeds(name).len() as u64 + damaged;
        let played = play(name, target, inputs, SEED, |_| ());
        let input = played.failed.as_ref().map(|input| String::from_utf8_lossy(input));
        assert!(input.is_none(), "{name}, seed {SEED}, input {}: {input:?}", played.inputs);
        assert_eq!(played.inputs, inputs);
    }
}

#[test]
fn a_target_that_fails_gives_the_input_back_and_the_same_seed_finds_it_again() {
    fn fails(data: &[u8]) {
        assert!(!data.starts_with(b"{") || data.len() < 700, "too long for it");
    }
    let mut last = Vec::new();
    let played = play("schedule", fails, 20_000, SEED, |input| last = input.to_vec());
    let failed = played.failed.expect("it fails on something");
    assert!(failed.len() >= 700);
    assert_eq!(failed, last, "it was shown before it was played");
    let again = play("schedule", fails, 20_000, SEED, |_| ());
    assert_eq!((again.failed, again.inputs), (Some(failed), played.inputs));
}

/// Fuzzing has a lock file of its own, which no build of this workspace renews.
#[test]
fn the_lock_of_fuzzing_knows_what_its_crates_use() {
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| std::fs::read_to_string(format!("{top}/{path}")).unwrap();
    let lock = read("fuzz/Cargo.lock");
    let mut looked = 0;
    for package in lock.split("[[package]]\n").filter(|it| it.starts_with("name = \"sluice-")) {
        let name = package.split('"').nth(1).unwrap();
        let manifest = match name.strip_prefix("sluice-").unwrap() {
            "fuzz" => "fuzz/Cargo.toml".to_owned(),
            "fuzz-targets" => "fuzz/targets/Cargo.toml".to_owned(),
            other => format!("crates/{other}/Cargo.toml"),
        };
        let manifest = read(&manifest);
        let (_, used) = manifest.split_once("\n[dependencies]\n").unwrap();
        let used = used.split("\n[").next().unwrap();
        let names = used.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for used in names.filter(|name| !name.is_empty() && !name.starts_with('#')) {
            let is_known = package.contains(&format!("\n \"{used}\""))
                || package.contains(&format!("\n \"{used} "));
            assert!(is_known, "`{name}` uses `{used}`: run `cargo metadata` in fuzz/");
        }
        looked += 1;
    }
    assert!(looked >= 11, "{looked}");
}
