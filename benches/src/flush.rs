//! The limit: how fast the disk flushes 512 bytes, one after the other.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::figures::Latencies;

/// Writes and flushes 512 bytes again and again for `time`.
pub fn measure(dir: &Path, time: Duration) -> std::io::Result<Latencies> {
    let path = dir.join("flush-probe");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    file.write_all(&[0; 4096])?;
    file.sync_all()?;
    let mut taken = Vec::new();
    let ends = Instant::now() + time;
    while Instant::now() < ends {
        let began = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[1; 512])?;
        file.sync_data()?;
        taken.push(began.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(Latencies::of(taken))
}
