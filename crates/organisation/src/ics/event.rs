//! From a `VEVENT` to an event with a schedule.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use sluice_core::calendar::{HORIZON_DAYS, Lasting, Schedule, ScheduleEnd};

use super::components::Component;
use super::lines::ContentLine;
use super::problem::{IcsProblemKind, Problems};
use super::values::{
    Period, PeriodEnd, When, bad, duration, periods, unescape, unescape_list, when,
};
use super::zones::Zones;
use super::{IcsEvent, IcsStatus};

/// An event before those with the same `UID` are put together.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) event: IcsEvent,
    /// `SEQUENCE`: a higher one replaces a lower one.
    pub(super) sequence: u32,
    /// `STATUS:CANCELLED`.
    pub(super) cancelled: bool,
}

/// A problem and the line it is on.
type Located = (usize, IcsProblemKind);

/// The most rules of one event; honest ones have one.
const RULES_LIMIT: usize = 10;
/// The most dates of one event that have an end of their own.
const OWN_ENDS_LIMIT: usize = 1_000;
/// The longest text that is kept, in characters.
const TEXT_LIMIT: usize = 4_000;
/// The most steps that checking the rules of one file may take: about a second.
pub(super) const CHECK_STEP_LIMIT: u64 = 20_000_000;

/// Reads one `VEVENT`: one draft, or more where it has several rules or dates with an end of
/// their own; none, and a problem, where it is not understood.
///
/// `steps` is what is left of [`CHECK_STEP_LIMIT`].
pub(super) fn read(
    component: &Component,
    zones: &Zones<'_>,
    steps: &mut u64,
    problems: &mut Problems,
) -> Vec<Draft> {
    if problems.are_too_many() {
        return Vec::new();
    }
    match (Reader { component, zones, steps }).drafts() {
        Ok(drafts) => drafts,
        Err((line, kind)) => {
            problems.push(line, kind);
            Vec::new()
        }
    }
}

struct Reader<'a> {
    component: &'a Component,
    zones: &'a Zones<'a>,
    steps: &'a mut u64,
}

/// The start of an event, in its zone.
struct Start {
    zone: TimeZone,
    zone_name: String,
    local: DateTime,
    all_day: bool,
    floating: bool,
    zone_unsaid: bool,
}

