//! Topics: what a decision looked at, so that it can be told whether it still holds.
//!
//! A gate question is judged without a lock, on the standing at some size of the ledger. Before its
//! answer is recorded, each topic it read is checked: was it touched since? Then it is judged anew. The same
//! topics wake those who wait.

use serde::{Deserialize, Serialize};

use super::Standing;
use crate::event::Event;
use crate::ids::{ChangeNumber, CommitId, Digest, ServiceName};

/// Something a decision may depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Anything declared, the policy included.
    Organisation,
    /// Stops and exceptions.
    Stops,
    /// Changes, deployments, places and incidents of a service.
    Service(ServiceName),
    /// One change.
    Change(ChangeNumber),
    /// Who is behind a commit.
    Source(CommitId),
    /// Who started a run, by [`crate::run::RunRef::key`].
    Run(String),
    /// One digest that is refused.
    Digest(Digest),
    /// Debts of anybody.
    Debts,
    /// How change models fare.
    Models,
}

/// What `event` touches, given the standing after it.
#[expect(clippy::too_many_lines, reason = "the table of contents: one arm for each event")]
pub fn topics_of(event: &Event, after: &Standing) -> Vec<Topic> {
    let change = |number: &ChangeNumber| {
        let mut topics = vec![Topic::Change(*number)];
        if let Some(change) = after.changes.get(number) {
            topics.extend(change.services.iter().cloned().map(Topic::Service));
        }
        topics
    };
    match event {
        Event::LedgerOpened(_)
        | Event::TokenCreated(_)
        | Event::TokenExchanged(_)
        | Event::SecretSet(_)
        | Event::SecretRemoved(_)
        | Event::SecretsRewrapped(_)
        | Event::TokenRevoked(_)
        | Event::RoleTableSet(_)
        | Event::RoleProposed(_)
        | Event::RoleConfirmed(_)
        | Event::AccountCreated(_)
        | Event::AccountFactorChanged(_)
        | Event::AccountDisabled(_)
        | Event::AccountEnabled(_)
        | Event::AccountResetAsked(_)
        | Event::AccountResetConfirmed(_)
        | Event::AccountResetRefused(_)
        | Event::SessionOpened(_)
        | Event::SessionSteppedUp(_)
        | Event::SessionEnded(_)
        | Event::LoginBlocked(_)
        | Event::PersonErased(_)
        | Event::GlassAsked(_)
        | Event::GlassOpened(_)
        | Event::PlanProposed(_)
        | Event::PlanConfirmed(_)
        | Event::ProvisionTokenConfirmed(_)
        | Event::PlanRefused(_)
        | Event::GlassRefused(_)
        | Event::WindowProposed(_)
        | Event::WindowRefused(_)
        | Event::DeliveryHeard(_)
        | Event::PassRedeemed(_)
        | Event::ProblemOpened(_)
        | Event::ProblemLinked(_)
        | Event::ProblemMoved(_)
        | Event::ProblemResolved(_)
        | Event::PassRefused(_)
        | Event::ChangeApprovalRefused(_)
        | Event::ChangeReminded(_)
        | Event::ChangeCommented(_)
        | Event::ChangeEvidenceOpened(_)
        | Event::DeliveryReplayed(_)
        | Event::LinkPaused(_)
        | Event::LinkResumed(_)
        | Event::EffectGivenUp(_)
        | Event::EffectsReplayed(_)
        | Event::ReferenceRecorded(_)
        | Event::Disagreement(_) => Vec::new(),
        // A pass is a place in the queue: whoever judges the same services has to see it.
        Event::GateDecided(event) => match (&event.pass, &event.change) {
            (None, _) => Vec::new(),
            (Some(_), Some(number)) => change(number),
            (Some(claims), None) => vec![Topic::Service(claims.service.clone())],
        },
        Event::SourceSeen(event) => event.every_commit().cloned().map(Topic::Source).collect(),
        Event::RunSeen(event) => vec![Topic::Run(event.run.key())],
        // Found before the event where it ends one, after it where it opens one.
        Event::IncidentOpenedV1(event) => vec![Topic::Service(event.service.clone())],
        Event::IncidentResolvedV1(_)
        | Event::IncidentOpened(_)
        | Event::IncidentMoved(_)
        | Event::IncidentResolved(_) => {
            let number = after.incident_of(event);
            let incident = number.and_then(|number| after.incidents.get(&number));
            let services = incident.into_iter().flat_map(|incident| &incident.services);
            services.cloned().map(Topic::Service).collect()
        }
        // An approval counts by the role that its giver holds.
        Event::RoleGranted(_)
        | Event::RoleRevoked(_)
        | Event::UserSet(_)
        | Event::UserRemoved(_)
        | Event::GroupSet(_)
        | Event::GroupMembersChanged(_)
        | Event::GroupRemoved(_) => vec![Topic::Organisation],
        Event::WindowSet(_)
        | Event::WindowEnded(_)
        | Event::WindowRead(_)
        | Event::WindowVanished(_)
        | Event::ItemDeclared(_)
        | Event::ItemWithdrawn(_)
        | Event::OrganisationApplied(_)
        | Event::PolicyActivated(_) => {
            vec![Topic::Organisation]
        }
        Event::ModelEarned(_) | Event::ModelLost(_) => vec![Topic::Models],
        Event::ChangeProposed(event) => change(&event.change),
        Event::ChangeRevised(event) => change(&event.change),
        Event::ChangeJoined(event) => vec![Topic::Change(event.change)],
        Event::ChangeKindSet(event) => vec![Topic::Change(event.change)],
        Event::ChangeInvolved(event) => vec![Topic::Change(event.change)],
        Event::ChangeEvidenceAdded(event) => vec![Topic::Change(event.change)],
        Event::ChangeAssessed(event) => vec![Topic::Change(event.change)],
        Event::ChangeAuthorizationRequested(event) => vec![Topic::Change(event.change)],
        Event::ChangeApproved(event) => vec![Topic::Change(event.change)],
        Event::ChangeRejected(event) => vec![Topic::Change(event.change)],
        Event::ChangeAuthorized(event) => vec![Topic::Change(event.change)],
        Event::ChangeScheduled(event) => change(&event.change),
        Event::ChangeImplementationStarted(event) => change(&event.change),
        Event::ChangeImplementationEnded(event) => change(&event.change),
        Event::ChangeDebtIncurred(event) => vec![Topic::Change(event.change), Topic::Debts],
        Event::ChangeDebtSettled(event) => vec![Topic::Change(event.change), Topic::Debts],
        Event::ChangeClosed(event) => change(&event.change),
        Event::ChangeCanceled(event) => change(&event.change),
        Event::DeploymentStarted(event) => vec![Topic::Service(event.deployment.service.clone())],
        Event::DeploymentEnded(event) => vec![Topic::Service(event.service.clone())],
        Event::DeploymentCorrected(event) => {
            vec![Topic::Service(event.deployment.service.clone())]
        }
        Event::DigestDenied(event) => event.digests.iter().cloned().map(Topic::Digest).collect(),
        Event::StopPulled(_)
        | Event::StopLifted(_)
        | Event::ExceptionGranted(_)
        | Event::ExceptionRevoked(_) => {
            vec![Topic::Stops]
        }
    }
}
