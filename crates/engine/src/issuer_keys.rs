//! Keys of those who sign tokens for others: fetched through the safe client, kept for a while.
//!
//! A set is used for 15 minutes and never longer: where it cannot be renewed, nothing is verified
//! with it. A key that is not in the set makes it be fetched anew, at most once a minute for each
//! issuer, whatever is shown to us. Both by the monotonic clock: a wall clock that was wrong for a moment leaves nothing
//! behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_identity::KeySet;
use sluice_outbound::{Method, Net, Reach, Request};
use tokio::sync::Mutex;

use crate::error::{EngineError, Unavailable};

/// How long a set is used.
const KEPT: Duration = Duration::from_mins(15);
/// How long after a fetch the next one may be, for a key that is not there or after a failure.
const PAUSE: Duration = Duration::from_mins(1);
/// Bytes of a set.
const MAX_BYTES: usize = 256 << 10;

/// The sets by their address.
#[derive(Default)]
pub(crate) struct IssuerKeys {
    known: Mutex<BTreeMap<String, Arc<Mutex<Known>>>>,
}

#[derive(Default)]
struct Known {
    /// With the time since the start of the process at which it was fetched.
    set: Option<(Arc<KeySet>, Duration)>,
    tried_at: Option<Duration>,
}

impl IssuerKeys {
    /// The set at an address. With `anew`, a newer one than was given before, where that is allowed. `now` is of the
    /// monotonic clock.
    pub(crate) async fn get(
        &self,
        net: &dyn Net,
        reach: &Reach,
        url: &str,
        anew: bool,
        now: Duration,
    ) -> Result<Arc<KeySet>, EngineError> {
        let known = Arc::clone(self.known.lock().await.entry(url.to_owned()).or_default());
        // Whoever comes meanwhile waits for the same answer instead of asking too.
        let mut known = known.lock().await;
        let fresh = known.set.as_ref().filter(|(_, at)| now.saturating_sub(*at) < KEPT);
        let fresh = fresh.map(|(set, _)| Arc::clone(set));
        let rested = known.tried_at.is_none_or(|at| now.saturating_sub(at) >= PAUSE);
        match fresh {
            Some(set) if !anew || !rested => return Ok(set),
            None if !rested => return Err(unavailable("they could not be fetched a moment ago")),
            Some(_) | None => {}
        }
        known.tried_at = Some(now);
        match fetch(net, reach, url).await {
            Ok(set) => {
                let set = Arc::new(set);
                known.set = Some((Arc::clone(&set), now));
                Ok(set)
            }
            Err(why) => {
                tracing::warn!(url, why, "the keys of an issuer cannot be fetched");
                fresh.ok_or_else(|| unavailable(&why))
            }
        }
    }
}

async fn fetch(net: &dyn Net, reach: &Reach, url: &str) -> Result<KeySet, String> {
    let mut request = Request::new(Method::Get, url).header("accept", "application/json");
    request.most_bytes = Some(MAX_BYTES);
    let answer = net.send(reach, request).await.map_err(|failure| failure.to_string())?;
    if answer.status != 200 {
        return Err(format!("the answer has the status {}", answer.status));
    }
    KeySet::parse(&answer.body).map_err(|bad| bad.to_string())
}

fn unavailable(why: &str) -> EngineError {
    EngineError::Unavailable(Unavailable {
        code: "keys_unavailable",
        message: format!("the issuer's keys are not at hand: {why}"),
        retry_after_s: Some(60),
    })
}
