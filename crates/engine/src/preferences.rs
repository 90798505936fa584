//! How a person likes things, and what waits for them. Nothing is decided by any of it, and it is not in the ledger.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sluice_core::access::{Hand, RoleState, hands_of};
use sluice_core::approvals::waits_for;
use sluice_core::calendar::made::event::Deed;
use sluice_core::change::DebtKind;
use sluice_core::ids::PersonId;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_store::Row;
use sluice_store::rows::PreferenceRow;

use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::windows::has_say;

/// The most views that one person keeps.
const VIEWS: usize = 40;
/// The most things that are told to wait.
const WANTED: usize = 100;
/// What the names of views begin with.
const VIEW: &str = "view/";
/// Up to when a person has seen what waits.
const SEEN: &str = "seen";

/// A list with a filter, by the name that somebody gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedView {
    /// Its name.
    pub title: String,
    /// Its address within our pages.
    pub address: String,
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// What they are asked for.
    pub kind: WantedKind,
    /// The record: a change's number, a grant, a plan's digest.
    pub record: String,
    /// What it is about.
    pub title: String,
    /// Since when, or when something last happened to it.
    pub since: Timestamp,
    /// Whether that is later than they last looked.
    pub unseen: bool,
}

/// What a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedKind {
    /// A yes or no to a change.
    Approval,
    /// A review that their team owes.
    Debt,
    /// A second word on a role.
    Role,
    /// A second word on what decides about changes.
    Plan,
    /// A second word on the calendar.
    Window,
    /// A second word on an emergency path.
    BreakGlass,
    /// A look: somebody made their account, or set it back, or wants to.
    Account,
    /// A second word on setting an account back.
    Reset,
}

impl WantedKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Debt => "debt",
            Self::Role => "role",
            Self::Plan => "plan",
            Self::Window => "window",
            Self::BreakGlass => "break_glass",
            Self::Account => "account",
            Self::Reset => "reset",
        }
    }
}

impl Engine {
    /// The views that a person keeps, by name. Blocking.
    pub fn saved_views(&self, caller: &Caller) -> Result<Vec<SavedView>, EngineError> {
        let Some(person) = &caller.person else { return Ok(Vec::new()) };
        let rows = self.readers().preferences(person.as_str())?;
        let views = rows.into_iter().filter_map(|row| {
            let title = row.name.strip_prefix(VIEW)?.to_owned();
            Some(SavedView { title, address: row.value })
        });
        Ok(views.collect())
    }

    /// Keeps a view, in the place of one with the same name.
    pub async fn save_view(&self, caller: &Caller, view: SavedView) -> Result<(), EngineError> {
        let (person, _) = caller.require_session()?;
        let title = view.title.trim();
        let plain = |text: &str| !text.chars().any(char::is_control);
        if !(1..=60).contains(&title.chars().count()) || !plain(title) {
            let message =
                "the name of a view has 1 to 60 characters, none of them a control character";
            return Err(Refusal::invalid("bad_name", message, "name it in a few words").into());
        }
        let within = view.address.starts_with('/')
            && !view.address.starts_with("//")
            && view.address.len() <= 1_000
            && view.address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !within {
            let message =
                "a view is an address within these pages, such as `/changes?state=review`";
            return Err(Refusal::invalid("bad_address", message, "leave the host out").into());
        }
        let (readers, who) = (self.readers().clone(), person.clone());
        let known = self.blocking(move || readers.preferences(who.as_str())).await?;
        let name = format!("{VIEW}{title}");
        let others = known.iter().filter(|row| row.name.starts_with(VIEW) && row.name != name);
        if others.count() >= VIEWS {
            let message = format!("you keep {VIEWS} views");
            return Err(Refusal::conflict("too_many_views", message, "remove one first").into());
        }
        let row = PreferenceRow { person_id: person.to_string(), name, value: view.address };
        self.store_rows(vec![Row::Preference(row)]).await
    }

    /// Forgets a view.
    pub async fn remove_view(&self, caller: &Caller, title: &str) -> Result<(), EngineError> {
        let (person, _) = caller.require_session()?;
        let (person_id, name) = (person.to_string(), format!("{VIEW}{title}"));
        self.store_rows(vec![Row::RemovePreference { person_id, name }]).await
    }

    /// A person has seen what waits for them now.
    pub async fn mark_seen(&self, caller: &Caller) -> Result<(), EngineError> {
        let (person, _) = caller.require_session()?;
        let row = PreferenceRow {
            person_id: person.to_string(),
            name: SEEN.to_owned(),
            value: self.now().as_microsecond().to_string(),
        };
        self.store_rows(vec![Row::Preference(row)]).await
    }

