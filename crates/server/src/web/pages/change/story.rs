//! The story of a change: the steps of its life as a line, and everything that happened to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sluice_core::change::{Change, ChangeState};
use sluice_core::gate::event::GateDecided;
use sluice_engine::envelope::Envelope;
use sluice_engine::store::Entry;
use sluice_engine::store::rows::DecisionRow;

use crate::web::visit::{Visit, time};
use crate::web::{Markup, marks, moment, w};

/// One step of the life of a change.
pub(crate) struct Step {
    pub(crate) word: String,
    /// `done`, `now` or `next`.
    pub(crate) stage: &'static str,
    pub(crate) icon: Markup,
    pub(crate) at: Option<Markup>,
    pub(crate) took: Option<String>,
}

/// One thing that happened.
pub(crate) struct Moment {
    pub(crate) index: u64,
    pub(crate) icon: Markup,
    pub(crate) tone: &'static str,
    pub(crate) word: String,
    pub(crate) actor: Option<Markup>,
    pub(crate) text: Option<Markup>,
    pub(crate) at: Markup,
}

/// The event by which each step is reached.
const STEPS: [(&str, &[&str], ChangeState); 6] = [
    ("new", &["change.proposed"], ChangeState::New),
    ("assess", &["change.assessed"], ChangeState::Assess),
    ("authorize", &["change.authorized", "change.authorization_requested"], ChangeState::Authorize),
    ("implement", &["change.implementation_started"], ChangeState::Implement),
    ("review", &["change.implementation_ended"], ChangeState::Review),
    ("closed", &["change.closed"], ChangeState::Closed),
];

pub(super) fn steps(visit: &Visit, change: &Change, trail: &[Entry]) -> Vec<Step> {
    let mut reached: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for entry in trail {
        for (name, events, _) in STEPS {
            if events.contains(&entry.name.as_str()) {
                reached.entry(name).or_insert_with(|| time(entry.time_us));
            }
        }
    }
    let canceled = change.state == ChangeState::Canceled;
    let mut before: Option<Timestamp> = None;
    let mut steps: Vec<Step> = Vec::new();
    for (name, _, state) in STEPS {
        let at = reached.get(name).copied();
        let is_now = change.state == state
            || (state == ChangeState::Authorize && change.state == ChangeState::Scheduled);
        let stage = match at {
            _ if is_now && !change.state.is_over() => "now",
            Some(_) => "done",
            None => "next",
        };
        let icon = match stage {
            "done" => "check",
            "now" => "play",
            _ => "dot",
        };
        let took = at.zip(before).map(|(at, before)| moment::span_of(at.duration_since(before)));
        before = at.or(before);
        steps.push(Step {
            word: match (name, stage) {
                ("authorize", "now") if change.state == ChangeState::Authorize => {
                    w::t("step.authorizing").to_owned()
                }
                _ => w::named("step", name),
            },
            stage,
            icon: marks::icon(icon),
            at: at.map(|at| visit.when(at)),
            took,
        });
    }
    if canceled {
        steps.retain(|step| step.stage == "done");
        steps.push(Step {
            word: w::named("state", "canceled"),
            stage: "stopped",
            icon: marks::icon("x"),
            at: change.ended_at.map(|at| visit.when(at)),
            took: None,
        });
    }
    steps
}

/// Everything that happened, newest first.
pub(crate) fn moments(
    visit: &Visit,
    trail: &[Entry],
    decisions: &[(DecisionRow, GateDecided)],
) -> Vec<Moment> {
    let mut moments: Vec<Moment> = trail
        .iter()
        .filter(|entry| entry.name != "gate.decided")
        .filter_map(|entry| from_entry(visit, entry))
        .collect();
    moments.extend(decisions.iter().map(|(row, decided)| from_decision(visit, row, decided)));
    moments.sort_by_key(|moment| std::cmp::Reverse(moment.index));
    moments
}

