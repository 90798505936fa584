//! Facts and verdict become a decision.
//!
//! Three things hold whatever the policy says: a fault of the policy is a denial; without an explicit
//! grant nothing goes; an approval counts only as `approvals::weigh` counts it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Decision;
use crate::approvals::{self, ApprovalStanding, weigh};
use crate::facts::{ExceptionFact, GateFacts};
use crate::ids::ServiceName;
use crate::risk::RiskAssessment;
use crate::stop;
use crate::verdict::{Check, Effect, PolicyFault, Reason, Verdict};

/// A decision with everything that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The answer.
    pub decision: Decision,
    /// All reasons, in the order of their checks.
    pub reasons: Vec<Reason>,
    /// Risk, as the policy left it.
    pub risk: RiskAssessment,
    /// How the wanted approvals stand.
    pub approvals: ApprovalStanding,
    /// Exceptions without which the answer might have been another; each costs a review.
    pub exceptions: Vec<ExceptionFact>,
    /// When it is worth asking again at the latest, where that is known.
    pub until: Option<Timestamp>,
}

/// Decides one question.
pub fn decide(facts: &GateFacts, verdict: &Result<Verdict, PolicyFault>) -> Judgement {
    let mut risk = facts.risk.clone();
    let mut reasons = Vec::new();
    let mut approvals = ApprovalStanding::default();
    invariants(facts, &mut reasons);
    match verdict {
        Ok(verdict) => {
            if let Some(set) = &verdict.risk {
                risk.level = set.level;
                risk.overridden = Some(set.because.clone());
            }
            reasons.extend(verdict.reasons.iter().map(|reason| except(facts, reason)));
            own_exceptions(facts, verdict, &mut reasons);
            approvals = weigh(
                &facts.approval_rules,
                &facts.approvals,
                &verdict.require,
                risk.level,
                facts.now,
            );
            approval_reasons(&approvals, &mut reasons);
            if !verdict.allow && reasons.iter().all(|reason| reason.effect == Effect::Note) {
                reasons.push(no_grant());
            }
        }
        Err(fault) => reasons.push(faulty(fault)),
    }
    reasons.sort_by_key(|reason| reason.check);
    let decision = if reasons.iter().any(|reason| reason.effect == Effect::Deny) {
        Decision::Deny
    } else if reasons.iter().any(|reason| reason.effect == Effect::Wait) {
        Decision::Wait
    } else {
        Decision::Allow
    };
    let until = match decision {
        Decision::Wait => reasons
            .iter()
            .filter(|reason| reason.effect == Effect::Wait)
            .filter_map(|reason| reason.until)
            .min(),
        Decision::Allow | Decision::Deny => None,
    };
    let exceptions = used(facts, verdict);
    Judgement { decision, reasons, risk, approvals, exceptions, until }
}

/// The exception that lifts a rule by name, if one is in force. Stops and freezes say themselves who may pass them.
fn exception_for<'a>(facts: &'a GateFacts, reason: &Reason) -> Option<&'a ExceptionFact> {
    if stop::is_barrier(&reason.rule) {
        return None;
    }
    let rule = format!("rule:{}", reason.rule);
    facts
        .exceptions
        .iter()
        .find(|exception| reason.effect != Effect::Note && exception.lifts == rule)
}

/// A reason of the policy, reduced to a note where an exception lifts its rule.
fn except(facts: &GateFacts, reason: &Reason) -> Reason {
    match exception_for(facts, reason) {
        Some(exception) => Reason {
            effect: Effect::Note,
            message: format!(
                "{} (passed by exception {}: {})",
                reason.message, exception.id, exception.reason
            ),
            ..reason.clone()
        },
        None => reason.clone(),
    }
}

/// Says of exceptions that would lift something here why they do not.
fn own_exceptions(facts: &GateFacts, verdict: &Verdict, reasons: &mut Vec<Reason>) {
    for exception in &facts.own_exceptions {
        let check = match exception.lifts.split_once(':') {
            Some(("stop", _)) => Some(Check::Stop),
            Some(("freeze", _)) => Some(Check::Freeze),
            Some((_, rule)) => {
                verdict.reasons.iter().find(|reason| reason.rule == rule).map(|reason| reason.check)
            }
            None => None,
        };
        let Some(check) = check else { continue };
        reasons.push(Reason {
            check,
            effect: Effect::Note,
            rule: "exceptions.own".into(),
            message: format!(
                "exception {} to `{}` does not count here: whoever granted it had a hand in the change",
                exception.id, exception.lifts
            ),
            until: None,
            who: Vec::new(),
            pass_if: "somebody who had no hand in the change granted an exception".into(),
        });
    }
}

/// Exceptions to stops and freezes are gathered only where they lift something; those to rules count where the rule spoke.
fn used(facts: &GateFacts, verdict: &Result<Verdict, PolicyFault>) -> Vec<ExceptionFact> {
    let reasons = verdict.as_ref().map(|verdict| verdict.reasons.as_slice()).unwrap_or_default();
    let by_name = |exception: &&ExceptionFact| {
        !exception.lifts.starts_with("rule:")
            || reasons.iter().any(|reason| exception_for(facts, reason) == Some(*exception))
    };
    facts.exceptions.iter().filter(by_name).cloned().collect()
}

