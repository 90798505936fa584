//! What has been found in the files so far, before it is seen as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sluice_core::ids::{Digest, IdentityKey, PersonId, ServiceName, TeamName};
use sluice_core::organisation::{Item, ItemKind};

use crate::problem::{Place, Problem, Severity};
use crate::sections::window::DraftWindow;

/// A person as written, for the table of names that can be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRecord {
    /// Opaque id, as in items.
    pub id: PersonId,
    /// Short name, as files use it.
    pub handle: String,
    /// Full name; empty when not given.
    pub name: String,
    /// Mail addresses and accounts.
    pub identities: Vec<IdentityRecord>,
}

/// One identity of a person as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityRecord {
    /// `email` or `account`.
    pub kind: String,
    /// The address, or `realm:name`; normalised.
    pub value: String,
    /// Its opaque key.
    pub key: IdentityKey,
}

/// A name that has to be declared somewhere.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) kind: ItemKind,
    pub(crate) name: String,
    pub(crate) at: Place,
    /// Who refers, such as "`api` depends on".
    pub(crate) by: String,
}

/// A dependency that a Backstage file names: it counts if it is declared.
#[derive(Debug)]
pub(crate) struct SoftDependency {
    pub(crate) service: String,
    pub(crate) needs: ServiceName,
    pub(crate) at: Place,
    /// Which kind of entity is meant.
    pub(crate) kind: EntityKind,
}

/// What a service is to Backstage; names of both kinds are told apart there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntityKind {
    /// A component: expected to be declared.
    Component,
    /// A resource: often not declared, or of no concern to us.
    Resource,
}

/// A team that a Backstage file speaks of.
#[derive(Debug)]
pub(crate) struct ImpliedTeam {
    pub(crate) at: Place,
    /// The person it stands for, where a service is owned by a user.
    pub(crate) person: Option<String>,
}

/// Somebody who says themselves that they are in a team.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) team: TeamName,
    pub(crate) person: PersonId,
}

/// A word in a scope (or a selector) that should match something.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) dimension: Dimension,
    pub(crate) word: String,
    pub(crate) at: Place,
}

/// What a mentioned word is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Service,
    Team,
    ServiceTier,
    Environment,
    EnvironmentTier,
    /// A label with this key; the word is its value.
    Label(String),
    Role,
    Claim,
}

/// The most problems that are told; more help nobody.
pub(crate) const PROBLEMS_LIMIT: usize = 1_000;

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) items: Vec<Item>,
    pub(crate) windows: Vec<DraftWindow>,
    pub(crate) texts: BTreeMap<Digest, Vec<u8>>,
    pub(crate) people: Vec<PersonRecord>,
    /// Where each name was declared. People are named by handle.
    pub(crate) names: BTreeMap<(ItemKind, String), Place>,
    /// Where each item stands, by its own name.
    pub(crate) sources: BTreeMap<(ItemKind, String), Place>,
    /// Where parts of items stand: by item and JSON pointer.
    pub(crate) parts: BTreeMap<(ItemKind, String, String), Place>,
    pub(crate) references: Vec<Reference>,
    pub(crate) mentions: Vec<Mention>,
    /// Whose an identity is, and where that was said.
    pub(crate) identities: BTreeMap<IdentityKey, (String, Place)>,
    /// Names and aliases of environments in lower case.
    pub(crate) aliases: BTreeMap<String, (String, Place)>,
    /// Teams that Backstage files speak of, and where first.
    pub(crate) implied_teams: BTreeMap<TeamName, ImpliedTeam>,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) soft_dependencies: Vec<SoftDependency>,
    /// Services from Backstage files, and what they are there.
    pub(crate) entities: BTreeMap<String, EntityKind>,
    /// Calendar files that some window was read from.
    pub(crate) used_calendars: BTreeSet<String>,
    pub(crate) calendar_readings: usize,
    pub(crate) problems: Vec<Problem>,
}

impl Findings {
    /// Notes a problem, unless there are too many already.
    pub(crate) fn report(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }

    /// Whether no further problem is told.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_LIMIT
    }

    pub(crate) fn error(
        &mut self,
        place: Place,
        code: &'static str,
        message: String,
        help: String,
    ) {
        self.report(Problem { place, severity: Severity::Error, code, message, help });
    }

    pub(crate) fn warn(&mut self, place: Place, code: &'static str, message: String, help: String) {
        self.report(Problem { place, severity: Severity::Warning, code, message, help });
    }

    /// Where a part of an item stands, or else the item.
    pub(crate) fn place_of(&self, kind: ItemKind, name: &str, part: &str) -> Place {
        let key = (kind, name.to_owned(), part.to_owned());
        let part = self.parts.get(&key);
        let found = part.or_else(|| self.sources.get(&(kind, name.to_owned())));
        found.cloned().unwrap_or_else(|| Place::start_of(""))
    }
}
