//! The form by which people open an incident.

use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::IncidentNumber;
use sluice_core::incident::Opening;
use sluice_core::refusal::Refusal;
use sluice_engine::EngineError;

use crate::problem::Problem;
use crate::query::Query;
use crate::web::form::{Fault, Form, refused};
use crate::web::page::{Looker, page, see, some};
use crate::web::pages::change::lines;
use crate::web::pages::disturbed;
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::w;

/// Words for the severity that are offered; any other may be written.
const SEVERITIES: [&str; 4] = ["critical", "high", "warning", "low"];

/// An incident as the form writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wish {
    title: String,
    service: String,
    others: String,
    environment: String,
    severity: String,
    change: String,
    note: String,
    csrf_token: String,
}

impl Wish {
    fn opening(&self) -> Result<Opening, Refusal> {
        let change = some(Some(self.change.clone()));
        Ok(Opening {
            source: None,
            title: self.title.trim().to_owned(),
            services: disturbed::services(&self.service, &self.others)?,
            environment: some(Some(self.environment.clone())),
            severity: self.severity.trim().to_owned(),
            change: change.map(|text| disturbed::number(&text)).transpose()?,
            note: lines(&self.note),
        })
    }
}

#[derive(Template)]
#[template(path = "pages/incident_form.html")]
struct FormPage {
    shell: Shell,
    wish: Wish,
    services: Vec<String>,
    environments: Vec<String>,
    severities: [&'static str; 4],
    fault: Option<Fault>,
}

/// The form, filled with what its address says.
pub(crate) async fn form(looker: Looker, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    page(looker, move |visit| Ok(build(visit, wish, None))).await
}

fn build(visit: &Visit, mut wish: Wish, fault: Option<Fault>) -> FormPage {
    wish.csrf_token.clear();
    let environments = visit.standing.organisation.environments.keys();
    FormPage {
        shell: visit.shell(Section::Incidents, w::t("incident_form.open_an_incident")),
        services: visit.service_names(),
        environments: environments.map(ToString::to_string).collect(),
        severities: SEVERITIES,
        wish,
        fault,
    }
}

/// Opens an incident, and shows it.
pub(crate) async fn open(looker: Looker, Form(wish): Form<Wish>) -> Result<Response, Problem> {
    match opened(&looker, &wish).await {
        Ok(number) => Ok(see(&format!("/incidents/{number}?done=incident_opened"))),
        Err(error) => {
            refused(looker, error, move |visit, fault| Ok(build(visit, wish, Some(fault)))).await
        }
    }
}

async fn opened(looker: &Looker, wish: &Wish) -> Result<IncidentNumber, EngineError> {
    let opening = wish.opening()?;
    Ok(looker.app.engine.open_incident(&looker.caller, opening).await?.value)
}
