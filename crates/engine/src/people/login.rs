//! Coming in by password and one-time code, and proving it again.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use sluice_core::access::event::{FactorChanged, LoginBlocked, SessionSteppedUp};
use sluice_core::event::Event;
use sluice_core::ids::PersonId;
use sluice_core::permission::Permission;
use sluice_core::refusal::{Refusal, RefusalNature};
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::{CredentialsRow, SessionRow};
use subtle::ConstantTimeEq;

use super::sessions::{NewSession, OpenedSession, Opening, hash};
use super::throttle::Blocked;
use super::{password, totp};
use crate::answer::Answer;
use crate::caller::{Caller, Client};
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::sequencer::{Commit, Step};

/// The longest texts that are looked at.
const LONGEST: usize = 1_024;

/// Somebody wants to come in.
#[derive(Debug, Clone)]
pub struct LoginAttempt {
    /// The handle of a person.
    pub handle: String,
    /// How they prove it.
    pub proof: Proof,
    /// By which program.
    pub client: Client,
    /// Only these permissions, of those the person has.
    pub narrowed_to: Option<BTreeSet<Permission>>,
}

/// How somebody proves who they are.
#[derive(Clone)]
pub struct Proof {
    /// Their password.
    pub password: String,
    /// A one-time code of their device, or a recovery code.
    pub code: Option<String>,
    /// From which address it comes.
    pub address: Option<IpAddr>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a proof comes to.
pub(super) struct Proven {
    methods: BTreeSet<String>,
    /// The credentials after it: a code that was used is used up.
    pub(super) row: CredentialsRow,
    pub(super) events: Vec<Event>,
    /// While it lives nobody else changes credentials. Kept until the rows are recorded.
    pub(super) guard: tokio::sync::OwnedMutexGuard<()>,
}

/// How it was proved, the credentials after it, and what is to be recorded.
type Factor = (BTreeSet<String>, CredentialsRow, Vec<Event>);

/// The one answer to everything that is wrong: it must not say what.
pub(super) fn refused() -> Refusal {
    Refusal::new(
        RefusalNature::Unproven,
        "login_refused",
        "name, password or code are wrong, or the account is closed",
        "try again; an administrator can reset an account",
    )
}

fn blocked(blocked: Blocked) -> EngineError {
    EngineError::Unavailable(Unavailable {
        code: "login_throttled",
        message: format!(
            "too many attempts failed; the next is looked at in {} s",
            blocked.seconds
        ),
        retry_after_s: Some(blocked.seconds),
    })
}

impl Engine {
    /// Lets somebody in who knows the password and, where the account has a second factor, a code.
    pub async fn login(&self, attempt: LoginAttempt) -> Result<Answer<OpenedSession>, EngineError> {
        let handle = attempt.handle.trim().to_lowercase();
        if handle.len() > 256 {
            return Err(refused().into());
        }
        let person = self.person_of_handle(&handle);
        let proven = self.prove(&person, &attempt.proof).await?;
        let new = NewSession {
            person,
            client: attempt.client,
            methods: proven.methods,
            auth_time: None,
            narrowed_to: attempt.narrowed_to,
            groups: None,
        };
        let rows = vec![Row::Credentials(proven.row)];
        // Nobody else changes the credentials until this is recorded.
        let _guard = proven.guard;
        self.open_session_with(new, Opening { events: proven.events, rows, under: None }).await
    }

