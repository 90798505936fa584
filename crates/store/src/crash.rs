//! Named points at which a test lets the process die.

/// Every named point, in the order in which a commit passes them.
pub const CRASH_POINTS: [&str; 8] = [
    "before_begin",
    "after_entries",
    "before_commit",
    "after_commit",
    "after_reread",
    "after_sign",
    "after_anchor_write",
    "before_ack",
];

/// Not a point of death: a bit of an entry flips between hashing and storing it, as a failing
/// memory would do. The process must notice.
pub(crate) const FLIPPED_BIT: &str = "flipped_bit";

/// The point chosen by the options, if any.
#[derive(Debug)]
pub(crate) struct CrashPoint(Option<String>);

impl CrashPoint {
    pub(crate) fn new(name: Option<String>) -> Self {
        Self(name)
    }

    /// Whether this is the chosen point.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.as_deref() == Some(name)
    }

    /// Kills the process at once if this is the chosen point.
    pub(crate) fn pass(&self, name: &str) {
        if self.is(name) {
            std::process::abort();
        }
    }
}
