//! Incidents and problems: the records beside changes that one table keeps each of, kept in step as the changes are.
//!
//! One is found by its correlation id before it is made; one that they opened themselves is known by its `sys_id`. Who
//! may move it says the authority over its kind. How both sides were left is noted each time, so that it can be told
//! who has altered a record since.

mod desk;
mod find;
mod walk;

use serde_json::{Value, json};
use sluice_core::effect::{Effect, IncidentCard, ProblemCard};
use sluice_core::link::Authority;
use sluice_core::signal::Signal;

pub(super) use self::desk::Desk;
use super::config::Config;
use super::poll::{SYS_ID, of, updated};
use super::wire::{Row, altered, text};
use super::{item, record};
use crate::kit::answers::{self, cut, not_understood};
use crate::tell::{Ask, Receipt, Step, Talk, Verb};

type Told = Result<Step<Receipt>, Step<Receipt>>;

/// One of our records, as it is told.
pub(super) struct Task<'a> {
    pub(super) desk: Desk,
    pub(super) authority: Authority,
    /// Our number.
    pub(super) entity: &'a str,
    pub(super) title: &'a str,
    pub(super) note: &'a str,
    severity: &'a str,
    /// Our word for its state.
    pub(super) state: &'static str,
    /// Whether nothing was wrong.
    pub(super) is_unfounded: bool,
    /// Fields that name other records over there, as far as those are known.
    links: Vec<(&'static str, String)>,
    /// For an effect of a problem: its incidents over there.
    incidents: Vec<&'a str>,
}

/// Tells of an incident, where this link keeps them.
pub(super) fn incident(config: &Config, talk: &Talk<'_>, card: &IncidentCard) -> Told {
    let Some(authority) = config.authority.incidents else { return Ok(Step::Done(plain())) };
    let named = |entity: Option<String>, field: &'static str| {
        Some((field, talk.linked(&entity?, SYS_ID)?.to_owned()))
    };
    let links = [
        named(card.change.map(|number| number.to_string()), "caused_by"),
        named(card.problem.map(|number| number.to_string()), "problem_id"),
    ];
    let task = Task {
        desk: Desk::Incident,
        authority,
        entity: &talk.effect.entity,
        title: &card.title,
        note: &card.note,
        severity: &card.severity,
        state: card.state.as_str(),
        is_unfounded: is_unfounded(card),
        links: links.into_iter().flatten().collect(),
        incidents: Vec::new(),
    };
    told(config, talk, task)
}

/// Tells of a problem, where this link keeps them.
pub(super) fn problem(config: &Config, talk: &Talk<'_>, card: &ProblemCard) -> Told {
    let Some(authority) = config.authority.problems else { return Ok(Step::Done(plain())) };
    let incidents = card.incidents.iter();
    let incidents = incidents.filter_map(|number| talk.linked(&number.to_string(), SYS_ID));
    let task = Task {
        desk: Desk::Problem,
        authority,
        entity: &talk.effect.entity,
        title: &card.title,
        note: &card.note,
        severity: "",
        state: card.state.as_str(),
        is_unfounded: false,
        links: Vec::new(),
        incidents: incidents.collect(),
    };
    told(config, talk, task)
}

/// The states that a record may come to by telling this, in our words.
pub(super) fn writes(config: &Config, effect: &Effect) -> Vec<&'static str> {
    let (desk, state, is_unfounded) = match (&effect.incident, &effect.problem) {
        (Some(card), _) => (Desk::Incident, card.state.as_str(), is_unfounded(card)),
        (None, Some(card)) => (Desk::Problem, card.state.as_str(), false),
        (None, None) => return Vec::new(),
    };
    match desk.authority(config) {
        Some(Authority::Native | Authority::Mirrored) => {
            desk.on_the_way(walk::wanted(desk, state, is_unfounded))
        }
        Some(Authority::Foreign) | None => Vec::new(),
    }
}

fn is_unfounded(card: &IncidentCard) -> bool {
    card.resolution.is_some_and(|how| how.as_str() == "unfounded")
}

fn plain() -> Receipt {
    Receipt::plain()
}

fn told(config: &Config, talk: &Talk<'_>, mut task: Task<'_>) -> Told {
    let mut receipt = Receipt::plain();
    if let Some(item) = item::of_effect(config, talk, &mut receipt)? {
        task.links.push(("cmdb_ci", item));
    }
    let row = find::row(config, talk, &task)?;
    receipt = receipt
        .reference(task.desk.table(), row.number.clone())
        .reference(SYS_ID, row.sys_id.clone());
    let related =
        relate(config, talk, &task, &row).and_then(|()| gather(config, talk, &task, &row));
    let walked = related.and_then(|()| walk::walk(config, talk, &task, &row, receipt.clone()));
    walked.map_err(|step| step.knowing(&receipt))
}

