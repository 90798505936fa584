//! What handlers share.

use std::sync::Arc;

use sluice_core::change::Change;
use sluice_engine::limits::Limits;
use sluice_engine::store::{ReadError, Readers};
use sluice_engine::{Caller, Engine};
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::openapi;
use crate::options::ServerOptions;
use crate::overload::Overload;
use crate::problem::Problem;
use crate::reports::Reports;
use crate::room::Rooms;
use crate::session::Logins;
use crate::status;
use crate::web;

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) options: ServerOptions,
    pub(crate) metrics: Metrics,
    /// Numbers that were reckoned a moment ago.
    pub(crate) numbers: web::Kept,
    /// Room for what browsers report.
    pub(crate) reports: Reports,
    pub(crate) overload: Overload,
    /// Logins that were begun at a provider.
    pub(crate) logins: Logins,
    /// Room in memory for bodies.
    pub(crate) rooms: Rooms,
    /// Becomes true when the server stops.
    pub(crate) closing: watch::Sender<bool>,
    /// The API's own description.
    pub(crate) openapi: String,
}

impl std::ops::Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl App {
    pub(crate) fn new(engine: Engine, options: ServerOptions) -> Self {
        engine.come_in_by(&options.providers);
        let rooms = Rooms::new(&options, Limits::API.size_bytes);
        Self {
            shared: Arc::new(Shared {
                engine,
                metrics: Metrics::default(),
                numbers: web::Kept::default(),
                reports: Reports::default(),
                overload: Overload::default(),
                logins: Logins::default(),
                rooms,
                closing: watch::Sender::new(false),
                openapi: openapi::text(),
                options,
            }),
        }
    }

    /// Runs a read of the store where it may block.
    pub(crate) async fn read<T, F>(&self, ask: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Readers) -> Result<T, ReadError> + Send + 'static,
    {
        let engine = self.engine.clone();
        self.blocking(move || ask(engine.lists()).map_err(Problem::from)).await
    }

    /// Runs work that blocks or takes long where it does not hold up others.
    pub(crate) async fn blocking<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => Err(Problem::of(&status::INTERNAL, "").logged(error)),
        }
    }

    /// Where the resources of SCIM are: as a whole address where the server knows its own.
    pub(crate) fn scim_base(&self) -> String {
        let own = self.options.public_url.as_deref().unwrap_or_default();
        format!("{}/scim/v2", own.trim_end_matches('/'))
    }

    /// Resolves when the server stops.
    pub(crate) async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        // The sender lives as long as `self`.
        let _ = closing.wait_for(|closing| *closing).await;
    }

    /// Whether a caller may see a change.
    pub(crate) fn sees_change(&self, caller: &Caller, change: &Change) -> bool {
        caller.sees_change(&self.engine.standing(), change)
    }

    /// Whether a caller may see what concerns one of `services` in `environment`.
    pub(crate) fn sees<'a>(
        &self,
        caller: &Caller,
        services: impl IntoIterator<Item = &'a str>,
        environment: &str,
    ) -> bool {
        caller.sees(&self.engine.standing(), services, environment)
    }
}
