//! Names that nothing declares.

use sluice_core::organisation::ItemKind;

use crate::desk::shortened;
use crate::findings::Findings;
use crate::words::suggest;

/// The most names among which the one that was meant is looked for.
const CANDIDATES_LIMIT: usize = 2_000;

pub(super) fn check(findings: &mut Findings) {
    for reference in std::mem::take(&mut findings.references) {
        if findings.is_full() {
            return;
        }
        let key = (reference.kind, reference.name.clone());
        if findings.names.contains_key(&key) {
            continue;
        }
        let what = noun(reference.kind);
        let name = shortened(&reference.name);
        let message = format!("{} `{name}`, but no file declares that {what}", reference.by);
        let known = findings.names.keys().filter(|(kind, _)| *kind == reference.kind);
        let known = known.take(CANDIDATES_LIMIT).map(|(_, name)| name.as_str());
        let help = suggest(&reference.name, known, || {
            format!("declare it under `{}`", section(reference.kind))
        });
        findings.error(reference.at, "dangling_reference", message, help);
    }
}

fn noun(kind: ItemKind) -> String {
    kind.as_str().replace('_', " ")
}

fn section(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Settings => "settings:",
        ItemKind::Environment => "environments:",
        ItemKind::Team => "teams:",
        ItemKind::Person => "people:",
        ItemKind::Service => "services:",
        ItemKind::Window => "windows:",
        ItemKind::ApprovalRule => "approval_rules:",
        ItemKind::EvidenceRule => "evidence_rules:",
        ItemKind::ChangeModel => "models:",
        ItemKind::PolicyFile => "guardrails:",
        ItemKind::Link => "links:",
        ItemKind::TrustRule => "trust:",
        ItemKind::GroupMapping => "group_roles:",
    }
}
