//! Telling GitLab: a status on the commit, one note on the merge request, and the answer to a deployment that waits.

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::change::ChangeOutcome;
use sluice_core::effect::{ChangeCard, Tell as Told};
use sluice_core::gate::Decision;

use super::api::Api;
use super::{checks, freezes};
use crate::kit::answers::{self, cut, is_status, not_understood};
use crate::kit::failure::{Issues, LABEL};
use crate::kit::pages::{is_too_large, smaller};
use crate::kit::text::is_number;
use crate::kit::{failure, percent, words};
use crate::tell::{
    Ask, Credentials, Exchange, Kept, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial, Verb,
};

/// GitLab, to be told.
pub(super) struct GitLabTold {
    pub(super) api: Api,
}

/// How many of the newest notes are looked through, and how often at most, where there are less on a page.
const NOTES: u32 = 100;
const LOOKS: u32 = 12;

pub(super) type Said<T> = Result<T, Step<Receipt>>;

/// A commit in a project of ours.
struct Place<'a> {
    project: &'a str,
    commit: &'a str,
}

impl Tell for GitLabTold {
    fn outlet(&self) -> &Outlet {
        &self.api.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        self.api.account.credentials()
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
        self.api.account.authenticate(so_far, with, now)
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        // First of all what waits gets its answer; what is only shown cannot hold that up.
        let told =
            self.answered(talk).and_then(|()| match (talk.effect.tell, &talk.effect.change) {
                (Told::CalendarChanged, _) => freezes::kept(&self.api, talk),
                (Told::ProposalJudged, _) => checks::answered(&self.api, talk),
                (Told::DeploymentEnded, Some(card)) => self.issue(talk, card),
                (_, Some(card)) => self.told(talk, card),
                (_, None) => Ok(Receipt::plain()),
            });
        told.map_or_else(|step| step, Step::Done)
    }

    fn calendars(&self) -> Vec<Kept> {
        let kept = self.api.freezes.iter().map(|(project, environment)| Kept {
            name: project.clone(),
            repository: format!("{}/{}", self.api.host, project.to_lowercase()),
            environment: environment.clone(),
        });
        kept.collect()
    }

    fn checks(&self) -> Option<&str> {
        self.api.checks.as_deref()
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => {
                let url = format!("{}/personal_access_tokens/self", self.api.url);
                let ask = Ask::new("test", Verb::Get, url).header("accept", "application/json");
                Step::Send(ask.by(talk.session))
            }
            Some(exchange) => match answers::json::<String>(exchange) {
                Ok(answer) if answer.get("scopes").is_some_and(has_api) => {
                    Step::Done("the token is accepted and has the scope `api`".to_owned())
                }
                Ok(_) => not_understood("the answer is not a token with the scope `api`"),
                Err(step) => step,
            },
        }
    }
}

fn has_api(scopes: &Value) -> bool {
    scopes.as_array().is_some_and(|scopes| scopes.iter().any(|scope| scope == "api"))
}

