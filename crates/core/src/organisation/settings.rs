//! What holds for the whole organisation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::EnvironmentName;
use crate::risk::RiskLevel;

/// Which state a change enters when a stage of a pipeline starts or ends.
///
/// The gate and the reported deployments drive the states by themselves; stages are for pipelines
/// that report jobs only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// Names of jobs (glob patterns) that deploy: start means `implement`, end means `review`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deploy: BTreeSet<String>,
    /// Names of jobs (glob patterns) that prove health: success closes the change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub verify: BTreeSet<String>,
}

/// From whom it is taken who wrote a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorship {
    /// From the forge only: a push or a merge has to tell.
    #[default]
    Required,
    /// From the forge, or from the pipeline that asks, where it states the authors.
    Reported,
}

impl Authorship {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
    fn is_required(&self) -> bool {
        *self == Self::Required
    }
}

/// Which attribute of a provisioned person is the subject of their login.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectIs {
    /// The provider's own id of them.
    #[default]
    ExternalId,
    /// Their user name.
    UserName,
}

/// How people who are provisioned come in: by which issuer, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subjects {
    /// The issuer, exactly as its tokens say.
    pub issuer: String,
    /// What its subjects are.
    #[serde(default)]
    pub subject: SubjectIs,
}

/// Which changes a person may approve together with others, by their risk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Together {
    /// None: each is decided on alone.
    Never,
    /// Those of low risk.
    #[default]
    Low,
    /// Those of medium risk, too.
    Medium,
}

impl Together {
    /// The highest risk; none where nothing is approved together.
    pub fn most(self) -> Option<RiskLevel> {
        match self {
            Self::Never => None,
            Self::Low => Some(RiskLevel::Low),
            Self::Medium => Some(RiskLevel::Medium),
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// What holds for the whole organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its name for people.
    pub title: String,
    /// Branches (glob patterns) whose merges go to production.
    pub production_branches: BTreeSet<String>,
    /// The environment that a merge to a production branch is heading for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production_environment: Option<EnvironmentName>,
    /// Minutes a pass is good for, 1 to 15.
    pub pass_minutes: u32,
    /// Owed approvals and reviews at which the next emergency is refused.
    pub debt_limit: u32,
    /// Days within which an owed approval or review is to be given.
    pub debt_days: u32,
    /// Hours a finished change waits for its health proof before it is closed as it stands.
    pub review_hours: u32,
    /// Hours a deployment is waited for of which no outcome is told; then it counts as failed.
    #[serde(default = "outcome_hours", skip_serializing_if = "is_usual_outcome")]
    pub outcome_hours: u32,
    /// Zone in which `time of day` is read, an IANA name.
    pub zone: String,
    /// Local hours (0 to 24) and days (1 Monday to 7 Sunday) that count as business hours.
    pub business_hours: (u8, u8),
    /// See [`Settings::business_hours`].
    pub business_days: BTreeSet<u8>,
    /// Stages of pipelines.
    #[serde(default)]
    pub stages: Stages,
    /// Whether a second person confirms what is changed in policy, rules, windows and roles; absent: as soon as two
    /// people may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_person: Option<bool>,
    /// Whether whoever comes in by a password alone may do nothing but add a second factor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_factor: bool,
    /// Minutes from that word on until it takes effect.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cool_off_minutes: u32,
    /// From whom it is taken who wrote a commit.
    #[serde(default, skip_serializing_if = "Authorship::is_required")]
    pub authorship: Authorship,
    /// How people who are provisioned come in; absent: only those come in whose login is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_login: Option<Subjects>,
    /// Which changes may be approved together with others.
    #[serde(default, skip_serializing_if = "Together::is_usual")]
    pub approve_together: Together,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn outcome_hours() -> u32 {
    24
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_usual_outcome(hours: &u32) -> bool {
    *hours == outcome_hours()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            title: String::new(),
            production_branches: ["main", "master"].into_iter().map(String::from).collect(),
            production_environment: None,
            pass_minutes: 15,
            debt_limit: 3,
            debt_days: 3,
            review_hours: 24,
            outcome_hours: outcome_hours(),
            zone: "UTC".into(),
            business_hours: (8, 18),
            business_days: (1..=5).collect(),
            stages: Stages::default(),
            second_person: None,
            second_factor: false,
            cool_off_minutes: 0,
            authorship: Authorship::Required,
            provisioned_login: None,
            approve_together: Together::Low,
        }
    }
}
