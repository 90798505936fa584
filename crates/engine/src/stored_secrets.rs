//! Secrets that are kept here for links and providers: set and replaced, never shown.

use jiff::Timestamp;
use sluice_core::event::Event;
use sluice_core::housekeeping::{SecretRemoved, SecretSet, SecretsRewrapped};
use sluice_core::ids::SecretName;
use sluice_core::organisation::SecretRef;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_store::rows::SecretRow;
use sluice_store::{Readers, Row};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::{EngineError, OpenError, Unavailable};
use crate::secrets::Secrets;
use crate::sequencer::{Commit, Step};
use crate::vault::Vault;

/// The longest secret, in bytes.
const MOST_BYTES: usize = 16 << 10;
/// How many there may be.
const MOST: usize = 10_000;

/// Finds secrets wherever they are: those kept here by the vault, all others as configured.
impl Secrets for Engine {
    fn find(&self, reference: &SecretRef) -> Option<Vec<u8>> {
        match reference {
            SecretRef::Env(_) | SecretRef::File(_) => self.outer_secrets().find(reference),
            SecretRef::Stored(name) => {
                let row = self.read(|readers| readers.secret(name.as_str())).ok().flatten()?;
                self.vault()?.open(name.as_str(), &row.sealed).map(|secret| secret.to_vec())
            }
        }
    }
}

/// Refuses to begin with a master key that does not open what is kept: links would fail one after the other, each
/// as if its own secret were wrong. Without any master key the server runs, and says so where a secret is asked for.
pub(crate) fn can_be_opened(
    readers: &Readers,
    standing: &Standing,
    vault: Option<&Vault>,
) -> Result<(), OpenError> {
    let Some(vault) = vault else { return Ok(()) };
    let opens = |name: &SecretName| {
        let row = readers.secret(name.as_str()).ok().flatten();
        row.is_none_or(|row| vault.open(name.as_str(), &row.sealed).is_some())
    };
    let closed: Vec<&str> =
        standing.secrets.keys().filter(|name| !opens(name)).map(SecretName::as_str).collect();
    let Some(first) = closed.first() else { return Ok(()) };
    let message = format!(
        "the master key does not open {} of {} secrets that are kept, such as `{first}`: give the key that they are under, or name it as `previous_master_key_file` (or `_env`) beside the new one; to begin without them start without a master key, remove them, and set them anew",
        closed.len(),
        standing.secrets.len(),
    );
    Err(OpenError::Keys { message })
}

impl Engine {
    /// Keeps a secret, in place of the one before it.
    pub async fn set_secret(
        &self,
        caller: &Caller,
        name: SecretName,
        value: &[u8],
    ) -> Result<Answer<u32>, EngineError> {
        caller.require(Permission::SecretWrite)?;
        caller.recent_if_session(self.latest())?;
        if value.is_empty() || value.len() > MOST_BYTES {
            let message = format!("a secret has 1 to {MOST_BYTES} bytes");
            return Err(Refusal::invalid("bad_secret", message, "send another one").into());
        }
        let vault = self.vault_or()?;
        let sealed = vault.seal(name.as_str(), value, self.rng()).ok_or_else(|| broken(&name))?;
        let (key, actor) = (vault.key_id(), caller.actor());
        let row = SecretRow { name: name.to_string(), sealed };
        let step = move |standing: &Standing, _: Timestamp| {
            if standing.secrets.len() >= MOST && !standing.secrets.contains_key(&name) {
                let message = format!("there are {MOST} secrets already");
                let refusal = Refusal::conflict("too_many_secrets", message, "remove some");
                return Step::Refuse(refusal.into(), None);
            }
            let version = standing.secrets.get(&name).map_or(1, |known| known.version + 1);
            let mut commit = Commit::of(vec![SecretSet { name, version, key }.into()], actor);
            commit.rows.push(Row::Secret(row));
            Step::Record(version, commit)
        };
        let (version, done) = self.sequencer().submit(step).await?;
        Ok(Answer::of(version, &done))
    }

    /// Removes a secret for good.
    pub async fn remove_secret(
        &self,
        caller: &Caller,
        name: SecretName,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::SecretWrite)?;
        caller.recent_if_session(self.latest())?;
        let actor = caller.actor();
        let step = move |standing: &Standing, _: Timestamp| {
            if !standing.secrets.contains_key(&name) {
                let message = format!("there is no secret `{name}`");
                let refusal = Refusal::missing("secret_unknown", message, "list the secrets");
                return Step::Refuse(refusal.into(), None);
            }
            let row = Row::RemoveSecret { name: name.to_string() };
            let mut commit = Commit::of(vec![SecretRemoved { name }.into()], actor);
            commit.rows.push(row);
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(step).await?;
        Ok(Answer::of((), &done))
    }

    /// Puts all secrets under the current master key. All of them, or none.
    pub async fn rewrap_secrets(&self, caller: &Caller) -> Result<Answer<u32>, EngineError> {
        caller.require(Permission::SecretWrite)?;
        caller.recent_if_session(self.latest())?;
        let key = self.vault_or()?.key_id();
        let (engine, actor) = (self.clone(), caller.actor());
        let step = move |standing: &Standing, _: Timestamp| {
            let rows: Result<Vec<Row>, EngineError> =
                standing.secrets.keys().map(|name| engine.rewrapped(name)).collect();
            match rows {
                Err(error) => Step::Refuse(error, None),
                Ok(rows) => {
                    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                    let event = Event::from(SecretsRewrapped { key, count });
                    let mut commit = Commit::of(vec![event], actor);
                    commit.rows = rows;
                    Step::Record(count, commit)
                }
            }
        };
        let (count, done) = self.sequencer().submit(step).await?;
        Ok(Answer::of(count, &done))
    }

    fn rewrapped(&self, name: &SecretName) -> Result<Row, EngineError> {
        let row = self.read(|readers| readers.secret(name.as_str()))?;
        let vault = self.vault_or()?;
        let sealed = row.and_then(|row| vault.rewrap(name.as_str(), &row.sealed, self.rng()));
        let sealed = sealed.ok_or_else(|| broken(name))?;
        Ok(Row::Secret(SecretRow { name: name.to_string(), sealed }))
    }

    fn vault_or(&self) -> Result<&Vault, EngineError> {
        self.vault().ok_or_else(|| {
            EngineError::Unavailable(Unavailable {
                code: "not_configured",
                message: "there is no master key: set one under `[secrets]` in the server's configuration"
                    .into(),
                retry_after_s: None,
            })
        })
    }
}

fn broken(name: &SecretName) -> EngineError {
    let message =
        format!("the secret `{name}` is under a master key that this server does not have");
    let help = "give the key before as `previous_master_key_file`, or set the secret again";
    Refusal::conflict("secret_unreadable", message, help).into()
}
