//! The organisation as declared: services, environments, teams, people, rules and links.
//!
//! It is written as files (`sluice check`, `sluice apply`) and becomes events, one per item that
//! was declared or withdrawn. This module holds the items' types and the questions that rules ask of
//! them; reading files is the `organisation` crate's work.

pub mod event;
mod graph;
mod items;
mod known;
mod login;
mod mapping;
mod settings;
mod state;
mod sweep;
mod trust;
mod who;

pub use graph::find_cycle;
pub use items::{
    ApprovalRule, Approvers, ChangeModel, Environment, EnvironmentTier, EvidenceRule, Item,
    ItemKind, Link, Person, PolicyFile, PolicyFormat, RoleGrant, SecretRef, Service, Team,
};
pub use known::{known_scope, own_names};
pub use login::login_of;
pub use mapping::{GroupMapping, PROVISIONED};
pub use settings::{Authorship, Settings, Stages, SubjectIs, Subjects, Together};
pub use state::{Organisation, PlanStep, Withdrawal};
pub use trust::{PipelineIssuer, PipelineSystem, TrustRule};
