//! Cosignatures of witnesses: as many as are demanded, over the head that is verified.

use clap::Args;
use serde_json::{Value, json};
use sluice_engine::{Clock as _, SystemClock};
use sluice_ledger::checkpoint::CheckpointError;
use sluice_ledger::{CosignedHead, CosignerKey, Quorum, QuorumError, VerifyingKey};

use super::{found, key};
use crate::failure::{Failure, chain};
use crate::output;

/// Who has to have cosigned.
#[derive(Debug, Args)]
pub(super) struct WitnessArgs {
    /// Public key of a witness that must have cosigned the head, `name+id+base64`, or a file with it; may be repeated
    #[arg(long, value_name = "VKEY", conflicts_with = "data")]
    witness: Vec<String>,
    /// How many of the witnesses must have cosigned [default: all]
    #[arg(long, value_name = "N", requires = "witness")]
    witnesses: Option<usize>,
}

impl WitnessArgs {
    /// Whether any is named.
    pub(super) fn is_demanded(&self) -> bool {
        !self.witness.is_empty()
    }

    /// The quorum that is demanded; none where no witness is named.
    pub(super) fn quorum(&self) -> Result<Option<Quorum>, Failure> {
        if self.witness.is_empty() {
            return Ok(None);
        }
        let from = "as the witness's operator publishes it";
        let keys = self.witness.iter().map(|given| key::read(given, "witness", from));
        let keys: Vec<CosignerKey> = keys.collect::<Result<_, _>>()?;
        let quorum = Quorum::new(keys, self.witnesses);
        quorum.map(Some).map_err(|bad| {
            Failure::usage(
                bad.to_string(),
                "give each witness once, and `--witnesses` with a number from 1 to as many as are given",
            )
        })
    }
}

/// Checks that enough have cosigned a head. The log's own signature was checked before.
pub(super) fn demand(
    quorum: &Quorum,
    published: &str,
    keys: &[VerifyingKey],
) -> Result<CosignedHead, Failure> {
    quorum.check(published, keys, now_s()).map_err(|error| match &error {
        QuorumError::TooFew { .. } => Failure {
            help: "nobody but the log vouches for this head: take one that is witnessed (`/log/witnessed`), ask its \
                   operator why there is none, and compare with backups, receipts and anchors"
                .to_owned(),
            ..found(chain(&error)).with_code("not_witnessed")
        },
        QuorumError::Checkpoint(CheckpointError::Note(_)) => {
            found(format!("a cosignature does not hold: {}", chain(&error)))
        }
        QuorumError::Checkpoint(_) => found(chain(&error)),
    })
}

/// Who cosigned, for people.
pub(super) fn tell(head: &CosignedHead) {
    for one in &head.cosignatures {
        output::line(&format!(
            "{}  by `{}` at {}",
            output::good("cosigned"),
            output::clean(one.key.name()),
            time(one.time_s)
        ));
    }
}

/// Who cosigned, for programs.
pub(super) fn told(head: &CosignedHead) -> Value {
    let all = head.cosignatures.iter();
    all.map(|one| json!({ "witness": one.key.to_string(), "at": time(one.time_s) })).collect()
}

fn time(time_s: u64) -> String {
    let second = i64::try_from(time_s).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(second).map_or_else(|_| time_s.to_string(), |at| at.to_string())
}

/// A time of the witness that is ahead of this machine's does not count.
fn now_s() -> u64 {
    u64::try_from(SystemClock::default().now().as_second()).unwrap_or(0)
}
