//! The members of CDEvents that are read. Everything may be missing or null; what is there must
//! have its type. Source: cdevents/spec v0.5.1 (2026-04-15) and the releases before it.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CdEvent {
    pub(crate) context: Option<Context>,
    pub(crate) subject: Option<Subject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Context {
    pub(crate) specversion: Option<String>,
    /// What `specversion` was called before 0.5.
    pub(crate) version: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subject {
    pub(crate) id: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) content: Option<Content>,
}

/// The contents of all subjects together; the names do not clash.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Content {
    pub(crate) task_name: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) outcome: Option<String>,
    pub(crate) pipeline_run: Option<Reference>,
    pub(crate) artifact_id: Option<String>,
    pub(crate) change: Option<Reference>,
    pub(crate) description: Option<String>,
    pub(crate) repository: Option<Reference>,
    pub(crate) environment: Option<Reference>,
    pub(crate) service: Option<Reference>,
    pub(crate) test_case: Option<Test>,
    pub(crate) test_suite: Option<Test>,
}

/// Something named by id and source.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    pub(crate) id: Option<String>,
    pub(crate) source: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Test {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
}
