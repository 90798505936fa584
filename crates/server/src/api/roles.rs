//! Roles: the table, what is granted by two people, and why somebody may do something.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::access::{RoleState, RoleTable, StandingRole};
use sluice_core::ids::{GrantId, PersonId, ServiceName};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::ledger::Receipt;
use sluice_engine::{Explained, Object, RoleWish};

use super::accounts::person;
use super::changes::find;
use super::identity::{called, card_of};
use super::stops::{Done, ReasonRequest};
use super::{Created, Reply, declared};
use crate::app::App;
use crate::body::Json;
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::{Query, argument, id};
use crate::status;

pub(crate) async fn table(State(app): State<App>, By(_): By) -> impl IntoResponse {
    let table: RoleTable = app.engine.standing().access.table.as_ref().clone();
    Reply(table)
}

#[derive(Serialize)]
struct GrantReply {
    grant: GrantId,
    person: PersonId,
    role: String,
    scope: Scope,
    state: &'static str,
    reason: String,
    proposed_by: PersonId,
    proposed_at: Timestamp,
    confirmed_by: Option<PersonId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Short names of the people, as far as they are known.
    handles: Handles,
    /// All of it in words: what a second person is about to confirm.
    told: String,
}

#[derive(Serialize)]
struct Handles {
    person: String,
    proposed_by: String,
    confirmed_by: Option<String>,
}

fn reply(app: &App, grant: &GrantId, role: &StandingRole) -> GrantReply {
    let proposed = role.proposed.clone();
    let handle = |id: &PersonId| card_of(app, id).handle;
    let told = told(app, role);
    let (state, confirmed_by, from) = match &role.state {
        RoleState::Proposed => ("proposed", None, None),
        RoleState::Confirmed { by, from } => ("confirmed", Some(by.clone()), Some(*from)),
        RoleState::Granted { by, since } => ("granted", Some(by.clone()), Some(*since)),
    };
    GrantReply {
        handles: Handles {
            person: handle(&proposed.person),
            proposed_by: handle(&proposed.by),
            confirmed_by: confirmed_by.as_ref().map(handle),
        },
        told,
        grant: grant.clone(),
        person: proposed.person,
        role: proposed.role,
        scope: proposed.scope,
        state,
        reason: proposed.reason,
        proposed_by: proposed.by,
        proposed_at: role.at,
        confirmed_by,
        from,
        until: proposed.until,
    }
}

/// A role that waits or holds, in words.
fn told(app: &App, role: &StandingRole) -> String {
    let StandingRole { proposed, at, .. } = role;
    let (who, by) = (called(app, &proposed.person), called(app, &proposed.by));
    let until = proposed
        .until
        .map_or_else(|| "until it is revoked".to_owned(), |until| format!("until {until}"));
    let (name, scope, reason) = (&proposed.role, &proposed.scope, &proposed.reason);
    format!(
        "{who} is to have the role `{name}` for {scope}, {until}; proposed by {by} at {at}, because: {reason}"
    )
}

pub(crate) async fn list(State(app): State<App>, By(_): By) -> Result<impl IntoResponse, Problem> {
    let cards = app.clone();
    let work = move || {
        let standing = cards.engine.standing();
        let roles = standing.access.roles.iter().take(5_000);
        let items: Vec<GrantReply> = roles.map(|(id, role)| reply(&cards, id, role)).collect();
        Ok(Listed { items, next: None, as_of: standing.size })
    };
    Ok(Reply(app.blocking(work).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleRequest {
    /// Handle or opaque id.
    person: String,
    role: String,
    #[serde(default)]
    scope: Scope,
    until: Option<Timestamp>,
    reason: String,
}

#[derive(Serialize)]
struct ProposedReply {
    grant: GrantId,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn propose(
    State(app): State<App>,
    By(caller): By,
    body: Json<RoleRequest>,
) -> Result<impl IntoResponse, Problem> {
    let given = body.value;
    let wish = RoleWish {
        person: person(&app, &given.person)?,
        role: given.role,
        scope: given.scope,
        until: given.until,
        reason: given.reason,
    };
    let answer = app.engine.propose_role(&caller, wish).await?;
    Ok(Created(ProposedReply { grant: answer.value, receipt: answer.receipt, as_of: answer.as_of }))
}

pub(crate) async fn confirm(
    State(app): State<App>,
    By(caller): By,
    Path(grant): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let grant: GrantId = id(&grant)?;
    let answer = app.engine.confirm_role(&caller, &grant).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

pub(crate) async fn revoke(
    State(app): State<App>,
    By(caller): By,
    Path(grant): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let grant: GrantId = id(&grant)?;
    let answer = app.engine.revoke_role(&caller, &grant, body.value.reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    person: String,
    permission: String,
    service: Option<String>,
    environment: Option<String>,
    change: Option<String>,
}

#[derive(Serialize)]
struct ExplainReply {
    person: PersonId,
    permission: Permission,
    #[serde(flatten)]
    explained: Explained,
    as_of: u64,
}

pub(crate) async fn explain(
    State(app): State<App>,
    By(caller): By,
    Query(query): Query<ExplainQuery>,
) -> Result<impl IntoResponse, Problem> {
    let person = person(&app, &query.person)?;
    let permission = Permission::parse(&query.permission).ok_or_else(|| {
        Problem::of(
            &status::QUERY_INVALID,
            format!("there is no permission `{}`", query.permission),
        )
    })?;
    let object = object(&app, &query)?;
    if let Object::Change(number) = &object {
        find(&app, &caller, &number.to_string()).await?;
    }
    let engine = app.engine.clone();
    let (who, as_of) = (person.clone(), app.engine.standing().size);
    let explained = app
        .blocking(move || Ok(engine.explain_access(&caller, &who, permission, &object)?))
        .await?;
    Ok(Reply(ExplainReply { person, permission, explained, as_of }))
}

fn object(app: &App, query: &ExplainQuery) -> Result<Object, Problem> {
    match (&query.service, &query.environment, &query.change) {
        (Some(service), Some(environment), None) => {
            let service: ServiceName = argument(service)?;
            declared(app, &service, Some(environment))?;
            let standing = app.engine.standing();
            let named = standing.organisation.environment_named(environment);
            let environment = match named {
                Some(named) => named.name.clone(),
                None => argument(environment)?,
            };
            Ok(Object::Place(standing.organisation.target(&service, &environment)))
        }
        (None, None, Some(change)) => Ok(Object::Change(argument(change)?)),
        (None, None, None) => Ok(Object::Anything),
        _ => {
            let detail = "an object is a `service` in an `environment`, or a `change`, or nothing";
            Err(Problem::of(&status::QUERY_INVALID, detail))
        }
    }
}
