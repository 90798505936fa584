//! The gate: question in, recorded decision out.

mod answer;
mod ask;
mod gather;
pub mod pass_token;
mod redeem;
mod tested;
mod what_if;
pub(crate) mod within;

pub use answer::{GateAnswer, IssuedPass};
pub use redeem::{Redeemed, StartDetails};
pub use tested::Tested;
pub use what_if::{WhatIf, WhatIfError};

use serde::{Deserialize, Serialize};
use sluice_core::facts::GateFacts;
use sluice_core::verdict::{PolicyFault, Verdict};

/// Everything that a decision was made of, kept by digest: `gate::decide` makes the same decision of it for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionInput {
    /// The facts.
    pub facts: GateFacts,
    /// What the policy said of them.
    pub verdict: Judged,
}

/// What the policy said, or why it said nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// A verdict.
    Verdict(Verdict),
    /// A fault, which is a denial.
    Fault(PolicyFault),
}

impl Judged {
    pub(crate) fn as_result(&self) -> Result<Verdict, PolicyFault> {
        match self {
            Self::Verdict(verdict) => Ok(verdict.clone()),
            Self::Fault(fault) => Err(fault.clone()),
        }
    }
}
