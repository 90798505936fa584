//! Telling GitHub: a check run on the commit, and the answer to a deployment protection rule that waits.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::change::ChangeOutcome;
use sluice_core::effect::{ChangeCard, Tell as Told};
use sluice_core::gate::Decision;
use sluice_core::run::RunRef;

use super::api::{Account, Api};
use crate::kit::answers::{self, cut, is_status, not_understood};
use crate::kit::failure::{Issues, LABEL};
use crate::kit::text::is_number;
use crate::kit::{failure, percent, words};
use crate::tell::{
    Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial,
    Trouble, Verb,
};

/// By so much their clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_hours(1);
/// So often a missing permission is asked for.
const ATTEMPTS: u32 = 3;

/// GitHub, to be told.
pub(super) struct GitHubTold {
    pub(super) api: Api,
}

type Said<T> = Result<T, Step<Receipt>>;

/// How a check run or a commit status reads.
struct Mark {
    status: &'static str,
    conclusion: Option<&'static str>,
    state: &'static str,
}

/// A commit in a repository of ours.
struct Place<'a> {
    repository: &'a str,
    commit: &'a str,
}

impl Tell for GitHubTold {
    fn outlet(&self) -> &Outlet {
        &self.api.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        match self.api.account {
            Account::App { .. } => &["private_key"],
            Account::Token => &["token"],
        }
    }

    fn pace(&self) -> Pace {
        self.api.pace
    }

    fn authenticate(
        &self,
        so_far: &[Exchange],
        with: &Credentials,
        now: Timestamp,
    ) -> Step<Session> {
        self.api.authenticate(so_far, with, now)
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        // First of all what waits gets its answer; what is only shown cannot hold that up.
        let told = self.answer_rule(talk).and_then(|()| match &talk.effect.change {
            Some(card) if talk.effect.tell == Told::DeploymentEnded => self.issue(talk, card),
            Some(card) => self.told(talk, card),
            None => Ok(Receipt::plain()),
        });
        told.map_or_else(|step| step, Step::Done)
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => Step::Send(self.api.ask("test", Verb::Get, "/rate_limit").by(talk.session)),
            Some(exchange) => match answers::json::<String>(exchange) {
                Ok(answer) if answer.get("resources").is_some() => {
                    Step::Done("the account is accepted".to_owned())
                }
                Ok(_) => not_understood("the answer is not GitHub's"),
                Err(step) => step,
            },
        }
    }
}

impl GitHubTold {
    /// An issue for what went wrong, in the repository of the commit.
    fn issue(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
        let place = self.place(card).filter(|_| self.api.issues);
        let (Some(place), Some(failed)) = (place, failure::of(talk)) else {
            return Ok(Receipt::plain());
        };
        let path = format!("/repos/{}/issues", place.repository);
        // What is looked for was not altered before it happened; clocks may differ.
        let since = talk.effect.at.checked_sub(SKEW).unwrap_or(talk.effect.at);
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        let look = |step| {
            let path = format!("{path}?labels={LABEL}&state=all&since={since}&per_page=100");
            self.api.ask(step, Verb::Get, &path).by(talk.session)
        };
        let make = |step| {
            let ask = self.api.ask(step, Verb::Post, &path).by(talk.session);
            ask.json(&json!({ "title": failed.title, "body": failed.text, "labels": [LABEL] }))
        };
        let close = |step, number: u64, title: &str| {
            let ask = self.api.ask(step, Verb::Patch, &format!("{path}/{number}"));
            let body = json!({ "state": "closed", "state_reason": "not_planned", "title": title });
            ask.json(&body).by(talk.session)
        };
        let issues = Issues {
            id: "number",
            text: "body",
            open: "open",
            look: &look,
            make: &make,
            close: &close,
        };
        failure::opened(talk, &failed, &issues)
    }

    fn told(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
        // What counts on a commit is what was said last.
        let mark = mark(talk, card).filter(|_| !talk.late);
        let (Some(mark), Some(place)) = (mark, self.place(card)) else {
            return Ok(Receipt::plain());
        };
        match self.api.account {
            Account::App { .. } => self.checked(talk, card, &place, &mark),
            Account::Token => self.stated(talk, card, &place, &mark),
        }
    }

