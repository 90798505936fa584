//! The engine: the one path from a request to a recorded event.
//!
//! load → gather → decide → append + project + owe → durable → answer. Nothing that changes state goes another way,
//! whoever asks. The crate knows no HTTP and no SQL; rules are in `core`, bytes in `ledger`, tables in `store`.

mod answer;
mod begin;
mod beside;
mod caller;
mod changes;
mod checked;
pub mod clock;
mod correlate;
mod deliveries;
mod deployments;
mod engine;
pub mod envelope;
mod error;
mod exchange;
pub mod fsck;
mod gate;
mod governed;
mod hooks;
mod idempotency;
mod identity;
mod incidents;
mod issuer_keys;
mod kept_plans;
mod keys;
mod known_secrets;
mod links;
mod organisation;
mod owe;
mod people;
mod policy;
mod preferences;
mod reconcile;
pub mod rng;
mod secrets;
mod sequencer;
mod snapshot;
mod stops;
mod stored_secrets;
mod stream;
mod talk;
mod tasks;
mod tokens;
mod told_plan;
mod vault;
pub mod views;
mod windows;
mod witnesses;

pub use answer::Answer;
pub use caller::{Caller, CallerKind, CallerSession, Client, Grant, RECENT};
pub use changes::{ApprovalInput, ExplainedChange};
pub use clock::{Clock, SystemClock};
pub use engine::{Engine, EngineOptions};
pub use error::{EngineError, OpenError, Unavailable};
pub use exchange::ExchangedToken;
pub use gate::{
    DecisionInput, GateAnswer, IssuedPass, Judged, Redeemed, StartDetails, Tested, WhatIf,
    WhatIfError, pass_token,
};
pub use hooks::Received;
pub use identity::PersonCard;
pub use incidents::{IncidentStep, ProblemStep};
pub use kept_plans::WaitingPlan;
pub use keys::PublicKeys;
pub use links::{LinkCard, LinkTrial};
pub use organisation::{Applied, CheckReport, HookAddress, Pending, Plan, offline_check};
pub use people::{
    DeviceStart, Enrolment, Explained, GroupMap, GroupWish, LoginAttempt, LoginProvider,
    LoginReturn, NewSession, Object, OpenedSession, Proof, RoleWish, StartedLogin, TotpStart,
    UserRecord, UserWish,
};
pub use preferences::{SavedView, Wanted, WantedKind};
pub use reconcile::{Difference, Reconciliation};
pub use rng::{Rng, SystemRng};
pub use secrets::{NoSecrets, Secrets};
pub use sluice_connectors as connectors;
pub use sluice_connectors::Delivery;
pub use sluice_connectors::kit::{limits, strict_json};
pub use sluice_ledger as ledger;
pub use sluice_organisation as organisation_files;
pub use sluice_outbound as outbound;
pub use sluice_policy::Outcome as TestOutcome;
pub use sluice_store as store;
pub use talk::{Comment, Picked, Together};
pub use tasks::{Delivered, TaskHealth, record_owed};
pub use tokens::{CreatedToken, NewToken};
pub use told_plan::{ToldDifference, ToldStep};
pub use vault::Vault;
pub use windows::{WindowAnswer, has_say};
pub use witnesses::{
    MOST_WITNESSES, Witness, WitnessCard, WitnessState, Witnessing, WitnessingCard,
};
