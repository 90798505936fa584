//! Blackout and maintenance schedules, read as windows of the calendar.
//!
//! A blackout is a freeze, maintenance is announced. What a span says is translated where its meaning is certain, and named
//! as not read where it is not. Times with a `Z` are in UTC, others in the zone of their schedule, in which days are
//! counted either way. Rows that may not be seen are missing in a list, but they count: where fewer came than there are,
//! or where it cannot be told what a row belongs to, the reading has not seen everything.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use serde_json::Value;
use sluice_core::calendar::{InFlight, Schedule, ScheduleEnd, Window, WindowKind};
use sluice_core::scope::Scope;

use super::config::Config;
use super::recurrence;
use super::wire::{is_sys_id, many, text};
use crate::kit::answers::{cut, header, json, not_understood, success};
use crate::kit::settings::Settings;
use crate::tell::{Ask, Polling, ReadWindow, ReadWindows, Step, Verb};

/// The most rows of one page.
const ROWS: usize = 500;
/// The most pages of one list.
const PAGES: usize = 10;
/// The schedules that say when changes may be.
const CLASSES: [(&str, &str, WindowKind); 2] = [
    ("cmn_schedule_blackout", "blackout", WindowKind::Freeze),
    ("cmn_schedule_maintenance", "maintenance", WindowKind::Maintenance),
];
const SCHEDULE_FIELDS: &str = "sys_id,name,sys_class_name,time_zone";
const SPAN_FIELDS: &str = "sys_id,schedule,name,type,start_date_time,end_date_time,all_day,repeat_type,repeat_count,\
    days_of_week,monthly_type,yearly_type,float_week,float_day,month,repeat_until";

/// How schedules are read, where they are.
pub(super) struct Reading {
    /// The zone of schedules that have none.
    zone: Option<String>,
    /// Where schedules hold.
    scope: Scope,
    /// Where those with a name hold.
    of: BTreeMap<String, Scope>,
}

/// `schedules` of the settings.
pub(super) fn reading(settings: &mut Settings<'_>) -> Option<Reading> {
    let value = settings.value("schedules")?;
    let mut inner = Settings::of(value, "/schedules");
    let zone = inner.text("zone", "a zone such as `Europe/Berlin`, for schedules that have none");
    let help = "a scope such as `{environments: [production]}`";
    let read = |value: &Value| serde_json::from_value::<Scope>(value.clone()).ok();
    let scope = match inner.value("scope") {
        None => Scope::default(),
        Some(given) => read(given).unwrap_or_else(|| {
            inner.problem("scope", "`scope` is not a scope", help);
            Scope::default()
        }),
    };
    let mut of = BTreeMap::new();
    match inner.value("of") {
        None => {}
        Some(Value::Object(named)) if named.values().all(|one| read(one).is_some()) => {
            of.extend(named.iter().filter_map(|(name, one)| Some((name.clone(), read(one)?))));
        }
        Some(_) => inner.problem("of", "`of` is not a mapping of schedules to scopes", help),
    }
    settings.absorb(inner.finish());
    Some(Reading { zone, scope, of })
}

type Read<T> = Result<T, Step<ReadWindows>>;

/// The next step in reading all schedules and their spans.
pub(super) fn read(config: &Config, reading: &Reading, polling: &Polling<'_>) -> Read<ReadWindows> {
    let classes = CLASSES.map(|(class, _, _)| class).join(",");
    let query = format!("sys_class_nameIN{classes}^ORDERBYsys_id");
    let schedules = list(config, polling, ("schedules", "cmn_schedule"), &query, SCHEDULE_FIELDS)?;
    let query = format!("schedule.sys_class_nameIN{classes}^ORDERBYsys_id");
    let spans = list(config, polling, ("spans", "cmn_schedule_span"), &query, SPAN_FIELDS)?;
    let rows = schedules.rows.iter();
    let known: BTreeMap<String, &Value> =
        rows.filter_map(|row| Some((sys_id(row, "sys_id")?, row))).collect();
    let mut everything =
        schedules.is_whole && spans.is_whole && known.len() == schedules.rows.len();
    let mut windows = Vec::new();
    for span in &spans.rows {
        match owner(&known, span) {
            Owner::Known { id, schedule, kind } => {
                windows.push(ReadWindow { id, window: window(reading, schedule, span, kind) });
            }
            Owner::Other => {}
            Owner::Unknown => everything = false,
        }
    }
    Ok(ReadWindows { windows, everything })
}

