//! Reading back: what people did over there, for what no delivery told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use sluice_connectors::tell::{Polled, Polling};
use sluice_core::ids::LinkName;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::LinkHealthRow;

use super::attempt::micros;
use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;
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
        let hinted = line.state.hinted.load(Ordering::Relaxed);
        let is_time = hinted
            || health.polled_us.is_none_or(|last| now_us >= last.saturating_add(micros(EVERY)));
        // However much is to be told: approvers over there do not wait for that.
        if !is_time || self.is_left_alone(&line) {
            return Ok(0);
        }
        // What is hinted from here on asks for another reading.
        line.state.hinted.store(false, Ordering::Relaxed);
        let taken = match self.read_back(&line, health.cursor.as_deref()).await {
            None => return Ok(0),
            Some(Ok(polled)) => self.take_back(&line, polled).await.map(Some),
            Some(Err(row)) => self.record_rows(&line.name, vec![row]).await.map(|()| None),
        };
        if hinted && !matches!(taken, Ok(Some(_))) {
            line.state.hinted.store(true, Ordering::Relaxed);
        }
        taken.map(Option::unwrap_or_default)
    }

    /// One reading; the error is the row that says how the line fares.
    async fn read_back(&self, line: &Line, cursor: Option<&str>) -> Option<Result<Polled, Row>> {
        let now = self.now();
        let mut session = sluice_connectors::tell::Session::default();
        let looking = Polling { so_far: &[], session: &session, cursor, now };
        line.telling.poll(&looking)?;
        let failed = |trouble: sluice_connectors::tell::Trouble| {
            let error = format!("{}: {}", trouble.reason.as_str(), line.said(&trouble));
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

    /// Takes in what was read. Only when that is durable is it known how far the reading came.
    async fn take_back(&self, line: &Line, polled: Polled) -> Result<usize, EngineError> {
        let (news, mut rows) = self.news(&line.name, polled.signals).await?;
        let now_us = self.now().as_microsecond();
        let before = line.state.fares.lock().health.clone().unwrap_or_default();
        let moved = before.cursor.as_deref() != Some(polled.cursor.as_str());
        let health = LinkHealthRow {
            link: line.name.to_string(),
            polled_us: Some(now_us),
            last_good_us: Some(now_us),
            failures: 0,
            cursor: Some(polled.cursor),
            ..before
        };
        let count = news.signals.len();
        if count > 0 || moved {
            rows.push(Row::LinkHealth(health.clone()));
            let (engine, link) = (self.clone(), line.name.clone());
            let decide = move |standing: &Standing, now: Timestamp| {
                let events = engine.correlate(standing, &link, &news, &mut rows, now);
                let mut commit = Commit::of(events, Actor::Link(link));
                commit.rows = rows;
                Step::Record((), commit)
            };
            self.sequencer().submit(decide).await?;
        }
        let mut fares = line.state.fares.lock();
        fares.breaker.went_well();
        fares.health = Some(health);
        drop(fares);
        if polled.more {
            line.state.hinted.store(true, Ordering::Relaxed);
        }
        Ok(count)
    }
}
