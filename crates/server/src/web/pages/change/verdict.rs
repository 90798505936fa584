//! What the gate said last: its answer, each reason with what would make it pass, and what is in the way.

use sluice_core::change::{ApprovalVerdict, Change};
use sluice_core::facts::GateFacts;
use sluice_core::gate::event::GateDecided;
use sluice_core::verdict::Effect;
use sluice_engine::store::rows::DecisionRow;
use sluice_engine::store::{DecisionFilter, Page};

use crate::problem::Problem;
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// The last answer.
pub(super) struct Verdict {
    pub(super) answer: Markup,
    pub(super) tone: &'static str,
    pub(super) sentence: String,
    pub(super) at: Markup,
    pub(super) until: Option<Markup>,
    /// Whether somebody said yes after it, so that the next answer can be another one.
    pub(super) since: bool,
    pub(super) reasons: Vec<ReasonLine>,
    pub(super) policy: String,
    pub(super) decision: String,
    pub(super) index: u64,
    pub(super) asked: usize,
}

/// One reason.
pub(super) struct ReasonLine {
    pub(super) effect: Markup,
    pub(super) message: Markup,
    pub(super) rule: String,
    pub(super) pass_if: Option<Markup>,
    pub(super) who: String,
    pub(super) until: Option<Markup>,
}

/// Another change in the way.
pub(super) struct Conflict {
    pub(super) change: String,
    pub(super) service: String,
    pub(super) relation: String,
    pub(super) state: Markup,
    pub(super) running: bool,
}

/// The decisions under a change, newest first.
pub(super) fn decisions(
    visit: &Visit,
    change: &Change,
) -> Result<Vec<(DecisionRow, GateDecided)>, Problem> {
    let filter =
        DecisionFilter { change_number: Some(change.number.0), ..DecisionFilter::default() };
    let page = Page { before: None, after: None, limit: 50 };
    let rows = read(visit.readers().decisions(&filter, page))?;
    Ok(rows
        .into_iter()
        .filter_map(|row| serde_json::from_str(&row.body).ok().map(|decided| (row, decided)))
        .collect())
}

pub(super) fn build(
    visit: &Visit,
    change: &Change,
    decisions: &[(DecisionRow, GateDecided)],
) -> Option<Verdict> {
    let (row, decided) = decisions.first()?;
    let against = decided.reasons.iter().filter(|reason| reason.effect != Effect::Note).count();
    let (tone, sentence) = match row.decision.as_str() {
        "allow" if change.state.is_over() => {
            ("calm", w::t("verdict.it_was_allowed_and_has").to_owned())
        }
        "allow" => ("ok", w::t("verdict.it_may_go").to_owned()),
        "wait" => ("wait", w::n("verdict.it_waits_for_one_reason", against)),
        _ => ("no", w::n("verdict.it_is_denied_for_one", against)),
    };
    Some(Verdict {
        answer: marks::answer(&row.decision),
        tone,
        sentence,
        at: visit.when_us(row.at_us),
        until: decided.until.map(|until| visit.when(until)),
        since: row.decision != "allow" && approved_since(change, row.at_us),
        reasons: decided
            .reasons
            .iter()
            .map(|reason| ReasonLine {
                effect: marks::effect(match reason.effect {
                    Effect::Deny => "deny",
                    Effect::Wait => "wait",
                    Effect::Note => "note",
                }),
                message: visit.prose(&reason.message),
                rule: reason.rule.clone(),
                pass_if: (!reason.pass_if.is_empty()).then(|| visit.prose(&reason.pass_if)),
                who: visit.selectors(&reason.who),
                until: reason.until.map(|until| visit.when(until)),
            })
            .collect(),
        policy: row.bundle.chars().skip(7).take(12).collect(),
        decision: row.id.clone(),
        index: row.seq,
        asked: decisions.len(),
    })
}

/// Whether the present revision was approved after that time.
fn approved_since(change: &Change, at_us: i64) -> bool {
    change.approvals.iter().any(|approval| {
        approval.verdict == ApprovalVerdict::Approve
            && approval.revision == change.revision.digest
            && approval.at.as_microsecond() > at_us
    })
}

/// What was in the way at the last question.
pub(super) fn conflicts(facts: Option<&GateFacts>) -> Vec<Conflict> {
    let conflicts = facts.into_iter().flat_map(|facts| &facts.conflicts);
    conflicts
        .map(|conflict| Conflict {
            change: conflict.change.to_string(),
            service: conflict.service.to_string(),
            relation: match conflict.relation {
                sluice_core::facts::Relation::Same => w::t("verdict.the_same_service"),
                sluice_core::facts::Relation::Dependency => w::t("verdict.this_needs_it"),
                sluice_core::facts::Relation::Dependent => w::t("verdict.it_needs_this"),
            }
            .to_owned(),
            state: marks::state(conflict.state.as_str()),
            running: conflict.running,
        })
        .collect()
}
