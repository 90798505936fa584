//! Telling by mail. The answers of a mail server are the codes of RFC 5321.

use jiff::Timestamp;
use sluice_core::change::ChangeKind;
use sluice_core::effect::{Effect, Subject};

use super::compose;
use super::config::Config;
use crate::kit::answers;
use crate::tell::{
    Ask, Audience, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk,
    Tell, Trial, Trouble, Verb,
};

/// A mail server, and those who get mail from it.
pub(super) struct MailLink {
    pub(super) config: Config,
}

impl Tell for MailLink {
    fn outlet(&self) -> &Outlet {
        &self.config.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        if self.config.user.is_some() { &["password"] } else { &[] }
    }

    fn pace(&self) -> Pace {
        self.config.pace
    }

    fn audience(&self, _: &Effect) -> Vec<Audience> {
        self.config.to.clone()
    }

    fn domain(&self) -> Option<&str> {
        Some(self.config.from.domain())
    }

    fn held_until(&self, effect: &Effect, now: Timestamp) -> Option<Timestamp> {
        if cannot_wait(effect) {
            return None;
        }
        let gathered = self.config.digest.and_then(|window| effect.at.checked_add(window).ok());
        let gathered = gathered.filter(|until| *until > now);
        let quiet =
            self.config.quiet.as_ref().and_then(|quiet| quiet.ends(gathered.unwrap_or(now)));
        quiet.or(gathered)
    }

    fn holds_any(&self) -> bool {
        self.config.digest.is_some() || self.config.quiet.is_some()
    }

    fn gathers(&self, effect: &Effect) -> bool {
        self.config.digest.is_some() && !cannot_wait(effect)
    }

    fn gathers_any(&self) -> bool {
        self.config.digest.is_some()
    }

    fn authenticate(&self, _: &[Exchange], with: &Credentials, _: Timestamp) -> Step<Session> {
        let Some(user) = &self.config.user else { return Step::Done(Session::default()) };
        match with.text("password") {
            None => {
                Step::Retry(Trouble::new(Because::Auth, "a credential of the link is not there"))
            }
            Some(secret) => {
                let kind = if self.config.is_token { "token" } else { "password" };
                let headers = vec![("user", user.clone()), (kind, secret.to_owned())];
                Step::Done(Session { headers, until: None })
            }
        }
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        if let Some(sent) = talk.last("mail") {
            return match taken(sent) {
                Ok(()) => Step::Done(reached(talk, sent)),
                Err(step) => step,
            };
        }
        if talk.comparing {
            // What was sent cannot be looked at.
            return Step::Done(Receipt::plain());
        }
        if talk.people.is_empty() {
            let detail = "nobody of those who should get it has a mail address";
            return Step::GiveUp(Trouble::new(Because::Client, detail));
        }
        let Some(message) = compose::message(&self.config, talk) else {
            return Step::GiveUp(Trouble::new(Because::Client, "no message can be made of it"));
        };
        let mut ask = Ask::new("mail", Verb::Post, self.config.url.clone())
            .header("mail-from", self.config.from.to_string());
        for person in talk.people {
            ask = ask.header("rcpt-to", person.address.clone());
        }
        ask.body = Some(("message/rfc822", message));
        Step::Send(ask.by(talk.session))
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => {
                Step::Send(Ask::new("test", Verb::Get, self.config.url.clone()).by(talk.session))
            }
            Some(exchange) => match taken(exchange) {
                Ok(()) => Step::Done("the mail server lets us in; no mail was sent".to_owned()),
                Err(step) => step,
            },
        }
    }
}

/// What people want to know in the night, and before the next digest.
fn cannot_wait(effect: &Effect) -> bool {
    let emergency = effect.change.as_ref().is_some_and(|card| card.kind == ChangeKind::Emergency);
    let subject = effect.tell.subject();
    emergency || matches!(subject, Subject::Stop | Subject::Incident)
}

/// The message was taken. That the server does not take it for some of those who should get it is a difference; those for
/// whom it does not now are told by themselves, as the others would get it again.
fn reached(talk: &Talk<'_>, sent: &Exchange) -> Receipt {
    let reply = sent.answer.as_ref().ok();
    let said = |name| reply.and_then(|reply| answers::header(reply, name)).unwrap_or_default();
    let refused: usize = said("refused").parse().unwrap_or(0);
    let later = said("deferred").split(',').filter_map(|place| place.parse().ok()).collect();
    let count = talk.people.len().to_string();
    let differs = (refused > 0).then(|| ("recipients", count, format!("{refused} are not taken")));
    Receipt { differs, later, ..Receipt::plain() }
}

/// Whether the server took it: exactly `250`.
fn taken<T>(exchange: &Exchange) -> Result<(), Step<T>> {
    let reply = answers::replied(exchange)?;
    let (because, detail) = match reply.status {
        250 => return Ok(()),
        // RFC 4954: credentials are wrong, expired, too weak, or wanted.
        432 | 454 | 530 | 534 | 535 | 538 => (Because::Auth, "the mail server does not let us in"),
        // RFC 5321: the service is not available, to nobody.
        421 => (Because::Unreachable, "the mail server goes away"),
        450 | 452 => (Because::RateLimited, "the mail server wants to be asked later"),
        500..=599 => {
            let detail = "the mail server does not take the message";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        _ => (Because::Server, "the mail server failed"),
    };
    Err(Step::Retry(Trouble::new(because, detail)))
}
