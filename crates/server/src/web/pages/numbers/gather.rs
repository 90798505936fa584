//! Each number: where it comes from, how it is reckoned, how sure it is.

use sluice_engine::store::{DeployedDay, Passage, ProposedDay, Readers, Span};

use super::Wanted;
use super::chart::{Chart, Slots};
use super::stats::{FEW, count_interval, median, real, share};
use crate::problem::Problem;
use crate::status;
use crate::web::visit::{Visit, read};
use crate::web::{moment, w};

const DAY_US: i64 = 86_400_000_000;

/// One number.
pub(crate) struct Number {
    pub(crate) title: &'static str,
    pub(crate) value: String,
    pub(crate) interval: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) definition: &'static str,
    pub(crate) note: String,
    pub(crate) few: bool,
    pub(crate) chart: Option<Chart>,
    pub(crate) raw: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) unit: &'static str,
    pub(crate) sample: usize,
}

pub(super) fn numbers(visit: &Visit, wanted: &Wanted) -> Result<Vec<Number>, Problem> {
    let now = visit.now.as_microsecond();
    let span = |from: i64, to: i64| Span {
        from_us: now - from * DAY_US,
        to_us: now - to * DAY_US,
        environment: Some(wanted.environment.clone()),
        services: wanted.services.clone(),
    };
    let (here, past) = (span(wanted.days, 0), span(2 * wanted.days, wanted.days));
    let slots = Slots::new((here.from_us / DAY_US, now / DAY_US));
    let Counted { deployed, before, recovery, passages, leads, leads_before, proposed } =
        count(visit.readers(), &here, &past)?;
    let ended: u64 = deployed.iter().map(|it| it.ended).sum();
    let failed: u64 = deployed.iter().map(|it| it.failed).sum();
    let ended_before: u64 = before.iter().map(|it| it.ended).sum();
    let failed_before: u64 = before.iter().map(|it| it.failed).sum();
    let by_day =
        deployed.iter().map(|it| (it.day, (signed(it.ended - it.failed), signed(it.failed))));
    let told = |good: i64, bad: i64| w::ff("gather.well_not", good, bad);
    let mut failures = ratio(
        w::t("gather.change_failure_rate"),
        w::t("gather.deployments_that_failed_or_were"),
        (failed, ended),
        (failed_before, ended_before),
    );
    let failed = deployed.iter().map(|it| (it.day, (it.failed, it.ended)));
    failures.chart = Some(slots.shares(failed, false));
    let mut found = vec![
        frequency(ended, ended_before, wanted.days, slots.counts(by_day, told)),
        lead_time(&leads, &leads_before, slots),
        failures,
        recovered(&recovery, slots),
        rework(&recovery, &deployed, slots),
    ];
    if let Some((proposed, before)) = proposed {
        found.push(emergencies(&proposed, &before, slots));
    }
    found.extend(at_the_gate(&passages, slots));
    Ok(found)
}

/// What the store counts.
struct Counted {
    deployed: Vec<DeployedDay>,
    before: Vec<DeployedDay>,
    recovery: Vec<(i64, Option<i64>)>,
    passages: Vec<Passage>,
    leads: Vec<(i64, i64)>,
    leads_before: Vec<(i64, i64)>,
    /// Changes opened in the span and in the one before, where they are of every service.
    proposed: Option<(Vec<ProposedDay>, Vec<ProposedDay>)>,
}

/// Has the store count. The questions have nothing to do with each other and each reads months, so that they are asked
/// beside each other, each by a reader of its own.
fn count(readers: &Readers, here: &Span, past: &Span) -> Result<Counted, Problem> {
    std::thread::scope(|scope| {
        let passages = scope.spawn(|| readers.passages(here));
        let leads = scope.spawn(|| (readers.lead_times(here), readers.lead_times(past)));
        let proposed = here.services.is_empty().then(|| {
            scope.spawn(|| (readers.proposed_by_day(here), readers.proposed_by_day(past)))
        });
        let deployed = read(readers.deployed_by_day(here));
        let before = read(readers.deployed_by_day(past));
        let recovery = read(readers.recovery_times(here));
        let lost = |_| Problem::of(&status::INTERNAL, "").logged("a reader of numbers panicked");
        let (leads, leads_before) = leads.join().map_err(lost)?;
        let passages = passages.join().map_err(lost)?;
        let proposed = match proposed.map(|asked| asked.join().map_err(lost)).transpose()? {
            Some((found, before)) => Some((read(found)?, read(before)?)),
            None => None,
        };
        Ok(Counted {
            deployed: deployed?,
            before: before?,
            recovery: recovery?,
            passages: read(passages)?,
            leads: read(leads)?,
            leads_before: read(leads_before)?,
            proposed,
        })
    })
}

