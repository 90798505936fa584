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
