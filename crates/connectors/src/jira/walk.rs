//! Walking an issue to where the change stands, by the transitions that its workflow offers, and leaving a comment.
//!
//! Ids of transitions belong to a workflow, so they are looked up by the status they lead to, each time.

use serde_json::{Value, json};
use sluice_core::change::{ChangeKind, ChangeState};
use sluice_core::effect::{ChangeCard, Tell as Told};

use super::config::{Config, is_same};
use super::record::{self, api, ask};
use super::wire::{Row, document};
use crate::kit::answers::{self, is_status, not_understood};
use crate::kit::pages::{is_too_large, smaller};
use crate::kit::words::{self, marker};
use crate::tell::{Ask, Because, Exchange, Receipt, Step, Talk, Trouble, Verb};

type Walked<T> = Result<T, Step<Receipt>>;

/// How many of the newest comments are looked through, and how often at most, where there are less on a page.
const COMMENTS: u32 = 100;
const LOOKS: u32 = 12;

/// Brings the issue to where the change stands; gives what it differs in, where it was moved by somebody else.
pub(super) fn walk(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
) -> Walked<Option<String>> {
    let way = Way::so_far(talk, row)?;
    if way.moved {
        return Err(Step::Send(record::read_ask(config, "look_again", &row.id).by(talk.session)));
    }
    let Some(theirs) = config.statuses.state_of(&way.status) else {
        return Ok(Some(way.status));
    };
    let wanted = match next(config, card, &way.status, theirs) {
        Next::There => return Ok(None),
        // They have to act before the issue can follow. Whoever compares is told so, and so is everybody when ours is
        // over: nobody may act over there any more.
        Next::Wait if talk.comparing || card.state.is_over() => {
            return Ok(Some(theirs.as_str().to_owned()));
        }
        Next::Wait => return Ok(None),
        Next::Differs => return Ok(Some(theirs.as_str().to_owned())),
        Next::Move(wanted) => wanted,
    };
    let Some(offered) = way.offered else {
        let url = format!("{}/issue/{}/transitions", api(config), row.id);
        return Err(Step::Send(ask("transitions", Verb::Get, url).by(talk.session)));
    };
    let chosen = wanted.iter().find_map(|state| {
        let status = config.statuses.of(*state, card.outcome)?;
        offered.iter().find(|(to, _)| is_same(to, status))
    });
    match chosen {
        Some((_, id)) => {
            let url = format!("{}/issue/{}/transitions", api(config), row.id);
            let body = json!({ "transition": { "id": id } });
            Err(Step::Send(ask("move", Verb::Post, url).json(&body).by(talk.session)))
        }
        None => {
            let detail =
                "the workflow offers the account no transition to the status that is named";
            Err(Step::GiveUp(Trouble::new(Because::Client, detail)))
        }
    }
}

/// How far the conversation has brought the issue.
struct Way {
    status: String,
    /// Statuses that can be reached, with the id of the transition.
    offered: Option<Vec<(String, String)>>,
    /// Whether it was moved and not looked at since.
    moved: bool,
}

impl Way {
    fn so_far(talk: &Talk<'_>, row: &Row) -> Walked<Self> {
        let mut way = Self { status: row.status.clone(), offered: None, moved: false };
        for exchange in talk.so_far {
            match exchange.step {
                "transitions" => way.offered = Some(transitions(exchange)?),
                "move" if is_status(exchange, &[409]) => {
                    let detail = "another transition of the issue is going on";
                    return Err(Step::Retry(Trouble::new(Because::Server, detail)));
                }
                "move" => {
                    answers::done(exchange)?;
                    way.moved = true;
                }
                "look_again" => {
                    let now = record::read_row(exchange, &row.id)?;
                    if now.status == way.status {
                        let detail = "the transition was taken and the status is the same";
                        return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
                    }
                    way = Self { status: now.status, offered: None, moved: false };
                }
                _ => {}
            }
        }
        Ok(way)
    }
}

fn transitions(exchange: &Exchange) -> Walked<Vec<(String, String)>> {
    let answer = answers::json(exchange)?;
    let listed = answer.get("transitions").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of transitions"))?;
    Ok(listed
        .iter()
        .filter_map(|one| {
            let to = one.pointer("/to/name")?.as_str()?;
            let id = one.get("id")?.as_str()?;
            Some((to.to_owned(), id.to_owned()))
        })
        .collect())
}

