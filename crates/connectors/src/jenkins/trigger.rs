//! Building the job of a change that a merge has opened and no run asked for. It asks the gate like every other build.
//!
//! A build is known by the parameter `SLUICE_CHANGE`, so that there is one: it is looked for before one is triggered, and
//! once more after that. What was queued twice of one request is canceled while it is queued, and the younger of two builds
//! is stopped where both were begun by our account. A build that somebody else has begun is stopped by nobody here, and
//! is a difference.

use jiff::SignedDuration;
use serde_json::Value;
use sluice_core::effect::ChangeCard;
use sluice_core::ids::ServiceName;

use super::api::{Api, is_missing, job, read};
use super::tell::{Said, taken};
use crate::kit::answers::{self, not_understood};
use crate::tell::{Ask, Receipt, Step, Talk, Verb};

/// For so long what is there twice was made by us: later, somebody may have built it once more.
const OURS: SignedDuration = SignedDuration::from_hours(1);

/// What there is of a change: ids of what is queued, how many builds, and those of them that our account has begun.
#[derive(Default)]
struct There {
    queued: Vec<u64>,
    builds: usize,
    ours: Vec<Ours>,
}

/// A build that our account has begun.
struct Ours {
    number: u64,
    building: bool,
}

impl Ours {
    fn read(build: &Value, user: &str) -> Option<Self> {
        let actions = build.get("actions").and_then(Value::as_array)?.iter();
        let mut causes = actions.filter_map(|one| one.get("causes")?.as_array()).flatten();
        let by = |cause: &Value| cause.get("userId").and_then(Value::as_str) == Some(user);
        let number = build.get("number").and_then(Value::as_u64).filter(|_| causes.any(by))?;
        let building = build.get("building").and_then(Value::as_bool).unwrap_or(false);
        Some(Self { number, building })
    }
}

impl There {
    fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.builds == 0
    }
}

pub(super) fn built(api: &Api, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
    let job_of = |service: &ServiceName| api.jobs.get(service.as_str());
    let Some(name) = card.services.iter().find_map(job_of).filter(|_| card.run.is_none()) else {
        return Ok(Receipt::plain());
    };
    let address = job(&api.url, name);
    let receipt = Receipt::plain().reference("build", name.clone());
    let before = there(api, talk, card, &address, ["queue", "builds"])?;
    if !before.is_empty() {
        return once(api, talk, &before, &address, receipt);
    }
    let Some(sent) = talk.last("trigger") else {
        return Err(Step::Send(trigger(talk, card, &address)));
    };
    taken(sent)?;
    let reply = answers::replied(sent)?;
    if !answers::header(reply, "location").is_some_and(|at| at.contains("/queue/item/")) {
        return Err(not_understood("the answer does not say what was queued"));
    }
    let after = there(api, talk, card, &address, ["queue_after", "builds_after"])?;
    once(api, talk, &after, &address, receipt)
}

fn trigger(talk: &Talk<'_>, card: &ChangeCard, address: &str) -> Ask {
    let number = card.number.to_string();
    let version = card.version.as_deref().unwrap_or_default();
    let commit = card.commit.as_ref().map(|commit| commit.as_str()).unwrap_or_default();
    let fields = [
        ("SLUICE_CHANGE", number.as_str()),
        ("SLUICE_ENVIRONMENT", card.environment.as_str()),
        ("SLUICE_VERSION", version),
        ("SLUICE_COMMIT", commit),
    ];
    let ask = Ask::new("trigger", Verb::Post, format!("{address}/buildWithParameters"));
    ask.form(&fields).by(talk.session)
}

/// Looks through the queue and then through the builds: what leaves the one comes into the other.
fn there(
    api: &Api,
    talk: &Talk<'_>,
    card: &ChangeCard,
    address: &str,
    [queue, builds]: [&'static str; 2],
) -> Said<There> {
    let number = card.number.to_string();
    let of = "actions[parameters[name,value]]";
    let get = |step, url: String| {
        let ask = Ask::new(step, Verb::Get, url).header("accept", "application/json");
        Step::Send(ask.by(talk.session))
    };
    let Some(queued) = talk.last(queue) else {
        return Err(get(queue, format!("{}/queue/api/json?tree=items[id,{of}]", api.url)));
    };
    let queued = of_change(&read(queued)?, &number)?;
    let Some(built) = talk.last(builds) else {
        let of = "number,building,actions[parameters[name,value],causes[userId]]";
        return Err(get(builds, format!("{address}/api/json?tree=builds[{of}]{{0,100}}")));
    };
    let built = of_change(&read(built)?, &number)?;
    let ids = queued.iter().filter_map(|item| item.get("id").and_then(Value::as_u64));
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    // Without its id, what is queued is there all the same.
    let unnamed = queued.len() - ids.len();
    let mut ours: Vec<Ours> =
        built.iter().filter_map(|build| Ours::read(build, &api.user)).collect();
    ours.sort_by_key(|build| build.number);
    Ok(There { queued: ids, builds: built.len() + unnamed, ours })
}

/// What has the change among its parameters.
fn of_change(answer: &Value, number: &str) -> Said<Vec<Value>> {
    let listed = answer.get("items").or_else(|| answer.get("builds")).and_then(Value::as_array);
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of builds"))?;
    let is_it = |one: &&Value| {
        let actions = one.get("actions").and_then(Value::as_array).into_iter().flatten();
        let mut parameters = actions.filter_map(|one| one.get("parameters")?.as_array()).flatten();
        parameters.any(|one| {
            one.get("name").and_then(Value::as_str) == Some("SLUICE_CHANGE")
                && one.get("value").and_then(Value::as_str) == Some(number)
        })
    };
    Ok(listed.iter().filter(is_it).cloned().collect())
}

/// One is kept: the one that is built, else the one that was queued first.
fn once(
    api: &Api,
    talk: &Talk<'_>,
    there: &There,
    address: &str,
    mut receipt: Receipt,
) -> Said<Receipt> {
    if talk.now.duration_since(talk.effect.at) > OURS {
        return Ok(receipt);
    }
    let kept = usize::from(there.builds == 0);
    let canceled = talk.so_far.iter().filter(|exchange| exchange.step == "unqueue");
    // What has left the queue cannot be canceled in it.
    for sent in canceled.clone().filter(|sent| !is_missing(sent)) {
        taken(sent)?;
    }
    if let Some(id) = there.queued.get(kept + canceled.count()) {
        let url = format!("{}/queue/cancelItem?id={id}", api.url);
        return Err(Step::Send(Ask::new("unqueue", Verb::Post, url).by(talk.session)));
    }
    let stopped = talk.so_far.iter().filter(|exchange| exchange.step == "stop");
    let mut twins = there.ours.iter().skip(1).filter(|build| build.building);
    if let Some(twin) = twins.nth(stopped.clone().count()) {
        let url = format!("{address}/{}/stop", twin.number);
        return Err(Step::Send(Ask::new("stop", Verb::Post, url).by(talk.session)));
    }
    // Who may not stop it has it recorded.
    let left = there.builds - stopped.filter(|sent| taken(sent).is_ok()).count();
    if left > 1 {
        receipt.differs = Some(("build", "one".to_owned(), format!("{left} are built")));
    }
    Ok(receipt)
}
