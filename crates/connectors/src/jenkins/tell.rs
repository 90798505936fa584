//! Telling Jenkins: a build that waits goes on or is aborted, one of a canceled change is stopped, and the job of a service
//! is built when a merge has opened a change.
//!
//! Jenkins answers many of these with a redirect or an empty page, so that none of them counts: what came of it is read.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::change::ChangeState;
use sluice_core::effect::{ChangeCard, Tell as Told};
use sluice_core::gate::Decision;

use super::api::{Api, is_missing, job, read};
use super::{build, trigger};
use crate::kit::answers::{self, not_understood};
use crate::kit::text::is_number;
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial,
    Trouble, Verb, Waits,
};

/// A build that said that it waits reaches its `input` within so long, or never.
const REACHES: SignedDuration = SignedDuration::from_hours(1);
/// One that was let on before and said the same again is at its `input` within so long, or has only said it twice.
const REACHES_AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// The word that lets a build go on.
const LETS_ON: &str = "proceedEmpty";

/// Under which it is kept which build waited last under a change.
const WAITS: &str = "waits";

/// Jenkins, to be told.
pub(super) struct JenkinsTold {
    pub(super) api: Api,
}

pub(super) type Said<T> = Result<T, Step<Receipt>>;

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

    /// Which `input` waits is known; for which environment it does, Jenkins does not know.
    fn waits_at(&self, environment: &str) -> Option<&str> {
        Some(self.api.input(environment))
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        let told = match (talk.effect.tell, &talk.effect.change) {
            (Told::GateDecided, _) => self.answered(talk),
            (Told::ChangeEnded, Some(card)) => self.stopped(talk, card).map(|()| Receipt::plain()),
            (Told::ChangeOpened, Some(card)) => trigger::built(&self.api, talk, card),
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
    fn build(&self, id: &str) -> Option<String> {
        let (name, number) = id.rsplit_once('/').filter(|(_, number)| is_number(number))?;
        let leads_away = name.split('/').any(|part| part == "." || part == "..");
        if leads_away {
            return None;
        }
        Some(format!("{}/{number}", job(&self.api.url, name)))
    }

    fn get(&self, talk: &Talk<'_>, step: &'static str, url: String) -> Step<Receipt> {
        let ask = Ask::new(step, Verb::Get, url).header("accept", "application/json");
        Step::Send(ask.by(talk.session))
    }

    fn post(&self, talk: &Talk<'_>, step: &'static str, url: String) -> Step<Receipt> {
        Step::Send(Ask::new(step, Verb::Post, url).by(talk.session))
    }

    /// Lets the build that asked go on, or aborts it. Anybody may say of themselves that they are some build: only one
    /// that was heard to wait, and that is what it said, is answered.
    fn answered(&self, talk: &Talk<'_>) -> Said<Receipt> {
        let decision = talk.effect.decision.as_ref().filter(|it| it.asked_by.is_some());
        let run = decision.and_then(|decision| decision.run.as_ref());
        let (Some(decision), Some(run), Some(waits)) = (decision, run, talk.waits) else {
            return Ok(Receipt::plain());
        };
        let Some(build) = self.build(&run.id).filter(|_| run.system == self.api.system) else {
            return Ok(Receipt::plain());
        };
        let is_known = talk.known.get(WAITS) == Some(&run.id);
        if decision.answer == Decision::Wait && is_known {
            return Ok(Receipt::plain());
        }
        let Some(shown) = self.is_building(talk, &build)? else { return Ok(Receipt::plain()) };
        let job = run.id.rsplit_once('/').map_or("", |(job, _)| job);
        build::is_what_it_said(&shown, job, &self.api.waits, waits)
            .map_err(|why| Step::GiveUp(Trouble::new(Because::Client, why)))?;
        let receipt = match talk.effect.change {
            Some(_) => Receipt::plain().reference(WAITS, run.id.clone()),
            None => Receipt::plain(),
        };
        let word = match decision.answer {
            // What became of it is looked at as long as it takes: nothing is let on by that.
            Decision::Allow if decision.lets_go(talk.now) || waits.let_on.is_some() => LETS_ON,
            Decision::Deny => "abort",
            Decision::Allow | Decision::Wait => return Ok(receipt),
        };
        self.let_know(talk, &build, (word, waits), &receipt).map(|()| receipt)
    }

    /// Says it at the step that waits.
    fn let_know(
        &self,
        talk: &Talk<'_>,
        build: &str,
        (word, waits): (&str, &Waits),
        receipt: &Receipt,
    ) -> Said<()> {
        let input = self.api.input(&waits.environment);
        let pending = || format!("{build}/wfapi/pendingInputActions");
        let Some(before) = talk.last("waiting") else {
            return Err(self.get(talk, "waiting", pending()));
        };
        if is_missing(before) {
            let detail = "which steps of the build wait is not said: it is no pipeline, or a plugin is missing";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        if !is_pending(before, input)? {
            return waits_not(talk, word, waits);
        }
        let Some(sent) = talk.last("answer") else {
            if let Some(since) = waits.let_on.filter(|_| word == LETS_ON) {
                return waits_still(talk, since);
            }
            let url = format!("{build}/input/{input}/{word}");
            return Err(self.post(talk, "answer", url).knowing(receipt));
        };
        taken(sent)?;
        match talk.last("after") {
            None => Err(self.get(talk, "after", pending())),
            Some(after) if is_missing(after) || !is_pending(after, input)? => Ok(()),
            Some(_) => Err(not_understood("the build still waits after it was answered")),
        }
    }

    /// What Jenkins says of a build, while it goes on.
    fn is_building(&self, talk: &Talk<'_>, build: &str) -> Said<Option<Value>> {
        let Some(looked) = talk.last("build") else {
            let url = format!("{build}/api/json?tree={}", build::TREE);
            return Err(self.get(talk, "build", url));
        };
        if is_missing(looked) {
            return Ok(None);
        }
        let answer = answers::json(looked)?;
        match answer.get("building").and_then(Value::as_bool) {
            Some(building) => Ok(building.then_some(answer)),
            None => Err(not_understood("the answer is not a build")),
        }
    }

    /// Stops the build of a change that was canceled: the one that was heard to wait under it, whatever a run that asked
    /// by itself said that it is.
    fn stopped(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<()> {
        let canceled = card.state == ChangeState::Canceled && self.api.stop_canceled;
        let run = talk.known.get(WAITS).filter(|_| canceled);
        let Some(build) = run.and_then(|id| self.build(id)) else { return Ok(()) };
        if self.is_building(talk, &build)?.is_none() {
            return Ok(());
        }
        match talk.last("stop") {
            None => Err(self.post(talk, "stop", format!("{build}/stop"))),
            // It ends when its steps do; that it was told to is all there is to know.
            Some(sent) => taken(sent),
        }
    }
}

/// Whether our step is among those that wait.
fn is_pending(looked: &Exchange, input: &str) -> Said<bool> {
    let answer = read(looked)?;
    let listed = answer.as_array();
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of steps"))?;
    let named = |step: &Value| {
        let id = step.get("id").and_then(Value::as_str).unwrap_or_default();
        id.eq_ignore_ascii_case(input)
    };
    Ok(listed.iter().any(named))
}

/// What follows for a build that goes on and does not wait. It has not come to its step yet; or it was answered before,
/// by us or by somebody else, which looks the same.
fn waits_not(talk: &Talk<'_>, word: &str, waits: &Waits) -> Said<()> {
    let is_denied = word != LETS_ON;
    if !is_denied && waits.let_on.is_some() {
        return Ok(());
    }
    // An `allow` is always fresh, since an old one is asked for anew.
    let since = if is_denied { talk.effect.at } else { waits.since };
    let reaches = if waits.again && !is_denied { REACHES_AGAIN } else { REACHES };
    if talk.now.duration_since(since) < reaches {
        return Err(Step::Retry(Trouble::new(Because::NotYet, "the build does not wait yet")));
    }
    if is_denied {
        let detail = "the build goes on, and has not waited for its answer";
        return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
    }
    Ok(())
}

/// What follows for a build that was let on and waits: it has not heard it, or has come to its next stage, of which nothing
/// was heard. Nobody can see which, so that it is not let on a second time.
fn waits_still(talk: &Talk<'_>, since: Timestamp) -> Said<()> {
    if talk.now.duration_since(since) < REACHES {
        let detail = "the build was let on and waits still, or for something else";
        return Err(Step::Retry(Trouble::new(Because::NotYet, detail)));
    }
    let detail = "the build was let on and waits still, or for something else: it has to ask again";
    Err(Step::GiveUp(Trouble::new(Because::Client, detail)))
}

/// A success, or the redirect that many of its forms end in.
pub(super) fn taken(sent: &Exchange) -> Said<()> {
    let reply = answers::replied(sent)?;
    match reply.status {
        200..=299 | 302 | 303 => Ok(()),
        _ => Err(answers::refused(reply)),
    }
}
