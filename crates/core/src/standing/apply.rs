//! The fold: what each event makes of the standing. Never fails, never judges, never looks at a clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{PolicyInForce, Recorded, Standing, Topic, topics_of};
use crate::calendar::theirs::TheirWindow;
use crate::event::Event;

impl Standing {
    /// Takes over the next entry and says what it touched. `recorded.index` is the present size.
    pub fn apply(&mut self, recorded: &Recorded) -> BTreeSet<Topic> {
        let event = &recorded.event;
        let before = topics_of(event, self);
        self.note_second(event, recorded.at);
        self.fold(event, recorded.at);
        self.token_made(event, &recorded.actor);
        self.provision_token(event);
        self.account_handed(event, &recorded.actor, recorded.at);
        self.size = recorded.index + 1;
        self.last_time = Some(recorded.at);
        let topics: BTreeSet<Topic> = before.into_iter().chain(topics_of(event, self)).collect();
        for topic in &topics {
            self.touch(topic.clone());
        }
        topics
    }

    /// Takes over an entry that this build cannot read: it counts, nothing else.
    pub fn skip(&mut self, index: u64, at: Timestamp) {
        self.size = index + 1;
        self.last_time = Some(at);
    }

    /// A change that has left needs no topic of its own: its services are touched as it leaves.
    fn touch(&mut self, topic: Topic) {
        match &topic {
            Topic::Change(number) if !self.changes.contains_key(number) => {
                self.touched.remove(&topic);
            }
            _ => {
                self.touched.insert(topic, self.size);
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "the table of contents: one arm for each event")]
    fn fold(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::LedgerOpened(_)
            | Event::DeliveryHeard(_)
            | Event::DeliveryReplayed(_)
            | Event::OrganisationApplied(_)
            | Event::PassRefused(_)
            | Event::EffectGivenUp(_)
            | Event::EffectsReplayed(_)
            | Event::ReferenceRecorded(_)
            | Event::Disagreement(_) => {}
            Event::LinkPaused(event) => drop(self.paused.insert(event.link.clone())),
            Event::LinkResumed(event) => drop(self.paused.remove(&event.link)),
            Event::TokenCreated(token) => self.token_created(token, at),
            Event::TokenExchanged(event) => self.token_exchanged(event, at),
            Event::SecretSet(event) => self.secret_set(event, at),
            Event::SecretRemoved(event) => drop(self.secrets.remove(&event.name)),
            Event::SecretsRewrapped(event) => self.secrets_rewrapped(&event.key),
            Event::TokenRevoked(event) => {
                self.tokens.remove(&event.id);
                self.access.token_revoked(&event.id);
            }
            Event::RoleTableSet(event) => self.access.table = Arc::new(event.table.clone()),
            Event::RoleProposed(event) => self.access.role_proposed(event, at),
            Event::RoleConfirmed(event) => {
                self.access.role_confirmed(&event.grant, &event.by, event.from);
            }
            Event::RoleGranted(event) => {
                self.access.role_granted(&event.grant, at);
                self.roles_changed();
            }
            Event::RoleRevoked(event) => {
                self.access.role_revoked(&event.grant);
                self.roles_changed();
            }
            Event::AccountCreated(event) => self.access.account_created(&event.person, at),
            Event::AccountFactorChanged(event) => {
                self.access.factor_changed(&event.person, &event.factor, event.present);
            }
            Event::AccountDisabled(event) => {
                self.access.account_disabled(&event.person, Some(&event.because));
            }
            Event::AccountEnabled(event) => self.access.account_disabled(&event.person, None),
            Event::SessionOpened(event) => self.access.session_opened(event, at),
            Event::SessionSteppedUp(event) => {
                self.access.session_stepped_up(&event.session, &event.methods, at);
            }
            Event::SessionEnded(event) => drop(self.access.sessions.remove(&event.session)),
            Event::LoginBlocked(_) => {}
            Event::AccountResetAsked(event) => self.access.reset_asked(event, at),
            Event::AccountResetConfirmed(event) => drop(self.access.resets.remove(&event.person)),
            Event::AccountResetRefused(event) => drop(self.access.resets.remove(&event.person)),
            Event::PersonErased(event) => {
                self.let_go(&event.person);
                self.access.person_erased(&event.person);
            }
            Event::GlassAsked(event) => self.access.glass_asked(event, at),
            Event::GlassOpened(event) => self.access.glass_opened(event),
            Event::PlanProposed(event) => self.access.plan_proposed(event, at),
            Event::PlanConfirmed(event) => drop(self.access.plans.remove(&event.plan)),
            Event::UserSet(event) => self.user_set(event, at),
            Event::UserRemoved(event) => self.user_removed(&event.user),
            Event::GroupSet(event) => self.group_set(event, at),
            Event::GroupMembersChanged(event) => self.members_changed(event, at),
            Event::GroupRemoved(event) => self.group_removed(&event.group),
            Event::ProvisionTokenConfirmed(event) => self.provision_confirmed(event),
            Event::PlanRefused(event) => drop(self.access.plans.remove(&event.plan)),
            Event::GlassRefused(event) => drop(self.access.glasses.remove(&event.id)),
            Event::SourceSeen(data) => self.source_seen(data),
            Event::RunSeen(data) => self.run_seen(data),
            Event::IncidentOpenedV1(_)
            | Event::IncidentResolvedV1(_)
            | Event::IncidentOpened(_)
            | Event::IncidentMoved(_)
            | Event::IncidentResolved(_) => self.alter_incident(event, at),
            Event::ProblemOpened(_)
            | Event::ProblemLinked(_)
            | Event::ProblemMoved(_)
            | Event::ProblemResolved(_) => self.alter_problem(event, at),
            Event::ItemDeclared(event) => {
                self.person_declared(&event.item);
                self.mapping_declared(&event.item);
                self.organisation.declare(event);
                self.mapping_declared(&event.item);
                self.owners_changed(event.item.kind(), event.item.name());
            }
            Event::ItemWithdrawn(event) => {
                self.person_withdrawn(event.kind, &event.name);
                self.mapping_withdrawn(event.kind, &event.name);
                self.organisation.withdraw(event);
                self.owners_changed(event.kind, &event.name);
            }
            Event::PolicyActivated(event) => {
                let (bundle, modules) = (event.bundle.clone(), event.modules.clone());
                self.policy = Some(Arc::new(PolicyInForce { bundle, modules, since: at }));
            }
            Event::ModelEarned(event) => {
                self.models.entry(event.model.clone()).or_default().earned = true
            }
            Event::ModelLost(event) => {
                self.models.entry(event.model.clone()).or_default().earned = false
            }
            Event::ChangeProposed(data) => {
                self.changes_counted = self.changes_counted.max(data.change.0);
                self.alter(data.change, event, at);
            }
            Event::ChangeRevised(data) => self.alter(data.change, event, at),
            Event::ChangeJoined(data) => self.alter(data.change, event, at),
            Event::ChangeKindSet(data) => self.alter(data.change, event, at),
            Event::ChangeInvolved(data) => self.alter(data.change, event, at),
            Event::ChangeEvidenceAdded(data) => self.alter(data.change, event, at),
            Event::ChangeAssessed(data) => self.alter(data.change, event, at),
            Event::ChangeAuthorizationRequested(data) => self.alter(data.change, event, at),
            Event::ChangeApproved(data) => self.alter(data.change, event, at),
            Event::ChangeRejected(data) => self.alter(data.change, event, at),
            Event::ChangeApprovalRefused(data) => self.alter(data.change, event, at),
            Event::ChangeAuthorized(data) => self.alter(data.change, event, at),
            Event::ChangeScheduled(data) => self.alter(data.change, event, at),
            Event::ChangeImplementationStarted(data) => self.alter(data.change, event, at),
            Event::ChangeImplementationEnded(data) => self.alter(data.change, event, at),
            Event::ChangeDebtIncurred(data) => self.alter(data.change, event, at),
            Event::ChangeDebtSettled(data) => self.alter(data.change, event, at),
            Event::ChangeReminded(data) => self.alter(data.change, event, at),
            Event::ChangeCommented(data) => self.alter(data.change, event, at),
            Event::ChangeEvidenceOpened(data) => self.alter(data.change, event, at),
            Event::ChangeClosed(data) => {
                self.learn(data.change, data.outcome);
                self.alter(data.change, event, at);
            }
            Event::ChangeCanceled(data) => self.alter(data.change, event, at),
            Event::GateDecided(data) => {
                if let Some(claims) = &data.pass {
                    self.pass_given(claims, at);
                }
                if let Some(number) = data.change {
                    self.alter(number, event, at);
                }
            }
            Event::PassRedeemed(data) => {
                if let Some(given) = self.passes.get_mut(&data.pass) {
                    Arc::make_mut(given).redeemed_at = Some(at);
                }
            }
            Event::DeploymentStarted(data) => {
                self.deployments_counted = self.deployments_counted.max(data.deployment.number.0);
                self.deployments.insert(data.deployment.number, Arc::new(data.deployment.clone()));
                if let Some(number) = data.deployment.change {
                    self.alter(number, event, at);
                }
            }
            Event::DeploymentEnded(data) => {
                self.deployment_ended(data, at);
                if let Some(number) = data.change {
                    self.alter(number, event, at);
                }
            }
            Event::DeploymentCorrected(data) => {
                self.deployment_corrected(data, at);
                if let Some(number) = data.deployment.change {
                    self.alter(number, event, at);
                }
            }
            Event::DigestDenied(data) => self.digests_denied(data),
            Event::StopPulled(data) => {
                self.stops.insert(data.stop.id.clone(), Arc::new(data.stop.clone()));
            }
            Event::StopLifted(data) => drop(self.stops.remove(&data.stop)),
            Event::WindowProposed(data) => self.made.proposed(data, at),
            Event::WindowSet(data) => self.made.set(data, at),
            Event::WindowEnded(data) => {
                self.made.ended(&data.name);
            }
            Event::WindowRead(data) => {
                let (window, link) = (Arc::new(data.window.as_ref().clone()), data.link.clone());
                let theirs = TheirWindow { window, link, at };
                self.theirs.insert(data.window.name.clone(), Arc::new(theirs));
            }
            Event::WindowVanished(data) => drop(self.theirs.remove(&data.name)),
            Event::WindowRefused(data) => drop(self.made.proposals.remove(&data.proposal)),
            Event::ExceptionGranted(data) => self.exception_granted(&data.exception, at),
            Event::ExceptionRevoked(data) => drop(self.exceptions.remove(&data.exception)),
        }
    }
}
