//! Telling Jenkins: a build that waits goes on or is aborted, one of a canceled change is stopped, and the job of a service
//! is built when a merge has opened a change.
//!
//! Jenkins answers many of these with a redirect or an empty page, so that none of them counts: what came of it is read.

use jiff::Timestamp;
use serde_json::Value;
use sluice_core::change::ChangeState;
use sluice_core::effect::{ChangeCard, Tell as Told};
use sluice_core::gate::Decision;
use sluice_core::run::RunRef;

use super::api::{Api, job};
use crate::kit::answers::{self, is_status, not_understood};
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial,
    Trouble, Verb,
};

/// A build that said that it waits reaches its `input` within so many attempts, or never.
const ATTEMPTS: u32 = 6;

/// Jenkins, to be told.
pub(super) struct JenkinsTold {
    pub(super) api: Api,
}

type Said<T> = Result<T, Step<Receipt>>;

impl Tell for JenkinsTold {
    fn outlet(&self) -> &Outlet {
        &self.api.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        self.api.credentials()
    }

    fn pace(&self) -> Pace {
        self.api.pace
    }

    fn authenticate(&self, so_far: &[Exchange], with: &Credentials, _: Timestamp) -> Step<Session> {
        self.api.authenticate(so_far, with)
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        let told = match (talk.effect.tell, &talk.effect.change) {
            (Told::GateDecided, _) => self.answered(talk).map(|()| Receipt::plain()),
            (Told::ChangeEnded, Some(card)) => self.stopped(talk, card).map(|()| Receipt::plain()),
            (Told::ChangeOpened, Some(card)) => self.built(talk, card),
            _ => Ok(Receipt::plain()),
        };
        told.map_or_else(|step| step, Step::Done)
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => {
                let url = format!("{}/me/api/json?tree=id", self.api.url);
                let ask = Ask::new("test", Verb::Get, url).header("accept", "application/json");
                Step::Send(ask.by(talk.session))
            }
            Some(exchange) => match answers::json::<String>(exchange) {
                Ok(answer) if answer.get("id").is_some_and(Value::is_string) => {
                    Step::Done("the account is accepted".to_owned())
                }
                Ok(_) => not_understood("the answer is not an account of Jenkins"),
                Err(step) => step,
            },
        }
    }
}

