//! What people do to an incident by a form: the same calls of the engine that the API makes.

use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::{IncidentNumber, ProblemNumber};
use sluice_core::incident::{IncidentState, Resolution};
use sluice_engine::{EngineError, IncidentStep, ProblemStep};

use super::one::{self, Kept};
use crate::api::incidents::visible;
use crate::problem::Problem;
use crate::web::form::{Form, refused};
use crate::web::page::{Looker, see};
use crate::web::pages::change::lines;
use crate::web::pages::disturbed;

/// Where it stands now, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveForm {
    state: IncidentState,
    #[serde(default)]
    note: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Says that it is worked on, or waits.
pub(crate) async fn advance(
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<MoveForm>,
) -> Result<Response, Problem> {
    let kept = Kept { move_note: form.note.clone(), ..Kept::default() };
    let step = IncidentStep::Move(form.state);
    done(looker, &number, step, &form.note, "incident_moved", kept).await
}

/// How it ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveForm {
    resolution: Resolution,
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
    let kept = Kept {
        end_note: form.note.clone(),
        resolution: form.resolution.as_str().to_owned(),
        ..Kept::default()
    };
    let step = IncidentStep::Resolve(form.resolution);
    done(looker, &number, step, &form.note, "incident_resolved", kept).await
}

async fn done(
    looker: Looker,
    number: &str,
    step: IncidentStep,
    note: &str,
    word: &str,
    kept: Kept,
) -> Result<Response, Problem> {
    let number = visible(&looker.app, &looker.caller, number).await?.0;
    let engine = looker.app.engine.clone();
    let result = engine.advance_incident(&looker.caller, number, step, lines(note)).await;
    shown(looker, number, result.map(|_| ()), word, kept).await
}

/// A problem that it belongs to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlameForm {
    problem: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Links it to a problem.
pub(crate) async fn blame(
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<BlameForm>,
) -> Result<Response, Problem> {
    let number = visible(&looker.app, &looker.caller, &number).await?.0;
    let kept = Kept { problem: form.problem.clone(), ..Kept::default() };
    let named = disturbed::number::<ProblemNumber>(&form.problem).map_err(EngineError::from);
    let result = match named {
        Err(error) => Err(error),
        Ok(problem) => {
            let step = ProblemStep::Link([number].into(), [].into());
            let engine = looker.app.engine.clone();
            let linked = engine.advance_problem(&looker.caller, problem, step, String::new());
            linked.await.map(|_| ())
        }
    };
    shown(looker, number, result, "linked", kept).await
}

/// The incident again: as it stands now, or with what was refused in its place.
async fn shown(
    looker: Looker,
    number: IncidentNumber,
    result: Result<(), EngineError>,
    word: &str,
    kept: Kept,
) -> Result<Response, Problem> {
    match result {
        Ok(()) => Ok(see(&format!("/incidents/{number}?done={word}"))),
        Err(error) => {
            refused(looker, error, move |visit, fault| one::build(visit, number, kept, Some(fault)))
                .await
        }
    }
}
