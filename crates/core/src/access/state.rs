//! What stands of accounts, sessions and roles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::event::{
    GlassAsked, GlassOpened, PlanProposed, ResetAsked, RoleProposed, SessionOpened,
};
use super::{Handed, RoleTable};
use crate::ids::{Digest, GrantId, PersonId, TokenId};

/// Sessions of one person at the same time; the oldest leaves first.
const SESSIONS_EACH: usize = 20;

/// Accounts, sessions, and roles beyond those that the organisation declares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// The table of roles in force.
    pub table: Arc<RoleTable>,
    /// Accounts of this installation.
    pub accounts: OrdMap<PersonId, Arc<Account>>,
    /// Sessions that are good, as far as the ledger says.
    pub sessions: OrdMap<TokenId, Arc<Session>>,
    /// The permissions that the last login by a provider of identities confirmed of a person, where it confirms roles.
    #[serde(default)]
    pub narrowed: OrdMap<PersonId, Arc<Narrowed>>,
    /// Roles that were proposed, confirmed or granted, and are not over.
    pub roles: OrdMap<GrantId, Arc<StandingRole>>,
    /// Emergency paths that were asked for or are open.
    #[serde(default)]
    pub glasses: OrdMap<GrantId, Arc<Glass>>,
    /// Plans that wait for a second person.
    #[serde(default)]
    pub plans: OrdMap<Digest, Arc<Plan>>,
    /// When two people could agree with one another for the last time before something took a right, an account or a
    /// person away.
    #[serde(default)]
    pub two_until: Option<Timestamp>,
    /// People who could manage accounts, when something took such a right, an account or a person away for the last time:
    /// three of them, so that beside any two there is one.
    #[serde(default)]
    pub managers_until: BTreeMap<PersonId, Timestamp>,
    /// Accounts that somebody wants set back.
    #[serde(default)]
    pub resets: OrdMap<PersonId, Arc<Reset>>,
    /// Through whose hands accounts went lately.
    #[serde(default)]
    pub handed: OrdMap<PersonId, Arc<Vec<Handed>>>,
    /// Tokens that the console showed: whoever has one sets the installation up.
    #[serde(default)]
    pub console: BTreeSet<TokenId>,
}

/// What a login by a provider of identities confirmed of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// The permissions; others that they have count no more.
    pub to: BTreeSet<String>,
    /// When it did.
    pub at: Timestamp,
}

/// A plan that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What was proposed.
    pub proposed: PlanProposed,
    /// When.
    pub at: Timestamp,
}

/// An account that somebody wants set back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// What was asked for.
    pub asked: ResetAsked,
    /// When it was asked for.
    pub at: Timestamp,
}

/// An emergency path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    /// What was asked for.
    pub asked: GlassAsked,
    /// When it was asked for.
    pub at: Timestamp,
    /// The second person and the end, where it is open.
    pub opened: Option<GlassOpened>,
}

/// How long an emergency path that was asked for, or a plan that was proposed, waits for a second person.
pub(super) const GLASS_WAITS: SignedDuration = SignedDuration::from_mins(30);
const PLAN_WAITS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// An account of this installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Since when.
    pub since: Timestamp,
    /// Why nobody comes in by it, where that is so.
    pub disabled: Option<String>,
    /// The ways of proving who one is that are set.
    pub factors: BTreeSet<String>,
    /// Whether the person ever set a password: from then on a new code sets the account back.
    #[serde(default)]
    pub enrolled: bool,
}

/// A session that is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// How it was opened; `auth_time` and `methods` are those of the last proof.
    pub opened: SessionOpened,
    /// When it was opened.
    pub since: Timestamp,
}

/// A role beyond those that the organisation declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingRole {
    /// What was proposed.
    pub proposed: RoleProposed,
    /// When it was proposed.
    pub at: Timestamp,
    /// How far it has come.
    pub state: RoleState,
}

/// How far a role has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleState {
    /// It waits for a second person.
    Proposed,
    /// It waits for its time.
    Confirmed {
        /// The second person.
        by: PersonId,
        /// When it takes effect.
        from: Timestamp,
    },
    /// It holds.
    Granted {
        /// The second person.
        by: PersonId,
        /// Since when.
        since: Timestamp,
    },
}

