//! One change: its story, its risk, what speaks against it, who may say yes, and the proof of it all.

mod approvals;
mod related;
pub(crate) use self::approvals::against;
pub(crate) use self::related::{short, similar};
mod risk;
mod story;
mod talk;
mod verdict;
mod vote;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::approvals::electorate;
use sluice_core::change::{Change, ChangeOutcome, ChangeState};
use sluice_core::facts::GateFacts;
use sluice_core::ids::ChangeNumber;
use sluice_core::permission::Permission;
use sluice_engine::store::ProblemFilter;

use self::approvals::Approvals;
use self::related::{DeploymentLine, EvidenceLine, Fact, Similar};
use self::risk::RiskPicture;
pub(crate) use self::story::{Moment, Step, moments};
pub(crate) use self::talk::{Reference, comment, evidence, references, status};
use self::verdict::Verdict;

pub(crate) use self::vote::{act, end_deployment, lines, vote};
use crate::api::no_such;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::web::form::{self, Fault};
use crate::web::page::{Looker, page};
use crate::web::pages::proof::Proving;
use crate::web::pages::{incidents, problems};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeQuery {
    done: Option<String>,
}

/// What was filled in of a form that was refused.
#[derive(Default)]
struct Kept {
    reason: String,
    finding: String,
    note: String,
    outcome: Option<ChangeOutcome>,
    why: String,
    comment: String,
    /// Of which deployment, and why it is to be ended.
    end: Option<(String, String)>,
    /// Whether the proof of who it is was missing.
    unproven: bool,
}

impl Kept {
    /// Why a deployment is to be ended, where that was refused.
    fn end_of(&self, deployment: &str) -> &str {
        self.end.as_ref().filter(|(of, _)| of == deployment).map_or("", |(_, why)| why)
    }

    /// How a change can end: value, word, and whether that was chosen. Nothing is chosen for anybody.
    fn outcomes(&self) -> [(&'static str, &'static str, bool); 4] {
        let all = [
            (ChangeOutcome::Successful, w::t("change.successful")),
            (ChangeOutcome::SuccessfulWithIssues, w::t("change.successful_with_issues")),
            (ChangeOutcome::Unsuccessful, w::t("change.unsuccessful")),
            (ChangeOutcome::RolledBack, w::t("change.rolled_back")),
        ];
        all.map(|(outcome, word)| (outcome.as_str(), word, self.outcome == Some(outcome)))
    }
}

#[derive(Template)]
#[template(path = "pages/change.html")]
struct ChangePage {
    shell: Shell,
    head: Head,
    steps: Vec<Step>,
    story: Vec<Moment>,
    verdict: Option<Verdict>,
    risk: Option<RiskPicture>,
    approvals: Approvals,
    evidence: Vec<EvidenceLine>,
    comments: Vec<talk::Said>,
    may_speak: bool,
    references: Vec<Reference>,
    incidents: Vec<incidents::Line>,
    problems: Vec<problems::Line>,
    /// Where an incident that it caused is opened.
    new_incident: Option<String>,
    missing: Vec<String>,
    conflicts: Vec<verdict::Conflict>,
    deployments: Vec<DeploymentLine>,
    similar: Vec<Similar>,
    facts: Vec<Fact>,
    debts: Vec<related::DebtLine>,
    actions: Actions,
    fault: Option<Fault>,
    kept: Kept,
}

/// What stands at the top.
struct Head {
    number: String,
    title: String,
    state: Markup,
    kind: Markup,
    risk: Markup,
    outcome: Option<Markup>,
    services: Vec<String>,
    environment: String,
    opened: Markup,
    updated: Markup,
    emergency: Option<String>,
    diff: Option<Markup>,
}

/// What the person who looks may do.
struct Actions {
    vote: bool,
    /// Whether their yes would count; else they may say no alone.
    approve: bool,
    why_not: Option<String>,
    cancel: bool,
    close: bool,
    review: bool,
    revision: String,
    version: u64,
    /// How to prove who it is, where the last proof is too old to decide on production.
    proving: Option<Proving>,
}

pub(crate) async fn show(
    looker: Looker,
    Path(number): Path<String>,
    Query(query): Query<ChangeQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let number: ChangeNumber = id(&number)?;
        let change = find(visit, number)?;
        let mut page = build(visit, &change, Kept::default())?;
        page.shell.notice = notice(query.done.as_deref());
        Ok(page)
    })
    .await
}

/// The change again, with what was refused of a form and what was filled in.
async fn refused(
    looker: Looker,
    number: ChangeNumber,
    error: impl Into<Problem>,
    kept: Kept,
) -> Result<Response, Problem> {
    let problem = error.into();
    let kept = Kept { unproven: problem.code == "step_up_needed", ..kept };
    form::refused(looker, problem, move |visit, fault| {
        let page = build(visit, &find(visit, number)?, kept)?;
        Ok(ChangePage { fault: Some(fault), ..page })
    })
    .await
}

