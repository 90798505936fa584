//! Policies: what judges, how its rules speak, and what another text would have said to a question of the past.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::gate::Judgement;
use sluice_core::gate::event::GateDecided;
use sluice_core::ids::DecisionId;
use sluice_core::organisation::PolicyFormat;
use sluice_core::organisation::event::PolicyActivated;
use sluice_core::permission::Permission;
use sluice_core::verdict::Effect;
use sluice_engine::envelope::Envelope;
use sluice_engine::{TestOutcome, Tested as PolicyTested, WhatIfError};
use tokio::sync::Semaphore;

use crate::api::no_such;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::status;
use crate::web::form::{Form, NoFields};
use crate::web::page::{Looker, page};
use crate::web::shell::{Section, Shell};
use crate::web::visit::{Visit, read, time};
use crate::web::{Markup, marks, w};

/// Decisions whose rules are counted.
const COUNTED: u32 = 2_000;
/// Bundles whose beginning is listed.
const HISTORY: u32 = 12;

#[derive(Template)]
#[template(path = "pages/policies.html")]
struct PoliciesPage {
    shell: Shell,
    bundle: Option<String>,
    since: Option<Markup>,
    files: Vec<File>,
    module: Option<(String, String)>,
    rules: Vec<RuleCount>,
    counted: usize,
    most: u64,
    has_tests: bool,
    /// How its tests ended, where that was asked.
    tested: Option<Tested>,
    /// When bundles took effect, newest first: entry, time, digest.
    history: Vec<(u64, Markup, String)>,
}

/// How tests ended.
struct Tested {
    problems: Vec<String>,
    results: Vec<(Markup, String, String)>,
}

/// One file of the policy.
struct File {
    path: String,
    mark: Markup,
    size: String,
    digest: String,
    shown: bool,
}

/// One rule, and how often it spoke with which answer.
struct RuleCount {
    rule: String,
    allow: u64,
    wait: u64,
    deny: u64,
    total: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoliciesQuery {
    module: Option<String>,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<PoliciesQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, query.module.as_deref(), None)).await
}

/// Runs the tests of the policy in force, one run at a time, and shows how they end.
pub(crate) async fn test(looker: Looker, _: Form<NoFields>) -> Result<Response, Problem> {
    static ONE_AT_A_TIME: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(1)));
    let Ok(turn) = Arc::clone(&ONE_AT_A_TIME).try_acquire_owned() else {
        return Err(
            Problem::of(&status::OVERLOADED, w::t("policies.tests_are_running")).retry_after(5)
        );
    };
    page(looker, move |visit| {
        // It is kept for as long as they run, also where nobody waits for the answer any more.
        let _turn = turn;
        let tested = tested(visit)?;
        build(visit, None, Some(tested))
    })
    .await
}

fn build(
    visit: &Visit,
    module: Option<&str>,
    tested: Option<Tested>,
) -> Result<PoliciesPage, Problem> {
    let policy = visit.standing.policy.clone();
    let mut modules = visit.app.engine.policy_modules().map_err(Problem::from)?;
    let tests = visit.app.engine.policy_tests().map_err(Problem::from)?;
    let has_tests = !tests.is_empty();
    modules.extend(tests);
    let module = module.and_then(|wanted| modules.into_iter().find(|(path, _)| path == wanted));
    let (rules, counted) = rules(visit)?;
    Ok(PoliciesPage {
        shell: visit.shell(Section::Policies, w::t("policies.policies")),
        bundle: policy.as_ref().map(|it| it.bundle.to_string()),
        since: policy.as_ref().map(|it| visit.when(it.since)),
        files: files(visit, module.as_ref().map(|(path, _)| path.as_str())),
        most: rules.iter().map(|it| it.total).max().unwrap_or(1).max(1),
        module,
        rules,
        counted,
        tested,
        has_tests,
        history: history(visit)?,
    })
}

