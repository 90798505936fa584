//! What runs by itself: deliveries are interpreted, calendars of neighbours are kept equal, neighbours are told, runs that wait at a rule and checks of proposals are answered, deadlines are kept, the stored entries are looked after, the head is shown to witnesses.

mod asked;
mod calendars;
pub(crate) mod checks;
mod deadlines;
mod deliver;
mod health;
mod interpret;
mod of_run;
mod patrol;
mod rules;
mod witness;

pub(crate) use self::asked::{Answered, WaitingRun};
pub use self::deliver::{Delivered, record_owed};
pub(crate) use self::deliver::{Line, Lines, News, adopted, overtaken, place};
pub use self::health::TaskHealth;
pub(crate) use self::health::Tasks;
pub(crate) use self::of_run::InTurn;
use crate::engine::Engine;

impl Engine {
    /// Starts the tasks on the present runtime. They end when the engine does.
    pub fn start_tasks(&self) -> Vec<tokio::task::JoinHandle<()>> {
        vec![
            tokio::spawn(interpret::run(self.clone())),
            tokio::spawn(deadlines::run(self.clone())),
            tokio::spawn(patrol::run(self.clone())),
            tokio::spawn(deliver::run(self.clone())),
            tokio::spawn(rules::run(self.clone())),
            tokio::spawn(checks::run(self.clone())),
            tokio::spawn(witness::run(self.clone())),
        ]
    }
}
