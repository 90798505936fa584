//! What another policy would have said to a question of the past: the recorded facts, judged anew. Nothing is recorded.

use sluice_core::gate::{Judgement, decide};
use sluice_core::ids::DecisionId;
use sluice_core::organisation::PolicyFormat;

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
        let present = compile(&own)?;
        let mut changed = own;
        match changed.iter_mut().find(|(known, _, _)| known == path) {
            Some((_, _, old)) => text.clone_into(old),
            None => {
                let rego = PolicyFormat::Rego;
                changed.push((path.to_owned(), rego, text.to_owned()));
            }
        }
        let edited = compile(&changed)?;
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

fn compile(modules: &[(String, PolicyFormat, String)]) -> Result<Candidate, WhatIfError> {
    Candidate::recorded(modules).map_err(|problems| {
        WhatIfError::Policy(problems.iter().take(20).map(ToString::to_string).collect())
    })
}
