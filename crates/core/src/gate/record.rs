//! A judgement becomes events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::event::GateDecided;
use super::{Decision, Judgement, Placement, pass_expiry};
use crate::change::{Change, ChangeState, Debt, DebtKind, event};
use crate::event::Event;
use crate::facts::GateFacts;
use crate::ids::{ChangeNumber, DecisionId, Digest, PassId, RuleName};
use crate::organisation::Settings;
use crate::pass::PassClaims;

/// Ids that chance gives; the engine draws them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// Of the decision.
    pub decision: DecisionId,
    /// Of the pass, should there be one.
    pub pass: PassId,
    /// Digest under which the typed input is kept.
    pub input: Digest,
}

/// The events of one answered question, in order: what it did to its change, how risk and authorisation moved, the
/// decision itself. `placement` is `None` where no change record is needed.
pub fn record(
    placement: Option<&Placement>,
    facts: &GateFacts,
    judgement: &Judgement,
    settings: &Settings,
    ids: &Ids,
) -> Vec<Event> {
    let mut events = placement.map(|placement| placement.events.clone()).unwrap_or_default();
    let change = placement.map(|placement| &placement.change);
    if let Some(change) = change {
        assess(change, judgement, &mut events);
        match judgement.decision {
            Decision::Allow => authorize(change, facts, judgement, settings, ids, &mut events),
            Decision::Wait => request(change, judgement, &mut events),
            Decision::Deny => {}
        }
    }
    events
        .push(decided(change.map(|change| change.number), facts, judgement, settings, ids).into());
    events
}

fn assess(change: &Change, judgement: &Judgement, events: &mut Vec<Event>) {
    if change.risk.as_ref() != Some(&judgement.risk) {
        events.push(event::Assessed { change: change.number, risk: judgement.risk.clone() }.into());
    }
}

fn request(change: &Change, judgement: &Judgement, events: &mut Vec<Event>) {
    let rules: BTreeSet<RuleName> = judgement
        .approvals
        .rules
        .iter()
        .filter(|rule| rule.missing() > 0 && !rule.owed)
        .map(|rule| rule.rule.clone())
        .collect();
    let asked_before = matches!(change.state, ChangeState::Authorize);
    let may =
        matches!(change.state, ChangeState::New | ChangeState::Assess | ChangeState::Authorize);
    if !rules.is_empty() && may && !asked_before {
        events.push(event::AuthorizationRequested { change: change.number, rules }.into());
    }
}

fn authorize(
    change: &Change,
    facts: &GateFacts,
    judgement: &Judgement,
    settings: &Settings,
    ids: &Ids,
    events: &mut Vec<Event>,
) {
    if matches!(change.state, ChangeState::New | ChangeState::Assess | ChangeState::Authorize) {
        let approvals: BTreeMap<RuleName, _> = judgement
            .approvals
            .rules
            .iter()
            .filter(|rule| !rule.met_by.is_empty())
            .map(|rule| (rule.rule.clone(), rule.met_by.clone()))
            .collect();
        events.push(
            event::Authorized {
                change: change.number,
                decision: ids.decision.clone(),
                revision: change.revision.digest.clone(),
                approvals,
            }
            .into(),
        );
        events.push(event::Scheduled { change: change.number }.into());
    }
    let debts = debts(change, facts, judgement, settings);
    if !debts.is_empty() {
        events.push(event::DebtIncurred { change: change.number, debts }.into());
    }
}

/// What it costs to let a change go, as far as it is not owed already: approvals that go after, and a review for each
/// exception that carried it.
pub fn debts(
    change: &Change,
    facts: &GateFacts,
    judgement: &Judgement,
    settings: &Settings,
) -> Vec<Debt> {
    let due = facts
        .now
        .saturating_add(SignedDuration::from_hours(24 * i64::from(settings.debt_days)))
        .unwrap_or(Timestamp::MAX);
    let debt = |kind, of: String| Debt { kind, of, since: facts.now, due, settled_at: None };
    let owed = judgement
        .approvals
        .rules
        .iter()
        .filter(|rule| rule.owed && rule.missing() > 0)
        .map(|rule| debt(DebtKind::Approval, rule.rule.to_string()));
    let emergency = facts
        .change
        .emergency_reason
        .iter()
        .map(|_| debt(DebtKind::Review, "emergency".to_owned()));
    let exceptions = judgement
        .exceptions
        .iter()
        .map(|exception| debt(DebtKind::Review, format!("exception:{}", exception.id)));
    owed.chain(emergency)
        .chain(exceptions)
        .filter(|new| !change.owed().any(|old| (old.kind, &old.of) == (new.kind, &new.of)))
        .collect()
}

fn decided(
    change: Option<ChangeNumber>,
    facts: &GateFacts,
    judgement: &Judgement,
    settings: &Settings,
    ids: &Ids,
) -> GateDecided {
    let question = &facts.question;
    let environment = crate::ids::EnvironmentName::parse(&facts.target.environment)
        .unwrap_or(question.environment.clone());
    let pass = (judgement.decision == Decision::Allow).then(|| PassClaims {
        pass: ids.pass.clone(),
        decision: ids.decision.clone(),
        change,
        revision: facts.change.revision.clone(),
        service: question.service.clone(),
        environment: environment.clone(),
        commit: question.commit.clone(),
        artifacts: question.artifacts.clone(),
        policy: facts.policy.clone(),
        run: question.run.clone(),
        not_before: facts.now,
        expires_at: pass_expiry(facts, judgement, settings.pass_minutes),
    });
    let run = pass.is_none().then(|| question.run.clone());
    GateDecided {
        decision: ids.decision.clone(),
        answer: judgement.decision,
        change,
        service: question.service.clone(),
        environment,
        input: ids.input.clone(),
        policy: facts.policy.clone(),
        risk: judgement.risk.level,
        reasons: judgement.reasons.clone(),
        pass,
        until: judgement.until,
        approved: judgement.approvals.approved(),
        run,
    }
}
