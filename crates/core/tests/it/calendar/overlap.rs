//! The truth table of overlapping windows against an oracle that goes minute by minute.
//!
//! The oracle shares nothing with the calendar: windows are repeated every so many minutes in
//! UTC by plain arithmetic, each minute is painted, and every answer is read off the paint.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sluice_core::calendar::{Calendar, CalendarFacts, ReleaseState, Window, WindowKind};
use sluice_core::scope::{Scope, Target};

const DAYS: i64 = 3;
const MINUTES: i64 = DAYS * 24 * 60;
const EPOCH: &str = "2026-12-28T00:00:00Z";
const SERVICES: [&str; 3] = ["checkout", "billing", "search"];
const KINDS: [WindowKind; 3] = [WindowKind::Freeze, WindowKind::Maintenance, WindowKind::Release];

/// A window in minutes since the epoch of the test.
#[derive(Debug, Clone)]
struct Sketch {
    kind: WindowKind,
    /// A service, or the whole organisation.
    service: Option<&'static str>,
    start: i64,
    length: i64,
    /// Repeated every so many hours or days.
    repeat: Repeat,
    /// Which repetition does not take place, if it exists.
    left_out: Option<i64>,
    excepted: bool,
}

#[derive(Debug, Clone, Copy)]
enum Repeat {
    Never,
    Hours(i64),
    Days(i64),
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn facts_are_what_painting_every_minute_shows(
        sketches in prop::collection::vec(sketch(), 0..7),
        probes in prop::collection::vec(0..MINUTES, 24),
    ) {
        let calendar = calendar(&sketches);
        let excepted = sketches.iter().enumerate().filter(|(_, it)| it.excepted);
        let excepted: BTreeSet<String> = excepted.map(|(index, _)| name(index)).collect();
        for service in SERVICES {
            let paint = Paint::new(&sketches, service);
            for minute in probes.iter().copied().chain(paint.edges()) {
                let facts = calendar.evaluate(&target(service), at(minute), &excepted);
                prop_assert_eq!(told(&facts), paint.read(minute), "{} at {}", service, minute);
            }
        }
    }
}

/// The facts in the words of the oracle: names and minutes.
#[derive(Debug, PartialEq)]
struct Told {
    freezes: BTreeMap<usize, i64>,
    frozen_until: Option<i64>,
    excepted: BTreeMap<usize, i64>,
    maintenance: BTreeMap<usize, i64>,
    /// None where no release window applies; then whether inside, and until or from when.
    release: Option<(bool, Option<i64>)>,
    next_freeze: Option<i64>,
}

/// Which windows are in force in each minute, for one service. The calendar's horizon is longer
/// than what is painted: repeated windows are painted far enough to read every answer off.
struct Paint {
    windows: Vec<(usize, Sketch, Vec<bool>)>,
}

impl Paint {
    const LENGTH: i64 = MINUTES * 6;

    fn new(sketches: &[Sketch], service: &str) -> Paint {
        let covers = |it: &Sketch| it.service.is_none_or(|own| own == service);
        let windows = sketches.iter().enumerate().filter(|(_, it)| covers(it));
        let painted = |it: &Sketch| {
            let mut minutes = vec![false; usize::try_from(Self::LENGTH).unwrap()];
            for start in it.starts() {
                for minute in start.max(0)..(start + it.length).min(Self::LENGTH) {
                    minutes[usize::try_from(minute).unwrap()] = true;
                }
            }
            minutes
        };
        Paint { windows: windows.map(|(index, it)| (index, it.clone(), painted(it))).collect() }
    }

    /// The minutes at and beside which something begins or ends, a few of each window.
    fn edges(&self) -> Vec<i64> {
        let edges = self.windows.iter().flat_map(|(_, it, _)| {
            it.starts().into_iter().take(4).flat_map(|start| [start, start + it.length])
        });
        let beside = edges.flat_map(|edge| [edge - 1, edge]);
        beside.filter(|minute| (0..MINUTES).contains(minute)).collect()
    }

    fn read(&self, minute: i64) -> Told {
        let freezes: Vec<_> = self.of(|it| it.kind == WindowKind::Freeze && !it.excepted);
        let releases: Vec<_> = self.of(|it| it.kind == WindowKind::Release);
        let in_force = |minute| releases.iter().any(|(_, paint)| Self::is(paint, minute));
        let release = match (releases.is_empty(), in_force(minute)) {
            (true, _) => None,
            (false, true) => Some((true, Self::all_end(&releases, minute))),
            (false, false) => Some((false, Self::begins(&releases, minute))),
        };
        Told {
            freezes: Self::ends(&freezes, minute),
            frozen_until: Self::all_end(&freezes, minute).filter(|end| *end > minute),
            excepted: Self::ends(
                &self.of(|it| it.kind == WindowKind::Freeze && it.excepted),
                minute,
            ),
            maintenance: Self::ends(&self.of(|it| it.kind == WindowKind::Maintenance), minute),
            release,
            next_freeze: Self::begins(&freezes, minute),
        }
    }

    fn of(&self, wanted: impl Fn(&Sketch) -> bool) -> Vec<(usize, &[bool])> {
        let chosen = self.windows.iter().filter(|(_, it, _)| wanted(it));
        chosen.map(|(index, _, paint)| (*index, paint.as_slice())).collect()
    }

