//! Making a person a number: name, handle, addresses and accounts go, the ledger stays as it is and still verifies.

use sluice_core::access::event::PersonErased;
use sluice_core::ids::PersonId;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_organisation::Keys as _;
use sluice_store::Row;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// Erases what is known of a person. They must not be declared any more: the next `apply` would bring it back.
    pub async fn erase_person(
        &self,
        caller: &Caller,
        person: &PersonId,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::PersonErase)?;
        let (readers, id) = (self.readers().clone(), person.to_string());
        let known = self.blocking(move || {
            Ok(readers.person(&id)?.is_some() || !readers.identities_of(&id)?.is_empty())
        });
        if !known.await? && self.standing().organisation.person(person).is_none() {
            return Err(Refusal::missing(
                "person_unknown",
                format!("nothing is known of {person}"),
                "give the handle or user name as it was, or the id that the ledger shows",
            )
            .into());
        }
        let id = person.to_string();
        let person = person.clone();
        let rows = vec![Row::ErasePerson { person_id: id }];
        self.decide_with(caller.actor(), rows, move |standing| {
            if standing.organisation.person(&person).is_some() {
                return Err(Refusal::conflict(
                    "still_declared",
                    format!(
                        "{person} is still declared or provisioned, which would bring the name back"
                    ),
                    "take them out of the organisation's folder and apply it, or remove them at the provider; then erase",
                ));
            }
            Ok(vec![PersonErased { person }.into()])
        })
        .await
    }

    /// Whom a handle or user name stands for, also where neither the organisation nor a provider has them any more.
    pub async fn person_to_erase(&self, handle: &str) -> Result<PersonId, EngineError> {
        let known = self.person_of_handle(handle);
        let (readers, handle) = (self.readers().clone(), handle.trim().to_lowercase());
        if self.standing().organisation.person(&known).is_some() {
            return Ok(known);
        }
        let left = self.blocking(move || readers.person_with_handle(&handle)).await?;
        Ok(left.and_then(|row| PersonId::parse(&row.person_id).ok()).unwrap_or(known))
    }

    /// The id that a handle, or the user name of somebody who is provisioned, stands for, declared or not.
    pub fn person_of_handle(&self, handle: &str) -> PersonId {
        let handle = handle.trim().to_lowercase();
        let own = self.signing().person(&handle);
        let standing = self.standing();
        if standing.organisation.people.contains_key(&own) {
            return own;
        }
        let provision = &standing.organisation.provision;
        let named = provision.user_named(&self.signing().identity("user_name", &handle));
        let known = named.and_then(|id| provision.users.get(id)?.person().cloned());
        known.unwrap_or(own)
    }
}
