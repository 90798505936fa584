//! Look-ups: which changes a service, a commit, a run and a team's debts lead to. They follow the changes themselves.

use std::sync::Arc;

use imbl::OrdSet;
use jiff::Timestamp;

use super::Standing;
use crate::change::{self, Change};
use crate::event::Event;
use crate::ids::{ChangeNumber, DeploymentNumber, TeamName};
use crate::organisation::ItemKind;

impl Standing {
    /// Changes an open change and keeps the look-ups true; a change that is over and owes nothing leaves.
    pub(super) fn alter(&mut self, number: ChangeNumber, event: &Event, at: Timestamp) {
        let before = self.changes.get(&number).cloned();
        let Some(after) = change::apply(before.as_deref(), event, at) else { return };
        if let Some(before) = &before {
            self.unlist(before, &after);
        }
        if after.state.is_over() {
            self.passes_of.remove(&number);
        }
        if after.is_open() {
            self.list(&after);
            self.changes.insert(number, Arc::new(after));
        } else {
            self.changes.remove(&number);
            for deployment in after.deployments.difference(&after.running) {
                self.forget_deployment(*deployment);
            }
        }
    }

    /// Forgets a deployment, unless it is the last of its place: that one may still be undone. So may the truth be told of
    /// one that ended for want of news, as long as its place knows of it.
    pub(super) fn forget_deployment(&mut self, number: DeploymentNumber) {
        let Some(deployment) = self.deployments.get(&number) else { return };
        let key = (deployment.service.clone(), deployment.environment.clone());
        let recent = self.places.get(&key).into_iter().flat_map(|place| &place.recent);
        let mut recent = recent.map(|(number, _)| *number).rev();
        let is_last = recent.next() == Some(number);
        let stays = is_last || (deployment.untold && recent.any(|known| known == number));
        if !stays {
            self.deployments.remove(&number);
        }
    }

    fn list(&mut self, change: &Change) {
        for service in &change.services {
            self.changes_of_service.entry(service.clone()).or_default().insert(change.number);
        }
        for commit in &change.origin.commits {
            self.changes_of_commit.entry(commit.clone()).or_default().insert(change.number);
        }
        for run in &change.runs {
            self.changes_of_run.entry(run.key()).or_default().insert(change.number);
        }
        self.list_debts(change);
    }

    /// Debts stand with the team that owns the service now: where the owner is another, they move.
    pub(super) fn owners_changed(&mut self, kind: ItemKind, name: &str) {
        if kind != ItemKind::Service {
            return;
        }
        let open: Vec<ChangeNumber> =
            self.changes_of_service.get(name).into_iter().flatten().copied().collect();
        for number in open {
            let Some(change) = self.changes.get(&number).cloned() else { continue };
            let teams: Vec<TeamName> = self.owing.keys().cloned().collect();
            for team in teams {
                remove(&mut self.owing, &team, number);
            }
            self.list_debts(&change);
        }
    }

    fn list_debts(&mut self, change: &Change) {
        if change.owed().next().is_some() {
            for owner in self.owners(change) {
                self.owing.entry(owner).or_default().insert(change.number);
            }
        }
    }

    /// Takes the change out of every look-up it is not in any more after it has become `after`.
    fn unlist(&mut self, before: &Change, after: &Change) {
        let gone = !after.is_open();
        let number = before.number;
        for service in before.services.iter().filter(|_| gone) {
            remove(&mut self.changes_of_service, service, number);
        }
        for commit in before
            .origin
            .commits
            .iter()
            .filter(|commit| gone || !after.origin.commits.contains(commit))
        {
            remove(&mut self.changes_of_commit, commit, number);
        }
        for run in before.runs.iter().filter(|_| gone) {
            remove(&mut self.changes_of_run, &run.key(), number);
        }
        if after.owed().next().is_none() && before.owed().next().is_some() {
            for owner in self.owners(before) {
                remove(&mut self.owing, &owner, number);
            }
        }
    }

    fn owners(&self, change: &Change) -> Vec<TeamName> {
        let services = &self.organisation.services;
        change
            .services
            .iter()
            .filter_map(|name| services.get(name))
            .map(|service| service.owner.clone())
            .collect()
    }
}

fn remove<K: Ord + Clone>(
    map: &mut imbl::OrdMap<K, OrdSet<ChangeNumber>>,
    key: &K,
    number: ChangeNumber,
) {
    let empty = match map.get_mut(key) {
        Some(numbers) => {
            numbers.remove(&number);
            numbers.is_empty()
        }
        None => false,
    };
    if empty {
        map.remove(key);
    }
}
