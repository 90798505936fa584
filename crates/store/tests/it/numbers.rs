//! Questions that count, by day and by change.

use sluice_store::rows::{ChangeRow, DecisionRow, DeploymentRow};
use sluice_store::{DeployedDay, Passage, ProposedDay, Row, Span};

use crate::instance::Instance;
use crate::rows::{change, decision, deployment, write};

const DAY: i64 = 86_400_000_000;

/// Nine o'clock of the third, fourth and fifth day, and what lies on the edges.
#[test]
fn days_are_counted_from_the_first_microsecond_to_before_the_last() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let deployed = [
        (3 * DAY - 1, "succeeded"),
        (3 * DAY, "succeeded"),
        (4 * DAY - 1, "failed"),
        (5 * DAY, "rolled_back"),
        (5 * DAY + 1, "running"),
        (6 * DAY, "succeeded"),
    ];
    let mut rows: Vec<Row> = Vec::new();
    for ((at, state), number) in deployed.into_iter().zip(1..) {
        let row = DeploymentRow { started_us: Some(at), state: state.into(), ..deployment(number) };
        rows.push(Row::Deployment(row));
    }
    for (number, (at, kind)) in
        (1..).zip([(3 * DAY, "standard"), (3 * DAY + 5, "emergency"), (5 * DAY, "normal")])
    {
        rows.push(Row::Change(ChangeRow { opened_us: at, kind: kind.into(), ..change(number) }));
    }
    write(&mut writer, rows);
    let span = |from_us, to_us| Span { from_us, to_us, ..Span::default() };
    let day = |day, ended, failed| DeployedDay { day, ended, failed };
    for (from, to, days) in [
        (3 * DAY, 6 * DAY, vec![day(3, 2, 1), day(5, 1, 1)]),
        (3 * DAY + 1, 5 * DAY, vec![day(3, 1, 1)]),
        (0, 7 * DAY, vec![day(2, 1, 0), day(3, 2, 1), day(5, 1, 1), day(6, 1, 0)]),
        (5 * DAY, 5 * DAY, vec![]),
    ] {
        assert_eq!(readers.deployed_by_day(&span(from, to)).unwrap(), days, "{from} to {to}");
    }
    // Days need not begin at midnight in UTC, nor last as long as each other.
    let bounds = [3 * DAY + 1, 5 * DAY, 5 * DAY + 1, 7 * DAY];
    let parts = readers.deployed_by_part(&span(0, 7 * DAY), &bounds).unwrap();
    assert_eq!(parts, [day(0, 1, 1), day(1, 1, 1), day(2, 1, 0)]);
    let newest = readers.deployments_within(&span(3 * DAY, 6 * DAY), 2).unwrap();
    let began: Vec<i64> = newest.iter().filter_map(|it| it.started_us).collect();
    assert!(began.len() == 2 && began.is_sorted_by(|a, b| a > b), "{began:?}");
    let elsewhere = Span { environment: Some("nowhere".to_owned()), ..span(0, 7 * DAY) };
    assert_eq!(readers.deployed_by_day(&elsewhere).unwrap(), []);
    assert_eq!(
        readers.proposed_by_day(&span(0, 7 * DAY)).unwrap(),
        [
            ProposedDay { day: 3, standard: 1, normal: 0, emergency: 1 },
            ProposedDay { day: 5, standard: 0, normal: 1, emergency: 0 },
        ]
    );
}

#[test]
fn a_passage_is_from_the_first_question_to_the_first_yes() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let asked = [
        (1, 10, "wait", "awaited"),
        (2, 11, "allow", "none"),
        (1, 12, "wait", "none"),
        (1, 13, "wait", "awaited"),
        (3, 14, "deny", "none"),
        (4, 14, "wait", "awaited"),
        (1, 16, "allow", "met"),
        (1, 17, "allow", "met"),
        (5, 18, "allow", "met"),
    ];
    let rows = asked.into_iter().zip(1..).map(|((number, at_us, answer, approvals), seq)| {
        Row::Decision(DecisionRow {
            change_number: Some(number),
            at_us,
            decision: answer.to_owned(),
            approvals: approvals.to_owned(),
            ..decision(seq)
        })
    });
    write(&mut writer, rows.collect());
    let span = Span { from_us: 0, to_us: 20, ..Span::default() };
    let passage = |first_us, allowed_us, people, awaited_us| Passage {
        first_us,
        allowed_us,
        people,
        awaited_us,
    };
    assert_eq!(
        readers.passages(&span).unwrap(),
        [
            // It waited for people from 10 to 12 and from 13 to 16, for something else in between.
            passage(10, Some(16), true, 5),
            passage(11, Some(11), false, 0),
            passage(14, None, false, 0),
            // Of an answer that is the last one nobody knows yet how long it waits.
            passage(14, None, true, 0),
            passage(18, Some(18), true, 0),
        ]
    );
}
