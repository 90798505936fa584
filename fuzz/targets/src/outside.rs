//! Addresses that requests go to, local times and rules of windows, and names.

use jiff::Timestamp;
use sluice_core::calendar::{Reading, Schedule, parse_local};
use sluice_core::ids::{ChangeNumber, CommitId, Digest, PersonId, ServiceName};
use sluice_engine::outbound::{Reach, Target};

/// The most occurrences that are asked for.
const MOST: usize = 1_000;

/// Addresses: what is taken goes to a host that is listed, encrypted, on a port that is open.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let reach = Reach::new().host("listed.example").expect("a host");
    if let Ok(target) = Target::read(&text, &reach) {
        assert_eq!(target.host(), "listed.example", "another host was let through");
        assert!(target.is_encrypted() && [443, 8443].contains(&target.port()), "in plain: {text}");
    }
}

/// A schedule, as JSON: what is valid has occurrences that end after they begin, and not too many of them.
pub fn schedule(data: &[u8]) {
    let _ = parse_local(&String::from_utf8_lossy(data));
    let Ok(schedule) = serde_json::from_slice::<Schedule>(data) else { return };
    if schedule.validate().is_err() {
        return;
    }
    let time = |second| Timestamp::from_second(second).expect("a time");
    let (from, to) = (time(1_790_000_000), time(1_793_000_000));
    if let Ok(expansion) = schedule.expand(from, to, Reading::Widest, MOST) {
        assert!(expansion.occurrences.len() <= MOST, "more occurrences than were asked for");
        for occurrence in expansion.occurrences.iter().chain(&expansion.merged()) {
            assert!(occurrence.start < occurrence.end, "an occurrence ends before it began");
        }
    }
}

/// Identifiers: what is read is written as it was.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(number) = ChangeNumber::parse(&text) {
        assert_eq!(number.to_string(), text, "a number has one form");
    }
    if let Ok(name) = ServiceName::parse(&text) {
        assert_eq!(name.as_str(), text);
    }
    if let Ok(id) = PersonId::parse(&text) {
        assert_eq!(id.as_str(), text);
    }
    if let Ok(id) = CommitId::parse(&text) {
        assert_eq!(id.as_str(), text);
    }
    if let Ok(digest) = Digest::parse(&text) {
        assert_eq!(digest.as_str(), text);
    }
}
