//! Search over everything: numbers lead straight on, words find changes, services, people, what is declared and what
//! people wrote.

mod said;

use askama::Template;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sluice_core::ids::CommitId;
use sluice_core::permission::Permission;
use sluice_engine::store::{ChangeFilter, IncidentFilter, ProblemFilter};

use self::said::Said;
use crate::paging::Seek;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::fill::fill;
use crate::web::page::{Looker, address, page, see, some};
use crate::web::pages::changes::{Row, row};
use crate::web::shell::{Section, Shell};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// The most incidents, and the most problems, that are shown.
const DISTURBED: u32 = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    q: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/search.html")]
struct SearchPage {
    shell: Shell,
    q: String,
    rows: Vec<Row>,
    others: Vec<Hit>,
    /// What people wrote.
    said: Said,
    more: String,
}

/// Something else that was found.
struct Hit {
    mark: Markup,
    name: String,
    about: String,
    address: String,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<SearchQuery>,
) -> Result<Response, Problem> {
    let q: String = some(query.q).unwrap_or_default().chars().take(200).collect();
    if let Some(address) = straight(&q) {
        return Ok(see(&address).into_response());
    }
    page(looker, move |visit| build(visit, q)).await
}

/// Where a number leads.
fn straight(q: &str) -> Option<String> {
    let upper = q.to_uppercase();
    for (prefix, path) in [("CHG", "/changes"), ("INC", "/incidents"), ("PRB", "/problems")] {
        if let Some(digits) = upper.strip_prefix(prefix) {
            let number: u64 = digits.parse().ok()?;
            return Some(format!("{path}/{prefix}{number:07}"));
        }
    }
    let index: u64 = q.strip_prefix('#')?.parse().ok()?;
    Some(format!("/audit/{index}"))
}

fn build(visit: &Visit, q: String) -> Result<SearchPage, Problem> {
    let changes = visit.may(Permission::ChangeRead) && !q.is_empty();
    let rows = if changes { titled(visit, &q)? } else { Vec::new() };
    let others = if q.is_empty() { Vec::new() } else { others(visit, &q)? };
    let said = if q.is_empty() { Said::default() } else { said::said(visit, &q)? };
    Ok(SearchPage {
        shell: visit.shell(Section::Elsewhere, w::f("search.search", &q)),
        rows,
        others,
        said,
        more: address("/changes", &[("q", &q)]),
        q,
    })
}

fn titled(visit: &Visit, q: &str) -> Result<Vec<Row>, Problem> {
    if let Ok(commit) = CommitId::parse(&q.to_lowercase()) {
        let numbers = visit.standing.changes_of_commit.get(&commit).cloned().unwrap_or_default();
        let mut rows = Vec::new();
        for number in numbers.iter().take(20) {
            rows.extend(read(visit.readers().change(number.0))?);
        }
        return Ok(seen(visit, rows));
    }
    let filter = ChangeFilter { text: Some(q.to_owned()), ..ChangeFilter::default() };
    let (rows, _) = fill(
        &Seek::read(Some(20), None)?,
        |page| read(visit.readers().changes(&filter, page)),
        |row| row.number,
        |row| visit.sees(row.services.iter().map(String::as_str), &row.environment),
    )?;
    Ok(rows.into_iter().map(|it| row(visit, it)).collect())
}

fn seen(visit: &Visit, rows: Vec<sluice_engine::store::rows::ChangeRow>) -> Vec<Row> {
    rows.into_iter()
        .filter(|it| visit.sees(it.services.iter().map(String::as_str), &it.environment))
        .map(|it| row(visit, it))
        .collect()
}

/// Incidents and problems with such a title.
fn disturbed(visit: &Visit, q: &str) -> Result<Vec<Hit>, Problem> {
    if !visit.may(Permission::IncidentRead) {
        return Ok(Vec::new());
    }
    let seek = Seek::read(Some(DISTURBED), None)?;
    let text = Some(q.to_owned());
    let filter = IncidentFilter { text: text.clone(), ..IncidentFilter::default() };
    let (incidents, _) = fill(
        &seek,
        |page| read(visit.readers().incidents(&filter, page)),
        |row| row.number,
        |row| visit.sees_disturbed(&row.services, row.environment.as_deref()),
    )?;
    let mut hits: Vec<Hit> = incidents
        .into_iter()
        .map(|it| Hit {
            mark: marks::incident(&it.state),
            name: format!("INC{:07} {}", it.number, it.title),
            about: it.services.join(", "),
            address: format!("/incidents/INC{:07}", it.number),
        })
        .collect();
    let filter = ProblemFilter { text, ..ProblemFilter::default() };
    let (problems, _) = fill(
        &seek,
        |page| read(visit.readers().problems(&filter, page)),
        |row| row.number,
        |row| visit.sees_disturbed(&row.services, None),
    )?;
    hits.extend(problems.into_iter().map(|it| Hit {
        mark: marks::problem(&it.state),
        name: format!("PRB{:07} {}", it.number, it.title),
        about: it.services.join(", "),
        address: format!("/problems/PRB{:07}", it.number),
    }));
    Ok(hits)
}

fn others(visit: &Visit, q: &str) -> Result<Vec<Hit>, Problem> {
    let wanted = q.to_lowercase();
    let organisation = &visit.standing.organisation;
    let fits = |text: &str| text.to_lowercase().contains(&wanted);
    let mut hits = disturbed(visit, q)?;
    if visit.may(Permission::OrganisationRead) {
        let services = organisation.services.values();
        let services = services.filter(|it| fits(it.name.as_str()) || fits(&it.title)).take(12);
        hits.extend(services.map(|it| Hit {
            mark: marks::pill("info", "boxes", w::t("search.service")),
            name: it.name.to_string(),
            about: it.title.clone(),
            address: format!("/services/{}", it.name),
        }));
        let teams = organisation.teams.values();
        let teams = teams.filter(|it| fits(it.name.as_str()) || fits(&it.title)).take(6);
        hits.extend(teams.map(|it| Hit {
            mark: marks::pill("calm", "people", w::t("search.team")),
            name: it.name.to_string(),
            about: it.title.clone(),
            address: address("/services", &[("team", it.name.as_str())]),
        }));
        let people = read(visit.readers().persons_named(q, 10))?;
        hits.extend(people.into_iter().map(|(_, handle, name)| Hit {
            mark: marks::pill("calm", "user", w::t("search.person")),
            address: address(
                if visit.may(Permission::LedgerRead) { "/audit" } else { "/admin/people" },
                &[("person", &handle)],
            ),
            name,
            about: handle,
        }));
    }
    if visit.may(Permission::CalendarRead) {
        let windows = organisation.windows.values();
        let windows = windows.filter(|it| fits(&it.name) || fits(&it.title)).take(8);
        hits.extend(windows.map(|it| Hit {
            mark: marks::pill("freeze", "calendar", w::t("search.window")),
            name: it.title.clone(),
            about: it.reason.clone(),
            address: "/calendar?view=list".to_owned(),
        }));
    }
    if visit.may(Permission::PolicyRead) {
        let rules = organisation.approval_rules.values();
        let rules = rules.filter(|it| fits(it.name.as_str()) || fits(&it.reason)).take(8);
        hits.extend(rules.map(|it| Hit {
            mark: marks::pill("wait", "scroll", w::t("search.approval_rule")),
            name: it.name.to_string(),
            about: it.reason.clone(),
            address: "/policies".to_owned(),
        }));
    }
    Ok(hits)
}
