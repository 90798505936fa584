//! What waits for whoever asks, and the views that they keep.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sluice_core::refusal::Refusal;
use sluice_engine::{SavedView, Wanted};

use super::Reply;
use super::stops::Done;
use crate::app::App;
use crate::body::Json;
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;

#[derive(Serialize)]
struct WantedReply {
    items: Vec<Wanted>,
    unseen: usize,
    as_of: u64,
}

/// What waits for a person, the newest first.
pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
) -> Result<impl IntoResponse, Problem> {
    let (engine, as_of) = (app.engine.clone(), app.engine.standing().size);
    let items = app.blocking(move || engine.wanted(&caller).map_err(Problem::from)).await?;
    let unseen = items.iter().filter(|one| one.unseen).count();
    Ok(Reply(WantedReply { items, unseen, as_of }))
}

/// They have been seen.
pub(crate) async fn seen(
    State(app): State<App>,
    By(caller): By,
) -> Result<impl IntoResponse, Problem> {
    app.engine.mark_seen(&caller).await?;
    Ok(Reply(Done { receipt: None, as_of: app.engine.standing().size }))
}

/// The views that a person keeps.
pub(crate) async fn views(
    State(app): State<App>,
    By(caller): By,
) -> Result<impl IntoResponse, Problem> {
    let (engine, as_of) = (app.engine.clone(), app.engine.standing().size);
    let items = app.blocking(move || engine.saved_views(&caller).map_err(Problem::from)).await?;
    Ok(Reply(Listed { items, next: None, as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewRequest {
    address: String,
}

/// Keeps a view.
pub(crate) async fn save(
    State(app): State<App>,
    By(caller): By,
    Path(title): Path<String>,
    body: Json<ViewRequest>,
) -> Result<impl IntoResponse, Problem> {
    is_title(&title)?;
    app.engine.save_view(&caller, SavedView { title, address: body.value.address }).await?;
    Ok(Reply(Done { receipt: None, as_of: app.engine.standing().size }))
}

/// Forgets a view.
pub(crate) async fn remove(
    State(app): State<App>,
    By(caller): By,
    Path(title): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    is_title(&title)?;
    app.engine.remove_view(&caller, &title).await?;
    Ok(Reply(Done { receipt: None, as_of: app.engine.standing().size }))
}

/// A title in a path is written in one way only.
fn is_title(title: &str) -> Result<(), Problem> {
    let fits = (1..=60).contains(&title.chars().count())
        && title.trim() == title
        && !title.starts_with('.')
        && !title.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    let why = "the name of a view has 1 to 60 characters, and begins with no dot or space";
    Err(Refusal::invalid("bad_name", why, "name it in a few words").into())
}
