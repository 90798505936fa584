//! A visit: who looks, at what moment, and what may be shown to them. Blocking: it reads the store.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sluice_core::change::Change;
use sluice_core::deployment::Place;
use sluice_core::ids::{EnvironmentName, PersonId, ServiceName};
use sluice_core::incident::Incident;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_core::standing::{Actor, Standing};
use sluice_engine::store::Readers;
use sluice_engine::{Caller, PersonCard};

use super::page::Looker;
use super::{Markup, marks, moment, w};
use crate::app::App;
use crate::problem::Problem;

/// The most services that a form offers.
const OFFERED: usize = 2_000;

/// One look at one page.
pub(crate) struct Visit {
    pub(crate) app: App,
    pub(crate) caller: Arc<Caller>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) now: Timestamp,
    pub(crate) csrf: String,
    /// Whether the page follows what happens.
    pub(crate) live: bool,
    people: RefCell<BTreeMap<PersonId, Option<PersonCard>>>,
}

impl Visit {
    pub(crate) fn new(looker: Looker) -> Self {
        let Looker { app, caller, csrf, live } = looker;
        let (standing, now) = (app.engine.standing(), app.engine.now());
        Self { app, caller, standing, now, csrf, live, people: RefCell::default() }
    }

    pub(crate) fn readers(&self) -> &Readers {
        self.app.engine.lists()
    }

    /// Whether a permission holds for everything.
    pub(crate) fn everywhere(&self, permission: Permission) -> bool {
        self.caller.everywhere(permission)
    }

    /// Whether something for which the caller has a permission lies in a scope.
    pub(crate) fn touches(&self, permission: Permission, scope: &Scope) -> bool {
        self.caller.touches(permission, scope)
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.caller.may(permission)
    }