    /// Where the commit is: as a push or merge has told, else as the run that asked says.
    fn place<'a>(&self, card: &'a ChangeCard) -> Option<Place<'a>> {
        let told = || card.repository.as_deref()?.strip_prefix(&self.api.host)?.strip_prefix('/');
        let repository = match &card.repository {
            Some(_) => told().filter(|path| is_path(path))?,
            None => self.run(card.run.as_ref())?.0,
        };
        Some(Place { repository, commit: card.commit.as_ref()?.as_str() })
    }

    /// Repository and number of the run that asked, where it is one of GitHub's.
    fn run<'a>(&self, run: Option<&'a RunRef>) -> Option<(&'a str, &'a str)> {
        let run = run.filter(|run| run.system == format!("github:{}", self.api.host))?;
        run.id.rsplit_once('/').filter(|(path, id)| is_path(path) && is_number(id))
    }

    /// One check run for each change and commit: found by its external id, altered, else made. Some make two of one
    /// request, and none can be taken away: then each of them says the same.
    fn checked(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        place: &Place<'_>,
        mark: &Mark,
    ) -> Said<Receipt> {
        let external = card.number.to_string();
        let mut says = Vec::new();
        for sent in talk.so_far.iter().filter(|exchange| exchange.step == "check") {
            may(talk, sent)?;
            let id = own_check_run(&answers::json(sent)?, &external, place);
            let odd = || not_understood("the answer is not the check run that was sent");
            says.push(id.ok_or_else(odd)?);
        }
        let mut found = self.check_runs(talk, card, place, "look")?;
        if found.is_empty() && !says.is_empty() {
            found = self.check_runs(talk, card, place, "look_after")?;
        }
        let left = found.into_iter().rev().find(|id| !says.contains(id));
        if let (None, Some(newest)) = (left, says.iter().max()) {
            return Ok(Receipt::plain().reference("check_run", newest.to_string()));
        }
        let mut body = json!({
            "name": check_name(card),
            "external_id": external,
            "status": mark.status,
            "output": { "title": title(talk, card), "summary": summary(talk) },
        });
        if let Some(conclusion) = mark.conclusion {
            body["conclusion"] = json!(conclusion);
        }
        if let Some(page) = talk.page() {
            body["details_url"] = json!(page);
        }
        let base = format!("/repos/{}/check-runs", place.repository);
        let ask = match left {
            Some(id) => self.api.ask("check", Verb::Patch, &format!("{base}/{id}")),
            None => {
                body["head_sha"] = json!(place.commit);
                self.api.ask("check", Verb::Post, &base)
            }
        };
        Err(Step::Send(ask.json(&body).by(talk.session)))
    }

    /// Our check runs for the change, the newest last.
    fn check_runs(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        place: &Place<'_>,
        step: &'static str,
    ) -> Said<Vec<u64>> {
        let Some(looked) = talk.last(step) else {
            let name = percent::encode(&check_name(card));
            // The latest alone would be the one of another change, where there are two of the commit.
            let path = format!(
                "/repos/{}/commits/{}/check-runs?check_name={name}&filter=all&per_page=100",
                place.repository, place.commit
            );
            return Err(Step::Send(self.api.ask(step, Verb::Get, &path).by(talk.session)));
        };
        may(talk, looked)?;
        let answer = answers::json(looked)?;
        let listed = answer.get("check_runs").and_then(Value::as_array);
        let listed =
            listed.ok_or_else(|| not_understood("the answer is not a list of check runs"))?;
        let external = card.number.to_string();
        let found = listed.iter().filter_map(|run| own_check_run(run, &external, place));
        let mut found: Vec<u64> = found.collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// A commit status: the newest of a context counts, so that one that comes twice says the same.
    fn stated(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        place: &Place<'_>,
        mark: &Mark,
    ) -> Said<Receipt> {
        if let Some(sent) = talk.last("status") {
            let answer = answers::json(sent)?;
            let echoed = answer.get("state").and_then(Value::as_str);
            return if echoed == Some(mark.state) {
                Ok(Receipt::plain())
            } else {
                Err(not_understood("the answer is not the status that was sent"))
            };
        }
        let mut body = json!({
            "state": mark.state,
            "context": format!("sluice/{}", card.environment),
            "description": cut(&title(talk, card), 140),
        });
        if let Some(page) = talk.page() {
            body["target_url"] = json!(page);
        }
        let path = format!("/repos/{}/statuses/{}", place.repository, place.commit);
        Err(Step::Send(self.api.ask("status", Verb::Post, &path).json(&body).by(talk.session)))
    }

    /// Answers the deployment protection rule of the run that asked, where one waits.
    fn answer_rule(&self, talk: &Talk<'_>) -> Said<()> {
        let decision = talk.effect.decision.as_ref();
        let environment = talk.effect.environment.as_ref();
        let (Some(decision), Some(environment)) = (decision, environment) else { return Ok(()) };
        if !matches!(self.api.account, Account::App { .. }) {
            return Ok(());
        }
        // Anybody may say of themselves that they are some run: only one that was heard to wait is answered.
        let run = decision.run.as_ref().filter(|_| decision.asked_by.is_some());
        let Some((repository, run)) = self.run(run) else { return Ok(()) };
        if let Some(sent) = talk.last("rule") {
            // No such run, or nothing that waits: the pipeline asked without a rule.
            return if is_status(sent, &[404, 422]) {
                Ok(())
            } else {
                answers::success(sent).map(|_| ())
            };
        }
        // Several of their environments may be one of ours: it is answered under the name by which it asked.
        let asked = talk.waits.map(|waits| waits.environment.as_str());
        let mut body = json!({
            "environment_name": asked.unwrap_or_else(|| self.api.environment(environment.as_str())),
            "comment": cut(&summary(talk), 1_000),
        });
        match decision.answer {
            Decision::Allow if decision.lets_go(talk.now) => body["state"] = json!("approved"),
            // Told too late: it has to be asked again.
            Decision::Allow => {}
            Decision::Deny => body["state"] = json!("rejected"),
            // Without a state it is a report: the job goes on waiting.
            Decision::Wait => {}
        }
        let path = format!("/repos/{repository}/actions/runs/{run}/deployment_protection_rule");
        Err(Step::Send(self.api.ask("rule", Verb::Post, &path).json(&body).by(talk.session)))
    }
}

