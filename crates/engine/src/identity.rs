//! People and their identities: opaque in the ledger, named in a table that can be erased.

use std::collections::BTreeSet;

use serde::Serialize;
use sluice_core::change::{Involvement, InvolvementRole};
use sluice_core::ids::{IdentityKey, PersonId};
use sluice_core::refusal::Refusal;
use sluice_core::run::RunRef;
use sluice_core::signal::Who;
use sluice_core::standing::Standing;
use sluice_organisation::Keys as _;
use sluice_store::Row;
use sluice_store::rows::IdentityRow;

use crate::engine::Engine;
use crate::error::EngineError;

/// What may be shown of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonCard {
    /// Opaque id.
    pub id: PersonId,
    /// Short name.
    pub handle: String,
    /// Full name.
    pub name: String,
}

/// Accounts and addresses that belong to machines of a forge, not to anybody: they commit merges on behalf of the
/// person who pressed the button, who is named beside.
const MACHINES: [&str; 5] = [
    "noreply@github.com",
    "github:web-flow",
    "github:github-actions[bot]",
    "noreply@gitlab.com",
    "gitlab:gitlab-bot",
];

impl Engine {
    /// Who a person is, as far as it has not been erased. Blocking.
    pub fn person_card(&self, id: &PersonId) -> Option<PersonCard> {
        let row = self.readers().person(id.as_str()).ok().flatten()?;
        Some(PersonCard { id: id.clone(), handle: row.handle, name: row.name })
    }

    /// The id of the person with a handle, where such a person is declared or provisioned.
    pub fn person_by_handle(&self, handle: &str) -> Option<PersonId> {
        let id = self.person_of_handle(handle);
        self.standing().organisation.person(&id).is_some().then_some(id)
    }

    /// The identity that a person has by being that person.
    pub(crate) fn self_identity(&self, person: &PersonId) -> IdentityKey {
        self.signing().identity("person", person.as_str())
    }

    /// The identities of authors as a pipeline states them: mail addresses, or accounts such as `github:octocat`.
    /// Accounts of machines are nobody.
    pub fn stated_authors(&self, texts: &[String]) -> Result<BTreeSet<IdentityKey>, EngineError> {
        let mut authors = BTreeSet::new();
        for text in texts {
            let is_short = text.chars().count() <= 320 && !text.chars().any(char::is_control);
            let value = text.trim().to_lowercase();
            let kind = if value.contains('@') { "email" } else { "account" };
            let is_account =
                value.split_once(':').is_some_and(|(at, name)| !at.is_empty() && !name.is_empty());
            if !is_short || (kind == "account" && !is_account) {
                return Err(Refusal::invalid(
                    "bad_author",
                    "an author is neither a mail address nor an account",
                    "write an address, or the forge and the account: `github:octocat`",
                )
                .into());
            }
            if !MACHINES.contains(&value.as_str()) {
                authors.insert(self.signing().identity(kind, &value));
            }
        }
        Ok(authors)
    }

    /// Whoever else started a run than those who are remembered. No file can declare this identity, so it is nobody's.
    pub(crate) fn others_of(&self, run: &RunRef) -> Involvement {
        let identity = self.signing().identity("others", &run.key());
        Involvement { role: InvolvementRole::Trigger, identity }
    }

    /// The identities of somebody a signal names, as involvement, and the rows that keep what they stand for.
    ///
    /// Where mail address and account are both given and one of them is known, the other adds nothing: it is the
    /// same person, and an unknown second address must not make every approval void.
    pub(crate) fn involvement(
        &self,
        standing: &Standing,
        role: InvolvementRole,
        who: &Who,
        rows: &mut Vec<Row>,
    ) -> BTreeSet<Involvement> {
        let named = [("email", who.email.as_deref()), ("account", who.account.as_deref())];
        let named = named
            .into_iter()
            .filter_map(|(kind, value)| Some((kind, value?.trim().to_lowercase())));
        let named: Vec<(&str, String)> = named
            .filter(|(_, value)| !value.is_empty() && !MACHINES.contains(&value.as_str()))
            .collect();
        let keyed: Vec<(&str, String, IdentityKey)> = named
            .into_iter()
            .map(|(kind, value)| {
                let key = self.signing().identity(kind, &value);
                (kind, value, key)
            })
            .collect();
        let known: Vec<&(&str, String, IdentityKey)> = keyed
            .iter()
            .filter(|(_, _, key)| standing.organisation.person_of(key).is_some())
            .collect();
        let meant: Vec<&(&str, String, IdentityKey)> =
            if known.is_empty() { keyed.iter().take(1).collect() } else { known };
        for (kind, value, key) in &meant {
            rows.push(Row::Identity(IdentityRow {
                identity_key: key.to_string(),
                kind: (*kind).to_owned(),
                value: value.clone(),
                person_id: standing.organisation.person_of(key).map(ToString::to_string),
            }));
        }
        meant
            .into_iter()
            .map(|(_, _, identity)| Involvement { role, identity: identity.clone() })
            .collect()
    }
}
