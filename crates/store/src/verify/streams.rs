//! The index of streams: every stream counts without a gap, in the order of the entries.

use std::hash::RandomState;

use super::Problem;
use super::entries::fingerprint;
use super::file::{DatabaseFile, Record, Value};

/// What the index says of all entries.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) streams: u64,
    pub(super) entries: u64,
    /// Sum of the fingerprints of the entries' places.
    pub(super) places: u64,
}

/// Walks the index and checks every stream.
pub(super) fn check(
    file: &DatabaseFile,
    root: u32,
    fingerprints: &RandomState,
) -> Result<Streams, Problem> {
    let mut found = Streams::default();
    let (mut name, mut last) = (Vec::new(), None);
    file.walk(root, &mut |payload| {
        let mut row = Record::of(payload)?;
        let columns = [row.next()?, row.next()?, row.next()?];
        row.end()?;
        let [Value::Text(stream), Value::Integer(version), Value::Integer(seq)] = columns else {
            return Err(Problem::Structure("a row of the index of streams is none".to_owned()));
        };
        let (version, seq) = (version.cast_unsigned(), seq.cast_unsigned());
        let wrong = |message: String| {
            let stream = String::from_utf8_lossy(stream).into_owned();
            Err(Problem::Stream { stream, message })
        };
        match &mut last {
            Some((before, at)) if name == stream => {
                if version != *before + 1 || seq <= *at {
                    return wrong(format!("version {version} does not follow {before}"));
                }
                (*before, *at) = (version, seq);
            }
            _ if version > 1 => return wrong(format!("it starts with version {version}")),
            Some(_) if *name > *stream => return wrong("it is out of order".to_owned()),
            _ => {
                found.streams += 1;
                name.clear();
                name.extend_from_slice(stream);
                last = Some((version, seq));
            }
        }
        found.entries += 1;
        let place = fingerprint(fingerprints, stream, version, seq);
        found.places = found.places.wrapping_add(place);
        Ok(())
    })?;
    Ok(found)
}
