//! `POST /.search` (RFC 7644, 3.4.3): a query in a body, over people, groups, or both.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::filter::member;
use super::list::{ListQuery, Page};
use super::wire::{self, ScimJson};
use super::{groups, users};
use crate::app::App;
use crate::body;
use crate::guard::By;
use crate::problem::Problem;
use crate::status;

/// The longest list of attributes.
const ATTRIBUTES: usize = 100;

pub(crate) async fn everything(
    State(app): State<App>,
    By(caller): By,
    ScimJson(sent): ScimJson,
) -> Result<Response, Problem> {
    let query = read(&sent)?;
    let page = users::seen(&app, &caller, query.page()?).await?;
    let page = groups::seen(&app, &caller, &query, page).await?;
    Ok(answer(page, &query))
}

pub(crate) async fn users(
    State(app): State<App>,
    By(caller): By,
    ScimJson(sent): ScimJson,
) -> Result<Response, Problem> {
    let query = read(&sent)?;
    Ok(answer(users::seen(&app, &caller, query.page()?).await?, &query))
}

pub(crate) async fn groups(
    State(app): State<App>,
    By(caller): By,
    ScimJson(sent): ScimJson,
) -> Result<Response, Problem> {
    let query = read(&sent)?;
    let page = query.page()?;
    Ok(answer(groups::seen(&app, &caller, &query, page).await?, &query))
}

fn answer(page: Page, query: &ListQuery) -> Response {
    wire::document(&page.done(query))
}

/// What is asked. The order is passed over, as in a query of a URL.
fn read(sent: &Value) -> Result<ListQuery, Problem> {
    let given = |name| member(sent, name).filter(|value| !value.is_null());
    let filter = match given("filter") {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(wrong("`filter` is a text")),
    };
    let number = |name| match given(name) {
        None => Ok(None),
        Some(value) => body::whole_of(value)
            .map(Some)
            .ok_or_else(|| wrong("a page begins at a number and has a number")),
    };
    let names = |name| match given(name) {
        None => Ok(None),
        Some(Value::Array(names)) if names.len() <= ATTRIBUTES => {
            let texts: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            let texts = texts.ok_or_else(|| wrong("attributes are named by texts"))?;
            Ok((!texts.is_empty()).then(|| texts.join(",")))
        }
        Some(_) => Err(wrong("attributes are a list of at most 100 names")),
    };
    Ok(ListQuery {
        filter,
        start_index: number("startIndex")?,
        count: number("count")?,
        attributes: names("attributes")?,
        excluded_attributes: names("excludedAttributes")?,
    })
}

fn wrong(why: &str) -> Problem {
    Problem::of(&status::SCIM_SYNTAX, why)
}
