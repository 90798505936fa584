//! Reading ServiceNow back: every row of a list is seen, however many there are, whenever they are altered, and however
//! large they are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_connectors::tell::{
    Because, Exchange, Lost, Polled, Polling, Reply, Session, Step, Telling,
};

/// Rows of both lists, by time and id, as an instance would show them that answers at a time.
struct Instance {
    now: String,
    records: BTreeSet<(String, String)>,
    approvals: BTreeSet<(String, String)>,
    /// An answer with more rows than this is larger than it may be.
    fits: usize,
    /// Whether conflicts are read too.
    conflicts: bool,
}

#[test]
fn more_rows_of_one_second_than_a_reading_takes_are_passed() {
    let mut instance = Instance::at("2026-03-04 10:00:00");
    for row in 0..9_100 {
        instance.records.insert(("2026-03-04 09:40:00".to_owned(), format!("{row:032x}")));
    }
    instance.records.insert(("2026-03-04 09:40:03".to_owned(), format!("{:032x}", 0xa)));
    let (mut cursor, mut seen) = (None, BTreeSet::new());
    for reading in 1.. {
        assert!(reading <= 6, "{cursor:?}");
        let (polled, rows) = instance.read(cursor.as_deref());
        seen.extend(rows);
        cursor = Some(polled.cursor);
        if !polled.more {
            break;
        }
    }
    assert_eq!(seen.len(), 9_101);
    assert_eq!(
        cursor.as_deref(),
        Some("approvals=2026-03-04 09:00:00;records=2026-03-04 09:40:03")
    );
}

#[test]
fn what_is_altered_in_a_list_while_another_one_is_read_is_read_with_the_next_reading() {
    let mut instance = Instance::at("2026-03-04 10:00:00");
    let (polled, _) = instance.read(None);
    // While the approvals were read, which took more than a minute, a record was altered.
    instance.now = "2026-03-04 10:00:30".to_owned();
    let altered = ("2026-03-04 10:00:45".to_owned(), format!("{:032x}", 1));
    instance.approvals.insert(("2026-03-04 10:01:30".to_owned(), format!("{:032x}", 2)));
    let (polled, rows) = instance.read(Some(&polled.cursor));
    assert!(rows.iter().any(|(at, _)| at == "2026-03-04 10:01:30"), "{rows:?}");
    instance.records.insert(altered.clone());
    instance.now = "2026-03-04 10:02:00".to_owned();
    let (polled, rows) = instance.read(Some(&polled.cursor));
    assert!(rows.contains(&altered), "{rows:?}");
    // Shown late, with a time of before: it is read all the same.
    let late = ("2026-03-04 10:00:52".to_owned(), format!("{:032x}", 3));
    instance.records.insert(late.clone());
    instance.now = "2026-03-04 10:02:30".to_owned();
    let (_, rows) = instance.read(Some(&polled.cursor));
    assert!(rows.contains(&late), "{rows:?}");
}

/// A database of an earlier program is read on where that one stood, however long ago it was.
#[test]
fn a_position_that_the_lists_had_together_is_that_of_each() {
    for behind in ["", "#~", "#0000000000000000000000000000000a"] {
        let mut instance = Instance::at("2026-03-04 10:00:00");
        let lists = [&mut instance.records, &mut instance.approvals];
        for (id, list) in (1..).zip(lists) {
            list.insert(("2026-03-02 08:00:00".to_owned(), format!("{id:032x}")));
        }
        let (polled, rows) = instance.read(Some(&format!("2026-03-02 07:59:00{behind}")));
        assert_eq!(rows.len(), 2, "{behind}: {rows:?}");
        let both = "approvals=2026-03-02 08:00:00;records=2026-03-02 08:00:00";
        assert_eq!(polled.cursor, both, "{behind}");
    }
}

#[test]
fn conflicts_are_read_on_behind_the_record_where_an_earlier_program_stood() {
    let scans = |cursor: &str, read_conflicts: bool| {
        let mut instance = Instance::at("2026-03-04 10:00:00");
        instance.conflicts = read_conflicts;
        instance.read(Some(cursor)).0.cursor
    };
    let id = format!("{:032x}", 10);
    for (cursor, shown) in [
        (format!("2026-03-02 07:59:00#{id}"), ";scans=2026-03-02 07:59:00#~"),
        ("2026-03-02 07:59:00#~".to_owned(), ";scans=2026-03-02 07:59:00#~"),
    ] {
        let both = "approvals=2026-03-02 07:59:00;records=2026-03-02 07:59:00";
        assert_eq!(scans(&cursor, true), format!("{both}{shown}"), "{cursor}");
        assert_eq!(scans(&cursor, false), both, "{cursor}");
    }
}

