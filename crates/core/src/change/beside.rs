//! What people do beside a change: say something, open its evidence, decide on several together.

use super::{Change, ChangeKind, event};
use crate::event::Event;
use crate::ids::{Digest, PersonId};
use crate::organisation::Settings;
use crate::refusal::{Refusal, RefusalNature};

/// The most comments on one change.
const COMMENTS: u32 = 500;

/// Opened evidence that one change remembers.
const LOOKS: usize = 500;

/// Somebody says something about a change, whether it is over or not.
pub fn comment(change: &Change, text: &str) -> Result<Vec<Event>, Refusal> {
    let length = text.trim().chars().count();
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !(1..=2_000).contains(&length) || text.chars().any(hidden) {
        return Err(Refusal::invalid(
            "bad_comment",
            "a comment has 1 to 2000 characters, none of them a control character",
            "say it in other words",
        ));
    }
    if change.comments >= COMMENTS {
        let message = format!("{} has {COMMENTS} comments", change.number);
        return Err(Refusal::conflict("too_many_comments", message, "talk about it elsewhere"));
    }
    Ok(vec![event::Commented { change: change.number, text: text.trim().to_owned() }.into()])
}

/// A person opens a piece of evidence. Only the first time at a revision is worth an entry.
pub fn look(
    change: &Change,
    person: &PersonId,
    kind: &str,
    name: &str,
) -> Result<Vec<Event>, Refusal> {
    if !change.evidence.iter().any(|it| it.kind == kind && it.name == name) {
        let message = format!("{} has no evidence `{name}` of type `{kind}`", change.number);
        return Err(Refusal::missing("evidence_unknown", message, "look at the change again"));
    }
    let revision = &change.revision.digest;
    let known = change.looks.iter().any(|look| {
        (&look.person, &look.revision, look.kind.as_str(), look.name.as_str())
            == (person, revision, kind, name)
    });
    if known || change.looks.len() >= LOOKS {
        return Ok(Vec::new());
    }
    let opened = event::EvidenceOpened {
        change: change.number,
        person: person.clone(),
        revision: revision.clone(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    Ok(vec![opened.into()])
}

/// Whether a change may be approved together with others: it is no emergency, its risk is known and within what the
/// settings say, and nothing speaks against it. Who may approve it, and at which revision, is asked as ever.
pub fn together(change: &Change, settings: &Settings, revision: &Digest) -> Result<(), Refusal> {
    let alone = |why: String| {
        Err(Refusal::new(
            RefusalNature::Conflict,
            "needs_own_look",
            why,
            "open the change and decide on it alone",
        ))
    };
    let Some(most) = settings.approve_together.most() else {
        return alone("approving several changes together is switched off".to_owned());
    };
    if change.revision.digest != *revision {
        return alone(format!("{} has been revised since it was shown", change.number));
    }
    if change.kind == ChangeKind::Emergency {
        return alone(format!("{} is an emergency", change.number));
    }
    match &change.risk {
        None => alone(format!("the risk of {} is not known", change.number)),
        Some(risk) if risk.level > most => {
            alone(format!("the risk of {} is {}", change.number, risk.level.as_str()))
        }
        Some(_) => Ok(()),
    }
}