fn from_decision(visit: &Visit, row: &DecisionRow, decided: &GateDecided) -> Moment {
    let (tone, icon) = match row.decision.as_str() {
        "allow" => ("ok", "gate"),
        "wait" => ("wait", "hourglass"),
        _ => ("no", "ban"),
    };
    let reasons: Vec<&str> =
        decided.reasons.iter().map(|reason| reason.message.as_str()).take(3).collect();
    Moment {
        index: row.seq,
        icon: marks::icon(icon),
        tone,
        word: w::f("story.gate", w::named("answer", &row.decision)),
        actor: None,
        text: text_of(visit, &reasons.join(" · ")),
        at: visit.when_us(row.at_us),
    }
}

fn from_entry(visit: &Visit, entry: &Entry) -> Option<Moment> {
    let envelope = Envelope::parse(&entry.bytes).ok()?;
    let data: Value = serde_json::from_str(envelope.data.get()).ok()?;
    let (tone, icon) = look(&entry.name);
    Some(Moment {
        index: entry.seq,
        icon: marks::icon(icon),
        tone,
        word: w::named("event", &entry.name.replace('.', "_")),
        actor: Some(visit.actor(&envelope.actor)),
        text: text_of(visit, &told(&entry.name, &data)),
        at: visit.when_us(entry.time_us),
    })
}

/// Tone and picture of an event.
fn look(name: &str) -> (&'static str, &'static str) {
    match name {
        "change.approved" | "change.authorized" | "change.debt_settled" => ("ok", "check"),
        "change.rejected" | "change.approval_refused" => ("no", "ban"),
        "change.closed" => ("ok", "check"),
        "change.canceled" => ("calm", "x"),
        "change.implementation_started" => ("info", "play"),
        "change.implementation_ended" => ("info", "flag"),
        "change.authorization_requested" | "change.reminded" => ("wait", "people"),
        "change.debt_incurred" => ("wait", "eye"),
        "change.assessed" => ("calm", "bar2"),
        "change.evidence_added" | "change.evidence_opened" => ("calm", "doc"),
        "change.commented" => ("calm", "talk"),
        "incident.opened" => ("no", "alert"),
        "problem.opened" => ("wait", "root"),
        "incident.moved" | "problem.moved" => ("info", "play"),
        "problem.linked" => ("calm", "plug"),
        "incident.resolved" | "problem.resolved" => ("ok", "check"),
        _ => ("calm", "dot"),
    }
}

fn told(name: &str, data: &Value) -> String {
    match name.split_once('.') {
        Some(("incident", _)) => disturbed(data, "incident_state"),
        Some(("problem", _)) => disturbed(data, "problem_state"),
        _ => words(data),
    }
}

/// What an event of an incident or a problem says.
fn disturbed(data: &Value, states: &str) -> String {
    let text = |name: &str| data.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let mut said: Vec<String> = Vec::new();
    said.extend(text("state").map(|state| w::named(states, state)));
    said.extend(text("resolution").map(|how| w::named("resolution", how)));
    said.extend([text("title"), text("note")].into_iter().flatten().map(str::to_owned));
    // How many, and not which: some of them may not be for the person who looks.
    let count = |name: &str| data.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let (incidents, changes) = (count("incidents"), count("changes"));
    said.extend((incidents > 0).then(|| w::n("problems.one_incident", incidents)));
    said.extend((changes > 0).then(|| w::n("problems.one_change", changes)));
    said.join(" · ")
}

/// What an event says in words of people, where it does.
fn words(data: &Value) -> String {
    let pointers = [
        "/approval/reason",
        "/because",
        "/note",
        "/finding",
        "/text",
        "/name",
        "/title",
        "/outcome",
        "/risk/level",
        "/code",
    ];
    let said = pointers.iter().filter_map(|pointer| data.pointer(pointer)?.as_str());
    let mut said: Vec<String> =
        said.filter(|text| !text.is_empty()).map(|text| text.replace('_', " ")).collect();
    if let Some(score) = data.pointer("/risk/score").and_then(Value::as_u64) {
        said.push(w::f("story.score", score));
    }
    if let Some(evidence) = data.pointer("/evidence").and_then(Value::as_array) {
        said.extend(evidence.iter().filter_map(|it| it.get("name")?.as_str().map(str::to_owned)));
    }
    said.truncate(4);
    said.join(" · ")
}

fn text_of(visit: &Visit, text: &str) -> Option<Markup> {
    (!text.is_empty()).then(|| visit.prose(text))
}
