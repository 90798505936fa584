//! Typed reading of JSON that passed the strict check.

use std::collections::BTreeSet;

use serde::Deserialize;
use sluice_core::ids::CommitId;
use sluice_core::signal::{CommitInfo, Listed};

use crate::connector::Unreadable;
use crate::kit::limits::{COMMITS_PER_PUSH, Limits};
use crate::kit::strict_json;

/// Checks the structure of a body within `limits`.
pub(crate) fn check(body: &[u8], limits: &Limits) -> Result<(), Unreadable> {
    strict_json::check(body, limits)
        .map_err(|problem| Unreadable { code: problem.code, reason: problem.to_string() })
}

/// Reads what we know of a body; members that we do not know are passed over.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "the body".to_owned() } else { format!("`{path}`") };
        Unreadable::new("unexpected_shape", format!("{place} is not {}", expected(&error)))
    })
}

/// What the reader wanted, without the value that it got instead.
fn expected(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let message = error.inner().to_string();
    let wanted = message.rsplit_once(", expected ").map(|(_, wanted)| wanted);
    let wanted = wanted.and_then(|wanted| wanted.split(" at line ").next());
    wanted.unwrap_or("of the expected type").to_owned()
}

/// A text, or a whole number that stands for one: senders write numbers of builds in both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written(pub(crate) String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Written;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The value of a member that must be there.
pub(crate) fn need<T>(value: Option<T>, path: &str) -> Result<T, Unreadable> {
    value.ok_or_else(|| Unreadable::new("field_missing", format!("`{path}` is missing")))
}

/// The text of a member that must be there and not be empty.
pub(crate) fn need_text(value: Option<String>, path: &str) -> Result<String, Unreadable> {
    need(value.filter(|text| !text.trim().is_empty()), path)
}

/// A full commit id that must be there.
pub(crate) fn need_commit(value: Option<&str>, path: &str) -> Result<CommitId, Unreadable> {
    let text = need(value, path)?;
    commit(Some(text)).ok_or_else(|| {
        Unreadable::new("not_a_commit_id", format!("`{path}` is not a full commit id"))
    })
}

/// Whether `commits` are all that a push of `tip` brought. Senders list only so many (one of `caps`); where they do not
/// say how many there were, as many as they would list at most may be fewer.
pub(crate) fn listed(
    commits: &[CommitInfo],
    tip: &CommitId,
    total: Option<usize>,
    caps: &[usize],
) -> Listed {
    let distinct: BTreeSet<&CommitId> = commits.iter().map(|commit| &commit.id).collect();
    let all = match total {
        Some(total) => distinct.len() >= total,
        None => !caps.contains(&distinct.len()),
    };
    let kept = distinct.len() <= COMMITS_PER_PUSH;
    match (distinct.is_empty(), total) {
        (true, None | Some(0)) => Listed::None,
        (false, _) if all && kept && distinct.contains(tip) => Listed::All,
        _ => Listed::Some,
    }
}

/// A full commit id, where there is one. All zeros stand for no commit.
pub(crate) fn commit(value: Option<&str>) -> Option<CommitId> {
    let text = value?.trim().to_ascii_lowercase();
    if is_zero(&text) { None } else { CommitId::parse(&text).ok() }
}

/// Whether this is the id that stands for no commit.
pub(crate) fn is_zero(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'0')
}
