//! Telling Slack. An answer is `200` whatever became of it: `ok` counts.

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::effect::{ChangeCard, ReplyCard, Subject};

use super::blocks::{escaped, of_change, of_effect};
use super::config::Config;
use super::lookback::{self, Place};
use crate::kit::answers::{self, not_understood};
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial,
    Trouble, Verb,
};

/// A channel of a Slack workspace.
pub(super) struct SlackLink {
    pub(super) config: Config,
}

pub(super) type Said<T> = Result<T, Step<Receipt>>;

impl Tell for SlackLink {
    fn outlet(&self) -> &Outlet {
        &self.config.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        &["bot_token"]
    }

    fn pace(&self) -> Pace {
        self.config.pace
    }

    fn authenticate(&self, _: &[Exchange], with: &Credentials, _: Timestamp) -> Step<Session> {
        match with.text("bot_token") {
            None => {
                Step::Retry(Trouble::new(Because::Auth, "a credential of the link is not there"))
            }
            Some(token) => Step::Done(Session {
                headers: vec![("authorization", format!("Bearer {token}"))],
                until: None,
            }),
        }
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        let said = match (&talk.effect.reply, &talk.effect.change) {
            (Some(card), _) => self.replied(talk, card),
            (None, Some(card)) => self.in_thread(talk, card),
            (None, None) => self.alone(talk),
        };
        match said {
            Ok(receipt) => Step::Done(receipt),
            Err(step) => step,
        }
    }

    /// Who presses a button is reported by a delivery.
    fn wants_to_hear(&self) -> Option<&'static str> {
        self.config.buttons.then_some("buttons")
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => Step::Send(
                Ask::new("test", Verb::Post, self.config.method("auth.test"))
                    .json(&json!({}))
                    .by(talk.session),
            ),
            Some(exchange) => match ok(exchange) {
                Ok(_) => Step::Done("the bot's token is accepted".to_owned()),
                Err(step) => step,
            },
        }
    }
}

impl SlackLink {
    /// A message in the channel.
    fn alone(&self, talk: &Talk<'_>) -> Said<Receipt> {
        self.said(talk, "message", None, || of_effect(talk, false))?;
        Ok(Receipt::plain())
    }

    /// Says something to one person alone. There is half an hour for it, and nobody to tell afterwards.
    fn replied(&self, talk: &Talk<'_>, card: &ReplyCard) -> Said<Receipt> {
        let theirs = url::Url::parse(&card.to).ok().zip(url::Url::parse(&self.config.answers).ok());
        let is_theirs = theirs.is_some_and(|(to, answers)| to.origin() == answers.origin());
        if !is_theirs || talk.now > card.until {
            return Ok(Receipt::plain());
        }
        let Some(sent) = talk.last("answer") else {
            let body = json!({
                "response_type": "ephemeral", "replace_original": false,
                "text": escaped(&card.text, 3_000),
            });
            return Err(Step::Send(Ask::new("answer", Verb::Post, card.to.clone()).json(&body)));
        };
        let reply = answers::replied(sent)?;
        match reply.status {
            200 if reply.body == b"ok"
                || answers::parsed(reply).is_some_and(|said| said["ok"] == true) =>
            {
                Ok(Receipt::plain())
            }
            // The address has been used up, or has ended.
            400..=499 if reply.status != 429 => Ok(Receipt::plain()),
            _ => Err(not_understood("the answer does not say that it was taken")),
        }
    }

    /// The thread's first message is made or renewed; what is more than a change of its state is said below it.
    fn in_thread(&self, talk: &Talk<'_>, card: &ChangeCard) -> Said<Receipt> {
        let known = talk.known.get("thread").cloned();
        let (thread, is_new) = match known {
            Some(thread) => (thread, false),
            None => (self.said(talk, "thread", None, || of_change(talk, card))?, true),
        };
        let receipt = Receipt::plain().reference("thread", thread.clone());
        if talk.effect.tell.subject() == Subject::Change {
            if !is_new && !talk.late {
                self.renewed(talk, card, &thread)?;
            }
            return Ok(receipt);
        }
        self.said(talk, "reply", Some(&thread), || of_effect(talk, self.config.buttons))?;
        Ok(receipt)
    }