impl GitLabTold {
    /// An issue for what went wrong, in the project of the commit.
    fn issue(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
        let place = self.place(card).filter(|_| self.api.issues);
        let (Some(place), Some(failed)) = (place, failure::of(talk)) else {
            return Ok(Receipt::plain());
        };
        let ask =
            |step, verb, path: &str| self.api.ask(step, verb, place.project, path, talk.session);
        let look = |step| {
            let number = percent::encode(&failed.number);
            let path = format!("issues?labels={LABEL}&search={number}&in=title&per_page=100");
            ask(step, Verb::Get, &path)
        };
        let make = |step| {
            ask(step, Verb::Post, "issues").json(
                &json!({ "title": failed.title, "description": failed.text, "labels": LABEL }),
            )
        };
        let close = |step, iid: u64, title: &str| {
            let body = json!({ "state_event": "close", "title": title });
            ask(step, Verb::Put, &format!("issues/{iid}")).json(&body)
        };
        let issues = Issues {
            id: "iid",
            text: "description",
            open: "opened",
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
        self.stated(talk, card, &place, mark)?;
        let note = self.noted(talk, card, &place, mark)?;
        Ok(match note {
            Some(note) => Receipt::plain().reference("note", note),
            None => Receipt::plain(),
        })
    }

    /// Where the commit is: as a push or merge has told, else as the run that asked says.
    fn place<'a>(&self, card: &'a ChangeCard) -> Option<Place<'a>> {
        let told = || card.repository.as_deref()?.strip_prefix(&self.api.host)?.strip_prefix('/');
        let project = match &card.repository {
            Some(_) => told()?,
            None => {
                let run = card.run.as_ref();
                let run = run.filter(|run| run.system == format!("gitlab:{}", self.api.host))?;
                run.id.rsplit_once("/deployments/")?.0
            }
        };
        Some(Place { project, commit: card.commit.as_ref()?.as_str() })
    }

    /// A commit status. The newest of a name counts; setting it to what it is already is refused over there.
    fn stated(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        place: &Place<'_>,
        mark: &str,
    ) -> Said<()> {
        let name = format!("sluice/{}", card.environment);
        let is_ours = |one: &Value| one.get("name").and_then(Value::as_str) == Some(name.as_str());
        let state_of = |one: &Value| one.get("status").and_then(Value::as_str).map(str::to_owned);
        let Some(looked) = talk.last("statuses") else {
            let path = format!(
                "repository/commits/{}/statuses?name={}&per_page=100",
                place.commit,
                percent::encode(&name)
            );
            let ask = self.api.ask("statuses", Verb::Get, place.project, &path, talk.session);
            return Err(Step::Send(ask));
        };
        if is_status(looked, &[404]) {
            // The commit or the project is not there for the account: the other parts fare the same.
            return answers::success(looked).map(|_| ());
        }
        let answer = answers::json(looked)?;
        let listed = answer.as_array();
        let listed =
            listed.ok_or_else(|| not_understood("the answer is not a list of statuses"))?;
        let newest = listed
            .iter()
            .filter(|one| is_ours(one))
            .max_by_key(|one| one.get("id").and_then(Value::as_u64).unwrap_or(0));
        if newest.and_then(state_of).as_deref() == Some(mark) {
            return Ok(());
        }
        if let Some(sent) = talk.last("status") {
            let answer = answers::json(sent)?;
            return match is_ours(&answer) && state_of(&answer).as_deref() == Some(mark) {
                true => Ok(()),
                false => Err(not_understood("the answer is not the status that was sent")),
            };
        }
        let mut body = json!({
            "state": mark,
            "name": name,
            "description": cut(&format!("{}: {}", card.number, words::what(talk)), 250),
        });
        if let Some(page) = talk.page() {
            body["target_url"] = json!(page);
        }
        let path = format!("statuses/{}", place.commit);
        let ask = self.api.ask("status", Verb::Post, place.project, &path, talk.session);
        Err(Step::Send(ask.json(&body)))
    }

    /// One note for each change on its merge request, kept up to date. Nothing is said where nothing was in the way.
    fn noted(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        place: &Place<'_>,
        mark: &str,
    ) -> Said<Option<String>> {
        let proposal = card.proposal.as_deref().filter(|iid| is_number(iid));
        let (Some(iid), true) = (proposal, self.api.notes) else { return Ok(None) };
        let base = format!("merge_requests/{iid}/notes");
        let marker = format!("<!-- sluice:{}:{} -->", card.number, card.environment);
        // A note that is known and gone was taken away by somebody: another one is made.
        let was_gone = talk.last("note").is_some_and(|sent| is_status(sent, &[404]));
        let sent = talk.last("note_anew").or(talk.last("note").filter(|_| !was_gone));
        let marked = self.marked(talk, place, "notes", &base, &marker)?;
        let known = talk.known.get("note").and_then(|id| id.parse::<u64>().ok());
        let found = self.of_ours(talk, &marked, known)?;
        let kept = found.first().copied().or(known.filter(|_| !was_gone));
        self.without_surplus(talk, place, &base, found.get(1..).unwrap_or_default())?;
        if let Some(sent) = sent {
            let note = own_note(&answers::json(sent)?, &marker).map(|(id, _)| id);
            let id =
                note.ok_or_else(|| not_understood("the answer is not the note that was sent"))?;
            if kept.is_some() {
                return Ok(Some(id.to_string()));
            }
            // Some make two of one request, and nothing more may have to be said of the change.
            let marked = self.marked(talk, place, "notes_after", &base, &marker)?;
            let made = self.of_ours(talk, &marked, Some(id))?;
            self.without_surplus(talk, place, &base, made.get(1..).unwrap_or_default())?;
            return Ok(Some(made.first().unwrap_or(&id).to_string()));
        }
        if kept.is_none() && mark == "success" {
            return Ok(None);
        }
        let text = format!("**{}**\n\n{}\n\n{marker}", card.number, words::markdown(talk));
        let step = if was_gone { "note_anew" } else { "note" };
        let (verb, path) = match kept {
            Some(id) => (Verb::Put, format!("{base}/{id}")),
            None => (Verb::Post, base),
        };
        let ask = self.api.ask(step, verb, place.project, &path, talk.session);
        Err(Step::Send(ask.json(&json!({ "body": text }))))
    }

    /// Those of the newest notes of a merge request that have our mark, and who wrote them. One that is larger than an
    /// answer may be is none of ours.
    fn marked(
        &self,
        talk: &Talk<'_>,
        place: &Place<'_>,
        step: &'static str,
        base: &str,
        marker: &str,
    ) -> Said<Vec<(u64, Option<u64>)>> {
        let (mut rows, mut page, mut looked) = (NOTES, 1, 0);
        let mut marked = Vec::new();
        for exchange in talk.so_far.iter().filter(|exchange| exchange.step == step) {
            looked += 1;
            if is_too_large(exchange) {
                // A smaller page that begins with the same note.
                (rows, page) = match smaller(rows) {
                    Some(fewer) => (fewer, (page - 1) * (rows / fewer) + 1),
                    None => (rows, page + 1),
                };
                continue;
            }
            let answer = answers::json(exchange)?;
            let listed = answer.as_array();
            let listed =
                listed.ok_or_else(|| not_understood("the answer is not a list of notes"))?;
            marked.extend(listed.iter().filter_map(|note| own_note(note, marker)));
            page += 1;
            if listed.len() < rows as usize || (page - 1) * rows >= NOTES {
                return Ok(marked);
            }
        }
        if looked >= LOOKS {
            return Ok(marked);
        }
        let path = format!("{base}?sort=desc&order_by=created_at&per_page={rows}&page={page}");
        Err(Step::Send(self.api.ask(step, Verb::Get, place.project, &path, talk.session)))
    }

    /// Ids of marked notes that our own account made, the oldest first: anybody can write the mark.
    fn of_ours(
        &self,
        talk: &Talk<'_>,
        marked: &[(u64, Option<u64>)],
        known: Option<u64>,
    ) -> Said<Vec<u64>> {
        let Some((_, any)) = marked.first() else { return Ok(Vec::new()) };
        let us = match marked.iter().find(|(id, _)| Some(*id) == known) {
            Some((_, author)) => *author,
            // Where it is not said who wrote a note, nobody can be told apart.
            None if any.is_none() => None,
            None => {
                let Some(looked) = talk.last("us") else {
                    let url = format!("{}/user", self.api.url);
                    let ask = Ask::new("us", Verb::Get, url).header("accept", "application/json");
                    return Err(Step::Send(ask.by(talk.session)));
                };
                let answer = answers::json(looked)?;
                let id = answer.get("id").and_then(Value::as_u64);
                Some(id.ok_or_else(|| not_understood("the answer is not our account"))?)
            }
        };
        let ours = marked.iter().filter(|(_, author)| *author == us);
        let mut ids: Vec<u64> = ours.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        // A note that somebody adds while pages are read shows the last one of a page again.
        ids.dedup();
        Ok(ids)
    }

    /// A note that was made twice is kept once.
    fn without_surplus(
        &self,
        talk: &Talk<'_>,
        place: &Place<'_>,
        base: &str,
        surplus: &[u64],
    ) -> Said<()> {
        let removed = talk.so_far.iter().filter(|exchange| exchange.step == "surplus");
        for exchange in removed.clone().filter(|exchange| !is_status(exchange, &[404])) {
            answers::done(exchange)?;
        }
        match surplus.get(removed.count()) {
            None => Ok(()),
            Some(id) => {
                let path = format!("{base}/{id}");
                let ask = self.api.ask("surplus", Verb::Delete, place.project, &path, talk.session);
                Err(Step::Send(ask))
            }
        }
    }

    /// Approves or rejects the deployment that waits, where it asked by itself: anybody may say of themselves that they
    /// are some run, so only one that was heard to wait is answered.
    fn answered(&self, talk: &Talk<'_>) -> Said<()> {
        let Some(decision) = talk.effect.decision.as_ref().filter(|it| it.asked_by.is_some())
        else {
            return Ok(());
        };
        let status = match decision.answer {
            Decision::Allow if decision.lets_go(talk.now) => "approved",
            Decision::Deny => "rejected",
            Decision::Allow | Decision::Wait => return Ok(()),
        };
        let ours = format!("gitlab:{}", self.api.host);
        let run = decision.run.as_ref().filter(|run| self.api.deployments && run.system == ours);
        let Some((project, id)) = run.and_then(|run| run.id.rsplit_once("/deployments/")) else {
            return Ok(());
        };
        if !is_number(id) {
            return Ok(());
        }
        let Some(sent) = talk.last("approval") else {
            let body =
                json!({ "status": status, "comment": cut(&words::plain(talk).join("\n"), 900) });
            let path = format!("deployments/{id}/approval");
            let ask = self.api.ask("approval", Verb::Post, project, &path, talk.session);
            return Err(Step::Send(ask.json(&body)));
        };
        // It was decided in the meantime, or by us before an answer was lost.
        if is_status(sent, &[400, 404, 409]) {
            return Ok(());
        }
        let echoed = answers::json(sent)?;
        match echoed.get("status").and_then(Value::as_str) == Some(status) {
            true => Ok(()),
            false => Err(not_understood("the answer is not the approval that was sent")),
        }
    }
}

/// How it reads on the commit; nothing where nothing has to be said there.
fn mark(talk: &Talk<'_>, card: &ChangeCard) -> Option<&'static str> {
    match talk.effect.tell {
        Told::GateDecided => Some(match talk.effect.decision.as_ref()?.answer {
            Decision::Allow => "success",
            Decision::Deny => "failed",
            Decision::Wait => "pending",
        }),
        Told::ChangeEnded => Some(match card.outcome {
            Some(ChangeOutcome::Successful | ChangeOutcome::SuccessfulWithIssues) => "success",
            Some(ChangeOutcome::Unsuccessful | ChangeOutcome::RolledBack) => "failed",
            None => "canceled",
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

/// A note with our mark, and who wrote it.
fn own_note(note: &Value, marker: &str) -> Option<(u64, Option<u64>)> {
    let ours = note.get("body").and_then(Value::as_str).is_some_and(|body| body.contains(marker));
    let author = note.pointer("/author/id").and_then(Value::as_u64);
    note.get("id").and_then(Value::as_u64).filter(|_| ours).map(|id| (id, author))
}
