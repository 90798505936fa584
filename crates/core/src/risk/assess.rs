//! The sum of the factors.

use std::fmt::Display;

use super::{RiskAssessment, RiskFactor, RiskLevel};

/// What is known about a change when its risk is assessed. `None` means unknown, which costs points
/// where knowing would have been easy.
#[derive(Debug, Clone, Default)]
pub struct RiskInput {
    /// The service's class, such as `database`; empty when not declared.
    pub class: String,
    /// The service's tier, such as `tier-1`; empty when not declared.
    pub tier: String,
    /// Whether the environment is a production one.
    pub production: bool,
    /// Number of services changed together.
    pub services: usize,
    /// Lines added and removed.
    pub lines_changed: Option<u64>,
    /// Files changed.
    pub files_changed: Option<u64>,
    /// Paths changed, as far as known.
    pub paths: Vec<String>,
    /// Deployments of the service to this environment among the last twenty, and how many failed.
    pub recent_deployments: u32,
    /// See [`RiskInput::recent_deployments`].
    pub recent_failures: u32,
    /// Types of required evidence that are there and passed, and that are missing or failed.
    pub evidence_present: u32,
    /// See [`RiskInput::evidence_present`].
    pub evidence_missing: u32,
    /// Whether it is within business hours.
    pub business_hours: bool,
    /// Whether a maintenance window is in force for the target.
    pub maintenance: bool,
    /// Services that depend on this one, directly or not (bounded).
    pub dependents: usize,
    /// Open incidents on the service or what it depends on.
    pub open_incidents: usize,
    /// Whether it is an emergency change.
    pub emergency: bool,
}

/// The risk that `input` makes. Pure, total; factors come in a fixed order and those of no points are left out.
pub fn assess(input: &RiskInput) -> RiskAssessment {
    let factors: Vec<RiskFactor> = [
        component(input),
        tier(input),
        size(input),
        paths(input),
        history(input),
        evidence(input),
        time_of_day(input),
        fan_out(input),
        incidents(input),
        breadth(input),
        urgency(input),
    ]
    .into_iter()
    .filter(|factor| factor.points != 0)
    .collect();
    let sum: i32 = factors.iter().map(|factor| factor.points).sum();
    let score = u32::try_from(sum.clamp(0, 100)).unwrap_or(0);
    RiskAssessment { score, level: RiskLevel::of_score(score), factors, overridden: None }
}

fn factor(name: &str, points: i32, because: impl Into<String>) -> RiskFactor {
    RiskFactor { name: name.into(), points, because: because.into() }
}

/// So many of something, in words where it is one.
fn of_them<T: Display + PartialEq + From<u8>>(count: T, one: &str, many: &str) -> String {
    if count == T::from(1) { one.to_owned() } else { format!("{count} {many}") }
}

fn component(input: &RiskInput) -> RiskFactor {
    let class = input.class.as_str();
    let points = match class {
        "database" | "data" | "schema" => 25,
        "infrastructure" | "network" | "platform" => 20,
        "api" | "service" | "backend" => 10,
        "frontend" | "website" | "worker" => 5,
        "documentation" | "library" => 0,
        _ => 10,
    };
    let shown = if class.is_empty() { "not declared" } else { class };
    factor("component_class", points, format!("component class is {shown}"))
}

fn tier(input: &RiskInput) -> RiskFactor {
    let points = match (input.production, input.tier.as_str()) {
        (false, _) => -15,
        (true, "tier-0" | "tier-1" | "critical") => 15,
        (true, "tier-2" | "") => 5,
        (true, _) => 0,
    };
    let because = if input.production {
        format!(
            "service tier is {}",
            if input.tier.is_empty() { "not declared" } else { &input.tier }
        )
    } else {
        "not a production environment".to_owned()
    };
    factor("service_tier", points, because)
}

fn size(input: &RiskInput) -> RiskFactor {
    match input.lines_changed {
        None => factor("size", 5, "size of the difference is not known"),
        Some(lines) => {
            let points = match lines {
                0..50 => 0,
                50..250 => 5,
                250..1_000 => 10,
                _ => 20,
            };
            factor("size", points, of_them(lines, "one line changed", "lines changed"))
        }
    }
}

/// Paths whose change has a reach beyond the code itself.
const DELICATE: [(&str, i32, &str); 6] = [
    ("migration", 15, "a database migration"),
    ("schema", 10, "a schema"),
    ("terraform", 10, "infrastructure code"),
    (".tf", 10, "infrastructure code"),
    ("auth", 10, "authentication or authorisation"),
    ("payment", 5, "payment code"),
];

fn paths(input: &RiskInput) -> RiskFactor {
    let hit = DELICATE.iter().filter_map(|(part, points, what)| {
        let path = input.paths.iter().find(|path| path.to_ascii_lowercase().contains(part))?;
        Some((*points, *what, path))
    });
    match hit.max_by_key(|(points, _, _)| *points) {
        Some((points, what, path)) => factor("paths", points, format!("touches {what}: {path}")),
        None => factor("paths", 0, ""),
    }
}

fn history(input: &RiskInput) -> RiskFactor {
    let RiskInput { recent_deployments: total, recent_failures: failed, .. } = *input;
    if total == 0 {
        return factor("history", 10, "no deployment of this service to this environment is known");
    }
    let share = failed * 100 / total;
    let points = match share {
        0 if total >= 5 => -10,
        0 => 0,
        1..15 => 5,
        15..40 => 15,
        _ => 25,
    };
    let because = match (failed, total) {
        (0, 1) => "the only deployment so far succeeded".to_owned(),
        (_, 1) => "the only deployment so far failed".to_owned(),
        (0, total) => format!("none of the last {total} deployments failed"),
        (failed, total) => format!("{failed} of the last {total} deployments failed"),
    };
    factor("history", points, because)
}

