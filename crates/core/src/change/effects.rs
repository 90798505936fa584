//! What the outside should be told of a change, derived from its events.
//!
//! The connectors that tell come with later work; what they will be told is decided here, once, and written
//! to the outbox in the same transaction as the event.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::ChangeNumber;

/// Something the outside should be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What: `change.opened`, `change.state`, `approval.wanted`, `change.closed`, `gate.decided`.
    pub tell: String,
    /// The change it is about.
    pub change: ChangeNumber,
    /// Stable key: telling it twice is the same as once.
    pub key: String,
}

/// What should be told because of `event`, the ledger's entry `index`.
pub fn effects(event: &Event, index: u64) -> Vec<Effect> {
    let (tell, change) = match event {
        Event::ChangeProposed(event) => ("change.opened", event.change),
        Event::ChangeAuthorizationRequested(event) => ("approval.wanted", event.change),
        Event::ChangeReminded(event) => ("approval.wanted", event.change),
        Event::ChangeScheduled(event) => ("change.state", event.change),
        Event::ChangeImplementationStarted(event) => ("change.state", event.change),
        Event::ChangeImplementationEnded(event) => ("change.state", event.change),
        Event::ChangeClosed(event) => ("change.closed", event.change),
        Event::ChangeCanceled(event) => ("change.closed", event.change),
        _ => return Vec::new(),
    };
    vec![Effect { tell: tell.to_owned(), change, key: format!("{index}:{tell}") }]
}
