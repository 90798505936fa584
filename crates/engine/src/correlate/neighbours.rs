//! What people did with our records at a neighbour.
//!
//! Where the neighbour has the authority, its approvals count, by the same rules as all: whoever gave one has to be a
//! person that is known here, with a say, and without a hand in the change. Where both sides differ, that is recorded
//! and nothing is overwritten.

use jiff::Timestamp;
use sluice_core::change::command::{Approve, Cancel};
use sluice_core::change::{self, ApprovalVerdict, Change, ChangeState};
use sluice_core::ids::{ChangeNumber, Digest, PersonId};
use sluice_core::link::Disagreement;
use sluice_core::signal::Who;

use super::Correlation;
use sluice_organisation::Keys as _;

/// An approval that was given over there.
pub(super) struct Reported<'a> {
    pub(super) who: &'a Who,
    pub(super) verdict: ApprovalVerdict,
    pub(super) revision: &'a Digest,
    pub(super) comment: &'a str,
    pub(super) at: Timestamp,
}

impl Correlation<'_> {
    /// Takes over an approval, or records why it does not count.
    pub(super) fn approved_there(&mut self, entity: &str, reported: &Reported<'_>) {
        let Some(change) = self.change_named(entity) else { return };
        let theirs = match reported.verdict {
            ApprovalVerdict::Approve => "approved",
            ApprovalVerdict::Reject => "rejected",
        };
        let Some(person) = self.person(reported.who) else {
            return self.differ(entity, "approval", "approver_unknown", theirs);
        };
        // A word is about what could be seen when it was given, and not about what is shown since.
        let present = *reported.revision == change.revision.digest;
        if present && !self.news.showed(entity, reported.revision, reported.at) {
            return self.differ(entity, "approval", "revision_not_shown_then", theirs);
        }
        let command = Approve {
            change: change.number,
            person,
            on_behalf_of: None,
            verdict: reported.verdict,
            revision: reported.revision.clone(),
            reason: format!("{} ({}, {})", reported.comment, self.link, reported.at),
            auth_time: None,
            login: None,
            given_at: Some(reported.at),
        };
        let change = &self.standing.with_everybody(&change);
        match change::approve(change, &self.standing.organisation, &command, self.now) {
            Ok(mut events) => {
                crate::changes::settle(&self.standing, change, &mut events, self.now);
                self.extend(events);
            }
            Err((refusal, _)) if refusal.code == "already_given" => {}
            Err((refusal, recorded)) => {
                self.extend(recorded.map(|event| *event).into_iter().collect());
                let code = refusal.code.to_string();
                self.differ(entity, "approval", &code, theirs);
            }
        }
    }

    /// Compares the state of their record with ours.
    pub(super) fn moved_there(&mut self, entity: &str, state: &str, counts: bool) {
        let Some(change) = self.change_named(entity) else { return };
        if state == "deleted" && !change.state.is_over() {
            return self.differ(entity, "state", change.state.as_str(), state);
        }
        let Some(theirs) = state_named(state) else { return };
        if theirs == ChangeState::Canceled && counts && !change.state.is_over() {
            let because = format!("canceled in {}", self.link);
            match change::cancel(&change, &Cancel { change: change.number, because }) {
                Ok(events) => return self.extend(events),
                Err(refusal) => {
                    let code = refusal.code.to_string();
                    return self.differ(entity, "state", &code, state);
                }
            }
        }
        // Behind us they are told more. Ahead of us, or ended, somebody else has moved the record. Where they have
        // the authority, `scheduled` is theirs to say.
        let theirs_to_say = counts && theirs == ChangeState::Scheduled;
        if theirs > change.state && !theirs_to_say && !change.state.is_over() {
            self.differ(entity, "state", change.state.as_str(), state);
        }
    }

    pub(super) fn differ(&mut self, entity: &str, about: &str, ours: &str, theirs: &str) {
        self.push(Disagreement {
            link: self.link.clone(),
            entity: entity.to_owned(),
            about: about.to_owned(),
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
        });
    }

    pub(super) fn change_named(&self, entity: &str) -> Option<std::sync::Arc<Change>> {
        let number = ChangeNumber::parse(entity).ok()?;
        self.standing.changes.get(&number).cloned()
    }

    fn person(&self, who: &Who) -> Option<PersonId> {
        let named = [("email", who.email.as_deref()), ("account", who.account.as_deref())];
        named.into_iter().find_map(|(kind, value)| {
            let value = value?.trim().to_lowercase();
            let key = self.engine.signing().identity(kind, &value);
            self.standing.organisation.person_of(&key).cloned()
        })
    }
}

fn state_named(word: &str) -> Option<ChangeState> {
    let all = [
        ChangeState::New,
        ChangeState::Assess,
        ChangeState::Authorize,
        ChangeState::Scheduled,
        ChangeState::Implement,
        ChangeState::Review,
        ChangeState::Closed,
        ChangeState::Canceled,
    ];
    all.into_iter().find(|state| state.as_str() == word)
}
