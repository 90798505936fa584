//! Values on the command line that more than one command takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use jiff::fmt::temporal::Pieces;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Map, Value};
use sluice_core::ids::Digest;
use sluice_core::scope::Scope;

use crate::failure::Failure;

/// The longest that anything on the command line lasts.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads `30m`, `90s`, `1h30m`; at most 30 days.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let read: SignedDuration =
        text.parse().map_err(|_| "write a time such as `30m`, `90s` or `1h30m`".to_owned())?;
    let read = Duration::try_from(read).map_err(|_| "the time must not be negative".to_owned())?;
    if read > LONGEST { Err("at most 30 days (`720h`)".to_owned()) } else { Ok(read) }
}

/// Reads a time with `Z`, an offset or the name of a zone, or a date, which is its midnight in UTC. A time without any of
/// them means another moment to each reader, so it is refused.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    const WANTED: &str = "write a time such as `2026-12-24T18:00:00Z`, or a date";
    let pieces = Pieces::parse(text).map_err(|_| WANTED.to_owned())?;
    let midnight = || {
        let zoned = pieces.date().to_zoned(jiff::tz::TimeZone::UTC);
        zoned.map(|at| at.timestamp())
    };
    let read = match (pieces.time(), pieces.offset(), pieces.time_zone_annotation()) {
        (None, None, None) if text.len() == "2026-12-24".len() => midnight(),
        (None, ..) => return Err(WANTED.to_owned()),
        (Some(_), _, Some(_)) => text.parse::<Zoned>().map(|at| at.timestamp()),
        (Some(_), Some(_), None) => text.parse(),
        (Some(_), None, None) => {
            return Err(format!(
                "say of which zone it is: `{text}Z` for UTC, or an offset such as `{text}+01:00`"
            ));
        }
    };
    read.map_err(|_| "there is no such time, or it is too far away".to_owned())
}

/// Reads an idempotency key. A question that waits adds a number to it for each of its slices.
pub(crate) fn key(text: &str) -> Result<String, String> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    match (1..=240).contains(&text.len()) && visible {
        true => Ok(text.to_owned()),
        false => Err("a key has 1 to 240 visible ASCII characters".to_owned()),
    }
}

/// The word of a choice, as the API has it.
pub(crate) fn word(value: impl ValueEnum) -> Value {
    Value::from(value.to_possible_value().map(|word| word.get_name().to_owned()))
}

/// The same as a text.
pub(crate) fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|word| word.get_name().to_owned()).unwrap_or_default()
}

/// Reads a digest.
pub(crate) fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).map_err(|error| error.to_string())
}

/// Reads a scope: `service=payments,environment=production,label.pci=yes`; `all` for everything.
pub(crate) fn scope(text: &str) -> Result<Scope, String> {
    let mut scope = Scope::default();
    if text == "all" {
        return Ok(scope);
    }
    for part in text.split(',') {
        let (key, value) = part
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .filter(|(key, value)| !key.is_empty() && !value.is_empty())
            .ok_or_else(|| format!("`{part}` is not `key=value`; write `all` for everything"))?;
        let set: &mut BTreeSet<String> = match key {
            "service" => &mut scope.services,
            "team" => &mut scope.teams,
            "service_tier" => &mut scope.service_tiers,
            "environment" => &mut scope.environments,
            "environment_tier" => &mut scope.environment_tiers,
            _ => {
                let Some(label) = key.strip_prefix("label.") else {
                    return Err(format!(
                        "`{key}` is no dimension of a scope: use service, team, service_tier, \
                         environment, environment_tier or label.NAME"
                    ));
                };
                insert_once(&mut scope.labels, label, value)?;
                continue;
            }
        };
        set.insert(value.to_owned());
    }
    Ok(scope)
}

fn insert_once(
    labels: &mut BTreeMap<String, String>,
    name: &str,
    value: &str,
) -> Result<(), String> {
    match labels.insert(name.to_owned(), value.to_owned()) {
        Some(other) if other != value => Err(format!("the label `{name}` has two values")),
        _ => Ok(()),
    }
}

