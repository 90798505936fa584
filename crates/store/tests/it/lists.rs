//! Lists by every set of conditions: the rows that fit, newest first, whichever index leads.

use sluice_store::rows::{ChangeRow, DecisionRow, DeploymentRow};
use sluice_store::{ChangeFilter, DecisionFilter, DeploymentFilter, OutboxFilter, Page, Row};

use crate::instance::Instance;
use crate::rows::{change, decision, deployment, effect, write};

/// One of these by a number.
fn of(number: u64, words: &[&str]) -> String {
    let at = number % words.len() as u64;
    words.iter().zip(0..).find(|(_, index)| *index == at).unwrap().0.to_string()
}

/// A condition with one of these values, or without.
fn each<'a>(words: &'a [&'a str]) -> impl Iterator<Item = Option<String>> + Clone + 'a {
    std::iter::once(None).chain(words.iter().map(|word| Some((*word).to_owned())))
}

fn fits(asked: Option<&String>, value: &str) -> bool {
    asked.is_none_or(|asked| asked == value)
}

const STATES: [&str; 3] = ["closed", "authorize", "canceled"];
const KINDS: [&str; 3] = ["normal", "standard", "emergency"];
const RISKS: [&str; 3] = ["low", "high", "critical"];
const PLACES: [&str; 2] = ["production", "staging"];

fn varied(number: u64) -> ChangeRow {
    ChangeRow {
        state: of(number, &STATES),
        kind: of(number / 3, &KINDS),
        risk: of(number / 9, &RISKS),
        environment: of(number / 27, &PLACES),
        waiting: number.is_multiple_of(5),
        title: format!("Title {}", number % 7),
        ..change(number)
    }
}

#[test]
fn changes_by_every_set_of_conditions() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let rows: Vec<ChangeRow> = (1..=160).map(varied).collect();
    write(&mut writer, rows.iter().cloned().map(Row::Change).collect());
    let page = Page { before: Some(150), after: None, limit: 5 };
    for (state, kind) in
        each(&STATES).flat_map(|state| each(&KINDS).map(move |it| (state.clone(), it)))
    {
        for (risk, place) in
            each(&RISKS).flat_map(|risk| each(&PLACES).map(move |it| (risk.clone(), it)))
        {
            for (waiting, rest) in [
                (None, None),
                (Some(true), Some("pay")),
                (Some(false), Some("tle 3")),
                (None, Some("pay")),
            ] {
                let filter = ChangeFilter {
                    state: state.clone(),
                    kind: kind.clone(),
                    risk: risk.clone(),
                    environment: place.clone(),
                    waiting,
                    service: rest.filter(|rest| *rest == "pay").map(str::to_owned),
                    text: rest.filter(|rest| *rest != "pay").map(str::to_owned),
                };
                let fitting = rows.iter().rev().filter(|row| {
                    row.number < 150
                        && fits(filter.state.as_ref(), &row.state)
                        && fits(filter.kind.as_ref(), &row.kind)
                        && fits(filter.risk.as_ref(), &row.risk)
                        && fits(filter.environment.as_ref(), &row.environment)
                        && filter.waiting.is_none_or(|waiting| waiting == row.waiting)
                        && filter.service.as_ref().is_none_or(|it| row.services.contains(it))
                        && filter.text.as_ref().is_none_or(|text| row.title.contains(text))
                });
                let expected: Vec<ChangeRow> = fitting.take(5).cloned().collect();
                assert_eq!(readers.changes(&filter, page).unwrap(), expected, "{filter:?}");
            }
        }
    }
}

#[test]
fn decisions_and_deployments_by_every_set_of_conditions() {
    let (answers, ends) = (["allow", "wait", "deny"], ["running", "failed", "succeeded"]);
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let decided: Vec<DecisionRow> = (1..=60)
        .map(|seq| DecisionRow {
            decision: of(seq, &answers),
            environment: of(seq / 3, &PLACES),
            service: of(seq / 6, &["pay", "web"]),
            ..decision(seq)
        })
        .collect();
    let deployed: Vec<DeploymentRow> = (1..=60)
        .map(|number| DeploymentRow {
            state: of(number, &ends),
            environment: of(number / 3, &PLACES),
            service: of(number / 6, &["pay", "web"]),
            ..deployment(number)
        })
        .collect();
    write(&mut writer, decided.iter().cloned().map(Row::Decision).collect());
    write(&mut writer, deployed.iter().cloned().map(Row::Deployment).collect());
    let page = Page { before: None, after: Some(20), limit: 5 };
    for (service, environment) in
        each(&["pay", "web"]).flat_map(|it| each(&PLACES).map(move |place| (it.clone(), place)))
    {
        for decision in each(&answers) {
            let (service, environment) = (service.clone(), environment.clone());
            let filter = DecisionFilter { change_number: None, service, environment, decision };
            let fitting = decided.iter().filter(|row| {
                row.seq > 20
                    && fits(filter.service.as_ref(), &row.service)
                    && fits(filter.environment.as_ref(), &row.environment)
                    && fits(filter.decision.as_ref(), &row.decision)
            });
            let mut expected: Vec<DecisionRow> = fitting.take(5).cloned().collect();
            expected.reverse();
            assert_eq!(readers.decisions(&filter, page).unwrap(), expected, "{filter:?}");
        }
        for state in each(&ends) {
            let (service, environment) = (service.clone(), environment.clone());
            let filter = DeploymentFilter { change_number: None, service, environment, state };
            let fitting = deployed.iter().filter(|row| {
                row.number > 20
                    && fits(filter.service.as_ref(), &row.service)
                    && fits(filter.environment.as_ref(), &row.environment)
                    && fits(filter.state.as_ref(), &row.state)
            });
            let mut expected: Vec<DeploymentRow> = fitting.take(5).cloned().collect();
            expected.reverse();
            assert_eq!(readers.deployments(&filter, page).unwrap(), expected, "{filter:?}");
        }
    }
}

#[test]
fn effects_by_every_set_of_conditions() {
    let states = ["pending", "delivered", "given_up"];
    let (links, entities) = (["gh", "gl"], ["run/1", "run/2"]);
    let told = |id: u64| (of(id, &states), of(id / 3, &links), of(id / 6, &entities));
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    for id in 1..=60 {
        let (state, link, entity) = told(id);
        let outcome = Row::EffectOutcome { id, state, attempts: 1, next_us: 0, last_error: None };
        write(&mut writer, vec![effect(&link, &entity, &format!("k{id}"), 1), outcome]);
    }
    let page = Page { before: Some(50), after: None, limit: 4 };
    for (state, link) in
        each(&states).flat_map(|state| each(&links).map(move |it| (state.clone(), it)))
    {
        for entity in each(&entities) {
            let filter = OutboxFilter { link: link.clone(), entity, state: state.clone() };
            let fitting = (1..50).rev().filter(|id| {
                let told = told(*id);
                fits(filter.state.as_ref(), &told.0)
                    && fits(filter.link.as_ref(), &told.1)
                    && fits(filter.entity.as_ref(), &told.2)
            });
            let expected: Vec<u64> = fitting.take(4).collect();
            let found = readers.outbox(&filter, page).unwrap();
            let found: Vec<u64> = found.iter().map(|row| row.id).collect();
            assert_eq!(found, expected, "{filter:?}");
        }
    }
}