    /// Says something once, and gives its time stamp, which is its id.
    fn said(
        &self,
        talk: &Talk<'_>,
        step: &'static str,
        thread: Option<&str>,
        blocks: impl Fn() -> Vec<Value>,
    ) -> Said<String> {
        let key =
            if step == "thread" { talk.effect.entity.clone() } else { talk.effect.key.clone() };
        let place = Place { thread, key: &key };
        if let Some(sent) = talk.last(step) {
            let answer = ok(sent)?;
            let made = ts(&answer).ok_or_else(|| not_understood("the answer has no time stamp"))?;
            if !self.config.look_back {
                return Ok(made);
            }
            let looked = lookback::found(&self.config, talk, &place, lookback::After::Saying)?;
            return lookback::kept_once(&self.config, talk, &place, looked, Some(made));
        }
        if talk.attempt > 1 && self.config.look_back {
            let looked = lookback::found(&self.config, talk, &place, lookback::After::Loss)?;
            if !looked.is_empty() {
                return lookback::kept_once(&self.config, talk, &place, looked, None);
            }
        }
        let mut body = json!({
            "channel": self.config.channel,
            "text": escaped(&talk.effect.line, 1_000),
            "blocks": blocks(),
            "unfurl_links": false,
            "metadata": { "event_type": "sluice", "event_payload": { "key": key } },
        });
        if let Some(thread) = thread {
            body["thread_ts"] = json!(thread);
        }
        let ask = Ask::new(step, Verb::Post, self.config.method("chat.postMessage")).json(&body);
        Err(Step::Send(ask.by(talk.session)))
    }

    fn renewed(&self, talk: &Talk<'_>, card: &ChangeCard, thread: &str) -> Said<()> {
        match talk.last("renew") {
            Some(sent) => ok(sent).map(|_| ()),
            None => {
                let body = json!({
                    "channel": self.config.channel,
                    "ts": thread,
                    "text": escaped(&talk.effect.line, 1_000),
                    "blocks": of_change(talk, card),
                    "metadata": { "event_type": "sluice", "event_payload": { "key": talk.effect.entity } },
                });
                let ask =
                    Ask::new("renew", Verb::Post, self.config.method("chat.update")).json(&body);
                Err(Step::Send(ask.by(talk.session)))
            }
        }
    }
}

/// A successful answer whose `ok` is true, or what follows from the error that it names.
pub(super) fn ok<T>(exchange: &Exchange) -> Result<Value, Step<T>> {
    let answer = answers::json(exchange)?;
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(answer),
        None => Err(not_understood("the answer does not say whether it is ok")),
        Some(false) => Err(failed(answer.get("error").and_then(Value::as_str).unwrap_or_default())),
    }
}

fn failed<T>(error: &str) -> Step<T> {
    let retry = |because, detail| Step::Retry(Trouble::new(because, detail));
    match error {
        "ratelimited" | "rate_limited" => retry(Because::RateLimited, "too much at once"),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired"
        | "missing_scope" | "no_permission" => {
            retry(Because::Auth, "the bot's token is not accepted, or lacks a scope")
        }
        "not_in_channel" | "channel_not_found" | "is_archived" => {
            retry(Because::Auth, "the bot is not in the channel, or the channel is not there")
        }
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            retry(Because::Server, "Slack failed")
        }
        _ => Step::GiveUp(Trouble::new(Because::Client, "Slack does not take the message")),
    }
}

pub(super) fn ts(answer: &Value) -> Option<String> {
    let ts = answer.get("ts")?.as_str()?;
    let sound = ts.len() <= 40 && ts.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    sound.then(|| ts.to_owned())
}
