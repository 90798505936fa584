//! What is kept of foreign texts in signals.
//!
//! Describing texts (titles, names) are cut. Identifying texts (repositories, branches, ids) are
//! never cut, because two of them could become one: a delivery with one that is too long, or that
//! has control characters, is unreadable.

use sluice_core::run::RunRef;
use sluice_core::signal::{CommitInfo, Signal, Who};

use crate::connector::Unreadable;
use crate::kit::limits::{COMMITS_PER_PUSH, PATHS_PER_COMMIT, SIGNALS_PER_DELIVERY};
use crate::kit::text::cut;

/// Bytes of an identifying text.
const IDENTIFYING_BYTES: usize = 512;

/// Bytes of a web address.
const ADDRESS_BYTES: usize = 2_048;

/// Characters of a describing text.
const DESCRIBING_CHARACTERS: usize = 200;

/// Bytes of a path in a repository.
const PATH_BYTES: usize = 4_096;

/// Values kept of something noted, and characters of each.
const NOTED_VALUES: usize = 64;
const NOTED_CHARACTERS: usize = 1_024;

/// Cuts what describes, checks what identifies.
pub(crate) fn keep(mut signals: Vec<Signal>) -> Result<Vec<Signal>, Unreadable> {
    if signals.len() > SIGNALS_PER_DELIVERY {
        let reason = format!("the delivery carries more than {SIGNALS_PER_DELIVERY} signals");
        return Err(Unreadable::new("too_many_signals", reason));
    }
    signals.iter_mut().try_for_each(keep_signal)?;
    Ok(signals)
}

fn keep_signal(signal: &mut Signal) -> Result<(), Unreadable> {
    match signal {
        Signal::Ping => Ok(()),
        Signal::CommitsPushed { repository, branch, commits, pusher, .. } => {
            keep_commits(commits)?;
            keep_who(pusher)?;
            all([("repository", repository.as_str()), ("branch", branch.as_str())])
        }
        Signal::ProposalMerged {
            repository, proposal, title, url, branch, author, merger, ..
        } => {
            describing(title);
            keep_who(author)?;
            keep_optional_who(merger)?;
            address(url);
            all([
                ("repository", repository.as_str()),
                ("proposal", proposal.as_str()),
                ("branch", branch.as_str()),
            ])
        }
        Signal::ProposalUpdated { repository, proposal, action, actor, .. } => {
            keep_who(actor)?;
            all([
                ("repository", repository.as_str()),
                ("proposal", proposal.as_str()),
                ("action", action.as_str()),
            ])
        }
        Signal::RunStarted { run, repository, branch, actor, .. }
        | Signal::RunFinished { run, repository, branch, actor, .. } => {
            keep_run(run)?;
            keep_optional_who(actor)?;
            some([("repository", repository.as_deref()), ("branch", branch.as_deref())])
        }
        Signal::StageReported { run, stage, environment, .. } => {
            keep_run(run)?;
            identifying("stage", stage)?;
            some([("environment", environment.as_deref())])
        }
        Signal::GateRequested { repository, environment, run, callback, actor, .. } => {
            keep_run(run)?;
            keep_optional_who(actor)?;
            address(callback);
            all([("repository", repository.as_str()), ("environment", environment.as_str())])
        }
        other => keep_report(other),
    }
}

