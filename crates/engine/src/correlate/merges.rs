//! Pushes and merges: who is behind commits, and the changes that a merge to a production branch proposes.

use std::collections::{BTreeMap, BTreeSet};

use globset::Glob;
use sluice_core::change::{
    ChangeKind, Involvement, InvolvementRole, Origin, Revision, RevisionInput, event,
};
use sluice_core::housekeeping::{MergeSeen, PushSeen, SourceSeen};
use sluice_core::ids::{ChangeNumber, CommitId, Digest, EnvironmentName, ServiceName};
use sluice_core::organisation::{Environment, EnvironmentTier};
use sluice_core::signal::Signal;
use sluice_core::standing::Standing;

use super::{Correlation, PEOPLE};

/// What a merge or a push brings to a production branch.
struct Brought<'a> {
    repository: &'a str,
    branch: &'a str,
    commit: &'a CommitId,
    title: String,
    proposal: Option<String>,
    url: Option<String>,
    lines_changed: Option<u64>,
    files_changed: Option<u64>,
}

impl Correlation<'_> {
    pub(super) fn pushed(&mut self, signal: &Signal) {
        let Signal::CommitsPushed {
            repository,
            branch,
            default_branch,
            commit,
            commits,
            listed,
            before,
            created,
            pusher,
            ..
        } = signal
        else {
            return;
        };
        let mut involved = self.behind(commits);
        involved.extend(self.involve(InvolvementRole::Pusher, pusher));
        let paths: Vec<String> =
            commits.iter().flat_map(|commit| commit.paths.iter().cloned()).collect();
        let ids = commits.iter().map(|commit| commit.id.clone()).collect();
        let push = PushSeen {
            branch: branch.clone(),
            listed: *listed,
            before: before.clone(),
            created: *created,
        };
        self.source_seen(SourceSeen {
            repository: repository.clone(),
            commit: commit.clone(),
            commits: ids,
            involved,
            paths,
            pushes: vec![push],
            merge: None,
            people_cut: false,
        });
        if is_production(&self.standing, branch, *default_branch) {
            let title = commits.last().map(|commit| commit.title.clone()).unwrap_or_default();
            self.brought(Brought {
                repository,
                branch,
                commit,
                title,
                proposal: None,
                url: None,
                lines_changed: None,
                files_changed: None,
            });
        }
    }

    pub(super) fn merged(&mut self, signal: &Signal) {
        let Signal::ProposalMerged {
            repository,
            proposal,
            title,
            url,
            branch,
            default_branch,
            merge_commit,
            head_commit,
            author,
            merger,
            lines_changed,
            files_changed,
            commit_count,
            ..
        } = signal
        else {
            return;
        };
        let Some(commit) = merge_commit.as_ref().or(head_commit.as_ref()) else { return };
        let mut involved = self.involve(InvolvementRole::Proposer, author);
        if let Some(merger) = merger {
            involved.extend(self.involve(InvolvementRole::Merger, merger));
        }
        let merge = head_commit.as_ref().map(|head| MergeSeen {
            branch: branch.clone(),
            head: head.clone(),
            commit_count: *commit_count,
        });
        self.source_seen(SourceSeen {
            repository: repository.clone(),
            commit: commit.clone(),
            commits: Vec::new(),
            involved,
            paths: Vec::new(),
            pushes: Vec::new(),
            merge,
            people_cut: false,
        });
        if is_production(&self.standing, branch, *default_branch) {
            self.brought(Brought {
                repository,
                branch,
                commit,
                title: title.clone(),
                proposal: Some(proposal.clone()),
                url: url.clone(),
                lines_changed: *lines_changed,
                files_changed: *files_changed,
            });
        }
    }

    /// Proposes a change for what was brought, or adds what is new to the one that is there.
    fn brought(&mut self, brought: Brought<'_>) {
        let Some(environment) = production_environment(&self.standing) else { return };
        let environment = environment.name.clone();
        let source = self.standing.sources.get(brought.commit).cloned();
        let involved = self.standing.behind(brought.commit).involved;
        let paths = source.map(|source| source.paths.clone()).unwrap_or_default();
        if let Some(number) = self.change_of(brought.commit, &environment) {
            self.add(number, &brought, involved);
            return;
        }
        let services = touched_services(&self.standing, brought.repository, &paths, &environment);
        let Some(policy) = self.standing.policy.as_ref().map(|policy| policy.bundle.clone()) else {
            return;
        };
        if !services.is_empty() {
            self.propose(&brought, environment, services, involved, paths, &policy);
        }
    }

    fn change_of(&self, commit: &CommitId, environment: &EnvironmentName) -> Option<ChangeNumber> {
        let numbers = self.standing.changes_of_commit.get(commit)?;
        let here = |number: &&ChangeNumber| {
            self.standing
                .changes
                .get(*number)
                .is_some_and(|change| change.environment == *environment && !change.state.is_over())
        };
        numbers.iter().find(here).copied()
    }

    fn add(
        &mut self,
        number: ChangeNumber,
        brought: &Brought<'_>,
        involved: BTreeSet<Involvement>,
    ) {
        let Some(change) = self.standing.changes.get(&number).cloned() else { return };
        self.involved_in(number, involved.difference(&change.involved).cloned());
        let mut origin = change.origin.clone();
        origin.proposal = origin.proposal.or_else(|| brought.proposal.clone());
        origin.url = origin.url.or_else(|| brought.url.clone());
        origin.branch = origin.branch.or_else(|| Some(brought.branch.to_owned()));
        origin.lines_changed = origin.lines_changed.or(brought.lines_changed);
        origin.files_changed = origin.files_changed.or(brought.files_changed);
        if origin != change.origin {
            // Where it comes from is better known; what is deployed is the same, and so is the revision.
            self.push(event::Revised {
                change: number,
                origin,
                artifacts: change.artifacts.clone(),
                version: change.version.clone(),
                revision: change.revision.clone(),
            });
        }
    }

    fn propose(
        &mut self,
        brought: &Brought<'_>,
        environment: EnvironmentName,
        services: BTreeSet<ServiceName>,
        involved: BTreeSet<Involvement>,
        paths: Vec<String>,
        policy: &Digest,
    ) {
        let commits = vec![brought.commit.clone()];
        let artifacts = BTreeMap::new();
        let input = RevisionInput {
            repository: Some(brought.repository),
            commits: &commits,
            artifacts: &artifacts,
            environment: &environment,
            services: &services,
            plans: BTreeMap::new(),
            policy,
        };
        let revision = Revision { counter: 1, digest: input.digest() };
        let fallback = || format!("Merge to {} of {}", brought.branch, brought.repository);
        let title = if brought.title.is_empty() {
            fallback()
        } else {
            brought.title.chars().take(200).collect()
        };
        let number = ChangeNumber(self.standing.changes_counted + 1);
        let mut people = involved.into_iter();
        let involved = people.by_ref().take(PEOPLE).collect();
        self.push(event::Proposed {
            change: number,
            kind: ChangeKind::Normal,
            model: None,
            title,
            emergency_reason: None,
            services,
            environment,
            origin: Origin {
                repository: Some(brought.repository.to_owned()),
                commits,
                branch: Some(brought.branch.to_owned()),
                proposal: brought.proposal.clone(),
                url: brought.url.clone(),
                lines_changed: brought.lines_changed,
                files_changed: brought.files_changed,
                paths,
            },
            run: None,
            version: None,
            artifacts,
            revision,
            involved,
        });
        self.involved_in(number, people);
    }
}