fn frequency(ended: u64, before: u64, days: i64, chart: Chart) -> Number {
    let days = real(u64::try_from(days).unwrap_or(1));
    let (low, high) = count_interval(ended);
    let (per_day, low, high) = (real(ended) / days, low / days, high / days);
    let told = |rate: f64| {
        if per_day >= 1.0 {
            w::f("gather.a_day", format!("{rate:.1}"))
        } else {
            w::f("gather.a_week", format!("{:.1}", rate * 7.0))
        }
    };
    Number {
        title: w::t("gather.deployment_frequency"),
        value: told(per_day),
        interval: Some(w::ff("gather.between_and", told(low), told(high))),
        before: Some(w::n("gather.one_in_the_span_before", before)),
        definition: w::t("gather.deployments_that_ended_by_the"),
        note: w::n("gather.one_deployment", ended),
        few: ended < u64::try_from(FEW).unwrap_or(0),
        chart: Some(chart),
        raw: Some(per_day),
        low: Some(low),
        high: Some(high),
        unit: "deployments per day",
        sample: usize::try_from(ended).unwrap_or(usize::MAX),
    }
}

fn lead_time(found: &[(i64, i64)], past: &[(i64, i64)], slots: Slots) -> Number {
    let mut values: Vec<i64> = found.iter().map(|(_, span)| (*span).max(0)).collect();
    let mut before: Vec<i64> = past.iter().map(|(_, span)| (*span).max(0)).collect();
    let chart = slots.medians(found.iter().map(|(day, span)| (*day, (*span).max(0))));
    let note = w::n("gather.one_deployment_that_succeeded", values.len());
    let definition = w::t("gather.from_the_beginning_of_a");
    let mut number = span_number(w::t("gather.lead_time"), definition, &mut values, note);
    number.chart = Some(chart);
    number.before = median(&mut before)
        .map(|(value, _)| w::f("gather.in_the_span_before", moment::span_us(value)));
    number
}

fn recovered(found: &[(i64, Option<i64>)], slots: Slots) -> Number {
    let mut values: Vec<i64> =
        found.iter().filter_map(|(_, span)| *span).map(|it| it.max(0)).collect();
    let open = found.len() - values.len();
    let mut note = w::n("gather.one_failure_made_good", values.len());
    if open > 0 {
        note = format!("{note}, {}", w::n("gather.one_not_yet", open));
    }
    let definition = w::t("gather.from_the_end_of_a");
    let mut number = span_number(w::t("gather.recovery_time"), definition, &mut values, note);
    let by_day = found.iter().filter_map(|(day, span)| Some((*day, (*span)?.max(0))));
    number.chart = Some(slots.medians(by_day));
    number
}

fn rework(found: &[(i64, Option<i64>)], deployed: &[DeployedDay], slots: Slots) -> Number {
    let soon = found.iter().filter(|(_, span)| span.is_some_and(|span| span <= DAY_US));
    let soon: Vec<i64> = soon.map(|(day, _)| *day).collect();
    let count = u64::try_from(soon.len()).unwrap_or(0);
    let ended = deployed.iter().map(|it| it.ended).sum();
    let definition = w::t("gather.deployments_within_a_day_that");
    let mut number = ratio(w::t("gather.rework"), definition, (count, ended), (0, 0));
    let by_day = soon.into_iter().map(|day| (day, (1, 0)));
    let by_day = by_day.chain(deployed.iter().map(|it| (it.day, (0, it.ended))));
    number.chart = Some(slots.shares(by_day, false));
    number
}

fn emergencies(found: &[ProposedDay], before: &[ProposedDay], slots: Slots) -> Number {
    let count = |rows: &[ProposedDay]| {
        let urgent: u64 = rows.iter().map(|it| it.emergency).sum();
        let all: u64 = rows.iter().map(|it| it.emergency + it.normal + it.standard).sum();
        (urgent, all)
    };
    let by_day =
        found.iter().map(|it| (it.day, (signed(it.standard + it.normal), signed(it.emergency))));
    let told = |planned: i64, urgent: i64| w::ff("gather.planned_emergency", planned, urgent);
    let mut number = ratio(
        w::t("gather.emergency_against_planned"),
        w::t("gather.changes_of_type_emergency_of"),
        count(found),
        count(before),
    );
    number.chart = Some(slots.counts(by_day, told));
    number
}