    /// A person proves again who they are; the session gets a new secret.
    pub async fn step_up(
        &self,
        caller: &Caller,
        proof: Proof,
    ) -> Result<Answer<OpenedSession>, EngineError> {
        let (person, session) = caller.require_session()?;
        let (client, expires_at) = (session.client, session.expires_at);
        let proven = self.prove(&person, &proof).await?;
        let (id, secret) = self.session_secret(Some(&caller.token));
        let row = SessionRow {
            id: id.to_string(),
            secret_hash: hash(&secret),
            person_id: person.to_string(),
            seen_us: self.now().as_microsecond(),
            expires_us: expires_at.as_microsecond(),
        };
        let stepped = SessionSteppedUp {
            session: id.clone(),
            person: person.clone(),
            methods: proven.methods,
        };
        let actor = caller.actor();
        let (events_before, credentials, _guard) = (proven.events, proven.row, proven.guard);
        let decide = move |standing: &Standing, now: Timestamp| {
            if !standing.access.sessions.contains_key(&stepped.session) {
                return Step::Refuse(refused().into(), None);
            }
            let mut events = events_before;
            events.push(stepped.into());
            let mut commit = Commit::of(events, actor);
            commit.rows = vec![Row::Session(row), Row::Credentials(credentials)];
            Step::Record(now, commit)
        };
        let (auth_time, done) = self.sequencer().submit(decide).await?;
        let csrf = self.csrf_of(&id);
        let opened = OpenedSession { id, secret, csrf, person, client, auth_time, expires_at };
        Ok(Answer::of(opened, &done))
    }

    /// Looks at a proof. Takes as long for names that there are not as for those that there are.
    pub(super) async fn prove(
        &self,
        person: &PersonId,
        proof: &Proof,
    ) -> Result<Proven, EngineError> {
        let address = proof.address.map(|address| address.to_string()).unwrap_or_default();
        let monotonic = self.monotonic();
        if let Some(wait) =
            self.people().throttle.lock().check(person.as_str(), &address, monotonic)
        {
            return Err(blocked(wait));
        }
        if proof.password.len() > LONGEST || proof.code.as_ref().is_some_and(|c| c.len() > 64) {
            return Err(refused().into());
        }
        let standing = self.standing();
        let open = standing.organisation.acting(person).is_some()
            && standing.access.accounts.get(person).is_some_and(|known| known.disabled.is_none());
        let row = self.read(|readers| readers.credentials(person.as_str()))?;
        let row = row.filter(|row| open && row.password.is_some());
        // Made before anything is known of the name, so that its making tells nothing either.
        let dummy = self.dummy_hash().await?;
        let stored = row.as_ref().and_then(|row| row.password.clone()).unwrap_or(dummy);
        let same = self.verify_password(proof.password.clone(), stored).await?;
        let Some(row) = row.filter(|_| same) else {
            return Err(self.failed(person, &address).await);
        };
        let guard = std::sync::Arc::clone(&self.people().credentials).lock_owned().await;
        let fresh = self.read(|readers| readers.credentials(person.as_str()))?;
        let Some(row) = fresh.filter(|fresh| fresh.password == row.password) else {
            return Err(refused().into());
        };
        match self.second_factor(row, proof.code.as_deref()) {
            Ok((methods, row, events)) => {
                self.people().throttle.lock().succeed(person.as_str());
                Ok(Proven { methods, row, events, guard })
            }
            // Whoever has not been asked for a code yet has not failed.
            Err(refusal) if refusal.code == "code_needed" => Err(refusal.into()),
            Err(_) => Err(self.failed(person, &address).await),
        }
    }

    /// Refuses while attempts on an account, or from an address, are held up.
    pub(super) fn not_held_up(
        &self,
        person: &PersonId,
        address: Option<IpAddr>,
    ) -> Result<(), EngineError> {
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        let throttle = self.people().throttle.lock();
        let wait = throttle.check(person.as_str(), &address, self.monotonic());
        wait.map_or(Ok(()), |wait| Err(blocked(wait)))
    }

    /// Notes that a code was wrong.
    pub(super) fn failed_code(&self, person: &PersonId, address: Option<IpAddr>) -> EngineError {
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        let monotonic = self.monotonic();
        self.people().throttle.lock().fail(person.as_str(), &address, monotonic);
        refused().into()
    }

