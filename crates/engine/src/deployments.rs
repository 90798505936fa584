//! Outcomes of deployments.

use jiff::Timestamp;
use sluice_core::deployment::{self, Deployment, DeploymentReport};
use sluice_core::ids::DeploymentNumber;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::{Standing, Topic};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::changes::short;
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::idempotency::Known;
use crate::sequencer::{Commit, Step};

/// How often a deployment is read while much happens to its service.
const READ: usize = 5;

impl Engine {
    /// A deployment. Blocking.
    pub fn deployment(&self, number: DeploymentNumber) -> Result<Option<Deployment>, EngineError> {
        if let Some(deployment) = self.standing().deployments.get(&number) {
            return Ok(Some(deployment.as_ref().clone()));
        }
        let Some(row) = self.readers().deployment(number.0)? else { return Ok(None) };
        Ok(serde_json::from_str(&row.body).ok())
    }

    /// Reports how a deployment ended: its change follows by itself.
    pub async fn deployment_outcome(
        &self,
        caller: &Caller,
        key: &str,
        body_hash: [u8; 32],
        number: DeploymentNumber,
        report: DeploymentReport,
    ) -> Result<Answer<Deployment>, EngineError> {
        caller.require(Permission::DeploymentReport)?;
        let known = self.known_deployment(caller, Permission::DeploymentReport, number)?;
        let key = match self.known_key(caller.key_scope("outcome"), key, body_hash)? {
            Known::Answered { seq } => {
                let receipt = seq.map(|seq| self.readers().receipt(seq)).transpose()?;
                return Ok(Answer { value: known, receipt, as_of: self.standing().size });
            }
            Known::New(key) => key,
        };
        let actor = caller.actor();
        self.end_deployment(number, move |standing, present, now| {
            let events = deployment::end(standing, number, Some(present), report.clone(), now)?;
            Ok(Commit::of(events, actor.clone()).with_key(key.clone()))
        })
        .await
    }

    /// A person ends a deployment of which no outcome is told, as failed: its change and its place are free again.
    pub async fn give_up_deployment(
        &self,
        caller: &Caller,
        number: DeploymentNumber,
        reason: String,
    ) -> Result<Answer<Deployment>, EngineError> {
        caller.require(Permission::ChangeEdit)?;
        self.known_deployment(caller, Permission::ChangeEdit, number)?;
        short("reason", &reason)?;
        let actor = caller.actor();
        self.end_deployment(number, move |standing, present, now| {
            let events = deployment::give_up(standing, present, &reason, now)?;
            Ok(Commit::of(events, actor.clone()))
        })
        .await
    }

    /// Ends a deployment as it stands when its turn comes. One that is not at hand is read from its row, and once more
    /// where something happened to its service since: what is told of it at the same time counts once.
    async fn end_deployment(
        &self,
        number: DeploymentNumber,
        end: impl Fn(&Standing, &Deployment, Timestamp) -> Result<Commit, Refusal>
        + Clone
        + Send
        + 'static,
    ) -> Result<Answer<Deployment>, EngineError> {
        for _ in 0..READ {
            let size = self.standing().size;
            let known = self.deployment(number)?.ok_or_else(|| unknown(number))?;
            let end = end.clone();
            let decide = move |standing: &Standing, now: Timestamp| {
                let topic = Topic::Service(known.service.clone());
                let present = match standing.deployments.get(&number) {
                    Some(at_hand) => at_hand.as_ref(),
                    None if standing.untouched_since([&topic], size) => &known,
                    None => return Step::Answer(false),
                };
                match end(standing, present, now) {
                    Ok(commit) => Step::Record(true, commit),
                    Err(refusal) => Step::Refuse(refusal.into(), None),
                }
            };
            let (is_recorded, done) = self.sequencer().submit(decide).await?;
            if is_recorded {
                let deployment = self.deployment(number)?.ok_or_else(|| unknown(number))?;
                return Ok(Answer::of(deployment, &done));
            }
        }
        Err(Unavailable::overloaded())
    }

    /// A deployment that the caller's permission covers; of any other nothing is said.
    fn known_deployment(
        &self,
        caller: &Caller,
        permission: Permission,
        number: DeploymentNumber,
    ) -> Result<Deployment, EngineError> {
        let known = self.deployment(number)?.ok_or_else(|| unknown(number))?;
        let target = self.standing().organisation.target(&known.service, &known.environment);
        if caller.covers(permission, &target) { Ok(known) } else { Err(unknown(number)) }
    }
}

fn unknown(number: DeploymentNumber) -> EngineError {
    let message = format!("there is no deployment {number}");
    Refusal::missing("deployment_unknown", message, "check the number").into()
}
