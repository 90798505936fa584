//! Who gets what is told, and where they are reached: looked up at the moment of telling, so that it is true then, and
//! nobody's address is kept in what is owed.

use std::collections::BTreeSet;

use sluice_connectors::tell::{Addressee, Audience, Telling};
use sluice_core::approvals::could_speak;
use sluice_core::effect::Effect;
use sluice_core::ids::{PersonId, TeamName};
use sluice_core::scope::Target;
use sluice_core::standing::Standing;
use sluice_organisation::Keys as _;

use crate::engine::Engine;
use crate::error::EngineError;

/// The most people that one message goes to.
const MOST: usize = 100;

/// Who is reached, and whether somebody who should be is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) people: Vec<Addressee>,
    /// A part that names somebody named nobody, or one of them has no address.
    pub(super) misses: bool,
}

impl Reached {
    /// Whether there is nobody whom it concerns: a change that waits for nobody has no approvers.
    pub(super) fn concerns_nobody(&self) -> bool {
        self.people.is_empty() && !self.misses
    }
}

impl Engine {
    /// Where those are reached whom an effect is told to.
    pub(super) async fn addressees(
        &self,
        telling: &Telling,
        effect: &Effect,
    ) -> Result<Reached, EngineError> {
        let standing = self.standing();
        let (mut people, mut found, mut misses) = (BTreeSet::new(), BTreeSet::new(), false);
        for part in telling.audience(effect) {
            // Whether the part always means somebody.
            let (named, somebody) = match part {
                Audience::Address(address) => {
                    let id = self.signing().identity("address", &address).to_string();
                    found.insert(Addressee { address, name: None, id });
                    continue;
                }
                Audience::Person(handle) => {
                    (self.person_by_handle(&handle).into_iter().collect(), true)
                }
                Audience::Team(name) => (members(&standing, &name), true),
                Audience::Role(role) => (holders(&standing, &role, effect), true),
                Audience::Owners => (owners(&standing, effect), !effect.services.is_empty()),
                Audience::Approvers => (self.approvers(&standing, effect), false),
            };
            misses |= somebody && named.is_empty();
            people.extend(named);
        }
        let (readers, domain) = (self.readers().clone(), telling.domain().map(str::to_owned));
        let reached = self.blocking(move || {
            let mut reached = Vec::new();
            let mut misses = misses;
            for person in people.into_iter().take(MOST) {
                let name = readers.person(person.as_str())?.map(|row| row.name);
                let mails = readers.identities_of(person.as_str())?.into_iter();
                let mails = mails.filter(|row| row.kind == "email").map(|row| row.value);
                let address = mails.filter(|mail| is_read(mail)).min_by_key(|mail| {
                    let of_ours = domain.as_deref().is_some_and(|domain| is_in(mail, domain));
                    (!of_ours, mail.clone())
                });
                misses |= address.is_none();
                let id = person.to_string();
                reached.extend(address.map(|address| Addressee { address, name, id }));
            }
            Ok((reached, misses))
        });
        let (reached, misses) = reached.await?;
        found.extend(reached);
        Ok(Reached { people: found.into_iter().take(MOST).collect(), misses })
    }

    fn approvers(&self, standing: &Standing, effect: &Effect) -> BTreeSet<PersonId> {
        let number = effect.change.as_ref().map(|card| card.number);
        let Some(change) = number.and_then(|number| standing.changes.get(&number)) else {
            return BTreeSet::new();
        };
        could_speak(standing, change, self.now())
    }
}

/// Whether anybody reads what is sent there; forges give addresses that nobody does.
fn is_read(mail: &str) -> bool {
    !mail.to_ascii_lowercase().replace('-', "").contains("noreply")
}

fn is_in(mail: &str, domain: &str) -> bool {
    mail.rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
}

fn members(standing: &Standing, team: &str) -> BTreeSet<PersonId> {
    let team = TeamName::parse(team).ok().and_then(|name| standing.organisation.teams.get(&name));
    team.map(|team| team.members.clone()).unwrap_or_default()
}

fn targets(standing: &Standing, effect: &Effect) -> Vec<Target> {
    let organisation = &standing.organisation;
    let Some(environment) = &effect.environment else { return Vec::new() };
    effect.services.iter().map(|service| organisation.target(service, environment)).collect()
}

fn owners(standing: &Standing, effect: &Effect) -> BTreeSet<PersonId> {
    let services = effect.services.iter();
    let owned = services.filter_map(|service| standing.organisation.services.get(service));
    owned.flat_map(|service| members(standing, service.owner.as_str())).collect()
}

fn holders(standing: &Standing, role: &str, effect: &Effect) -> BTreeSet<PersonId> {
    let organisation = &standing.organisation;
    let mut targets = targets(standing, effect);
    if targets.is_empty() {
        // What lies nowhere concerns those whose role holds everywhere.
        targets.push(Target::default());
    }
    let holds = |person: &&PersonId| {
        targets.iter().any(|target| organisation.holds_role(person, role, target))
    };
    organisation.everybody().filter(holds).cloned().collect()
}
