//! What people would like to do with a change, said by a button in a chat.
//!
//! A chat does not know who sits before it as well as a session does, so that nothing follows from a wish for the change:
//! no approval, no rejection. Whoever wished is told, alone, how the change stands and where to decide.

use jiff::SignedDuration;
use sluice_core::change::{ApprovalVerdict, Change, ChangeState};
use sluice_core::effect::{Effect, ReplyCard, Tell};
use sluice_core::ids::Digest;

use super::Correlation;
use crate::owe::owed;

/// For so long an answer reaches whoever pressed.
const REACHED: SignedDuration = SignedDuration::from_mins(30);

/// A wish, and where its answer goes.
pub(super) struct Wished<'a> {
    pub(super) intent: &'a str,
    pub(super) entity: &'a str,
    pub(super) wish: ApprovalVerdict,
    pub(super) revision: &'a Digest,
    pub(super) to: &'a str,
}

/// What comes of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    DecideOnPage,
    OtherRevision,
    NothingToDecide,
    UnknownChange,
}

impl Outcome {
    fn of(change: Option<&Change>, revision: &Digest) -> Self {
        match change {
            None => Self::UnknownChange,
            Some(change) if change.state.is_over() => Self::NothingToDecide,
            Some(change) if change.revision.digest != *revision => Self::OtherRevision,
            Some(change) if change.state < ChangeState::Scheduled => Self::DecideOnPage,
            Some(_) => Self::NothingToDecide,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::DecideOnPage => "decide_on_page",
            Self::OtherRevision => "other_revision",
            Self::NothingToDecide => "nothing_to_decide",
            Self::UnknownChange => "unknown_change",
        }
    }

    fn text(self, entity: &str, wish: ApprovalVerdict, page: &str) -> String {
        let wish = match wish {
            ApprovalVerdict::Approve => "approve",
            ApprovalVerdict::Reject => "reject",
        };
        match self {
            Self::DecideOnPage => format!(
                "To {wish} {entity}, decide on its page, where you show who you are: {page}\nNothing was decided here."
            ),
            Self::OtherRevision => format!(
                "{entity} is another thing now than when this was asked. Look at it before you {wish} it: {page}\nNothing was decided here."
            ),
            Self::NothingToDecide => format!("{entity} no longer waits for anybody: {page}"),
            Self::UnknownChange => {
                format!("There is no open change {entity}: it is over, or never was.")
            }
        }
    }
}

impl Correlation<'_> {
    /// Owes whoever wished an answer. The change stays as it is.
    pub(super) fn wished(&mut self, wished: &Wished<'_>) {
        let told = self.standing.organisation.links.get(self.link.as_str());
        if told.is_none_or(|link| link.tell.is_none()) {
            return;
        }
        let outcome = Outcome::of(self.change_named(wished.entity).as_deref(), wished.revision);
        let page = match self.engine.public_url() {
            Some(base) => format!("{}/changes/{}", base.trim_end_matches('/'), wished.entity),
            None => "on the pages of Sluice".to_owned(),
        };
        let record = format!("intent/{}", wished.intent);
        let line = format!("a button for {} was pressed: {}", wished.entity, outcome.as_str());
        let effect = Effect {
            reply: Some(ReplyCard {
                to: wished.to.to_owned(),
                outcome: outcome.as_str().to_owned(),
                text: outcome.text(wished.entity, wished.wish, &page),
                until: self.now.checked_add(REACHED).unwrap_or(self.now),
            }),
            ..Effect::aside(record.clone(), record, Tell::IntentAnswered, self.now, line)
        };
        self.rows.push(owed(self.link, &effect));
    }
}
