//! `windows`: spans of the calendar, from YAML or from calendar files.

use jiff::civil::DateTime;
use sluice_core::calendar::{InFlight, Schedule, ScheduleEnd, Window, WindowKind, parse_local};
use sluice_core::ids::RuleName;
use sluice_core::organisation::ItemKind;
use sluice_core::scope::Scope;

use super::{is_short_word, scope};
use crate::calendar_file::{self, CalendarFile};
use crate::cron::{self, CronProblem};
use crate::desk::{Desk, Table, shortened};
use crate::findings::Dimension;
use crate::problem::Place;
use crate::yaml::{Node, Position};
use crate::zone::check_zone;

const KEYS: &[&str] = &[
    "name",
    "title",
    "kind",
    "scope",
    "zone",
    "start",
    "end",
    "duration",
    "rrule",
    "cron",
    "rdates",
    "exdates",
    "ics",
    "in_flight",
    "grants",
    "reason",
];
/// What a calendar file says itself.
const KEYS_OF_TIME: &[&str] = &["start", "end", "duration", "rrule", "cron", "rdates", "exdates"];

const KINDS: &[(&str, WindowKind)] = &[
    ("freeze", WindowKind::Freeze),
    ("maintenance", WindowKind::Maintenance),
    ("release", WindowKind::Release),
];

const IN_FLIGHT: &[(&str, InFlight)] =
    &[("finish", InFlight::Finish), ("hold", InFlight::Hold), ("abort", InFlight::Abort)];

const TIME_HELP: &str = "write a local time such as `2026-12-24T18:00:00`, or a date";

/// A window that still lacks what the settings say.
#[derive(Debug)]
pub(crate) struct DraftWindow {
    /// The window; its zone is empty where the settings' zone is meant.
    pub(crate) window: Window,
    /// Where its name stands, for whatever has no better place.
    pub(crate) at: Place,
    /// Where it says when.
    pub(crate) spots: Spots,
    /// What it leaves out.
    pub(crate) left_out: Vec<LeftOut>,
}

/// An entry of `exdates`.
#[derive(Debug, Clone)]
pub(crate) struct LeftOut {
    /// The local start; midnight where a day is meant.
    pub(crate) local: DateTime,
    /// Whether it is a date: then every start of that day is left out.
    pub(crate) day: bool,
    /// Where it stands.
    pub(crate) at: Place,
}

/// Places of the parts of a window; the window's own where a part is not given.
#[derive(Debug, Clone)]
pub(crate) struct Spots {
    pub(crate) zone: Place,
    pub(crate) start: Place,
    pub(crate) end: Place,
    pub(crate) rule: Place,
    pub(crate) in_flight: Place,
}

impl Spots {
    /// One place for everything.
    pub(crate) fn all_at(place: &Place) -> Self {
        let here = || place.clone();
        Self { zone: here(), start: here(), end: here(), rule: here(), in_flight: here() }
    }
}

/// What a window is, whenever it is.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) kind: WindowKind,
    pub(crate) scope: Scope,
    pub(crate) in_flight: InFlight,
    pub(crate) grants: Vec<String>,
    pub(crate) reason: String,
}

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "a window", KEYS) else { return };
    let named = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        // A window has no name of its own type; it follows the same rule as all others.
        if text.parse::<RuleName>().is_err() {
            let help = "1 to 128 letters, digits, `.`, `_`, `-` or `/`";
            let message = format!("`{}` is not the name of a window", shortened(&text));
            desk.error(node.at, "bad_name", message, help);
            return None;
        }
        Some((text, node.at))
    });
    let kind = table.required(desk, "kind").and_then(|node| desk.word(node, "`kind`", KINDS));
    let scope = table.get("scope").map(|node| scope::read(desk, node)).unwrap_or_default();
    let in_flight = table.get("in_flight");
    let in_flight = in_flight.and_then(|node| desk.word(node, "`in_flight`", IN_FLIGHT));
    let title = desk.text_of(&table, "title");
    let grants = grants(desk, &table);
    let reason = desk.text_of(&table, "reason");
    let frame = |name: &str, kind| Frame {
        name: name.to_owned(),
        title: if title.is_empty() { name.to_owned() } else { title.clone() },
        kind,
        scope,
        in_flight: in_flight.unwrap_or_default(),
        grants,
        reason,
    };
    if let Some(node) = table.get("ics") {
        refuse_times(desk, &table);
        let path = desk.text(node, "`ics`");
        let zone = table.get("zone").and_then(|node| {
            let zone = desk.text(node, "`zone`")?;
            check_zone(desk, &zone, node.at).then_some(zone)
        });
        if let (Some((name, _)), Some(kind), Some(path)) = (named, kind, path) {
            let calendar = CalendarFile { path: &path, at: node.at, zone };
            calendar_file::read(desk, &frame(&name, kind), &calendar);
        }
        return;
    }
    let schedule = schedule(desk, &table);
    let left_out = left_out(desk, &table);
    let Some((name, at)) = named else { return };
    if desk.declare(ItemKind::Window, &name, &name, at)
        && let (Some(kind), Some(schedule)) = (kind, schedule)
    {
        let spots = spots(desk, &table);
        add(desk, frame(&name, kind), schedule, at, spots, left_out);
    }
}

