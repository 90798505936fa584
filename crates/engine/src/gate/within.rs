//! What a question may bring at most, and of what it may speak.

use sluice_core::gate::{Placement, Question};
use sluice_core::ids::EnvironmentName;
use sluice_core::organisation::Organisation;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;

use crate::caller::Caller;
use crate::error::EngineError;

/// Everything from outside has a limit.
pub(crate) fn check(question: &Question) -> Result<(), EngineError> {
    let text = |name: &str, value: Option<&String>, most: usize| {
        let bad = value.is_some_and(|value| {
            value.is_empty() || value.chars().count() > most || value.chars().any(char::is_control)
        });
        bad.then(|| {
            format!("`{name}` has 1 to {most} characters, none of them a control character")
        })
    };
    let many = |name: &str, count: usize, most: usize| {
        (count > most).then(|| format!("`{name}` has more than {most} members"))
    };
    let run = &question.run;
    let problem = many("artifacts", question.artifacts.len(), 200)
        .or_else(|| many("evidence", question.evidence.len(), 200))
        .or_else(|| many("services", question.services.len(), 50))
        .or_else(|| many("paths", question.paths.len(), 200))
        .or_else(|| many("authors", question.authors.len(), 200))
        .or_else(|| text("version", question.version.as_ref(), 128))
        .or_else(|| text("repository", question.repository.as_ref(), 512))
        .or_else(|| text("emergency", question.emergency.as_ref(), 1_000))
        .or_else(|| text("run.system", Some(&run.system), 256))
        .or_else(|| text("run.id", Some(&run.id), 512))
        .or_else(|| text("run.url", run.url.as_ref(), 2_048))
        .or_else(|| question.paths.iter().find_map(|path| text("paths", Some(path), 1_024)))
        .or_else(|| {
            question.evidence.iter().find_map(|brought| {
                text("evidence.type", Some(&brought.kind), 128)
                    .or_else(|| text("evidence.name", Some(&brought.name), 256))
                    .or_else(|| text("evidence.url", brought.url.as_ref(), 2_048))
            })
        });
    match problem {
        None => Ok(()),
        Some(message) => {
            Err(Refusal::invalid("over_limit", message, "send less, or shorter texts").into())
        }
    }
}

/// Whether a caller may ask for all that a question speaks of; what makes the whole change an emergency, for all of that.
pub(super) fn is_in_scope(
    organisation: &Organisation,
    caller: &Caller,
    question: &Question,
    environment: &EnvironmentName,
    placement: Option<&Placement>,
) -> bool {
    let whole = placement.filter(|_| question.emergency.is_some());
    let change = whole.into_iter().flat_map(|placement| &placement.change.services);
    std::iter::once(&question.service).chain(&question.services).chain(change).all(|service| {
        let target = organisation.target(service, environment);
        caller.covers(Permission::GateEvaluate, &target)
            || caller.covers(Permission::GateRedeem, &target)
    })
}
