//! The limits on everything that comes from outside.

/// How much JSON is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text.
    pub size_bytes: usize,
    /// Levels of objects and arrays inside each other.
    pub depth: usize,
    /// Members of all objects together.
    pub keys: usize,
    /// Members of one object.
    pub keys_per_object: usize,
    /// Bytes of one string or member name as written, escapes included.
    pub string_bytes: usize,
}

impl Limits {
    /// For bodies of our own API.
    pub const API: Limits = Limits {
        size_bytes: 1024 * 1024,
        depth: 32,
        keys: 10_000,
        keys_per_object: 10_000,
        string_bytes: 64 * 1024,
    };

    /// For deliveries of other systems.
    ///
    /// Two bounds are wider than those of our API, because the senders' own are: a push may list
    /// 2,048 commits with some 20 members each, and the text of a proposal may have 256 KiB. What
    /// is kept of them is far less (see the bounds of signals).
    pub const HOOK: Limits = Limits {
        size_bytes: 5 * 1024 * 1024,
        depth: 32,
        keys: 65_536,
        keys_per_object: 10_000,
        string_bytes: 1024 * 1024,
    };

    /// The same limits with another size, for an installation that raises it (at most 25 MiB).
    #[must_use]
    pub const fn with_size_bytes(self, size_bytes: usize) -> Limits {
        Limits { size_bytes, ..self }
    }
}

/// How far the signed time of a delivery may be from our own, in seconds, either way.
pub const TIMESTAMP_TOLERANCE_S: i64 = 300;

/// Secrets that are tried: the current one and the one before it.
pub const SECRETS_AT_ONCE: usize = 2;

/// Signals that one delivery may carry.
pub const SIGNALS_PER_DELIVERY: usize = 1_000;

/// Commits kept of one push, the newest ones.
pub const COMMITS_PER_PUSH: usize = 2_048;

/// Paths kept of one commit.
pub const PATHS_PER_COMMIT: usize = 1_000;