/// The change, where the caller may see it.
fn find(visit: &Visit, number: ChangeNumber) -> Result<Change, Problem> {
    let change = visit.app.engine.change(number).map_err(Problem::from)?;
    change
        .filter(|change| visit.sees_change(change))
        .ok_or_else(|| no_such(format!("change {number}")))
}

fn build(visit: &Visit, change: &Change, kept: Kept) -> Result<ChangePage, Problem> {
    let decisions = verdict::decisions(visit, change)?;
    let facts = decisions.first().and_then(|(_, decided)| input(visit, decided.input.as_str()));
    let rules = electorate(&visit.standing, change, visit.now);
    let trail = read(visit.readers().stream(&format!("change/{}", change.number), 0, 400))?;
    let missing = facts.as_ref().map(|facts| facts.evidence.missing.iter().cloned().collect());
    Ok(ChangePage {
        head: head(visit, change),
        steps: story::steps(visit, change, &trail),
        story: moments(visit, &trail, &decisions),
        verdict: verdict::build(visit, change, &decisions),
        risk: change.risk.as_ref().map(risk::build),
        actions: actions(visit, change, &rules, kept.unproven),
        approvals: approvals::build(visit, change, &rules),
        evidence: related::evidence(visit, change, facts.as_ref()),
        comments: talk::comments(visit, change)?,
        may_speak: talk::may_speak(visit),
        references: references(visit, &change.number.to_string())?,
        incidents: incidents::of_change(visit, change.number.0)?,
        problems: problems_of(visit, change)?,
        new_incident: related::new_incident(visit, change),
        missing: missing.unwrap_or_default(),
        conflicts: verdict::conflicts(facts.as_ref()),
        deployments: related::deployments(visit, change)?,
        similar: similar(visit, change)?,
        facts: related::facts(change),
        debts: related::debts(visit, change),
        fault: None,
        kept,
        shell: visit.shell(Section::Changes, format!("{} {}", change.number, change.title)),
    })
}

/// The problems that name a change.
fn problems_of(visit: &Visit, change: &Change) -> Result<Vec<problems::Line>, Problem> {
    let filter =
        ProblemFilter { change: Some(change.number.to_string()), ..ProblemFilter::default() };
    problems::near(visit, &filter)
}

/// The typed input of a decision, where it is kept and may be shown.
fn input(visit: &Visit, digest: &str) -> Option<GateFacts> {
    let blob = visit.readers().blob(digest).ok()??;
    let input: serde_json::Value = serde_json::from_slice(&blob.bytes).ok()?;
    let facts = input.get("facts").cloned().unwrap_or(input);
    serde_json::from_value(facts).ok()
}

fn head(visit: &Visit, change: &Change) -> Head {
    let level = change.risk.as_ref().map_or("", |risk| risk.level.as_str());
    let proposal = change.origin.proposal.as_deref();
    Head {
        number: change.number.to_string(),
        title: change.title.clone(),
        state: marks::state(change.state.as_str()),
        kind: marks::kind(change.kind.as_str()),
        risk: marks::risk(level),
        outcome: change.outcome.map(|outcome| marks::outcome(outcome.as_str())),
        services: change.services.iter().map(ToString::to_string).collect(),
        environment: change.environment.to_string(),
        opened: visit.when(change.opened_at),
        updated: visit.when(change.updated_at),
        emergency: change.emergency_reason.clone(),
        diff: change.origin.url.as_deref().map(|url| {
            let word = proposal.map_or_else(
                || w::t("change.show_the_diff").to_owned(),
                |number| w::f("change.merge_request", number),
            );
            marks::outward(url, &word)
        }),
    }
}

fn actions(
    visit: &Visit,
    change: &Change,
    rules: &[sluice_core::approvals::RuleElectorate],
    unproven: bool,
) -> Actions {
    let person = visit.caller.person.as_ref();
    let votable = !change.state.is_over() || change.owed().next().is_some();
    let may = visit.may(Permission::ChangeApprove) && person.is_some();
    let edit = visit.may(Permission::ChangeEdit);
    let before = matches!(
        change.state,
        ChangeState::New | ChangeState::Assess | ChangeState::Authorize | ChangeState::Scheduled
    );
    let owes_review = change.owed().any(|debt| debt.kind == sluice_core::change::DebtKind::Review);
    let whole = visit.caller.covers_change(&visit.standing, Permission::ChangeApprove, change);
    let own = approvals::own(visit, change);
    let why_not = votable.then(|| approvals::why_not(visit, change, rules, &own)).flatten();
    Actions {
        vote: votable && may && (why_not.is_none() || approvals::may_reject(visit, change, &own)),
        approve: why_not.is_none(),
        why_not,
        cancel: edit && before,
        close: edit && change.state == ChangeState::Review,
        review: may && owes_review && whole,
        revision: change.revision.digest.to_string(),
        version: change.version_of_record,
        proving: Proving::owed(visit, &format!("/changes/{}#decide", change.number), unproven),
    }
}
