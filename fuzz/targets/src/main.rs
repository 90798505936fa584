//! Writes the seeds of every target: `cargo run -p sluice-fuzz-targets -- fuzz/corpus`.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let corpus = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "fuzz/corpus".to_owned()));
    for (name, _) in sluice_fuzz_targets::TARGETS {
        let folder = corpus.join(name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in sluice_fuzz_targets::seeds(name).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
