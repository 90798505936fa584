//! What people do to changes.

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::approvals::{self, ApprovalStanding};
use sluice_core::change::command::{Approve, Cancel, Close, Review};
use sluice_core::change::{self, ApprovalVerdict, Change, ChangeOutcome, DebtKind};
use sluice_core::deployment;
use sluice_core::event::Event;
use sluice_core::ids::{ChangeNumber, Digest, PersonId};
use sluice_core::organisation::EnvironmentTier;
use sluice_core::permission::Permission;
use sluice_core::refusal::{Refusal, RefusalNature, Refused};
use sluice_core::standing::Standing;
use sluice_core::verdict::Requirement;

use crate::answer::Answer;
use crate::caller::{Caller, recent};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

/// A person's yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalInput {
    /// Yes or no.
    pub verdict: ApprovalVerdict,
    /// The revision they were shown.
    pub revision: Digest,
    /// Why.
    pub reason: String,
    /// For whom, as a delegate.
    pub on_behalf_of: Option<PersonId>,
}

/// A change with how its approvals stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedChange {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// How the rules that apply at its risk stand, for the present revision.
    pub approval_standing: ApprovalStanding,
}

impl Engine {
    /// A change, open or over. Blocking.
    pub fn change(&self, number: ChangeNumber) -> Result<Option<Change>, EngineError> {
        if let Some(change) = self.standing().changes.get(&number) {
            return Ok(Some(change.as_ref().clone()));
        }
        let Some(row) = self.readers().change(number.0)? else { return Ok(None) };
        // The row was written by this program from its own type.
        Ok(serde_json::from_str(&row.body).ok())
    }

    /// A change with how its approvals stand. Blocking.
    pub fn explained_change(
        &self,
        number: ChangeNumber,
    ) -> Result<Option<ExplainedChange>, EngineError> {
        let standing = self.standing();
        let Some(change) = self.change(number)? else { return Ok(None) };
        let approval_standing = approval_standing(&standing, &change, self.now());
        Ok(Some(ExplainedChange { change, approval_standing }))
    }

    /// A person says yes or no to the revision they were shown.
    pub async fn approve(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        if_match: Option<u64>,
        input: ApprovalInput,
    ) -> Result<Answer<Change>, EngineError> {
        self.vote(caller, number, if_match, input, false).await
    }

    /// A person's word on one change; `together` where it is one of several that they decide on at once.
    pub(crate) async fn vote(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        if_match: Option<u64>,
        input: ApprovalInput,
        together: bool,
    ) -> Result<Answer<Change>, EngineError> {
        caller.require(Permission::ChangeApprove)?;
        let (person, session) = caller.require_session()?;
        let auth_time = session.auth_time;
        let login = self.login_groups(&caller.token);
        let latest = self.latest();
        short("reason", &input.reason)?;
        let command = Approve {
            change: number,
            person,
            on_behalf_of: input.on_behalf_of,
            verdict: input.verdict,
            revision: input.revision,
            reason: input.reason,
            auth_time: Some(auth_time),
            login,
            given_at: None,
        };
        self.edit_where(
            Caller::may_speak_of,
            caller,
            number,
            if_match,
            move |standing, change, now| {
                if in_production(standing, change) {
                    recent(auth_time, latest).map_err(|refusal| (refusal, None))?;
                }
                if together {
                    let settings = &standing.organisation.settings;
                    change::together(change, settings, &command.revision)
                        .map_err(|refusal| (refusal, None))?;
                }
                let change = &standing.with_everybody(change);
                let mut events = change::approve(change, &standing.organisation, &command, now)?;
                settle(standing, change, &mut events, now);
                Ok(events)
            },
        )
        .await
    }

    /// A person or pipeline gives a change up.
    pub async fn cancel_change(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        if_match: Option<u64>,
        because: String,
    ) -> Result<Answer<Change>, EngineError> {
        caller.require(Permission::ChangeEdit)?;
        short("because", &because)?;
        let command = Cancel { change: number, because };
        self.edit(caller, Permission::ChangeEdit, number, if_match, move |_, change, _| {
            change::cancel(change, &command).map_err(|refusal| (refusal, None))
        })
        .await
    }

    /// A person closes a change that is in review.
    pub async fn close_change(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        if_match: Option<u64>,
        outcome: ChangeOutcome,
        note: String,
    ) -> Result<Answer<Change>, EngineError> {
        caller.require(Permission::ChangeEdit)?;
        short("note", &note)?;
        let command = Close { change: number, outcome, note };
        self.edit(caller, Permission::ChangeEdit, number, if_match, move |standing, change, _| {
            let mut events = change::close(change, &command).map_err(|refusal| (refusal, None))?;
            events.extend(deployment::models(standing, change, outcome));
            Ok(events)
        })
        .await
    }

    /// A person gives the review that is owed.
    pub async fn review_change(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        if_match: Option<u64>,
        finding: String,
    ) -> Result<Answer<Change>, EngineError> {
        caller.require(Permission::ChangeApprove)?;
        let (person, _) = caller.require_session()?;
        short("finding", &finding)?;
        let command = Review { change: number, person, finding };
        self.edit(
            caller,
            Permission::ChangeApprove,
            number,
            if_match,
            move |standing, change, _| {
                change::review(&standing.with_everybody(change), &standing.organisation, &command)
                    .map_err(|refusal| (refusal, None))
            },
        )
        .await
    }

