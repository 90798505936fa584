//! Who asks, and who a person is.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sluice_core::ids::{PersonId, TokenId};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::ledger::Receipt;
use sluice_engine::{CallerKind, Grant};

use super::{Reply, no_such};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::problem::Problem;
use crate::query::id;
use crate::status;

#[derive(Serialize)]
struct CallerReply {
    token: TokenId,
    kind: CallerKind,
    person: Option<PersonReply>,
    permissions: Vec<Permission>,
    /// Where all of it holds; absent where it differs, see `grants`.
    scope: Option<Scope>,
    grants: Vec<Grant>,
}

/// Who a person is, as far as they have not been erased.
#[derive(Serialize)]
pub(crate) struct PersonReply {
    id: PersonId,
    pub(crate) handle: String,
    name: String,
}

pub(crate) async fn whoami(State(app): State<App>, By(caller): By) -> impl IntoResponse {
    let person = caller.person.as_ref().map(|id| card_of(&app, id));
    let scope = match caller.grants.as_slice() {
        [only] => Some(only.scope.clone()),
        _ => None,
    };
    Reply(CallerReply {
        token: caller.token.clone(),
        kind: caller.kind,
        person,
        permissions: caller.permissions().into_iter().collect(),
        scope,
        grants: caller.grants.clone(),
    })
}

/// One person, by opaque id with or without its `person/`.
pub(crate) async fn person(
    State(app): State<App>,
    By(_): By,
    Path(text): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let whole = if text.contains('/') { text } else { format!("person/{text}") };
    let person: PersonId = id(&whole)?;
    card(&app, &person).map(Reply).ok_or_else(|| no_such("person of this id, or it was erased"))
}

/// The card of a person; an erased one has an id only.
pub(crate) fn card_of(app: &App, id: &PersonId) -> PersonReply {
    card(app, id).unwrap_or_else(|| PersonReply {
        id: id.clone(),
        handle: String::new(),
        name: String::new(),
    })
}

/// A person in words: name and handle, as far as they are known.
pub(crate) fn called(app: &App, id: &PersonId) -> String {
    match card(app, id) {
        Some(it) if it.name.is_empty() => it.handle,
        Some(it) => format!("{} ({})", it.name, it.handle),
        None => id.to_string(),
    }
}

fn card(app: &App, id: &PersonId) -> Option<PersonReply> {
    let card = app.engine.person_card(id)?;
    Some(PersonReply { id: card.id, handle: card.handle, name: card.name })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseRequest {
    /// Handle or opaque id; the person is not declared any more.
    person: String,
}

#[derive(Serialize)]
struct ErasedReply {
    person: PersonId,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn erase(
    State(app): State<App>,
    By(caller): By,
    body: Json<EraseRequest>,
) -> Result<impl IntoResponse, Problem> {
    let who = &body.value.person;
    text_within("person", who, 320)?;
    if who.trim().is_empty() || who.chars().any(char::is_control) {
        let detail = "a person is a handle, a user name or an opaque id";
        return Err(Problem::of(&status::BODY_INVALID, detail).at("person"));
    }
    let person = match PersonId::parse(who) {
        Ok(person) => person,
        Err(_) => app.engine.person_to_erase(who).await?,
    };
    let answer = app.engine.erase_person(&caller, &person).await?;
    Ok(Reply(ErasedReply { person, receipt: answer.receipt, as_of: answer.as_of }))
}