fn tested(visit: &Visit) -> Result<Tested, Problem> {
    Ok(match visit.app.engine.test_policy().map_err(Problem::from)? {
        PolicyTested::Unsound(problems) => Tested { problems, results: Vec::new() },
        PolicyTested::Ran(results) => {
            let results = results.into_iter().map(|result| {
                let mark = match &result.outcome {
                    TestOutcome::Passed => marks::pill("ok", "check", w::t("policies.passed")),
                    TestOutcome::Failed => marks::pill("no", "x", w::t("policies.failed")),
                    TestOutcome::Skipped => marks::pill("calm", "dot", w::t("policies.skipped")),
                    TestOutcome::Errored { message } => marks::pill("no", "alert", message),
                };
                (mark, result.name, format!("{}:{}", result.file, result.line))
            });
            Tested { problems: Vec::new(), results: results.collect() }
        }
    })
}

/// When bundles took effect, for those who may read the ledger.
fn history(visit: &Visit) -> Result<Vec<(u64, Markup, String)>, Problem> {
    if !visit.may(Permission::LedgerRead) {
        return Ok(Vec::new());
    }
    let size = visit.readers().head().size;
    let entries = read(visit.readers().stream_before("policy", size, HISTORY))?;
    let taken = entries.iter().rev().filter_map(|entry| {
        let envelope = Envelope::parse(&entry.bytes).ok()?;
        let activated: PolicyActivated = serde_json::from_str(envelope.data.get()).ok()?;
        let bundle = super::change::short(activated.bundle.as_str());
        Some((entry.seq, visit.when(time(entry.time_us)), bundle))
    });
    Ok(taken.collect())
}

fn files(visit: &Visit, shown: Option<&str>) -> Vec<File> {
    let files = visit.standing.organisation.policy_files.values();
    files
        .map(|file| File {
            path: file.path.clone(),
            mark: match file.format {
                PolicyFormat::Rego => marks::pill("info", "scroll", "Rego"),
                PolicyFormat::RegoTest => marks::pill("ok", "check", w::t("policies.tests")),
                PolicyFormat::Guardrails => {
                    marks::pill("wait", "shield", w::t("policies.guardrails"))
                }
            },
            size: w::f("policies.bytes", w::thousands(file.size_bytes)),
            digest: super::change::short(file.digest.as_str()),
            shown: shown == Some(file.path.as_str()),
        })
        .collect()
}

fn rules(visit: &Visit) -> Result<(Vec<RuleCount>, usize), Problem> {
    let rows = read(visit.readers().latest_rules(COUNTED))?;
    let counted = rows.len();
    let mut found: BTreeMap<String, RuleCount> = BTreeMap::new();
    for (answer, text) in rows {
        let rules: Vec<String> = serde_json::from_str(&text).unwrap_or_default();
        for rule in rules {
            let count = found.entry(rule.clone()).or_insert(RuleCount {
                rule,
                allow: 0,
                wait: 0,
                deny: 0,
                total: 0,
            });
            count.total += 1;
            match answer.as_str() {
                "allow" => count.allow += 1,
                "wait" => count.wait += 1,
                _ => count.deny += 1,
            }
        }
    }
    let mut rules: Vec<RuleCount> = found.into_values().collect();
    rules.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.rule.cmp(&b.rule)));
    rules.truncate(40);
    Ok((rules, counted))
}

#[derive(Template)]
#[template(path = "pages/whatif.html")]
struct WhatIfPage {
    shell: Shell,
    decision: String,
    answer: Markup,
    service: String,
    environment: String,
    change: Option<String>,
    at: Markup,
    recorded: Vec<Spoken>,
    modules: Vec<(String, bool)>,
    path: String,
    text: String,
    outcome: Option<Outcome>,
    problems: Vec<String>,
}

/// What another policy would have said.
struct Outcome {
    present: Markup,
    edited: Markup,
    same: bool,
    reasons: Vec<Spoken>,
}

