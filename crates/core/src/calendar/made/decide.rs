//! Proposing, agreeing and refusing.

use jiff::Timestamp;

use super::check::check;
use super::event::{Agreed, Deed, WindowEnded, WindowProposed, WindowRefused, WindowSet};
use super::state::is_long_over;
use crate::access::apart;
use crate::access::event::LoginGroups;
use crate::calendar::Window;
use crate::event::Event;
use crate::ids::{Digest, PersonId, ProposalId};
use crate::refusal::Refusal;
use crate::standing::Standing;
use crate::stop::reason_given;

/// The most windows that hold at a time, and the most proposals that wait.
const MOST: usize = 500;
/// The most proposals of one person that wait, so that nobody alone can fill the room of all.
const MOST_OF_ONE: usize = 50;

/// What somebody wants, and whether a second person has to agree.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The id that the proposal gets.
    pub proposal: ProposalId,
    /// What is to be done.
    pub deed: Deed,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub by: PersonId,
    /// The groups that their login said.
    pub groups: Option<LoginGroups>,
    /// When it can be confirmed at the earliest; none where no second person has to agree.
    pub from: Option<Timestamp>,
    /// Digest of the window that was looked at when this was written; over another one it is not wanted.
    pub seen: Option<Digest>,
}

/// Proposes to make, alter or end a window, or does so where nobody else has to agree.
pub fn propose(standing: &Standing, intent: Intent, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    reason_given(&intent.reason)?;
    let Intent { proposal, deed, reason, by, groups, from, seen } = intent;
    let known = standing.made.windows.get(deed.name());
    let over = known.map(|known| digest_of(&known.window));
    if seen.is_some() && seen != over {
        return Err(Refusal::conflict(
            "window_outdated",
            "the window was altered or ended since you looked at it",
            "look at it as it is now, and alter that",
        ));
    }
    match &deed {
        Deed::Set { window } => {
            if known.is_none() {
                room(standing, now)?;
            }
            check(&standing.organisation, window, now)?;
        }
        Deed::End { name } if known.is_none() => return Err(unknown(standing, name)),
        Deed::End { .. } => {}
    }
    let Some(from) = from else { return Ok(vec![done(deed, reason, by, None)]) };
    place_to_wait(standing, &by, now)?;
    Ok(vec![WindowProposed { proposal, deed, over, reason, by, groups, from }.into()])
}

/// A second person agrees; it holds from now on.
pub fn confirm(
    standing: &Standing,
    proposal: &ProposalId,
    by: &PersonId,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let proposed = waiting(standing, proposal, now)?;
    if proposed.by == *by {
        return Err(Refusal::forbidden(
            "same_person",
            "whoever proposed it cannot confirm it",
            "ask a second person with `calendar.edit`",
        ));
    }
    apart(standing, &proposed.by, by, now)?;
    if now < proposed.from {
        let message = format!("it can be confirmed from {} on", proposed.from);
        return Err(Refusal::conflict("cooling_off", message, "wait until then"));
    }
    let stands = standing.made.windows.get(proposed.deed.name());
    if stands.map(|stands| digest_of(&stands.window)) != proposed.over {
        return Err(Refusal::conflict(
            "window_outdated",
            "the window was altered or ended since this was proposed",
            "refuse it, and propose it again over what stands now",
        ));
    }
    if let Deed::Set { window } = &proposed.deed {
        if stands.is_none() {
            room(standing, now)?;
        }
        check(&standing.organisation, window, now)?;
    }
    let agreed = Agreed { proposal: proposal.clone(), by: by.clone() };
    let WindowProposed { deed, reason, by, .. } = proposed.clone();
    Ok(vec![done(deed, reason, by, Some(agreed))])
}

/// Somebody refuses a proposal, or takes their own back.
pub fn refuse(
    standing: &Standing,
    proposal: &ProposalId,
    by: &PersonId,
    because: &str,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let proposed = waiting(standing, proposal, now)?;
    reason_given(because)?;
    let refused = WindowRefused {
        proposal: proposal.clone(),
        name: proposed.deed.name().to_owned(),
        by: by.clone(),
        because: because.to_owned(),
    };
    Ok(vec![refused.into()])
}

fn waiting<'a>(
    standing: &'a Standing,
    proposal: &ProposalId,
    now: Timestamp,
) -> Result<&'a WindowProposed, Refusal> {
    let found = standing.made.proposals.get(proposal).filter(|it| it.waits(now));
    found.map(|it| &it.proposed).ok_or_else(|| {
        let message = format!("no proposal `{proposal}` waits");
        Refusal::missing("proposal_unknown", message, "list what waits for a second person")
    })
}

fn done(deed: Deed, reason: String, by: PersonId, agreed: Option<Agreed>) -> Event {
    match deed {
        Deed::Set { window } => WindowSet { window, reason, by, agreed }.into(),
        Deed::End { name } => WindowEnded { name, reason, by, agreed }.into(),
    }
}

fn room(standing: &Standing, now: Timestamp) -> Result<(), Refusal> {
    let windows = standing.made.windows.values();
    if windows.filter(|it| !is_long_over(&it.window.schedule, now)).count() < MOST {
        return Ok(());
    }
    let message = format!("{MOST} windows were made here already");
    Err(Refusal::conflict("too_many_windows", message, "end some, or declare them in files"))
}

fn place_to_wait(standing: &Standing, by: &PersonId, now: Timestamp) -> Result<(), Refusal> {
    let waiting = standing.made.proposals.values().filter(|it| it.waits(now));
    let (mut all, mut own) = (0, 0);
    for it in waiting {
        all += 1;
        own += usize::from(it.proposed.by == *by);
    }
    let (message, help) = match (all, own) {
        (_, MOST_OF_ONE..) => {
            (format!("{own} proposals of yours wait already"), "take some back, or wait")
        }
        (MOST.., _) => {
            (format!("{all} proposals wait for a second person"), "confirm or refuse some")
        }
        _ => return Ok(()),
    };
    Err(Refusal::conflict("too_many_proposals", message, help))
}

fn unknown(standing: &Standing, name: &str) -> Refusal {
    if standing.organisation.windows.contains_key(name) {
        return Refusal::conflict(
            "declared_in_files",
            format!("the window `{name}` is declared in the organisation's files"),
            "alter it there, and apply them: `sluice apply DIR`",
        );
    }
    if let Some(theirs) = standing.theirs.get(name) {
        return Refusal::conflict(
            "kept_elsewhere",
            format!("the window `{name}` is kept in `{}`", theirs.link),
            "end it there; it is read back within minutes",
        );
    }
    let message = format!("no window `{name}` was made here");
    Refusal::missing("window_unknown", message, "list the windows: `sluice calendar window list`")
}

/// What names a window as it stands.
pub fn digest_of(window: &Window) -> Digest {
    Digest::of(&serde_json::to_vec(window).unwrap_or_default())
}
