//! Room in memory for bodies: what all of a class may take at the same time, and what one sender may of it.
//!
//! A body is read before there is a place for its request, so that nobody holds a place while they send. What anybody may
//! send (deliveries, whose signature can be checked only then, and logins) is counted by address, everything else by the
//! token that it comes by. One sender gets a share only; the others find room beside it. Addresses of IPv6 count by their
//! network: who has one address there has all of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sluice_core::ids::TokenId;

use crate::hooks;
use crate::options::ServerOptions;
use crate::problem::Problem;
use crate::route::{Access, Class, Facts};
use crate::status;

/// One sender has at most a part of this size of everything.
const SHARE: usize = 4;

/// The most deliveries of one address that are read at the same time.
const AT_ONCE: usize = 32;

/// Bytes of questions and redemptions in memory at the same time. Those that wait are counted for as long as they do.
const ASKED: usize = 128 << 20;
/// The same of what people and pipelines do to records.
const DONE: usize = 32 << 20;
/// The same of reads, which hardly bring anything.
const READ: usize = 8 << 20;
/// The same of those who have not come in yet: as much as the connections that a server takes can bring.
const OPEN: usize = 128 << 20;
/// Most of one body of theirs.
pub(crate) const OPEN_BODY: usize = 64 * 1024;
/// How long they may take to send it: whoever sends slowly takes the room of others.
pub(crate) const OPEN_TIME: Duration = Duration::from_secs(10);

/// Room for every class.
#[derive(Debug)]
pub(crate) struct Rooms {
    gate: Room,
    act: Room,
    read: Room,
    open: Room,
    deliveries: Room,
}

impl Rooms {
    pub(crate) fn new(options: &ServerOptions, body: usize) -> Self {
        Self {
            gate: Room::new(ASKED, body, usize::MAX),
            act: Room::new(DONE, body, usize::MAX),
            read: Room::new(READ, body, usize::MAX),
            open: Room::new(OPEN, OPEN_BODY, usize::MAX),
            deliveries: Room::new(options.hook_budget_bytes, hooks::largest(options), AT_ONCE),
        }
    }

    /// Where the bodies of a route have their room. Whole organisations are counted as such
    /// ([`Overload::receive_folder`](crate::overload::Overload::receive_folder)).
    pub(crate) fn of(&self, facts: &Facts) -> Option<&Room> {
        if facts.takes_folder {
            return None;
        }
        Some(match (facts.class, facts.access) {
            (Class::Deliver, _) => &self.deliveries,
            (_, Access::Public(_)) => &self.open,
            (Class::Gate, _) => &self.gate,
            (Class::Read | Class::Bulk, _) => &self.read,
            (Class::Act | Class::Light | Class::Follow, _) => &self.act,
        })
    }
}

/// Whose a body is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    Address(Option<IpAddr>),
    Token(TokenId),
}

/// What the bodies of a class may still take.
#[derive(Debug)]
pub(crate) struct Room {
    taken: Arc<Mutex<Taken>>,
    bytes: usize,
    share: usize,
    at_once: usize,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    /// Bytes and bodies of each sender; absent where it has none.
    of: BTreeMap<Whose, (usize, usize)>,
}

/// A part of it, given back when dropped. It grows with what is read.
#[derive(Debug)]
pub(crate) struct Part {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    share: usize,
    sender: Whose,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes. A share is never smaller than the largest body.
    fn new(bytes: usize, largest: usize, at_once: usize) -> Self {
        Self { taken: Arc::default(), bytes, share: (bytes / SHARE).max(largest), at_once }
    }

    /// A part for a body of a sender, which begins with so many bytes; none while there is no room for it.
    pub(crate) fn take(&self, sender: Whose, bytes: usize) -> Option<Part> {
        let sender = match sender {
            Whose::Address(address) => Whose::Address(address.map(network)),
            Whose::Token(token) => Whose::Token(token),
        };
        let mut taken = self.taken.lock();
        let (_, count) = taken.of.get(&sender).copied().unwrap_or_default();
        if count >= self.at_once || !taken.add(&sender, bytes, (self.bytes, self.share)) {
            return None;
        }
        taken.of.entry(sender.clone()).or_default().1 += 1;
        let taken = Arc::clone(&self.taken);
        Some(Part { taken, most: self.bytes, share: self.share, sender, bytes })
    }
}

