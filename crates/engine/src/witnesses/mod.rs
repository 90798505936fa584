//! Witnesses of the log: who they are, and what each has cosigned.
//!
//! They are the operator's, not the organisation's: whoever may alter the organisation's files must not be able to choose
//! who watches. `tasks/witness.rs` asks them; what they said is kept beside the journal.

mod memory;
mod published;

use std::time::Duration;

use jiff::Timestamp;
use sluice_ledger::{BadQuorum, CosignerKey, Quorum};
use sluice_outbound::{BadReach, Reach};

pub(crate) use self::memory::{Cosigning, Head, Outcome};

/// The most witnesses of a configuration.
pub const MOST_WITNESSES: usize = 16;

/// Where a witness is, and how it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its public key.
    pub key: CosignerKey,
    /// Where heads are sent: its address with `add-checkpoint` after it.
    pub(crate) door: String,
    /// What may be reached of it.
    pub(crate) reach: Reach,
}

impl Witness {
    /// A witness at an address, with the private networks that it may lie in. `plain`: without encryption.
    pub fn new(
        key: CosignerKey,
        url: &str,
        networks: &[String],
        plain: bool,
    ) -> Result<Self, BadReach> {
        let reach = Reach::of_url(url, networks)?;
        let reach = if plain { reach.and_plain() } else { reach };
        Ok(Self { key, door: format!("{}/add-checkpoint", url.trim_end_matches('/')), reach })
    }
}

/// The witnesses of the operator's configuration, and what is made of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessing {
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) quorum: Quorum,
    pub(crate) every: Duration,
    pub(crate) strict: bool,
}

impl Witnessing {
    /// These witnesses, of which `needed` must cosign (all where no number is given). They are asked this often while the
    /// log grows. `strict`: only what the quorum has cosigned is published as the log's head.
    pub fn new(
        witnesses: Vec<Witness>,
        needed: Option<usize>,
        every: Duration,
        strict: bool,
    ) -> Result<Self, BadQuorum> {
        let keys = witnesses.iter().map(|witness| witness.key.clone()).collect();
        Ok(Self { quorum: Quorum::new(keys, needed)?, witnesses, every, strict })
    }
}

/// How a witness fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WitnessState {
    /// Not asked since the start.
    #[default]
    Unasked,
    /// It has cosigned what it was last asked.
    Cosigned,
    /// It has seen another or a longer history of this log. A person has to look.
    Disagrees,
    /// There is no answer.
    Unreachable,
    /// It asks to be left alone.
    Limited,
    /// It has a fault of its own.
    Failing,
    /// It does not take the question: it does not know the log or its key.
    Refuses,
    /// It gave a signature that its key did not make, or none of its key.
    Forged,
    /// The time of its signature is not one.
    Untimely,
    /// Its answer is not understood.
    Unreadable,
}

impl WitnessState {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Cosigned => "cosigned",
            Self::Disagrees => "disagrees",
            Self::Unreachable => "unreachable",
            Self::Limited => "limited",
            Self::Failing => "failing",
            Self::Refuses => "refuses",
            Self::Forged => "forged",
            Self::Untimely => "untimely",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What may be shown of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessCard {
    /// Its name, as its key has it.
    pub name: String,
    /// How it fares.
    pub state: WitnessState,
    /// How many entries it has last cosigned.
    pub size: Option<u64>,
    /// When, by its own clock.
    pub at: Option<Timestamp>,
    /// What went wrong when it was last asked.
    pub error: Option<String>,
}

/// What may be shown of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessingCard {
    /// Each, in the order of the configuration.
    pub witnesses: Vec<WitnessCard>,
    /// How many have to cosign.
    pub quorum: usize,
    /// Up to which size so many have.
    pub witnessed_size: Option<u64>,
    /// Whether only what they have cosigned is published as the head.
    pub strict: bool,
}
