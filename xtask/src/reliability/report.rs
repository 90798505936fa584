//! What was found, told as it is found, and the verdict at the end.

use std::process::ExitCode;
use std::time::Instant;

/// Findings of a run.
pub(crate) struct Report {
    seed: u64,
    began: Instant,
    faults: Vec<String>,
    skipped: Vec<String>,
}

impl Report {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, began: Instant::now(), faults: Vec::new(), skipped: Vec::new() }
    }

    pub(crate) fn begin(&self, what: &str) {
        println!("\n== {what} (seed {}, at {} s)", self.seed, self.began.elapsed().as_secs());
    }

    /// A figure or a fact.
    pub(crate) fn says(&self, text: impl AsRef<str>) {
        println!("  {}", text.as_ref());
    }

    /// Something that must not be.
    pub(crate) fn fault(&mut self, text: impl Into<String>) {
        let text = text.into();
        println!("  FAULT: {text}");
        self.faults.push(text);
    }

    /// Something that could not be tried here.
    pub(crate) fn skip(&mut self, text: impl Into<String>) {
        let text = text.into();
        println!("  SKIPPED: {text}");
        self.skipped.push(text);
    }

    pub(crate) fn faults(&self) -> usize {
        self.faults.len()
    }

    pub(crate) fn end(self) -> ExitCode {
        println!(
            "\n{} fault(s), {} skipped, {} s",
            self.faults.len(),
            self.skipped.len(),
            self.began.elapsed().as_secs()
        );
        if self.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
