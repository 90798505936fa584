//! Accounts of this installation: made by an administrator, set up by the person alone.
//!
//! Whoever manages accounts never knows a password: they hand over a code that is good once, for a day, and the
//! person sets the first password with it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sluice_core::access::event::{
    AccountCreated, AccountDisabled, AccountEnabled, FactorChanged, SessionEnded,
};
use sluice_core::access::reset::reset_takes_two;
use sluice_core::event::Event;
use sluice_core::housekeeping::TokenRevoked;
use sluice_core::ids::PersonId;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::CredentialsRow;
use subtle::ConstantTimeEq;

use super::login::refused;
use super::{Proof, password, totp};
use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

/// How long a code for the first password is good.
const ENROLMENT: SignedDuration = SignedDuration::from_hours(24);

/// Recovery codes of an account.
const RECOVERY_CODES: usize = 10;

/// A code by which a person sets their first password. It is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enrolment {
    /// Whose.
    pub person: PersonId,
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The key of a device that is to become the second factor. It is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TotpStart {
    /// As people type it.
    pub secret: String,
    /// As apps read it from a QR code.
    pub address: String,
}

impl Engine {
    /// Makes an account for a declared person, or another code for one that never had a password. The answer is the code by
    /// which the person sets one. Whoever has it could come in as that person: where there ever was a password this sets
    /// nothing back, not even where its code has lapsed after that; [`Engine::ask_reset`] does. The two do not count as
    /// two people for a week (`access::apart`).
    pub async fn create_account(
        &self,
        caller: &Caller,
        person: &PersonId,
    ) -> Result<Answer<Enrolment>, EngineError> {
        caller.require(Permission::AccountManage)?;
        not_oneself(&self.standing(), caller, person)?;
        caller.recent_if_session(self.latest())?;
        let by = caller.session.as_ref().and(caller.person.clone());
        let who = person.clone();
        self.hand_code_over(caller, person, move |standing, now| {
            let account = standing.access.accounts.get(&who);
            if !account.is_some_and(|account| account.enrolled) {
                return Ok(Vec::new());
            }
            match &by {
                None => Err(reset_by_session(&who)),
                Some(by) if reset_takes_two(standing, &who, by, now) => Err(takes_two(&who)),
                Some(_) => Err(reset_says_why(&who)),
            }
        })
        .await
    }

    /// Makes a new code for an account, and takes away what proved its person before. `rule` says whether it may be, and
    /// what is recorded before.
    pub(super) async fn hand_code_over(
        &self,
        caller: &Caller,
        person: &PersonId,
        rule: impl FnOnce(&Standing, Timestamp) -> Result<Vec<Event>, Refusal> + Send + 'static,
    ) -> Result<Answer<Enrolment>, EngineError> {
        let _one_at_a_time = self.people().credentials.lock().await;
        let code = format!("{}-{}", self.rng().opaque_id(), self.rng().opaque_id());
        let now = self.now();
        let expires_at = now.saturating_add(ENROLMENT).unwrap_or(Timestamp::MAX);
        let row = CredentialsRow {
            person_id: person.to_string(),
            recovery: "[]".into(),
            enrol_hash: Some(super::sessions::hash(&code)),
            enrol_until_us: Some(expires_at.as_microsecond()),
            changed_us: now.as_microsecond(),
            ..CredentialsRow::default()
        };
        let who = person.clone();
        let answer = self
            .decide_with(caller.actor(), vec![Row::Credentials(row)], move |standing| {
                if standing.organisation.acting(&who).is_none() {
                    return Err(Refusal::missing(
                        "person_unknown",
                        format!("{who} is not declared"),
                        "declare the person first, with `sluice apply`",
                    ));
                }
                let mut events = rule(standing, now)?;
                match standing.access.accounts.get(&who) {
                    None => events.push(AccountCreated { person: who.clone() }.into()),
                    Some(account) => events
                        .extend(account.factors.iter().map(|factor| changed(&who, factor, false))),
                }
                events.extend(ended(standing, &who, "account_reset", None));
                events.extend(void(standing, &who));
                events.push(changed(&who, "enrolment", true));
                Ok(events)
            })
            .await?;
        Ok(answer.map(|()| Enrolment { person: person.clone(), code, expires_at }))
    }