#[test]
fn pages_that_are_too_large_are_read_in_smaller_ones() {
    for fits in [1, 7, 60, 200] {
        let mut instance = Instance { fits, ..Instance::at("2026-03-04 10:00:00") };
        for row in 0..90 {
            let at = format!("2026-03-04 09:40:{:02}", row % 30);
            instance.approvals.insert((at, format!("{row:032x}")));
        }
        let (mut cursor, mut seen) = (None, BTreeSet::new());
        for reading in 1.. {
            assert!(reading <= 120, "{fits}: {cursor:?}");
            let (polled, rows) = instance.read(cursor.as_deref());
            seen.extend(rows);
            cursor = Some(polled.cursor);
            if !polled.more {
                break;
            }
        }
        assert_eq!(seen.len(), 90, "{fits}");
    }
}

impl Instance {
    fn at(now: &str) -> Self {
        Self {
            now: now.to_owned(),
            records: BTreeSet::new(),
            approvals: BTreeSet::new(),
            fits: 1_000,
            conflicts: false,
        }
    }

    /// One reading, and the rows that were shown to it.
    fn read(&self, cursor: Option<&str>) -> (Polled, BTreeSet<(String, String)>) {
        let (telling, session) = (telling(self.conflicts), Session::default());
        let now: Timestamp = format!("{}Z", self.now.replace(' ', "T")).parse().expect("a time");
        let (mut so_far, mut shown) = (Vec::new(), BTreeSet::new());
        loop {
            let polling = Polling { so_far: &so_far, session: &session, cursor, now };
            let ask = match telling.poll(&polling).expect("it is read back") {
                Step::Done(polled) => return (polled, shown),
                Step::Send(ask) => ask,
                other => panic!("{other:?}"),
            };
            assert!(so_far.len() < 40, "the conversation does not end");
            let (rows, total) = self.page(&ask.url);
            let answer = match rows.len() > self.fits {
                true => Err(Lost {
                    because: Because::Server,
                    may_have_arrived: true,
                    is_too_large: true,
                }),
                false => {
                    shown.extend(rows.iter().cloned());
                    Ok(reply(&rows, total, now))
                }
            };
            so_far.push(Exchange { step: ask.step, answer });
        }
    }

    fn page(&self, url: &str) -> (Vec<(String, String)>, usize) {
        let url = url::Url::parse(url).expect("an address");
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let rows =
            if url.path().ends_with("/change_request") { &self.records } else { &self.approvals };
        let terms: Vec<&str> = query["sysparm_query"].split('^').collect();
        assert_eq!(terms[terms.len() - 2..], ["ORDERBYsys_updated_on", "ORDERBYsys_id"]);
        let term = |name: &str| terms.iter().find_map(|term| term.strip_prefix(name));
        let is_meant = |(at, id): &&(String, String)| {
            term("sys_updated_on>=").is_none_or(|since| at.as_str() >= since)
                && term("sys_updated_on=").is_none_or(|same| at == same)
                && term("sys_id>").is_none_or(|behind| id.as_str() > behind)
        };
        let meant: Vec<_> = rows.iter().filter(is_meant).cloned().collect();
        let number = |name: &str| query.get(name).map_or(0, |text| text.parse().expect("a number"));
        let page = meant.iter().skip(number("sysparm_offset")).take(number("sysparm_limit"));
        (page.cloned().collect(), meant.len())
    }
}

fn telling(conflicts: bool) -> Telling {
    let teller = sluice_connectors::find_teller("servicenow").expect("a teller");
    let settings = json!({
        "url": "https://servicenow.test", "user": "sluice", "authority": "servicenow",
        "read_conflicts": conflicts,
    });
    teller.configure(&settings).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn reply(rows: &[(String, String)], total: usize, now: Timestamp) -> Reply {
    let rows: Vec<Value> =
        rows.iter().map(|(at, id)| json!({ "sys_id": id, "sys_updated_on": at })).collect();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-total-count", total.to_string()),
        ("date", date.expect("a date")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
    Reply { status: 200, headers, body: json!({ "result": rows }).to_string().into_bytes() }
}
