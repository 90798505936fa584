//! Every event there is: the table of contents of the ledger.
//!
//! An event has a dotted name and a version. A released event never changes; a new shape is a new version
//! with an upcaster beside the old one in [`Event::decode`]'s list. Names that this build does not
//! know are kept, hashed and skipped, never an error ([`Decoded::Unknown`]).
#![expect(
    clippy::large_enum_variant,
    reason = "an event lives for one append; a box for each would cost more than the room"
)]

use serde::Serialize;
use serde_json::value::RawValue;

use crate::calendar::{made, theirs};
use crate::{
    access, change, deployment, gate, housekeeping, incident, link, organisation, problem,
    provision, stop,
};

macro_rules! events {
    ($($variant:ident($data:ty) = $name:literal, $version:literal;)*) => {
        /// Something that has happened.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`, version ", $version, ".")] $variant($data),)*
        }

        impl Event {
            /// Names and current versions of all events.
            pub const ALL: &'static [(&'static str, u32)] = &[$(($name, $version)),*];

            /// Its dotted name.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Its version.
            pub fn version(&self) -> u32 {
                match self { $(Self::$variant(_) => $version,)* }
            }

            /// Reads an event back. What this build does not know is [`Decoded::Unknown`].
            pub fn decode(name: &str, version: u32, data: &RawValue) -> Result<Decoded, serde_json::Error> {
                match (name, version) {
                    $(($name, $version) => serde_json::from_str(data.get()).map(|data| Decoded::Known(Self::$variant(data))),)*
                    _ => Ok(Decoded::Unknown),
                }
            }
        }

        $(impl From<$data> for Event {
            fn from(data: $data) -> Self {
                Self::$variant(data)
            }
        })*
    };
}

/// What a stored event turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// One that this build knows.
    Known(Event),
    /// One of a later version of the program.
    Unknown,
}