/// What a span belongs to.
enum Owner<'a> {
    /// A schedule that was asked for.
    Known { id: String, schedule: &'a Value, kind: (&'static str, WindowKind) },
    /// Another one: a part of a query that is not understood is as if it were not there.
    Other,
    /// It cannot be told: a field may not be seen.
    Unknown,
}

fn owner<'a>(known: &BTreeMap<String, &'a Value>, span: &Value) -> Owner<'a> {
    let Some(of) = sys_id(span, "schedule") else { return Owner::Unknown };
    let Some(schedule) = known.get(&of).copied() else { return Owner::Other };
    let class = text(schedule, "sys_class_name").unwrap_or_default();
    let kind = CLASSES.into_iter().find(|(name, _, _)| *name == class);
    match (sys_id(span, "sys_id"), kind) {
        (Some(id), Some((_, kind, means))) => Owner::Known { id, schedule, kind: (kind, means) },
        _ => Owner::Unknown,
    }
}

fn sys_id(row: &Value, field: &str) -> Option<String> {
    text(row, field).filter(|id| is_sys_id(id))
}

/// A list as far as it was read.
struct List {
    rows: Vec<Value>,
    /// Whether every row that is there was seen.
    is_whole: bool,
}

fn list(
    config: &Config,
    polling: &Polling<'_>,
    (step, table): (&'static str, &str),
    query: &str,
    fields: &str,
) -> Read<List> {
    let (mut rows, mut pages, mut totals) = (Vec::new(), 0, Vec::new());
    for exchange in polling.so_far.iter().filter(|exchange| exchange.step == step) {
        let answer = json(exchange)?;
        let page = many(&answer);
        rows.extend(
            page.cloned().ok_or_else(|| not_understood("the answer is not a list of records"))?,
        );
        pages += 1;
        let count = header(success(exchange)?, "x-total-count");
        totals.push(count.and_then(|count| count.trim().parse::<usize>().ok()));
    }
    let total = totals.last().copied().flatten();
    let is_last = pages > 0 && total.is_none_or(|total| pages * ROWS >= total);
    if is_last || pages >= PAGES {
        // Where their number altered between two pages, one of them may have moved out of sight.
        let is_whole = is_last && totals.iter().all(|total| *total == Some(rows.len()));
        return Ok(List { rows, is_whole });
    }
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    parameters
        .append_pair("sysparm_query", query)
        .append_pair("sysparm_fields", fields)
        .append_pair("sysparm_limit", &ROWS.to_string())
        .append_pair("sysparm_exclude_reference_link", "true")
        .append_pair("sysparm_suppress_pagination_header", "true");
    if pages > 0 {
        parameters.append_pair("sysparm_offset", &(pages * ROWS).to_string());
    }
    let url = format!("{}/api/now/table/{table}?{}", config.url, parameters.finish());
    let ask = Ask::new(step, Verb::Get, url).header("accept", "application/json");
    Err(Step::Send(ask.by(polling.session)))
}

/// What a span means here, or why it cannot be told.
fn window(
    reading: &Reading,
    schedule: &Value,
    span: &Value,
    (kind, means): (&str, WindowKind),
) -> Result<Window, &'static str> {
    let field = |name: &str| text(span, name).unwrap_or_default().trim().to_owned();
    if field("type") != kind {
        return Err("its type is another than its schedule's, and may take something out of it");
    }
    let named = text(schedule, "name").unwrap_or_default();
    let (start, in_utc) = local(&field("start_date_time")).ok_or("its start is not a time")?;
    let (end, ends_in_utc) = local(&field("end_date_time")).ok_or("its end is not a time")?;
    if in_utc != ends_in_utc {
        return Err("only one of its times is in UTC");
    }
    let zone = text(schedule, "time_zone").filter(|zone| !zone.is_empty() && zone != "floating");
    let zone = zone.or_else(|| reading.zone.clone());
    let all_day = field("all_day") == "true";
    // Whether it says which days it covers, and not only from when to when.
    let by_days = all_day || !field("repeat_type").is_empty();
    let (zone, start, end) = match (in_utc, zone) {
        (true, Some(zone)) if by_days => {
            let found = TimeZone::get(&zone).map_err(|_| "its time zone is not known")?;
            (zone, in_zone(start, &found)?, in_zone(end, &found)?)
        }
        (true, None) if by_days => {
            return Err("its times are in UTC, and it is not known in which zone its days are");
        }
        (true, _) => ("UTC".to_owned(), start, end),
        (false, Some(zone)) => (zone, start, end),
        (false, None) => {
            return Err(
                "its schedule has no time zone, and the link's `schedules` names no `zone`",
            );
        }
    };
    let (start, end) = if all_day { whole_days(start, end) } else { Some((start, full(end))) }
        .ok_or("its times are too far away")?;
    let rrule = recurrence::rule(&field, start)?;
    let title = match field("name") {
        name if name.is_empty() => named.clone(),
        name => name,
    };
    Ok(Window {
        name: String::new(),
        title: cut(&title, 120),
        kind: means,
        scope: reading.of.get(&named).unwrap_or(&reading.scope).clone(),
        schedule: Schedule {
            zone,
            start,
            end: ScheduleEnd::At(end),
            rrule,
            rdates: Vec::new(),
            exdates: Vec::new(),
            all_day,
        },
        in_flight: InFlight::Finish,
        grants: Vec::new(),
        reason: cut(&format!("ServiceNow's {kind} schedule `{named}`"), 300),
    })
}