impl Reader<'_> {
    fn drafts(&mut self) -> Result<Vec<Draft>, Located> {
        let component = self.component;
        let line = single(component, "DTSTART")?
            .ok_or((component.line, IcsProblemKind::Missing { name: "DTSTART" }))?;
        let start = self.start(line)?;
        if let Some(line) = self.component.property("EXRULE") {
            return Err((line.line, IcsProblemKind::Unsupported { what: "EXRULE".to_owned() }));
        }
        let (rdates, own_ends) = self.rdates(&start)?;
        let first = Schedule {
            zone: start.zone_name.clone(),
            start: start.local,
            end: self.end(&start)?,
            rrule: None,
            rdates,
            exdates: self.exdates(&start)?,
            all_day: start.all_day,
        };
        let left_out: BTreeSet<DateTime> = first.exdates.iter().copied().collect();
        let once = Schedule { rdates: vec![], exdates: vec![], ..first.clone() };
        let mut drafts = Vec::new();
        for (at, end) in own_ends.into_iter().filter(|(at, _)| !left_out.contains(at)) {
            drafts.push(self.draft(Schedule { start: at, end, ..once.clone() }, &start)?);
        }
        let rules: Vec<&ContentLine> = component.all("RRULE").collect();
        if let Some(line) = rules.get(RULES_LIMIT) {
            let what = format!("more than {RULES_LIMIT} rules for one event");
            return Err((line.line, IcsProblemKind::Unsupported { what }));
        }
        if rules.is_empty() {
            self.check(&first, line)?;
            drafts.insert(0, self.draft(first, &start)?);
            return Ok(drafts);
        }
        for rule in rules {
            let rrule = Some(rule.value.trim().to_owned());
            let schedule = Schedule { rrule, ..first.clone() };
            self.check(&schedule, rule)?;
            drafts.push(self.draft(schedule, &start)?);
        }
        Ok(drafts)
    }

    fn draft(&self, schedule: Schedule, start: &Start) -> Result<Draft, Located> {
        let kept =
            |it: &ContentLine| unescape(&it.value).chars().take(TEXT_LIMIT).collect::<String>();
        let text = |name| self.component.property(name).map(kept);
        let line = self.component.line;
        let uid = text("UID").map(|uid| uid.trim().to_owned()).filter(|uid| !uid.is_empty());
        let categories = self.component.all("CATEGORIES");
        let status = text("STATUS").unwrap_or_default().trim().to_ascii_uppercase();
        let transparency = text("TRANSP").unwrap_or_default();
        let sequence = text("SEQUENCE").and_then(|it| it.trim().parse().ok()).unwrap_or(0);
        Ok(Draft {
            event: IcsEvent {
                uid: uid.unwrap_or_else(|| format!("line-{line}")),
                summary: text("SUMMARY").unwrap_or_default(),
                description: text("DESCRIPTION").unwrap_or_default(),
                schedule,
                floating: start.floating,
                zone_unsaid: start.zone_unsaid,
                replaces: self.replaces(start)?,
                status: match status.as_str() {
                    "TENTATIVE" => IcsStatus::Tentative,
                    "CONFIRMED" => IcsStatus::Confirmed,
                    _ => IcsStatus::Unstated,
                },
                transparent: transparency.trim().eq_ignore_ascii_case("TRANSPARENT"),
                categories: categories.flat_map(|it| unescape_list(&it.value)).collect(),
                url: text("URL").filter(|url| !url.is_empty()),
                line,
            },
            sequence,
            cancelled: status == "CANCELLED",
        })
    }

    fn start(&self, line: &ContentLine) -> Result<Start, Located> {
        let at = when(line).map_err(|kind| (line.line, kind))?;
        let floats = || (self.zones.floating().unwrap_or("UTC").to_owned(), true);
        let (zone_name, floating) = match (at, line.parameter("TZID")) {
            (When::Utc(_), _) => ("UTC".to_owned(), false),
            (When::Date(_), _) | (When::Local(_), None | Some("")) => floats(),
            (When::Local(local), Some(id)) => {
                let zone = self.zones.resolve(id, local).map_err(|kind| (line.line, kind))?;
                (zone, false)
            }
        };
        let zone = zone(&zone_name).map_err(|kind| (line.line, kind))?;
        let (local, all_day) = match at {
            When::Date(date) => (date.at(0, 0, 0, 0), true),
            When::Local(local) | When::Utc(local) => (local, false),
        };
        let zone_unsaid = floating && self.zones.floating().is_none();
        Ok(Start { zone, zone_name, local, all_day, floating, zone_unsaid })
    }

    fn end(&self, start: &Start) -> Result<ScheduleEnd, Located> {
        let (end, length) = (single(self.component, "DTEND")?, single(self.component, "DURATION")?);
        match (end, length) {
            (Some(_), Some(length)) => Err((length.line, IcsProblemKind::EndAndDuration)),
            (Some(line), None) => {
                let at = when(line).map_err(|kind| (line.line, kind))?;
                let end = self.local(at, line, start)?;
                if end < start.local {
                    return Err((line.line, bad(line, "at or after `DTSTART`")));
                }
                if start.all_day && end == start.local {
                    return Ok(ScheduleEnd::After(Lasting { days: 1, seconds: 0 }));
                }
                Ok(ScheduleEnd::At(end))
            }
            (None, Some(line)) => {
                let lasting = duration(line).map_err(|kind| (line.line, kind))?;
                Ok(ScheduleEnd::After(lasting))
            }
            (None, None) => {
                let days = u32::from(start.all_day);
                Ok(ScheduleEnd::After(Lasting { days, seconds: 0 }))
            }
        }
    }

    /// The starts of `RDATE`, those without and those with an end of their own.
    #[expect(clippy::type_complexity, reason = "two lists, taken apart by the only caller")]
    fn rdates(
        &self,
        start: &Start,
    ) -> Result<(Vec<DateTime>, Vec<(DateTime, ScheduleEnd)>), Located> {
        let (mut plain, mut with_end) = (Vec::new(), Vec::new());
        for line in self.component.all("RDATE") {
            for Period { start: from, end } in periods(line).map_err(|kind| (line.line, kind))? {
                let at = match from {
                    // A date adds an occurrence on that day, at the usual time.
                    When::Date(date) => date.to_datetime(start.local.time()),
                    When::Local(_) | When::Utc(_) => self.local(from, line, start)?,
                };
                match end {
                    None => plain.push(at),
                    Some(PeriodEnd::After(lasting)) => {
                        with_end.push((at, ScheduleEnd::After(lasting)));
                    }
                    Some(PeriodEnd::At(end)) => {
                        let end = self.local(end, line, start)?;
                        if end < at {
                            return Err((
                                line.line,
                                bad(line, "periods that end after they start"),
                            ));
                        }
                        with_end.push((at, ScheduleEnd::At(end)));
                    }
                }
                if with_end.len() > OWN_ENDS_LIMIT {
                    let what = format!("more than {OWN_ENDS_LIMIT} periods for one event");
                    return Err((line.line, IcsProblemKind::Unsupported { what }));
                }
            }
        }
        Ok((plain, with_end))
    }

    fn exdates(&self, start: &Start) -> Result<Vec<DateTime>, Located> {
        let mut exdates = Vec::new();
        for line in self.component.all("EXDATE") {
            for period in periods(line).map_err(|kind| (line.line, kind))? {
                exdates.push(match period.start {
                    // A date leaves out the occurrence of that day.
                    When::Date(date) => date.to_datetime(start.local.time()),
                    When::Local(_) | When::Utc(_) => self.local(period.start, line, start)?,
                });
            }
        }
        Ok(exdates)
    }

    fn replaces(&self, start: &Start) -> Result<Option<DateTime>, Located> {
        let Some(line) = single(self.component, "RECURRENCE-ID")? else { return Ok(None) };
        if line.parameter("RANGE").is_some() {
            let what = "RECURRENCE-ID with RANGE".to_owned();
            return Err((line.line, IcsProblemKind::Unsupported { what }));
        }
        match when(line).map_err(|kind| (line.line, kind))? {
            When::Date(date) => Ok(Some(date.at(0, 0, 0, 0))),
            at @ (When::Local(_) | When::Utc(_)) => {
                // It names an occurrence of another event, in whose zone it is compared.
                let zone = self.zone_of(at, line, start)?;
                let instant = nominal(&zone, at).ok_or_else(|| out_of_range(line))?;
                Ok(Some(Offset::UTC.to_datetime(instant)))
            }
        }
    }

    /// The local time, in the zone of `start`, of a value of `line`.
    fn local(&self, at: When, line: &ContentLine, start: &Start) -> Result<DateTime, Located> {
        match at {
            When::Date(date) if start.all_day => Ok(date.at(0, 0, 0, 0)),
            When::Local(_) | When::Utc(_) if !start.all_day => {
                let zone = self.zone_of(at, line, start)?;
                if let (When::Local(local), true) = (at, zone == start.zone) {
                    return Ok(local);
                }
                let instant = nominal(&zone, at).ok_or_else(|| out_of_range(line))?;
                Ok(start.zone.to_datetime(instant))
            }
            When::Date(_) | When::Local(_) | When::Utc(_) => {
                Err((line.line, IcsProblemKind::MixedDates { name: line.name.clone() }))
            }
        }
    }

    /// The zone of a value; a value without one has that of the start.
    fn zone_of(&self, at: When, line: &ContentLine, start: &Start) -> Result<TimeZone, Located> {
        match (at, line.parameter("TZID").filter(|id| !id.is_empty())) {
            (When::Utc(_), _) => Ok(TimeZone::UTC),
            (When::Local(local), Some(id)) => {
                let name = self.zones.resolve(id, local).map_err(|kind| (line.line, kind))?;
                zone(&name).map_err(|kind| (line.line, kind))
            }
            (When::Date(_), _) | (When::Local(_), None) => Ok(start.zone.clone()),
        }
    }

    fn check(&mut self, schedule: &Schedule, line: &ContentLine) -> Result<(), Located> {
        let near = Offset::UTC.to_timestamp(schedule.start).unwrap_or(Timestamp::UNIX_EPOCH);
        let ahead = SignedDuration::from_hours(HORIZON_DAYS * 24);
        let cost = schedule.expansion_steps(near, near.checked_add(ahead).unwrap_or(near));
        let Some(left) = self.steps.checked_sub(cost) else {
            return Err((line.line, IcsProblemKind::TooMuchWork));
        };
        *self.steps = left;
        schedule.validate().map_err(|problem| (line.line, problem.into()))
    }
}

/// The only property of a name; `DTSTART` twice would be two truths.
fn single<'a>(
    component: &'a Component,
    name: &'static str,
) -> Result<Option<&'a ContentLine>, Located> {
    let mut all = component.all(name);
    let first = all.next();
    match all.next() {
        Some(second) if Some(&second.value) != first.map(|it| &it.value) => {
            Err((second.line, IcsProblemKind::Duplicate { name: name.to_owned() }))
        }
        Some(_) | None => Ok(first),
    }
}

/// The instant of a value as calendar programs have it.
fn nominal(zone: &TimeZone, at: When) -> Option<Timestamp> {
    match at {
        When::Date(_) => None,
        When::Local(local) => zone.to_ambiguous_timestamp(local).compatible().ok(),
        When::Utc(utc) => Offset::UTC.to_timestamp(utc).ok(),
    }
}

fn out_of_range(line: &ContentLine) -> Located {
    (line.line, bad(line, "a time within the calendar"))
}

fn zone(name: &str) -> Result<TimeZone, IcsProblemKind> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| IcsProblemKind::UnknownZone { zone: name.to_owned() })
}
