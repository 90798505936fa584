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

/// The point chosen by the options, if any.
#[derive(Debug)]
pub(crate) struct CrashPoint(Option<String>);

impl CrashPoint {
    pub(crate) fn new(name: Option<String>) -> Self {
        Self(name)
    }

    /// Kills the process at once if this is the chosen point.
    pub(crate) fn pass(&self, name: &str) {
        if self.0.as_deref() == Some(name) {
            std::process::abort();
        }
    }
}
