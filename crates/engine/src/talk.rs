//! What people do beside a change: comments, evidence that was opened, and one word on several changes.

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::change::{self, ApprovalVerdict, Change, event};
use sluice_core::ids::{ChangeNumber, Digest};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::{Actor, Standing};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::changes::{ApprovalInput, unknown};
use crate::engine::Engine;
use crate::envelope::Envelope;
use crate::error::{EngineError, Unavailable};
use crate::sequencer::{Commit, Step};

/// The most changes that are approved by one word.
const TOGETHER: usize = 50;

/// The most comments of a change that are read.
const COMMENTS: u32 = 1_000;

/// Something that was said about a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comment {
    /// The entry that holds it.
    pub index: u64,
    /// Who said it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// One of several changes that a person approves, at the revision that they were shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// The change.
    pub change: ChangeNumber,
    /// What was shown of it.
    pub revision: Digest,
}

/// What became of one of several approvals.
#[derive(Debug)]
pub struct Together {
    /// The change.
    pub change: ChangeNumber,
    /// Its own answer: one that is refused does not hold up the others.
    pub result: Result<Answer<Change>, EngineError>,
}

impl Engine {
    /// Somebody who may edit or approve a change says something about it, open or over.
    pub async fn comment(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        text: String,
    ) -> Result<Answer<()>, EngineError> {
        // One that is over has left the standing, and its record is not written any more, so that nobody counted.
        let mut stored: Option<Change> = None;
        if !self.standing().changes.contains_key(&number) {
            let readers = self.readers().clone();
            let row = self.blocking(move || readers.change(number.0)).await?;
            stored = row.and_then(|row| serde_json::from_str(&row.body).ok());
        }
        if let Some(over) = &mut stored {
            let engine = self.clone();
            let said = tokio::task::spawn_blocking(move || engine.comments(number)).await;
            let said = said.map_err(|_| Unavailable::ledger("the reader was stopped"))??;
            over.comments = u32::try_from(said.len()).unwrap_or(u32::MAX);
        }
        let asker = caller.clone();
        let step = move |standing: &Standing, _: Timestamp| {
            let refuse = |refusal: Refusal| Step::Refuse(refusal.into(), None);
            let open = standing.changes.get(&number).map(AsRef::as_ref);
            let Some(change) = open.or(stored.as_ref()) else { return refuse(unknown(number)) };
            let edits = asker.covers_change(standing, Permission::ChangeEdit, change);
            if !edits && !asker.may_speak_of(standing, change) {
                return refuse(may_not_speak(number));
            }
            match change::comment(change, &text) {
                Ok(events) => Step::Record((), Commit::of(events, asker.actor())),
                Err(refusal) => refuse(refusal),
            }
        };
        let ((), done) = self.sequencer().submit(step).await?;
        Ok(Answer::of((), &done))
    }

    /// What was said about a change, oldest first. Blocking.
    pub fn comments(&self, number: ChangeNumber) -> Result<Vec<Comment>, EngineError> {
        let mut found = Vec::new();
        let stream = format!("change/{number}");
        for entry in self.readers().stream_of(&stream, "change.commented", COMMENTS)? {
            let Ok(envelope) = Envelope::parse(&entry.bytes) else { continue };
            let data = serde_json::from_str::<event::Commented>(envelope.data.get());
            let Ok(event::Commented { text, .. }) = data else { continue };
            found.push(Comment { index: entry.seq, by: envelope.actor, at: envelope.time, text });
        }
        Ok(found)
    }

    /// A person opens a piece of a change's evidence. Only the first time at a revision is recorded, and nothing once
    /// the change is over.
    pub async fn open_evidence(
        &self,
        caller: &Caller,
        number: ChangeNumber,
        kind: String,
        name: String,
    ) -> Result<(), EngineError> {
        let (person, _) = caller.require_session()?;
        if !self.standing().changes.contains_key(&number) {
            return Ok(());
        }
        self.edit(caller, Permission::ChangeRead, number, None, move |_, change, _| {
            change::look(change, &person, &kind, &name).map_err(|refusal| (refusal, None))
        })
        .await
        .map(|_| ())
    }

    /// A person approves several changes with one word, each at the revision that they were shown. Each is decided on
    /// by itself; those that need a look of their own are refused.
    pub async fn approve_together(
        &self,
        caller: &Caller,
        picked: Vec<Picked>,
        reason: &str,
    ) -> Result<Vec<Together>, EngineError> {
        caller.require(Permission::ChangeApprove)?;
        caller.require_session()?;
        if !(1..=TOGETHER).contains(&picked.len()) {
            let message = format!("1 to {TOGETHER} changes are approved together");
            return Err(Refusal::invalid("over_limit", message, "pick fewer").into());
        }
        let mut answers = Vec::with_capacity(picked.len());
        for Picked { change, revision } in picked {
            let input = ApprovalInput {
                verdict: ApprovalVerdict::Approve,
                revision,
                reason: reason.to_owned(),
                on_behalf_of: None,
            };
            let result = self.vote(caller, change, None, input, true).await;
            answers.push(Together { change, result });
        }
        Ok(answers)
    }
}

fn may_not_speak(number: ChangeNumber) -> Refusal {
    Refusal::forbidden(
        "may_not_comment",
        format!("nothing of yours lets you say something about {number}"),
        "whoever may edit or approve a change may comment on it",
    )
}
