//! The conversation about a marker: after a lost answer look for it, then make it.

use jiff::Timestamp;

use super::Format;
use super::config::Config;
use crate::kit::answers;
use crate::tell::{Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial};

/// A system that shows markers.
pub(super) struct MarkerLink {
    pub(super) config: Config,
    pub(super) format: &'static dyn Format,
}

impl Tell for MarkerLink {
    fn outlet(&self) -> &Outlet {
        &self.config.outlet
    }

    fn keeps_every_answer(&self) -> bool {
        true
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
        match self.told(talk) {
            Ok(()) => Step::Done(Receipt::plain()),
            Err(Step::Done(())) => Step::Done(Receipt::plain()),
            Err(Step::Send(ask) | Step::SendKnowing((), ask)) => Step::Send(ask),
            Err(Step::Retry(trouble)) => Step::Retry(trouble),
            Err(Step::GiveUp(trouble)) => Step::GiveUp(trouble),
        }
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => Step::Send(self.format.test(&self.config, talk.session)),
            Some(exchange) => match self.format.tested(exchange) {
                Ok(()) => Step::Done("the account is accepted".to_owned()),
                Err(step) => step,
            },
        }
    }
}

impl MarkerLink {
    fn told(&self, talk: &Talk<'_>) -> Result<(), Step<()>> {
        if let Some(made) = talk.last("make") {
            return self.format.made(&answers::json(made)?);
        }
        if talk.attempt > 1 {
            match (talk.last("find"), self.format.find(&self.config, talk)) {
                (Some(found), _) => {
                    if self.format.found(&answers::json(found)?, talk) {
                        return Ok(());
                    }
                }
                (None, Some(find)) => return Err(Step::Send(find.by(talk.session))),
                (None, None) => {}
            }
        }
        Err(Step::Send(self.format.make(&self.config, talk).by(talk.session)))
    }
}
