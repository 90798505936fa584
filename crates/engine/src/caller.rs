//! Who asks, as the credential says. Never from the body of a request.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sluice_core::change::Change;
use sluice_core::ids::{EnvironmentName, LinkName, PersonId, ServiceName, TokenId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::run::RunRef;
use sluice_core::scope::{Scope, Target};
use sluice_core::standing::{Actor, Standing};

use crate::error::EngineError;

/// Whoever may act on a record may see it.
const SEEING: [Permission; 6] = [
    Permission::ChangeRead,
    Permission::ChangeApprove,
    Permission::ChangeEdit,
    Permission::GateEvaluate,
    Permission::GateRedeem,
    Permission::DeploymentReport,
];

/// How long a proof of who one is counts as recent (TRUST: ten minutes).
pub const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// What kind of credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// A machine's.
    Pipeline,
    /// A person's.
    Person,
}

impl CallerKind {
    /// The word for the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Person => "person",
        }
    }
}

/// Permissions that hold together in one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// What may be done.
    pub permissions: BTreeSet<Permission>,
    /// Where.
    pub scope: Scope,
}

/// By which program a person came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// A browser: the secret lies in a cookie.
    Browser,
    /// The command line: the secret is sent as a bearer token.
    Cli,
}

impl Client {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Cli => "cli",
        }
    }
}

/// The session of a person who came in by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallerSession {
    /// By which program.
    pub client: Client,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// How.
    pub methods: BTreeSet<String>,
    /// Until when the session is good at the longest.
    pub expires_at: Timestamp,
    /// Whether it may nothing because a second factor is required and was not shown.
    pub is_half: bool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token, or the session.
    pub token: TokenId,
    /// What kind of credential it is.
    pub kind: CallerKind,
    /// The person it acts for.
    pub person: Option<PersonId>,
    /// What it may, and where.
    pub grants: Vec<Grant>,
    /// The session, where a person came in by themselves and not by a token.
    pub session: Option<CallerSession>,
    /// The run it speaks for, where its credential was got by one.
    pub run: Option<RunRef>,
    /// The link whose delivery asks, where it was none of the others.
    pub link: Option<LinkName>,
}

impl Caller {
    /// A machine that may all this in one scope.
    pub fn machine(token: TokenId, permissions: BTreeSet<Permission>, scope: Scope) -> Self {
        let grants = vec![Grant { permissions, scope }];
        Self {
            token,
            kind: CallerKind::Pipeline,
            person: None,
            grants,
            session: None,
            run: None,
            link: None,
        }
    }

    /// Whether it has a permission anywhere.
    pub fn may(&self, permission: Permission) -> bool {
        self.grants.iter().any(|grant| grant.permissions.contains(&permission))
    }

