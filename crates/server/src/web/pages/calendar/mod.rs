//! Calendar: windows and deployments by month, week and as a list; stops, exceptions, and windows that people make.

pub(crate) mod agree;
pub(crate) mod exceptions;
mod feed;
mod halts;
mod month;
mod traits;
mod week;
mod went;
pub(crate) mod windows;
mod wish;

use askama::Template;
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use serde::Deserialize;
use sluice_core::calendar::WindowKind;
use sluice_core::permission::Permission;

pub(crate) use self::feed::feed;
use self::halts::Halts;
pub(crate) use self::halts::{lift, new_stop, pull};
use self::month::Month;
use self::week::Week;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::page::{Looker, address, page, some};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::Visit;
use crate::web::{Markup, marks, moment, w};

/// The most windows that are listed.
const MOST: usize = 200;
/// The days that the list reaches ahead.
const LISTED: i64 = 28;
/// The days before that of which deployments are listed.
const WENT: i64 = 7;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarQuery {
    view: Option<String>,
    on: Option<String>,
    service: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/calendar.html")]
struct CalendarPage {
    shell: Shell,
    view: &'static str,
    title: String,
    zone: String,
    service: String,
    tabs: Vec<(String, &'static str, bool)>,
    earlier: String,
    later: String,
    today: String,
    month: Option<Month>,
    week: Option<Week>,
    list: Vec<Occasion>,
    list_more: usize,
    went: Vec<went::Went>,
    went_more: bool,
    /// The day from which what went is listed.
    since: String,
    halts: Halts,
    may_edit: bool,
    waiting: usize,
    known: Vec<Known>,
    known_more: usize,
}

/// One window there is, whenever it comes.
struct Known {
    name: String,
    title: String,
    mark: Markup,
    scope: String,
    made: bool,
    /// The link that reads it from where it is kept.
    link: Option<String>,
    next: Option<Markup>,
    now: bool,
}

/// One occurrence of a window.
struct Occasion {
    mark: Markup,
    name: String,
    title: String,
    scope: String,
    from: Markup,
    to: Markup,
    length: String,
    reason: String,
    now: bool,
}

/// What is shown, and in which zone days begin.
struct Frame<'a> {
    visit: &'a Visit,
    zone: TimeZone,
    day: Date,
    service: Option<String>,
}

impl Frame<'_> {
    /// Whether a window may be seen, and speaks of the service that is looked at.
    fn wants(&self, scope: &sluice_core::scope::Scope) -> bool {
        if !self.visit.touches(Permission::CalendarRead, scope) {
            return false;
        }
        let Some(service) = &self.service else { return true };
        let Ok(name) = sluice_core::ids::ServiceName::parse(service) else { return false };
        let organisation = &self.visit.standing.organisation;
        let mut environments = organisation.environments.keys();
        environments.any(|environment| scope.covers(&organisation.target(&name, environment)))
    }

    fn start(&self, day: Date) -> jiff::Timestamp {
        let zoned = day.to_zoned(self.zone.clone());
        zoned.map_or(self.visit.now, |zoned| zoned.timestamp())
    }
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<CalendarQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, query)).await
}