/// A fresh idempotency key.
pub(crate) fn fresh_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A number between 0 and 1, for jitter.
pub(crate) fn jitter() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The top bits of a version 4 UUID are random.
    f64::from(u32::try_from(high >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// Reads a file that is small by its nature.
pub(crate) fn read_file(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|error| Failure::file("open", path, &error))?;
    let mut bytes = Vec::new();
    file.take(limit_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file("read", path, &error))?;
    if bytes.len() as u64 > limit_bytes {
        return Err(Failure::new(
            format!("`{}` has more than {limit_bytes} bytes", path.display()),
            "give the right file",
        ));
    }
    Ok(bytes)
}

/// Reads a text file that is small by its nature.
pub(crate) fn read_text(path: &Path, limit_bytes: u64) -> Result<String, Failure> {
    String::from_utf8(read_file(path, limit_bytes)?).map_err(|_| {
        Failure::new(format!("`{}` is not text", path.display()), "give a file in UTF-8")
    })
}

/// Whether a file can be written, without altering what is in it. What is no file, such as a pipe or a device, is not
/// tried: whoever reads there would take that for all there is. Nor is a link to a file that is not there yet.
pub(crate) fn can_write(path: &Path) -> Result<(), Failure> {
    let new = path.symlink_metadata().is_err();
    let is_other = match path.metadata() {
        Ok(found) => !found.is_file() && !found.is_dir(),
        Err(_) => !new,
    };
    if is_other {
        return Ok(());
    }
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| Failure::file("write", path, &error))?;
    if new {
        // What is not answered leaves nothing behind.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Writes a file that only its owner can read: it holds a permission or a proof.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::file("write", path, &error))
}

/// A JSON object of these members, without those that are null.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_joins_dimensions_by_and_members_by_or() {
        let scope = scope("service=a,service=b,environment=production,label.pci=yes").unwrap();
        assert_eq!(scope.to_string(), "service a or b, environment production, label pci=yes");
        assert!(super::scope("all").unwrap().is_everything());
        for wrong in ["", "service", "service=", "planet=mars", "label.a=1,label.a=2"] {
            assert!(super::scope(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_as_people_say_them() {
        assert_eq!(duration("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("-5m").is_err());
        assert!(duration("soon").is_err());
        assert_eq!(duration("720h"), Ok(Duration::from_secs(30 * 24 * 3600)));
        for long in ["721h", "9223372036854775807s", "9223372036854775807h"] {
            assert!(duration(long).is_err(), "{long}");
        }
    }

    #[test]
    fn a_time_says_of_which_zone_it_is_and_a_date_is_midnight_in_utc() {
        for (text, meant) in [
            ("2026-12-24", "2026-12-24T00:00:00Z"),
            ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
            ("2026-12-24T18:00+01:00", "2026-12-24T17:00:00Z"),
            ("2026-12-24T18:00[Europe/Berlin]", "2026-12-24T17:00:00Z"),
            ("2026-12-24T18:00+01:00[Europe/Berlin]", "2026-12-24T17:00:00Z"),
        ] {
            assert_eq!(time(text).map(|at| at.to_string()), Ok(meant.to_owned()), "{text}");
        }
        for (text, said) in [
            ("2026-12-24T18:00", "say of which zone"),
            ("2026-12-24 18:00:00", "say of which zone"),
            ("20261224", "write a time"),
            ("tomorrow", "write a time"),
            ("2026-12-24[Europe/Berlin]", "write a time"),
            ("2026-12-24T18:00[Mars/Base]", "there is no such time"),
            ("2026-12-24T18:00+05:00[Europe/Berlin]", "there is no such time"),
            ("9999-12-31", "there is no such time"),
            ("9999-12-31T23:59:59Z", "there is no such time"),
        ] {
            let refused = time(text).unwrap_err();
            assert!(refused.starts_with(said), "{text}: {refused}");
        }
    }
}
