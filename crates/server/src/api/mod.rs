//! The JSON API, one file per resource.

pub(crate) mod accounts;
pub(crate) mod calendar;
pub(crate) mod changes;
pub(crate) mod decisions;
pub(crate) mod deployments;
pub(crate) mod emergency;
pub(crate) mod exceptions;
pub(crate) mod exchange;
pub(crate) mod gate;
pub(crate) mod identity;
pub(crate) mod inbox;
pub(crate) mod incidents;
pub(crate) mod ledger;
pub(crate) mod links;
pub(crate) mod notifications;
pub(crate) mod organisation;
pub(crate) mod passes;
pub(crate) mod policy;
pub(crate) mod problems;
pub(crate) mod roles;
pub(crate) mod secrets;
pub(crate) mod session;
pub(crate) mod stops;
pub(crate) mod system;
pub(crate) mod talk;
pub(crate) mod tokens;
pub(crate) mod windows;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sluice_core::ids::ServiceName;

use crate::app::App;
use crate::problem::Problem;
use crate::status;

/// An answer as JSON.
pub(crate) struct Reply<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::of(&status::INTERNAL, "").logged(error).into_response(),
        }
    }
}

/// A new record as JSON, `201`.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = Reply(self.0).into_response();
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::CREATED;
        }
        response
    }
}

/// JSON text that the store keeps, as it is.
pub(crate) fn stored(body: String, what: &str) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(body).map_err(|error| {
        Problem::of(&status::DAMAGED, "the answer is withheld").logged(format!("{what}: {error}"))
    })
}

/// A time the store keeps.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MIN)
}

/// What is asked of a service in an environment is about what is declared: of anything else there is nothing to say, and
/// saying nothing would look as if all were well.
pub(crate) fn declared(
    app: &App,
    service: &ServiceName,
    environment: Option<&str>,
) -> Result<(), Problem> {
    let standing = app.engine.standing();
    let organisation = &standing.organisation;
    if !organisation.services.contains_key(service) {
        return Err(no_such(format!("service `{service}`")));
    }
    match environment.filter(|name| organisation.environment_named(name).is_none()) {
        Some(name) => Err(no_such(format!("environment `{name}`"))),
        None => Ok(()),
    }
}

/// There is no such record.
pub(crate) fn no_such(what: impl std::fmt::Display) -> Problem {
    Problem::of(&status::NO_SUCH_RECORD, format!("there is no {what}"))
}