fn at_the_gate(passages: &[Passage], slots: Slots) -> Vec<Number> {
    let waits = passages.iter().filter_map(|it| Some((day(it), it.allowed_us? - it.first_us)));
    let waits: Vec<(i64, i64)> = waits.filter(|(_, wait)| *wait > 0).collect();
    let awaited = passages.iter().filter(|it| it.awaited_us > 0);
    let awaited: Vec<(i64, i64)> = awaited.map(|it| (day(it), it.awaited_us)).collect();
    let still = passages.iter().filter(|it| it.allowed_us.is_none()).count();
    let mut note = w::n("gather.one_change_that_waited", waits.len());
    if still > 0 {
        note = format!("{note}, {}", w::n("gather.one_never_allowed", still));
    }
    let by_people = w::n("gather.one_change_that_waited", awaited.len());
    vec![
        passed(
            passages,
            (w::t("gather.went_through_at_once"), w::t("gather.changes_whose_first_question_at")),
            |it| it.allowed_us == Some(it.first_us),
            slots,
        ),
        passed(
            passages,
            (
                w::t("gather.approved_automatically"),
                w::t("gather.changes_that_were_allowed_without"),
            ),
            |it| it.allowed_us.is_some() && !it.people,
            slots,
        ),
        spans(
            (w::t("gather.waiting_at_the_gate"), w::t("gather.from_the_first_question_to")),
            &waits,
            note,
            slots,
        ),
        spans(
            (w::t("gather.waiting_for_people"), w::t("gather.from_each_answer_that_waits")),
            &awaited,
            by_people,
            slots,
        ),
    ]
}

/// The day on which a change first asked.
fn day(passage: &Passage) -> i64 {
    passage.first_us.div_euclid(DAY_US)
}

/// The share of the changes that asked of which something holds.
fn passed(
    passages: &[Passage],
    (title, definition): (&'static str, &'static str),
    holds: impl Fn(&Passage) -> bool,
    slots: Slots,
) -> Number {
    let by_day = passages.iter().map(|it| (day(it), (u64::from(holds(it)), 1)));
    let by_day: Vec<(i64, (u64, u64))> = by_day.collect();
    let hits = by_day.iter().map(|(_, (hit, _))| hit).sum();
    let all = u64::try_from(passages.len()).unwrap_or(0);
    let mut number = ratio(title, definition, (hits, all), (0, 0));
    number.chart = Some(slots.shares(by_day, true));
    number
}

/// Spans of time by day.
fn spans(
    (title, definition): (&'static str, &'static str),
    found: &[(i64, i64)],
    note: String,
    slots: Slots,
) -> Number {
    let mut values: Vec<i64> = found.iter().map(|(_, span)| *span).collect();
    let mut number = span_number(title, definition, &mut values, note);
    number.chart = Some(slots.medians(found.iter().copied()));
    number
}

/// A number that is a span of time.
fn span_number(
    title: &'static str,
    definition: &'static str,
    values: &mut [i64],
    note: String,
) -> Number {
    let sample = values.len();
    let found = median(values);
    let seconds = |micros: i64| real(u64::try_from(micros.max(0) / 1_000_000).unwrap_or(0));
    let sure = found.and_then(|(_, interval)| interval);
    Number {
        title,
        value: found.map_or_else(|| "–".to_owned(), |(value, _)| moment::span_us(value)),
        interval: sure.map(|(low, high)| {
            w::ff("gather.between_and", moment::span_us(low), moment::span_us(high))
        }),
        before: None,
        definition,
        note,
        few: sample < FEW,
        chart: None,
        raw: found.map(|(value, _)| seconds(value)),
        low: sure.map(|(low, _)| seconds(low)),
        high: sure.map(|(_, high)| seconds(high)),
        unit: "seconds",
        sample,
    }
}

/// A number that is a share.
fn ratio(
    title: &'static str,
    definition: &'static str,
    (hits, of): (u64, u64),
    (hits_before, of_before): (u64, u64),
) -> Number {
    let percent = |value: f64| format!("{:.1} %", value * 100.0);
    let found = share(hits, of);
    Number {
        title,
        value: found.map_or_else(|| "–".to_owned(), |(value, _, _)| percent(value)),
        interval: found
            .map(|(_, low, high)| w::ff("gather.between_and", percent(low), percent(high))),
        before: share(hits_before, of_before)
            .map(|(value, _, _)| w::f("gather.in_the_span_before", percent(value))),
        definition,
        note: w::ff("gather.of", w::thousands(hits), w::thousands(of)),
        few: of < u64::try_from(FEW).unwrap_or(0),
        chart: None,
        raw: found.map(|(value, _, _)| value),
        low: found.map(|(_, low, _)| low),
        high: found.map(|(_, _, high)| high),
        unit: "share",
        sample: usize::try_from(of).unwrap_or(usize::MAX),
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
