//! People and groups as a provider of identities keeps them here (SCIM): the engine's side.
//!
//! What is personal lies in a table beside the ledger, as the text that the door made of it; the ledger has keys. A
//! token alone provisions, and only one that a second person has agreed on: groups give roles.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sluice_core::ids::{IdentityKey, PersonId, ProvisionedId, TokenId};
use sluice_core::organisation::{SubjectIs, login_of};
use sluice_core::permission::Permission;
use sluice_core::provision::decide;
use sluice_core::provision::event::{GroupSet, UserSet};
use sluice_core::provision::{Bond, Group, User};
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_organisation::{Keys as _, normalise_identity};
use sluice_store::Row;
use sluice_store::rows::{IdentityRow, PersonRow, ProvisionedRow};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

/// Rows read at once.
const PAGE: u32 = 200;

/// A person as the provider wants them to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserWish {
    /// The user name.
    pub user_name: String,
    /// The provider's own id.
    pub external_id: Option<String>,
    /// Mail addresses.
    pub emails: Vec<String>,
    /// Their name for people.
    pub name: String,
    /// Whether they may act.
    pub active: bool,
    /// All that is kept, as the door wrote it.
    pub body: String,
}

/// A person as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Id.
    pub id: ProvisionedId,
    /// What the ledger has.
    pub user: User,
    /// All that is kept, as the door wrote it.
    pub body: String,
    /// Their groups, by id and name.
    pub groups: Vec<(ProvisionedId, String)>,
}

/// A group as the provider wants it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupWish {
    /// Its name.
    pub name: String,
    /// The provider's own id.
    pub external_id: Option<String>,
    /// Exactly who is in it.
    pub members: BTreeSet<ProvisionedId>,
}

impl Engine {
    /// Provisions a person, anew or in place of what was kept. `expected` is the version that was looked at.
    pub async fn provision_user(
        &self,
        caller: &Caller,
        id: Option<&ProvisionedId>,
        expected: Option<u64>,
        wish: UserWish,
    ) -> Result<Answer<ProvisionedId>, EngineError> {
        self.provisions(caller)?;
        let standing = self.standing();
        if let Some(id) = id {
            decide::user_of(&standing, id)?;
        }
        let id = id.cloned().unwrap_or_else(|| self.provisioned_id("u"));
        let set = self.user_set(&id, &wish);
        let kept = self.read(|readers| readers.provisioned(id.as_str()))?;
        let known = standing.organisation.provision.users.get(&id);
        let is_same = kept.is_some_and(|row| row.body == wish.body)
            && known.is_some_and(|user| {
                user.set == set && expected.is_none_or(|version| version == user.version)
            });
        if is_same {
            return Ok(Answer { value: id, receipt: None, as_of: standing.size });
        }
        let rows = self.user_rows(&standing, &set, wish);
        let answer = self
            .decide_with(caller.actor(), rows, move |standing| {
                decide::set_user(standing, set, expected)
            })
            .await?;
        Ok(answer.map(|()| id))
    }

    fn user_set(&self, id: &ProvisionedId, wish: &UserWish) -> UserSet {
        let email = |address: &String| {
            self.signing().identity("email", &normalise_identity("email", address))
        };
        // Addresses serve as user names, and the other way round.
        let emails = wish.emails.iter().chain([&wish.user_name]).filter(|text| text.contains('@'));
        UserSet {
            user: id.clone(),
            person: self.signing().person(&format!("provisioned {id}")),
            user_name: self.user_name_key(&wish.user_name),
            external_id: wish.external_id.as_deref().map(|text| self.external_id_key(text)),
            emails: emails.map(email).collect(),
            active: wish.active,
        }
    }

    fn user_name_key(&self, text: &str) -> IdentityKey {
        self.signing().identity("user_name", &normalise_identity("user_name", text))
    }

    /// Letters' case tells ids of a provider apart, which identities do not have: a digest stands for them.
    fn external_id_key(&self, text: &str) -> IdentityKey {
        self.signing().identity("external_id", &login_of("external_id", text))
    }

