//! A window as a form writes it: read into a window, and a window written into the form.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::Deserialize;
use sluice_core::calendar::made;
use sluice_core::calendar::{InFlight, Schedule, ScheduleEnd, Window, WindowKind, parse_local};
use sluice_core::ids::Digest;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;

use super::kind;
use crate::web::page::some;

/// What comes again, as the form offers it: the word of the choice and its rule.
const AGAIN: [(&str, &str); 4] = [
    ("daily", "FREQ=DAILY"),
    ("workdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    ("weekly", "FREQ=WEEKLY"),
    ("monthly", "FREQ=MONTHLY"),
];
/// Who may grant an exception, as the form offers it.
const MANAGERS: &str = "role:change_manager";

/// A window as the form writes it; empty fields of the scope mean everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wish {
    /// The window that is altered; empty for a new one.
    pub(super) over: String,
    /// Its digest when the form was written.
    pub(super) seen: String,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) team: String,
    pub(super) environment: String,
    pub(super) tier: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) zone: String,
    pub(super) again: String,
    pub(super) rule: String,
    pub(super) running: String,
    pub(super) grants: String,
    pub(super) about: String,
    pub(super) preview: String,
    /// Why it is made or altered; only when it is sent.
    pub(super) reason: String,
    csrf_token: String,
}

impl Wish {
    /// The form of a window that stands.
    pub(super) fn of(window: &Window) -> Self {
        let only = |set: &std::collections::BTreeSet<String>| {
            set.iter().next().cloned().unwrap_or_default()
        };
        let schedule = &window.schedule;
        let rule = schedule.rrule.clone().unwrap_or_default();
        let known = AGAIN.iter().find(|(_, text)| *text == rule).map(|(word, _)| *word);
        let again = known.unwrap_or(if rule.is_empty() { "" } else { "rule" });
        Self {
            over: window.name.clone(),
            seen: made::digest_of(window).to_string(),
            title: window.title.clone(),
            kind: kind(window.kind).to_owned(),
            service: only(&window.scope.services),
            team: only(&window.scope.teams),
            environment: only(&window.scope.environments),
            tier: only(&window.scope.environment_tiers),
            start: local(schedule.start),
            end: local(end(schedule)),
            zone: schedule.zone.clone(),
            again: again.to_owned(),
            rule: if again == "rule" { rule } else { String::new() },
            running: match window.in_flight {
                InFlight::Finish => "finish",
                InFlight::Hold => "hold",
                InFlight::Abort => "abort",
            }
            .to_owned(),
            grants: if window.grants.is_empty() { "" } else { "kept" }.to_owned(),
            about: window.reason.clone(),
            ..Self::default()
        }
    }

    /// The window that is meant, over the one that stands: what the form has no field for stays as it is there.
    pub(super) fn window(&self, standing: Option<&Window>) -> Result<Window, Refusal> {
        let time = |text: &str, what: &str| {
            parse_local(text.trim()).map_err(|problem| {
                let message = format!("{what}: {problem}");
                Refusal::invalid("bad_window", message, "write a date and a time of the day")
            })
        };
        let start = time(&self.start, "the beginning")?;
        let ends = ScheduleEnd::At(time(&self.end, "the end")?);
        let old = standing.map(|window| &window.schedule);
        let schedule = Schedule {
            zone: self.zone.trim().to_owned(),
            start,
            // A length that was given as one stays one, unless the end was moved.
            end: old
                .filter(|old| (old.start, local(end(old))) == (start, self.end.clone()))
                .map_or(ends, |old| old.end),
            rrule: self.rrule(),
            rdates: old.map(|old| old.rdates.clone()).unwrap_or_default(),
            exdates: old.map(|old| old.exdates.clone()).unwrap_or_default(),
            all_day: old.is_some_and(|old| old.all_day),
        };
        let freeze = self.kind != "release" && self.kind != "maintenance";
        Ok(Window {
            name: standing.map(|window| window.name.clone()).unwrap_or_default(),
            title: self.title.trim().to_owned(),
            kind: match self.kind.as_str() {
                "release" => WindowKind::Release,
                "maintenance" => WindowKind::Maintenance,
                _ => WindowKind::Freeze,
            },
            scope: self.scope(standing),
            schedule,
            in_flight: match self.running.as_str() {
                "hold" if freeze => InFlight::Hold,
                "abort" if freeze => InFlight::Abort,
                _ => InFlight::Finish,
            },
            grants: match self.grants.as_str() {
                "managers" => vec![MANAGERS.to_owned()],
                "kept" => standing.map(|window| window.grants.clone()).unwrap_or_default(),
                _ => Vec::new(),
            },
            reason: self.about.trim().to_owned(),
        })
    }