/// One reason.
struct Spoken {
    effect: Markup,
    rule: String,
    message: Markup,
    /// `new`, `gone` or nothing.
    mark: Option<Markup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatIfQuery {
    module: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatIfForm {
    path: String,
    text: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// A decision of the past, with the policy to be edited.
pub(crate) async fn decision(
    looker: Looker,
    Path(decision): Path<String>,
    Query(query): Query<WhatIfQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| what_if(visit, &decision, query.module, None)).await
}

/// The same, judged anew.
pub(crate) async fn judge(
    looker: Looker,
    Path(decision): Path<String>,
    Form(form): Form<WhatIfForm>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let text = form.text.replace("\r\n", "\n");
        what_if(visit, &decision, Some(form.path), Some(text))
    })
    .await
}

fn what_if(
    visit: &Visit,
    decision: &str,
    module: Option<String>,
    edited: Option<String>,
) -> Result<WhatIfPage, Problem> {
    let unknown = || no_such(format!("decision `{decision}`"));
    let id: DecisionId = id(decision)?;
    let row = read(visit.readers().decision(id.as_str()))?.ok_or_else(unknown)?;
    if !visit.sees([row.service.as_str()], &row.environment) {
        return Err(unknown());
    }
    let decided: Option<GateDecided> = serde_json::from_str(&row.body).ok();
    let modules = visit.app.engine.policy_modules().map_err(Problem::from)?;
    let path = module
        .or_else(|| modules.first().map(|(path, _)| path.clone()))
        .unwrap_or_else(|| "policies/what-if.rego".to_owned());
    let present = modules.iter().find(|(known, _)| *known == path);
    let text = edited.clone().or_else(|| present.map(|(_, text)| text.clone())).unwrap_or_default();
    let (outcome, problems) = match edited {
        None => (None, Vec::new()),
        Some(text) => match visit.app.engine.what_if(&id, &path, &text) {
            Ok(found) => (Some(outcome(&found.present, &found.edited)), Vec::new()),
            Err(WhatIfError::Policy(problems)) => (None, problems),
            Err(WhatIfError::Unknown) => {
                (None, vec![w::t("policies.the_facts_of_this_decision").to_owned()])
            }
            Err(WhatIfError::Engine(error)) => return Err(error.into()),
        },
    };
    Ok(WhatIfPage {
        shell: visit.shell(Section::Policies, w::t("policies.another_policy")),
        answer: marks::answer(&row.decision),
        service: row.service,
        environment: row.environment,
        change: row.change_number.map(|number| format!("CHG{number:07}")),
        at: visit.when_us(row.at_us),
        recorded: decided.iter().flat_map(|it| &it.reasons).map(|it| spoken(it, None)).collect(),
        modules: modules.iter().map(|(known, _)| (known.clone(), *known == path)).collect(),
        decision: row.id,
        path,
        text,
        outcome,
        problems,
    })
}

fn outcome(present: &Judgement, edited: &Judgement) -> Outcome {
    let has = |judgement: &Judgement, rule: &str, message: &str| {
        judgement.reasons.iter().any(|it| it.rule == rule && it.message == message)
    };
    let mut reasons: Vec<Spoken> = edited
        .reasons
        .iter()
        .map(|it| {
            let is_new = !has(present, &it.rule, &it.message);
            spoken(it, is_new.then(|| marks::pill("info", "plus", w::t("policies.new"))))
        })
        .collect();
    let gone = present.reasons.iter().filter(|it| !has(edited, &it.rule, &it.message));
    reasons
        .extend(gone.map(|it| spoken(it, Some(marks::pill("calm", "x", w::t("policies.gone"))))));
    Outcome {
        present: marks::answer(present.decision.as_str()),
        edited: marks::answer(edited.decision.as_str()),
        same: present.decision == edited.decision,
        reasons,
    }
}

fn spoken(reason: &sluice_core::verdict::Reason, mark: Option<Markup>) -> Spoken {
    Spoken {
        effect: marks::effect(match reason.effect {
            Effect::Deny => "deny",
            Effect::Wait => "wait",
            Effect::Note => "note",
        }),
        rule: reason.rule.clone(),
        message: marks::prose(&reason.message),
        mark,
    }
}
