//! The same lives again, with other numbers, names and times.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use sluice_core::standing::Standing;
use sluice_engine::envelope::Envelope;
use sluice_engine::views::Projection;
use sluice_engine::{Clock as _, SystemClock};
use sluice_store::{Batch, EntryWrite, Outcome, Readers, Store, StoreOptions, Writer};

use super::lives::{Life, Lives};
use super::{SERVICES, signing_key};

/// The changes at the end that wait for people.
const WAITING: u64 = 300;
/// One in so many fails.
const FAILS: u64 = 17;
/// What has failed among so many changes at the end is not mended yet.
const OPEN: u64 = 2_000;
/// Entries in one transaction.
const BATCH: usize = 3_000;
/// What changes are about.
const ABOUT: [&str; 8] = [
    "Show delivery dates in the basket",
    "Retry captures after a timeout",
    "Round fees as the contract says",
    "Understand plurals",
    "Load pictures lazily",
    "Limit attempts by address",
    "Name the bank in receipts",
    "Drop stop words by language",
];

/// One entry of a life.
struct Line {
    name: String,
    version: u32,
    stream: String,
    actor: String,
    data: String,
    /// Microseconds after the life began.
    after_us: i64,
    /// Times in the data, as they are written, and how long after the beginning they are.
    times: Vec<(String, i64)>,
}

/// A life as it is written again, and the texts in it that are each life's own.
struct Pattern {
    lines: Vec<Line>,
    /// Service, run, commit, change, deployment, incident, problem, title.
    service: String,
    run: String,
    commit: String,
    change: String,
    deployment: Option<String>,
    incident: Option<String>,
    problem: Option<String>,
    title: String,
    /// Ids of decisions and passes.
    drawn: Vec<String>,
}

/// Writes `changes` lives from a time up to now.
pub(super) fn write(
    dir: &Path,
    lives: &Lives,
    changes: u64,
    from: Timestamp,
) -> anyhow::Result<()> {
    let (origin, key) = signing_key(dir)?;
    let (writer, readers) = Store::open(&StoreOptions::new(dir, origin, Arc::new(key)))?;
    let good = Pattern::of(&readers, &lives.good)?;
    let failed = Pattern::of(&readers, &lives.failed)?;
    let waiting = Pattern::of(&readers, &lives.waiting)?;
    let mut pen = Pen::at_the_end(writer, &readers)?;
    let span = SystemClock::default().now().duration_since(from);
    let whole = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    let step = SignedDuration::from_micros(whole / i64::try_from(changes + 1)?);
    let mut at = from;
    // Three were lived through before.
    for number in 4..=changes {
        let pattern = match number {
            _ if number + WAITING > changes => &waiting,
            _ if number.is_multiple_of(FAILS) => &failed,
            _ => &good,
        };
        let is_open = number + OPEN > changes;
        pen.play(pattern, number, at, step, is_open)?;
        at = at.checked_add(step)?;
    }
    pen.flush()
}

impl Pattern {
    fn of(readers: &Readers, life: &Life) -> anyhow::Result<Self> {
        let mut lines = Vec::new();
        let mut drawn: Vec<String> = Vec::new();
        let (mut change, mut deployment, mut title) = (None, None, None);
        let (mut incident, mut problem) = (None, None);
        let mut began: Option<Timestamp> = None;
        for entry in readers.entries(life.from, u32::try_from(life.to - life.from)?)? {
            let envelope = Envelope::parse(&entry.bytes)?;
            let began = *began.get_or_insert(envelope.time);
            let data: serde_json::Value = serde_json::from_str(envelope.data.get())?;
            match envelope.stream.split_once('/') {
                Some(("gate" | "pass", id)) if !drawn.iter().any(|known| known == id) => {
                    drawn.push(id.to_owned());
                }
                Some(("change", number)) => change = Some(number.to_owned()),
                Some(("deployment", number)) => deployment = Some(number.to_owned()),
                Some(("incident", number)) => incident = Some(number.to_owned()),
                Some(("problem", number)) => problem = Some(number.to_owned()),
                _ => {}
            }
            if envelope.event == "change.proposed" {
                title = data["title"].as_str().map(str::to_owned);
            }
            lines.push(Line {
                name: envelope.event.clone(),
                version: envelope.version,
                stream: envelope.stream.clone(),
                actor: serde_json::to_string(&envelope.actor)?,
                data: envelope.data.get().to_owned(),
                after_us: envelope.time.as_microsecond() - began.as_microsecond(),
                times: times(envelope.data.get(), began),
            });
        }
        Ok(Self {
            lines,
            service: format!("s{:06}", life.service),
            run: format!("bench/s{:06}/1", life.service),
            commit: format!("{:040x}", life.service + 1),
            change: change.context("a life without a change")?,
            deployment,
            incident,
            problem,
            title: title.context("a change without a title")?,
            drawn,
        })
    }
}

/// Writes entries and what follows from them.
struct Pen {
    writer: Writer,
    standing: Standing,
    projection: Projection,
    entries: Vec<EntryWrite>,
    versions: HashMap<String, u64>,
    last: Timestamp,
    deployments: u64,
}

