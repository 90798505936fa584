//! Walking the periods of a rule.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use jiff::civil::{Date, DateTime, Time};

use super::days::{
    DayFilter, date_of, day_number, first_day_of_week_year, start_of_week, week_year,
};
use super::{Ending, Frequency, Rule, RuleProblem};

/// The most steps (days looked at, times made) that one expansion takes: a tenth of a second.
const STEP_LIMIT: u64 = 1_000_000;

/// What to expand a rule into.
#[derive(Debug, Clone)]
pub struct Request {
    /// The first local time of the schedule; nothing before it is an occurrence.
    pub start: DateTime,
    /// Whether the start is a date: then the rule's times of day mean nothing.
    pub all_day: bool,
    /// The last local time that the rule may give, see [`Rule::last_local`].
    pub last: Option<DateTime>,
    /// The local times that are asked for.
    pub span: Range<DateTime>,
    /// The most occurrences that are given.
    pub limit: usize,
}

impl Rule {
    /// At most about how many steps it takes to expand the rule over `span` from `start`.
    pub(in crate::calendar) fn steps(&self, start: DateTime, span: Range<DateTime>) -> u64 {
        let from = match self.ending {
            Ending::Count(_) => start,
            Ending::Never | Ending::Local(_) | Ending::Utc(_) | Ending::On(_) => {
                span.start.max(start)
            }
        };
        let days = day_number(span.end.date()) - day_number(from.date()) + 366;
        let per_day = match self.frequency {
            Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily => 1,
            Frequency::Hourly => 24,
            Frequency::Minutely => 24 * 60,
            Frequency::Secondly => 24 * 60 * 60,
        };
        u64::try_from(days).unwrap_or(0).saturating_mul(per_day).min(STEP_LIMIT)
    }

    /// The local times in `request.span` at which the rule matches, sorted, each once.
    pub fn expand(&self, request: &Request) -> Result<Vec<DateTime>, RuleProblem> {
        let mut walk = Walk::new(self, request);
        match walk.run() {
            ControlFlow::Continue(()) | ControlFlow::Break(Stop::Done) => Ok(walk.found),
            ControlFlow::Break(Stop::Full) => {
                Err(RuleProblem::TooManyOccurrences { limit: request.limit })
            }
            ControlFlow::Break(Stop::Tired) => Err(RuleProblem::TooMuchWork { limit: STEP_LIMIT }),
        }
    }
}

/// Why a walk ended.
enum Stop {
    Done,
    Full,
    Tired,
}

struct Walk<'a> {
    rule: &'a Rule,
    request: &'a Request,
    filter: DayFilter,
    times: Times,
    /// The day number before which no period needs to be looked at.
    skip_to: i64,
    left: Option<u32>,
    steps: u64,
    found: Vec<DateTime>,
}

