//! Setting an account back: one person asks for it, and a second one agrees.
//!
//! Whoever gets the code of an account could come in as its person. So it takes two wherever there is another who could
//! agree, and one alone only where there is none: whoever is the last to manage accounts must be able to let the others in.

use jiff::{SignedDuration, Timestamp};

use super::another::another;
use super::event::{ResetAsked, ResetConfirmed, ResetRefused};
use super::second::manages_accounts;
use super::{Proposer, Reset, decide, everywhere, still_may};
use crate::event::Event;
use crate::ids::PersonId;
use crate::organisation::Organisation;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::standing::Standing;
use crate::stop::reason_given;

/// For how long it is remembered that somebody could have agreed.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whether setting an account back takes a second person: where the organisation always wants one, and where somebody
/// beside the two could agree to it, or could within the last week.
pub fn reset_takes_two(
    standing: &Standing,
    person: &PersonId,
    by: &PersonId,
    now: Timestamp,
) -> bool {
    let Organisation { settings, .. } = &standing.organisation;
    let is_other = |it: &PersonId| it != person && it != by;
    let lately = |until: &Timestamp| until.saturating_add(REMEMBERED).is_ok_and(|end| now < end);
    settings.second_person == Some(true)
        || manages_accounts(standing).any(is_other)
        || standing.access.managers_until.iter().any(|(it, until)| is_other(it) && lately(until))
}

/// Asks for it. It does nothing until a second person agrees.
pub fn ask(standing: &Standing, asked: ResetAsked, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    not_own(&asked.person, &asked.by)?;
    let account = standing.access.accounts.get(&asked.person);
    if !account.is_some_and(|account| account.enrolled) {
        return Err(Refusal::conflict(
            "account_not_set_up",
            "nobody has set a password for this account yet",
            "one person is enough to make another code: `sluice account create`",
        ));
    }
    reason_given(&asked.reason)?;
    if standing.access.resets.get(&asked.person).is_some_and(|reset| reset.waits(now)) {
        let message = format!("it was asked already to set the account of {} back", asked.person);
        let help = "confirm or refuse that: see `sluice account list`";
        return Err(Refusal::conflict("reset_waits", message, help));
    }
    Ok(vec![asked.into()])
}

/// A second person agrees, and hands the code over.
pub fn confirm(
    standing: &Standing,
    person: &PersonId,
    by: &PersonId,
    now: Timestamp,
) -> Result<ResetConfirmed, Refusal> {
    let reset = found(standing, person, now)?;
    not_own(person, by)?;
    let words = ("whoever asked to set an account back cannot confirm it", "account.manage");
    another(standing, &reset.asked.by, by, now, words)?;
    let ResetAsked { by: asker, groups, .. } = &reset.asked;
    let proposer = Proposer { person: asker, groups: groups.as_ref(), at: reset.at };
    still_may(standing, proposer, Permission::AccountManage, everywhere)?;
    let (person, asked_by) = (person.clone(), reset.asked.by.clone());
    Ok(ResetConfirmed { person, by: by.clone(), asked_by })
}

/// Nothing becomes of it: somebody who could agree refuses, whoever asked takes it back, or its person objects.
pub fn refuse(
    standing: &Standing,
    person: &PersonId,
    by: &PersonId,
    because: &str,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    found(standing, person, now)?;
    reason_given(because)?;
    let (person, by, because) = (person.clone(), by.clone(), because.to_owned());
    Ok(vec![ResetRefused { person, by, because }.into()])
}

/// What waits.
pub fn found<'a>(
    standing: &'a Standing,
    person: &PersonId,
    now: Timestamp,
) -> Result<&'a Reset, Refusal> {
    let reset = standing.access.resets.get(person).map(AsRef::as_ref);
    reset.filter(|reset| reset.waits(now)).ok_or_else(|| {
        let message = format!("nobody asks to set the account of {person} back");
        Refusal::missing("reset_unknown", message, "see `sluice account list`")
    })
}

impl Reset {
    /// Whether it waits for a second person at a time.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.at.saturating_add(decide::WAITS).is_ok_and(|end| now < end)
    }
}

fn not_own(person: &PersonId, by: &PersonId) -> Result<(), Refusal> {
    if person != by {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "own_account",
        "nobody manages their own account",
        "ask another person with `account.manage`",
    ))
}