/// What no policy may let through.
fn invariants(facts: &GateFacts, reasons: &mut Vec<Reason>) {
    if !facts.caller.in_scope {
        reasons.push(Reason {
            check: Check::Identity,
            effect: Effect::Deny,
            rule: "identity.scope".into(),
            message: format!(
                "the token may not ask for {} in {}",
                asked_for(facts),
                facts.target.environment
            ),
            until: None,
            who: vec!["role:administrator".into()],
            pass_if:
                "the question came with a token whose scope covers every service it speaks of, \
                 and all of the change where it says that it is an emergency"
                    .into(),
        });
    }
    if !facts.clock.trusted {
        reasons.push(Reason {
            check: Check::Policy,
            effect: Effect::Deny,
            rule: "clock".into(),
            message: format!(
                "the clock is {} ms away from where it should be, so no time rule can be judged",
                facts.clock.skew_ms
            ),
            until: None,
            who: vec!["role:administrator".into()],
            pass_if: "the server's clock were right".into(),
        });
    }
}

/// The services that a question speaks of.
fn asked_for(facts: &GateFacts) -> String {
    let mut names = vec![facts.target.service.as_str()];
    let others = facts.question.services.iter().map(ServiceName::as_str);
    names.extend(others.filter(|name| *name != facts.target.service.as_str()));
    names.join(", ")
}

fn approval_reasons(approvals: &ApprovalStanding, reasons: &mut Vec<Reason>) {
    for person in &approvals.rejected_by {
        reasons.push(Reason {
            check: Check::Approvals,
            effect: Effect::Deny,
            rule: "approvals.rejected".into(),
            message: format!("{person} rejected this revision"),
            until: None,
            who: vec![person.to_string()],
            pass_if: "the change were revised, or the rejection replaced by an approval".into(),
        });
    }
    for name in &approvals.unknown {
        reasons.push(Reason {
            check: Check::Approvals,
            effect: Effect::Deny,
            rule: "approvals.unknown_rule".into(),
            message: format!("the policy asks for the approval rule `{name}`, which is not declared for this change"),
            until: None,
            who: vec!["role:change_manager".into()],
            pass_if: format!("an approval rule `{name}` covered this service and environment"),
        });
    }
    for rule in approvals.rules.iter().filter(|rule| rule.missing() > 0) {
        let missing = rule.missing();
        let persons = if missing == 1 {
            "one more person".to_owned()
        } else {
            format!("{missing} more people")
        };
        let discounted: Vec<String> = approvals
            .discounted
            .iter()
            .map(|given| {
                format!("; the approval of {} does not count: {}", given.person, given.message)
            })
            .collect();
        reasons.push(Reason {
            check: Check::Approvals,
            effect: if rule.owed { Effect::Note } else { Effect::Wait },
            rule: format!("approvals.{}", rule.rule),
            message: if rule.owed {
                format!("`{}` goes first and is owed: {persons} to approve afterwards", rule.rule)
            } else {
                let awaited = match (rule.quorum, missing) {
                    (1, _) => "one person".to_owned(),
                    (quorum, _) if quorum == missing => format!("{quorum} people"),
                    (quorum, _) => format!("{persons} of {quorum}"),
                };
                let of = if rule.awaits.is_empty() {
                    String::new()
                } else {
                    format!(", for {}", approvals::told(&rule.awaits))
                };
                format!("`{}` waits for {awaited}{of}{}", rule.rule, discounted.concat())
            },
            until: None,
            who: rule.who.clone(),
            pass_if: format!(
                "{persons} from those who can act approved this revision for `{}`",
                rule.rule
            ),
        });
    }
}

fn no_grant() -> Reason {
    Reason {
        check: Check::Policy,
        effect: Effect::Deny,
        rule: "policy.no_grant".into(),
        message: "no rule of the policy grants this".into(),
        until: None,
        who: vec!["role:change_manager".into()],
        pass_if: "a rule of the policy granted it by name".into(),
    }
}

fn faulty(fault: &PolicyFault) -> Reason {
    Reason {
        check: Check::Policy,
        effect: Effect::Deny,
        rule: fault.code.clone(),
        message: format!("the policy gave no verdict: {}", fault.message),
        until: None,
        who: vec!["role:change_manager".into()],
        pass_if: "the policy were repaired".into(),
    }
}

/// When a pass given now ends: after `minutes`, and never beyond the start of the next freeze, the end of a release
/// window, the end of an exception that let it through, or the expiry of an approval it stands on.
pub fn pass_expiry(facts: &GateFacts, judgement: &Judgement, minutes: u32) -> Timestamp {
    let longest = facts
        .now
        .saturating_add(SignedDuration::from_mins(i64::from(minutes.clamp(1, 15))))
        .unwrap_or(Timestamp::MAX);
    let approvals = judgement.approvals.rules.iter().filter_map(|rule| rule.good_until);
    let exceptions = judgement.exceptions.iter().map(|exception| exception.until);
    [facts.calendar.permits_until()]
        .into_iter()
        .flatten()
        .chain(approvals)
        .chain(exceptions)
        .fold(longest, Timestamp::min)
}
