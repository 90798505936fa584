//! The limits that every policy lives under. None can be switched off.

use std::time::Duration;

/// Longest source text of one module, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// Most modules in one bundle.
pub const MAX_MODULES: usize = 200;
/// Largest data document of a bundle, in bytes of JSON.
pub const MAX_DATA_BYTES: usize = 1024 * 1024;
/// Deepest nesting of brackets and braces in a source text.
///
/// The parser tries several readings of an opening bracket, so its work grows exponentially with their depth.
pub const MAX_NESTING: usize = 12;
/// Deepest nesting of a value that comes in or goes out.
pub const MAX_VALUE_DEPTH: usize = 128;
/// Most nodes of a value that goes out; shared parts count each time.
pub const MAX_VALUE_NODES: usize = 200_000;
/// Longest text that one builtin call may yield, in bytes.
pub const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
/// Most bits of a whole number that one builtin call reads or writes: the work of it grows with their square.
pub const MAX_NUMBER_BITS: u64 = 128 * 1024;
/// Most digits of such a number.
pub const MAX_NUMBER_DIGITS: usize = 39_000;
/// Most elements that one builtin call may make out of nothing.
pub const MAX_RANGE: u64 = 100_000;

/// What one evaluation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time.
    pub wall: Duration,
    /// Instructions of the machine.
    pub steps: usize,
    /// Bytes asked from the allocator over the whole evaluation.
    pub memory_bytes: u64,
}

impl Limits {
    /// The limits of a gate question (TRUST.md 5.13).
    pub const GATE: Limits =
        Limits { wall: Duration::from_millis(50), steps: 100_000, memory_bytes: 16 * 1024 * 1024 };
    /// The limits of a person at the command line, and of policy tests.
    pub const DESK: Limits =
        Limits { wall: Duration::from_secs(5), steps: 10_000_000, memory_bytes: 256 * 1024 * 1024 };
    /// The limits of parsing and compiling a bundle.
    pub const COMPILE: Limits =
        Limits { wall: Duration::from_secs(5), steps: 0, memory_bytes: 512 * 1024 * 1024 };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::GATE
    }
}
