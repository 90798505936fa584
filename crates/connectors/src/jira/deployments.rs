//! Deployments in Jira (cloud): each deployment of a change with its state, and what Jira's gating says to it.
//!
//! This part of the API takes credentials of its own, which are good for nothing else, so that it is a link of its own.
//! An update says how a deployment stands and has a number that grows; an older one that comes later is dropped over
//! there, so that telling twice is the same as once. The gate is here: what Jira's gating says holds up nothing, and is
//! recorded where it differs.

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::change::ChangeState;
use sluice_core::effect::{ChangeCard, Effect, Tell as Told};
use sluice_core::gate::Decision;
use sluice_core::ids::ServiceName;

use super::deployments_config::Config;
use crate::connector::Problem;
use crate::kit::answers::{self, cut, is_status, not_understood};
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Teller,
    Telling, Trial, Trouble, Verb,
};

/// The teller of deployments.
pub(crate) struct JiraDeployments;

impl Teller for JiraDeployments {
    fn kind(&self) -> &'static str {
        "jira_deployments"
    }

    fn about(&self) -> &'static str {
        "Jira deployments: the deployments of each change with their state, and what Jira's gating says to them"
    }

    fn example(&self) -> &'static str {
        r#"{
  "site": "https://acme.atlassian.net",
  "cloud_id": "11223344-a1b2-3b33-c444-def123456789",
  "client_id": "9XhJ2vB0wE",
  "services": { "payments": "b:YXJpOmNsb3VkOmdyYXBoOjpzZXJ2aWNl" },
  "gating": true
}"#
    }

    fn family(&self) -> &'static str {
        "jira"
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        Config::read(settings).map(|config| Box::new(DeploymentsTold { config }) as Telling)
    }
}

struct DeploymentsTold {
    config: Config,
}

impl Tell for DeploymentsTold {
    fn outlet(&self) -> &Outlet {
        &self.config.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        self.config.account.credentials()
    }

    fn pace(&self) -> Pace {
        self.config.pace
    }

    fn authenticate(
        &self,
        so_far: &[Exchange],
        with: &Credentials,
        now: Timestamp,
    ) -> Step<Session> {
        self.config.account.authenticate(so_far, with, now)
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        let Some(card) = &talk.effect.change else { return Step::Done(Receipt::plain()) };
        match self.told(talk, card) {
            Ok(receipt) => Step::Done(receipt),
            Err(step) => step,
        }
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        self.tried(talk).unwrap_or_else(|step| step)
    }
}

type Said<T> = Result<T, Step<Receipt>>;

/// How a deployment stands, in Jira's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    InProgress,
    Successful,
    Failed,
    RolledBack,
    Cancelled,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Successful => "successful",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Cancelled => "cancelled",
        }
    }
}

