//! Artifacts, services, incidents and change proposals.

use sluice_core::signal::{DeploymentSignal, Signal, Who};

use crate::cdevents::hear::Event;
use crate::cdevents::purl::identified;
use crate::cdevents::wire::{Content, Reference};
use crate::kit::halt::{Halt, ignored};
use crate::kit::reading::{commit, need, need_text};
use crate::kit::{repository, text};

/// Members that a type demands from some version on (specification 0.5.1), as far as we read them.
pub(crate) fn require(name: &str, version: (u32, u32), content: &Content) -> Result<(), Halt> {
    let environment = || id_of(content.environment.as_ref());
    let artifact = || text::filled(content.artifact_id.as_deref());
    let missing = |member: &str| {
        crate::kit::halt::unreadable(
            "field_missing",
            format!("`subject.content.{member}` is missing"),
        )
    };
    match name {
        "pipelinerun.started" if version >= (0, 3) && content.uri.is_none() => Err(missing("uri")),
        "service.deployed" | "service.upgraded" | "service.rolledback" => {
            environment().ok_or_else(|| missing("environment.id"))?;
            artifact().map(|_| ()).ok_or_else(|| missing("artifactId"))
        }
        "incident.detected" | "incident.reported" | "incident.resolved" => {
            environment().map(|_| ()).ok_or_else(|| missing("environment.id"))
        }
        "artifact.packaged" if version >= (0, 2) => {
            id_of(content.change.as_ref()).map(|_| ()).ok_or_else(|| missing("change.id"))
        }
        "testcaserun.finished" | "testsuiterun.finished" => {
            content.outcome.as_ref().map(|_| ()).ok_or_else(|| missing("outcome"))
        }
        _ => Ok(()),
    }
}

/// `build.finished`: what it built.
pub(crate) fn build_finished(content: Content) -> Result<Vec<Signal>, Halt> {
    let Some(artifact) = text::filled(content.artifact_id.as_deref()) else {
        return Err(ignored("event_not_used", "the build does not say what it built"));
    };
    Ok(vec![reported(artifact, "packaged", None)])
}

/// `artifact.packaged`, `artifact.published` and `artifact.signed`.
pub(crate) fn artifact(event: &Event, name: &str, content: Content) -> Result<Vec<Signal>, Halt> {
    let action = name.rsplit('.').next().unwrap_or_default();
    Ok(vec![reported(event.subject.clone(), action, content.change)])
}

fn reported(artifact: String, action: &str, change: Option<Reference>) -> Signal {
    Signal::ArtifactReported {
        digest: identified(&artifact).digest,
        artifact,
        commit: change.and_then(|change| commit(change.id.as_deref())),
        action: action.to_owned(),
        run: None,
    }
}

/// `service.deployed`, `service.upgraded` and `service.rolledback`. Each event is a report of its
/// own: CDEvents do not name deployments.
pub(crate) fn deployment(event: &Event, name: &str, content: Content) -> Result<Vec<Signal>, Halt> {
    let environment = id_of(content.environment.as_ref());
    let artifact = need_text(content.artifact_id, "subject.content.artifactId")?;
    let identified = identified(&artifact);
    Ok(vec![Signal::DeploymentReported {
        deployment: event.id.clone(),
        repository: None,
        service: Some(event.subject.clone()),
        environment: need(environment, "subject.content.environment.id")?,
        state: match name {
            "service.rolledback" => DeploymentSignal::RolledBack,
            _ => DeploymentSignal::Succeeded,
        },
        run: None,
        commit: None,
        artifact: identified.digest,
        version: identified.version,
        actor: None,
        at: event.at,
    }])
}

/// `incident.detected`, `incident.reported` and `incident.resolved`.
pub(crate) fn incident(event: &Event, name: &str, content: Content) -> Result<Vec<Signal>, Halt> {
    let title = content.description.as_deref().map(text::title).filter(|title| !title.is_empty());
    Ok(vec![Signal::IncidentReported {
        incident: event.subject.clone(),
        resolved: name == "incident.resolved",
        service: id_of(content.service.as_ref()),
        environment: id_of(content.environment.as_ref()),
        title: title.unwrap_or_else(|| format!("incident {}", event.subject)),
        severity: None,
        at: event.at,
    }])
}

/// `change.merged`. A "change" is a proposal to change source code here.
pub(crate) fn proposal_merged(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    Ok(vec![Signal::ProposalMerged {
        repository: repository_of(content.repository.as_ref())?,
        proposal: event.subject.clone(),
        title: format!("change {}", event.subject),
        url: None,
        branch: event.config.merge_branch.clone(),
        default_branch: None,
        merge_commit: None,
        head_commit: None,
        author: Who::default(),
        merger: None,
        lines_changed: None,
        files_changed: None,
        commit_count: None,
        at: event.at,
    }])
}

/// `change.created`, `change.updated`, `change.reviewed` and `change.abandoned`.
pub(crate) fn proposal_updated(
    event: &Event,
    name: &str,
    content: Content,
) -> Result<Vec<Signal>, Halt> {
    Ok(vec![Signal::ProposalUpdated {
        repository: repository_of(content.repository.as_ref())?,
        proposal: event.subject.clone(),
        action: name.rsplit('.').next().unwrap_or_default().to_owned(),
        head_commit: None,
        actor: Who::default(),
    }])
}

/// Host of the source and path of the id; either may be the whole address.
fn repository_of(reference: Option<&Reference>) -> Result<String, Halt> {
    let Some(id) = id_of(reference) else {
        return Err(ignored("repository_missing", "the event does not say in which repository"));
    };
    if let Some(name) = repository::from_address(&id) {
        return Ok(name);
    }
    let source = reference.and_then(|reference| reference.source.as_deref());
    Ok(match source.and_then(repository::host_of) {
        Some(host) => repository::join(&host, &id),
        None => id.to_lowercase(),
    })
}

fn id_of(reference: Option<&Reference>) -> Option<String> {
    text::filled(reference?.id.as_deref())
}