impl Taken {
    /// Takes so many bytes more, if they fit.
    fn add(&mut self, sender: &Whose, bytes: usize, (most, share): (usize, usize)) -> bool {
        let of_sender = self.of.get(sender).map_or(0, |(bytes, _)| *bytes);
        let fits =
            self.bytes.saturating_add(bytes) <= most && of_sender.saturating_add(bytes) <= share;
        if fits {
            self.bytes += bytes;
            self.of.entry(sender.clone()).or_default().0 += bytes;
        }
        fits
    }
}

impl Part {
    /// Grows to so many bytes, or says that there is no room.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 && !self.taken.lock().add(&self.sender, more, (self.most, self.share)) {
            return Err(none());
        }
        self.bytes += more;
        Ok(())
    }
}

/// There is no room for a body.
pub(crate) fn none() -> Problem {
    Problem::of(&status::OVERLOADED, "").retry_after(2)
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.bytes = taken.bytes.saturating_sub(self.bytes);
        if let Some((bytes, count)) = taken.of.get_mut(&self.sender) {
            *bytes = bytes.saturating_sub(self.bytes);
            *count -= 1;
            if *count == 0 {
                taken.of.remove(&self.sender);
            }
        }
    }
}

/// The address, or the /64 network of one of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Whose {
        Whose::Address(text.parse().ok())
    }

    #[test]
    fn one_sender_gets_a_share_and_leaves_the_others_theirs() {
        let room = Room::new(64, 5, AT_ONCE);
        let mut parts: Vec<Part> = (0..3).filter_map(|_| room.take(ip("192.0.2.1"), 5)).collect();
        assert_eq!(parts.len(), 3);
        for (sender, bytes, fits) in [
            ("192.0.2.1", 2, false),
            ("192.0.2.1", 1, true),
            ("::ffff:192.0.2.1", 1, false),
            ("192.0.2.2", 16, true),
            ("2001:db8::1", 16, true),
            ("2001:db8::ffff:2", 1, false),
            ("2001:db8:0:1::1", 16, true),
            ("192.0.2.3", 1, false),
        ] {
            let part = room.take(ip(sender), bytes);
            assert_eq!(part.is_some(), fits, "{bytes} of {sender}");
            parts.extend(part);
        }
        drop(parts);
        assert!(room.taken.lock().of.is_empty() && room.taken.lock().bytes == 0);
    }

    #[test]
    fn a_part_grows_with_what_is_read_and_no_further_than_there_is_room() {
        let room = Room::new(64, 5, usize::MAX);
        let mut part = room.take(ip("192.0.2.1"), 0).expect("nothing fits always");
        let others = room.take(ip("192.0.2.2"), 16);
        for (bytes, fits) in [(10, true), (8, true), (16, true), (17, false), (16, true)] {
            assert_eq!(part.grow(bytes).is_ok(), fits, "{bytes}");
        }
        assert_eq!(room.taken.lock().bytes, 32);
        drop((part, others));
        assert!(room.taken.lock().of.is_empty() && room.taken.lock().bytes == 0);
    }

    #[test]
    fn small_deliveries_are_counted() {
        let room = Room::new(64 << 20, 5 << 20, AT_ONCE);
        let parts: Vec<Part> = (0..40).filter_map(|_| room.take(ip("192.0.2.1"), 1)).collect();
        assert_eq!(parts.len(), AT_ONCE);
        assert!(room.take(ip("192.0.2.2"), 1).is_some());
    }

    #[test]
    fn a_share_holds_the_largest_body() {
        assert!(Room::new(64, 25, AT_ONCE).take(Whose::Address(None), 25).is_some());
    }
}