    /// Whether what concerns one of `services` in `environment` may be shown.
    pub(crate) fn sees<'a>(
        &self,
        services: impl IntoIterator<Item = &'a str>,
        environment: &str,
    ) -> bool {
        self.app.sees(&self.caller, services, environment)
    }

    /// How a service stands in an environment, where that may be shown.
    pub(crate) fn place(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Option<&Arc<Place>> {
        let shown = self.sees([service.as_str()], environment.as_str());
        shown.then(|| self.standing.place(service, environment)).flatten()
    }

    pub(crate) fn sees_change(&self, change: &Change) -> bool {
        self.app.sees_change(&self.caller, change)
    }

    /// Whether what disturbs all of these services may be shown.
    pub(crate) fn sees_disturbed(&self, services: &[String], environment: Option<&str>) -> bool {
        self.app.engine.sees_disturbed(&self.caller, services, environment)
    }

    pub(crate) fn sees_incident(&self, incident: &Incident) -> bool {
        if self.everywhere(Permission::IncidentRead) {
            return true;
        }
        let services: Vec<String> = incident.services.iter().map(ToString::to_string).collect();
        self.sees_disturbed(&services, incident.environment.as_deref())
    }

    /// Services whose names may be offered in a form.
    pub(crate) fn service_names(&self) -> Vec<String> {
        let all = self.everywhere(Permission::OrganisationRead);
        let names = self.standing.organisation.services.keys();
        let seen = names.filter(|name| all || self.sees_service(name.as_str()));
        seen.take(OFFERED).map(ToString::to_string).collect()
    }

    /// Declared services of which changes and deployments are seen, wherever they go.
    pub(crate) fn services_seen(&self) -> Vec<String> {
        let names = self.standing.organisation.services.keys().map(ToString::to_string);
        names.filter(|name| self.sees_service(name)).collect()
    }

    fn sees_service(&self, name: &str) -> bool {
        let mut environments = self.standing.organisation.environments.keys();
        environments.any(|it| self.sees([name], it.as_str()))
    }

    /// Who a person is, as far as that has not been erased.
    pub(crate) fn card(&self, id: &PersonId) -> Option<PersonCard> {
        if let Some(card) = self.people.borrow().get(id) {
            return card.clone();
        }
        let card = self.app.engine.person_card(id);
        self.people.borrow_mut().insert(id.clone(), card.clone());
        card
    }

    /// A person's name.
    pub(crate) fn name(&self, id: &PersonId) -> String {
        self.card(id).map_or_else(
            || w::t("person.unknown").to_owned(),
            |card| if card.name.is_empty() { card.handle } else { card.name },
        )
    }

    /// A person as a mark.
    pub(crate) fn who(&self, id: &PersonId) -> Markup {
        marks::person(&self.name(id), id.as_str())
    }

    /// Who acted, as a mark.
    pub(crate) fn actor(&self, actor: &Actor) -> Markup {
        match actor {
            Actor::Person(id) => self.who(id),
            Actor::Pipeline(id) => {
                let standing = self.standing.tokens.get(id);
                let label = standing.map_or_else(|| id.to_string(), |it| it.token.label.clone());
                marks::pill("calm", "key", &label)
            }
            Actor::Link(name) => marks::pill("calm", "plug", name.as_str()),
            Actor::Sluice => marks::pill("calm", "gate", "Sluice"),
        }
    }

    /// A selector of people (`team:payments`, `role:change_manager`, a person's id) in words.
    pub(crate) fn selector(&self, text: &str) -> String {
        match text.split_once(':') {
            Some(("team", name)) => w::f("who.team", name),
            Some(("role", name)) => w::f("who.role", name.replace('_', " ")),
            Some(("claim", name)) => w::f("who.claim", name),
            Some(("person", handle)) => handle.to_owned(),
            _ => PersonId::parse(text).map_or_else(|_| text.to_owned(), |id| self.name(&id)),
        }
    }

    /// Selectors of people as one sentence part.
    pub(crate) fn selectors(&self, who: &[String]) -> String {
        let named: Vec<String> = who.iter().map(|text| self.selector(text)).collect();
        named.join(&format!(" {} ", w::t("who.or")))
    }

    /// A sentence of the engine, in which people are numbers, with their names in it.
    pub(crate) fn prose(&self, text: &str) -> Markup {
        let mut told = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("person/") {
            let (before, from) = rest.split_at(at);
            let letters = |found: &char| found.is_ascii_alphanumeric() || *found == '/';
            let length = from.chars().take_while(letters).count();
            let (id, after) = from.split_at(length);
            told.push_str(before);
            told.push_str(&PersonId::parse(id).map_or_else(|_| id.to_owned(), |id| self.name(&id)));
            rest = after;
        }
        told.push_str(rest);
        marks::prose(&told)
    }

    /// A time as people read it.
    pub(crate) fn when(&self, at: Timestamp) -> Markup {
        moment::when(at, self.now)
    }

    /// A time the store keeps, as people read it.
    pub(crate) fn when_us(&self, micros: i64) -> Markup {
        self.when(time(micros))
    }

    /// The environment that users are in: as the settings say, else the last one.
    pub(crate) fn production(&self) -> Option<EnvironmentName> {
        let organisation = &self.standing.organisation;
        let last = || {
            let all = organisation.environments.values();
            all.max_by_key(|it| it.tier).map(|it| it.name.clone())
        };
        organisation.settings.production_environment.clone().or_else(last)
    }

    /// The teams of the person who looks.
    pub(crate) fn my_teams(&self) -> BTreeSet<String> {
        let Some(person) = &self.caller.person else { return BTreeSet::new() };
        let teams = self.standing.organisation.teams.values();
        teams
            .filter(|team| team.members.contains(person))
            .map(|team| team.name.to_string())
            .collect()
    }
}

/// A time the store keeps.
pub(crate) fn time(micros: i64) -> Timestamp {
    crate::api::time(micros)
}

/// What the store could not read.
pub(crate) fn read<T>(result: Result<T, sluice_engine::store::ReadError>) -> Result<T, Problem> {
    result.map_err(Problem::from)
}
