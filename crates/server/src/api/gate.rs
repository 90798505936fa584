//! `POST /api/v1/gate`: the question a pipeline asks, and the answer it gets.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::approvals::ApprovalStanding;
use sluice_core::change::{Evidence, EvidenceStatus};
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{
    ChangeNumber, CommitId, DecisionId, Digest, EnvironmentName, PassId, ServiceName,
};
use sluice_core::risk::RiskAssessment;
use sluice_core::run::RunRef;
use sluice_core::verdict::Reason;
use sluice_engine::{Engine, GateAnswer};

use super::Reply;
use crate::app::App;
use crate::body::{self, Json};
use crate::conditions::{self, MaybeKey};
use crate::guard::By;
use crate::problem::Problem;
use crate::query::Query;
use crate::status;

/// What a pipeline asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GateRequest {
    service: ServiceName,
    environment: EnvironmentName,
    #[serde(default)]
    services: BTreeSet<ServiceName>,
    version: Option<String>,
    repository: Option<String>,
    commit: CommitId,
    #[serde(default)]
    artifacts: BTreeSet<Digest>,
    run: RunRequest,
    #[serde(default)]
    evidence: Vec<EvidenceRequest>,
    emergency: Option<String>,
    #[serde(default, deserialize_with = "body::whole_or_none")]
    lines_changed: Option<u64>,
    #[serde(default)]
    paths: Vec<String>,
    /// Mail addresses and accounts.
    #[serde(default)]
    authors: Vec<String>,
}

/// A run, as a pipeline names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    system: String,
    id: String,
    #[serde(default = "first", deserialize_with = "body::whole")]
    attempt: u32,
    url: Option<String>,
}

fn first() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceRequest {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    status: EvidenceStatus,
    digest: Option<Digest>,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GateQuery {
    #[serde(default)]
    dry_run: bool,
    /// Read by [`conditions::wait`].
    #[serde(rename = "wait")]
    _wait: Option<String>,
}

/// The answer on the wire.
#[derive(Serialize)]
pub(crate) struct GateReply {
    /// None in a dry run, which is not recorded.
    decision: Option<DecisionId>,
    answer: Decision,
    change: Option<ChangeNumber>,
    /// By its own name; a pass is for that.
    environment: String,
    revision: Digest,
    reasons: Vec<Reason>,
    would_pass_if: Vec<String>,
    until: Option<Timestamp>,
    risk: RiskAssessment,
    approvals: ApprovalStanding,
    pass: Option<PassReply>,
    policy: Digest,
    receipt: Option<sluice_engine::ledger::Receipt>,
    as_of: u64,
    dry_run: bool,
    replayed: bool,
}

#[derive(Serialize)]
struct PassReply {
    id: PassId,
    token: String,
    expires_at: Timestamp,
}

pub(crate) async fn ask(
    State(app): State<App>,
    By(caller): By,
    Query(query): Query<GateQuery>,
    uri: Uri,
    headers: HeaderMap,
    MaybeKey(key): MaybeKey,
    body: Json<GateRequest>,
) -> Result<Response, Problem> {
    let question = body.value.question(&app.engine)?;
    if query.dry_run {
        let engine = app.engine.clone();
        let judge = move || engine.dry_run(&caller, question).map_err(Problem::from);
        return Ok(Reply(reply(app.blocking(judge).await?, true)).into_response());
    }
    let key = key.ok_or_else(|| Problem::of(&status::IDEMPOTENCY_KEY_MISSING, ""))?;
    let wait = conditions::wait(&uri, &headers)?;
    let answer = tokio::select! {
        answer = app.engine.ask(&caller, &key, body.hash, question, wait) => answer?,
        () = app.closed() => return Err(Problem::of(&status::SHUTTING_DOWN, "").retry_after(1)),
    };
    app.metrics.decision(answer.decision);
    let mut response = Reply(reply(answer, false)).into_response();
    if let (Some(wait), true) = (wait, headers.contains_key("prefer")) {
        let applied = format!("wait={}", wait.as_secs());
        if let Ok(applied) = applied.parse() {
            response.headers_mut().insert("preference-applied", applied);
        }
    }
    Ok(response)
}

pub(crate) fn reply(answer: GateAnswer, dry_run: bool) -> GateReply {
    GateReply {
        decision: answer.id,
        answer: answer.decision,
        change: answer.change,
        environment: answer.environment,
        revision: answer.revision,
        reasons: answer.reasons,
        would_pass_if: answer.would_pass_if,
        until: answer.until,
        risk: answer.risk,
        approvals: answer.approvals,
        pass: answer.pass.map(|pass| PassReply {
            id: pass.id,
            token: pass.token,
            expires_at: pass.expires_at,
        }),
        policy: answer.policy,
        receipt: answer.receipt,
        as_of: answer.as_of,
        dry_run,
        replayed: answer.replayed,
    }
}

impl GateRequest {
    /// The question. Its limits are the engine's to check.
    pub(super) fn question(self, engine: &Engine) -> Result<Question, Problem> {
        let authors = engine.stated_authors(&self.authors)?;
        Ok(Question {
            service: self.service,
            environment: self.environment,
            services: self.services,
            version: self.version,
            repository: self.repository,
            commit: self.commit,
            artifacts: self.artifacts,
            run: self.run.into(),
            evidence: self.evidence.into_iter().map(Evidence::from).collect(),
            emergency: self.emergency,
            lines_changed: self.lines_changed,
            paths: self.paths,
            authors,
        })
    }
}

impl From<RunRequest> for RunRef {
    fn from(given: RunRequest) -> Self {
        Self { system: given.system, id: given.id, attempt: given.attempt, url: given.url }
    }
}

impl From<EvidenceRequest> for Evidence {
    fn from(given: EvidenceRequest) -> Self {
        Self {
            kind: given.kind,
            name: given.name,
            status: given.status,
            digest: given.digest,
            url: given.url,
        }
    }
}