    /// What waits for a person, the newest first. Blocking.
    pub fn wanted(&self, caller: &Caller) -> Result<Vec<Wanted>, EngineError> {
        let Some(person) = &caller.person else { return Ok(Vec::new()) };
        let rows = self.readers().preferences(person.as_str())?;
        let seen = rows.iter().find(|row| row.name == SEEN).and_then(|row| row.value.parse().ok());
        let seen: i64 = seen.unwrap_or(i64::MIN);
        let mut found = self.wanted_approvals(caller, person);
        found.extend(self.wanted_debts(caller, person));
        found.extend(self.wanted_words(caller, person));
        found.extend(self.wanted_looks(person));
        for one in &mut found {
            one.unseen = one.since.as_microsecond() > seen;
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.since));
        found.truncate(WANTED);
        Ok(found)
    }

    fn wanted_approvals(&self, caller: &Caller, person: &PersonId) -> Vec<Wanted> {
        if !caller.may(Permission::ChangeApprove) {
            return Vec::new();
        }
        let (standing, now) = (self.standing(), self.now());
        let mine = standing.changes.values().rev().filter(|change| {
            change.waiting
                && caller.may_speak_of(&standing, change)
                && waits_for(&standing, change, person, now).is_some()
        });
        mine.take(WANTED)
            .map(|change| Wanted {
                kind: WantedKind::Approval,
                record: change.number.to_string(),
                title: change.title.clone(),
                since: change.updated_at,
                unseen: false,
            })
            .collect()
    }

    fn wanted_debts(&self, caller: &Caller, person: &PersonId) -> Vec<Wanted> {
        let standing = self.standing();
        if !caller.may(Permission::ChangeRead) {
            return Vec::new();
        }
        let teams = standing.organisation.teams.values();
        let teams = teams.filter(|team| team.members.contains(person));
        let numbers = teams.flat_map(|team| standing.owing.get(&team.name)).flatten();
        let mut found = Vec::new();
        for change in numbers.filter_map(|number| standing.changes.get(number)).take(WANTED) {
            if let Some(debt) = change.owed().find(|debt| debt.kind == DebtKind::Review) {
                found.push(Wanted {
                    kind: WantedKind::Debt,
                    record: change.number.to_string(),
                    title: change.title.clone(),
                    since: change.ended_at.unwrap_or(change.updated_at).min(debt.due),
                    unseen: false,
                });
            }
        }
        found
    }

    /// Hands through which their account went lately: nobody sets it back behind their back.
    fn wanted_looks(&self, person: &PersonId) -> Vec<Wanted> {
        let (standing, now) = (self.standing(), self.now());
        let looks = hands_of(&standing, person, now).map(|it| {
            let by = match &it.by {
                Hand::Person(by) => self.person_card(by).map(|card| card.name),
                Hand::Anybody => None,
            };
            let by = by.unwrap_or_else(|| "a token".to_owned());
            let done = if it.reset { "set back" } else { "made" };
            Wanted {
                kind: WantedKind::Account,
                record: person.to_string(),
                title: format!("your account was {done} by {by}"),
                since: it.at,
                unseen: false,
            }
        });
        let asked = standing.access.resets.get(person).filter(|reset| reset.waits(now));
        let asked = asked.map(|reset| Wanted {
            kind: WantedKind::Account,
            record: person.to_string(),
            title: format!("{} wants to set your account back", self.called(&reset.asked.by)),
            since: reset.at,
            unseen: false,
        });
        looks.chain(asked).collect()
    }

    fn called(&self, person: &PersonId) -> String {
        self.person_card(person).map_or_else(|| "somebody".to_owned(), |card| card.name)
    }

    /// Second words that this person could give: on nothing of their own.
    fn wanted_words(&self, caller: &Caller, person: &PersonId) -> Vec<Wanted> {
        let (standing, now) = (self.standing(), self.now());
        let mut found = Vec::new();
        let mut add = |kind, record: String, title: String, since| {
            found.push(Wanted { kind, record, title, since, unseen: false });
        };
        if caller.may(Permission::RoleGrant) {
            for (grant, role) in &standing.access.roles {
                let own = role.proposed.by == *person || role.proposed.person == *person;
                if role.state == RoleState::Proposed && !own {
                    let title = role.proposed.role.replace('_', " ");
                    add(WantedKind::Role, grant.to_string(), title, role.at);
                }
            }
        }
        if caller.may(Permission::AccountManage) {
            for (whose, reset) in &standing.access.resets {
                if reset.waits(now) && reset.asked.by != *person && whose != person {
                    let title = format!("account of {}", self.called(whose));
                    add(WantedKind::Reset, whose.to_string(), title, reset.at);
                }
            }
        }
        let minutes = i64::from(standing.organisation.settings.cool_off_minutes);
        let cool_off = SignedDuration::from_mins(minutes);
        if caller.everywhere(Permission::PolicyActivate) {
            let plans = standing.access.plans_waiting(now);
            for plan in plans.filter(|it| it.by.as_ref() != Some(person)) {
                let touches: Vec<&str> = plan.touches.iter().map(String::as_str).collect();
                // Since it was proposed, not since it can be confirmed: that may lie ahead.
                let since = plan.from.saturating_sub(cool_off).unwrap_or(plan.from);
                add(WantedKind::Plan, plan.plan.to_string(), touches.join(", "), since);
            }
        }
        for it in standing.made.proposals.values().filter(|it| it.waits(now)) {
            let proposed = &it.proposed;
            let window = match &proposed.deed {
                Deed::Set { window } => Some(window.as_ref()),
                Deed::End { name } => standing.window(name).map(AsRef::as_ref),
            };
            let Some(window) = window.filter(|_| proposed.by != *person) else { continue };
            if has_say(&standing, caller, &proposed.deed) {
                let title = window.title.clone();
                add(WantedKind::Window, proposed.proposal.to_string(), title, it.at);
            }
        }
        if caller.may(Permission::BreakGlass) {
            for (id, glass) in &standing.access.glasses {
                if glass.waits(now) && glass.asked.by != *person {
                    let question = &glass.asked.question;
                    let title = format!("{} → {}", question.service, question.environment);
                    add(WantedKind::BreakGlass, id.to_string(), title, glass.at);
                }
            }
        }
        found
    }
}
