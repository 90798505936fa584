//! Accounts: made and closed by administrators, set up by their people alone.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::access::Reset;
use sluice_core::access::event::ResetAsked;
use sluice_core::ids::PersonId;
use sluice_engine::ledger::Receipt;
use sluice_engine::{Enrolment, Proof};

use super::identity::{PersonReply, called, card_of};
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
    /// That somebody wants it set back, and waits for a second person.
    reset: Option<WaitingReset>,
}

#[derive(Serialize)]
struct WaitingReset {
    asked_by: PersonReply,
    asked_at: Timestamp,
    reason: String,
    /// All of it in words: what a second person is about to confirm.
    told: String,
}

/// That an account is to be set back, in words.
pub(crate) fn told(app: &App, reset: &Reset) -> String {
    let ResetAsked { person, by, reason, .. } = &reset.asked;
    let (who, by, at) = (called(app, person), called(app, by), reset.at);
    format!(
        "the account of {who} is to be set back: its password and second factor are gone, its sessions and tokens end, and whoever confirms hands a code over; asked by {by} at {at}, because: {reason}"
    )
}

pub(crate) async fn list(State(app): State<App>, By(_): By) -> Result<impl IntoResponse, Problem> {
    let engine = app.clone();
    let items = app.blocking(move || Ok(all(&engine))).await?;
    Ok(Reply(Listed { items, next: None, as_of: app.engine.standing().size }))
}

fn all(app: &App) -> Vec<AccountReply> {
    let (standing, now) = (app.engine.standing(), app.engine.now());
    let accounts = standing.access.accounts.iter().take(5_000);
    accounts
        .map(|(person, account)| AccountReply {
            person: card_of(app, person),
            since: account.since,
            factors: account.factors.iter().cloned().collect(),
            disabled: account.disabled.clone(),
            sessions: standing.access.sessions_of(person).count(),
            reset: standing.access.resets.get(person).filter(|it| it.waits(now)).map(|it| {
                WaitingReset {
                    asked_by: card_of(app, &it.asked.by),
                    asked_at: it.at,
                    reason: it.asked.reason.clone(),
                    told: told(app, it),
                }
            }),
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
    Ok(Created(EnrolmentReply::of(answer.value, answer.as_of)))
}

impl EnrolmentReply {
    fn of(enrolment: Enrolment, as_of: u64) -> Self {
        let Enrolment { person, code, expires_at } = enrolment;
        Self { person, code, expires_at, as_of }
    }
}

#[derive(Serialize)]
struct ResetReply {
    person: PersonId,
    /// Whether it waits for a second person.
    waits: bool,
    /// The code, where nobody else could agree.
    enrolment: Option<EnrolmentReply>,
    receipt: Option<Receipt>,
    as_of: u64,
}

/// Asks to set an account back.
pub(crate) async fn reset(
    State(app): State<App>,
    By(caller): By,
    Path(who): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let reason = body.value.within(1_000)?;
    let person = person(&app, &who)?;
    let answer = app.engine.ask_reset(&caller, &person, reason).await?;
    let (receipt, as_of) = (answer.receipt, answer.as_of);
    let enrolment = answer.value.map(|it| EnrolmentReply::of(it, as_of));
    Ok(Created(ResetReply { person, waits: enrolment.is_none(), enrolment, receipt, as_of }))
}

/// A second person agrees.
pub(crate) async fn confirm_reset(
    State(app): State<App>,
    By(caller): By,
    Path(who): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let person = person(&app, &who)?;
    let answer = app.engine.confirm_reset(&caller, &person).await?;
    Ok(Reply(EnrolmentReply::of(answer.value, answer.as_of)))
}

/// Nothing becomes of it.
pub(crate) async fn refuse_reset(
    State(app): State<App>,
    By(caller): By,
    Path(who): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let reason = body.value.within(1_000)?;
    let person = person(&app, &who)?;
    let answer = app.engine.refuse_reset(&caller, &person, reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
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