    /// Notes a failure, in the ledger too where it holds up an account.
    async fn failed(&self, person: &PersonId, address: &str) -> EngineError {
        let monotonic = self.monotonic();
        let held_up = self.people().throttle.lock().fail(person.as_str(), address, monotonic);
        let known = self.standing().access.accounts.contains_key(person);
        if let Some(held_up) = held_up.filter(|_| known) {
            let Blocked { failures, seconds } = held_up;
            let event = LoginBlocked { person: person.clone(), failures, seconds };
            let decide = move |_: &Standing, _: Timestamp| {
                Step::Record((), Commit::of(vec![event.into()], Actor::Sluice))
            };
            if let Err(error) = self.sequencer().submit(decide).await {
                return error;
            }
        }
        refused().into()
    }

    /// The second factor, where the account has one: a code of the device, or a recovery code; each is used up.
    fn second_factor(&self, row: CredentialsRow, code: Option<&str>) -> Result<Factor, Refusal> {
        let mut methods = BTreeSet::from(["password".to_owned()]);
        let Some(nonce) = row.totp.as_deref().filter(|_| row.totp_ready) else {
            return Ok((methods, row, Vec::new()));
        };
        let Some(code) = code.map(str::trim).filter(|code| !code.is_empty()) else {
            return Err(Refusal::new(
                RefusalNature::Unproven,
                "code_needed",
                "the account has a second factor",
                "send the code of the device as `code`, or a recovery code",
            ));
        };
        let key = self.totp_key(&row.person_id, nonce);
        let step = totp::find(&key, code, self.latest().as_second(), row.totp_step);
        if let Some(totp_step) = step {
            methods.insert("totp".to_owned());
            return Ok((methods, CredentialsRow { totp_step, ..row }, Vec::new()));
        }
        let left: Vec<String> = serde_json::from_str(&row.recovery).unwrap_or_default();
        let given = self.recovery_hash(code);
        let rest: Vec<String> = left
            .iter()
            .filter(|one| !bool::from(one.as_bytes().ct_eq(given.as_bytes())))
            .cloned()
            .collect();
        if rest.len() == left.len() {
            return Err(refused());
        }
        methods.insert("recovery_code".to_owned());
        let changed = FactorChanged {
            person: PersonId::parse(&row.person_id).map_err(|_| refused())?,
            factor: "recovery_codes".into(),
            present: !rest.is_empty(),
        };
        let recovery = serde_json::to_string(&rest).unwrap_or_default();
        Ok((methods, CredentialsRow { recovery, ..row }, vec![changed.into()]))
    }

    pub(super) async fn verify_password(
        &self,
        given: String,
        stored: String,
    ) -> Result<bool, EngineError> {
        let pepper = self.signing().derive("pepper", "");
        self.slowly(move || password::verify(&given, &stored, &pepper)).await
    }

    pub(super) async fn hash_password(&self, password: String) -> Result<String, EngineError> {
        let pepper = self.signing().derive("pepper", "");
        let engine = self.clone();
        let hashed = self.slowly(move || password::hash(&password, &pepper, engine.rng())).await?;
        hashed.ok_or_else(|| Unavailable::ledger("there is no memory for a password's hash"))
    }

    async fn dummy_hash(&self) -> Result<String, EngineError> {
        if let Some(dummy) = self.people().dummy.get() {
            return Ok(dummy.clone());
        }
        let made = self.hash_password("a password that nobody has".to_owned()).await?;
        Ok(self.people().dummy.get_or_init(|| made).clone())
    }

    /// How often a password was hashed since the start: what a login costs, and what tells names apart if it differs.
    pub fn passwords_hashed(&self) -> u64 {
        self.people().hashed.load(Ordering::Relaxed)
    }

    /// Hashes on a thread of its own, at most two at once.
    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        // The semaphore is never closed.
        let _place = self.people().hashing.acquire().await;
        self.people().hashed.fetch_add(1, Ordering::Relaxed);
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| Unavailable::ledger("a password could not be looked at"))
    }
}
