//! A deployment that went wrong, as an issue tells of it.

use serde_json::Value;

use super::answers::{self, cut, not_understood};
use super::words;
use crate::tell::{Ask, Receipt, Step, Talk};

/// The label of every issue that we open.
pub(crate) const LABEL: &str = "sluice";

/// What an issue says.
pub(crate) struct Failure {
    /// Number of the deployment, by which the issue is found again.
    pub(crate) number: String,
    /// Title; begins with the number.
    pub(crate) title: String,
    /// Markdown.
    pub(crate) text: String,
}

/// What is told of a deployment that failed or was rolled back; nothing of others.
pub(crate) fn of(talk: &Talk<'_>) -> Option<Failure> {
    let deployment = talk.effect.deployment.as_ref()?;
    let word = match deployment.state.as_str() {
        "failed" => "failed",
        "rolled_back" => "was rolled back",
        _ => return None,
    };
    let change = talk.effect.change.as_ref();
    let version = deployment.version.as_deref().or(change.and_then(|it| it.version.as_deref()));
    let version = version.unwrap_or("a version");
    let place = talk.effect.environment.as_ref().map(|name| format!(" in {name}"));
    let what = format!("{} {version} {word}{}", deployment.service, place.unwrap_or_default());
    let number = deployment.number.clone();
    let title = cut(&format!("{number}: {what}"), 250).replace('\n', " ");
    let mut text = words::markdown(talk);
    let commit = deployment.commit.as_ref().or(change.and_then(|it| it.commit.as_ref()));
    if let Some(commit) = commit {
        text.push_str(&format!("\n\nCommit {commit}"));
    }
    Some(Failure { number, title, text })
}

/// One issue for each deployment that went wrong: looked for among those with our label, else made. `id` is the member that
/// has an issue's number.
pub(crate) fn opened(
    talk: &Talk<'_>,
    failure: &Failure,
    id: &str,
    look: impl FnOnce() -> Ask,
    make: impl FnOnce() -> Ask,
) -> Result<Receipt, Step<Receipt>> {
    let number = |issue: &Value| {
        let title = issue.get("title").and_then(Value::as_str)?;
        let rest = title.strip_prefix(failure.number.as_str())?;
        issue.get(id).and_then(Value::as_u64).filter(|_| rest.starts_with(':'))
    };
    let noted = |issue: u64| Receipt::plain().reference("issue", issue.to_string());
    let Some(looked) = talk.last("issues") else { return Err(Step::Send(look())) };
    let answer = answers::json(looked)?;
    let listed = answer.as_array();
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of issues"))?;
    if let Some(found) = listed.iter().filter_map(number).min() {
        return Ok(noted(found));
    }
    let Some(sent) = talk.last("issue") else { return Err(Step::Send(make())) };
    let made = number(&answers::json(sent)?).map(noted);
    made.ok_or_else(|| not_understood("the answer is not the issue that was sent"))
}
