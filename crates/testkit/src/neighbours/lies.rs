//! How a neighbour lies.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::json;
use sluice_engine::outbound::Failure;

use super::{Neighbour, Said, Seen};
use crate::rng::SeededRng;

/// One way to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// `500`, and nothing was done.
    Broken,
    /// `503` with a page.
    Away,
    /// `429`, with or without a time.
    TooMuch(Option<u32>),
    /// `200` with a page: a login, or an instance that sleeps.
    Page,
    /// `302` to another host.
    Elsewhere,
    /// No connection.
    Unreachable,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// It is done, and the answer drips until the time is over.
    Drip,
    /// It is done, and the answer is `502`.
    DoneAndBroken,
    /// It is done, and the answer is a page.
    DoneAndPage,
    /// It is done, and the answer is a packed bomb.
    Bomb,
    /// It is done, and the answer is cut.
    Cut,
    /// It is done, and the answer is empty.
    Empty,
    /// It is done twice.
    Twice,
    /// It is done, and the answer is about something else.
    WrongObject,
}

const ALL: [Lie; 16] = [
    Lie::Broken,
    Lie::Away,
    Lie::TooMuch(None),
    Lie::TooMuch(Some(7)),
    Lie::Page,
    Lie::Elsewhere,
    Lie::Unreachable,
    Lie::LostAnswer,
    Lie::Drip,
    Lie::DoneAndBroken,
    Lie::DoneAndPage,
    Lie::Bomb,
    Lie::Cut,
    Lie::Empty,
    Lie::Twice,
    Lie::WrongObject,
];

impl Lie {
    /// The lie of a name, such as `lostanswer`; those with a time go without it.
    pub fn named(word: &str) -> Option<Self> {
        let is_called = |lie: &&Self| match lie {
            Self::TooMuch(after_s) => after_s.is_none() && word.eq_ignore_ascii_case("toomuch"),
            lie => format!("{lie:?}").eq_ignore_ascii_case(word),
        };
        ALL.iter().find(is_called).copied()
    }
}

/// Lies by a seed.
///
/// Which answer is a lie is a matter of the seed, of what is asked, and of how often it was asked before: what is asked
/// at the same time gets the same lies in whatever order it arrives.
#[derive(Debug)]
pub struct Lies {
    seed: u64,
    asked: Mutex<BTreeMap<u64, u64>>,
    in_thousand: u64,
    always: Option<Lie>,
    once: Option<(std::sync::atomic::AtomicI64, Lie)>,
}

impl Lies {
    /// The truth.
    pub fn none() -> Self {
        Self { seed: 0, asked: Mutex::default(), in_thousand: 0, always: None, once: None }
    }

    /// So many answers of a thousand are lies.
    pub fn seeded(seed: u64, in_thousand: u64) -> Self {
        Self { seed, asked: Mutex::default(), in_thousand, always: None, once: None }
    }

    /// Every answer is this one.
    pub fn always(lie: Lie) -> Self {
        Self { seed: 0, asked: Mutex::default(), in_thousand: 0, always: Some(lie), once: None }
    }

    /// One answer is a lie: the one after so many others.
    pub fn once_after(answers: i64, lie: Lie) -> Self {
        let once = Some((std::sync::atomic::AtomicI64::new(answers), lie));
        Self { once, ..Self::none() }
    }

    pub(super) fn next(&self, host: &str, seen: &Seen) -> Option<Lie> {
        if let Some((left, lie)) = &self.once {
            let left = left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            return (left == 0).then_some(*lie);
        }
        if self.always.is_some() {
            return self.always;
        }
        let rng = self.chance(host, seen);
        if rng.number() % 1_000 >= self.in_thousand {
            return None;
        }
        let index = usize::try_from(rng.number() % ALL.len() as u64).expect("a small number");
        ALL.get(index).copied()
    }

    fn chance(&self, host: &str, seen: &Seen) -> SeededRng {
        let what = (host, &seen.method, &seen.path, &seen.query, &seen.body);
        let key = DefaultHasher::new();
        let key = hashed(key, &what);
        let mut asked = self.asked.lock().expect("nobody panics with it");
        let times = asked.entry(key).or_default();
        *times += 1;
        SeededRng::new(self.seed ^ key.rotate_left(17) ^ times.rotate_left(41))
    }
}

fn hashed(mut hasher: DefaultHasher, what: &impl Hash) -> u64 {
    what.hash(&mut hasher);
    hasher.finish()
}

fn page(status: u16) -> Said {
    let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
    Said { status, headers, body: b"<html><body>Hibernating</body></html>".to_vec() }
}

/// The answer of a neighbour that lies in this way.
pub(super) fn tell(
    lie: Option<Lie>,
    neighbour: &mut dyn Neighbour,
    seen: &Seen,
    now: Timestamp,
) -> Result<Said, Failure> {
    match lie {
        Some(Lie::Broken) => return Ok(Said::json(500, &json!({ "error": "broken" }))),
        Some(Lie::Away) => return Ok(page(503)),
        Some(Lie::Page) => return Ok(page(200)),
        Some(Lie::Unreachable) => return Err(Failure::Unreachable { sent: false }),
        Some(Lie::Elsewhere) => {
            let mut said = page(302);
            said.headers.push(("location".to_owned(), "https://elsewhere.test/".to_owned()));
            return Ok(said);
        }
        Some(Lie::TooMuch(after_s)) => {
            let mut said =
                Said::json(429, &json!({ "error": { "message": "Rate limit exceeded" } }));
            said.headers.extend(after_s.map(|s| ("retry-after".to_owned(), s.to_string())));
            return Ok(said);
        }
        _ => {}
    }
    let mut said = neighbour.answer(seen, now);
    match lie {
        Some(Lie::LostAnswer) => Err(Failure::Unreachable { sent: true }),
        Some(Lie::Drip) => Err(Failure::Timeout { sent: true }),
        Some(Lie::Bomb) => Err(Failure::TooLarge),
        Some(Lie::DoneAndBroken) => Ok(Said::json(502, &json!({}))),
        Some(Lie::DoneAndPage) => Ok(page(200)),
        Some(Lie::Cut) => {
            said.body.truncate(said.body.len() / 2);
            Ok(said)
        }
        Some(Lie::Empty) => {
            said.body.clear();
            Ok(said)
        }
        Some(Lie::Twice) => {
            if neighbour.alters(seen) && said.status < 300 {
                neighbour.again(seen, now);
            }
            Ok(said)
        }
        Some(Lie::WrongObject) => {
            let text = String::from_utf8_lossy(&said.body).into_owned();
            said.body = text.replace("CHG", "CHX").into_bytes();
            Ok(said)
        }
        _ => Ok(said),
    }
}
