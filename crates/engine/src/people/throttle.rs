//! Attempts that failed, by account and by address: each further one takes longer.
//!
//! In memory only: a restart forgives, and costs an attacker more than it gives. What is remembered is bounded.

use std::collections::BTreeMap;
use std::time::Duration;

/// Attempts in a row that cost nothing: by account, and by address.
const FREE: (u32, u32) = (5, 30);

/// The first and the longest wait.
const FIRST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A failure is forgotten after this time without another.
const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// Names and addresses remembered; those that failed longest ago leave first.
const REMEMBERED: usize = 50_000;

/// Attempts that failed.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    by_account: BTreeMap<String, Failed>,
    by_address: BTreeMap<String, Failed>,
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    count: u32,
    last: Duration,
    until: Duration,
}

/// Further attempts are held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked {
    pub(super) failures: u32,
    pub(super) seconds: u32,
}

impl Throttle {
    /// How long the next attempt has to wait, if it has to. `now` is the monotonic time.
    pub(super) fn check(&self, account: &str, address: &str, now: Duration) -> Option<Blocked> {
        let failed = [self.by_account.get(account), self.by_address.get(address)];
        let waits = failed.into_iter().flatten().filter_map(|failed| {
            let left = failed.until.checked_sub(now).filter(|left| !left.is_zero())?;
            Some(Blocked { failures: failed.count, seconds: seconds(left) })
        });
        waits.max_by_key(|blocked| blocked.seconds)
    }

    /// Notes a failure; says when the account is held up from now on.
    pub(super) fn fail(&mut self, account: &str, address: &str, now: Duration) -> Option<Blocked> {
        note(&mut self.by_address, address, FREE.1, now);
        note(&mut self.by_account, account, FREE.0, now)
    }

    /// The account's holder has come in.
    pub(super) fn succeed(&mut self, account: &str) {
        self.by_account.remove(account);
    }
}

fn note(
    all: &mut BTreeMap<String, Failed>,
    key: &str,
    free: u32,
    now: Duration,
) -> Option<Blocked> {
    if all.len() >= REMEMBERED {
        all.retain(|_, failed| now.saturating_sub(failed.last) < FORGOTTEN);
    }
    if all.len() >= REMEMBERED {
        let oldest = all.iter().min_by_key(|(_, failed)| failed.last);
        let oldest = oldest.map(|(key, _)| key.clone());
        all.remove(&oldest.unwrap_or_default());
    }
    let fresh = Failed { count: 0, last: now, until: now };
    let failed = all.entry(key.to_owned()).or_insert(fresh);
    if now.saturating_sub(failed.last) >= FORGOTTEN {
        *failed = fresh;
    }
    failed.count = failed.count.saturating_add(1);
    failed.last = now;
    let beyond = failed.count.checked_sub(free)?;
    let wait = FIRST.saturating_mul(1 << beyond.min(10)).min(LONGEST);
    failed.until = now + wait;
    Some(Blocked { failures: failed.count, seconds: seconds(wait) })
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_further_failure_waits_twice_as_long_and_time_forgives() {
        let mut throttle = Throttle::default();
        let at = Duration::from_secs;
        for _ in 0..4 {
            assert_eq!(throttle.fail("alice", "a", at(0)), None);
        }
        assert_eq!(throttle.fail("alice", "a", at(0)).map(|b| b.seconds), Some(15));
        assert_eq!(throttle.check("alice", "b", at(1)).map(|b| b.seconds), Some(14));
        assert_eq!(throttle.check("alice", "b", at(15)), None);
        assert_eq!(throttle.fail("alice", "a", at(15)).map(|b| b.seconds), Some(30));
        assert_eq!(throttle.check("bob", "a", at(16)), None, "an address is not held up so soon");
        assert_eq!(throttle.fail("alice", "a", at(4_000)), None, "an hour later it is forgotten");
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let mut throttle = Throttle::default();
        for number in 0..30 {
            throttle.fail(&format!("account-{number}"), "a", Duration::ZERO);
        }
        assert!(throttle.check("fresh", "a", Duration::ZERO).is_some());
        assert_eq!(throttle.check("fresh", "b", Duration::ZERO), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut throttle = Throttle::default();
        for number in 0..REMEMBERED + 10 {
            note(
                &mut throttle.by_account,
                &number.to_string(),
                5,
                Duration::from_micros(number as u64),
            );
        }
        assert!(throttle.by_account.len() <= REMEMBERED);
    }
}
