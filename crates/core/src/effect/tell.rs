//! The words of what is told, and of who wants to be told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::scope::Scope;

/// What a link may be told of: the words of its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Changes: opened, moved to another state, revised, ended.
    Change,
    /// Approvals: wanted, given, refused.
    Approval,
    /// Decisions of the gate.
    Decision,
    /// Deployments: begun, ended.
    Deployment,
    /// Stops and exceptions.
    Stop,
    /// Incidents: opened, moved, over.
    Incident,
    /// Problems: opened, moved, over.
    Problem,
    /// Configuration items: the services that are declared.
    Item,
    /// When nothing may go: the calendar's windows that close, as they lie ahead.
    Calendar,
}

impl Subject {
    /// Every subject.
    pub const ALL: [Self; 9] = [
        Self::Change,
        Self::Approval,
        Self::Decision,
        Self::Deployment,
        Self::Stop,
        Self::Incident,
        Self::Problem,
        Self::Item,
        Self::Calendar,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Approval => "approval",
            Self::Decision => "decision",
            Self::Deployment => "deployment",
            Self::Stop => "stop",
            Self::Incident => "incident",
            Self::Problem => "problem",
            Self::Item => "item",
            Self::Calendar => "calendar",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.as_str() == text)
    }
}

/// What a link wants to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Of what.
    pub about: BTreeSet<Subject>,
    /// Of where.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tell {
    /// A change was opened.
    #[serde(rename = "change.opened")]
    ChangeOpened,
    /// A change has moved to another state.
    #[serde(rename = "change.moved")]
    ChangeMoved,
    /// What a change would deploy is another thing now.
    #[serde(rename = "change.revised")]
    ChangeRevised,
    /// A change is over.
    #[serde(rename = "change.ended")]
    ChangeEnded,
    /// People are asked for their approval.
    #[serde(rename = "approval.wanted")]
    ApprovalWanted,
    /// Somebody said yes.
    #[serde(rename = "approval.given")]
    ApprovalGiven,
    /// Somebody said no.
    #[serde(rename = "approval.refused")]
    ApprovalRefused,
    /// The gate answered.
    #[serde(rename = "gate.decided")]
    GateDecided,
    /// A deployment began.
    #[serde(rename = "deployment.started")]
    DeploymentStarted,
    /// A deployment ended.
    #[serde(rename = "deployment.ended")]
    DeploymentEnded,
    /// The line was stopped.
    #[serde(rename = "stop.pulled")]
    StopPulled,
    /// A stop was lifted.
    #[serde(rename = "stop.lifted")]
    StopLifted,
    /// An incident became known.
    #[serde(rename = "incident.opened")]
    IncidentOpened,
    /// An incident is worked on, or waits.
    #[serde(rename = "incident.moved")]
    IncidentMoved,
    /// An incident is over.
    #[serde(rename = "incident.resolved")]
    IncidentResolved,
    /// A problem became known.
    #[serde(rename = "problem.opened")]
    ProblemOpened,
    /// A problem stands elsewhere, or more belongs to it.
    #[serde(rename = "problem.moved")]
    ProblemMoved,
    /// A problem is over.
    #[serde(rename = "problem.resolved")]
    ProblemResolved,
    /// A configuration item is declared, or declared otherwise.
    #[serde(rename = "item.declared")]
    ItemDeclared,
    /// Somebody pressed a button of ours, and is told where to go on.
    #[serde(rename = "intent.answered")]
    IntentAnswered,
    /// What the gate would say to the head of a proposal that is checked.
    #[serde(rename = "proposal.judged")]
    ProposalJudged,
    /// What the calendar closes is another thing now.
    #[serde(rename = "calendar.changed")]
    CalendarChanged,
}

impl Tell {
    /// The dotted word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChangeOpened => "change.opened",
            Self::ChangeMoved => "change.moved",
            Self::ChangeRevised => "change.revised",
            Self::ChangeEnded => "change.ended",
            Self::ApprovalWanted => "approval.wanted",
            Self::ApprovalGiven => "approval.given",
            Self::ApprovalRefused => "approval.refused",
            Self::GateDecided => "gate.decided",
            Self::DeploymentStarted => "deployment.started",
            Self::DeploymentEnded => "deployment.ended",
            Self::StopPulled => "stop.pulled",
            Self::StopLifted => "stop.lifted",
            Self::IncidentOpened => "incident.opened",
            Self::IncidentMoved => "incident.moved",
            Self::IncidentResolved => "incident.resolved",
            Self::ProblemOpened => "problem.opened",
            Self::ProblemMoved => "problem.moved",
            Self::ProblemResolved => "problem.resolved",
            Self::ItemDeclared => "item.declared",
            Self::IntentAnswered => "intent.answered",
            Self::ProposalJudged => "proposal.judged",
            Self::CalendarChanged => "calendar.changed",
        }
    }

    /// The subject it belongs to.
    pub fn subject(self) -> Subject {
        match self {
            Self::ChangeOpened | Self::ChangeMoved | Self::ChangeRevised | Self::ChangeEnded => {
                Subject::Change
            }
            Self::ApprovalWanted
            | Self::ApprovalGiven
            | Self::ApprovalRefused
            | Self::IntentAnswered => Subject::Approval,
            Self::GateDecided | Self::ProposalJudged => Subject::Decision,
            Self::DeploymentStarted | Self::DeploymentEnded => Subject::Deployment,
            Self::StopPulled | Self::StopLifted => Subject::Stop,
            Self::IncidentOpened | Self::IncidentMoved | Self::IncidentResolved => {
                Subject::Incident
            }
            Self::ProblemOpened | Self::ProblemMoved | Self::ProblemResolved => Subject::Problem,
            Self::ItemDeclared => Subject::Item,
            Self::CalendarChanged => Subject::Calendar,
        }
    }

    /// Whether a later one about the same change, recorded at once with it, makes it superfluous. That there is a new
    /// revision is said in any case: whoever shows one to approvers renews it by that word.
    pub fn is_superseded_by(self, later: Self) -> bool {
        match self {
            Self::ChangeMoved | Self::ChangeEnded => later.subject() == Subject::Change,
            Self::ChangeRevised => matches!(later, Self::ChangeRevised | Self::ChangeEnded),
            Self::ItemDeclared => later == Self::ItemDeclared,
            Self::ChangeOpened
            | Self::ApprovalWanted
            | Self::ApprovalGiven
            | Self::ApprovalRefused
            | Self::GateDecided
            | Self::DeploymentStarted
            | Self::DeploymentEnded
            | Self::StopPulled
            | Self::StopLifted
            | Self::IncidentOpened
            | Self::IncidentMoved
            | Self::IncidentResolved
            | Self::ProblemOpened
            | Self::ProblemMoved
            | Self::ProblemResolved
            | Self::IntentAnswered
            | Self::ProposalJudged
            | Self::CalendarChanged => false,
        }
    }
}
