//! The conversation about a message: say it once, and look whether it was taken.

use jiff::Timestamp;

use super::config::Config;
use super::{Channel, turn};
use crate::kit::answers::{self, not_understood};
use crate::tell::{
    Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial,
    Trouble,
};

/// A channel that takes messages.
pub(super) struct AlertLink {
    pub(super) config: Config,
    pub(super) channel: &'static dyn Channel,
}

impl Tell for AlertLink {
    fn outlet(&self) -> &Outlet {
        &self.config.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        &self.config.credential
    }

    fn pace(&self) -> Pace {
        self.config.pace
    }

    fn authenticate(&self, _: &[Exchange], with: &Credentials, _: Timestamp) -> Step<Session> {
        let [name] = self.config.credential;
        match with.text(name) {
            None => {
                Step::Retry(Trouble::new(Because::Auth, "a credential of the link is not there"))
            }
            Some(token) if self.config.bearer => Step::Done(Session {
                headers: vec![("authorization", format!("Bearer {token}"))],
                until: None,
            }),
            Some(_) => Step::Done(Session::default()),
        }
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        if let Some(sent) = talk.last("say") {
            return match self.channel.said(sent) {
                Ok(()) | Err(Step::Done(())) => Step::Done(Receipt::plain()),
                Err(Step::Send(ask) | Step::SendKnowing((), ask)) => Step::Send(ask),
                Err(Step::Retry(trouble)) => Step::Retry(trouble),
                Err(Step::GiveUp(trouble)) => Step::GiveUp(trouble),
            };
        }
        if talk.late && self.channel.keeps_alerts() && turn(talk.effect.tell).is_some() {
            return Step::Done(Receipt::plain());
        }
        match self.channel.say(&self.config, talk) {
            Ok(Some(ask)) => Step::Send(ask.by(talk.session)),
            Ok(None) => Step::Done(Receipt::plain()),
            Err(detail) => Step::Retry(Trouble::new(Because::Auth, detail)),
        }
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => Step::Send(self.channel.test(&self.config, talk.session)),
            Some(exchange) => match answers::replied(exchange) {
                // What these systems take is a message; that they answer is all there is to see without one.
                Ok(reply) if matches!(reply.status, 401 | 403) && self.config.bearer => {
                    answers::refused(reply)
                }
                Ok(reply) if reply.status < 500 => Step::Done(
                    "the host answers; whether it takes messages shows the first one".to_owned(),
                ),
                Ok(_) => not_understood("the host failed"),
                Err(step) => step,
            },
        }
    }
}
