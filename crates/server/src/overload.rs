//! Overload: each class of routes has its own places and a short queue; what does not fit is
//! told at once to come again, so that the gate answers while reads are shed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;
use crate::route::Class;
use crate::status;

/// Gate requests in work from which on everybody else has to make room.
const PRESSED: usize = 32;
/// How long a request may wait for a place.
const PATIENCE: Duration = Duration::from_millis(500);

/// A place in a class, given back when dropped. `None` where the class has no limit.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

pub(crate) struct Overload {
    gate: Lane,
    act: Lane,
    deliver: Lane,
    read: Lane,
    bulk: Lane,
    follow: Lane,
    waiting: Lane,
    /// What the others have while the gate is pressed.
    act_pressed: Lane,
    deliver_pressed: Lane,
    read_pressed: Lane,
}

impl Default for Overload {
    fn default() -> Self {
        Self {
            gate: Lane::new(64, 1_024),
            act: Lane::new(64, 256),
            deliver: Lane::new(64, 64),
            read: Lane::new(32, 64),
            bulk: Lane::new(2, 4),
            follow: Lane::new(500, 0),
            waiting: Lane::new(1_000, 0),
            act_pressed: Lane::new(8, 64),
            deliver_pressed: Lane::new(2, 32),
            read_pressed: Lane::new(1, 8),
        }
    }
}

impl Overload {
    /// A place in a class, or the problem that there is none.
    pub(crate) async fn enter(&self, class: Class) -> Result<Place, Problem> {
        let pressed = self.gate.in_work() >= PRESSED;
        match class {
            Class::Light => Ok(Place { _permit: None }),
            // The others take the processor from the gate, and can come later.
            Class::Act if pressed => self.act_pressed.enter().await,
            Class::Deliver if pressed => self.deliver_pressed.enter().await,
            Class::Read if pressed => self.read_pressed.enter().await,
            Class::Bulk if pressed => Err(full()),
            Class::Gate => self.gate.enter().await,
            Class::Act => self.act.enter().await,
            Class::Deliver => self.deliver.enter().await,
            Class::Read => self.read.enter().await,
            Class::Bulk => self.bulk.enter().await,
            Class::Follow => self.follow.enter().await,
        }
    }

    /// A place for a gate question that waits: it needs little while it does.
    pub(crate) async fn enter_waiting(&self) -> Result<Place, Problem> {
        self.waiting.enter().await
    }
}

struct Lane {
    places: Arc<Semaphore>,
    size: usize,
    waiting: AtomicUsize,
    queue: usize,
}

impl Lane {
    fn new(places: usize, queue: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            size: places,
            waiting: AtomicUsize::new(0),
            queue,
        }
    }

    /// How many are in work.
    fn in_work(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }

    async fn enter(&self) -> Result<Place, Problem> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place { _permit: Some(Arc::new(permit)) });
        }
        let _waiter = Waiter::join(&self.waiting, self.queue).ok_or_else(full)?;
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(Ok(permit)) => Ok(Place { _permit: Some(Arc::new(permit)) }),
            _ => Err(full()),
        }
    }
}

fn full() -> Problem {
    Problem::of(&status::OVERLOADED, "").retry_after(1)
}

/// One who waits; counted until dropped.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn join(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let joined = waiting.fetch_add(1, Ordering::Relaxed) < most;
        let waiter = Self(waiting);
        joined.then_some(waiter)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn others_make_room_while_the_gate_is_pressed() {
        let overload = Overload::default();
        let mut places = Vec::new();
        for _ in 1..PRESSED {
            places.push(overload.enter(Class::Gate).await);
        }
        assert!(overload.enter(Class::Bulk).await.is_ok());
        places.push(overload.enter(Class::Gate).await);
        assert!(overload.enter(Class::Bulk).await.is_err());
        let read = overload.enter(Class::Read).await;
        assert!(read.is_ok() && overload.enter(Class::Read).await.is_err());
        assert!(overload.enter(Class::Light).await.is_ok());
        assert!(overload.enter(Class::Gate).await.is_ok());
        places.clear();
        assert!(overload.enter(Class::Bulk).await.is_ok());
    }

    #[tokio::test]
    async fn what_does_not_fit_is_shed_and_places_come_back() {
        let lane = Lane::new(1, 1);
        let first = lane.enter().await;
        assert!(first.is_ok());
        let (queued, beyond) = tokio::join!(lane.enter(), lane.enter());
        assert!(queued.is_err() && beyond.is_err());
        drop(first);
        assert!(lane.enter().await.is_ok());
        assert_eq!(lane.waiting.load(Ordering::Relaxed), 0);
    }
}
