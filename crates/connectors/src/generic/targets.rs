//! What a mapping may fill in: the members of each signal, as `sluice_core::signal` has them.

/// What a member of a signal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Any text.
    Text,
    /// Host and path, or an address of a repository.
    Repository,
    /// An account; the link's realm is put before it if it has none.
    Account,
    /// A full commit id.
    Commit,
    /// `sha256:` and 64 digits.
    Digest,
    /// `succeeded`, `failed`, `canceled` or `skipped`.
    Outcome,
    /// `requested`, `running`, `succeeded`, `failed`, `rolled_back` or `canceled`.
    State,
    /// A time.
    Time,
    /// True or false.
    Flag,
    /// A whole number.
    Number,
}

use Takes::{Account, Commit, Digest, Flag, Number, Outcome, Repository, State, Text, Time};

/// One member that can be filled in: its name, what it takes, and whether it must be.
pub(crate) type Target = (&'static str, Takes, bool);

/// The members of a signal.
pub(crate) fn targets_of(signal: &str) -> Option<&'static [Target]> {
    SIGNALS.iter().find(|(name, _)| *name == signal).map(|(_, targets)| *targets)
}

/// The names of all signals, for help texts.
pub(crate) fn signal_names() -> String {
    let names: Vec<String> = SIGNALS.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

/// Prefix of the values of `noted`, whose names are free.
pub(crate) const VALUES: &str = "values.";

const SIGNALS: &[(&str, &[Target])] = &[
    ("ping", &[]),
    (
        "commits_pushed",
        &[
            ("repository", Repository, true),
            ("branch", Text, true),
            ("commit", Commit, true),
            ("default_branch", Flag, false),
            ("forced", Flag, false),
            ("pusher.account", Account, false),
            ("pusher.email", Text, false),
            ("pusher.name", Text, false),
        ],
    ),
    (
        "proposal_merged",
        &[
            ("repository", Repository, true),
            ("proposal", Text, true),
            ("title", Text, true),
            ("branch", Text, true),
            ("url", Text, false),
            ("default_branch", Flag, false),
            ("merge_commit", Commit, false),
            ("head_commit", Commit, false),
            ("author.account", Account, false),
            ("author.email", Text, false),
            ("author.name", Text, false),
            ("merger.account", Account, false),
            ("merger.email", Text, false),
            ("merger.name", Text, false),
            ("lines_changed", Number, false),
            ("files_changed", Number, false),
            ("at", Time, false),
        ],
    ),
    (
        "proposal_updated",
        &[
            ("repository", Repository, true),
            ("proposal", Text, true),
            ("action", Text, true),
            ("head_commit", Commit, false),
            ("actor.account", Account, false),
            ("actor.email", Text, false),
            ("actor.name", Text, false),
        ],
    ),
    (
        "run_started",
        &[
            ("run.system", Text, true),
            ("run.id", Text, true),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
            ("repository", Repository, false),
            ("commit", Commit, false),
            ("branch", Text, false),
            ("actor.account", Account, false),
            ("actor.email", Text, false),
            ("actor.name", Text, false),
            ("at", Time, false),
        ],
    ),
    (
        "run_finished",
        &[
            ("run.system", Text, true),
            ("run.id", Text, true),
            ("outcome", Outcome, true),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
            ("repository", Repository, false),
            ("commit", Commit, false),
            ("branch", Text, false),
            ("actor.account", Account, false),
            ("actor.email", Text, false),
            ("actor.name", Text, false),
            ("at", Time, false),
        ],
    ),
    (
        "stage_reported",
        &[
            ("run.system", Text, true),
            ("run.id", Text, true),
            ("stage", Text, true),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
            ("environment", Text, false),
            ("outcome", Outcome, false),
            ("commit", Commit, false),
            ("at", Time, false),
        ],
    ),
    (
        "gate_requested",
        &[
            ("repository", Repository, true),
            ("environment", Text, true),
            ("run.system", Text, true),
            ("run.id", Text, true),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
            ("commit", Commit, false),
            ("actor.account", Account, false),
            ("actor.email", Text, false),
            ("actor.name", Text, false),
        ],
    ),
    (
        "deployment_reported",
        &[
            ("deployment", Text, true),
            ("environment", Text, true),
            ("state", State, true),
            ("repository", Repository, false),
            ("service", Text, false),
            ("run.system", Text, false),
            ("run.id", Text, false),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
            ("commit", Commit, false),
            ("artifact", Digest, false),
            ("version", Text, false),
            ("actor.account", Account, false),
            ("actor.email", Text, false),
            ("actor.name", Text, false),
            ("at", Time, false),
        ],
    ),
    (
        "artifact_reported",
        &[
            ("artifact", Text, true),
            ("action", Text, true),
            ("digest", Digest, false),
            ("commit", Commit, false),
            ("run.system", Text, false),
            ("run.id", Text, false),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
        ],
    ),
    (
        "evidence_reported",
        &[
            ("evidence", Text, true),
            ("name", Text, true),
            ("repository", Repository, false),
            ("commit", Commit, false),
            ("outcome", Outcome, false),
            ("url", Text, false),
            ("run.system", Text, false),
            ("run.id", Text, false),
            ("run.attempt", Number, false),
            ("run.url", Text, false),
        ],
    ),
    (
        "incident_reported",
        &[
            ("incident", Text, true),
            ("resolved", Flag, true),
            ("title", Text, true),
            ("service", Text, false),
            ("environment", Text, false),
            ("severity", Text, false),
            ("at", Time, false),
        ],
    ),
    ("noted", &[("name", Text, true)]),
];

/// The word of ours that another system's common word means. A mapping's own words come first.
pub(crate) fn common_word(takes: Takes, word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    match (takes, word.as_str()) {
        (State, "requested" | "queued" | "pending" | "created" | "waiting") => Some("requested"),
        (State, "running" | "started" | "in_progress") => Some("running"),
        (State, "rolled_back" | "rolledback" | "rollback") => Some("rolled_back"),
        (Outcome, "skipped" | "not_built") => Some("skipped"),
        (State | Outcome, "succeeded" | "success" | "successful" | "passed" | "ok") => {
            Some("succeeded")
        }
        (State | Outcome, "failed" | "failure" | "error") => Some("failed"),
        (State | Outcome, "canceled" | "cancelled" | "aborted") => Some("canceled"),
        _ => None,
    }
}

/// Whether a mapping may translate into this word.
pub(crate) fn is_word_of(takes: Takes, word: &str) -> bool {
    match takes {
        State => ["requested", "running", "succeeded", "failed", "rolled_back", "canceled"]
            .contains(&word),
        Outcome => ["succeeded", "failed", "canceled", "skipped"].contains(&word),
        Flag => ["true", "false"].contains(&word),
        _ => true,
    }
}