    /// A person sets their first password with the code that they were handed.
    pub async fn enrol(
        &self,
        handle: &str,
        code: &str,
        password: String,
        address: Option<std::net::IpAddr>,
    ) -> Result<Answer<()>, EngineError> {
        let handle = handle.trim().to_lowercase();
        let person = self.person_of_handle(&handle);
        let _one_at_a_time = self.people().credentials.lock().await;
        self.not_held_up(&person, address)?;
        let row = self.read(|readers| readers.credentials(person.as_str()))?;
        let given = super::sessions::hash(code.trim());
        let (now_us, latest_us) = (self.now().as_microsecond(), self.latest().as_microsecond());
        let good = row.as_ref().is_some_and(|row| {
            let same = row.enrol_hash.is_some_and(|hash| hash.ct_eq(&given).into());
            same && row.enrol_until_us.is_some_and(|until| latest_us < until)
        });
        let Some(row) = row.filter(|_| good) else {
            return Err(self.failed_code(&person, address));
        };
        good_enough(&password, &handle)?;
        let hashed = self.hash_password(password).await?;
        let row = CredentialsRow {
            password: Some(hashed),
            enrol_hash: None,
            enrol_until_us: None,
            changed_us: now_us,
            ..row
        };
        let actor = Actor::Person(person.clone());
        self.decide_with(actor, vec![Row::Credentials(row)], move |standing| {
            if !open(standing, &person) {
                return Err(refused());
            }
            Ok(vec![changed(&person, "enrolment", false), changed(&person, "password", true)])
        })
        .await
    }

