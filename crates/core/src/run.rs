//! A pipeline run, named so that reruns, matrix jobs and parallel jobs are recognised.

use serde::{Deserialize, Serialize};

/// One attempt of one pipeline run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// The system it runs on, with its host: `github:github.com`, `gitlab:gitlab.example.org`, `jenkins:ci.example.org`.
    pub system: String,
    /// The system's id of the run, stable over reruns. With systems whose ids count per
    /// repository or job, that is part of it (`acme/payments/1234`).
    pub id: String,
    /// Which attempt, from 1.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// Web address of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

fn first_attempt() -> u32 {
    1
}

impl RunRef {
    /// The run without its attempt: what reruns have in common.
    pub fn key(&self) -> String {
        format!("{}#{}", self.system, self.id)
    }
}
