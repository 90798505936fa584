//! Lists say where they go on, who is meant, and what they cannot be asked.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::support::{Answer, Fake, run, sluice};

#[test]
fn a_list_that_is_cut_says_how_to_go_on() {
    let fake = Fake::start(|before, _| {
        let next = (before == 0).then_some("/api/v1/changes?limit=1&cursor=n42");
        let items = json!([{ "number": "CHG0000043", "state": "new" }]);
        Answer::json(&json!({ "items": items, "next": next, "as_of": 9 }))
    });
    let first = run(["change", "list", "--limit", "1", "--server", &fake.url]);
    assert!(first.code == 0 && first.stderr.contains("--cursor n42"), "{}", first.all());
    let last = run(["change", "list", "--cursor", "n42", "--server", &fake.url]);
    assert!(last.code == 0 && !last.stderr.contains("--cursor"), "{}", last.all());
    assert!(fake.got()[1].line.contains("limit=50&cursor=n42"), "{:?}", fake.got());
}

#[test]
fn a_list_without_pages_is_whole() {
    let fake = Fake::start(|before, _| {
        let next = (before == 0).then_some("/api/v1/tokens?limit=200&cursor=n1");
        let items = json!([{ "id": format!("t-{before}"), "label": "ci" }]);
        Answer::json(&json!({ "items": items, "next": next, "as_of": 9 }))
    });
    let ran = run(["token", "list", "--server", &fake.url]);
    assert!(ran.stdout.contains("t-0") && ran.stdout.contains("t-1"), "{}", ran.all());
    assert!(!ran.stderr.contains("--cursor"), "{}", ran.all());
}

#[test]
fn a_state_that_does_not_exist_is_a_usage_error_that_names_those_that_do() {
    for (list, state) in [
        (["change", "list"], "canceled"),
        (["incident", "list"], "on_hold"),
        (["problem", "list"], "known_error"),
        (["inbox", "list"], "quarantined"),
        (["link", "outbox"], "given_up"),
    ] {
        let ran = run(list.into_iter().chain(["--state", "nonsense"]));
        assert!(ran.code == 2 && ran.stderr.contains(state), "{list:?}: {}", ran.all());
        let fake = Fake::start(|_, _| Answer::json(&json!({ "items": [], "next": null })));
        let ran = run(list.into_iter().chain(["--state", state, "--server", &fake.url]));
        assert_eq!(ran.code, 0, "{list:?}: {}", ran.all());
        assert!(fake.got()[0].line.contains(&format!("state={state} ")), "{:?}", fake.got());
    }
}

#[test]
fn people_are_named_in_lists_by_their_handle() {
    let fake = Fake::start(|_, got| match got.line.contains("/people/") {
        true => Answer::json(&json!({ "id": "person/p1", "handle": "alice", "name": "Alice" })),
        false => {
            Answer::json(&json!({ "items": [{ "id": "s-1", "by": "person/p1", "reason": "x" }] }))
        }
    });
    let ran = run(["stop", "list", "--server", &fake.url]);
    assert!(ran.stdout.contains("alice") && !ran.stdout.contains("person/p1"), "{}", ran.all());
    let ran = run(["stop", "list", "--json", "--server", &fake.url]);
    assert_eq!(ran.json()["items"][0]["by"], "person/p1");
}

#[test]
fn following_the_log_ends_when_nobody_reads_any_more() {
    let fake = Fake::start(|before, got| match got.line.contains("/ledger/head") {
        true => Answer::json(&json!({ "size": before + 2 })),
        false => Answer::json(&json!({ "index": before, "name": "stop.pulled", "time": "t" })),
    });
    let mut command = sluice();
    command.args(["log", "tail", "--follow", "-n", "1", "--server", &fake.url]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("stop.pulled"), "{line}");
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let calendar = dir.path().join("a.ics");
    std::fs::write(&calendar, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n").unwrap();
    let span = ["--from", "2026-12-02", "--to", "2026-12-01"];
    let expand = ["calendar", "expand", calendar.to_str().unwrap()];
    let delivery = calendar.to_str().unwrap();
    for (arguments, said) in [
        (expand.into_iter().chain(span).collect::<Vec<_>>(), "not before"),
        (vec!["link", "hear", "mail", delivery], "only tells"),
        (vec!["pass", "verify", "no-such-file", "--key", &"A".repeat(43)], "there is no file"),
    ] {
        let ran = run(&arguments);
        assert!(ran.code == 2 && ran.stderr.contains(said), "{arguments:?}: {}", ran.all());
    }
    for arguments in [["link", "kinds", "--json"], ["token", "permissions", "--json"]] {
        assert!(run(arguments).json()["items"].as_array().unwrap().len() > 5, "{arguments:?}");
    }
}