    /// A person changes their password; their other sessions are over.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Proof,
        new: String,
    ) -> Result<Answer<()>, EngineError> {
        let (person, _) = caller.require_session()?;
        let handle = self.person_card(&person).map(|card| card.handle).unwrap_or_default();
        good_enough(&new, &handle)?;
        let same = current.password == new;
        let proven = self.prove(&person, &current).await?;
        if same {
            let message = "the new password is the one that you have";
            let refusal = Refusal::invalid("password_same", message, "choose another one");
            return Err(refusal.into());
        }
        let (row, mut events, _guard) = (proven.row, proven.events, proven.guard);
        let hashed = self.hash_password(new).await?;
        let changed_us = self.now().as_microsecond();
        let row = CredentialsRow { password: Some(hashed), changed_us, ..row };
        let own = caller.token.clone();
        self.decide_with(caller.actor(), vec![Row::Credentials(row)], move |standing| {
            events.push(changed(&person, "password", true));
            events.extend(ended(standing, &person, "password_changed", Some(&own)));
            Ok(events)
        })
        .await
    }

    /// Begins to make a device the second factor. It counts only after [`Engine::confirm_totp`].
    pub async fn begin_totp(&self, caller: &Caller) -> Result<TotpStart, EngineError> {
        let person = caller.require_recent(self.latest())?;
        let _one_at_a_time = self.people().credentials.lock().await;
        let row = self.own_row(&person)?;
        if row.totp_ready {
            return Err(Refusal::conflict(
                "totp_present",
                "the account has a device already",
                "take it away first",
            )
            .into());
        }
        let nonce = self.rng().opaque_id();
        let key = self.totp_key(person.as_str(), &nonce);
        let handle = self.person_card(&person).map(|card| card.handle).unwrap_or_default();
        let address = totp::address(&key, &handle, &self.keys().origin);
        self.store_rows(vec![Row::Credentials(CredentialsRow { totp: Some(nonce), ..row })])
            .await?;
        Ok(TotpStart { secret: totp::text(&key), address })
    }

    /// The device gives the right codes: from now on it is asked for. Gives the recovery codes, once.
    pub async fn confirm_totp(
        &self,
        caller: &Caller,
        code: &str,
    ) -> Result<Answer<Vec<String>>, EngineError> {
        let person = caller.require_recent(self.latest())?;
        let _one_at_a_time = self.people().credentials.lock().await;
        let row = self.own_row(&person)?;
        let nonce = row.totp.clone().filter(|_| !row.totp_ready);
        let Some(nonce) = nonce else {
            let message = "no device waits to be confirmed";
            return Err(Refusal::conflict("totp_not_begun", message, "begin with it first").into());
        };
        self.not_held_up(&person, None)?;
        let key = self.totp_key(person.as_str(), &nonce);
        let step = totp::find(&key, code.trim(), self.latest().as_second(), row.totp_step);
        let Some(totp_step) = step else {
            return Err(self.failed_code(&person, None));
        };
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| self.recovery_code()).collect();
        let hashes: Vec<String> = codes.iter().map(|code| self.recovery_hash(code)).collect();
        let row = CredentialsRow {
            totp_ready: true,
            totp_step,
            recovery: serde_json::to_string(&hashes).unwrap_or_default(),
            changed_us: self.now().as_microsecond(),
            ..row
        };
        let answer = self
            .decide_with(caller.actor(), vec![Row::Credentials(row)], move |_| {
                Ok(vec![changed(&person, "totp", true), changed(&person, "recovery_codes", true)])
            })
            .await?;
        Ok(answer.map(|()| codes))
    }

    /// Takes the second factor away.
    pub async fn remove_totp(
        &self,
        caller: &Caller,
        proof: Proof,
    ) -> Result<Answer<()>, EngineError> {
        let (person, _) = caller.require_session()?;
        let proven = self.prove(&person, &proof).await?;
        let _guard = proven.guard;
        let row = CredentialsRow {
            totp: None,
            totp_ready: false,
            recovery: "[]".into(),
            changed_us: self.now().as_microsecond(),
            ..proven.row
        };
        self.decide_with(caller.actor(), vec![Row::Credentials(row)], move |_| {
            Ok(vec![changed(&person, "totp", false), changed(&person, "recovery_codes", false)])
        })
        .await
    }

    /// Closes an account, or opens it again.
    pub async fn set_account_open(
        &self,
        caller: &Caller,
        person: &PersonId,
        is_open: bool,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::AccountManage)?;
        not_oneself(&self.standing(), caller, person)?;
        if is_open {
            // To close one must not wait for anything.
            caller.recent_if_session(self.latest())?;
        }
        let person = person.clone();
        self.decide_with(caller.actor(), Vec::new(), move |standing| {
            let Some(account) = standing.access.accounts.get(&person) else {
                let message = format!("{person} has no account");
                return Err(Refusal::missing("account_unknown", message, "list the accounts"));
            };
            match (is_open, &account.disabled) {
                (true, None) | (false, Some(_)) => Err(Refusal::conflict(
                    "account_as_wished",
                    "the account is as you want it already",
                    "nothing is left to be done",
                )),
                (true, Some(_)) => Ok(vec![AccountEnabled { person }.into()]),
                (false, None) => {
                    let mut events = ended(standing, &person, "account_disabled", None);
                    events.extend(void(standing, &person));
                    events.push(AccountDisabled { person, because }.into());
                    Ok(events)
                }
            }
        })
        .await
    }

    pub(super) fn totp_key(&self, person: &str, nonce: &str) -> Vec<u8> {
        let whole = self.signing().derive("totp", &format!("{person} {nonce}"));
        whole.iter().copied().take(totp::KEY_BYTES).collect()
    }

    /// 120 bits, in six groups.
    fn recovery_code(&self) -> String {
        let text = self.rng().opaque_id();
        let groups: Vec<&str> = (0..6).filter_map(|at| text.get(at * 4..at * 4 + 4)).collect();
        groups.join("-")
    }

    /// Hashes a recovery code as people type it: dashes, spaces and case do not count.
    pub(super) fn recovery_hash(&self, code: &str) -> String {
        let letters = code.chars().filter(char::is_ascii_alphanumeric);
        let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        data_encoding::HEXLOWER.encode(&self.signing().derive("recovery", &plain))
    }

    fn own_row(&self, person: &PersonId) -> Result<CredentialsRow, EngineError> {
        let row = self.read(|readers| readers.credentials(person.as_str()))?;
        row.filter(|row| row.password.is_some()).ok_or_else(|| {
            Refusal::conflict(
                "account_missing",
                "there is no password here to which a device could be added",
                "use the second factor of your identity provider, or ask for an account",
            )
            .into()
        })
    }

    pub(crate) async fn decide_with(
        &self,
        actor: Actor,
        rows: Vec<Row>,
        rule: impl FnOnce(&Standing) -> Result<Vec<Event>, Refusal> + Send + 'static,
    ) -> Result<Answer<()>, EngineError> {
        let step = move |standing: &Standing, _: Timestamp| match rule(standing) {
            Ok(events) => {
                let mut commit = Commit::of(events, actor);
                commit.rows = rows;
                Step::Record((), commit)
            }
            Err(refusal) => Step::Refuse(refusal.into(), None),
        };
        let ((), done) = self.sequencer().submit(step).await?;
        Ok(Answer::of((), &done))
    }
}