impl Glass {
    /// Whether it is open at a time.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opened.as_ref().is_some_and(|opened| now < opened.until)
    }

    /// Whether it waits for a second person at a time.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.opened.is_none() && self.at.saturating_add(GLASS_WAITS).is_ok_and(|end| now < end)
    }
}

impl PlanProposed {
    /// Whether it waits for a second person at a time.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.from.saturating_add(PLAN_WAITS).is_ok_and(|end| now < end)
    }
}

impl Access {
    /// Plans that wait for a second person at a time.
    pub fn plans_waiting(&self, now: Timestamp) -> impl Iterator<Item = &PlanProposed> {
        self.plans.values().map(|plan| &plan.proposed).filter(move |plan| plan.waits(now))
    }

    /// Roles that hold of a person, beyond those that the organisation declares.
    pub fn granted<'a>(
        &'a self,
        person: &'a PersonId,
    ) -> impl Iterator<Item = (&'a GrantId, &'a StandingRole)> {
        self.roles
            .iter()
            .map(|(id, role)| (id, role.as_ref()))
            .filter(move |(_, role)| role.proposed.person == *person)
            .filter(|(_, role)| matches!(role.state, RoleState::Granted { .. }))
    }

    pub(crate) fn account_created(&mut self, person: &PersonId, at: Timestamp) {
        let account =
            Account { since: at, disabled: None, factors: BTreeSet::new(), enrolled: false };
        self.accounts.insert(person.clone(), Arc::new(account));
    }

    pub(crate) fn account_disabled(&mut self, person: &PersonId, because: Option<&str>) {
        if let Some(account) = self.accounts.get_mut(person) {
            Arc::make_mut(account).disabled = because.map(str::to_owned);
        }
        if because.is_some() {
            self.end_sessions(person);
        }
    }

    pub(crate) fn factor_changed(&mut self, person: &PersonId, factor: &str, present: bool) {
        if let Some(account) = self.accounts.get_mut(person) {
            let account = Arc::make_mut(account);
            account.enrolled |= present && factor == "password";
            if present {
                account.factors.insert(factor.to_owned());
            } else {
                account.factors.remove(factor);
            }
        }
    }

    /// Forgets what is over, so that memory is bounded by people and not by logins.
    pub(crate) fn session_opened(&mut self, opened: &SessionOpened, at: Timestamp) {
        let over: Vec<TokenId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.opened.expires_at <= at)
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.sessions.remove(&id);
        }
        let mut own: Vec<(Timestamp, TokenId)> = self
            .sessions_of(&opened.person)
            .map(|(id, session)| (session.since, id.clone()))
            .collect();
        own.sort();
        for (_, id) in own.iter().take((own.len() + 1).saturating_sub(SESSIONS_EACH)) {
            self.sessions.remove(id);
        }
        match &opened.narrowed_to {
            Some(names) if opened.is_of_provider() => {
                let narrowed = Narrowed { to: names.clone(), at };
                self.narrowed.insert(opened.person.clone(), Arc::new(narrowed));
            }
            None if opened.is_of_provider() => drop(self.narrowed.remove(&opened.person)),
            _ if opened.unconfirmed => drop(self.narrowed.remove(&opened.person)),
            Some(_) | None => {}
        }
        let session = Session { opened: opened.clone(), since: at };
        self.sessions.insert(opened.session.clone(), Arc::new(session));
    }

    pub(crate) fn session_stepped_up(
        &mut self,
        id: &TokenId,
        methods: &BTreeSet<String>,
        at: Timestamp,
    ) {
        if let Some(session) = self.sessions.get_mut(id) {
            let opened = &mut Arc::make_mut(session).opened;
            opened.auth_time = at;
            opened.methods.clone_from(methods);
        }
    }

    /// Sessions of a person.
    pub fn sessions_of<'a>(
        &'a self,
        person: &'a PersonId,
    ) -> impl Iterator<Item = (&'a TokenId, &'a Session)> {
        self.sessions
            .iter()
            .map(|(id, session)| (id, session.as_ref()))
            .filter(move |(_, session)| session.opened.person == *person)
    }

    /// Ends every session of a person: their roles are not what they were.
    pub(crate) fn end_sessions(&mut self, person: &PersonId) {
        let own: Vec<TokenId> = self.sessions_of(person).map(|(id, _)| id.clone()).collect();
        for id in own {
            self.sessions.remove(&id);
        }
    }

    pub(crate) fn reset_asked(&mut self, asked: &ResetAsked, at: Timestamp) {
        let reset = Reset { asked: asked.clone(), at };
        self.resets.insert(asked.person.clone(), Arc::new(reset));
    }

    pub(crate) fn person_erased(&mut self, person: &PersonId) {
        self.accounts.remove(person);
        self.narrowed.remove(person);
        self.resets.remove(person);
        self.managers_until.remove(person);
        let theirs: Vec<GrantId> = self
            .roles
            .iter()
            .filter(|(_, role)| role.proposed.person == *person)
            .map(|(id, _)| id.clone())
            .collect();
        for id in theirs {
            self.roles.remove(&id);
        }
    }

    /// Forgets what is over, so that memory is bounded by what is open.
    pub(crate) fn glass_asked(&mut self, asked: &GlassAsked, at: Timestamp) {
        let over: Vec<GrantId> = self
            .glasses
            .iter()
            .filter(|(_, glass)| !glass.is_open(at) && !glass.waits(at))
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.glasses.remove(&id);
        }
        let glass = Glass { asked: asked.clone(), at, opened: None };
        self.glasses.insert(asked.id.clone(), Arc::new(glass));
    }

    pub(crate) fn glass_opened(&mut self, opened: &GlassOpened) {
        if let Some(glass) = self.glasses.get_mut(&opened.id) {
            Arc::make_mut(glass).opened = Some(opened.clone());
        }
    }

    pub(crate) fn plan_proposed(&mut self, proposed: &PlanProposed, at: Timestamp) {
        let over: Vec<Digest> = self
            .plans
            .iter()
            .filter(|(_, plan)| !plan.proposed.waits(at))
            .map(|(digest, _)| digest.clone())
            .collect();
        for digest in over {
            self.plans.remove(&digest);
        }
        let plan = Plan { proposed: proposed.clone(), at };
        self.plans.insert(proposed.plan.clone(), Arc::new(plan));
    }

    /// What a machine proposed is void with its token.
    pub(crate) fn token_revoked(&mut self, token: &TokenId) {
        let theirs =
            self.plans.iter().filter(|(_, plan)| plan.proposed.token.as_ref() == Some(token));
        let theirs: Vec<Digest> = theirs.map(|(digest, _)| digest.clone()).collect();
        for digest in theirs {
            self.plans.remove(&digest);
        }
    }

    pub(crate) fn role_proposed(&mut self, proposed: &RoleProposed, at: Timestamp) {
        let role = StandingRole { proposed: proposed.clone(), at, state: RoleState::Proposed };
        self.roles.insert(proposed.grant.clone(), Arc::new(role));
    }

    pub(crate) fn role_confirmed(&mut self, grant: &GrantId, by: &PersonId, from: Timestamp) {
        if let Some(role) = self.roles.get_mut(grant) {
            Arc::make_mut(role).state = RoleState::Confirmed { by: by.clone(), from };
        }
    }

    pub(crate) fn role_granted(&mut self, grant: &GrantId, at: Timestamp) {
        let Some(role) = self.roles.get_mut(grant) else { return };
        let role = Arc::make_mut(role);
        if let RoleState::Confirmed { by, .. } = &role.state {
            role.state = RoleState::Granted { by: by.clone(), since: at };
        }
        let person = role.proposed.person.clone();
        self.end_sessions(&person);
    }

    pub(crate) fn role_revoked(&mut self, grant: &GrantId) {
        let Some(role) = self.roles.remove(grant) else { return };
        if matches!(role.state, RoleState::Granted { .. }) {
            self.end_sessions(&role.proposed.person);
        }
    }
}
