//! `/scim/v2/Users`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::Value;
use sluice_core::ids::ProvisionedId;
use sluice_engine::{Caller, UserRecord};

use super::list::{ListQuery, Page};
use super::patch::{self, PatchRequest};
use super::user::{self, Absent};
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
    let page = seen(&app, &caller, query.page()?).await?;
    Ok(wire::document(&page.done(&query)))
}

/// Everybody goes past a page.
pub(super) async fn seen(app: &App, caller: &Caller, mut page: Page) -> Result<Page, Problem> {
    let (base, engine, caller) = (app.scim_base(), app.engine.clone(), caller.clone());
    app.blocking(move || {
        let named = page.user_name().map(|name| engine.provisioned_by_name(&caller, name));
        match named.transpose()? {
            Some(found) => {
                if let Some(id) = found {
                    let record = engine.provisioned_user(&caller, &id)?;
                    page.see(|| user::write(&record, &base));
                }
            }
            None => engine.each_provisioned_user(&caller, |record| {
                page.see(|| user::write(&record, &base));
            })?,
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
    let wish = user::read(&sent, Absent::Active)?;
    let made = app.engine.provision_user(&caller, None, None, wish).await?;
    Ok(wire::resource(&shown(&app, &caller, &made.value).await?, true))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let value = shown(&app, &caller, &id(&text)?).await?;
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
    let wish = user::read(&sent, Absent::Active)?;
    app.engine.provision_user(&caller, Some(&id), expected, wish).await?;
    Ok(wire::resource(&shown(&app, &caller, &id).await?, false))
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
        let (record, sent) = (found(&app, &caller, &id).await?, request.clone());
        let version = expected.unwrap_or(record.user.version);
        // Many operations with filters over many values take their time.
        let wish = app.blocking(move || {
            let mut kept = user::kept(&record);
            patch::apply(&mut kept, PatchRequest::read(&sent)?, user::KNOWN)?;
            user::read(&Value::Object(kept), Absent::Inactive)
        });
        let wish = wish.await?;
        match app.engine.provision_user(&caller, Some(&id), Some(version), wish).await {
            Ok(_) => break,
            Err(error) if expected.is_none() && attempt < TRIES && wire::is_outdated(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(wire::resource(&shown(&app, &caller, &id).await?, false))
}

pub(crate) async fn remove(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    Expected(expected): Expected,
) -> Result<Response, Problem> {
    app.engine.deprovision_user(&caller, &id(&text)?, expected).await?;
    Ok(wire::gone())
}

async fn shown(app: &App, caller: &Caller, id: &ProvisionedId) -> Result<Value, Problem> {
    Ok(user::write(&found(app, caller, id).await?, &app.scim_base()))
}

async fn found(app: &App, caller: &Caller, id: &ProvisionedId) -> Result<UserRecord, Problem> {
    let (engine, caller, id) = (app.engine.clone(), caller.clone(), id.clone());
    app.blocking(move || Ok(engine.provisioned_user(&caller, &id)?)).await
}
