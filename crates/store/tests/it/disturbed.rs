//! Incidents and problems: lists of them by what they are about.

use sluice_store::rows::{IncidentRow, ProblemRow};
use sluice_store::{IncidentFilter, Page, ProblemFilter, Row};

use crate::instance::Instance;
use crate::rows::write;

/// Incidents 1 to 9 of `pay`, every third of `web` too and over; problems of some of them.
fn filled() -> Vec<Row> {
    let mut rows: Vec<Row> = (1..=9)
        .map(|number| {
            let is_third = number % 3 == 0;
            let services: &[&str] = if is_third { &["pay", "web"] } else { &["pay"] };
            let known = incident(number, services);
            Row::Incident(if is_third { over(known) } else { known })
        })
        .collect();
    rows.push(Row::Problem(problem(1, &["INC0000001", "INC0000002"], &["CHG0000004"])));
    rows.push(Row::Problem(problem(2, &["INC0000002"], &[])));
    rows
}

#[test]
fn incidents_are_listed_by_what_they_are_about() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    write(&mut writer, filled());
    // What is written again is what it was, and stands in each list once.
    write(&mut writer, filled());
    let text = |text: &str| Some(text.to_owned());
    let none = IncidentFilter::default;
    for (filter, numbers) in [
        (none(), vec![9, 8, 7, 6]),
        (IncidentFilter { is_open: true, ..none() }, vec![8, 7, 5, 4]),
        (IncidentFilter { service: text("web"), ..none() }, vec![9, 6, 3]),
        (IncidentFilter { service: text("we"), ..none() }, vec![]),
        (IncidentFilter { service: text("web"), is_open: true, ..none() }, vec![]),
        (IncidentFilter { service: text("pay"), state: text("new"), ..none() }, vec![8, 7, 5, 4]),
        (IncidentFilter { text: text("le 6"), ..none() }, vec![6]),
        (IncidentFilter { text: text("trouble"), ..none() }, vec![9, 8, 7, 6]),
        (IncidentFilter { text: text("le"), state: text("resolved"), ..none() }, vec![9, 6, 3]),
        (IncidentFilter { text: text("le"), is_open: true, ..none() }, vec![8, 7, 5, 4]),
        (IncidentFilter { text: text("le 7"), state: text("new"), ..none() }, vec![7]),
        (IncidentFilter { text: text("le 3"), service: text("web"), ..none() }, vec![3]),
        (IncidentFilter { text: text("%"), ..none() }, vec![]),
        (IncidentFilter { change_number: Some(2), ..none() }, vec![2]),
    ] {
        let page = Page { before: None, after: None, limit: 4 };
        let found = readers.incidents(&filter, page).unwrap();
        assert_eq!(found.iter().map(|row| row.number).collect::<Vec<_>>(), numbers, "{filter:?}");
    }
    let web = IncidentFilter { service: text("web"), ..none() };
    let page = Page { before: Some(9), after: None, limit: 1 };
    assert_eq!(readers.incidents(&web, page).unwrap(), [over(incident(6, &["pay", "web"]))]);
    let titled = IncidentFilter { text: text("Trouble"), state: text("resolved"), ..none() };
    assert_eq!(readers.incidents(&titled, page).unwrap(), [over(incident(6, &["pay", "web"]))]);
}

#[test]
fn problems_are_listed_by_what_they_name() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    write(&mut writer, filled());
    write(&mut writer, vec![Row::Problem(problem(2, &["INC0000002", "INC0000009"], &[]))]);
    let text = |text: &str| Some(text.to_owned());
    let none = ProblemFilter::default;
    for (filter, numbers) in [
        (none(), vec![2, 1]),
        (ProblemFilter { incident: text("INC0000002"), ..none() }, vec![2, 1]),
        (ProblemFilter { incident: text("INC0000009"), ..none() }, vec![2]),
        (ProblemFilter { change: text("CHG0000004"), ..none() }, vec![1]),
        (
            ProblemFilter {
                incident: text("INC0000002"),
                change: text("CHG0000004"),
                service: text("pay"),
                ..none()
            },
            vec![1],
        ),
        (ProblemFilter { service: text("pay"), is_open: true, ..none() }, vec![2, 1]),
        (ProblemFilter { service: text("INC0000001"), ..none() }, vec![]),
        (ProblemFilter { text: text("cause 2"), ..none() }, vec![2]),
        (ProblemFilter { text: text("cause"), is_open: true, ..none() }, vec![2, 1]),
        (ProblemFilter { text: text("cause 1"), service: text("pay"), ..none() }, vec![1]),
    ] {
        let found = readers.problems(&filter, Page::default()).unwrap();
        assert_eq!(found.iter().map(|row| row.number).collect::<Vec<_>>(), numbers, "{filter:?}");
    }
}

pub(crate) fn incident(number: u64, services: &[&str]) -> IncidentRow {
    IncidentRow {
        number,
        state: "new".to_owned(),
        services: services.iter().map(ToString::to_string).collect(),
        environment: None,
        change_number: Some(number),
        title: format!("Trouble {number}"),
        opened_us: 1,
        resolved_us: None,
        body: "{}".to_owned(),
    }
}

fn over(row: IncidentRow) -> IncidentRow {
    IncidentRow { state: "resolved".to_owned(), resolved_us: Some(2), ..row }
}

pub(crate) fn problem(number: u64, incidents: &[&str], changes: &[&str]) -> ProblemRow {
    let list = |names: &[&str]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        quoted.join(",")
    };
    ProblemRow {
        number,
        state: "new".to_owned(),
        services: vec!["pay".to_owned()],
        title: format!("Cause {number}"),
        opened_us: 1,
        resolved_us: None,
        body: format!("{{\"incidents\":[{}],\"changes\":[{}]}}", list(incidents), list(changes)),
    }
}
