//! The next windows of a service in an environment.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use sluice_core::ids::ServiceName;

use super::{Reply, declared};
use crate::app::App;
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::{Query, argument};
use crate::status;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarQuery {
    service: String,
    environment: Option<String>,
    count: Option<usize>,
}

pub(crate) async fn next(
    State(app): State<App>,
    By(_): By,
    Query(query): Query<CalendarQuery>,
) -> Result<impl IntoResponse, Problem> {
    let service: ServiceName = argument(&query.service)?;
    let count = query.count.unwrap_or(10);
    if !(1..=200).contains(&count) {
        return Err(Problem::of(&status::QUERY_INVALID, "`count` is 1 to 200"));
    }
    declared(&app, &service, query.environment.as_deref())?;
    let engine = app.engine.clone();
    let look = move || Ok(engine.next_windows(&service, query.environment.as_deref(), count));
    let items = app.blocking(look).await?;
    Ok(Reply(Listed { items, next: None, as_of: app.engine.standing().size }))
}