enum Next {
    There,
    /// They have to act before it can go on.
    Wait,
    /// They are where we do not bring it; nothing is overwritten.
    Differs,
    /// To the first of these that the workflow offers.
    Move(Vec<ChangeState>),
}

/// `theirs` is the first of our states that `status` stands for: small workflows have one for several.
fn next(config: &Config, card: &ChangeCard, status: &str, theirs: ChangeState) -> Next {
    let is_shown = |state: ChangeState| {
        config.statuses.of(state, card.outcome).is_some_and(|name| is_same(name, status))
    };
    if theirs == card.state || is_shown(card.state) {
        return Next::There;
    }
    if theirs.is_over() {
        return Next::Differs;
    }
    if card.state == ChangeState::Canceled {
        return Next::Move(vec![ChangeState::Canceled]);
    }
    let path = config.statuses.path();
    let Some(target) = path.iter().rev().find(|state| **state <= card.state).copied() else {
        return Next::There;
    };
    if target == theirs || is_shown(target) {
        return Next::There;
    }
    if target < theirs {
        return Next::Differs;
    }
    let ahead = path.into_iter().filter(|state| *state > theirs && *state <= target);
    let ahead: Vec<ChangeState> = ahead.filter(|state| !is_shown(*state)).collect();
    let theirs_to_say = config.theirs && card.kind != ChangeKind::Standard;
    let ours = |state: &ChangeState| {
        !theirs_to_say || *state <= ChangeState::Authorize || theirs > ChangeState::Authorize
    };
    // The farthest first: a workflow may lead there at once. What others have to say yes to is not jumped over.
    let allowed: Vec<ChangeState> = ahead.into_iter().filter(ours).rev().collect();
    if allowed.is_empty() { Next::Wait } else { Next::Move(allowed) }
}

/// Leaves a comment, unless it is there already. What a status shows needs none.
pub(super) fn comment(config: &Config, talk: &Talk<'_>, row: &Row) -> Walked<()> {
    if matches!(talk.effect.tell, Told::ChangeOpened | Told::ChangeMoved) {
        return Ok(());
    }
    let marker = marker(talk);
    if let Some(written) = talk.last("comment") {
        let answer = answers::json(written)?;
        return if record::has_marker(&answer, &marker) {
            Ok(())
        } else {
            Err(not_understood("the answer is not the comment that was written"))
        };
    }
    let url = format!("{}/issue/{}/comment", api(config), row.id);
    if is_written(talk, &marker, &url)? {
        return Ok(());
    }
    Err(Step::Send(written(config, talk, &marker, url)))
}

/// Whether the mark is among the newest comments of an issue. A comment that is larger than an answer may be is none of
/// ours.
fn is_written(talk: &Talk<'_>, marker: &str, url: &str) -> Walked<bool> {
    let (mut rows, mut start, mut looked) = (COMMENTS, 0, 0);
    for exchange in talk.so_far.iter().filter(|exchange| exchange.step == "comments") {
        looked += 1;
        if is_too_large(exchange) {
            match smaller(rows) {
                Some(fewer) => rows = fewer,
                None => start += rows,
            }
            continue;
        }
        let answer = answers::json(exchange)?;
        let listed = answer.get("comments").and_then(Value::as_array);
        let listed =
            listed.ok_or_else(|| not_understood("the answer is not a list of comments"))?;
        if listed.iter().any(|comment| record::has_marker(comment, marker)) {
            return Ok(true);
        }
        start += rows;
        if listed.len() < rows as usize || start >= COMMENTS {
            return Ok(false);
        }
    }
    if looked >= LOOKS {
        return Ok(false);
    }
    let url = format!("{url}?orderBy=-created&startAt={start}&maxResults={rows}");
    Err(Step::Send(ask("comments", Verb::Get, url).by(talk.session)))
}

fn written(config: &Config, talk: &Talk<'_>, marker: &str, url: String) -> Ask {
    let mut lines = words::plain(talk);
    lines.push(format!("({marker})"));
    let mut body = json!({ "body": document(config.product, &lines) });
    if config.internal {
        body["properties"] = json!([{ "key": "sd.public.comment", "value": { "internal": true } }]);
    }
    ask("comment", Verb::Post, url).json(&body).by(talk.session)
}