impl DeploymentsTold {
    /// The site itself says what its id is, to everybody. Nothing else tells one that is wrong from a deployment that is
    /// not there.
    fn tried(&self, talk: &Trial<'_>) -> Result<Step<String>, Step<String>> {
        let get =
            |step, url: String| Ask::new(step, Verb::Get, url).header("accept", "application/json");
        let last = |step| talk.so_far.iter().rev().find(|exchange| exchange.step == step);
        let Some(said) = last("site") else {
            // It is public, so that nobody has to be told who we are.
            return Ok(Step::Send(get("site", format!("{}/_edge/tenant_info", self.config.site))));
        };
        let answer = answers::json(said)?;
        let id = answer.get("cloudId").and_then(Value::as_str);
        let id = id.ok_or_else(|| not_understood("the answer is not the site's own id"))?;
        if !id.eq_ignore_ascii_case(&self.config.cloud) {
            let detail = "`cloud_id` is not the id of the site: `/_edge/tenant_info` of `site` says \
                          which one is";
            return Ok(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        let Some(asked) = last("test") else {
            let url = format!("{}/deployments/1", self.config.place("sluice-trial", "trial"));
            return Ok(Step::Send(get("test", url).by(talk.session)));
        };
        // That there is no such deployment says that we may ask.
        if !is_status(asked, &[404]) {
            answers::json(asked)?;
        }
        Ok(Step::Done("it is the site that is named, and deployments can be asked for".to_owned()))
    }

    fn told(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
        let Some((services, state)) = standing(talk.effect, card) else {
            return Ok(Receipt::plain());
        };
        let known: Vec<(&ServiceName, &str)> = services
            .into_iter()
            .filter_map(|service| {
                Some((service, self.config.services.get(service.as_str())?.as_str()))
            })
            .collect();
        if known.is_empty() {
            return Ok(Receipt::plain());
        }
        let mut receipt = Receipt::plain();
        if self.config.gating && state == State::InProgress {
            for (status, _) in self.gatings(talk, card, &known)? {
                if status != "allowed" {
                    receipt.differs = Some(("gating", state.as_str().to_owned(), status));
                }
            }
        }
        self.sent(talk, card, &known, state, &mut receipt)?;
        if self.config.gating && state == State::Pending {
            let said = self.gatings(talk, card, &known)?;
            let issues: Vec<String> = said.into_iter().filter_map(|(_, issue)| issue).collect();
            if !issues.is_empty() {
                receipt = receipt.reference("gating_issue", issues.join(", "));
            }
        }
        Ok(receipt)
    }

    /// Sends how the deployments stand, and looks what became of each.
    fn sent(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        known: &[(&ServiceName, &str)],
        state: State,
        receipt: &mut Receipt,
    ) -> Said<()> {
        let Some(sent) = talk.last("deployments") else {
            let Some(page) = talk.page() else {
                let detail = "Jira wants a web address: set `public_url`";
                return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
            };
            let deployments: Vec<Value> = known
                .iter()
                .map(|(service, id)| {
                    self.deployment(talk.effect, card, (service, id), state, &page)
                })
                .collect();
            let body =
                json!({ "deployments": deployments, "providerMetadata": { "product": "Sluice" } });
            let ask = Ask::new("deployments", Verb::Post, format!("{}/bulk", self.config.base));
            let ask = ask.header("accept", "application/json").json(&body);
            return Err(Step::Send(ask.by(talk.session)));
        };
        let answer = answers::json(sent)?;
        let odd = || not_understood("the answer does not say what became of the deployments");
        for (service, _) in known {
            let is_ours = |key: &Value| {
                key.get("pipelineId").and_then(Value::as_str) == Some(service.as_str())
                    && key.get("environmentId").and_then(Value::as_str)
                        == Some(card.environment.as_str())
                    && key.get("deploymentSequenceNumber").and_then(Value::as_u64)
                        == Some(sequence(card))
            };
            let accepted = answer.get("acceptedDeployments").and_then(Value::as_array);
            let accepted = accepted.ok_or_else(odd)?.iter().any(is_ours);
            let rejected = answer.get("rejectedDeployments").and_then(Value::as_array);
            let rejected =
                rejected.into_iter().flatten().any(|one| one.get("key").is_some_and(is_ours));
            match (accepted, rejected) {
                (true, _) => {}
                (false, true) => {
                    receipt.differs =
                        Some(("deployment", state.as_str().to_owned(), "rejected".to_owned()));
                }
                (false, false) => return Err(odd()),
            }
        }
        let unknown = answer.get("unknownAssociations").and_then(Value::as_array);
        if unknown.is_some_and(|unknown| !unknown.is_empty()) {
            let named = known.iter().map(|(service, _)| service.as_str()).collect::<Vec<_>>();
            receipt.differs = Some(("service", named.join(", "), "unknown".to_owned()));
        }
        Ok(())
    }

    fn deployment(
        &self,
        effect: &Effect,
        card: &ChangeCard,
        (service, id): (&ServiceName, &str),
        state: State,
        page: &str,
    ) -> Value {
        let environment = card.environment.as_str();
        let version = card.version.as_deref().unwrap_or("a version");
        let mut deployment = json!({
            "deploymentSequenceNumber": sequence(card),
            "updateSequenceNumber": update(effect),
            "associations": [{ "associationType": "serviceIdOrKeys", "values": [id] }],
            "displayName": cut(&format!("{service} {version}"), 255),
            "url": page,
            "description": cut(&format!("{}: {}", card.number, card.title), 255).replace('\n', " "),
            "lastUpdated": effect.at.to_string(),
            "label": card.number.to_string(),
            "state": state.as_str(),
            "pipeline": { "id": service, "displayName": service, "url": page },
            "environment": {
                "id": environment, "displayName": environment, "type": self.config.type_of(environment),
            },
            "schemaVersion": "1.0",
        });
        if self.config.gating && state == State::Pending {
            deployment["commands"] = json!([{ "command": "initiate_deployment_gating" }]);
        }
        deployment
    }

    /// What their gating says to each service, and the issue by which it does.
    fn gatings(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        known: &[(&ServiceName, &str)],
    ) -> Said<Vec<(String, Option<String>)>> {
        let services = known.iter().enumerate();
        services.map(|(place, (service, _))| self.gating(talk, card, service, place)).collect()
    }

    /// What it says to the service at this place. For a while after a deployment was sent nothing is known.
    fn gating(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        service: &ServiceName,
        place: usize,
    ) -> Said<(String, Option<String>)> {
        let mut looks = talk.so_far.iter().filter(|exchange| exchange.step == "gating");
        let Some(looked) = looks.nth(place) else {
            let place = self.config.place(service.as_str(), card.environment.as_str());
            let url = format!("{place}/deployments/{}/gating-status", sequence(card));
            let ask = Ask::new("gating", Verb::Get, url).header("accept", "application/json");
            return Err(Step::Send(ask.by(talk.session)));
        };
        if is_status(looked, &[404]) {
            return Ok(("awaiting".to_owned(), None));
        }
        let answer = answers::json(looked)?;
        let status = answer.get("gatingStatus").and_then(Value::as_str);
        let status = status.ok_or_else(|| not_understood("the answer is no gating status"))?;
        let words = ["allowed", "prevented", "awaiting", "invalid", "expired"];
        if !words.contains(&status) {
            return Err(not_understood("the gating status is none that is known"));
        }
        let issue = answer.pointer("/details/0/issueKey").and_then(Value::as_str);
        Ok((status.to_owned(), issue.map(|issue| cut(issue, 60))))
    }
}

/// Which deployments of the change an effect speaks of, and how they stand after it.
fn standing<'a>(effect: &'a Effect, card: &'a ChangeCard) -> Option<(Vec<&'a ServiceName>, State)> {
    match effect.tell {
        Told::GateDecided if card.state < ChangeState::Implement => {
            let decision = effect.decision.as_ref()?;
            let state = match decision.answer {
                Decision::Allow | Decision::Wait => State::Pending,
                Decision::Deny => State::Cancelled,
            };
            Some((card.services.iter().collect(), state))
        }
        Told::DeploymentStarted | Told::DeploymentEnded => {
            let deployment = effect.deployment.as_ref()?;
            let state = match deployment.state.as_str() {
                "succeeded" => State::Successful,
                "failed" => State::Failed,
                "rolled_back" => State::RolledBack,
                _ => State::InProgress,
            };
            Some((vec![&deployment.service], state))
        }
        Told::ChangeEnded if card.state == ChangeState::Canceled => {
            Some((card.services.iter().collect(), State::Cancelled))
        }
        // The one fall-through: nothing else alters how a deployment stands.
        _ => None,
    }
}

/// With the service and the environment this is the identity of a deployment: the number of its change.
fn sequence(card: &ChangeCard) -> u64 {
    digits(&card.number.to_string())
}

/// The entry of the ledger that an update comes from: it grows.
fn update(effect: &Effect) -> u64 {
    effect.key.split(':').next().map_or(0, digits)
}

fn digits(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(18).collect();
    digits.parse().unwrap_or(0)
}
