//! iCalendar files, from text to occurrences.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests panic and say what they skip")]

mod events;
mod hostile;
mod shared_files;