    /// All permissions, wherever they hold.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.grants.iter().flat_map(|grant| grant.permissions.iter().copied()).collect()
    }

    /// Whether it has a permission for one deployment.
    pub fn covers(&self, permission: Permission, target: &Target) -> bool {
        self.scopes(permission).any(|scope| scope.covers(target))
    }

    /// Whether it has a permission for everything in a scope.
    pub fn contains(&self, permission: Permission, scope: &Scope) -> bool {
        self.scopes(permission).any(|mine| mine.contains(scope))
    }

    /// Whether something for which it has a permission lies in a scope.
    pub fn touches(&self, permission: Permission, scope: &Scope) -> bool {
        self.scopes(permission).any(|mine| mine.overlaps(scope))
    }

    /// Whether it has a permission for the whole organisation.
    pub fn everywhere(&self, permission: Permission) -> bool {
        self.scopes(permission).any(Scope::is_everything)
    }

    /// Where a permission holds, in words.
    pub fn told_scope(&self, permission: Permission) -> String {
        let scopes: Vec<String> = self.scopes(permission).map(ToString::to_string).collect();
        scopes.join("; ")
    }

    fn scopes(&self, permission: Permission) -> impl Iterator<Item = &Scope> {
        let having =
            self.grants.iter().filter(move |grant| grant.permissions.contains(&permission));
        having.map(|grant| &grant.scope)
    }

    pub(crate) fn require(&self, permission: Permission) -> Result<(), EngineError> {
        if self.may(permission) { Ok(()) } else { Err(EngineError::Forbidden(permission)) }
    }

    /// The same, where it must not be limited to a part of the organisation.
    pub(crate) fn require_everywhere(&self, permission: Permission) -> Result<(), EngineError> {
        self.require(permission)?;
        if self.everywhere(permission) {
            return Ok(());
        }
        let message = format!("`{permission}` holds for {} only", self.told_scope(permission));
        let help = "ask somebody who has it for the whole organisation";
        Err(Refusal::forbidden("scope_too_narrow", message, help).into())
    }

    /// Whether it has a permission for every service of a change.
    pub fn covers_change(
        &self,
        standing: &Standing,
        permission: Permission,
        change: &Change,
    ) -> bool {
        let target = |name| standing.organisation.target(name, &change.environment);
        change.services.iter().all(|name| self.covers(permission, &target(name)))
    }

    /// Whether it may say yes or no to a change: one of its services is enough, for what a word counts for is said by the
    /// rules, each of which may ask those of another service.
    pub(crate) fn may_speak_of(&self, standing: &Standing, change: &Change) -> bool {
        let target = |name| standing.organisation.target(name, &change.environment);
        change.services.iter().any(|name| self.covers(Permission::ChangeApprove, &target(name)))
    }

    /// Whether it may see a change: one of its services, in its environment.
    pub fn sees_change(&self, standing: &Standing, change: &Change) -> bool {
        let services = change.services.iter().map(ServiceName::as_str);
        self.sees(standing, services, change.environment.as_str())
    }

    /// Whether it may see what concerns one of `services` in `environment`.
    pub fn sees<'a>(
        &self,
        standing: &Standing,
        services: impl IntoIterator<Item = &'a str>,
        environment: &str,
    ) -> bool {
        if SEEING.iter().any(|permission| self.everywhere(*permission)) {
            return true;
        }
        let Ok(environment) = EnvironmentName::parse(environment) else { return false };
        services.into_iter().filter_map(|name| ServiceName::parse(name).ok()).any(|service| {
            let target = standing.organisation.target(&service, &environment);
            SEEING.iter().any(|permission| self.covers(*permission, &target))
        })
    }

    /// Refuses what another run than the caller's is about.
    pub(crate) fn require_run(&self, run: &RunRef) -> Result<(), EngineError> {
        let same = |own: &RunRef| own.key() == run.key() && own.attempt == run.attempt;
        match &self.run {
            Some(own) if !same(own) => Err(EngineError::Refused(Refusal::forbidden(
                "session_of_other_run",
                format!("the session is bound to the run `{}`, attempt {}", own.key(), own.attempt),
                "ask for the run that got the session, or exchange the token of this one",
            ))),
            _ => Ok(()),
        }
    }

    /// The person behind it, where only a person may who came in by themselves: no token, whoever it speaks for.
    pub(crate) fn require_session(&self) -> Result<(PersonId, &CallerSession), EngineError> {
        match (&self.person, &self.session) {
            (Some(person), Some(session)) => Ok((person.clone(), session)),
            _ => Err(EngineError::Refused(Refusal::forbidden(
                "session_needed",
                "only a person who is logged in may do this; a token cannot, whoever it speaks for",
                "log in: `sluice login`, or in a browser",
            ))),
        }
    }

    /// The same, where the person proved lately who they are.
    pub(crate) fn require_recent(&self, now: Timestamp) -> Result<PersonId, EngineError> {
        let (person, session) = self.require_session()?;
        recent(session.auth_time, now)?;
        Ok(person)
    }

    /// Refuses a person who is logged in and did not prove lately who they are. A token proves itself each time.
    pub(crate) fn recent_if_session(&self, now: Timestamp) -> Result<(), EngineError> {
        match &self.session {
            Some(session) => Ok(recent(session.auth_time, now)?),
            None => Ok(()),
        }
    }

    pub(crate) fn actor(&self) -> Actor {
        if let Some(link) = &self.link {
            return Actor::Link(link.clone());
        }
        match (&self.kind, &self.person) {
            (CallerKind::Person, Some(person)) => Actor::Person(person.clone()),
            (CallerKind::Person | CallerKind::Pipeline, _) => Actor::Pipeline(self.token.clone()),
        }
    }

    /// Scope of this caller's idempotency keys.
    pub(crate) fn key_scope(&self, what: &str) -> String {
        format!("{what}:{}", self.token)
    }
}

/// Refuses where the last proof of who somebody is has become old.
pub(crate) fn recent(auth_time: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    if auth_time.saturating_add(RECENT).is_ok_and(|until| now <= until) {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "step_up_needed",
        "this needs a proof of who you are that is at most ten minutes old",
        "prove it again: `sluice login --step-up`, or in the browser with your password or by your login provider",
    ))
}
