//! Numbers: what delivery and governance steer by, with definitions, intervals, and honesty about small samples.

mod chart;
mod gather;
mod kept;
mod stats;

use std::collections::BTreeSet;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use sluice_core::permission::Permission;

pub(crate) use self::kept::Kept;
use self::kept::Reckoned;
use crate::problem::Problem;
use crate::query::Query;
use crate::status;
use crate::web::page::{Looker, address, page, some};
use crate::web::pages::changes::Choice;
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::{Markup, w};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumbersQuery {
    days: Option<u16>,
    environment: Option<String>,
    service: Option<String>,
    team: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/numbers.html")]
struct NumbersPage {
    shell: Shell,
    reckoned: Reckoned,
    when: Markup,
    days: i64,
    spans: Vec<(String, String, bool)>,
    environments: Vec<Choice>,
    service: String,
    services: Vec<String>,
    teams: Vec<Choice>,
    export: String,
}

/// What is looked at.
struct Wanted {
    days: i64,
    environment: String,
    service: Option<String>,
    team: Option<String>,
    /// What is counted: the service, or those of the team; empty: all.
    services: Vec<String>,
}

impl Wanted {
    fn read(visit: &Visit, query: NumbersQuery) -> Result<Self, Problem> {
        let production = visit.production().map(|it| it.to_string()).unwrap_or_default();
        let environment = some(query.environment).unwrap_or(production);
        // Who may see a part only begins with a service of theirs.
        let everything = visit.everywhere(Permission::ChangeRead);
        let mine = || {
            let mut services = visit.standing.organisation.services.keys();
            let mine = services.find(|name| visit.sees([name.as_str()], &environment));
            mine.filter(|_| !everything).map(ToString::to_string)
        };
        let team = some(query.team);
        let service = some(query.service).or_else(|| mine().filter(|_| team.is_none()));
        let services: Vec<String> = match (&service, &team) {
            (Some(service), _) => vec![service.clone()],
            (None, Some(team)) => services_of(visit, team)?,
            (None, None) => Vec::new(),
        };
        let sees = match services.as_slice() {
            [] => everything,
            services => services.iter().all(|name| visit.sees([name.as_str()], &environment)),
        };
        if !sees {
            let detail = w::t("numbers.numbers_of_everything_are_for");
            return Err(Problem::of(&status::SCOPE_TOO_NARROW, detail));
        }
        let days = i64::from(query.days.unwrap_or(30)).clamp(1, 366);
        Ok(Self { days, environment, service, team, services })
    }

    fn address(&self, path: &str, days: i64) -> String {
        let days = days.to_string();
        let service = self.service.clone().unwrap_or_default();
        let team = self.team.clone().unwrap_or_default();
        let parameters = [
            ("days", &days),
            ("environment", &self.environment),
            ("service", &service),
            ("team", &team),
        ];
        address(path, &parameters.map(|(name, value)| (name, value.as_str())))
    }
}

/// The services that a team owns.
fn services_of(visit: &Visit, team: &str) -> Result<Vec<String>, Problem> {
    let services = visit.standing.organisation.services.values();
    let own = services.filter(|service| service.owner.as_str() == team);
    let own: Vec<String> = own.map(|service| service.name.to_string()).collect();
    if own.is_empty() {
        return Err(Problem::of(&status::QUERY_INVALID, w::t("numbers.the_team_owns_no_service")));
    }
    Ok(own)
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<NumbersQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let wanted = Wanted::read(visit, query)?;
        let reckoned = visit.app.numbers.numbers(visit, &wanted)?;
        let organisation = &visit.standing.organisation;
        let spans = [7, 30, 90, 365].map(|days| {
            (wanted.address("/numbers", days), w::n("numbers.one_day", days), days == wanted.days)
        });
        Ok(NumbersPage {
            shell: visit.shell(Section::Numbers, w::t("numbers.numbers")),
            when: visit.when(reckoned.at),
            reckoned,
            days: wanted.days,
            spans: spans.into(),
            environments: organisation
                .environments
                .keys()
                .map(|name| Choice {
                    value: name.to_string(),
                    word: name.to_string(),
                    chosen: name.as_str() == wanted.environment,
                })
                .collect(),
            services: visit.service_names(),
            teams: teams(visit, &wanted),
            export: wanted.address("/numbers.csv", wanted.days),
            service: wanted.service.unwrap_or_default(),
        })
    })
    .await
}

/// The teams of which something may be seen.
fn teams(visit: &Visit, wanted: &Wanted) -> Vec<Choice> {
    let organisation = &visit.standing.organisation;
    let owners: BTreeSet<&str> = organisation
        .services
        .values()
        .filter(|service| visit.sees([service.name.as_str()], &wanted.environment))
        .map(|service| service.owner.as_str())
        .collect();
    owners
        .into_iter()
        .map(|team| Choice {
            value: team.to_owned(),
            word: team.to_owned(),
            chosen: wanted.team.as_deref() == Some(team),
        })
        .collect()
}

/// The same as comma-separated values (RFC 4180).
pub(crate) async fn export(
    looker: Looker,
    Query(query): Query<NumbersQuery>,
) -> Result<Response, Problem> {
    let app = looker.app.clone();
    let text = app
        .blocking(move || {
            let visit = Visit::new(looker);
            let wanted = Wanted::read(&visit, query)?;
            let mut text =
                "number,value,low,high,unit,sample,days,environment,service,team,as_of,definition\r\n"
                    .to_owned();
            let reckoned = visit.app.numbers.numbers(&visit, &wanted)?;
            for number in reckoned.numbers.iter() {
                let fields = [
                    number.title.to_owned(),
                    number.raw.map(|it| it.to_string()).unwrap_or_default(),
                    number.low.map(|it| it.to_string()).unwrap_or_default(),
                    number.high.map(|it| it.to_string()).unwrap_or_default(),
                    number.unit.to_owned(),
                    number.sample.to_string(),
                    wanted.days.to_string(),
                    wanted.environment.clone(),
                    wanted.service.clone().unwrap_or_default(),
                    wanted.team.clone().unwrap_or_default(),
                    reckoned.as_of.to_string(),
                    number.definition.to_owned(),
                ];
                text.push_str(&fields.map(|field| quoted(&field)).join(","));
                text.push_str("\r\n");
            }
            Ok(text)
        })
        .await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"sluice-numbers.csv\""),
    ];
    Ok((headers, text).into_response())
}

/// A field in quotes; what a spreadsheet would take for a formula is made text.
fn quoted(field: &str) -> String {
    let guard =
        if field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err() {
            "'"
        } else {
            ""
        };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_never_formulas() {
        assert_eq!(quoted("=cmd()"), "\"'=cmd()\"");
        assert_eq!(quoted("-4.5"), "\"-4.5\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
