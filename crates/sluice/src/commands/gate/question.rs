//! The question, from flags and from what the environment says of the run.

use std::collections::BTreeSet;

use sluice_core::change::{Evidence, EvidenceStatus};
use sluice_core::gate::Question;
use sluice_core::ids::{BadId, CommitId, Digest, EnvironmentName, ServiceName};
use sluice_core::run::RunRef;

use super::GateArgs;
use crate::failure::Failure;
use crate::settings::RunIdentity;

/// Builds the question, or says what is missing and how to give it.
pub(super) fn build(arguments: &GateArgs, run: &RunIdentity) -> Result<Question, Failure> {
    let commit = arguments.commit.as_ref().or(run.commit.as_ref());
    let commit = commit.ok_or_else(|| missing("the commit", "--commit"))?;
    Ok(Question {
        service: read(&arguments.service, ServiceName::parse)?,
        environment: read(&arguments.environment, EnvironmentName::parse)?,
        services: read_all(&arguments.services, ServiceName::parse)?,
        version: arguments.version.clone().filter(|version| !version.is_empty()),
        repository: arguments.repository.clone().or_else(|| run.repository.clone()),
        commit: read(&commit.to_lowercase(), CommitId::parse)?,
        artifacts: read_all(&arguments.artifact, Digest::parse)?,
        run: run_of(arguments, run)?,
        evidence: arguments.evidence.iter().map(|text| evidence(text)).collect::<Result<_, _>>()?,
        emergency: arguments.emergency.clone(),
        lines_changed: arguments.lines_changed,
        paths: arguments.paths.clone(),
        // They are named beside the question; the server makes opaque identities of them.
        authors: BTreeSet::new(),
    })
}

/// On a laptop there is no run: a dry run needs none, so one is made up.
fn run_of(arguments: &GateArgs, run: &RunIdentity) -> Result<RunRef, Failure> {
    let system = arguments.run_system.as_ref().or(run.system.as_ref());
    let id = arguments.run_id.as_ref().or(run.id.as_ref());
    let (system, id) = match (system, id, arguments.dry_run) {
        (Some(system), Some(id), _) => (system.clone(), id.clone()),
        (_, _, true) => ("desk:local".to_owned(), "dry-run".to_owned()),
        (None, _, false) => return Err(missing("the system of the run", "--run-system")),
        (_, None, false) => return Err(missing("the id of the run", "--run-id")),
    };
    let attempt = arguments.run_attempt.or(run.attempt).unwrap_or(1);
    let url = arguments.run_url.clone().or_else(|| run.url.clone());
    Ok(RunRef { system, id, attempt, url })
}

/// Reads `type:name:status[:digest|url]`.
fn evidence(text: &str) -> Result<Evidence, Failure> {
    let wrong = |why: &str| {
        Failure::usage(
            format!("`{text}` is not evidence: {why}"),
            "write `type:name:status`, such as `test:unit:passed`, and after another `:` its digest \
             or web address; status is passed, failed or unknown",
        )
    };
    let mut parts = text.splitn(4, ':');
    let (Some(kind), Some(name), Some(status)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong("it has fewer than three parts"));
    };
    if kind.is_empty() || name.is_empty() {
        return Err(wrong("type and name must not be empty"));
    }
    let status: EvidenceStatus =
        serde_json::from_value(status.into()).map_err(|_| wrong("this is no status"))?;
    let mut evidence =
        Evidence { kind: kind.to_owned(), name: name.to_owned(), status, digest: None, url: None };
    match parts.next() {
        None => {}
        Some(rest) if rest.starts_with("sha256:") => {
            evidence.digest = Some(read(rest, Digest::parse)?);
        }
        Some(rest) if rest.starts_with("https://") || rest.starts_with("http://") => {
            evidence.url = Some(rest.to_owned());
        }
        Some(_) => return Err(wrong("the last part is neither a digest nor a web address")),
    }
    Ok(evidence)
}

fn read<T>(text: &str, parse: impl Fn(&str) -> Result<T, BadId>) -> Result<T, Failure> {
    parse(text).map_err(|error| {
        Failure::usage(format!("`{}` is not {}", error.given, error.wanted), error.help)
    })
}

fn read_all<T, C: FromIterator<T>>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, BadId>,
) -> Result<C, Failure> {
    texts.iter().map(|text| read(text, &parse)).collect()
}

fn missing(what: &str, flag: &str) -> Failure {
    Failure::usage(
        format!("{what} is not known here"),
        format!("give it with `{flag}`; GitHub Actions, GitLab CI and Jenkins are recognised"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_names_type_name_status_and_where() {
        let plain = evidence("test:unit:passed").unwrap();
        assert_eq!((plain.kind.as_str(), plain.name.as_str()), ("test", "unit"));
        let linked = evidence("scan:image:failed:https://ci.example.org/1:2").unwrap();
        assert_eq!(linked.url.as_deref(), Some("https://ci.example.org/1:2"));
        let digest = format!("sbom:image:passed:sha256:{}", "0".repeat(64));
        assert!(evidence(&digest).unwrap().digest.is_some());
        for wrong in ["", "test", "test:unit", "test:unit:great", ":a:passed", "a:b:passed:c"] {
            assert!(evidence(wrong).is_err(), "{wrong}");
        }
    }
}
