//! Accounts: made and closed by administrators, set up by their people alone.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::PersonId;
use sluice_engine::Proof;

use super::identity::{PersonReply, card_of};
use super::session::ProofRequest;
use super::stops::{Done, ReasonRequest};
use super::{Created, Reply};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::session::From;
use crate::status;

#[derive(Serialize)]
struct AccountReply {
    person: PersonReply,
    since: Timestamp,
    factors: Vec<String>,
    disabled: Option<String>,
    sessions: usize,
}

pub(crate) async fn list(State(app): State<App>, By(_): By) -> Result<impl IntoResponse, Problem> {
    let engine = app.clone();
    let items = app.blocking(move || Ok(all(&engine))).await?;
    Ok(Reply(Listed { items, next: None, as_of: app.engine.standing().size }))
}

fn all(app: &App) -> Vec<AccountReply> {
    let standing = app.engine.standing();
    let accounts = standing.access.accounts.iter().take(5_000);
    accounts
        .map(|(person, account)| AccountReply {
            person: card_of(app, person),
            since: account.since,
            factors: account.factors.iter().cloned().collect(),
            disabled: account.disabled.clone(),
            sessions: standing.access.sessions_of(person).count(),
        })
        .collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRequest {
    /// Handle or opaque id.
    person: String,
}

#[derive(Serialize)]
struct EnrolmentReply {
    person: PersonId,
    code: String,
    expires_at: Timestamp,
    as_of: u64,
}

pub(crate) async fn create(
    State(app): State<App>,
    By(caller): By,
    body: Json<AccountRequest>,
) -> Result<impl IntoResponse, Problem> {
    let person = person(&app, &body.value.person)?;
    let answer = app.engine.create_account(&caller, &person).await?;
    Ok(Created(EnrolmentReply {
        person: answer.value.person,
        code: answer.value.code,
        expires_at: answer.value.expires_at,
        as_of: answer.as_of,
    }))
}

/// A person by opaque id or by handle.
pub(crate) fn person(app: &App, who: &str) -> Result<PersonId, Problem> {
    if let Ok(id) = PersonId::parse(who) {
        return Ok(id);
    }
    app.engine.person_by_handle(who).ok_or_else(|| {
        Problem::of(&status::NO_SUCH_RECORD, "nobody with this handle is declared").at("person")
    })
}

pub(crate) async fn disable(
    State(app): State<App>,
    By(caller): By,
    Path(who): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let reason = body.value.within(1_000)?;
    let person = person(&app, &who)?;
    let answer = app.engine.set_account_open(&caller, &person, false, reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

pub(crate) async fn enable(
    State(app): State<App>,
    By(caller): By,
    Path(who): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let person = person(&app, &who)?;
    let answer = app.engine.set_account_open(&caller, &person, true, String::new()).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolRequest {
    handle: String,
    code: String,
    password: String,
}

pub(crate) async fn enrol(
    State(app): State<App>,
    From(address): From,
    body: Json<EnrolRequest>,
) -> Result<impl IntoResponse, Problem> {
    let given = body.value;
    text_within("handle", &given.handle, 64)?;
    text_within("code", &given.code, 128)?;
    let answer = app.engine.enrol(&given.handle, &given.code, given.password, address).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRequest {
    current: String,
    code: Option<String>,
    new: String,
}

pub(crate) async fn password(
    State(app): State<App>,
    By(caller): By,
    From(address): From,
    body: Json<PasswordRequest>,
) -> Result<impl IntoResponse, Problem> {
    let given = body.value;
    let proof = Proof { password: given.current, code: given.code, address };
    let answer = app.engine.change_password(&caller, proof, given.new).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Serialize)]
struct TotpReply {
    secret: String,
    address: String,
}

pub(crate) async fn begin_totp(
    State(app): State<App>,
    By(caller): By,
) -> Result<impl IntoResponse, Problem> {
    let start = app.engine.begin_totp(&caller).await?;
    Ok(Reply(TotpReply { secret: start.secret, address: start.address }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    code: String,
}

#[derive(Serialize)]
struct RecoveryReply {
    recovery_codes: Vec<String>,
    as_of: u64,
}

pub(crate) async fn confirm_totp(
    State(app): State<App>,
    By(caller): By,
    body: Json<CodeRequest>,
) -> Result<impl IntoResponse, Problem> {
    text_within("code", &body.value.code, 64)?;
    let answer = app.engine.confirm_totp(&caller, &body.value.code).await?;
    Ok(Reply(RecoveryReply { recovery_codes: answer.value, as_of: answer.as_of }))
}

pub(crate) async fn remove_totp(
    State(app): State<App>,
    By(caller): By,
    From(address): From,
    body: Json<ProofRequest>,
) -> Result<impl IntoResponse, Problem> {
    let proof = Proof { password: body.value.password, code: body.value.code, address };
    let answer = app.engine.remove_totp(&caller, proof).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
