//! Every exit code of the program. They are part of its contract: pipelines branch on them.
//!
//! 2 is what the argument parser ends with when a command line makes no sense.

/// All right; at the gate: `allow`, with a pass whose signature and bindings were verified.
pub(crate) const OK: u8 = 0;
/// It failed, was refused, or could not be checked; the message says which.
pub(crate) const FAILED: u8 = 1;
/// A command line or a value in it makes no sense.
pub(crate) const USAGE: u8 = 2;
/// Verification found tampering, a rollback or a fork; `serve`: a safe halt for that reason.
pub(crate) const TAMPERED: u8 = 3;
/// The gate says `deny`.
pub(crate) const DENY: u8 = 10;
/// The gate still says `wait` when the waiting ends.
pub(crate) const WAITING: u8 = 11;
/// A pass is refused: not signed, not for this, expired, redeemed, superseded.
pub(crate) const PASS_REFUSED: u8 = 12;
/// Whoever asks is not let in: the token that was given, or that of the pipeline's own system, is refused.
pub(crate) const NOT_LET_IN: u8 = 13;
/// The answer to a question of yes or no is no (`access explain`).
pub(crate) const NO: u8 = 14;
/// The server cannot answer now, and did not until the deadline.
pub(crate) const UNAVAILABLE: u8 = 20;
/// The server has halted itself: its ledger is not what was acknowledged.
pub(crate) const SAFE_HALT: u8 = 21;
/// Whatever answered, the answer is not one of Sluice's.
pub(crate) const NOT_UNDERSTOOD: u8 = 22;
