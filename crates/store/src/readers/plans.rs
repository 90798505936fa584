//! How SQLite answers what is asked: never by reading a table that grows from its beginning to its end, and never by
//! sorting one.

use std::cell::RefCell;
use std::sync::Arc;

use sluice_ledger::SigningKey;

use super::*;
use crate::open::Store;
use crate::options::StoreOptions;

thread_local! {
    static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the text of a question.
pub(super) fn note(sql: &str) {
    ASKED.with_borrow_mut(|asked| asked.push(sql.to_owned()));
}

/// Asks, and names each step that is not by an index.
fn slow(readers: &Readers, ask: impl FnOnce(&Readers)) -> Vec<String> {
    ASKED.take();
    ask(readers);
    let mut found = Vec::new();
    for sql in ASKED.take() {
        let steps = readers.with(|connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let mut rows = statement.raw_query();
            let mut steps: Vec<String> = Vec::new();
            while let Some(row) = rows.next()? {
                steps.push(row.get(3)?);
            }
            Ok(steps)
        });
        // What has no condition is read in the order of its key, and no further than its limit.
        let is_whole = !sql.contains("WHERE") && sql.contains(" LIMIT ");
        let slow = steps.unwrap().into_iter().filter(|step| {
            let scans = step.starts_with("SCAN ") && !step.contains("COVERING INDEX");
            let is_own = ["SCAN links", "SCAN CONSTANT ROW"].contains(&step.as_str());
            // Of these nothing is in the index but what is open.
            let is_open = step.ends_with("_open");
            (scans && !is_own && !is_open && !is_whole) || step.contains("TEMP B-TREE")
        });
        found.extend(slow.map(|step| format!("{step}: {sql}")));
    }
    found
}

/// The subsets of a list of conditions.
fn subsets<F: Clone + Default>(conditions: &[fn(&mut F)]) -> Vec<F> {
    (0..1_u32 << conditions.len())
        .map(|chosen| {
            let mut filter = F::default();
            for (at, condition) in conditions.iter().enumerate() {
                if chosen & 1 << at != 0 {
                    condition(&mut filter);
                }
            }
            filter
        })
        .collect()
}

fn of(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn no_list_reads_a_table_that_grows() {
    let dir = tempfile::tempdir().unwrap();
    let key = Arc::new(SigningKey::from_seed("log.example/test", &[7; 32]).unwrap());
    let options = StoreOptions::new(dir.path(), "log.example/test", key);
    let (_writer, readers) = Store::open(&options).unwrap();
    let mut found = Vec::new();
    let pages = [
        Page::default(),
        Page { before: Some(9), ..Page::default() },
        Page { after: Some(9), ..Page::default() },
    ];
    for page in pages {
        found.extend(slow(&readers, |readers| lists(readers, page)));
    }
    found.extend(slow(&readers, |readers| {
        readers.inbox_glance(None, None, 9).unwrap();
        readers.inbox_glance(Some("quarantined"), Some(9), 9).unwrap();
        readers.last_heard().unwrap();
        readers.outbox_owed("gh").unwrap();
        readers.outbox_next_us("gh").unwrap();
        readers.outbox_due("gh", 9, 9).unwrap();
        readers.outbox_behind("gh", 9, (0, 3), 9).unwrap();
        readers.outbox_of("gh", "run/1", 3, 9).unwrap();
        readers.outbox_given_up_after("gh", (9, 3), 9).unwrap();
        readers.outbox_failing("gh", 9, (0, 3), 9).unwrap();
        readers.outbox_owing().unwrap();
        readers.stream("change/CHG0000001", 0, 9).unwrap();
        readers.stream_before("change/CHG0000001", 9, 9).unwrap();
        readers.answers_since(9).unwrap();
    }));
    assert_eq!(found, [] as [String; 0]);
}

fn lists(readers: &Readers, page: Page) {
    for state in ["authorize", "closed"] {
        for risk in ["low", "high"] {
            let filters: Vec<ChangeFilter> = subsets(&[
                |it: &mut ChangeFilter| it.state = Some(String::new()),
                |it| it.risk = Some(String::new()),
                |it| it.service = of("pay"),
                |it| it.environment = of("production"),
                |it| it.kind = of("normal"),
                |it| it.waiting = Some(true),
                |it| it.text = of("part"),
            ]);
            for mut filter in filters {
                filter.state = filter.state.map(|_| state.to_owned());
                filter.risk = filter.risk.map(|_| risk.to_owned());
                readers.changes(&filter, page).unwrap();
                filter.kind = filter.kind.map(|_| "emergency".to_owned());
                filter.waiting = filter.waiting.map(|_| false);
                readers.changes(&filter, page).unwrap();
            }
        }
    }
    for answer in ["allow", "deny"] {
        let filters: Vec<DecisionFilter> = subsets(&[
            |it: &mut DecisionFilter| it.change_number = Some(1),
            |it| it.service = of("pay"),
            |it| it.environment = of("production"),
            |it| it.decision = Some(String::new()),
        ]);
        for mut filter in filters {
            filter.decision = filter.decision.map(|_| answer.to_owned());
            // Most decisions are `allow`: a page of them is full at once.
            let is_most = DecisionFilter { decision: of("allow"), ..DecisionFilter::default() };
            if filter != is_most {
                readers.decisions(&filter, page).unwrap();
            }
        }
    }
    for state in ["running", "failed"] {
        let filters: Vec<DeploymentFilter> = subsets(&[
            |it: &mut DeploymentFilter| it.change_number = Some(1),
            |it| it.service = of("pay"),
            |it| it.environment = of("production"),
            |it| it.state = Some(String::new()),
        ]);
        for mut filter in filters {
            filter.state = filter.state.map(|_| state.to_owned());
            readers.deployments(&filter, page).unwrap();
        }
    }
    others(readers, page);
}

fn others(readers: &Readers, page: Page) {
    for state in ["new", "resolved"] {
        let filters: Vec<IncidentFilter> = subsets(&[
            |it: &mut IncidentFilter| it.state = Some(String::new()),
            |it| it.service = of("pay"),
            |it| it.change_number = Some(1),
            |it| it.is_open = true,
            |it| it.text = of("part"),
        ]);
        for mut filter in filters {
            filter.state = filter.state.map(|_| state.to_owned());
            readers.incidents(&filter, page).unwrap();
        }
        let filters: Vec<ProblemFilter> = subsets(&[
            |it: &mut ProblemFilter| it.state = Some(String::new()),
            |it| it.service = of("pay"),
            |it| it.incident = of("INC0000001"),
            |it| it.is_open = true,
            |it| it.text = of("part"),
        ]);
        for mut filter in filters {
            filter.state = filter.state.map(|_| state.to_owned());
            readers.problems(&filter, page).unwrap();
        }
    }
    for state in ["pending", "delivered"] {
        let filters: Vec<OutboxFilter> = subsets(&[
            |it: &mut OutboxFilter| it.state = Some(String::new()),
            |it| it.link = of("gh"),
            |it| it.entity = of("run/1"),
        ]);
        for mut filter in filters {
            filter.state = filter.state.map(|_| state.to_owned());
            // What one record owes one link is sorted: it is few.
            if filter.link.is_none() || filter.entity.is_none() || filter.state.is_some() {
                readers.outbox(&filter, page).unwrap();
            }
        }
    }
    let filters: Vec<InboxFilter> =
        subsets(&[|it: &mut InboxFilter| it.state = of("new"), |it| it.link = of("gh")]);
    for filter in filters {
        readers.inbox(&filter, page).unwrap();
    }
}