    fn is(paint: &[bool], minute: i64) -> bool {
        usize::try_from(minute).ok().and_then(|minute| paint.get(minute)) == Some(&true)
    }

    fn ends(windows: &[(usize, &[bool])], minute: i64) -> BTreeMap<usize, i64> {
        let active = windows.iter().filter(|(_, paint)| Self::is(paint, minute));
        // One that is in force to the end of what is painted has no end, as -1.
        let end = |paint| Self::first(minute, |m| !Self::is(paint, m)).unwrap_or(-1);
        active.map(|(index, paint)| (*index, end(paint))).collect()
    }

    fn all_end(windows: &[(usize, &[bool])], minute: i64) -> Option<i64> {
        Self::first(minute, |m| !windows.iter().any(|(_, paint)| Self::is(paint, m)))
    }

    fn begins(windows: &[(usize, &[bool])], minute: i64) -> Option<i64> {
        let starts = |paint: &[bool], m| !Self::is(paint, m - 1) && Self::is(paint, m);
        Self::first(minute + 1, |m| windows.iter().any(|(_, paint)| starts(paint, m)))
    }

    fn first(from: i64, found: impl Fn(i64) -> bool) -> Option<i64> {
        (from..Self::LENGTH).find(|minute| found(*minute))
    }
}

impl Sketch {
    fn starts(&self) -> Vec<i64> {
        let step = match self.repeat {
            Repeat::Never => return vec![self.start],
            Repeat::Hours(hours) => hours * 60,
            Repeat::Days(days) => days * 24 * 60,
        };
        let left_out = self.left_out.map(|nth| self.start + nth * step);
        let all = (0..).map(|nth| self.start + nth * step);
        all.take_while(|start| *start < Paint::LENGTH).filter(|it| Some(*it) != left_out).collect()
    }

    fn window(&self, index: usize) -> Window {
        let local = |minute| at(minute).to_string().trim_end_matches('Z').to_owned();
        let (rrule, step) = match self.repeat {
            Repeat::Never => (None, 0),
            Repeat::Hours(hours) => (Some(format!("FREQ=HOURLY;INTERVAL={hours}")), hours * 60),
            Repeat::Days(days) => (Some(format!("FREQ=DAILY;INTERVAL={days}")), days * 1440),
        };
        let exdates: Vec<String> = match (self.left_out, step) {
            (Some(nth), 1..) => vec![local(self.start + nth * step)],
            _ => vec![],
        };
        let schedule = serde_json::json!({
            "zone": "UTC", "start": local(self.start), "end": local(self.start + self.length),
            "rrule": rrule, "exdates": exdates,
        });
        Window {
            name: name(index),
            title: String::new(),
            kind: self.kind,
            scope: Scope {
                services: self.service.iter().map(|it| (*it).to_owned()).collect(),
                ..Scope::default()
            },
            schedule: serde_json::from_value(schedule).unwrap(),
            in_flight: sluice_core::calendar::InFlight::Finish,
            grants: vec![],
            reason: String::new(),
        }
    }
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let repeat = prop_oneof![
        3 => Just(Repeat::Never),
        1 => (1_i64..60).prop_map(Repeat::Hours),
        2 => (1_i64..4).prop_map(Repeat::Days),
    ];
    // Lengths and starts on a grid of quarters of an hour make windows that touch likely.
    (
        prop::sample::select(KINDS.to_vec()),
        prop::option::weighted(0.6, prop::sample::select(SERVICES.to_vec())),
        0..MINUTES / 15,
        1_i64..100,
        repeat,
        prop::option::of(1_i64..4),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(kind, service, start, length, repeat, left_out, excepted)| Sketch {
            kind,
            service,
            start: start * 15,
            length: length * 15,
            repeat,
            left_out,
            excepted,
        })
}

fn told(facts: &CalendarFacts) -> Told {
    let ends = |windows: &[sluice_core::calendar::ActiveWindow]| {
        let end = |it: &sluice_core::calendar::ActiveWindow| within(it.until);
        windows.iter().map(|it| (it.name.parse().unwrap(), end(it).unwrap_or(-1))).collect()
    };
    Told {
        freezes: ends(&facts.freezes),
        frozen_until: within(facts.frozen_until),
        excepted: ends(&facts.excepted),
        maintenance: ends(&facts.maintenance),
        release: match &facts.release {
            ReleaseState::NoneApply => None,
            ReleaseState::Inside { until, .. } => Some((true, within(Some(*until)))),
            ReleaseState::Outside { next } => Some((false, within(*next))),
        },
        next_freeze: within(facts.next_freeze),
    }
}

/// A moment in minutes; one that is not painted any more counts as none.
fn within(at: Option<Timestamp>) -> Option<i64> {
    let minute = at?.duration_since(EPOCH.parse().unwrap()).as_mins();
    Some(minute).filter(|minute| *minute < Paint::LENGTH)
}

fn calendar(sketches: &[Sketch]) -> Calendar {
    let windows = sketches.iter().enumerate().map(|(index, it)| it.window(index));
    Calendar::around(windows, at(0))
}

fn at(minute: i64) -> Timestamp {
    EPOCH.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn name(index: usize) -> String {
    index.to_string()
}

fn target(service: &str) -> Target {
    Target { service: service.to_owned(), ..Target::default() }
}
