//! Several approvals at once: those that wait for the person who looks and may be decided on together. Each shows what
//! an approval is bound to, and none is chosen before somebody chooses it.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use sluice_core::approvals::waits_for;
use sluice_core::change::{self, Change};
use sluice_core::ids::{ChangeNumber, Digest};
use sluice_engine::{Client, EngineError, Picked};

use super::change::lines;
use super::flow::waiting;
use super::login::{inside, step_up};
use super::proof::Proving;
use crate::api::talk::visible;
use crate::problem::Problem;
use crate::query::Query;
use crate::session::From;
use crate::status;
use crate::web::form::Form;
use crate::web::page::{Looker, address as address_of, page, see};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

/// The most changes on the page.
const MOST: usize = 50;
/// What the names of the fields of a choice begin with; the rest is the change, the value its revision.
const PICK: &str = "pick-";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TogetherQuery {
    /// What became of the last ones: `CHG0000001:yes,CHG0000002:revision_outdated`.
    said: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/together.html")]
struct TogetherPage {
    shell: Shell,
    rows: Vec<Row>,
    alone: Vec<Alone>,
    said: Vec<(String, Markup)>,
    proving: Option<Proving>,
}

/// One change that may be picked.
struct Row {
    number: String,
    title: String,
    place: String,
    risk: Markup,
    factors: String,
    evidence: Vec<(Markup, String, usize)>,
    rule: String,
    revision: String,
    since: Markup,
}

/// One that needs a look of its own.
struct Alone {
    number: String,
    title: String,
    why: Markup,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<TogetherQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, query.said.as_deref().unwrap_or_default())).await
}

fn build(visit: &Visit, said: &str) -> Result<TogetherPage, Problem> {
    let (mut rows, mut alone) = (Vec::new(), Vec::new());
    for change in &waiting::all(visit) {
        let Some(rule) = waits_for_me(visit, change) else { continue };
        let settings = &visit.standing.organisation.settings;
        match change::together(change, settings, &change.revision.digest) {
            Ok(()) if rows.len() < MOST => rows.push(line(visit, change, rule)),
            Ok(()) => {}
            Err(refusal) => alone.push(Alone {
                number: change.number.to_string(),
                title: change.title.clone(),
                why: marks::prose(&refusal.message),
            }),
        }
    }
    Ok(TogetherPage {
        shell: visit.shell(Section::Changes, w::t("together.approve_together")),
        rows,
        alone,
        said: outcomes(said),
        proving: Proving::owed(visit, "/changes/together", false),
    })
}

/// The rule by which a change waits for the person who looks.
fn waits_for_me(visit: &Visit, change: &Change) -> Option<String> {
    let person = visit.caller.person.as_ref()?;
    if !visit.sees_change(change) {
        return None;
    }
    waits_for(&visit.standing, change, person, visit.now).map(|rule| rule.to_string())
}

fn line(visit: &Visit, change: &Change, rule: String) -> Row {
    let services: Vec<&str> = change.services.iter().map(|it| it.as_str()).collect();
    let risk = change.risk.as_ref();
    let factors = risk.into_iter().flat_map(|risk| &risk.factors).filter(|it| it.points > 0);
    let factors: Vec<&str> = factors.take(3).map(|it| it.because.as_str()).collect();
    let evidence = change.evidence.iter().enumerate().take(6);
    Row {
        number: change.number.to_string(),
        title: change.title.clone(),
        place: format!("{} → {}", services.join(", "), change.environment),
        risk: marks::risk(risk.map_or("", |risk| risk.level.as_str())),
        factors: factors.join("; "),
        evidence: evidence
            .map(|(at, it)| (super::change::status(it.status), it.name.clone(), at))
            .collect(),
        rule,
        revision: change.revision.digest.to_string(),
        since: visit.when(change.opened_at),
    }
}

/// What became of the last ones, out of the address; what is not written as we write it is left out.
fn outcomes(said: &str) -> Vec<(String, Markup)> {
    let parts = said.split(',').filter_map(|part| part.split_once(':')).take(MOST);
    let known = parts
        .filter_map(|(number, code)| Some((ChangeNumber::parse(number).ok()?.to_string(), code)));
    known
        .map(|(number, code)| {
            let mark = if code == "yes" {
                marks::pill("ok", "check", w::t("together.approved"))
            } else {
                marks::pill("no", "ban", &w::named("refused", code))
            };
            (number, mark)
        })
        .collect()
}

/// Approves those that were picked, each at the revision that the page showed.
pub(crate) async fn approve(
    looker: Looker,
    From(address): From,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let mut picked = Vec::new();
    for (name, revision) in form.iter().filter(|(name, _)| name.starts_with(PICK)).take(MOST) {
        let number = name.trim_start_matches(PICK);
        let change = visible(&looker.app, &looker.caller, number).await?.number;
        let revision = Digest::parse(revision)
            .map_err(|_| Problem::of(&status::BODY_INVALID, "a revision is a digest"))?;
        picked.push(Picked { change, revision });
    }
    if picked.is_empty() {
        return Err(Problem::of(&status::BODY_INVALID, "pick at least one change"));
    }
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let reason = lines(text("reason"));
    let app = looker.app.clone();
    if text("password").is_empty() {
        let said = decide(&looker, &looker.caller, picked, &reason).await?;
        return Ok(see(&address_of("/changes/together", &[("said", &said)])));
    }
    let opened = step_up(&looker, text("password").to_owned(), text("code"), address).await?;
    let renewed = app.engine.authenticate_session(&opened.secret, Client::Browser);
    let caller = renewed.ok_or_else(|| Problem::of(&status::SESSION_REFUSED, ""))?;
    let said = decide(&looker, &caller, picked, &reason).await?;
    let to = address_of("/changes/together", &[("said", &said)]);
    Ok(inside(&app, &headers, &opened, &to))
}

async fn decide(
    looker: &Looker,
    caller: &sluice_engine::Caller,
    picked: Vec<Picked>,
    reason: &str,
) -> Result<String, Problem> {
    let answers = looker.app.engine.approve_together(caller, picked, reason).await?;
    let mut said = Vec::new();
    for answer in answers {
        let code = match answer.result {
            Ok(_) => "yes".to_owned(),
            Err(EngineError::Refused(refusal)) if refusal.code == "step_up_needed" => {
                return Err(EngineError::Refused(refusal).into());
            }
            Err(EngineError::Refused(refusal)) => refusal.code,
            Err(error) => return Err(error.into()),
        };
        said.push(format!("{}:{code}", answer.change));
    }
    Ok(said.join(","))
}