/// Where the account may not make check runs, that is given up after a few attempts: what is told of a change is told in
/// its order, and the answer to a run that waits may come behind.
fn may(talk: &Talk<'_>, asked: &Exchange) -> Said<()> {
    let refused = asked.answer.as_ref().ok().filter(|reply| reply.status == 403);
    match refused.map(answers::refused::<Receipt>) {
        Some(Step::Retry(why)) if why.reason == Because::Auth && talk.attempt >= ATTEMPTS => {
            let detail = "the account may not make check runs";
            Err(Step::GiveUp(Trouble::new(Because::Auth, detail)))
        }
        _ => Ok(()),
    }
}

/// How it reads on the commit; nothing where nothing has to be said there.
fn mark(talk: &Talk<'_>, card: &ChangeCard) -> Option<Mark> {
    let completed =
        |conclusion, state| Mark { status: "completed", conclusion: Some(conclusion), state };
    match talk.effect.tell {
        Told::GateDecided => Some(match talk.effect.decision.as_ref()?.answer {
            Decision::Allow => completed("success", "success"),
            Decision::Deny => completed("failure", "failure"),
            Decision::Wait => Mark { status: "in_progress", conclusion: None, state: "pending" },
        }),
        Told::ChangeEnded => Some(match card.outcome {
            Some(ChangeOutcome::Successful | ChangeOutcome::SuccessfulWithIssues) => {
                completed("success", "success")
            }
            Some(ChangeOutcome::Unsuccessful | ChangeOutcome::RolledBack) => {
                completed("failure", "failure")
            }
            None => completed("cancelled", "error"),
        }),
        Told::ChangeOpened
        | Told::ChangeMoved
        | Told::ChangeRevised
        | Told::ApprovalWanted
        | Told::ApprovalGiven
        | Told::ApprovalRefused
        | Told::DeploymentStarted
        | Told::DeploymentEnded
        | Told::StopPulled
        | Told::StopLifted
        | Told::IncidentOpened
        | Told::IncidentResolved
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::IntentAnswered
        | Told::ProposalJudged
        | Told::CalendarChanged => None,
    }
}

fn title(talk: &Talk<'_>, card: &ChangeCard) -> String {
    cut(&format!("{}: {}", card.number, talk.effect.line), 200)
}

/// Why, until when, and what to do, in Markdown.
fn summary(talk: &Talk<'_>) -> String {
    words::markdown(talk)
}

fn check_name(card: &ChangeCard) -> String {
    format!("Sluice / {}", card.environment)
}

fn own_check_run(run: &Value, external: &str, place: &Place<'_>) -> Option<u64> {
    let ours = run.get("external_id").and_then(Value::as_str) == Some(external)
        && run.get("head_sha").and_then(Value::as_str) == Some(place.commit);
    run.get("id").and_then(Value::as_u64).filter(|_| ours)
}

/// Owner and name.
fn is_path(path: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let sound =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(word);
    path.split('/').count() == 2 && path.split('/').all(sound)
}
