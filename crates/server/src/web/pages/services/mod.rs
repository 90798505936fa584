//! Services: the catalogue, the versions by environment, and who needs whom.

mod catalogue;
pub(crate) use self::catalogue::strip;
mod graph;
pub(crate) mod one;

use askama::Template;
use axum::response::Response;
use serde::Deserialize;

use self::catalogue::{Entry, MatrixRow};
use self::graph::Picture;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::page::{Looker, address, page, some};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::w;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicesQuery {
    view: Option<String>,
    team: Option<String>,
    q: Option<String>,
    focus: Option<String>,
    to: Option<String>,
    size: Option<u8>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/services.html")]
struct ServicesPage {
    shell: Shell,
    view: &'static str,
    tabs: Vec<(String, &'static str, bool)>,
    teams: Vec<(String, String, bool)>,
    q: String,
    team: String,
    entries: Vec<Entry>,
    environments: Vec<String>,
    matrix: Vec<MatrixRow>,
    picture: Option<Picture>,
    next: Option<String>,
    total: usize,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<ServicesQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, query)).await
}

fn build(visit: &Visit, query: ServicesQuery) -> Result<ServicesPage, Problem> {
    let view = match query.view.as_deref() {
        Some("matrix") => "matrix",
        Some("graph") => "graph",
        _ => "list",
    };
    let team = some(query.team).unwrap_or_default();
    let q = some(query.q).unwrap_or_default();
    let found = catalogue::find(visit, &team, &q);
    let total = found.len();
    let after = some(query.after).unwrap_or_default();
    let (shown, next) = catalogue::cut(&found, &after);
    let link =
        |view: &str, team: &str| address("/services", &[("view", view), ("team", team), ("q", &q)]);
    let tabs = [
        ("", "list", w::t("services.list")),
        ("matrix", "matrix", w::t("services.versions")),
        ("graph", "graph", w::t("services.graph")),
    ];
    let here = if view == "list" { "" } else { view };
    let teams = visit.standing.organisation.teams.keys();
    let (environments, matrix) = match view {
        "matrix" => catalogue::matrix(visit, &shown),
        _ => (Vec::new(), Vec::new()),
    };
    let picture = (view == "graph").then(|| {
        let wanted = graph::Wanted {
            focus: some(query.focus),
            to: some(query.to),
            size: query.size.unwrap_or(2),
        };
        graph::build(visit, &found, &wanted, &team)
    });
    Ok(ServicesPage {
        shell: visit.shell(Section::Services, w::t("services.services")),
        tabs: tabs
            .into_iter()
            .map(|(value, name, word)| (link(value, &team), word, name == view))
            .collect(),
        teams: teams
            .map(|name| (link(here, name.as_str()), name.to_string(), name.as_str() == team))
            .collect(),
        entries: if view == "list" { catalogue::entries(visit, &shown) } else { Vec::new() },
        next: next.map(|after| {
            address("/services", &[("view", here), ("team", &team), ("q", &q), ("after", &after)])
        }),
        view,
        q,
        team,
        environments,
        matrix,
        picture,
        total,
    })
}