/// `yyyyMMddTHHmmss`, with a `Z` at its end where it is in UTC.
fn local(text: &str) -> Option<(DateTime, bool)> {
    let (text, in_utc) = match text.strip_suffix('Z') {
        Some(text) => (text, true),
        None => (text, false),
    };
    Some((DateTime::strptime("%Y%m%dT%H%M%S", text).ok()?, in_utc))
}

/// A time in UTC, as the clocks of a zone show it.
fn in_zone(time: DateTime, zone: &TimeZone) -> Result<DateTime, &'static str> {
    let at = time.to_zoned(TimeZone::UTC).map_err(|_| "its times are too far away")?;
    Ok(at.with_time_zone(zone.clone()).datetime())
}

/// Their last second belongs to a span that ends with it.
fn full(end: DateTime) -> DateTime {
    if end.second() == 59 { end.saturating_add(SignedDuration::from_secs(1)) } else { end }
}

/// From midnight to midnight, the day of the end included.
fn whole_days(start: DateTime, end: DateTime) -> Option<(DateTime, DateTime)> {
    let start = start.date().to_datetime(Time::midnight());
    let is_midnight = end.time() == Time::midnight() && end > start;
    let last = if is_midnight { end.date() } else { end.date().checked_add(1.day()).ok()? };
    Some((start, last.to_datetime(Time::midnight())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_span(fields: &Value) -> Result<(String, String, String, Option<String>), &'static str> {
        let zone = fields.get("time_zone").cloned().unwrap_or_else(|| json!("Europe/Berlin"));
        let schedule = json!({ "name": "Year end", "time_zone": zone });
        let mut span = json!({
            "type": "blackout", "start_date_time": "20261224T180000", "end_date_time": "20261227T060000",
            "all_day": "false", "repeat_type": "", "repeat_count": "1", "repeat_until": "00000000",
        });
        for (name, value) in fields.as_object().unwrap() {
            span[name] = value.clone();
        }
        let reading = Reading { zone: None, scope: Scope::default(), of: BTreeMap::new() };
        let window = window(&reading, &schedule, &span, ("blackout", WindowKind::Freeze))?;
        window.validate().unwrap();
        let Schedule { zone, start, end, rrule, .. } = window.schedule;
        Ok((zone, start.to_string(), end.to_string(), rrule))
    }

    #[test]
    fn a_span_means_what_it_says() {
        let cases = [
            (json!({}), "Europe/Berlin", "2026-12-24T18:00:00", "2026-12-27T06:00:00", None),
            (
                json!({ "start_date_time": "20261224T170000Z", "end_date_time": "20261227T045959Z" }),
                "UTC",
                "2026-12-24T17:00:00",
                "2026-12-27T05:00:00",
                None,
            ),
            (
                json!({ "all_day": "true", "start_date_time": "20261224T000000", "end_date_time": "20261226T235959" }),
                "Europe/Berlin",
                "2026-12-24T00:00:00",
                "2026-12-27T00:00:00",
                None,
            ),
            (
                json!({ "repeat_type": "weekly", "days_of_week": "57", "repeat_until": "20270131" }),
                "Europe/Berlin",
                "2026-12-24T18:00:00",
                "2026-12-27T06:00:00",
                Some("FREQ=WEEKLY;INTERVAL=1;BYDAY=FR,SU;UNTIL=20270131"),
            ),
            // It begins on a Thursday: however weeks are counted, it is the same one.
            (
                json!({ "repeat_type": "weekly", "repeat_count": "2", "days_of_week": "4" }),
                "Europe/Berlin",
                "2026-12-24T18:00:00",
                "2026-12-27T06:00:00",
                Some("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH"),
            ),
            (
                json!({ "repeat_type": "monthly", "monthly_type": "dom" }),
                "Europe/Berlin",
                "2026-12-24T18:00:00",
                "2026-12-27T06:00:00",
                Some("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=24"),
            ),
            (
                json!({ "repeat_type": "yearly", "yearly_type": "float", "float_week": "4", "float_day": "5", "month": "11" }),
                "Europe/Berlin",
                "2026-12-24T18:00:00",
                "2026-12-27T06:00:00",
                Some("FREQ=YEARLY;INTERVAL=1;BYMONTH=11;BYDAY=4FR"),
            ),
        ];
        for (fields, zone, start, end, rule) in cases {
            let wanted = (zone.into(), start.into(), end.into(), rule.map(str::to_owned));
            assert_eq!(read_span(&fields), Ok(wanted), "{fields}");
        }
    }

    #[test]
    fn days_are_those_of_the_zone_of_the_schedule() {
        let cases = [
            // All of Friday in Berlin begins on Thursday in UTC.
            (
                json!({
                    "start_date_time": "20261224T230000Z", "end_date_time": "20261225T225959Z",
                    "repeat_type": "weekly", "days_of_week": "5",
                }),
                "Europe/Berlin",
                "2026-12-25T00:00:00",
                "2026-12-26T00:00:00",
                Some("FREQ=WEEKLY;INTERVAL=1;BYDAY=FR"),
            ),
            (
                json!({
                    "start_date_time": "20261130T230000Z", "end_date_time": "20261201T000000Z",
                    "repeat_type": "monthly", "monthly_type": "dom",
                }),
                "Europe/Berlin",
                "2026-12-01T00:00:00",
                "2026-12-01T01:00:00",
                Some("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1"),
            ),
            (
                json!({
                    "all_day": "true",
                    "start_date_time": "20261224T230000Z", "end_date_time": "20261225T225959Z",
                }),
                "Europe/Berlin",
                "2026-12-25T00:00:00",
                "2026-12-26T00:00:00",
                None,
            ),
        ];
        for (fields, zone, start, end, rule) in cases {
            let wanted = (zone.into(), start.into(), end.into(), rule.map(str::to_owned));
            assert_eq!(read_span(&fields), Ok(wanted), "{fields}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_read() {
        let cases = [
            json!({ "type": "exclude" }),
            json!({ "type": "on_call" }),
            json!({ "start_date_time": "2026-12-24 18:00:00" }),
            json!({ "end_date_time": "" }),
            json!({ "end_date_time": "20261227T060000Z" }),
            json!({ "repeat_type": "fortnightly" }),
            json!({ "repeat_type": "weekly", "days_of_week": "8" }),
            json!({ "repeat_type": "monthly", "monthly_type": "dow" }),
            json!({ "repeat_type": "monthly", "monthly_type": "dom", "start_date_time": "20261231T180000", "end_date_time": "20261231T190000" }),
            json!({ "repeat_type": "yearly", "yearly_type": "float", "float_week": "5", "float_day": "5", "month": "11" }),
            json!({ "repeat_type": "daily", "repeat_until": "soon" }),
            json!({ "repeat_type": "daily", "repeat_count": "-1" }),
            json!({ "repeat_type": "weekly", "repeat_count": "2", "days_of_week": "57" }),
            json!({ "repeat_type": "weekly", "repeat_count": "2", "days_of_week": "5" }),
            json!({ "repeat_type": "daily", "time_zone": "floating", "start_date_time": "20261224T180000Z", "end_date_time": "20261224T190000Z" }),
            json!({ "all_day": "true", "time_zone": "", "start_date_time": "20261224T000000Z", "end_date_time": "20261224T235959Z" }),
            json!({ "all_day": "true", "time_zone": "Mars/North", "start_date_time": "20261224T000000Z", "end_date_time": "20261224T235959Z" }),
        ];
        for fields in cases {
            assert!(read_span(&fields).is_err(), "{fields}");
        }
    }
}