/// Fields that name other records are filled where they are empty: what somebody has written there stays.
fn relate(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    row: &Row,
) -> Result<(), Step<Receipt>> {
    let is_empty = |field: &str| match field {
        "caused_by" => row.caused_by.is_empty(),
        "problem_id" => row.problem.is_empty(),
        _ => row.item.is_empty(),
    };
    let missing = task.links.iter().filter(|(field, _)| is_empty(field));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() || task.desk.is_closed(row.state) {
        return Ok(());
    }
    let Some(sent) = talk.last("relate") else {
        let mut body = json!({});
        for (field, value) in missing {
            body[*field] = json!(value);
        }
        let url = record::address_in(config, task.desk.table(), &row.sys_id);
        let ask = Ask::new("relate", Verb::Patch, url).json(&body);
        return Err(Step::Send(record::plain_json(ask).by(talk.session)));
    };
    is_of(&answers::json(sent)?, &row.sys_id)
}

/// The incidents of a problem name it, where they name none.
fn gather(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    row: &Row,
) -> Result<(), Step<Receipt>> {
    if task.incidents.is_empty() {
        return Ok(());
    }
    let Some(looked) = talk.last("incidents") else {
        let query = format!("sys_idIN{}", task.incidents.join(","));
        let parameters = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("sysparm_query", &query)
            .append_pair("sysparm_fields", "sys_id,state,problem_id")
            .append_pair("sysparm_limit", "200")
            .append_pair("sysparm_exclude_reference_link", "true")
            .finish();
        let url = format!("{}/api/now/table/incident?{parameters}", config.url);
        let ask = Ask::new("incidents", Verb::Get, url);
        return Err(Step::Send(record::plain_json(ask).by(talk.session)));
    };
    let answer = answers::json(looked)?;
    let rows = super::wire::many(&answer)
        .ok_or_else(|| not_understood("the answer is not a list of records"))?;
    let lacking = rows.iter().filter_map(|row| {
        let id = text(row, "sys_id").filter(|id| task.incidents.contains(&id.as_str()))?;
        let state: i64 = text(row, "state")?.trim().parse().ok()?;
        let is_free = text(row, "problem_id").unwrap_or_default().is_empty();
        (is_free && !Desk::Incident.is_closed(state)).then_some(id)
    });
    let lacking: Vec<String> = lacking.collect();
    let sent = talk.so_far.iter().filter(|exchange| exchange.step == "gather");
    for (exchange, id) in sent.clone().zip(&lacking) {
        is_of(&answers::json(exchange)?, id)?;
    }
    match lacking.get(sent.count()) {
        None => Ok(()),
        Some(id) => {
            let url = record::address_in(config, "incident", id);
            let ask = Ask::new("gather", Verb::Patch, url);
            let ask = ask.json(&json!({ "problem_id": row.sys_id }));
            Err(Step::Send(record::plain_json(ask).by(talk.session)))
        }
    }
}

fn is_of(answer: &Value, sys_id: &str) -> Result<(), Step<Receipt>> {
    let echoed = super::wire::one(answer).and_then(|record| text(record, "sys_id"));
    if echoed.as_deref() == Some(sys_id) {
        return Ok(());
    }
    Err(not_understood("the answer is another record"))
}

impl Task<'_> {
    /// The fields of a new record.
    fn fields(&self, config: &Config, talk: &Talk<'_>, correlation: &str) -> Value {
        let (urgency, impact) = match self.severity.to_ascii_lowercase().as_str() {
            "critical" | "fatal" | "high" | "sev1" | "1" => ("1", "1"),
            "error" | "major" | "warning" | "medium" | "sev2" | "2" => ("2", "2"),
            _ => ("3", "3"),
        };
        let mut lines = vec![self.title.to_owned()];
        lines.extend((!self.note.is_empty()).then(|| self.note.to_owned()));
        let services: Vec<&str> =
            talk.effect.services.iter().map(|service| service.as_str()).collect();
        lines.push(format!("Services: {}", services.join(", ")));
        if let Some(environment) = &talk.effect.environment {
            lines.push(format!("Environment: {environment}"));
        }
        let mut body = json!({
            "short_description": cut(&format!("{}: {}", self.entity, self.title), 160),
            "description": lines.join("\n"),
            "correlation_id": correlation,
            "correlation_display": "Sluice",
            "impact": impact,
            "urgency": urgency,
        });
        let own = match self.desk {
            Desk::Incident => &config.incident_fields,
            Desk::Problem => &config.problem_fields,
        };
        for (field, value) in own {
            body[field] = json!(value);
        }
        for (field, value) in &self.links {
            body[*field] = json!(value);
        }
        body
    }
}

/// What a row of a table says of one of our records, or of one that they opened.
pub(super) fn reported(config: &Config, desk: Desk, row: &Value) -> Option<Signal> {
    let correlation = text(row, "correlation_id").unwrap_or_default();
    let entity = config.entity(&correlation).map(str::to_owned);
    let service = text(row, "cmdb_ci.name").filter(|name| !name.is_empty());
    if entity.is_none() && service.is_none() {
        return None;
    }
    Some(Signal::TaskReported {
        entity,
        task: desk.kind(),
        of: of(row, "sys_id")?,
        record: text(row, "number").unwrap_or_default(),
        state: desk.word(text(row, "state")?.trim().parse().ok()?)?.to_owned(),
        authority: desk.authority(config)?,
        service,
        title: cut(&text(row, "short_description").unwrap_or_default(), 200),
        at: updated(row),
        altered: altered(row),
    })
}
