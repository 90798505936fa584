//! `/scim/v2/Groups`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::Value;
use sluice_core::ids::ProvisionedId;
use sluice_engine::Caller;

use super::group;
use super::list::{ListQuery, Page};
use super::patch::{self, PatchRequest};
use super::wire::{self, Expected, ScimJson};
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::{Query, id};

/// How often a patch is made anew because something changed meanwhile.
const TRIES: usize = 5;

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let page = query.page()?;
    let page = seen(&app, &caller, &query, page).await?;
    Ok(wire::document(&page.done(&query)))
}

/// All groups go past a page.
pub(super) async fn seen(
    app: &App,
    caller: &Caller,
    query: &ListQuery,
    mut page: Page,
) -> Result<Page, Problem> {
    // Providers leave members out, since a group can have many.
    let members = query.wants("members") || page.is_filtered();
    let (base, engine, caller) = (app.scim_base(), app.engine.clone(), caller.clone());
    app.blocking(move || {
        for (id, group) in engine.provisioned_groups(&caller)? {
            page.see(|| group::write(&id, &group, &base, members));
        }
        Ok(page)
    })
    .await
}

pub(crate) async fn create(
    State(app): State<App>,
    By(caller): By,
    ScimJson(sent): ScimJson,
) -> Result<Response, Problem> {
    let made = app.engine.provision_group(&caller, None, None, group::read(&sent)?).await?;
    Ok(wire::resource(&shown(&app, &caller, &made.value)?, true))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let value = shown(&app, &caller, &id(&text)?)?;
    Ok(wire::shown(&query.cut(value), &headers))
}

pub(crate) async fn replace(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    Expected(expected): Expected,
    ScimJson(sent): ScimJson,
) -> Result<Response, Problem> {
    let id: ProvisionedId = id(&text)?;
    app.engine.provision_group(&caller, Some(&id), expected, group::read(&sent)?).await?;
    Ok(wire::resource(&shown(&app, &caller, &id)?, false))
}

pub(crate) async fn patch(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    Expected(expected): Expected,
    ScimJson(request): ScimJson,
) -> Result<Response, Problem> {
    let id: ProvisionedId = id(&text)?;
    for attempt in 1.. {
        let known = app.engine.provisioned_group(&caller, &id)?;
        let (version, sent) = (expected.unwrap_or(known.version), request.clone());
        // Many operations with filters over many members take their time.
        let wish = app.blocking(move || {
            let mut kept = group::kept(&known, true);
            patch::apply(&mut kept, PatchRequest::read(&sent)?, group::KNOWN)?;
            group::read(&Value::Object(kept))
        });
        let wish = wish.await?;
        match app.engine.provision_group(&caller, Some(&id), Some(version), wish).await {
            Ok(_) => break,
            Err(error) if expected.is_none() && attempt < TRIES && wire::is_outdated(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(wire::resource(&shown(&app, &caller, &id)?, false))
}

pub(crate) async fn remove(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    Expected(expected): Expected,
) -> Result<Response, Problem> {
    app.engine.deprovision_group(&caller, &id(&text)?, expected).await?;
    Ok(wire::gone())
}

fn shown(app: &App, caller: &Caller, id: &ProvisionedId) -> Result<Value, Problem> {
    let group = app.engine.provisioned_group(caller, id)?;
    Ok(group::write(id, &group, &app.scim_base(), true))
}
