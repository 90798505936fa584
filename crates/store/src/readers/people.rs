//! Questions about persons, identities and tokens.

use rusqlite::Row;

use super::{MAX_PAGE, Readers, sealed};
use crate::error::ReadError;
use crate::rows::{
    CredentialsRow, IdentityRow, PersonRow, PreferenceRow, ProvisionedRow, SecretRow, SessionRow,
    TokenRow,
};

impl Readers {
    /// One person.
    pub fn person(&self, person_id: &str) -> Result<Option<PersonRow>, ReadError> {
        self.one("SELECT * FROM persons WHERE person_id = ?1", [person_id], person)
    }

    /// The person with a handle, which is given in lower case.
    pub fn person_with_handle(&self, handle: &str) -> Result<Option<PersonRow>, ReadError> {
        let sql = "SELECT * FROM persons WHERE handle = ?1 OR lower(handle) = ?1 ORDER BY person_id LIMIT 1";
        self.one(sql, [handle], person)
    }

    /// Persons in the order of their ids, after `after`, at most `max`.
    pub fn persons(&self, after: &str, max: u32) -> Result<Vec<PersonRow>, ReadError> {
        let sql = "SELECT * FROM persons WHERE person_id > ?1 ORDER BY person_id LIMIT ?2";
        self.all(sql, (after, max.min(MAX_PAGE)), person)
    }

    /// One identity by the key it is looked up with.
    pub fn identity(&self, identity_key: &str) -> Result<Option<IdentityRow>, ReadError> {
        self.one("SELECT * FROM identities WHERE identity_key = ?1", [identity_key], identity)
    }

    /// The identities of one person.
    pub fn identities_of(&self, person_id: &str) -> Result<Vec<IdentityRow>, ReadError> {
        let sql = "SELECT * FROM identities WHERE person_id = ?1 ORDER BY identity_key LIMIT 200";
        self.all(sql, [person_id], identity)
    }

    /// The token whose secret has this hash. Expiry and revocation are for the caller to judge.
    pub fn token_by_hash(&self, secret_hash: &[u8; 32]) -> Result<Option<TokenRow>, ReadError> {
        self.one("SELECT * FROM tokens WHERE secret_hash = ?1", [secret_hash], token)
    }

    /// How a person proves who they are.
    pub fn credentials(&self, person_id: &str) -> Result<Option<CredentialsRow>, ReadError> {
        self.one("SELECT * FROM credentials WHERE person_id = ?1", [person_id], credentials)
    }

    /// What a provider of identities keeps of a person, by id.
    pub fn provisioned(&self, id: &str) -> Result<Option<ProvisionedRow>, ReadError> {
        self.one("SELECT * FROM provisioned WHERE id = ?1", [id], provisioned)
    }

    /// What a provider of identities keeps of people, in the order of ids, after `after`, at most `max`.
    pub fn all_provisioned(&self, after: &str, max: u32) -> Result<Vec<ProvisionedRow>, ReadError> {
        let sql = "SELECT * FROM provisioned WHERE id > ?1 ORDER BY id LIMIT ?2";
        self.all(sql, (after, max.min(MAX_PAGE)), provisioned)
    }

    /// A secret, as it is kept.
    pub fn secret(&self, name: &str) -> Result<Option<SecretRow>, ReadError> {
        self.one("SELECT * FROM secrets WHERE name = ?1", [name], secret)
    }

    /// How a person likes things, by name; at most [`MAX_PAGE`].
    pub fn preferences(&self, person_id: &str) -> Result<Vec<PreferenceRow>, ReadError> {
        let sql = "SELECT * FROM preferences WHERE person_id = ?1 ORDER BY name LIMIT ?2";
        self.all(sql, (person_id, MAX_PAGE), |row| {
            sealed(row, || format!("a preference of `{person_id}`"))?;
            Ok(PreferenceRow { person_id: row.get(0)?, name: row.get(1)?, value: row.get(2)? })
        })
    }

    /// The session whose secret has this hash. Whether it is good is for the caller to judge.
    pub fn session_by_hash(&self, secret_hash: &[u8; 32]) -> Result<Option<SessionRow>, ReadError> {
        self.one("SELECT * FROM sessions WHERE secret_hash = ?1", [secret_hash], session)
    }

    /// Tokens in the order of their ids, after `after`, at most `max`.
    pub fn tokens(&self, after: &str, max: u32) -> Result<Vec<TokenRow>, ReadError> {
        let sql = "SELECT * FROM tokens WHERE id > ?1 ORDER BY id LIMIT ?2";
        self.all(sql, (after, max.min(MAX_PAGE)), token)
    }
}

fn person(row: &Row<'_>) -> Result<PersonRow, ReadError> {
    let person_id: String = row.get(0)?;
    sealed(row, || format!("person `{person_id}`"))?;
    Ok(PersonRow { handle: row.get(1)?, name: row.get(2)?, person_id })
}

fn identity(row: &Row<'_>) -> Result<IdentityRow, ReadError> {
    sealed(row, || "an identity of a person".to_owned())?;
    Ok(IdentityRow {
        identity_key: row.get(0)?,
        kind: row.get(1)?,
        value: row.get(2)?,
        person_id: row.get(3)?,
    })
}

fn token(row: &Row<'_>) -> Result<TokenRow, ReadError> {
    let id: String = row.get(0)?;
    sealed(row, || format!("token `{id}`"))?;
    Ok(TokenRow {
        id,
        secret_hash: row.get(1)?,
        label: row.get(2)?,
        person_id: row.get(3)?,
        kind: row.get(4)?,
        permissions: row.get(5)?,
        scope: row.get(6)?,
        created_us: row.get(7)?,
        expires_us: row.get(8)?,
        revoked_us: row.get(9)?,
        last_used_us: row.get(10)?,
    })
}

fn credentials(row: &Row<'_>) -> Result<CredentialsRow, ReadError> {
    let person_id: String = row.get(0)?;
    sealed(row, || format!("the credentials of `{person_id}`"))?;
    Ok(CredentialsRow {
        person_id,
        password: row.get(1)?,
        totp: row.get(2)?,
        totp_ready: row.get(3)?,
        totp_step: row.get(4)?,
        recovery: row.get(5)?,
        enrol_hash: row.get(6)?,
        enrol_until_us: row.get(7)?,
        changed_us: row.get(8)?,
    })
}

fn session(row: &Row<'_>) -> Result<SessionRow, ReadError> {
    let id: String = row.get(0)?;
    sealed(row, || format!("session `{id}`"))?;
    Ok(SessionRow {
        id,
        secret_hash: row.get(1)?,
        person_id: row.get(2)?,
        seen_us: row.get(3)?,
        expires_us: row.get(4)?,
    })
}

fn provisioned(row: &Row<'_>) -> Result<ProvisionedRow, ReadError> {
    let id: String = row.get(0)?;
    sealed(row, || format!("the provisioned record `{id}`"))?;
    Ok(ProvisionedRow { id, person_id: row.get(1)?, body: row.get(2)? })
}

fn secret(row: &Row<'_>) -> Result<SecretRow, ReadError> {
    let name: String = row.get(0)?;
    sealed(row, || format!("secret `{name}`"))?;
    Ok(SecretRow { name, sealed: row.get(1)? })
}