impl<'a> Walk<'a> {
    fn new(rule: &'a Rule, request: &'a Request) -> Walk<'a> {
        let left = match rule.ending {
            Ending::Count(count) => Some(count),
            Ending::Never | Ending::Local(_) | Ending::Utc(_) | Ending::On(_) => None,
        };
        let start = day_number(request.start.date());
        let skip_to = match left {
            Some(_) => start,
            None => start.max(day_number(request.span.start.date())),
        };
        Walk {
            rule,
            request,
            filter: DayFilter::new(rule, request.start),
            times: Times::new(rule, request),
            skip_to,
            left,
            steps: 0,
            found: Vec::new(),
        }
    }

    fn run(&mut self) -> ControlFlow<Stop> {
        match self.rule.frequency {
            Frequency::Yearly => self.run_years(),
            Frequency::Monthly => self.run_months(),
            Frequency::Weekly => self.run_weeks(),
            Frequency::Daily => self.run_days(),
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => self.run_within_days(),
        }
    }

    fn run_years(&mut self) -> ControlFlow<Stop> {
        let by_week = !self.rule.by_week_no.is_empty();
        let week_start = self.rule.week_start;
        let year_of = |date: Date| match by_week {
            true => week_year(date, week_start),
            false => Some(date.year()),
        };
        let first_of = |year: i16| match by_week {
            true => first_day_of_week_year(year, week_start),
            false => Date::new(year, 1, 1).ok(),
        };
        let (Some(start), Some(near)) =
            (year_of(self.request.start.date()), date_of(self.skip_to).and_then(year_of))
        else {
            return ControlFlow::Continue(());
        };
        let mut year = self.align(start.into(), near.into());
        loop {
            let bounds = |offset: i64| i16::try_from(year + offset).ok().and_then(first_of);
            let (Some(first), Some(next)) = (bounds(0), bounds(1)) else {
                return ControlFlow::Continue(());
            };
            self.period(day_number(first)..day_number(next))?;
            year += i64::from(self.rule.interval);
        }
    }

    fn run_months(&mut self) -> ControlFlow<Stop> {
        let index = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
        let first_of = |index: i64| {
            let year = i16::try_from(index.div_euclid(12)).ok()?;
            Date::new(year, i8::try_from(index.rem_euclid(12) + 1).ok()?, 1).ok()
        };
        let Some(near) = date_of(self.skip_to) else { return ControlFlow::Continue(()) };
        let mut month = self.align(index(self.request.start.date()), index(near));
        loop {
            let (Some(first), Some(next)) = (first_of(month), first_of(month + 1)) else {
                return ControlFlow::Continue(());
            };
            self.period(day_number(first)..day_number(next))?;
            month += i64::from(self.rule.interval);
        }
    }

    fn run_weeks(&mut self) -> ControlFlow<Stop> {
        let Some(first) = start_of_week(self.request.start.date(), self.rule.week_start) else {
            return ControlFlow::Continue(());
        };
        let first = day_number(first);
        let mut week = self.align(0, (self.skip_to - first).div_euclid(7));
        while date_of(first + week * 7 + 6).is_some() {
            self.period(first + week * 7..first + week * 7 + 7)?;
            week += i64::from(self.rule.interval);
        }
        ControlFlow::Continue(())
    }

    fn run_days(&mut self) -> ControlFlow<Stop> {
        let mut day = self.align(day_number(self.request.start.date()), self.skip_to);
        while date_of(day).is_some() {
            self.period(day..day + 1)?;
            day += i64::from(self.rule.interval);
        }
        ControlFlow::Continue(())
    }

    /// Rules within the day go through the days too, and skip those that the filter refuses
    /// without looking at their hours.
    fn run_within_days(&mut self) -> ControlFlow<Stop> {
        let per_day = match self.rule.frequency {
            Frequency::Hourly => 24,
            Frequency::Minutely => 24 * 60,
            _ => 24 * 60 * 60,
        };
        let time = self.request.start.time();
        let seconds = i64::from(time.hour()) * 3_600
            + i64::from(time.minute()) * 60
            + i64::from(time.second());
        let of_start = seconds / (86_400 / per_day);
        let start = day_number(self.request.start.date()) * per_day + of_start;
        let mut period = self.align(start, self.skip_to * per_day);
        loop {
            let day = period.div_euclid(per_day);
            let Some(date) = date_of(day) else { return ControlFlow::Continue(()) };
            self.step()?;
            self.stop_after(date)?;
            if !self.filter.admits(date) {
                period = self.align(start, (day + 1) * per_day);
                continue;
            }
            while period.div_euclid(per_day) == day {
                self.step()?;
                let times = self.times.of_period(period.rem_euclid(per_day), per_day);
                self.steps += times.len() as u64;
                let candidates = times.into_iter().map(|time| date.to_datetime(time)).collect();
                self.take(candidates)?;
                period += i64::from(self.rule.interval);
            }
        }
    }

    /// The first period at or after `near` that the rule's interval reaches from `start`.
    fn align(&self, start: i64, near: i64) -> i64 {
        let interval = i64::from(self.rule.interval);
        let ahead = (near - start).max(0);
        start + (ahead + interval - 1) / interval * interval
    }

    /// Takes the occurrences of one period that is made of whole days.
    fn period(&mut self, days: Range<i64>) -> ControlFlow<Stop> {
        let mut candidates = Vec::new();
        let mut date = date_of(days.start);
        for _ in days.clone() {
            let Some(day) = date else { break };
            self.step()?;
            if self.filter.admits(day) {
                self.steps += self.times.whole_day.len() as u64;
                candidates.extend(self.times.whole_day.iter().map(|time| day.to_datetime(*time)));
            }
            date = day.tomorrow().ok();
        }
        self.take(candidates)?;
        match date_of(days.end) {
            Some(next) => self.stop_after(next),
            None => ControlFlow::Break(Stop::Done),
        }
    }

    fn take(&mut self, candidates: Vec<DateTime>) -> ControlFlow<Stop> {
        for candidate in self.at_positions(candidates) {
            if candidate < self.request.start {
                continue;
            }
            if self.request.last.is_some_and(|last| candidate > last)
                || candidate >= self.request.span.end
            {
                return ControlFlow::Break(Stop::Done);
            }
            if candidate >= self.request.span.start {
                if self.found.len() >= self.request.limit {
                    return ControlFlow::Break(Stop::Full);
                }
                self.found.push(candidate);
            }
            if let Some(left) = &mut self.left {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    return ControlFlow::Break(Stop::Done);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What `BYSETPOS` leaves of a period's sorted occurrences.
    fn at_positions(&self, candidates: Vec<DateTime>) -> Vec<DateTime> {
        if self.rule.by_set_position.is_empty() {
            return candidates;
        }
        let length = candidates.len();
        let index_of = |position: i16| {
            let distance = usize::from(position.unsigned_abs());
            if position > 0 { Some(distance - 1) } else { length.checked_sub(distance) }
        };
        let wanted: BTreeSet<usize> =
            self.rule.by_set_position.iter().filter_map(|position| index_of(*position)).collect();
        wanted.into_iter().filter_map(|index| candidates.get(index).copied()).collect()
    }

    /// Ends the walk when `date` is beyond all that is asked for.
    fn stop_after(&self, date: Date) -> ControlFlow<Stop> {
        let end = self.request.span.end;
        let last = self.request.last.map_or(end, |last| last.min(end));
        if date > last.date() { ControlFlow::Break(Stop::Done) } else { ControlFlow::Continue(()) }
    }

    fn step(&mut self) -> ControlFlow<Stop> {
        self.steps += 1;
        if self.steps > STEP_LIMIT {
            return ControlFlow::Break(Stop::Tired);
        }
        ControlFlow::Continue(())
    }
}

/// The times of day of a rule.
struct Times {
    /// All of them, for rules whose period is a day or longer.
    whole_day: Vec<Time>,
    hours: BTreeSet<i8>,
    minutes: BTreeSet<i8>,
    seconds: Vec<i8>,
    /// Whether the rule names the seconds, or they are those of the start.
    picks_seconds: bool,
    minute: i8,
}

impl Times {
    fn new(rule: &Rule, request: &Request) -> Times {
        let start = request.start;
        if request.all_day {
            return Times {
                whole_day: vec![Time::midnight()],
                hours: BTreeSet::from([0]),
                minutes: BTreeSet::from([0]),
                seconds: vec![0],
                picks_seconds: true,
                minute: 0,
            };
        }
        let or = |set: &BTreeSet<i8>, own: i8| match set.is_empty() {
            true => vec![own],
            false => set.iter().copied().collect(),
        };
        let seconds = or(&rule.by_second, start.second());
        let mut whole_day = Vec::new();
        for hour in or(&rule.by_hour, start.hour()) {
            for minute in or(&rule.by_minute, start.minute()) {
                whole_day.extend(times_of(hour, minute, &seconds));
            }
        }
        let (hours, minutes) = (rule.by_hour.clone(), rule.by_minute.clone());
        let picks_seconds = !rule.by_second.is_empty();
        Times { whole_day, hours, minutes, seconds, picks_seconds, minute: start.minute() }
    }

    /// The times in the given hour, minute or second of a day that is cut into `per_day` of them.
    fn of_period(&self, index: i64, per_day: i64) -> Vec<Time> {
        let part = |number: i64| i8::try_from(number).unwrap_or(0);
        let first = index * (86_400 / per_day);
        let (hour, minute) = (part(first / 3_600), part(first / 60 % 60));
        let admits = |set: &BTreeSet<i8>, own: i8| set.is_empty() || set.contains(&own);
        if !admits(&self.hours, hour) {
            return Vec::new();
        }
        match per_day {
            24 if self.minutes.is_empty() => times_of(hour, self.minute, &self.seconds).collect(),
            24 => {
                let minutes = self.minutes.iter();
                minutes.flat_map(|minute| times_of(hour, *minute, &self.seconds)).collect()
            }
            _ if !admits(&self.minutes, minute) => Vec::new(),
            1_440 => times_of(hour, minute, &self.seconds).collect(),
            _ => {
                let second = part(first % 60);
                let wanted = !self.picks_seconds || self.seconds.contains(&second);
                times_of(hour, minute, &[second]).filter(|_| wanted).collect()
            }
        }
    }
}

fn times_of(hour: i8, minute: i8, seconds: &[i8]) -> impl Iterator<Item = Time> {
    seconds.iter().filter_map(move |second| Time::new(hour, minute, *second, 0).ok())
}
