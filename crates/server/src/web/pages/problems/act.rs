//! What people do to a problem by a form: the same calls of the engine that the API makes.

use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::ProblemNumber;
use sluice_core::problem::ProblemState;
use sluice_engine::{EngineError, ProblemStep};

use super::one::{self, Kept};
use crate::api::problems::visible;
use crate::problem::Problem;
use crate::web::form::{Form, refused};
use crate::web::page::{Looker, see};
use crate::web::pages::change::lines;
use crate::web::pages::disturbed;

/// Where it stands now, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveForm {
    state: ProblemState,
    #[serde(default)]
    note: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Says where it stands.
pub(crate) async fn advance(
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Problem> {
    let kept = Kept { move_note: form.note.clone(), ..Kept::default() };
    let step = Ok(ProblemStep::Move(form.state));
    done(looker, &number, step, &form.note, "problem_moved", kept).await
}

/// How it ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveForm {
    #[serde(default)]
    note: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Says that it is over.
pub(crate) async fn resolve(
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<ResolveForm>,
) -> Result<Response, Problem> {
    let kept = Kept { end_note: form.note.clone(), ..Kept::default() };
    let step = Ok(ProblemStep::Resolve);
    done(looker, &number, step, &form.note, "problem_resolved", kept).await
}

/// What belongs to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkForm {
    #[serde(default)]
    records: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Links further incidents and changes.
pub(crate) async fn link(
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Problem> {
    let step = disturbed::records(&form.records)
        .map(|(incidents, changes)| ProblemStep::Link(incidents, changes))
        .map_err(EngineError::from);
    let kept = Kept { records: form.records, ..Kept::default() };
    done(looker, &number, step, "", "linked", kept).await
}

/// Does it, and shows the problem again: as it stands now, or with what was refused in its place.
async fn done(
    looker: Looker,
    number: &str,
    step: Result<ProblemStep, EngineError>,
    note: &str,
    word: &str,
    kept: Kept,
) -> Result<Response, Problem> {
    let number: ProblemNumber = visible(&looker.app, &looker.caller, number).await?.0;
    let engine = looker.app.engine.clone();
    let result = match step {
        Ok(step) => engine.advance_problem(&looker.caller, number, step, lines(note)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(_) => Ok(see(&format!("/problems/{number}?done={word}"))),
        Err(error) => {
            refused(looker, error, move |visit, fault| one::build(visit, number, kept, Some(fault)))
                .await
        }
    }
}
