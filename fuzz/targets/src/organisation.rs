//! Files that people write: every one is read, or its problems are named.

use jiff::Timestamp;
use sluice_organisation::{Folder, OfflineKeys, ics, read, render};

/// The longest file.
const MOST: usize = 64 * 1024;

/// iCalendar.
pub fn ics(data: &[u8]) {
    if data.len() > MOST {
        return;
    }
    let file = ics::read_ics_bytes(data, Some("Europe/Berlin"));
    if file.problems.is_empty() && !file.events.is_empty() {
        let time = |second| Timestamp::from_second(second).expect("a time");
        let text = String::from_utf8_lossy(data);
        let (from, to) = (time(1_790_000_000), time(1_800_000_000));
        let expansion = ics::expand_ics(&text, Some("Europe/Berlin"), from, to);
        for occurrence in &expansion.occurrences {
            assert!(occurrence.start <= occurrence.end, "an occurrence ends before it begins");
        }
    }
}

/// YAML, of ours and of Backstage.
pub fn organisation_yaml(data: &[u8]) {
    if data.len() > MOST {
        return;
    }
    let mut folder = Folder::default();
    folder.insert("fuzz.yaml", data);
    let reading = read(&folder, &OfflineKeys);
    for problem in &reading.problems {
        assert!(!render(problem, &folder).is_empty(), "a problem says nothing");
    }
}
