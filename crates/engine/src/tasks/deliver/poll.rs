//! Reading back: what people did over there, for what no delivery told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use sluice_connectors::tell::{Polled, Polling};
use sluice_core::ids::LinkName;
use sluice_core::signal::Signal;
use sluice_core::standing::{Actor, Standing};
use sluice_organisation::Keys as _;
use sluice_store::Row;
use sluice_store::rows::{ExternalRefRow, LinkHealthRow};

use super::attempt::micros;
use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::keys::Keys;
use crate::sequencer::{Commit, Step};

/// How often a neighbour is read back.
const EVERY: Duration = Duration::from_secs(30);

impl Engine {
    /// Reads a neighbour back where it is time to; gives how many things were new.
    pub async fn poll_by(&self, name: &LinkName) -> Result<usize, EngineError> {
        let standing = self.standing();
        let Some(link) = standing.organisation.links.get(name.as_str()) else { return Ok(0) };
        if link.tell.is_none() || standing.paused.contains(name) {
            return Ok(0);
        }
        let Ok(line) = self.line(link) else { return Ok(0) };
        let Ok(_working) = line.state.working.try_lock() else { return Ok(0) };
        self.remember_health(&line).await?;
        let now_us = self.now().as_microsecond();
        let health = line.state.fares.lock().health.clone().unwrap_or_default();
        let hinted = line.state.hinted.swap(false, Ordering::Relaxed);
        let is_time = hinted
            || health.polled_us.is_none_or(|last| now_us >= last.saturating_add(micros(EVERY)));
        if !is_time || self.not_before(&line).is_some() {
            return Ok(0);
        }
        match self.read_back(&line, health.cursor.as_deref()).await {
            None => Ok(0),
            Some(Ok(polled)) => self.take_back(&line, polled).await,
            Some(Err(row)) => self.record_rows(&line.name, vec![row]).await.map(|()| 0),
        }
    }

    /// One reading; the error is the row that says how the line fares.
    async fn read_back(&self, line: &Line, cursor: Option<&str>) -> Option<Result<Polled, Row>> {
        let now = self.now();
        let mut session = sluice_connectors::tell::Session::default();
        let looking = Polling { so_far: &[], session: &session, cursor, now };
        line.telling.poll(&looking)?;
        let failed = |trouble: sluice_connectors::tell::Trouble| {
            let error = format!("{}: {}", trouble.reason.as_str(), trouble.detail);
            Some(Err(self.fails(line, &trouble, false, &error)))
        };
        match self.session(line).await {
            Ok(known) => session = known,
            Err(trouble) => return failed(trouble),
        }
        let (read, _) = self
            .converse(line, |so_far| {
                let polling = Polling { so_far, session: &session, cursor, now };
                let step = line.telling.poll(&polling);
                step.unwrap_or_else(|| unreachable!("it said before that it reads back"))
            })
            .await;
        match read {
            Ok(polled) => Some(Ok(polled)),
            Err((trouble, _)) => failed(trouble),
        }
    }

    /// What is new of what a neighbour said of our records, and the rows by which it is known the next time. Both
    /// ways in, a delivery and a reading back, say the same things.
    pub(crate) async fn news(
        &self,
        link: &LinkName,
        said: Vec<Signal>,
    ) -> Result<(Vec<Signal>, Vec<Row>), EngineError> {
        let (mut signals, mut rows) = (Vec::new(), Vec::new());
        for signal in said {
            if let Some((entity, name, value)) = identity(self.signing(), &signal) {
                let known = self.known(link, &entity).await?;
                if known.get(&name) == Some(&value) {
                    continue;
                }
                let link = link.to_string();
                rows.push(Row::ExternalRef(ExternalRefRow { link, entity, name, value }));
            }
            signals.push(signal);
        }
        Ok((signals, rows))
    }

    /// Takes in what was read. What was taken in before is known by its digest.
    async fn take_back(&self, line: &Line, polled: Polled) -> Result<usize, EngineError> {
        let (signals, mut rows) = self.news(&line.name, polled.signals).await?;
        let now_us = self.now().as_microsecond();
        {
            let mut fares = line.state.fares.lock();
            fares.breaker.went_well();
            let health = fares.health.get_or_insert_default();
            let moved = health.cursor.as_deref() != Some(polled.cursor.as_str());
            health.polled_us = Some(now_us);
            health.last_good_us = Some(now_us);
            health.failures = 0;
            health.cursor = Some(polled.cursor);
            if signals.is_empty() && !moved {
                return Ok(0);
            }
            let link = line.name.to_string();
            rows.push(Row::LinkHealth(LinkHealthRow { link, ..health.clone() }));
        }
        let count = signals.len();
        let (engine, link) = (self.clone(), line.name.clone());
        let decide = move |standing: &Standing, now: Timestamp| {
            let events = engine.correlate(standing, &link, &signals, &mut rows, now);
            let mut commit = Commit::of(events, Actor::Link(link));
            commit.rows = rows;
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await?;
        Ok(count)
    }
}

/// What a signal that was read back is about, and what stands for all that it says.
fn identity(keys: &Keys, signal: &Signal) -> Option<(String, String, String)> {
    let said = serde_json::to_string(signal).ok()?;
    match signal {
        Signal::RecordReported { entity, record, state, .. } => {
            Some((entity.clone(), format!("state.{record}"), state.clone()))
        }
        Signal::ApprovalReported { entity, who, .. } => {
            // Keyed, as every address is that stands where nothing is erased: who lacks the key cannot try names.
            let named = who.email.as_deref().or(who.account.as_deref()).unwrap_or_default();
            let who = keys.identity("approver", named);
            let said = keys.identity("approval", &said);
            Some((entity.clone(), format!("approval.{who}"), said.to_string()))
        }
        _ => None,
    }
}