fn keep_report(signal: &mut Signal) -> Result<(), Unreadable> {
    match signal {
        Signal::DeploymentReported {
            deployment,
            repository,
            service,
            environment,
            run,
            version,
            actor,
            ..
        } => {
            keep_optional_run(run)?;
            keep_optional_who(actor)?;
            all([("deployment", deployment.as_str()), ("environment", environment.as_str())])?;
            some([
                ("repository", repository.as_deref()),
                ("service", service.as_deref()),
                ("version", version.as_deref()),
            ])
        }
        Signal::ArtifactReported { artifact, action, run, .. } => {
            keep_optional_run(run)?;
            all([("artifact", artifact.as_str()), ("action", action.as_str())])
        }
        Signal::EvidenceReported { evidence, name, repository, run, url, .. } => {
            keep_optional_run(run)?;
            address(url);
            all([("evidence", evidence.as_str()), ("name", name.as_str())])?;
            some([("repository", repository.as_deref())])
        }
        Signal::IncidentReported { incident, service, environment, title, severity, .. } => {
            describing(title);
            identifying("incident", incident)?;
            some([
                ("service", service.as_deref()),
                ("environment", environment.as_deref()),
                ("severity", severity.as_deref()),
            ])
        }
        Signal::TaskReported { entity, of, record, state, service, title, .. } => {
            describing(title);
            all([("of", of.id.as_str()), ("record", record), ("state", state)])?;
            some([("entity", entity.as_deref()), ("service", service.as_deref())])
        }
        Signal::ReferenceReported { entity, of, name, value } => {
            describing(value);
            all([("entity", entity.as_str()), ("of", of.id.as_str()), ("name", name)])
        }
        Signal::IntentReported { intent, entity, who, reply_to, .. } => {
            keep_who(who)?;
            address(reply_to);
            all([("intent", intent.as_str()), ("entity", entity.as_str())])
        }
        Signal::Noted { name, values } => {
            while values.len() > NOTED_VALUES {
                values.pop_last();
            }
            for (key, value) in values.iter_mut() {
                identifying("values", key)?;
                *value = cut(value, NOTED_CHARACTERS);
            }
            identifying("name", name)
        }
        _ => Ok(()),
    }
}

fn keep_commits(commits: &mut Vec<CommitInfo>) -> Result<(), Unreadable> {
    commits.drain(..commits.len().saturating_sub(COMMITS_PER_PUSH));
    for commit in commits {
        describing(&mut commit.title);
        commit.paths.truncate(PATHS_PER_COMMIT);
        commit.paths.retain(|path| path.len() <= PATH_BYTES);
        keep_who(&mut commit.author)?;
        keep_optional_who(&mut commit.committer)?;
        commit.co_authors.iter_mut().try_for_each(keep_who)?;
    }
    Ok(())
}

fn keep_run(run: &RunRef) -> Result<(), Unreadable> {
    identifying("run.system", &run.system)?;
    identifying("run.id", &run.id)?;
    match &run.url {
        Some(url) if url.len() > ADDRESS_BYTES => Err(too_long("run.url")),
        _ => Ok(()),
    }
}

fn keep_optional_run(run: &Option<RunRef>) -> Result<(), Unreadable> {
    run.as_ref().map_or(Ok(()), keep_run)
}

fn keep_who(who: &mut Who) -> Result<(), Unreadable> {
    if let Some(name) = &mut who.name {
        describing(name);
    }
    some([("email", who.email.as_deref()), ("account", who.account.as_deref())])
}

fn keep_optional_who(who: &mut Option<Who>) -> Result<(), Unreadable> {
    who.as_mut().map_or(Ok(()), keep_who)
}

fn describing(text: &mut String) {
    if text.len() > DESCRIBING_CHARACTERS {
        *text = cut(text, DESCRIBING_CHARACTERS);
    }
}

/// An address is for people to follow; one that is too long is dropped.
fn address(url: &mut Option<String>) {
    if url.as_ref().is_some_and(|url| url.len() > ADDRESS_BYTES) {
        *url = None;
    }
}

fn all<const N: usize>(texts: [(&str, &str); N]) -> Result<(), Unreadable> {
    texts.into_iter().try_for_each(|(what, text)| identifying(what, text))
}

fn some<const N: usize>(texts: [(&str, Option<&str>); N]) -> Result<(), Unreadable> {
    texts.into_iter().try_for_each(|(what, text)| match text {
        Some(text) => identifying(what, text),
        None => Ok(()),
    })
}

fn identifying(what: &str, text: &str) -> Result<(), Unreadable> {
    if text.len() > IDENTIFYING_BYTES {
        return Err(too_long(what));
    }
    if text.chars().any(char::is_control) {
        let reason = format!("the value for `{what}` has control characters");
        return Err(Unreadable::new("control_character", reason));
    }
    Ok(())
}

fn too_long(what: &str) -> Unreadable {
    Unreadable::new(
        "text_too_long",
        format!("the value for `{what}` is too long to identify anything"),
    )
}
