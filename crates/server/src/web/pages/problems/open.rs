//! The form by which people open a problem.

use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::ProblemNumber;
use sluice_core::problem::Opening;
use sluice_core::refusal::Refusal;
use sluice_engine::EngineError;

use crate::problem::Problem;
use crate::query::Query;
use crate::web::form::{Fault, Form, refused};
use crate::web::page::{Looker, page, see};
use crate::web::pages::change::lines;
use crate::web::pages::disturbed;
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::w;

/// A problem as the form writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wish {
    title: String,
    service: String,
    others: String,
    records: String,
    note: String,
    csrf_token: String,
}

impl Wish {
    fn opening(&self) -> Result<Opening, Refusal> {
        let (incidents, changes) = disturbed::records(&self.records)?;
        Ok(Opening {
            source: None,
            title: self.title.trim().to_owned(),
            services: disturbed::services(&self.service, &self.others)?,
            incidents,
            changes,
            note: lines(&self.note),
        })
    }
}

#[derive(Template)]
#[template(path = "pages/problem_form.html")]
struct FormPage {
    shell: Shell,
    wish: Wish,
    services: Vec<String>,
    fault: Option<Fault>,
}

/// The form, filled with what its address says.
pub(crate) async fn form(looker: Looker, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    page(looker, move |visit| Ok(build(visit, wish, None))).await
}

fn build(visit: &Visit, mut wish: Wish, fault: Option<Fault>) -> FormPage {
    wish.csrf_token.clear();
    FormPage {
        shell: visit.shell(Section::Problems, w::t("problem_form.open_a_problem")),
        services: visit.service_names(),
        wish,
        fault,
    }
}

/// Opens a problem, and shows it.
pub(crate) async fn open(looker: Looker, Form(wish): Form<Wish>) -> Result<Response, Problem> {
    match opened(&looker, &wish).await {
        Ok(number) => Ok(see(&format!("/problems/{number}?done=problem_opened"))),
        Err(error) => {
            refused(looker, error, move |visit, fault| Ok(build(visit, wish, Some(fault)))).await
        }
    }
}

async fn opened(looker: &Looker, wish: &Wish) -> Result<ProblemNumber, EngineError> {
    let opening = wish.opening()?;
    Ok(looker.app.engine.open_problem(&looker.caller, opening).await?.value)
}
