//! A deployment that went wrong, as an issue tells of it.

use serde_json::Value;

use super::answers::{self, cut, not_understood};
use super::words;
use crate::tell::{Ask, Exchange, Receipt, Step, Talk};

/// The label of every issue that we open.
pub(crate) const LABEL: &str = "sluice";

/// What an issue says.
pub(crate) struct Failure {
    /// Number of the deployment, by which the issue is found again: it stands in the text as a mark.
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
    let failure = Failure { number, title, text };
    let text = format!("{}\n\n{}", failure.text, mark(&failure));
    Some(Failure { text, ..failure })
}

/// How a forge keeps issues.
pub(crate) struct Issues<'a> {
    /// The member that has an issue's number.
    pub(crate) id: &'static str,
    /// The member that has its text.
    pub(crate) text: &'static str,
    /// The word for an issue that is open.
    pub(crate) open: &'static str,
    /// Lists those with our label.
    pub(crate) look: &'a dyn Fn(&'static str) -> Ask,
    /// Makes one.
    pub(crate) make: &'a dyn Fn(&'static str) -> Ask,
    /// Closes one, under another title.
    pub(crate) close: &'a dyn Fn(&'static str, u64, &str) -> Ask,
}

/// One issue for each deployment that went wrong: looked for among those with our label, else made. One that they have made
/// twice is kept once: the newer ones are closed.
pub(crate) fn opened(
    talk: &Talk<'_>,
    failure: &Failure,
    issues: &Issues<'_>,
) -> Result<Receipt, Step<Receipt>> {
    let noted = |issue: u64| Receipt::plain().reference("issue", issue.to_string());
    let Some(looked) = talk.last("issues") else {
        return Err(Step::Send((issues.look)("issues")));
    };
    let found = listed(looked, failure, issues)?;
    if let Some(kept) = found.first().map(|issue| issue.number) {
        return kept_once(talk, issues, kept, &found).map(|()| noted(kept));
    }
    let Some(sent) = talk.last("issue") else { return Err(Step::Send((issues.make)("issue"))) };
    let made = Issue::read(&answers::json(sent)?, failure, issues);
    let made = made.ok_or_else(|| not_understood("the answer is not the issue that was sent"))?;
    let Some(looked) = talk.last("issues_after") else {
        return Err(Step::Send((issues.look)("issues_after")));
    };
    let found = listed(looked, failure, issues)?;
    let kept = found.first().map_or(made.number, |issue| issue.number.min(made.number));
    kept_once(talk, issues, kept, &found).map(|()| noted(kept))
}

/// An issue of a deployment, known by our mark: anybody can write such a title.
struct Issue {
    number: u64,
    is_open: bool,
}

impl Issue {
    fn read(issue: &Value, failure: &Failure, issues: &Issues<'_>) -> Option<Self> {
        let text = |name: &str| issue.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_ours = text(issues.text).contains(&mark(failure));
        let number = issue.get(issues.id).and_then(Value::as_u64).filter(|_| is_ours)?;
        Some(Self { number, is_open: text("state") == issues.open })
    }
}

/// What stands in the text of an issue of ours.
fn mark(failure: &Failure) -> String {
    format!("<!-- sluice:{} -->", failure.number)
}

/// The issues of the deployment, the oldest first.
fn listed(
    looked: &Exchange,
    failure: &Failure,
    issues: &Issues<'_>,
) -> Result<Vec<Issue>, Step<Receipt>> {
    let answer = answers::json(looked)?;
    let listed = answer.as_array();
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of issues"))?;
    let found = listed.iter().filter_map(|issue| Issue::read(issue, failure, issues));
    let mut found: Vec<Issue> = found.collect();
    found.sort_by_key(|issue| issue.number);
    found.dedup_by_key(|issue| issue.number);
    Ok(found)
}

fn kept_once(
    talk: &Talk<'_>,
    issues: &Issues<'_>,
    kept: u64,
    found: &[Issue],
) -> Result<(), Step<Receipt>> {
    let closed = talk.so_far.iter().filter(|exchange| exchange.step == "close");
    for exchange in closed.clone() {
        answers::done(exchange)?;
    }
    let mut surplus = found.iter().filter(|issue| issue.number != kept && issue.is_open);
    match surplus.nth(closed.count()) {
        None => Ok(()),
        Some(issue) => {
            let title = format!("Duplicate of #{kept}");
            Err(Step::Send((issues.close)("close", issue.number, &title)))
        }
    }
}