impl JenkinsTold {
    /// The address of a build of this controller.
    fn build(&self, run: &RunRef) -> Option<String> {
        let (name, number) = run.id.rsplit_once('/').filter(|_| run.system == self.api.system)?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| format!("{}/{number}", job(&self.api.url, name)))
    }

    fn get(&self, talk: &Talk<'_>, step: &'static str, url: String) -> Step<Receipt> {
        let ask = Ask::new(step, Verb::Get, url).header("accept", "application/json");
        Step::Send(ask.by(talk.session))
    }

    fn post(&self, talk: &Talk<'_>, step: &'static str, url: String) -> Step<Receipt> {
        Step::Send(Ask::new(step, Verb::Post, url).by(talk.session))
    }

    /// Lets the build that asked go on, or aborts it.
    fn answered(&self, talk: &Talk<'_>) -> Said<()> {
        let Some(decision) = &talk.effect.decision else { return Ok(()) };
        let word = match decision.answer {
            Decision::Allow if decision.lets_go(talk.now) => "proceedEmpty",
            Decision::Deny => "abort",
            Decision::Allow | Decision::Wait => return Ok(()),
        };
        let card = talk.effect.change.as_ref();
        let run = decision.run.as_ref().or(card.and_then(|card| card.run.as_ref()));
        let Some(build) = run.and_then(|run| self.build(run)) else { return Ok(()) };
        let Some(before) = talk.last("waiting") else {
            return Err(self.get(talk, "waiting", format!("{build}/wfapi/pendingInputActions")));
        };
        if is_status(before, &[404]) {
            // The build is gone, or is none of a pipeline.
            return Ok(());
        }
        if !self.is_pending(before)? {
            return self.waits_no_more(talk, &build);
        }
        let Some(sent) = talk.last("answer") else {
            let url = format!("{build}/input/{}/{word}", self.api.input);
            return Err(self.post(talk, "answer", url));
        };
        taken(sent)?;
        match talk.last("after") {
            None => Err(self.get(talk, "after", format!("{build}/wfapi/pendingInputActions"))),
            Some(after) if is_status(after, &[404]) || !self.is_pending(after)? => Ok(()),
            Some(_) => Err(not_understood("the build still waits after it was answered")),
        }
    }

    /// Whether our step is among those that wait.
    fn is_pending(&self, looked: &Exchange) -> Said<bool> {
        let answer = answers::json(looked)?;
        let listed = answer.as_array();
        let listed = listed.ok_or_else(|| not_understood("the answer is not a list of steps"))?;
        let named = |step: &Value| {
            let id = step.get("id").and_then(Value::as_str).unwrap_or_default();
            id.eq_ignore_ascii_case(&self.api.input)
        };
        Ok(listed.iter().any(named))
    }

    /// A build that has not come to its step yet is asked again; one that is over, or was answered before, is not.
    fn waits_no_more(&self, talk: &Talk<'_>, build: &str) -> Said<()> {
        if talk.attempt > ATTEMPTS || !self.is_building(talk, build)? {
            return Ok(());
        }
        let detail = "the build does not wait yet";
        Err(Step::Retry(Trouble::new(Because::Timeout, detail)))
    }

    fn is_building(&self, talk: &Talk<'_>, build: &str) -> Said<bool> {
        let Some(looked) = talk.last("build") else {
            let url = format!("{build}/api/json?tree=number,building,result");
            return Err(self.get(talk, "build", url));
        };
        if is_status(looked, &[404]) {
            return Ok(false);
        }
        let answer = answers::json(looked)?;
        let building = answer.get("building").and_then(Value::as_bool);
        building.ok_or_else(|| not_understood("the answer is not a build"))
    }

    /// Stops the build of a change that was canceled.
    fn stopped(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<()> {
        let canceled = card.state == ChangeState::Canceled && self.api.stop_canceled;
        let run = card.run.as_ref().filter(|_| canceled);
        let Some(build) = run.and_then(|run| self.build(run)) else { return Ok(()) };
        if !self.is_building(talk, &build)? {
            return Ok(());
        }
        match talk.last("stop") {
            None => Err(self.post(talk, "stop", format!("{build}/stop"))),
            // It ends when its steps do; that it was told to is all there is to know.
            Some(sent) => taken(sent),
        }
    }

    /// Builds the job of a change that a merge has opened and no run asked for. It asks the gate like every other. A build
    /// is known by the parameter `SLUICE_CHANGE`, so that there is one.
    fn built(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
        let job_of = |service: &sluice_core::ids::ServiceName| self.api.jobs.get(service.as_str());
        let Some(name) = card.services.iter().find_map(job_of).filter(|_| card.run.is_none())
        else {
            return Ok(Receipt::plain());
        };
        let (address, number) = (job(&self.api.url, name), card.number.to_string());
        for (step, url) in [
            (
                "queue",
                format!(
                    "{}/queue/api/json?tree=items[actions[parameters[name,value]]]",
                    self.api.url
                ),
            ),
            (
                "builds",
                format!(
                    "{address}/api/json?tree=builds[number,actions[parameters[name,value]]]{{0,100}}"
                ),
            ),
        ] {
            let Some(looked) = talk.last(step) else { return Err(self.get(talk, step, url)) };
            if is_built(&answers::json(looked)?, &number)? {
                return Ok(Receipt::plain().reference("build", name.clone()));
            }
        }
        if let Some(sent) = talk.last("trigger") {
            taken(sent)?;
            let reply = answers::replied(sent)?;
            let item = answers::header(reply, "location").filter(|at| at.contains("/queue/item/"));
            return match item {
                Some(_) => Ok(Receipt::plain().reference("build", name.clone())),
                None => Err(not_understood("the answer does not say what was queued")),
            };
        }
        let version = card.version.as_deref().unwrap_or_default();
        let commit = card.commit.as_ref().map(|commit| commit.as_str()).unwrap_or_default();
        let fields = [
            ("SLUICE_CHANGE", number.as_str()),
            ("SLUICE_ENVIRONMENT", card.environment.as_str()),
            ("SLUICE_VERSION", version),
            ("SLUICE_COMMIT", commit),
        ];
        let ask = Ask::new("trigger", Verb::Post, format!("{address}/buildWithParameters"));
        Err(Step::Send(ask.form(&fields).by(talk.session)))
    }
}

/// A success, or the redirect that many of its forms end in.
fn taken(sent: &Exchange) -> Said<()> {
    let reply = answers::replied(sent)?;
    match reply.status {
        200..=299 | 302 | 303 => Ok(()),
        _ => Err(answers::refused(reply)),
    }
}

/// Whether something queued or built has the change among its parameters.
fn is_built(answer: &Value, number: &str) -> Said<bool> {
    let listed = answer.get("items").or_else(|| answer.get("builds")).and_then(Value::as_array);
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of builds"))?;
    let actions = listed.iter().filter_map(|one| one.get("actions")?.as_array()).flatten();
    let mut parameters = actions.filter_map(|one| one.get("parameters")?.as_array()).flatten();
    Ok(parameters.any(|one| {
        one.get("name").and_then(Value::as_str) == Some("SLUICE_CHANGE")
            && one.get("value").and_then(Value::as_str) == Some(number)
    }))
}