    /// The window that was looked at; one that cannot be read is none that stands.
    pub(super) fn seen(&self) -> Option<Digest> {
        let read = |text| Digest::parse(text).unwrap_or_else(|_| Digest::of(b""));
        (!self.over.is_empty()).then(|| read(&self.seen))
    }

    fn rrule(&self) -> Option<String> {
        match self.again.as_str() {
            "rule" => some(Some(self.rule.clone())),
            word => {
                AGAIN.iter().find(|(name, _)| *name == word).map(|(_, rule)| (*rule).to_owned())
            }
        }
    }

    fn scope(&self, standing: Option<&Window>) -> Scope {
        let set = |value: &str| some(Some(value.to_owned())).into_iter().collect();
        if let Some(standing) = standing.filter(|window| !is_simple(&window.scope)) {
            return standing.scope.clone();
        }
        Scope {
            services: set(&self.service),
            teams: set(&self.team),
            environments: set(&self.environment),
            environment_tiers: set(&self.tier),
            ..Scope::default()
        }
    }

    /// The fields as names and values, to be sent on as they are.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("over", &self.over),
            ("seen", &self.seen),
            ("title", &self.title),
            ("kind", &self.kind),
            ("service", &self.service),
            ("team", &self.team),
            ("environment", &self.environment),
            ("tier", &self.tier),
            ("start", &self.start),
            ("end", &self.end),
            ("zone", &self.zone),
            ("again", &self.again),
            ("rule", &self.rule),
            ("running", &self.running),
            ("grants", &self.grants),
            ("about", &self.about),
        ];
        let said = all.into_iter().filter(|(_, value)| !value.is_empty());
        said.map(|(name, value)| (name, value.clone())).collect()
    }
}

/// Whether the form has a field for everything that a scope says.
pub(super) fn is_simple(scope: &Scope) -> bool {
    scope.services.len() <= 1
        && scope.teams.len() <= 1
        && scope.environments.len() <= 1
        && scope.environment_tiers.len() <= 1
        && scope.service_tiers.is_empty()
        && scope.labels.is_empty()
}

/// The local end of the first occurrence.
fn end(schedule: &Schedule) -> DateTime {
    match schedule.end {
        ScheduleEnd::At(end) => end,
        ScheduleEnd::After(lasting) => {
            let hours = SignedDuration::from_hours(24 * i64::from(lasting.days));
            let length = hours + SignedDuration::from_secs(i64::from(lasting.seconds));
            schedule.start.saturating_add(length)
        }
    }
}

/// A local time as a field of the form has it.
fn local(time: DateTime) -> String {
    time.strftime("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_form_has_no_field_for_stays() {
        let window: Window = serde_json::from_value(serde_json::json!({
            "name": "w-000000000001", "title": "Close", "kind": "freeze", "grants": ["team:web"],
            "scope": {"services": ["a", "b"], "labels": {"pci": "yes"}},
            "schedule": {"zone": "Europe/Berlin", "start": "2026-12-24T18:00:00", "end": "PT14H",
                "rrule": "FREQ=YEARLY", "exdates": ["2027-12-24T18:00:00"]},
            "in_flight": "hold", "reason": "books"
        }))
        .expect("a window");
        let wish = Wish::of(&window);
        assert_eq!((wish.end.as_str(), wish.again.as_str()), ("2026-12-25T08:00", "rule"));
        assert_eq!(wish.window(Some(&window)).expect("a window"), window);
        let moved = Wish { end: "2026-12-25T09:00".into(), ..wish };
        let moved = moved.window(Some(&window)).expect("a window");
        assert_eq!(moved.schedule.end.to_string(), "2026-12-25T09:00:00");
        assert_eq!(moved.scope, window.scope);
    }

    #[test]
    fn a_new_window_is_read_from_the_form_alone() {
        let wish = Wish {
            title: " Close ".into(),
            start: "2026-12-24T18:00".into(),
            end: "2026-12-25T08:00".into(),
            zone: "UTC".into(),
            again: "workdays".into(),
            team: "web".into(),
            ..Wish::default()
        };
        let window = wish.window(None).expect("a window");
        assert_eq!((window.title.as_str(), window.kind), ("Close", WindowKind::Freeze));
        assert_eq!(window.scope.to_string(), "team web");
        let rule = window.schedule.rrule.as_deref();
        assert_eq!(rule, Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"));
        let bad = Wish { start: "tomorrow".into(), ..wish };
        assert_eq!(bad.window(None).expect_err("no time").code, "bad_window");
    }
}
