//! Which stream an event belongs to.

use sluice_core::event::Event;

/// The name of the event's stream.
#[expect(clippy::too_many_lines, reason = "the table of contents: one arm for each event")]
pub(crate) fn stream_of(event: &Event) -> String {
    let change = |number: &sluice_core::ids::ChangeNumber| format!("change/{number}");
    let account = |person: &sluice_core::ids::PersonId| format!("account/{person}");
    match event {
        Event::LedgerOpened(_) => "ledger".into(),
        Event::TokenCreated(event) => format!("token/{}", event.id),
        Event::SecretSet(event) => format!("secret/{}", event.name),
        Event::SecretRemoved(event) => format!("secret/{}", event.name),
        Event::SecretsRewrapped(_) => "secrets".into(),
        Event::TokenExchanged(event) => format!("token/{}", event.token),
        Event::TokenRevoked(event) => format!("token/{}", event.id),
        Event::RoleTableSet(_) => "roles".into(),
        Event::RoleProposed(event) => format!("role/{}", event.grant),
        Event::RoleConfirmed(event) => format!("role/{}", event.grant),
        Event::RoleGranted(event) => format!("role/{}", event.grant),
        Event::RoleRevoked(event) => format!("role/{}", event.grant),
        Event::AccountCreated(event) => account(&event.person),
        Event::AccountFactorChanged(event) => account(&event.person),
        Event::AccountDisabled(event) => account(&event.person),
        Event::AccountEnabled(event) => account(&event.person),
        Event::AccountResetAsked(event) => account(&event.person),
        Event::AccountResetConfirmed(event) => account(&event.person),
        Event::AccountResetRefused(event) => account(&event.person),
        Event::LoginBlocked(event) => account(&event.person),
        Event::PersonErased(event) => account(&event.person),
        Event::GlassAsked(event) => format!("break-glass/{}", event.id),
        Event::GlassOpened(event) => format!("break-glass/{}", event.id),
        Event::PlanProposed(event) => format!("plan/{}", event.plan),
        Event::PlanConfirmed(event) => format!("plan/{}", event.plan),
        Event::PlanRefused(event) => format!("plan/{}", event.plan),
        Event::GlassRefused(event) => format!("break-glass/{}", event.id),
        Event::SessionOpened(event) => format!("session/{}", event.session),
        Event::SessionSteppedUp(event) => format!("session/{}", event.session),
        Event::SessionEnded(event) => format!("session/{}", event.session),
        Event::UserSet(event) => format!("provisioned/{}", event.user),
        Event::UserRemoved(event) => format!("provisioned/{}", event.user),
        Event::GroupSet(event) => format!("provisioned/{}", event.group),
        Event::GroupMembersChanged(event) => format!("provisioned/{}", event.group),
        Event::GroupRemoved(event) => format!("provisioned/{}", event.group),
        Event::ProvisionTokenConfirmed(event) => format!("token/{}", event.token),
        Event::DeliveryHeard(event) => format!("delivery/{}", event.inbox),
        Event::DeliveryReplayed(event) => format!("delivery/{}", event.inbox),
        Event::SourceSeen(event) => format!("source/{}", event.commit),
        Event::RunSeen(event) => format!("run/{}", event.run.key()),
        Event::IncidentOpenedV1(event) => format!("incident/{}", event.id),
        Event::IncidentResolvedV1(event) => format!("incident/{}", event.id),
        Event::IncidentOpened(event) => format!("incident/{}", event.incident),
        Event::IncidentMoved(event) => format!("incident/{}", event.incident),
        Event::IncidentResolved(event) => format!("incident/{}", event.incident),
        Event::ProblemOpened(event) => format!("problem/{}", event.problem),
        Event::ProblemLinked(event) => format!("problem/{}", event.problem),
        Event::ProblemMoved(event) => format!("problem/{}", event.problem),
        Event::ProblemResolved(event) => format!("problem/{}", event.problem),
        Event::ItemDeclared(event) => {
            format!("{}/{}", event.item.kind().as_str(), event.item.name())
        }
        Event::ItemWithdrawn(event) => format!("{}/{}", event.kind.as_str(), event.name),
        Event::OrganisationApplied(_) => "organisation".into(),
        Event::PolicyActivated(_) => "policy".into(),
        Event::ModelEarned(event) => format!("model/{}", event.model),
        Event::ModelLost(event) => format!("model/{}", event.model),
        Event::ChangeProposed(event) => change(&event.change),
        Event::ChangeRevised(event) => change(&event.change),
        Event::ChangeJoined(event) => change(&event.change),
        Event::ChangeKindSet(event) => change(&event.change),
        Event::ChangeInvolved(event) => change(&event.change),
        Event::ChangeEvidenceAdded(event) => change(&event.change),
        Event::ChangeAssessed(event) => change(&event.change),
        Event::ChangeAuthorizationRequested(event) => change(&event.change),
        Event::ChangeApproved(event) => change(&event.change),
        Event::ChangeRejected(event) => change(&event.change),
        Event::ChangeApprovalRefused(event) => change(&event.change),
        Event::ChangeAuthorized(event) => change(&event.change),
        Event::ChangeScheduled(event) => change(&event.change),
        Event::ChangeImplementationStarted(event) => change(&event.change),
        Event::ChangeImplementationEnded(event) => change(&event.change),
        Event::ChangeDebtIncurred(event) => change(&event.change),
        Event::ChangeDebtSettled(event) => change(&event.change),
        Event::ChangeReminded(event) => change(&event.change),
        Event::ChangeCommented(event) => change(&event.change),
        Event::ChangeEvidenceOpened(event) => change(&event.change),
        Event::ChangeClosed(event) => change(&event.change),
        Event::ChangeCanceled(event) => change(&event.change),
        Event::GateDecided(event) => event
            .change
            .map_or_else(|| format!("gate/{}", event.decision), |number| change(&number)),
        Event::PassRedeemed(event) => format!("pass/{}", event.pass),
        Event::PassRefused(event) => format!("pass/{}", event.pass),
        Event::DeploymentStarted(event) => format!("deployment/{}", event.deployment.number),
        Event::DeploymentEnded(event) => format!("deployment/{}", event.deployment),
        Event::DeploymentCorrected(event) => format!("deployment/{}", event.deployment.number),
        Event::DigestDenied(event) => format!("deployment/{}", event.deployment),
        Event::StopPulled(event) => format!("stop/{}", event.stop.id),
        Event::StopLifted(event) => format!("stop/{}", event.stop),
        Event::WindowProposed(event) => format!("calendar/{}", event.deed.name()),
        Event::WindowSet(event) => format!("calendar/{}", event.window.name),
        Event::WindowEnded(event) => format!("calendar/{}", event.name),
        Event::WindowRefused(event) => format!("calendar/{}", event.name),
        Event::WindowRead(event) => format!("calendar/{}", event.window.name),
        Event::WindowVanished(event) => format!("calendar/{}", event.name),
        Event::ExceptionGranted(event) => format!("exception/{}", event.exception.id),
        Event::ExceptionRevoked(event) => format!("exception/{}", event.exception),
        Event::LinkPaused(event) => format!("link/{}", event.link),
        Event::LinkResumed(event) => format!("link/{}", event.link),
        Event::EffectGivenUp(event) => format!("link/{}", event.link),
        Event::EffectsReplayed(event) => format!("link/{}", event.link),
        Event::ReferenceRecorded(event) => format!("link/{}", event.link),
        Event::Disagreement(event) => format!("link/{}", event.link),
    }
}

/// Whether the event is the first of its stream by nature, so that nothing has to be looked up.
pub(crate) fn opens_stream(event: &Event) -> bool {
    matches!(
        event,
        Event::LedgerOpened(_)
            | Event::TokenCreated(_)
            | Event::RoleProposed(_)
            | Event::SessionOpened(_)
            | Event::TokenExchanged(_)
            | Event::ChangeProposed(_)
            | Event::GateDecided(sluice_core::gate::event::GateDecided { change: None, .. })
            | Event::DeploymentStarted(_)
            | Event::IncidentOpened(_)
            | Event::ProblemOpened(_)
            | Event::StopPulled(_)
            | Event::ExceptionGranted(_)
    )
}
