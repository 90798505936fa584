//! Room in memory for deliveries: what all of them may take at the same time, and what one sender may of it.
//!
//! A delivery is read before its signature can be checked, so that who cannot sign can still send. One address gets a
//! share only; the others' deliveries find room beside it. Addresses of IPv6 count by their network: who has one
//! address there has all of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// One address has at most a part of this size of everything.
const SHARE: usize = 4;

/// The most deliveries of one address that are read at the same time: half of the places that deliveries have.
const AT_ONCE: usize = 32;

/// What deliveries may still take.
#[derive(Debug)]
pub(crate) struct Room {
    taken: Arc<Mutex<Taken>>,
    bytes: usize,
    share: usize,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    /// Bytes and deliveries of each address; absent where it has none.
    of: BTreeMap<Option<IpAddr>, (usize, usize)>,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(crate) struct Part {
    taken: Arc<Mutex<Taken>>,
    sender: Option<IpAddr>,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes. A share is never smaller than the largest body.
    pub(crate) fn new(bytes: usize, largest: usize) -> Self {
        Self { taken: Arc::default(), bytes, share: (bytes / SHARE).max(largest) }
    }

    /// A part for a body of a sender; none while there is no room for it.
    pub(crate) fn take(&self, sender: Option<IpAddr>, bytes: usize) -> Option<Part> {
        let sender = sender.map(network);
        let mut taken = self.taken.lock();
        let (of_sender, count) = taken.of.get(&sender).copied().unwrap_or_default();
        let fits = taken.bytes.saturating_add(bytes) <= self.bytes
            && of_sender.saturating_add(bytes) <= self.share
            && count < AT_ONCE;
        if !fits {
            return None;
        }
        taken.bytes += bytes;
        taken.of.insert(sender, (of_sender + bytes, count + 1));
        Some(Part { taken: Arc::clone(&self.taken), sender, bytes })
    }
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

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn one_sender_gets_a_share_and_leaves_the_others_theirs() {
        let room = Room::new(64, 5);
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
    fn small_deliveries_are_counted() {
        let room = Room::new(64 << 20, 5 << 20);
        let parts: Vec<Part> = (0..40).filter_map(|_| room.take(ip("192.0.2.1"), 1)).collect();
        assert_eq!(parts.len(), AT_ONCE);
        assert!(room.take(ip("192.0.2.2"), 1).is_some());
    }

    #[test]
    fn a_share_holds_the_largest_body() {
        assert!(Room::new(64, 25).take(None, 25).is_some());
    }
}