/// Whether a branch goes to production: by the settings' patterns, or as default branch where there are none.
fn is_production(standing: &Standing, branch: &str, default_branch: Option<bool>) -> bool {
    let patterns = &standing.organisation.settings.production_branches;
    if patterns.is_empty() {
        return default_branch == Some(true);
    }
    patterns
        .iter()
        .any(|pattern| Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(branch)))
}

/// Where merges to a production branch are heading: as declared, or the only production environment.
pub(super) fn production_environment(standing: &Standing) -> Option<&Environment> {
    let organisation = &standing.organisation;
    if let Some(name) = &organisation.settings.production_environment {
        return organisation.environments.get(name).map(AsRef::as_ref);
    }
    let mut production = organisation.environments.values().filter(|environment| {
        environment.tier == EnvironmentTier::Production && environment.controlled
    });
    match (production.next(), production.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The controlled services of a repository that the paths belong to; all of them where no path is known.
fn touched_services(
    standing: &Standing,
    repository: &str,
    paths: &[String],
    environment: &EnvironmentName,
) -> BTreeSet<ServiceName> {
    let candidates = standing.organisation.services_from(repository);
    let here = candidates.into_iter().filter(|service| {
        service.controlled
            && (service.environments.is_empty() || service.environments.contains(environment))
    });
    let touched = here.filter(|service| {
        let patterns: Vec<_> = service
            .paths
            .iter()
            .filter_map(|pattern| Glob::new(pattern).ok())
            .map(|glob| glob.compile_matcher())
            .collect();
        patterns.is_empty()
            || paths.is_empty()
            || paths.iter().any(|path| patterns.iter().any(|glob| glob.is_match(path)))
    });
    touched.map(|service| service.name.clone()).collect()
}
