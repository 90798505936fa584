//! What is not said again: a pipeline that asks every few seconds gets the same answer every few seconds, and a page of
//! work notes, a thread or a history of commit statuses is no place for each of them.
//!
//! An answer that a run over there waits for is always said, and logs get every one.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use sluice_core::effect::Effect;
use sluice_core::gate::Decision;

use super::line::Line;

/// Under this name stands what was said last of the decisions about a record.
pub(super) const SAID: &str = "told.decision";

/// What stands for the words of a decision about a change; nothing where each is said.
pub(super) fn said(line: &Line, effect: &Effect) -> Option<String> {
    let (decision, change) = (effect.decision.as_ref()?, effect.change.as_ref()?);
    if decision.asked_by.is_some() || line.telling.keeps_every_answer() {
        return None;
    }
    let parts = [
        serde_json::to_vec(&(decision.answer, &decision.service, &effect.environment)),
        serde_json::to_vec(&(&decision.reasons, decision.until, &decision.evidence)),
        serde_json::to_vec(&(&decision.policy, &change.revision, change.state)),
    ];
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.ok()?);
    }
    Some(data_encoding::HEXLOWER.encode(&digest.finalize()))
}

/// Whether a decision says nothing but what was said last. An `allow` comes with a pass of its own.
pub(super) fn is_said(line: &Line, effect: &Effect, known: &BTreeMap<String, String>) -> bool {
    let goes = effect.decision.as_ref().is_some_and(|it| it.answer == Decision::Allow);
    !goes && said(line, effect).is_some_and(|said| known.get(SAID) == Some(&said))
}