impl Pen {
    fn at_the_end(writer: Writer, readers: &Readers) -> anyhow::Result<Self> {
        let mut standing = Standing::default();
        let mut versions = HashMap::new();
        let size = readers.head().size;
        while standing.size < size {
            for entry in readers.entries(standing.size, 1_000)? {
                let envelope = Envelope::parse(&entry.bytes)?;
                versions.insert(envelope.stream.clone(), envelope.stream_version + 1);
                let recorded = envelope.recorded()?.context("an unknown event")?;
                Projection::default().fold(&mut standing, &recorded);
            }
        }
        let last = standing.last_time.context("an empty ledger")?;
        let (projection, entries) = (Projection::default(), Vec::new());
        let deployments = standing.deployments_counted;
        Ok(Self { writer, standing, projection, entries, versions, last, deployments })
    }

    fn play(
        &mut self,
        pattern: &Pattern,
        number: u64,
        at: Timestamp,
        step: SignedDuration,
        is_open: bool,
    ) -> anyhow::Result<()> {
        if self.entries.len() + pattern.lines.len() > BATCH {
            self.flush()?;
        }
        if pattern.deployment.is_some() {
            self.deployments += 1;
        }
        let own = self.own(pattern, number);
        let whole = pattern.lines.last().map_or(1, |line| line.after_us.max(1));
        let room = i64::try_from(step.as_micros()).unwrap_or(i64::MAX).min(whole);
        let ends = |name: &str| matches!(name, "incident.resolved" | "problem.resolved");
        for line in pattern.lines.iter().filter(|line| !(is_open && ends(&line.name))) {
            let after = line.after_us.saturating_mul(room) / (whole + 1);
            self.last = at.checked_add(SignedDuration::from_micros(after))?.max(self.last);
            let moved = line.times.iter().map(|(text, after)| {
                let after = SignedDuration::from_micros(after.saturating_mul(room) / (whole + 1));
                Ok((text.as_str(), at.checked_add(after)?.to_string()))
            });
            let moved: Vec<(&str, String)> = moved.collect::<Result<_, jiff::Error>>()?;
            self.line(line, &own, &moved)?;
        }
        Ok(())
    }

    /// What stands in the pattern, and what stands in this life instead.
    fn own<'a>(&self, pattern: &'a Pattern, number: u64) -> Vec<(&'a str, String)> {
        let service = number.wrapping_mul(7_919) % u64::try_from(SERVICES).unwrap_or(1);
        let about = ABOUT[usize::try_from(number % 8).unwrap_or(0)];
        let mut own = vec![
            (pattern.run.as_str(), format!("bench/s{service:06}/{}", number + 1)),
            (pattern.title.as_str(), format!("{about} ({number})")),
            (pattern.service.as_str(), format!("s{service:06}")),
            (pattern.commit.as_str(), format!("{:040x}", number + 1_000_000)),
            (pattern.change.as_str(), format!("CHG{number:07}")),
        ];
        if let Some(deployment) = &pattern.deployment {
            own.push((deployment, format!("DEP{:07}", self.deployments)));
        }
        if let Some(incident) = &pattern.incident {
            own.push((incident, self.standing.next_incident().to_string()));
        }
        if let Some(problem) = &pattern.problem {
            own.push((problem, self.standing.next_problem().to_string()));
        }
        for (at, drawn) in pattern.drawn.iter().enumerate() {
            own.push((drawn, format!("{:0>26}", letters(number * 16 + at as u64))));
        }
        own
    }

    fn line(
        &mut self,
        line: &Line,
        own: &[(&str, String)],
        moved: &[(&str, String)],
    ) -> anyhow::Result<()> {
        let (mut data, mut stream) = (line.data.clone(), line.stream.clone());
        for (from, to) in moved {
            data = data.replace(from, to);
        }
        for (from, to) in own {
            data = data.replace(from, to);
            stream = stream.replace(from, to);
        }
        let head = self.writer.head();
        let (size, root) = (head.size, head.root.to_base64());
        let index = size + self.entries.len() as u64;
        let position = self.versions.entry(stream.clone()).or_insert(0);
        let version = *position;
        *position += 1;
        let bytes = format!(
            "{{\"format\":1,\"seq\":{index},\"event\":\"{}\",\"version\":{},\"stream\":\"{stream}\",\"stream_version\":{version},\
             \"time\":\"{}\",\"actor\":{},\"after\":{{\"size\":{size},\"root\":\"{root}\"}},\"data\":{data}}}",
            line.name, line.version, self.last, line.actor
        )
        .into_bytes();
        let recorded = Envelope::parse(&bytes)?.recorded()?.context("an unknown event")?;
        self.projection.fold(&mut self.standing, &recorded);
        let time_us = self.last.as_microsecond();
        self.entries.push(EntryWrite { bytes, stream, version, name: line.name.clone(), time_us });
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.projection).into_rows().collect();
        let batch = Batch { entries: std::mem::take(&mut self.entries), rows };
        match self.writer.commit(batch) {
            Outcome::Committed(_) => Ok(()),
            other => bail!("not written: {other:?}"),
        }
    }
}

/// The times in a text, and how long after `began` they are.
fn times(data: &str, began: Timestamp) -> Vec<(String, i64)> {
    let texts = data.split('"').filter(|text| text.starts_with("20") && text.ends_with('Z'));
    let mut found: Vec<(String, i64)> = texts
        .filter_map(|text| Some((text, text.parse::<Timestamp>().ok()?)))
        .map(|(text, at)| (text.to_owned(), at.as_microsecond() - began.as_microsecond()))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// A number in the letters of ids.
fn letters(mut number: u64) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::new();
    while number > 0 {
        text.insert(0, char::from(LETTERS[usize::try_from(number % 32).unwrap_or(0)]));
        number /= 32;
    }
    text
}
