//! Dropping what is old, and the numbers of what is left.

use sluice_store::rows::{MOST_PRUNED, SessionRow};
use sluice_store::{Row, RowOutcome};

use crate::instance::Instance;
use crate::rows::{delivery, effect, write};

#[test]
fn what_is_old_is_dropped_a_few_rows_at_a_time() {
    let instance = Instance::new();
    let (mut writer, _) = instance.open();
    let sessions = (0..2 * MOST_PRUNED).map(|number| {
        Row::Session(SessionRow {
            id: format!("s-{number}"),
            secret_hash: std::array::from_fn(|at| number.to_le_bytes().get(at).map_or(0, |b| *b)),
            person_id: "p1".to_owned(),
            seen_us: 0,
            expires_us: i64::from(number),
        })
    });
    write(&mut writer, sessions.collect());
    let before_us = i64::from(2 * MOST_PRUNED) - 1;
    let pruned: Vec<RowOutcome> =
        (0..3).flat_map(|_| write(&mut writer, vec![Row::PruneSessions { before_us }])).collect();
    let more = |more| RowOutcome::Pruned { more };
    assert_eq!(pruned, [more(true), more(false), more(false)]);
    drop(writer);
    let database = rusqlite::Connection::open(instance.dir().join("sluice.db")).unwrap();
    let left = database.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0));
    assert_eq!(left, Ok(1));
}

#[test]
fn the_number_of_a_row_that_was_dropped_is_never_given_again() {
    let instance = Instance::new();
    let (mut writer, _) = instance.open();
    let delivered = |id| RowOutcome::Delivered { id };
    let heard = |id: &str, at_us| Row::Delivery(delivery("gh", id, id.as_bytes(), at_us));
    assert_eq!(
        write(&mut writer, vec![heard("a", 1), heard("b", 2)]),
        [delivered(1), delivered(2)]
    );
    let owed = write(&mut writer, vec![effect("gh", "run/1", "k1", 1)]);
    assert_eq!(owed, [RowOutcome::Owed { id: 1 }]);
    let done = |id| {
        let (state, outcome) = ("done".to_owned(), None);
        Row::DeliveryOutcome { id, state, outcome, attempts: 1 }
    };
    let (state, last_error) = ("delivered".to_owned(), None);
    let told = Row::EffectOutcome { id: 1, state, attempts: 1, next_us: 0, last_error };
    write(&mut writer, vec![done(1), done(2), told]);
    write(&mut writer, vec![Row::PruneInbox { before_us: 9 }, Row::PruneOutbox { before_us: 9 }]);
    drop(writer);
    let (mut writer, readers) = instance.open();
    assert_eq!(readers.inbox_get(2).unwrap(), None);
    assert_eq!(write(&mut writer, vec![heard("c", 10)]), [delivered(3)]);
    let owed = write(&mut writer, vec![effect("gh", "run/1", "k2", 1)]);
    assert_eq!(owed, [RowOutcome::Owed { id: 2 }]);
    // Nothing to drop leaves the numbers as they are.
    write(&mut writer, vec![Row::PruneInbox { before_us: 9 }]);
    assert_eq!(write(&mut writer, vec![heard("d", 11)]), [delivered(4)]);
}