    /// Edits a change for every service of which the caller has the permission.
    pub(crate) async fn edit(
        &self,
        caller: &Caller,
        permission: Permission,
        number: ChangeNumber,
        if_match: Option<u64>,
        decide: impl FnOnce(&Standing, &Change, Timestamp) -> Result<Vec<Event>, Refused>
        + Send
        + 'static,
    ) -> Result<Answer<Change>, EngineError> {
        let in_scope = move |asker: &Caller, standing: &Standing, change: &Change| {
            asker.covers_change(standing, permission, change)
        };
        self.edit_where(in_scope, caller, number, if_match, decide).await
    }

    /// The one way an existing change is edited: in scope, at the version that was seen, by its rules.
    async fn edit_where(
        &self,
        in_scope: impl Fn(&Caller, &Standing, &Change) -> bool + Send + 'static,
        caller: &Caller,
        number: ChangeNumber,
        if_match: Option<u64>,
        decide: impl FnOnce(&Standing, &Change, Timestamp) -> Result<Vec<Event>, Refused>
        + Send
        + 'static,
    ) -> Result<Answer<Change>, EngineError> {
        let asker = caller.clone();
        let step = move |standing: &Standing, now: Timestamp| {
            let refuse = |refusal: Refusal| Step::Refuse(EngineError::Refused(refusal), None);
            let visible =
                standing.changes.get(&number).filter(|change| in_scope(&asker, standing, change));
            let Some(change) = visible else {
                let over = number.0 > 0 && number.0 <= standing.changes_counted;
                return refuse(if over { over_or_hidden(number) } else { unknown(number) });
            };
            if if_match.is_some_and(|version| version != change.version_of_record) {
                return refuse(outdated(change));
            }
            match decide(standing, change, now) {
                Ok(events) => Step::Record((), Commit::of(events, asker.actor())),
                Err((refusal, event)) => {
                    let commit = event.map(|event| Commit::of(vec![*event], asker.actor()));
                    Step::Refuse(EngineError::Refused(refusal), commit)
                }
            }
        };
        let ((), done) = self.sequencer().submit(step).await?;
        let change = match done.standing.changes.get(&number) {
            Some(change) => change.as_ref().clone(),
            None => self.change(number)?.ok_or_else(|| EngineError::Refused(unknown(number)))?,
        };
        Ok(Answer::of(change, &done))
    }
}

/// Whether a change is for production, or for an environment of which nothing is known.
fn in_production(standing: &Standing, change: &Change) -> bool {
    let environment = standing.organisation.environments.get(&change.environment);
    environment.is_none_or(|environment| environment.tier == EnvironmentTier::Production)
}

pub(crate) fn unknown(number: ChangeNumber) -> Refusal {
    Refusal::missing("change_unknown", format!("there is no change {number}"), "check the number")
}

fn over_or_hidden(number: ChangeNumber) -> Refusal {
    Refusal::conflict(
        "change_over",
        format!("{number} is over, or not yours to edit"),
        "nothing can be done to it any more",
    )
}

fn outdated(change: &Change) -> Refusal {
    Refusal::new(
        RefusalNature::Outdated,
        "record_outdated",
        format!("{} has changed since you looked at it", change.number),
        format!("read it again; its version is now {}", change.version_of_record),
    )
}

pub(crate) fn short(name: &str, text: &str) -> Result<(), EngineError> {
    if text.chars().count() > 2_000
        || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        let message =
            format!("`{name}` has at most 2000 characters, none of them a control character");
        return Err(Refusal::invalid("over_limit", message, "say it shorter").into());
    }
    Ok(())
}

/// How the rules that apply at a change's risk, and those that are owed, stand for its present revision.
pub(crate) fn approval_standing(
    standing: &Standing,
    change: &Change,
    now: Timestamp,
) -> ApprovalStanding {
    let organisation = &standing.organisation;
    let targets: Vec<_> =
        change.services.iter().map(|name| organisation.target(name, &change.environment)).collect();
    let risk = change.risk.as_ref().map(|risk| risk.level).unwrap_or_default();
    let (rules, facts) = approvals::gather(standing, change, &targets, risk);
    // A policy may have asked for a rule that does not apply by itself.
    let owed = change.owed().filter(|debt| debt.kind == DebtKind::Approval).filter_map(|debt| {
        let rule = rules.iter().find(|rule| rule.name.as_str() == debt.of)?;
        Some(Requirement { rule: rule.name.clone(), owed: true })
    });
    let wanted: Vec<Requirement> = rules
        .iter()
        .filter(|rule| rule.applies)
        .map(|rule| Requirement { rule: rule.name.clone(), owed: false })
        .chain(owed)
        .collect();
    approvals::weigh(&rules, &facts, &wanted, risk, now)
}

/// An approval that was owed and is now given settles its debt.
pub(crate) fn settle(
    standing: &Standing,
    change: &Change,
    events: &mut Vec<Event>,
    now: Timestamp,
) {
    let Some(event) = events.first() else { return };
    let Some(after) = change::apply(Some(change), event, now) else { return };
    let approvals = approval_standing(standing, &after, now);
    let owed = change.owed().filter(|debt| debt.kind == DebtKind::Approval);
    let met = owed.filter(|debt| {
        approvals.rules.iter().any(|rule| rule.rule.as_str() == debt.of && rule.missing() == 0)
    });
    let settled: Vec<Event> = met
        .map(|debt| {
            change::event::DebtSettled {
                change: change.number,
                kind: debt.kind,
                of: debt.of.clone(),
                by: None,
                finding: String::new(),
            }
            .into()
        })
        .collect();
    events.extend(settled);
}
