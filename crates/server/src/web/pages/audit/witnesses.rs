//! The witnesses of the log: how each fares, and whether one has seen another history.

use sluice_engine::{WitnessCard, WitnessState};

use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

/// What the card shows.
pub(crate) struct Witnesses {
    /// Each of them.
    pub(crate) lines: Vec<WitnessLine>,
    /// How many have to cosign, of how many, and up to where they have.
    pub(crate) told: String,
    /// Whether everything up to the head is witnessed.
    pub(crate) mark: Markup,
    /// What those say that have seen another history.
    pub(crate) disagreements: Vec<(String, String)>,
}

/// One of them.
pub(crate) struct WitnessLine {
    pub(crate) name: String,
    pub(crate) mark: Markup,
    pub(crate) size: Option<String>,
    pub(crate) at: Option<Markup>,
    pub(crate) error: Option<String>,
}

/// None where none is configured.
pub(super) fn witnesses(visit: &Visit, size: u64) -> Option<Witnesses> {
    let card = visit.app.engine.witnessing()?;
    let told = w::ff("audit.of_witnesses_are_needed", card.quorum, card.witnesses.len());
    let told = match card.witnessed_size {
        Some(size) => format!("{told} {}", w::f("audit.witnessed_up_to", w::thousands(size))),
        None => format!("{told} {}", w::t("audit.nothing_is_witnessed")),
    };
    let mark = match card.witnessed_size {
        Some(witnessed) if witnessed >= size => {
            marks::pill("ok", "check", w::t("audit.the_head_is_witnessed"))
        }
        _ => marks::pill("wait", "clock", w::t("audit.the_head_is_unwitnessed")),
    };
    let disagrees = card.witnesses.iter().filter(|one| one.state == WitnessState::Disagrees);
    let disagreements =
        disagrees.map(|one| (one.name.clone(), one.error.clone().unwrap_or_default())).collect();
    let lines = card.witnesses.into_iter().map(|one| line(visit, one)).collect();
    Some(Witnesses { lines, told, mark, disagreements })
}

fn line(visit: &Visit, card: WitnessCard) -> WitnessLine {
    let (tone, icon) = match card.state {
        WitnessState::Cosigned => ("ok", "check"),
        WitnessState::Unasked => ("calm", "dot"),
        WitnessState::Disagrees | WitnessState::Forged => ("no", "alert"),
        WitnessState::Unreachable
        | WitnessState::Limited
        | WitnessState::Failing
        | WitnessState::Refuses
        | WitnessState::Untimely
        | WitnessState::Unreadable => ("wait", "alert"),
    };
    WitnessLine {
        mark: marks::pill(tone, icon, &w::named("witness", card.state.as_str())),
        size: card.size.map(w::thousands),
        at: card.at.map(|at| visit.when(at)),
        name: card.name,
        error: card.error,
    }
}
