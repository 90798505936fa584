//! The first entries of a ledger, and what a new version of the program brings to an old one.

use std::sync::mpsc;

use jiff::Timestamp;
use sluice_core::access::RoleTable;
use sluice_core::access::event::RoleTableSet;
use sluice_core::event::Event;
use sluice_core::housekeeping::LedgerOpened;
use sluice_core::ids::Digest;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;

use crate::engine::{Engine, at_open};
use crate::error::OpenError;
use crate::policy::Candidate;
use crate::sequencer::{Commit, Step};

impl Engine {
    /// Opens the ledger where it is empty, and puts the policy and the roles that this program ships with in force where
    /// another version's are. Blocking.
    pub(crate) fn begin(&self) -> Result<(), OpenError> {
        let standing = self.standing();
        for (issuer, rules) in crate::exchange::differing(&standing) {
            let rules = rules.into_iter().map(|rule| rule.as_str()).collect::<Vec<_>>().join(", ");
            tracing::error!(
                issuer,
                rules,
                "trust rules say different things of an issuer: no token of it is exchanged until they are mended"
            );
        }
        let mut opening: Vec<Event> = Vec::new();
        if standing.size == 0 {
            opening.push(
                LedgerOpened {
                    origin: self.keys().origin.clone(),
                    log_key: self.keys().log_key.clone(),
                    pass_key: self.keys().pass_key.clone(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                }
                .into(),
            );
        }
        let table = RoleTable::shipped();
        if standing.access.table.as_ref() != &table {
            opening.push(RoleTableSet { table }.into());
        }
        let candidate = self.shipped_with_own(&standing)?;
        let in_force: Option<Digest> = standing.policy.as_ref().map(|policy| policy.bundle.clone());
        let changes = candidate
            .as_ref()
            .is_some_and(|candidate| Some(&candidate.digest) != in_force.as_ref());
        if let Some(candidate) = &candidate {
            self.policies().keep(
                candidate.digest.clone(),
                Ok(candidate.policy.clone()),
                in_force.as_ref(),
            );
        }
        if opening.is_empty() && !changes {
            return Ok(());
        }
        self.record_beginning(opening, candidate.filter(|_| changes), in_force)
    }

    /// The shipped modules with the organisation's own. Where they no longer go together, what is in force stays in
    /// force, and every question is answered with that fault until it is mended.
    fn shipped_with_own(&self, standing: &Standing) -> Result<Option<Candidate>, OpenError> {
        let own = match &standing.policy {
            None => Vec::new(),
            Some(in_force) => {
                self.own_modules(in_force).map_err(|message| OpenError::Standing { message })?
            }
        };
        match Candidate::recorded(&own) {
            Ok(candidate) => Ok(Some(candidate)),
            Err(problems) => {
                for problem in problems {
                    tracing::error!(%problem, "the policy does not go together with this version of the program");
                }
                Ok(None)
            }
        }
    }

    fn record_beginning(
        &self,
        mut events: Vec<Event>,
        candidate: Option<Candidate>,
        replaces: Option<Digest>,
    ) -> Result<(), OpenError> {
        let mut rows: Vec<Row> = Vec::new();
        if let Some(candidate) = candidate {
            let (activated, texts) = candidate.activate(replaces, self.now().as_microsecond());
            events.push(activated.into());
            rows = texts;
        }
        let decide = move |_: &Standing, _: Timestamp| {
            let mut commit = Commit::of(events, Actor::Sluice);
            commit.rows = rows;
            Step::Record((), commit)
        };
        let (sender, receiver) = mpsc::channel();
        self.sequencer().submit_blocking(decide, move |done| drop(sender.send(done)));
        match receiver.recv() {
            Ok(done) => done.map(|_| ()).map_err(at_open),
            Err(_) => Err(OpenError::Standing { message: "the sequencer stopped".into() }),
        }
    }
}