fn changed(person: &PersonId, factor: &str, present: bool) -> Event {
    FactorChanged { person: person.clone(), factor: factor.to_owned(), present }.into()
}

/// The ends of a person's sessions, but for one.
fn ended(
    standing: &Standing,
    person: &PersonId,
    because: &str,
    but: Option<&sluice_core::ids::TokenId>,
) -> Vec<Event> {
    let others = standing.access.sessions_of(person).filter(|(id, _)| Some(*id) != but);
    others
        .map(|(id, _)| {
            let (session, person) = (id.clone(), person.clone());
            SessionEnded { session, person, because: because.to_owned() }.into()
        })
        .collect()
}

/// The ends of the tokens that speak for a person.
fn void(standing: &Standing, person: &PersonId) -> Vec<Event> {
    let own = standing.tokens.iter().filter(|(_, it)| it.token.person.as_ref() == Some(person));
    own.map(|(id, _)| TokenRevoked { id: id.clone() }.into()).collect()
}

fn open(standing: &Standing, person: &PersonId) -> bool {
    standing.organisation.acting(person).is_some()
        && standing.access.accounts.get(person).is_some_and(|account| account.disabled.is_none())
}

/// Nobody resets or closes their own account: what an administrator does to an account, another one sees.
fn not_oneself(standing: &Standing, caller: &Caller, person: &PersonId) -> Result<(), EngineError> {
    // What a token does is done by whoever made it.
    let is_own = |who: Option<&PersonId>| who == Some(person);
    if !is_own(caller.person.as_ref()) && !is_own(standing.maker_of(&caller.token)) {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "own_account",
        "nobody manages their own account",
        "ask another person with `account.manage`",
    )
    .into())
}

/// Whoever has a token could otherwise come in as anybody.
fn reset_by_session(person: &PersonId) -> Refusal {
    Refusal::forbidden(
        "session_needed",
        format!(
            "{person} has had a password before: only a person who is logged in sets an account back, no token"
        ),
        "log in as somebody else with `account.manage`: `sluice login`, or in a browser",
    )
}

fn reset_says_why(person: &PersonId) -> Refusal {
    Refusal::conflict(
        "account_enrolled",
        format!(
            "{person} has had a password before: setting the account back is another thing, and says why"
        ),
        "use `sluice account reset --reason`",
    )
}

pub(super) fn takes_two(person: &PersonId) -> Refusal {
    Refusal::conflict(
        "second_person_needed",
        format!(
            "{person} has had a password before, and another person could agree: it takes two to set the account back"
        ),
        "ask for it with `sluice account reset`, and have somebody else with `account.manage` confirm it",
    )
}

fn good_enough(password: &str, handle: &str) -> Result<(), EngineError> {
    let Some(why) = password::weakness(password, handle) else { return Ok(()) };
    let help = format!(
        "use {} characters or more, such as four words that nobody would put together",
        password::SHORTEST
    );
    Err(Refusal::invalid("password_weak", format!("the password is too weak: {why}"), help).into())
}
