//! Risk: how much a change could hurt, from named factors.
//!
//! Each factor adds points; the sum gives the level. The factors are facts that anybody can check; what
//! a level means is the policy's business, which may also raise or lower the level by name.

mod assess;

pub use assess::{RiskInput, assess};

use serde::{Deserialize, Serialize};

/// How much a change could hurt.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Score below 30.
    #[default]
    Low,
    /// Score 30 to 59.
    Medium,
    /// Score 60 to 84.
    High,
    /// Score from 85 on.
    Critical,
}

impl RiskLevel {
    /// The level of a score of 0 to 100.
    pub fn of_score(score: u32) -> Self {
        match score {
            0..30 => Self::Low,
            30..60 => Self::Medium,
            60..85 => Self::High,
            _ => Self::Critical,
        }
    }

    /// The word for the level.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One reason why a change is more or less risky.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskFactor {
    /// Stable name, such as `component_class`.
    pub name: String,
    /// Points added (or, below zero, taken off).
    pub points: i32,
    /// What was seen, in words.
    pub because: String,
}

/// The risk of one change at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskAssessment {
    /// 0 to 100.
    pub score: u32,
    /// The level of the score, unless the policy said otherwise.
    pub level: RiskLevel,
    /// What made it, in a fixed order.
    pub factors: Vec<RiskFactor>,
    /// The policy's words, where it set the level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
}
