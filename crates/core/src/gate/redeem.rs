//! Redeeming a pass: the last look, at the moment of the deploy action.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::event::{PassRedeemed, PassRefused};
use crate::event::Event;
use crate::ids::{CommitId, Digest, PassId};
use crate::pass::GivenPass;
use crate::refusal::{Refusal, Refused};
use crate::run::RunRef;
use crate::standing::Standing;

/// What the deploy side sees of what it is about to deploy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Commit, where known.
    pub commit: Option<CommitId>,
    /// Digests of what is about to be deployed.
    pub artifacts: BTreeSet<Digest>,
    /// The run that deploys, where it says so.
    pub run: Option<RunRef>,
}

/// Redeems a pass, or says why not. A refusal comes with the event that records it, where the pass is known.
///
/// Checks, in order: the pass is known; it was not redeemed; it is within its time; what is observed is what it is
/// bound to; the change is still at the revision that was decided on and not over; the policy that judged is in
/// force still; nothing it would bring was refused since. Stops, freezes, policy and approvals are judged anew by the engine, by asking the gate
/// again before this.
pub fn redeem(
    standing: &Standing,
    pass: &PassId,
    observed: &Observed,
    now: Timestamp,
) -> Result<(GivenPass, Vec<Event>), Refused> {
    let Some(given) = standing.passes.get(pass) else {
        return Err((
            Refusal::missing(
                "pass_unknown",
                format!("there is no pass `{pass}`, or it ended long ago"),
                "ask the gate again",
            ),
            None,
        ));
    };
    if let Some((code, message)) = objection(standing, given, observed, now) {
        let event = PassRefused { pass: pass.clone(), code: code.into(), message: message.clone() };
        let refusal = Refusal::conflict(code, message, "ask the gate again");
        return Err((refusal, Some(Box::new(event.into()))));
    }
    let event = PassRedeemed { pass: pass.clone(), change: given.claims.change };
    Ok((given.as_ref().clone(), vec![event.into()]))
}

fn objection(
    standing: &Standing,
    given: &GivenPass,
    observed: &Observed,
    now: Timestamp,
) -> Option<(&'static str, String)> {
    let claims = &given.claims;
    if let Some(at) = given.redeemed_at {
        return Some(("pass_redeemed", format!("the pass was redeemed at {at}")));
    }
    if now >= claims.expires_at {
        return Some(("pass_expired", format!("the pass ended at {}", claims.expires_at)));
    }
    if now < claims.not_before {
        return Some(("pass_not_yet", format!("the pass begins at {}", claims.not_before)));
    }
    if observed.commit.as_ref().is_some_and(|commit| *commit != claims.commit) {
        return Some(("commit_mismatch", format!("the pass is for commit {}", claims.commit)));
    }
    if observed.artifacts != claims.artifacts {
        return Some(("digest_mismatch", "the pass is for other artifact digests".to_owned()));
    }
    let other_run =
        |run: &RunRef| run.key() != claims.run.key() || run.attempt != claims.run.attempt;
    if observed.run.as_ref().is_some_and(other_run) {
        return Some((
            "run_mismatch",
            format!("the pass is for attempt {} of run {}", claims.run.attempt, claims.run.id),
        ));
    }
    if let Some(number) = claims.change {
        match standing.changes.get(&number) {
            None => return Some(("change_over", format!("{number} is over"))),
            Some(change) if change.state.is_over() => {
                return Some(("change_over", format!("{number} is over")));
            }
            Some(change) if change.revision.digest != claims.revision => {
                return Some(("pass_superseded", format!("{number} has been revised since")));
            }
            Some(_) => {}
        }
    }
    if standing.policy.as_ref().is_none_or(|policy| policy.bundle != claims.policy) {
        return Some(("policy_changed", "another policy is in force since".to_owned()));
    }
    let denied = claims.artifacts.iter().find_map(|digest| standing.denied_digests.get(digest));
    denied.map(|denied| {
        ("digest_denied", format!("an artifact failed in {}: {}", denied.deployment, denied.reason))
    })
}
