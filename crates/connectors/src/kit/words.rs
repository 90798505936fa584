//! What people read of an effect, wherever they read it: what, why, until when, and what to do.

use sluice_core::change::ApprovalVerdict;
use sluice_core::effect::{ChangeCard, Tell as Told};
use sluice_core::gate::Decision;
use sluice_core::ids::Digest;
use sluice_core::verdict::Reason;

use super::answers::cut;
use crate::tell::Talk;

/// The most reasons that are written out.
const REASONS: usize = 10;
/// Begins the line by which a record shows what an approver is asked about.
const REVISION: &str = "Revision: ";

/// What happened, one line.
pub(crate) fn what(talk: &Talk<'_>) -> String {
    cut(&talk.effect.line, 300).replace('\n', " ")
}

/// Why: the reasons of a decision, as far as they are written out.
pub(crate) fn why<'a>(talk: &Talk<'a>) -> impl Iterator<Item = &'a Reason> {
    talk.effect.decision.iter().flat_map(|decision| &decision.reasons).take(REASONS)
}

/// A reason in one line, with what would make it not stand.
pub(crate) fn reason(reason: &Reason) -> String {
    let mut text = cut(&reason.message, 300);
    if !reason.pass_if.is_empty() {
        text.push_str(&format!(" Would pass if {}", cut(&reason.pass_if, 300)));
    }
    text.replace('\n', " ")
}

/// The same as Markdown that mentions nobody and commands nothing: forges act on `@name`, and on lines that begin with
/// a slash.
pub(crate) fn markdown(talk: &Talk<'_>) -> String {
    let quiet = |line: String| line.replace('@', "@\u{200b}").replace('<', "&lt;");
    let lines = plain(talk).into_iter().map(quiet);
    lines
        .map(|line| if line.starts_with('/') { format!(" {line}") } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

/// When it is worth asking again, in UTC.
pub(crate) fn until(talk: &Talk<'_>) -> Option<String> {
    let until = talk.effect.decision.as_ref()?.until?;
    Some(until.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// What somebody has to do about it; nothing where nobody has to do anything.
pub(crate) fn to_do(talk: &Talk<'_>) -> Option<&'static str> {
    match talk.effect.tell {
        Told::ApprovalWanted => Some("An approver looks at the change and decides."),
        Told::GateDecided => match talk.effect.decision.as_ref()?.answer {
            Decision::Allow => None,
            Decision::Wait => {
                Some("The pipeline goes on by itself when what it waits for is there.")
            }
            Decision::Deny => {
                Some("Mend what the reasons name, then run the pipeline's gate again.")
            }
        },
        Told::ApprovalRefused => Some("Read the reason, revise the change, and ask again."),
        Told::StopPulled => {
            Some("Nothing goes until the stop is lifted; whoever may lift it decides.")
        }
        Told::IncidentOpened => Some("Whoever is on duty for the service takes it."),
        Told::ChangeOpened
        | Told::ChangeMoved
        | Told::ChangeRevised
        | Told::ChangeEnded
        | Told::ApprovalGiven
        | Told::DeploymentStarted
        | Told::DeploymentEnded
        | Told::StopLifted
        | Told::IncidentResolved
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::IntentAnswered
        | Told::ProposalJudged
        | Told::CalendarChanged => None,
    }
}

/// All of it as lines of plain text.
pub(crate) fn plain(talk: &Talk<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} ({})", what(talk), talk.effect.at)];
    lines.extend(why(talk).map(|why| format!("- {}: {}", why.rule, reason(why))));
    lines.extend(until(talk).map(|until| format!("Until {until}")));
    lines.extend(to_do(talk).map(str::to_owned));
    lines.extend(talk.page());
    lines
}

/// What an approver over there has to see of a change.
pub(crate) fn description(talk: &Talk<'_>, card: &ChangeCard) -> Vec<String> {
    let services: Vec<&str> = card.services.iter().map(|service| service.as_str()).collect();
    let mut lines = vec![
        format!("{} in {}", services.join(", "), card.environment),
        format!("{REVISION}{}", card.revision),
    ];
    let facts = [
        ("Version", card.version.clone()),
        ("Commit", card.commit.as_ref().map(ToString::to_string)),
        ("Repository", card.repository.clone()),
        ("Risk", card.risk.map(|risk| risk.as_str().to_owned())),
        ("Run", card.run.as_ref().and_then(|run| run.url.clone())),
        ("Sluice", talk.page()),
    ];
    for (name, fact) in facts {
        lines.extend(fact.map(|fact| format!("{name}: {}", cut(&fact, 500))));
    }
    lines
}

/// The revision that a description shows. An approval counts for this one and no other.
pub(crate) fn shown_revision(description: &str) -> Option<Digest> {
    description.lines().find_map(|line| line.trim().strip_prefix(REVISION))?.trim().parse().ok()
}

/// What makes a note ours, and this one. It is without the letters that a query cannot hold.
pub(crate) fn marker(talk: &Talk<'_>) -> String {
    format!("sluice#{}", talk.effect.key.replace(':', "."))
}

/// Yes or no, in the words that most systems have for it.
pub(crate) fn verdict(word: &str) -> Option<ApprovalVerdict> {
    match word {
        "approved" => Some(ApprovalVerdict::Approve),
        "rejected" | "declined" => Some(ApprovalVerdict::Reject),
        _ => None,
    }
}