events! {
    LedgerOpened(housekeeping::LedgerOpened) = "ledger.opened", 1;
    TokenCreated(housekeeping::TokenCreated) = "token.created", 1;
    TokenExchanged(housekeeping::TokenExchanged) = "token.exchanged", 1;
    SecretSet(housekeeping::SecretSet) = "secret.set", 1;
    SecretRemoved(housekeeping::SecretRemoved) = "secret.removed", 1;
    SecretsRewrapped(housekeeping::SecretsRewrapped) = "secret.rewrapped", 1;
    TokenRevoked(housekeeping::TokenRevoked) = "token.revoked", 1;
    DeliveryHeard(housekeeping::DeliveryHeard) = "delivery.heard", 1;
    DeliveryReplayed(housekeeping::DeliveryReplayed) = "delivery.replayed", 1;
    SourceSeen(housekeeping::SourceSeen) = "source.seen", 1;
    RunSeen(housekeeping::RunSeen) = "run.seen", 1;

    IncidentOpenedV1(incident::event::OpenedV1) = "incident.opened", 1;
    IncidentResolvedV1(incident::event::ResolvedV1) = "incident.resolved", 1;
    IncidentOpened(incident::event::Opened) = "incident.opened", 2;
    IncidentMoved(incident::event::Moved) = "incident.moved", 1;
    IncidentResolved(incident::event::Resolved) = "incident.resolved", 2;
    ProblemOpened(problem::event::Opened) = "problem.opened", 1;
    ProblemLinked(problem::event::Linked) = "problem.linked", 1;
    ProblemMoved(problem::event::Moved) = "problem.moved", 1;
    ProblemResolved(problem::event::Resolved) = "problem.resolved", 1;

    RoleTableSet(access::event::RoleTableSet) = "role.table_set", 1;
    RoleProposed(access::event::RoleProposed) = "role.proposed", 1;
    RoleConfirmed(access::event::RoleConfirmed) = "role.confirmed", 1;
    RoleGranted(access::event::RoleGranted) = "role.granted", 1;
    RoleRevoked(access::event::RoleRevoked) = "role.revoked", 1;
    AccountCreated(access::event::AccountCreated) = "account.created", 1;
    AccountFactorChanged(access::event::FactorChanged) = "account.factor_changed", 1;
    AccountDisabled(access::event::AccountDisabled) = "account.disabled", 1;
    AccountEnabled(access::event::AccountEnabled) = "account.enabled", 1;
    AccountResetAsked(access::event::ResetAsked) = "account.reset_asked", 1;
    AccountResetConfirmed(access::event::ResetConfirmed) = "account.reset_confirmed", 1;
    AccountResetRefused(access::event::ResetRefused) = "account.reset_refused", 1;
    SessionOpened(access::event::SessionOpened) = "session.opened", 1;
    SessionSteppedUp(access::event::SessionSteppedUp) = "session.stepped_up", 1;
    SessionEnded(access::event::SessionEnded) = "session.ended", 1;
    LoginBlocked(access::event::LoginBlocked) = "login.blocked", 1;
    PersonErased(access::event::PersonErased) = "person.erased", 1;
    GlassAsked(access::event::GlassAsked) = "break_glass.asked", 1;
    GlassOpened(access::event::GlassOpened) = "break_glass.opened", 1;
    PlanProposed(access::event::PlanProposed) = "organisation.proposed", 1;
    PlanConfirmed(access::event::PlanConfirmed) = "organisation.confirmed", 1;
    PlanRefused(access::event::PlanRefused) = "organisation.refused", 1;
    GlassRefused(access::event::GlassRefused) = "break_glass.refused", 1;

    UserSet(provision::event::UserSet) = "provision.user_set", 1;
    UserRemoved(provision::event::UserRemoved) = "provision.user_removed", 1;
    GroupSet(provision::event::GroupSet) = "provision.group_set", 1;
    GroupMembersChanged(provision::event::GroupMembersChanged) = "provision.group_members_changed", 1;
    GroupRemoved(provision::event::GroupRemoved) = "provision.group_removed", 1;
    ProvisionTokenConfirmed(provision::event::TokenConfirmed) = "provision.token_confirmed", 1;

    ItemDeclared(organisation::event::ItemDeclared) = "organisation.item_declared", 1;
    ItemWithdrawn(organisation::event::ItemWithdrawn) = "organisation.item_withdrawn", 1;
    OrganisationApplied(organisation::event::OrganisationApplied) = "organisation.applied", 1;
    PolicyActivated(organisation::event::PolicyActivated) = "policy.activated", 1;
    ModelEarned(organisation::event::ModelEarned) = "model.earned", 1;
    ModelLost(organisation::event::ModelLost) = "model.lost", 1;

    ChangeProposed(change::event::Proposed) = "change.proposed", 1;
    ChangeRevised(change::event::Revised) = "change.revised", 1;
    ChangeJoined(change::event::Joined) = "change.joined", 1;
    ChangeKindSet(change::event::KindSet) = "change.kind_set", 1;
    ChangeInvolved(change::event::Involved) = "change.involved", 1;
    ChangeEvidenceAdded(change::event::EvidenceAdded) = "change.evidence_added", 1;
    ChangeAssessed(change::event::Assessed) = "change.assessed", 1;
    ChangeAuthorizationRequested(change::event::AuthorizationRequested) = "change.authorization_requested", 1;
    ChangeApproved(change::event::Approved) = "change.approved", 1;
    ChangeRejected(change::event::Rejected) = "change.rejected", 1;
    ChangeApprovalRefused(change::event::ApprovalRefused) = "change.approval_refused", 1;
    ChangeAuthorized(change::event::Authorized) = "change.authorized", 1;
    ChangeScheduled(change::event::Scheduled) = "change.scheduled", 1;
    ChangeImplementationStarted(change::event::ImplementationStarted) = "change.implementation_started", 1;
    ChangeImplementationEnded(change::event::ImplementationEnded) = "change.implementation_ended", 1;
    ChangeDebtIncurred(change::event::DebtIncurred) = "change.debt_incurred", 1;
    ChangeDebtSettled(change::event::DebtSettled) = "change.debt_settled", 1;
    ChangeReminded(change::event::Reminded) = "change.reminded", 1;
    ChangeCommented(change::event::Commented) = "change.commented", 1;
    ChangeEvidenceOpened(change::event::EvidenceOpened) = "change.evidence_opened", 1;
    ChangeClosed(change::event::Closed) = "change.closed", 1;
    ChangeCanceled(change::event::Canceled) = "change.canceled", 1;

    GateDecided(gate::event::GateDecided) = "gate.decided", 1;
    PassRedeemed(gate::event::PassRedeemed) = "pass.redeemed", 1;
    PassRefused(gate::event::PassRefused) = "pass.refused", 1;

    DeploymentStarted(deployment::event::Started) = "deployment.started", 1;
    DeploymentEnded(deployment::event::Ended) = "deployment.ended", 1;
    DeploymentCorrected(deployment::event::Corrected) = "deployment.corrected", 1;
    DigestDenied(deployment::event::DigestDenied) = "digest.denied", 1;

    StopPulled(stop::event::StopPulled) = "stop.pulled", 1;
    StopLifted(stop::event::StopLifted) = "stop.lifted", 1;
    ExceptionGranted(stop::event::ExceptionGranted) = "exception.granted", 1;
    ExceptionRevoked(stop::event::ExceptionRevoked) = "exception.revoked", 1;

    WindowProposed(made::event::WindowProposed) = "window.proposed", 1;
    WindowSet(made::event::WindowSet) = "window.set", 1;
    WindowEnded(made::event::WindowEnded) = "window.ended", 1;
    WindowRefused(made::event::WindowRefused) = "window.refused", 1;
    WindowRead(theirs::event::WindowRead) = "window.read", 1;
    WindowVanished(theirs::event::WindowVanished) = "window.vanished", 1;

    LinkPaused(link::LinkPaused) = "link.paused", 1;
    LinkResumed(link::LinkResumed) = "link.resumed", 1;
    EffectGivenUp(link::EffectGivenUp) = "effect.given_up", 1;
    EffectsReplayed(link::EffectsReplayed) = "effect.replayed", 1;
    ReferenceRecorded(link::ReferenceRecorded) = "reference.recorded", 1;
    Disagreement(link::Disagreement) = "neighbour.disagreed", 1;
}
