//! The organisation: what is declared, and declaring it.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::Digest;
use sluice_core::organisation::{Item, ItemKind, PlanStep};
use sluice_engine::ledger::Receipt;
use sluice_engine::organisation_files::Folder;
use sluice_engine::{Answer, Applied, Pending, ToldStep};

use super::identity::{PersonReply, card_of};
use super::stops::{Done, ReasonRequest};
use super::{Reply, no_such};
use crate::app::App;
use crate::body::{Json, LargeJson};
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, id};

#[derive(Serialize)]
struct Overview {
    title: String,
    counts: BTreeMap<&'static str, usize>,
    policy: Option<Digest>,
    as_of: u64,
}

pub(crate) async fn overview(State(app): State<App>, By(_): By) -> impl IntoResponse {
    let standing = app.engine.standing();
    let mut counts: BTreeMap<&'static str, usize> =
        ItemKind::ALL.into_iter().map(|kind| (kind.as_str(), 0)).collect();
    for (kind, _) in standing.organisation.names() {
        *counts.entry(kind.as_str()).or_default() += 1;
    }
    Reply(Overview {
        title: standing.organisation.settings.title.clone(),
        counts,
        policy: standing.policy.as_ref().map(|policy| policy.bundle.clone()),
        as_of: standing.size,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Items of one kind, by name.
pub(crate) async fn list(
    State(app): State<App>,
    By(_): By,
    Path(kind): Path<String>,
    uri: Uri,
    Query(query): Query<ItemsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let kind = kind_named(&kind)?;
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let standing = app.engine.standing();
    let most = usize::try_from(seek.limit).unwrap_or(usize::MAX) + 1;
    let after = seek.name()?.map(str::to_owned);
    let mut names: Vec<String> = standing
        .organisation
        .names()
        .into_iter()
        .filter(|(of, name)| *of == kind && after.as_ref().is_none_or(|after| name > after))
        .map(|(_, name)| name)
        .take(most)
        .collect();
    let more = seek.cut(&mut names);
    let last = names.last().filter(|_| more);
    let next = last.map(|key| paging::next(uri.path(), uri.query(), key.as_str()));
    let items: Vec<Item> =
        names.iter().filter_map(|name| standing.organisation.item(kind, name)).collect();
    Ok(Reply(Listed { items, next, as_of: standing.size }))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(_): By,
    Path((kind, name)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let kind = kind_named(&kind)?;
    let item = app.engine.standing().organisation.item(kind, &name);
    let item = item.ok_or_else(|| no_such(format!("{} of this name", kind.as_str())))?;
    Ok(Reply(item))
}

fn kind_named(word: &str) -> Result<ItemKind, Problem> {
    let kind = ItemKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    kind.ok_or_else(|| no_such("such kind of item"))
}

/// A folder, as texts by path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderRequest {
    files: BTreeMap<String, String>,
}

/// A folder to be applied.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyRequest {
    files: BTreeMap<String, String>,
    #[serde(default)]
    source: String,
    /// Digest of the plan that was shown; applied only if it is still the plan.
    plan: Option<Digest>,
    /// The plan may withdraw everything, all people or all services.
    #[serde(default)]
    withdraw_all: bool,
}

fn folder(files: BTreeMap<String, String>) -> Folder {
    files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
}

#[derive(Serialize)]
struct CheckReply<P> {
    problems: Vec<P>,
}

pub(crate) async fn check(
    State(app): State<App>,
    By(_): By,
    LargeJson(given): LargeJson<FolderRequest>,
) -> Result<impl IntoResponse, Problem> {
    let engine = app.engine.clone();
    let report = app.blocking(move || Ok(engine.check(&folder(given.files)))).await?;
    Ok(Reply(CheckReply { problems: report.problems }))
}

#[derive(Serialize)]
struct PlanReply<P> {
    steps: Vec<PlanStep>,
    /// The steps in words, and who gets another name.
    told: Vec<ToldStep>,
    problems: Vec<P>,
    policy: Option<Digest>,
    /// What is withdrawn whole; applied only with `withdraw_all`.
    sweeps_out: Vec<&'static str>,
    digest: Digest,
    as_of: u64,
}

pub(crate) async fn plan(
    State(app): State<App>,
    By(caller): By,
    LargeJson(given): LargeJson<FolderRequest>,
) -> Result<impl IntoResponse, Problem> {
    let engine = app.engine.clone();
    let as_of = engine.standing().size;
    let plan = app
        .blocking(move || engine.plan(&caller, &folder(given.files)).map_err(Problem::from))
        .await?;
    Ok(Reply(PlanReply {
        steps: plan.steps,
        told: plan.told,
        problems: plan.problems,
        policy: plan.policy,
        sweeps_out: plan.sweeps_out,
        digest: plan.digest,
        as_of,
    }))
}

#[derive(Serialize)]
struct ApplyReply {
    declared: u64,
    withdrawn: u64,
    policy: Option<Digest>,
    hooks: Vec<HookReply>,
    /// What waits for a second person; nothing was done then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    receipt: Option<Receipt>,
    as_of: u64,
}

#[derive(Serialize)]
struct HookReply {
    link: String,
    path: String,
}

pub(crate) async fn apply(
    State(app): State<App>,
    By(caller): By,
    LargeJson(given): LargeJson<ApplyRequest>,
) -> Result<impl IntoResponse, Problem> {
    let folder = folder(given.files);
    let (source, plan) = (&given.source, given.plan.as_ref());
    let answer = match given.withdraw_all {
        true => app.engine.apply_sweeping(&caller, &folder, source, plan).await?,
        false => app.engine.apply(&caller, &folder, source, plan).await?,
    };
    Ok(Reply(applied(answer)))
}

/// A second person makes so what somebody else has proposed.
pub(crate) async fn confirm(
    State(app): State<App>,
    By(caller): By,
    LargeJson(given): LargeJson<ApplyRequest>,
) -> Result<impl IntoResponse, Problem> {
    let folder = folder(given.files);
    let (source, plan) = (&given.source, given.plan.as_ref());
    let answer = app.engine.confirm_apply(&caller, &folder, source, plan).await?;
    Ok(Reply(applied(answer)))
}

fn applied(answer: Answer<Applied>) -> ApplyReply {
    let hooks = answer.value.hooks.into_iter();
    ApplyReply {
        declared: answer.value.declared,
        withdrawn: answer.value.withdrawn,
        policy: answer.value.policy,
        hooks: hooks.map(|hook| HookReply { link: hook.link, path: hook.path }).collect(),
        pending: answer.value.pending,
        receipt: answer.receipt,
        as_of: answer.as_of,
    }
}

#[derive(Serialize)]
struct WaitingReply {
    plan: Digest,
    touches: Vec<String>,
    proposed_by: Option<PersonReply>,
    from: Timestamp,
    /// The steps in words.
    told: Vec<ToldStep>,
    /// Why it is confirmed with its files only; null where what was kept is enough.
    needs_files: Option<String>,
    as_of: u64,
}

/// A plan that waits for a second person: what they are about to confirm.
pub(crate) async fn waiting(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let plan: Digest = id(&text)?;
    let kept = app.clone();
    let work = move || {
        let app = kept;
        let kept = app.engine.waiting_plan(&caller, &plan)?;
        let standing = app.engine.standing();
        let known = standing.access.plans.get(&plan).ok_or_else(|| no_such("plan that waits"))?;
        let proposed = &known.proposed;
        Ok(WaitingReply {
            touches: proposed.touches.iter().cloned().collect(),
            proposed_by: proposed.by.as_ref().map(|by| card_of(&app, by)),
            from: proposed.from,
            told: kept.told,
            needs_files: kept.needs_files.map(|refusal| refusal.message),
            as_of: standing.size,
            plan,
        })
    };
    Ok(Reply(app.blocking(work).await?))
}

/// Makes a plan so that somebody else has proposed, from what was kept of it.
pub(crate) async fn confirm_kept(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let plan: Digest = id(&text)?;
    let answer = app.engine.confirm_plan(&caller, &plan).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

/// Refuses a plan that waits for a second person.
pub(crate) async fn refuse(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let plan: Digest = id(&text)?;
    let answer = app.engine.refuse_plan(&caller, &plan, body.value.reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