fn build(visit: &Visit, query: CalendarQuery) -> Result<CalendarPage, Problem> {
    let view = match query.view.as_deref() {
        Some("week") => "week",
        Some("list") => "list",
        _ => "month",
    };
    let zone_name = visit.standing.organisation.settings.zone.clone();
    let zone = TimeZone::get(&zone_name).unwrap_or(TimeZone::UTC);
    let present = visit.now.to_zoned(zone.clone()).date();
    let day = query.on.as_deref().and_then(|text| text.parse::<Date>().ok()).unwrap_or(present);
    let frame = Frame { visit, zone, day, service: some(query.service) };
    let service = frame.service.clone().unwrap_or_default();
    let link = |view: &str, on: Date| {
        let on = if on == present { String::new() } else { on.to_string() };
        address("/calendar", &[("view", view), ("on", &on), ("service", &service)])
    };
    let (back, forth) = match view {
        "month" => (
            day.first_of_month().saturating_sub(1.day()).first_of_month(),
            day.last_of_month().saturating_add(1.day()),
        ),
        "week" => (day.saturating_sub(7.days()), day.saturating_add(7.days())),
        _ => (day.saturating_sub(LISTED.days()), day.saturating_add(LISTED.days())),
    };
    let here = if view == "month" { "" } else { view };
    let mut shell = visit.shell(Section::Calendar, w::t("calendar.calendar"));
    shell.notice = notice(query.done.as_deref());
    let (list, list_more) = if view == "list" { list(&frame) } else { Default::default() };
    let (known, known_more) = known(&frame);
    let (went, went_more, since) = match view {
        "week" => went::build(&frame, monday(day), 7)?,
        "list" => went::build(&frame, day.saturating_sub(WENT.days()), WENT + LISTED)?,
        _ => Default::default(),
    };
    let tabs = [
        ("", "month", w::t("calendar.month")),
        ("week", "week", w::t("calendar.week")),
        ("list", "list", w::t("calendar.list")),
    ];
    Ok(CalendarPage {
        shell,
        title: match view {
            "month" => day.strftime("%B %Y").to_string(),
            "week" => w::f("calendar.week_of", monday(day).strftime("%-d %B %Y")),
            _ => w::t("calendar.what_comes").to_owned(),
        },
        zone: zone_name,
        tabs: tabs
            .into_iter()
            .map(|(value, name, word)| (link(value, day), word, name == view))
            .collect(),
        earlier: link(here, back),
        later: link(here, forth),
        today: link(here, present),
        month: (view == "month").then(|| month::build(&frame)).transpose()?,
        week: (view == "week").then(|| week::build(&frame)).transpose()?,
        list,
        list_more,
        went,
        went_more,
        since,
        halts: halts::build(visit),
        may_edit: visit.may(Permission::CalendarEdit) && visit.caller.person.is_some(),
        waiting: agree::how_many(visit),
        known,
        known_more,
        service,
        view,
    })
}

/// The Monday of a day's week.
fn monday(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

fn kind(kind: WindowKind) -> &'static str {
    match kind {
        WindowKind::Freeze => "freeze",
        WindowKind::Maintenance => "maintenance",
        WindowKind::Release => "release",
    }
}

/// Every window there is, with when it comes next, and how many are not shown.
fn known(frame: &Frame<'_>) -> (Vec<Known>, usize) {
    let (visit, now) = (frame.visit, frame.visit.now);
    let calendar = visit.app.engine.present_calendar();
    let (_, to) = calendar.span();
    let all = calendar.between(now, to, 1).filter(|(window, _)| frame.wants(&window.scope));
    let all: Vec<_> = all.collect();
    let more = all.len().saturating_sub(MOST);
    let shown = all
        .into_iter()
        .take(MOST)
        .map(|(window, spans)| Known {
            name: window.name.clone(),
            title: window.title.clone(),
            mark: marks::window(kind(window.kind)),
            scope: window.scope.to_string(),
            made: visit.standing.made.windows.contains_key(&window.name),
            link: visit.standing.theirs.get(&window.name).map(|theirs| theirs.link.to_string()),
            now: spans.first().is_some_and(|span| span.start <= now),
            next: spans.first().map(|span| visit.when(span.start)),
        })
        .collect();
    (shown, more)
}

/// The next occurrences of every window by their beginning, and how many more there are.
fn list(frame: &Frame<'_>) -> (Vec<Occasion>, usize) {
    let calendar = frame.visit.app.engine.present_calendar();
    let from = frame.start(frame.day);
    let to = from.saturating_add(SignedDuration::from_hours(24 * LISTED)).unwrap_or(from);
    let mut found: Vec<_> = calendar
        .between(from, to, MOST)
        .filter(|(window, _)| frame.wants(&window.scope))
        .flat_map(|(window, spans)| spans.into_iter().map(move |span| (span, window)))
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    let more = found.len().saturating_sub(MOST);
    let now = frame.visit.now;
    let shown = found
        .into_iter()
        .take(MOST)
        .map(|(span, window)| Occasion {
            mark: marks::window(kind(window.kind)),
            name: window.name.clone(),
            title: window.title.clone(),
            scope: window.scope.to_string(),
            from: moment::at(span.start),
            to: moment::at(span.end),
            length: moment::span_of(span.end.duration_since(span.start)),
            reason: window.reason.clone(),
            now: span.start <= now && now < span.end,
        })
        .collect();
    (shown, more)
}
