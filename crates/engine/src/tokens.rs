//! Bearer tokens: made once, shown once, kept as a hash.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sluice_core::housekeeping::{TokenCreated, TokenExchanged, TokenRevoked};
use sluice_core::ids::{PersonId, TokenId};
use sluice_core::organisation::known_scope;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;
use sluice_core::standing::{Actor, Standing, TokenInForce};
use sluice_store::Row;
use sluice_store::rows::TokenRow;

use crate::answer::Answer;
use crate::caller::{Caller, CallerKind, Client, Grant};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::rng::Rng;
use crate::sequencer::{Commit, Step};

/// What every token begins with, so that secret scanners know it.
pub(crate) const PREFIX: &str = "sluice_";

/// The longest life of a token: 90 days.
const LONGEST_HOURS: u32 = 90 * 24;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub label: String,
    /// What kind of credential it is.
    pub kind: CallerKind,
    /// The person it acts for, by id; needed for a person's token.
    pub person: Option<PersonId>,
    /// What it may.
    pub permissions: BTreeSet<Permission>,
    /// Where it may.
    pub scope: Scope,
    /// How long, in hours; at most 90 days.
    pub expires_in_hours: u32,
}

/// A token that was made. The secret is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedToken {
    /// Its id.
    pub id: TokenId,
    /// The bearer token.
    pub secret: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Engine {
    /// Who a bearer token belongs to, if it is good. The secret is 32 letters of chance after the id, compared by its
    /// hash only.
    ///
    /// The command line sends the secret of its person's session the same way.
    pub fn authenticate(&self, secret: &str) -> Option<Caller> {
        let id = id_of(secret)?;
        if id.as_str().starts_with('s') {
            return self.authenticate_session(secret, Client::Cli);
        }
        let caller = self.bearer_of(&id)?;
        let hash = hash(secret);
        // What is void leaves the standing: a secret that was good once needs no second look at the database.
        let good = self.known_secrets().is_of(&hash, &id) || self.is_stored(&hash, &id);
        good.then_some(caller)
    }

    /// Who came in once, as they are now: with what they may by now, and only if they would be let in still. What flows
    /// for long asks it again and again.
    pub fn as_now(&self, caller: &Caller) -> Option<Caller> {
        match &caller.session {
            Some(session) => self.person_of_session(&caller.token, session.client),
            None => self.bearer_of(&caller.token),
        }
    }

    /// Who has the token with this id, if it is good.
    fn bearer_of(&self, id: &TokenId) -> Option<Caller> {
        let standing = self.standing();
        let known = standing.tokens.get(id)?;
        if let Some(person) = &known.token.person {
            standing.may_act(person).then_some(())?;
        }
        (self.latest() < known.token.expires_at).then(|| caller(&standing, known))
    }

    fn is_stored(&self, hash: &[u8; 32], id: &TokenId) -> bool {
        let row = self.token_row(hash);
        let good = row.is_some_and(|row| row.id == id.as_str() && row.revoked_us.is_none());
        if good {
            self.known_secrets().remember(*hash, id.clone());
        }
        good
    }

    fn token_row(&self, hash: &[u8; 32]) -> Option<TokenRow> {
        self.read(|readers| readers.token_by_hash(hash)).ok().flatten()
    }

    /// The one-time token of the first administrator: made when there is no token that may make tokens, and nobody who
    /// could log in and make one; good for 15 minutes.
    pub async fn bootstrap_token(&self) -> Result<Option<String>, EngineError> {
        let now = self.now();
        let standing = self.standing();
        let may = |token: &TokenCreated| {
            token.permissions.iter().any(|name| name == Permission::TokenManage.as_str())
                && token.expires_at > now
        };
        if standing.tokens.values().any(|known| may(&known.token)) || has_administrator(&standing) {
            return Ok(None);
        }
        let expires_at =
            now.saturating_add(SignedDuration::from_mins(15)).unwrap_or(Timestamp::MAX);
        let new = NewToken {
            label: "first administrator, one time".into(),
            kind: CallerKind::Pipeline,
            person: None,
            permissions: Permission::ALL
                .iter()
                .copied()
                .filter(|permission| !permission.is_for_people())
                .collect(),
            scope: Scope::default(),
            expires_in_hours: 1,
        };
        let (created, _) = self.make_token(new, Actor::Sluice, expires_at).await?;
        Ok(Some(created.secret))
    }

    /// Makes a token. Nobody can give what they do not have where it is to hold, and what is for people who are logged in
    /// is given to no token at all. A person's token is made by that person alone, and needs no permission: it never has
    /// more than they have themselves.
    pub async fn create_token(
        &self,
        caller: &Caller,
        new: NewToken,
    ) -> Result<Answer<CreatedToken>, EngineError> {
        match new.kind {
            CallerKind::Person => own(caller, &new, self.latest())?,
            CallerKind::Pipeline => {
                manages(caller)?;
                if !new.permissions.iter().all(|permission| permission.is_of_reading()) {
                    caller.recent_if_session(self.latest())?;
                }
            }
        }
        check(self, caller, &new)?;
        known_scope(&self.standing().organisation, &new.scope)?;
        let life = SignedDuration::from_hours(i64::from(new.expires_in_hours));
        let expires_at = self.now().saturating_add(life).unwrap_or(Timestamp::MAX);
        let (created, answer) = self.make_token(new, caller.actor(), expires_at).await?;
        Ok(answer.map(|()| created))
    }

    async fn make_token(
        &self,
        new: NewToken,
        actor: Actor,
        expires_at: Timestamp,
    ) -> Result<(CreatedToken, Answer<()>), EngineError> {
        let (id, secret) = secret(self.rng());
        let event = TokenCreated {
            id: id.clone(),
            label: new.label,
            kind: new.kind.as_str().to_owned(),
            person: new.person,
            permissions: new
                .permissions
                .iter()
                .map(|permission| permission.as_str().to_owned())
                .collect(),
            scope: new.scope,
            expires_at,
        };
        let row = TokenRow {
            id: id.to_string(),
            secret_hash: hash(&secret),
            label: event.label.clone(),
            person_id: event.person.as_ref().map(ToString::to_string),
            kind: event.kind.clone(),
            permissions: serde_json::to_string(&event.permissions).unwrap_or_default(),
            scope: serde_json::to_string(&event.scope).unwrap_or_default(),
            created_us: self.now().as_microsecond(),
            expires_us: Some(expires_at.as_microsecond()),
            revoked_us: None,
            last_used_us: None,
        };
        let decide = move |_: &Standing, _: Timestamp| {
            let mut commit = Commit::of(vec![event.into()], actor);
            commit.rows.push(Row::Token(row));
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        Ok((CreatedToken { id, secret, expires_at }, Answer::of((), &done)))
    }

    /// Makes a token void.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        id: &TokenId,
    ) -> Result<Answer<()>, EngineError> {
        let (id, actor) = (id.clone(), caller.actor());
        let own = |token: &TokenCreated| token.person.is_some() && token.person == caller.person;
        if !self.standing().tokens.get(&id).is_some_and(|known| own(&known.token)) {
            manages(caller)?;
        }
        let decide = move |standing: &Standing, now: Timestamp| {
            if !standing.tokens.contains_key(&id) {
                let refusal = Refusal::missing(
                    "token_unknown",
                    format!("there is no token `{id}`"),
                    "list the tokens",
                );
                return Step::Refuse(refusal.into(), None);
            }
            let mut commit = Commit::of(vec![TokenRevoked { id: id.clone() }.into()], actor);
            commit.rows.push(Row::RevokeToken { id: id.to_string(), at_us: now.as_microsecond() });
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        Ok(Answer::of((), &done))
    }
}

/// A new id, and a new secret that holds it.
pub(crate) fn secret(rng: &dyn Rng) -> (TokenId, String) {
    let id = format!("t{}", &rng.opaque_id()[..11]);
    let id = TokenId::parse(&id).unwrap_or_else(|_| unreachable!("letters and digits"));
    let secret = format!("{PREFIX}{id}_{}{}", rng.opaque_id(), &rng.opaque_id()[..10]);
    (id, secret)
}

/// The row of a pipeline's session.
pub(crate) fn row(exchanged: &TokenExchanged, secret: &str, now: Timestamp) -> TokenRow {
    TokenRow {
        id: exchanged.token.to_string(),
        secret_hash: hash(secret),
        label: format!("{} by {}", exchanged.run.key(), exchanged.rule),
        person_id: None,
        kind: CallerKind::Pipeline.as_str().to_owned(),
        permissions: serde_json::to_string(&exchanged.permissions).unwrap_or_default(),
        scope: serde_json::to_string(&exchanged.scope).unwrap_or_default(),
        created_us: now.as_microsecond(),
        expires_us: Some(exchanged.expires_at.as_microsecond()),
        revoked_us: None,
        last_used_us: None,
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whether somebody can come in who may make tokens.
fn has_administrator(standing: &Standing) -> bool {
    standing.access.accounts.iter().any(|(person, account)| {
        let held = sluice_core::access::held_by(standing, person);
        account.disabled.is_none()
            && account.factors.contains("password")
            && sluice_core::access::permissions_of(&held).contains(&Permission::TokenManage)
    })
}

/// The id that a secret begins with.
pub(crate) fn id_of(secret: &str) -> Option<TokenId> {
    let text = secret.strip_prefix(PREFIX)?;
    if text.len() > 128 || !text.is_ascii() {
        return None;
    }
    let (id, _) = text.split_once('_')?;
    TokenId::parse(id).ok()
}

fn caller(standing: &Standing, known: &TokenInForce) -> Caller {
    let token = &known.token;
    let permissions = token.permissions.iter().filter_map(|name| Permission::parse(name));
    let permissions: BTreeSet<Permission> =
        permissions.filter(|permission| !permission.is_for_people()).collect();
    let machine = Caller::machine(token.id.clone(), permissions.clone(), token.scope.clone());
    match &token.person {
        None => Caller { run: known.run.clone(), ..machine },
        Some(person) => Caller {
            kind: CallerKind::Person,
            person: Some(person.clone()),
            grants: at_most(standing, person, &permissions, &token.scope),
            ..machine
        },
    }
}

/// What a token for a person may now: no more than its person, by the roles that they have at this moment and that
/// their provider confirmed last. Where
/// neither its scope nor that of a role lies within the other, it has nothing by that role.
fn at_most(
    standing: &Standing,
    person: &PersonId,
    permissions: &BTreeSet<Permission>,
    scope: &Scope,
) -> Vec<Grant> {
    let held = sluice_core::access::held_beside(standing, person).into_iter();
    let grants = held.filter_map(|held| {
        let scope = if held.scope.contains(scope) {
            scope.clone()
        } else if scope.contains(&held.scope) {
            held.scope
        } else {
            return None;
        };
        let permissions: BTreeSet<Permission> = &held.permissions & permissions;
        (!permissions.is_empty()).then_some(Grant { permissions, scope })
    });
    grants.collect()
}

/// Tokens concern every service at once.
fn manages(caller: &Caller) -> Result<(), EngineError> {
    caller.require(Permission::TokenManage)?;
    crate::stops::within(caller, Permission::TokenManage, &Scope::default())
}

/// Whether it is what an administrator, who is logged in, may hand on to a machine without having it: what the role of
/// pipelines has, so that there is somebody who makes their tokens. It lets nothing through that the gate would not.
fn hands_on(engine: &Engine, caller: &Caller, new: &NewToken, permission: Permission) -> bool {
    let standing = engine.standing();
    let table = standing.access.table.roles.iter().filter(|role| role.machine);
    let mut permissions = table.flat_map(sluice_core::access::Role::permissions);
    new.kind == CallerKind::Pipeline
        && caller.session.is_some()
        && permissions.any(|(its, _)| its == permission)
}

/// A person's token is made by themselves, logged in, after a recent proof.
fn own(caller: &Caller, new: &NewToken, now: Timestamp) -> Result<(), EngineError> {
    let by = caller.require_recent(now)?;
    match &new.person {
        Some(person) if *person != by => Err(Refusal::forbidden(
            "token_of_another",
            "a token for a person is made by that person alone: whoever made it could act in their name",
            "let them make it themselves, or make one of the kind `pipeline`",
        )
        .into()),
        _ => Ok(()),
    }
}

fn check(engine: &Engine, caller: &Caller, new: &NewToken) -> Result<(), EngineError> {
    let invalid =
        |code: &str, message: String, help: &str| Err(Refusal::invalid(code, message, help).into());
    let label = new.label.chars().count();
    if label == 0 || label > 128 || new.label.chars().any(char::is_control) {
        return invalid(
            "bad_label",
            "a label has 1 to 128 characters".into(),
            "say what the token is for",
        );
    }
    if new.permissions.is_empty() {
        return invalid(
            "no_permissions",
            "a token without permissions is of no use".into(),
            "name at least one permission",
        );
    }
    if new.expires_in_hours == 0 || new.expires_in_hours > LONGEST_HOURS {
        return invalid(
            "bad_expiry",
            "a token is good for 1 hour to 90 days".into(),
            "choose a time between them",
        );
    }
    let person_known =
        new.person.as_ref().is_some_and(|id| engine.standing().organisation.acting(id).is_some());
    match (new.kind, &new.person) {
        (CallerKind::Person, None) => {
            return invalid(
                "person_missing",
                "a person's token names the person".into(),
                "give `person`",
            );
        }
        (CallerKind::Pipeline, Some(_)) => {
            return invalid(
                "person_unexpected",
                "a pipeline's token acts for nobody".into(),
                "leave `person` out",
            );
        }
        (CallerKind::Person, Some(id)) if !person_known => {
            return invalid(
                "person_unknown",
                format!("{id} is not declared"),
                "declare the person first, with `sluice apply`",
            );
        }
        (CallerKind::Person, Some(_)) | (CallerKind::Pipeline, None) => {}
    }
    for permission in &new.permissions {
        if permission.is_for_people() {
            return invalid(
                "for_sessions_only",
                format!("`{permission}` is for people who are logged in: no token has it"),
                "leave it out; people log in with `sluice login` or in a browser",
            );
        }
        if !caller.contains(*permission, &new.scope) && !hands_on(engine, caller, new, *permission)
        {
            return Err(EngineError::Forbidden(*permission));
        }
    }
    Ok(())
}