/// Adds a window, to be checked once the settings are known.
pub(crate) fn add(
    desk: &mut Desk<'_>,
    frame: Frame,
    schedule: Schedule,
    at: Position,
    spots: Spots,
    left_out: Vec<LeftOut>,
) {
    let Frame { name, title, kind, scope, in_flight, grants, reason } = frame;
    let window = Window { name, title, kind, scope, schedule, in_flight, grants, reason };
    let at = desk.place(at);
    desk.findings.windows.push(DraftWindow { window, at, spots, left_out });
}

fn spots(desk: &Desk<'_>, table: &Table<'_>) -> Spots {
    let of = |keys: &[&str]| {
        let node = keys.iter().find_map(|key| table.get(key));
        desk.place(node.map_or(table.at, |node| node.at))
    };
    Spots {
        zone: of(&["zone"]),
        start: of(&["start", "cron"]),
        end: of(&["end", "duration"]),
        rule: of(&["rrule", "cron", "rdates"]),
        in_flight: of(&["in_flight"]),
    }
}

fn refuse_times(desk: &mut Desk<'_>, table: &Table<'_>) {
    for key in KEYS_OF_TIME {
        if let Some(node) = table.get(key) {
            let message = format!("`{key}` and `ics` both say when");
            desk.error(node.at, "conflicting_keys", message, "keep one of them");
        }
    }
}

fn schedule(desk: &mut Desk<'_>, table: &Table<'_>) -> Option<Schedule> {
    let zone = desk.text_of(table, "zone");
    let given = table.get("start").and_then(|node| time(desk, node));
    let cron = table.get("cron").map(|node| cron_rule(desk, table, node, given));
    let (start, rrule) = match cron {
        Some(found) => {
            let (start, rrule) = found?;
            (Some(start), Some(rrule))
        }
        None => {
            if table.get("start").is_none() {
                table.required(desk, "start");
            }
            let rrule = table.get("rrule").and_then(|node| desk.text(node, "`rrule`"));
            (given, rrule)
        }
    };
    let end = end(desk, table);
    let rdates = times(desk, table, "rdates");
    let (start, end) = (start?, end?);
    // A date is a further day of what begins at that time of day.
    let rdates = rdates.into_iter().map(|(local, day, _)| match day {
        true => local.date().to_datetime(start.time()),
        false => local,
    });
    // What is left out depends on what there is: see `checks::windows`.
    let (rdates, exdates) = (rdates.collect(), Vec::new());
    let all_day = table.get("cron").is_none() && is_whole_days(table, end);
    Some(Schedule { zone, start, end, rrule, rdates, exdates, all_day })
}

/// Whether start and end are written as dates, without a time of day.
fn is_whole_days(table: &Table<'_>, end: ScheduleEnd) -> bool {
    let is_date = |key: &str| {
        let scalar = table.get(key).and_then(Node::scalar);
        matches!(scalar, Some(crate::yaml::Scalar::Text(text)) if !text.contains(['T', ' ', 'P', ':']))
    };
    let ends = match end {
        ScheduleEnd::At(_) => is_date("end"),
        ScheduleEnd::After(lasting) => lasting.seconds == 0 && lasting.days > 0,
    };
    is_date("start") && ends
}