    fn user_rows(&self, standing: &Standing, set: &UserSet, wish: UserWish) -> Vec<Row> {
        let claimed = standing.organisation.claim(set).map(|(person, _)| person);
        let person = claimed.unwrap_or(&set.person);
        let mut rows = vec![Row::Provisioned(ProvisionedRow {
            id: set.user.to_string(),
            person_id: set.person.to_string(),
            body: wish.body,
        })];
        if claimed.is_none() {
            rows.push(Row::Person(PersonRow {
                person_id: person.to_string(),
                handle: wish.user_name,
                name: wish.name,
            }));
        }
        let addresses: Vec<IdentityRow> = wish
            .emails
            .iter()
            .map(|address| {
                let value = normalise_identity("email", address);
                let key = self.signing().identity("email", &value);
                IdentityRow {
                    identity_key: key.to_string(),
                    kind: "email".into(),
                    value,
                    person_id: Some(person.to_string()),
                }
            })
            .collect();
        if claimed.is_none() {
            // Of somebody declared, the folder says which addresses are theirs.
            rows.push(Row::KeepIdentities {
                person_id: person.to_string(),
                kind: "email".into(),
                keys: addresses.iter().map(|row| row.identity_key.clone()).collect(),
            });
        }
        rows.extend(addresses.into_iter().map(Row::Identity));
        rows
    }

    /// Forgets a person whom the provider has no more. Their sessions are over, and they act no more.
    pub async fn deprovision_user(
        &self,
        caller: &Caller,
        id: &ProvisionedId,
        expected: Option<u64>,
    ) -> Result<Answer<()>, EngineError> {
        self.provisions(caller)?;
        let rows = vec![Row::RemoveProvisioned { id: id.to_string() }];
        let id = id.clone();
        self.decide_with(caller.actor(), rows, move |standing| {
            decide::remove_user(standing, &id, expected)
        })
        .await
    }

    /// Provisions a group with exactly these members.
    pub async fn provision_group(
        &self,
        caller: &Caller,
        id: Option<&ProvisionedId>,
        expected: Option<u64>,
        wish: GroupWish,
    ) -> Result<Answer<ProvisionedId>, EngineError> {
        self.provisions(caller)?;
        if let Some(id) = id {
            decide::group_of(&self.standing(), id)?;
        }
        let id = id.cloned().unwrap_or_else(|| self.provisioned_id("g"));
        let GroupWish { name, external_id, members } = wish;
        let set = GroupSet { group: id.clone(), name, external_id };
        self.decide(caller, move |standing, _| {
            decide::set_group(standing, set, &members, expected).map(|events| (id, events))
        })
        .await
    }

    /// Forgets a group that the provider has no more, and with it the roles that it gave.
    pub async fn deprovision_group(
        &self,
        caller: &Caller,
        id: &ProvisionedId,
        expected: Option<u64>,
    ) -> Result<Answer<()>, EngineError> {
        self.provisions(caller)?;
        let id = id.clone();
        self.decide(caller, move |standing, _| {
            decide::remove_group(standing, &id, expected).map(|events| ((), events))
        })
        .await
    }

    /// A provisioned person. Blocking.
    pub fn provisioned_user(
        &self,
        caller: &Caller,
        id: &ProvisionedId,
    ) -> Result<UserRecord, EngineError> {
        self.provisions(caller)?;
        let standing = self.standing();
        let user = decide::user_of(&standing, id)?;
        let row = self.read(|readers| readers.provisioned(id.as_str()))?;
        Ok(record(&standing, id, user, row.map(|row| row.body).unwrap_or_default()))
    }

