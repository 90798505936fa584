//! Overload: each class of routes has places and a queue of its own. What does not fit is told to come again before
//! anything is done for it, so that the gate answers while others are shed.
//!
//! How many are in work is found by what it does to the time that each takes (`limit.rs`); who waits, and in which
//! order, is the lane's (`lane.rs`); most is refused at the doorstep (`doorstep.rs`), before anything is done for it; while the gate is
//! pressed, which is seen by how many questions are in work and by how late the machine is (`lag.rs`), the others have a
//! share of the time and no more (`share.rs`).

mod doorstep;
mod lag;
mod lane;
mod limit;
mod share;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::doorstep::Doorstep;
use self::lag::Lag;
use self::lane::{Held, Lane};
use self::share::Share;
use crate::problem::Problem;
use crate::route::Class;
use crate::status;

/// Gate requests in work from which on everybody else has to make room.
const PRESSED: usize = 32;

/// Whole organisations that are received or at work at once: each may be 16 MiB, and they are received before there is
/// a place for them.
const FOLDERS: usize = 16;

/// Room for a whole organisation, given back when dropped.
#[derive(Debug)]
pub(crate) struct FolderRoom {
    _held: OwnedSemaphorePermit,
}

/// A place in a class, given back when dropped. `None` where the class has no limit.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    _held: Option<Arc<Held>>,
}

pub(crate) struct Overload {
    gate: Arc<Lane>,
    act: Arc<Lane>,
    deliver: Arc<Lane>,
    read: Arc<Lane>,
    bulk: Arc<Lane>,
    follow: Arc<Lane>,
    waiting: Arc<Lane>,
    folders: Arc<Semaphore>,
    lag: Lag,
}

impl Default for Overload {
    fn default() -> Self {
        // Seconds of work a second that each class has while the gate is pressed: people who approve are let through.
        let share = |least, most| Some(Share::new(least, most));
        Self {
            gate: Lane::new(8, 64, 1_024, None),
            act: Lane::new(8, 64, 256, share(1.0, 64.0)),
            deliver: Lane::new(4, 64, 256, share(0.1, 64.0)),
            read: Lane::new(4, 32, 64, share(0.05, 32.0)),
            bulk: Lane::new(2, 2, 4, share(0.0, 2.0)),
            follow: Lane::new(500, 500, 0, None),
            waiting: Lane::new(1_000, 1_000, 0, None),
            folders: Arc::new(Semaphore::new(FOLDERS)),
            lag: Lag::new(),
        }
    }
}

impl Overload {
    fn lane(&self, class: Class) -> Option<&Arc<Lane>> {
        match class {
            Class::Light => None,
            Class::Gate => Some(&self.gate),
            Class::Act => Some(&self.act),
            Class::Deliver => Some(&self.deliver),
            Class::Read => Some(&self.read),
            Class::Bulk => Some(&self.bulk),
            Class::Follow => Some(&self.follow),
        }
    }

    /// Looks how late the machine is, for ever.
    pub(crate) async fn watch(&self) {
        self.lag.watch().await;
    }

    /// Whether the gate needs what the others would take.
    fn is_pressed(&self) -> bool {
        self.gate.is_pressed(PRESSED) || (self.lag.is_long() && self.gate.is_pressed(1))
    }

    /// Refuses what there is no room for, before it is known who asks: that is the cheapest moment.
    pub(crate) fn glance(&self, class: Class) -> Result<(), Problem> {
        let pressed = self.is_pressed();
        match self.lane(class) {
            Some(lane) if lane.refuses(pressed) => Err(full()),
            Some(_) | None => Ok(()),
        }
    }

    /// Room to receive a whole organisation, or the problem that there is none.
    pub(crate) fn receive_folder(&self) -> Result<FolderRoom, Problem> {
        let held = Arc::clone(&self.folders).try_acquire_owned().map_err(|_| full())?;
        Ok(FolderRoom { _held: held })
    }

    /// A place in a class, or the problem that there is none.
    pub(crate) async fn enter(&self, class: Class) -> Result<Place, Problem> {
        let Some(lane) = self.lane(class) else { return Ok(Place { _held: None }) };
        let pressed = self.is_pressed();
        let held = lane.enter(pressed).await?;
        Ok(Place { _held: Some(Arc::new(held)) })
    }

    /// A place for a gate question that waits: it needs little while it does.
    pub(crate) async fn enter_waiting(&self) -> Result<Place, Problem> {
        let held = self.waiting.enter(false).await?;
        Ok(Place { _held: Some(Arc::new(held)) })
    }
}

fn full() -> Problem {
    Problem::of(&status::OVERLOADED, "").retry_after(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// How many of so many requests, one each millisecond, are let in and done at once.
    async fn let_in(overload: &Overload, class: Class, count: u32) -> u32 {
        let mut admitted = 0;
        for _ in 0..count {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if overload.glance(class).is_err() {
                continue;
            }
            if let Ok(place) = overload.enter(class).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
                drop(place);
                admitted += 1;
            }
        }
        admitted
    }

    #[tokio::test(start_paused = true)]
    async fn others_make_room_while_the_gate_is_pressed() {
        let overload = Overload::default();
        for class in [Class::Act, Class::Deliver, Class::Read, Class::Bulk] {
            assert_eq!(let_in(&overload, class, 100).await, 100, "{class:?}");
        }
        let mut places = Vec::new();
        for _ in 0..PRESSED {
            places.push(overload.enter(Class::Gate).await.expect("a place"));
        }
        for class in [Class::Act, Class::Deliver, Class::Read, Class::Bulk] {
            let_in(&overload, class, 2_000).await;
        }
        let pressed = [
            let_in(&overload, Class::Read, 2_000).await,
            let_in(&overload, Class::Bulk, 2_000).await,
            let_in(&overload, Class::Act, 2_000).await,
        ];
        assert!(pressed[0] < 60 && pressed[1] <= 1 && pressed[2] > 1_000, "{pressed:?}");
        assert!(overload.enter(Class::Light).await.is_ok());
        assert!(overload.enter(Class::Gate).await.is_ok());
        places.clear();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(let_in(&overload, Class::Bulk, 100).await, 100);
    }
}
