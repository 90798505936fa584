//! What is done with each input that a fuzzer makes up, and the inputs it begins with.
//!
//! A target takes any bytes. It fails by panicking: in the code that reads them, or in an assertion on
//! what must hold whatever they are. The programs for libFuzzer are in `fuzz/fuzz_targets`; the test of
//! this crate plays every target with its seeds and with damaged copies of them, on any compiler.
#![expect(clippy::expect_used, reason = "a target fails by panicking")]

mod hooks;
mod identity;
mod ledger;
mod organisation;
mod outside;
mod play;
mod policy;
mod seeds;

pub use hooks::{
    hook_cdevents, hook_generic, hook_github, hook_gitlab, hook_jenkins, signature, strict_json,
};
pub use identity::{id_token, scim};
pub use ledger::{ledger_entry, ledger_note, pass_token};
pub use organisation::{ics, organisation_yaml};
pub use outside::{address, names, schedule};
pub use play::{Played, play};
pub use policy::{guardrails, policy_text};
pub use seeds::seeds;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 19] = [
    ("address", address),
    ("guardrails", guardrails),
    ("hook_cdevents", hook_cdevents),
    ("hook_generic", hook_generic),
    ("hook_github", hook_github),
    ("hook_gitlab", hook_gitlab),
    ("hook_jenkins", hook_jenkins),
    ("ics", ics),
    ("id_token", id_token),
    ("ledger_entry", ledger_entry),
    ("ledger_note", ledger_note),
    ("names", names),
    ("organisation_yaml", organisation_yaml),
    ("pass_token", pass_token),
    ("policy_text", policy_text),
    ("schedule", schedule),
    ("scim", scim),
    ("signature", signature),
    ("strict_json", strict_json),
];