    /// All provisioned people, in the order of their ids, each handed to `see`. Blocking.
    pub fn each_provisioned_user(
        &self,
        caller: &Caller,
        mut see: impl FnMut(UserRecord),
    ) -> Result<(), EngineError> {
        self.provisions(caller)?;
        let standing = self.standing();
        let mut after = String::new();
        loop {
            let page = self.read(|readers| readers.all_provisioned(&after, PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.id);
            for row in page {
                let Ok(id) = ProvisionedId::parse(&row.id) else { continue };
                if let Some(user) = standing.organisation.provision.users.get(&id) {
                    see(record(&standing, &id, user, row.body));
                }
            }
        }
    }

    /// The provisioned person with a user name.
    pub fn provisioned_by_name(
        &self,
        caller: &Caller,
        user_name: &str,
    ) -> Result<Option<ProvisionedId>, EngineError> {
        self.provisions(caller)?;
        let key = self.user_name_key(user_name);
        Ok(self.standing().organisation.provision.user_named(&key).cloned())
    }

    /// The provisioned groups.
    pub fn provisioned_groups(
        &self,
        caller: &Caller,
    ) -> Result<Vec<(ProvisionedId, Group)>, EngineError> {
        self.provisions(caller)?;
        let standing = self.standing();
        let groups = standing.organisation.provision.groups.iter();
        Ok(groups.map(|(id, group)| (id.clone(), group.as_ref().clone())).collect())
    }

    /// A provisioned group.
    pub fn provisioned_group(
        &self,
        caller: &Caller,
        id: &ProvisionedId,
    ) -> Result<Group, EngineError> {
        self.provisions(caller)?;
        Ok(decide::group_of(&self.standing(), id)?.clone())
    }

    /// A second person agrees that whoever has a token provisions people.
    pub async fn confirm_provisioning(
        &self,
        caller: &Caller,
        token: &TokenId,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::RoleGrant)?;
        let (by, token) = (caller.require_recent(self.latest())?, token.clone());
        self.decide(caller, move |standing, now| {
            decide::confirm_token(standing, &token, &by, now).map(|events| ((), events))
        })
        .await
    }

    /// Lets only a token in that two people agreed on.
    fn provisions(&self, caller: &Caller) -> Result<(), EngineError> {
        caller.require(Permission::PeopleProvision)?;
        let standing = self.standing();
        let known = standing.organisation.provision.tokens.get(&caller.token);
        if known.is_some_and(|known| known.confirmed_by.is_some()) {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "provisioning_unconfirmed",
            "people and groups are provisioned by a token that a second person has confirmed",
            "make a token with `people.provision`, and let somebody else with `role.grant` run `sluice token confirm`",
        )
        .into())
    }

    /// Who somebody is whom their provider keeps here, by issuer and subject of their login.
    pub(super) fn provisioned_login(
        &self,
        standing: &Standing,
        issuer: &str,
        subject: &str,
    ) -> Option<PersonId> {
        let subjects = standing.organisation.settings.provisioned_login.as_ref()?;
        if subjects.issuer != issuer {
            return None;
        }
        let provision = &standing.organisation.provision;
        let id = match subjects.subject {
            SubjectIs::ExternalId => provision.user_known_as(&self.external_id_key(subject)),
            SubjectIs::UserName => provision.user_named(&self.user_name_key(subject)),
        };
        provision.users.get(id?)?.person().cloned()
    }

    fn provisioned_id(&self, prefix: &str) -> ProvisionedId {
        let id = ProvisionedId::parse(&format!("{prefix}-{}", &self.rng().opaque_id()[..20]));
        id.unwrap_or_else(|_| unreachable!("letters and digits"))
    }
}

fn record(standing: &Standing, id: &ProvisionedId, user: &User, body: String) -> UserRecord {
    let groups = standing.organisation.provision.groups_of(id);
    let groups = groups.map(|(id, group)| (id.clone(), group.set.name.clone())).collect();
    UserRecord { id: id.clone(), user: user.clone(), body, groups }
}

impl UserRecord {
    /// Whether it is disputed whose record it is.
    pub fn is_disputed(&self) -> bool {
        self.user.bond == Bond::Disputed
    }

    /// When it came, and when it changed last.
    pub fn times(&self) -> (Timestamp, Timestamp) {
        (self.user.since, self.user.changed)
    }
}
