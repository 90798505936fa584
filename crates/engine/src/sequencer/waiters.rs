//! Those who wait for something to happen. Waiting costs a map entry, and nobody is woken for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_core::standing::Topic;
use tokio::sync::Notify;

/// Who waits for which topic.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    by_topic: BTreeMap<Topic, BTreeMap<u64, Arc<Notify>>>,
}

/// A place among those who wait; left when dropped.
#[derive(Debug)]
pub(crate) struct Waiter<'a> {
    waiters: &'a Waiters,
    id: u64,
    topics: Vec<Topic>,
    notify: Arc<Notify>,
}

impl Waiters {
    pub(super) fn wait_for(&self, topics: impl IntoIterator<Item = Topic>) -> Waiter<'_> {
        let topics: Vec<Topic> = topics.into_iter().collect();
        let notify = Arc::new(Notify::new());
        let mut state = self.state.lock();
        state.next += 1;
        let id = state.next;
        for topic in &topics {
            state.by_topic.entry(topic.clone()).or_default().insert(id, Arc::clone(&notify));
        }
        Waiter { waiters: self, id, topics, notify }
    }

    pub(super) fn wake(&self, topics: &BTreeSet<Topic>) {
        let state = self.state.lock();
        for waiting in topics.iter().filter_map(|topic| state.by_topic.get(topic)) {
            for notify in waiting.values() {
                notify.notify_one();
            }
        }
    }
}

impl Waiter<'_> {
    /// Returns when one of the topics has been touched since this was made or last returned.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut state = self.waiters.state.lock();
        for topic in &self.topics {
            let empty = state.by_topic.get_mut(topic).is_some_and(|waiting| {
                waiting.remove(&self.id);
                waiting.is_empty()
            });
            if empty {
                state.by_topic.remove(topic);
            }
        }
    }
}