fn evidence(input: &RiskInput) -> RiskFactor {
    let RiskInput { evidence_present: present, evidence_missing: missing, .. } = *input;
    if missing > 0 {
        let points = i32::try_from(missing.min(3)).unwrap_or(3) * 10;
        let one = "one piece of required evidence missing or failed";
        let many = "pieces of required evidence missing or failed";
        return factor("evidence", points, of_them(missing, one, many));
    }
    let points = if present > 0 { -5 } else { 0 };
    let because = match present {
        1 => "the required evidence is present".to_owned(),
        more => format!("all {more} pieces of required evidence present"),
    };
    factor("evidence", points, because)
}

fn time_of_day(input: &RiskInput) -> RiskFactor {
    match (input.maintenance, input.business_hours) {
        (true, _) => factor("time_of_day", -5, "inside a maintenance window"),
        (false, true) => factor("time_of_day", 0, ""),
        (false, false) => factor("time_of_day", 10, "outside business hours"),
    }
}

fn fan_out(input: &RiskInput) -> RiskFactor {
    let points = match input.dependents {
        0 => 0,
        1..=2 => 5,
        3..=9 => 10,
        _ => 15,
    };
    let because = of_them(input.dependents, "one service depends on it", "services depend on it");
    factor("fan_out", points, because)
}

fn incidents(input: &RiskInput) -> RiskFactor {
    let points = if input.open_incidents > 0 { 20 } else { 0 };
    let one = "one incident open on it or what it depends on";
    let many = "incidents open on it or what it depends on";
    factor("incidents", points, of_them(input.open_incidents, one, many))
}

fn breadth(input: &RiskInput) -> RiskFactor {
    let points = match input.services {
        0..=1 => 0,
        2..=3 => 5,
        _ => 15,
    };
    factor("breadth", points, format!("{} services change together", input.services))
}

fn urgency(input: &RiskInput) -> RiskFactor {
    factor("urgency", if input.emergency { 10 } else { 0 }, "an emergency change")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(change: impl FnOnce(&mut RiskInput)) -> (RiskLevel, Vec<(String, i32)>) {
        let mut input = RiskInput {
            class: "api".into(),
            tier: "tier-3".into(),
            production: true,
            services: 1,
            lines_changed: Some(20),
            recent_deployments: 10,
            evidence_present: 2,
            business_hours: true,
            ..RiskInput::default()
        };
        change(&mut input);
        let risk = assess(&input);
        (risk.level, risk.factors.into_iter().map(|factor| (factor.name, factor.points)).collect())
    }

    #[test]
    fn a_small_well_tested_change_of_a_quiet_service_is_low() {
        let (risk, factors) = level(|_| {});
        assert_eq!(risk, RiskLevel::Low);
        assert_eq!(
            factors,
            [
                ("component_class".to_owned(), 10),
                ("history".to_owned(), -10),
                ("evidence".to_owned(), -5)
            ]
        );
    }

    #[test]
    fn a_migration_of_an_important_database_is_high() {
        let (risk, _) = level(|input| {
            input.class = "database".into();
            input.tier = "tier-1".into();
            input.paths = vec!["db/migrations/0042_drop.sql".into()];
            input.lines_changed = Some(400);
            input.dependents = 4;
        });
        assert_eq!(risk, RiskLevel::High);
    }

    #[test]
    fn one_of_something_is_told_in_the_singular() {
        let risk = assess(&RiskInput {
            lines_changed: Some(1),
            recent_deployments: 1,
            recent_failures: 1,
            evidence_present: 1,
            dependents: 1,
            open_incidents: 1,
            business_hours: true,
            ..RiskInput::default()
        });
        let told: Vec<&str> = risk.factors.iter().map(|it| it.because.as_str()).collect();
        assert!(told.contains(&"the only deployment so far failed"), "{told:?}");
        assert!(told.contains(&"the required evidence is present"), "{told:?}");
        assert!(told.contains(&"one service depends on it"), "{told:?}");
        assert!(told.contains(&"one incident open on it or what it depends on"), "{told:?}");
        let missing = assess(&RiskInput { evidence_missing: 1, ..RiskInput::default() });
        let told = missing.factors.iter().find(|it| it.name == "evidence").expect("a factor");
        assert_eq!(told.because, "one piece of required evidence missing or failed");
    }

    #[test]
    fn the_score_stays_between_0_and_100() {
        let worst = assess(&RiskInput {
            class: "database".into(),
            tier: "tier-1".into(),
            production: true,
            services: 9,
            lines_changed: Some(1_000_000),
            paths: vec!["migrations".into()],
            recent_deployments: 1,
            recent_failures: 1,
            evidence_missing: 9,
            dependents: 99,
            open_incidents: 9,
            emergency: true,
            ..RiskInput::default()
        });
        assert_eq!((worst.score, worst.level), (100, RiskLevel::Critical));
        assert_eq!(
            assess(&RiskInput {
                recent_deployments: 20,
                business_hours: true,
                class: "library".into(),
                lines_changed: Some(1),
                ..RiskInput::default()
            })
            .score,
            0
        );
    }
}
