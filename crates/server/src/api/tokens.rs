//! Bearer tokens: made, listed, revoked. A secret is shown once, when it is made.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::{PersonId, TokenId};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::ledger::Receipt;
use sluice_engine::{CallerKind, NewToken};

use super::accounts::person;
use super::stops::Done;
use super::{Created, Reply};
use crate::app::App;
use crate::body::{self, Json};
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct TokenReply {
    id: TokenId,
    label: String,
    kind: String,
    person: Option<PersonId>,
    permissions: Vec<String>,
    scope: Scope,
    expires_at: Timestamp,
}

/// Tokens that are good, by id.
pub(crate) async fn list(
    State(app): State<App>,
    By(_): By,
    uri: Uri,
    Query(query): Query<TokensQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let standing = app.engine.standing();
    let now = app.engine.now();
    let most = usize::try_from(seek.limit).unwrap_or(usize::MAX) + 1;
    let after = seek.name()?;
    let mut items: Vec<TokenReply> = standing
        .tokens
        .values()
        .map(|token| &token.token)
        .filter(|token| token.expires_at > now)
        .filter(|token| after.is_none_or(|after| token.id.as_str() > after))
        .take(most)
        .map(|token| TokenReply {
            id: token.id.clone(),
            label: token.label.clone(),
            kind: token.kind.clone(),
            person: token.person.clone(),
            permissions: token.permissions.clone(),
            scope: token.scope.clone(),
            expires_at: token.expires_at,
        })
        .collect();
    let more = seek.cut(&mut items);
    let last = items.last().filter(|_| more);
    let next = last.map(|token| paging::next(uri.path(), uri.query(), token.id.as_str()));
    Ok(Reply(Listed { items, next, as_of: standing.size }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    label: String,
    kind: KindRequest,
    /// Handle or opaque id of whoever asks; may be left out.
    person: Option<String>,
    permissions: BTreeSet<Permission>,
    #[serde(default)]
    scope: Scope,
    #[serde(deserialize_with = "body::whole")]
    expires_in_hours: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRequest {
    Pipeline,
    Person,
}

#[derive(Serialize)]
struct SecretReply {
    id: TokenId,
    secret: String,
    expires_at: Timestamp,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn create(
    State(app): State<App>,
    By(caller): By,
    body: Json<TokenRequest>,
) -> Result<impl IntoResponse, Problem> {
    let given = body.value;
    let person = given.person.map(|who| person(&app, &who)).transpose()?;
    let own = || caller.person.clone().filter(|_| matches!(given.kind, KindRequest::Person));
    let person = person.or_else(own);
    let wanted = NewToken {
        label: given.label,
        kind: match given.kind {
            KindRequest::Pipeline => CallerKind::Pipeline,
            KindRequest::Person => CallerKind::Person,
        },
        person,
        permissions: given.permissions,
        scope: given.scope,
        expires_in_hours: given.expires_in_hours,
    };
    let answer = app.engine.create_token(&caller, wanted).await?;
    Ok(Created(SecretReply {
        id: answer.value.id,
        secret: answer.value.secret,
        expires_at: answer.value.expires_at,
        receipt: answer.receipt,
        as_of: answer.as_of,
    }))
}

pub(crate) async fn revoke(
    State(app): State<App>,
    By(caller): By,
    Path(token): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let token: TokenId = id(&token)?;
    let answer = app.engine.revoke_token(&caller, &token).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

/// A second person agrees that whoever has a token provisions people.
pub(crate) async fn confirm(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.confirm_provisioning(&caller, &id(&text)?).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