fn cron_rule(
    desk: &mut Desk<'_>,
    table: &Table<'_>,
    node: &Node,
    from: Option<DateTime>,
) -> Option<(DateTime, String)> {
    if let Some(rrule) = table.get("rrule") {
        let message = "`cron` and `rrule` both say when";
        desk.error(rrule.at, "conflicting_keys", message, "keep one of them");
    }
    let text = desk.text(node, "`cron`")?;
    match cron::to_rule(&text, from) {
        Ok(rule) => Some((rule.start, rule.rrule)),
        Err(problem) => {
            let CronProblem { message, help } = problem;
            let message = format!("`{}`: {message}", shortened(&text));
            desk.error(node.at, "bad_cron", message, help);
            None
        }
    }
}

fn end(desk: &mut Desk<'_>, table: &Table<'_>) -> Option<ScheduleEnd> {
    match (table.get("end"), table.get("duration")) {
        (Some(node), None) => time(desk, node).map(ScheduleEnd::At),
        (None, Some(node)) => desk.lasting(node, "`duration`").map(ScheduleEnd::After),
        (Some(_), Some(node)) => {
            let message = "`end` and `duration` say the same";
            desk.error(node.at, "conflicting_keys", message, "keep one of them");
            None
        }
        (None, None) => {
            let message = "it is not said when the window ends";
            desk.error(table.at, "missing_key", message, "add `end: ...` or `duration: 8h`");
            None
        }
    }
}

fn time(desk: &mut Desk<'_>, node: &Node) -> Option<DateTime> {
    let text = desk.text(node, "a local time")?;
    local_time(desk, &text, node.at)
}

fn local_time(desk: &mut Desk<'_>, text: &str, at: Position) -> Option<DateTime> {
    let read = parse_local(text).ok();
    if read.is_none() {
        let message = format!("`{}` is not a local time", shortened(text));
        desk.error(at, "bad_time", message, TIME_HELP);
    }
    read
}

/// The local times of a list, each with whether it is a date, and where it stands.
fn times(desk: &mut Desk<'_>, table: &Table<'_>, key: &str) -> Vec<(DateTime, bool, Position)> {
    let texts = desk.texts_of(table, key);
    let read = |(text, at): (String, Position)| {
        Some((local_time(desk, &text, at)?, !text.contains(['T', ' ', ':']), at))
    };
    texts.into_iter().filter_map(read).collect()
}

fn left_out(desk: &mut Desk<'_>, table: &Table<'_>) -> Vec<LeftOut> {
    let times = times(desk, table, "exdates").into_iter();
    times.map(|(local, day, at)| LeftOut { local, day, at: desk.place(at) }).collect()
}

/// Who may grant an exception: `role:...`, `team:...`, `claim:...`, or `person:` and a handle, which
/// becomes the person's opaque id.
fn grants(desk: &mut Desk<'_>, table: &Table<'_>) -> Vec<String> {
    let mut grants = Vec::new();
    for (text, at) in desk.texts_of(table, "grants") {
        match text.split_once(':') {
            Some(("role", role)) if is_short_word(role) => {
                desk.mention(Dimension::Role, role, at);
                grants.push(text);
            }
            Some(("team", team)) => {
                if team != super::approval::OWNER {
                    desk.refer(ItemKind::Team, team, at, "an exception is granted by".to_owned());
                }
                grants.push(text);
            }
            Some(("person", handle)) => {
                let by = "an exception is granted by".to_owned();
                let id = desk.person(handle, at, by);
                grants.extend(id.map(|id| id.to_string()));
            }
            Some(("claim", claim)) if claim.contains('=') => {
                desk.mention(Dimension::Claim, claim, at);
                grants.push(text);
            }
            Some(_) | None => {
                let message = format!("`{}` does not say who", shortened(&text));
                let help = "write `role:change_manager`, `team:platform`, `person:alice` or `claim:name=value`";
                desk.error(at, "bad_value", message, help);
            }
        }
    }
    grants
}
