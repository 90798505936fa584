//! What another policy would have said to a question of the past: the recorded facts, judged anew. Nothing is recorded.

use sluice_core::gate::{Judgement, decide};
use sluice_core::ids::DecisionId;
use sluice_core::organisation::PolicyFormat;
use sluice_policy::Problem;

use super::DecisionInput;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::policy::Candidate;

/// Why another judgement cannot be made.
#[derive(Debug)]
pub enum WhatIfError {
    /// There is no such decision, or its input is not kept any more.
    Unknown,
    /// The edited policy does not compile: every problem, in words.
    Policy(Vec<String>),
    /// The store cannot be read.
    Engine(EngineError),
}

/// What was said, and what would have been.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// The judgement by the policy in force, with nothing edited.
    pub present: Judgement,
    /// The judgement by the edited policy.
    pub edited: Judgement,
}

impl Engine {
    /// The own modules of the policy in force: path and text. Blocking.
    pub fn policy_modules(&self) -> Result<Vec<(String, String)>, EngineError> {
        let standing = self.standing();
        let Some(in_force) = &standing.policy else { return Ok(Vec::new()) };
        let own = self.own_modules(in_force).map_err(crate::error::Unavailable::ledger)?;
        Ok(own.into_iter().map(|(path, _, text)| (path, text)).collect())
    }

    /// Judges the facts of a past decision by the policy in force, and by the same with one module edited. Blocking.
    pub fn what_if(
        &self,
        decision: &DecisionId,
        path: &str,
        text: &str,
    ) -> Result<WhatIf, WhatIfError> {
        let input = self.decision_input(decision)?;
        let standing = self.standing();
        let in_force = standing.policy.as_ref().ok_or(WhatIfError::Unknown)?;
        let broken = |message: String| WhatIfError::Policy(vec![message]);
        let own = self.own_modules(in_force).map_err(broken)?;
        let present = Candidate::lenient(&own).map_err(told)?;
        let known = Candidate::compile(&own).err().unwrap_or_default();
        let mut changed = own;
        match changed.iter_mut().find(|(known, _, _)| known == path) {
            Some((_, _, old)) => text.clone_into(old),
            None => {
                let rego = PolicyFormat::Rego;
                changed.push((path.to_owned(), rego, text.to_owned()));
            }
        }
        let edited = edited(&changed, &known)?;
        let judged =
            |candidate: &Candidate| decide(&input.facts, &candidate.policy.judge(&input.facts));
        Ok(WhatIf { present: judged(&present), edited: judged(&edited) })
    }

    fn decision_input(&self, decision: &DecisionId) -> Result<DecisionInput, WhatIfError> {
        let engine = |error| WhatIfError::Engine(error);
        let row = self.read(|readers| readers.decision(decision.as_str())).map_err(engine)?;
        let row = row.ok_or(WhatIfError::Unknown)?;
        let blob = self.read(|readers| readers.blob(&row.input_digest)).map_err(engine)?;
        let blob = blob.ok_or(WhatIfError::Unknown)?;
        serde_json::from_slice(&blob.bytes).map_err(|_| WhatIfError::Unknown)
    }
}

/// The policy with what was edited, as it could be applied. What those in force have that no new files may have is nothing
/// that the edit brought.
fn edited(
    modules: &[(String, PolicyFormat, String)],
    known: &[Problem],
) -> Result<Candidate, WhatIfError> {
    let is_new = |problem: &Problem| {
        let same = |old: &Problem| {
            (&old.file, &old.code, &old.message) == (&problem.file, &problem.code, &problem.message)
        };
        !known.iter().any(same)
    };
    match Candidate::compile(modules) {
        Ok(candidate) => Ok(candidate),
        Err(problems) if problems.iter().any(is_new) => {
            Err(told(problems.into_iter().filter(is_new).collect()))
        }
        Err(_) => Candidate::lenient(modules).map_err(told),
    }
}

fn told(problems: Vec<Problem>) -> WhatIfError {
    WhatIfError::Policy(problems.iter().take(20).map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guardrails(path: &str, condition: &str) -> (String, PolicyFormat, String) {
        let text = format!(
            "guardrails:\n  - name: {path}\n    steps:\n      - if: {condition}\n        on_fail: wait\n        message: no\n"
        );
        (format!("policies/{path}.yaml"), PolicyFormat::Guardrails, text)
    }

    #[test]
    fn an_edit_is_judged_as_it_could_be_applied() {
        let (good, bad) = ("risk is high", "risk is hihg");
        // What is in force beside, what the edited text says, and whether it is judged by.
        for (beside, condition, judged) in
            [(good, good, true), (good, bad, false), (bad, good, true), (bad, bad, false)]
        {
            let old = guardrails("old", beside);
            let known = Candidate::compile(std::slice::from_ref(&old)).err().unwrap_or_default();
            assert_eq!(known.is_empty(), beside == good, "{known:?}");
            let edited = edited(&[old, guardrails("new", condition)], &known);
            match edited {
                Ok(_) => assert!(judged, "{beside}, {condition}"),
                Err(WhatIfError::Policy(problems)) => {
                    assert!(!judged, "{beside}, {condition}: {problems:?}");
                    assert!(problems.iter().all(|it| it.contains("new.yaml")), "{problems:?}");
                }
                Err(_) => panic!("nothing is read"),
            }
        }
    }
}
