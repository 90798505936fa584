//! The table of `docs/reference/tampering.md`.

use super::{Kind, Noticed};

const HEAD: &str = "\
# What happens when stored data is changed

This page is written by `cargo run -p xtask -- tamper --binary PATH --doc docs/reference/tampering.md`, which changes \
a stopped server's folder in each of these ways, asks `sluice verify --data DIR --key VKEY` (with a key that was kept \
elsewhere), and then starts `sluice serve` on it.

| Exit code | Of `sluice verify` and `sluice fsck` | Of `sluice serve` |
| --- | --- | --- |
| 0 | everything holds | stopped as told |
| 1 | could not be checked: no such folder, in use, not readable | did not start; nothing was changed |
| 3 | tampering, damage, a rollback or a fork; the message names what | safe halt: did not start; nothing was changed |

*Without effect* means that every row reads exactly as before and that the server starts with the same keys: the \
byte lies in a free page, in a shared index that is made anew, or in the half of the anchor that an earlier state \
took. An anchor of an earlier state is what a crash between commit and anchor leaves behind; the entries after it \
are read back before they are signed.

*May be gone* are rows whose absence proves nothing: deliveries are kept for 30 days, names and addresses of people \
can be erased, snapshots and cursors are made anew. A row of these that was *changed* is found.

A bit of `sluice.db-wal` that was flipped ends the log there, as a torn write would; what was acknowledged after it \
is missing then, and the anchor says so.

What no program can find in a folder alone: one that was put back as a whole, its anchor included, is what it was \
then. Keep the anchor on another device (`--anchor`), or receipts and checkpoints outside (`sluice verify --continues`).

| What was done | Found by verify (3) | Start refused (3) | Refused (1) | Without effect | May be gone | Silent | For example |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

/// The page.
pub(super) fn render(kinds: &[(String, Kind)]) -> String {
    let mut page = HEAD.to_owned();
    for (name, kind) in kinds {
        let count = |noticed| kind.counts.get(&noticed).copied().unwrap_or(0);
        page.push_str(&format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} |\n",
            count(Noticed::ByVerify),
            count(Noticed::AtStart),
            count(Noticed::Refused),
            count(Noticed::NoEffect),
            count(Noticed::MayBeGone),
            count(Noticed::Silent),
            example(&kind.message)
        ));
    }
    page
}

/// The first line of a message, as a cell.
fn example(message: &str) -> String {
    let line = message.lines().find(|line| line.starts_with("error"));
    let line = line.and_then(|line| line.split_once(": ")).map_or("", |(_, told)| told);
    let mut line: String = line.trim_end_matches(':').chars().take(220).collect();
    // The first of several that are named is example enough.
    if let Some(first) = message.lines().find(|line| line.starts_with("  `")) {
        line = format!("{line}: {}", first.trim());
    }
    line.chars().take(320).collect::<String>().replace('|', "\\|")
}
