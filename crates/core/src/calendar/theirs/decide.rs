//! Taking over what was read.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::event::{WindowRead, WindowVanished};
use crate::calendar::made::is_long_over;
use crate::calendar::{Window, WindowKind};
use crate::event::Event;
use crate::ids::LinkName;
use crate::organisation::known_scope;
use crate::standing::Standing;

/// The most windows that one link reads.
const MOST: usize = 500;
/// The longest title.
const TITLE: usize = 120;

/// What was read of one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its name here.
    pub name: String,
    /// The window, or why it cannot be read.
    pub window: Result<Window, String>,
}

/// A window that is over there and cannot hold here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its name here.
    pub name: String,
    /// Why.
    pub why: String,
}

/// The events that make the windows of a link what was read, and what could not be taken over. Only where the reading
/// saw `everything` does a window end that it did not see.
pub fn taken(
    standing: &Standing,
    link: &LinkName,
    said: Vec<Said>,
    everything: bool,
    now: Timestamp,
) -> (Vec<Event>, Vec<Unread>) {
    let (mut events, mut unread): (Vec<Event>, Vec<Unread>) = Default::default();
    let mut seen = BTreeSet::new();
    let mut holding = standing.theirs.values().filter(|known| known.link == *link).count();
    for Said { name, window } in said {
        let known = standing.theirs.get(&name).filter(|known| known.link == *link);
        let window = match window {
            Ok(window) if is_long_over(&window.schedule, now) => continue,
            Ok(window) => check(standing, &name, window),
            Err(why) => Err(why),
        };
        seen.insert(name.clone());
        match window {
            Ok(window) if known.is_some_and(|known| *known.window == window) => {}
            Ok(_) if known.is_none() && holding >= MOST => {
                let why = format!("more than {MOST} windows are read by the link");
                unread.push(Unread { name, why });
            }
            Ok(window) => {
                holding += usize::from(known.is_none());
                let (window, link) = (Box::new(window), link.clone());
                events.push(WindowRead { window, link }.into());
            }
            Err(why) => unread.push(Unread { name, why }),
        }
    }
    if everything {
        let of_link = standing.theirs.iter().filter(|(_, known)| known.link == *link);
        let gone = of_link.filter(|(name, _)| !seen.contains(*name));
        events.extend(gone.map(|(name, _)| vanished(name, link)));
    }
    (events, unread)
}

/// The events that end the windows whose link reads nothing any more.
pub fn orphaned(standing: &Standing, reads: impl Fn(&LinkName) -> bool) -> Vec<Event> {
    let theirs = standing.theirs.iter();
    theirs
        .filter(|(_, known)| !reads(&known.link))
        .map(|(name, known)| vanished(name, &known.link))
        .collect()
}

fn vanished(name: &str, link: &LinkName) -> Event {
    WindowVanished { name: name.to_owned(), link: link.clone() }.into()
}

fn check(standing: &Standing, name: &str, mut window: Window) -> Result<Window, String> {
    let is_taken = standing.organisation.windows.contains_key(name)
        || standing.made.windows.contains_key(name);
    if is_taken || window.kind == WindowKind::Release {
        return Err("its name is another window's here, or it would let something go".to_owned());
    }
    name.clone_into(&mut window.name);
    window.title = window.title.chars().filter(|c| !c.is_control()).take(TITLE).collect();
    window.validate().map_err(|problem| problem.to_string())?;
    known_scope(&standing.organisation, &window.scope).map_err(|refusal| refusal.message)?;
    Ok(window)
}
