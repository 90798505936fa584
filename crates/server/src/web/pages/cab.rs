//! The change advisory board: an agenda that makes itself, the cost of waiting, minutes, and signs of rubber-stamping.
//!
//! A review needs no meeting: whoever is named says yes or no on the change itself, in their own time, and the
//! quorum of each rule decides. This page is what they, or a meeting, look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use jiff::SignedDuration;
use sluice_core::approvals::{RuleElectorate, VoterStanding, electorate, waits_for};
use sluice_core::change::{Approval, ApprovalVerdict, Change, EvidenceStatus};
use sluice_core::deployment::DeploymentState;
use sluice_core::ids::PersonId;
use sluice_core::risk::RiskLevel;
use sluice_engine::store::ChangeFilter;

use super::change::similar;
use super::flow::waiting;
use super::incidents::open_of;
use super::services::strip;
use crate::paging::Seek;
use crate::problem::Problem;
use crate::web::fill::fill;
use crate::web::page::{Looker, page};
use crate::web::pages::change::against;
use crate::web::shell::{Section, Shell};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, moment, w};

/// The most items on the agenda.
const AGENDA: usize = 40;
/// Past changes that minutes and signs are read from.
const PAST: u32 = 200;
/// How the stored form of a change says that nobody said yes or no.
const NOBODY_SPOKE: &str = "\"approvals\":[]";
/// The most people that are listed.
const SHOWN: usize = 12;
/// The most earlier changes that are named of a change.
const EARLIER: usize = 4;
/// The most incidents that are named of a change.
const INCIDENTS: usize = 4;
/// A yes sooner than this after the change was opened is a sign.
const QUICK: SignedDuration = SignedDuration::from_secs(60);

#[derive(Template)]
#[template(path = "pages/cab.html")]
struct CabPage {
    shell: Shell,
    items: Vec<Item>,
    more: usize,
    costs: Vec<Cost>,
    /// The same by those who could say yes: who, how many changes wait for them, for how long in all.
    approvers: Vec<(Markup, usize, String)>,
    total: String,
    minutes: Vec<Minute>,
    signs: Vec<Sign>,
    votes: usize,
}

/// One item of the agenda.
struct Item {
    number: String,
    title: String,
    place: String,
    /// Whether somebody said no to it.
    rejected: bool,
    kind: Option<Markup>,
    risk: Markup,
    score: u32,
    factors: String,
    waits: String,
    since: Markup,
    rules: Vec<(String, Markup, String)>,
    /// Open incidents of its services.
    incidents: Vec<String>,
    strip: Option<Markup>,
    failures: Option<String>,
    /// Earlier changes of the same service there: number and how they ended.
    earlier: Vec<(String, Markup)>,
    evidence: Markup,
    mine: bool,
}

/// Hours queued, by rule.
struct Cost {
    rule: String,
    who: String,
    changes: usize,
    queued: String,
}

/// One yes or no of late.
struct Minute {
    number: String,
    title: String,
    who: Markup,
    mark: Markup,
    reason: String,
    at: Markup,
    stamp: i64,
}

/// How one approver decides.
struct Sign {
    who: Markup,
    votes: usize,
    median: String,
    quick: String,
    silent: usize,
    unopened: String,
    rejected: usize,
    worrying: bool,
}

pub(crate) async fn show(looker: Looker) -> Result<Response, Problem> {
    page(looker, build).await
}

fn build(visit: &Visit) -> Result<CabPage, Problem> {
    let mut waiting: Vec<(Arc<Change>, Vec<RuleElectorate>)> = waiting::all(visit)
        .into_iter()
        .map(|change| {
            let rules = electorate(&visit.standing, &change, visit.now);
            (change, rules)
        })
        .filter(|(_, rules)| rules.iter().any(|rule| rule.missing() > 0))
        .collect();
    waiting.sort_by_key(|(change, _)| (std::cmp::Reverse(level(change)), change.opened_at));
    let (costs, total) = costs(visit, &waiting);
    let approvers = approvers(visit, &waiting);
    let past = past(visit)?;
    let (minutes, signs, votes) = votes(visit, &past);
    let agenda = waiting.iter().take(AGENDA).map(|(change, rules)| item(visit, change, rules));
    let items: Vec<Item> = agenda.collect::<Result<_, _>>()?;
    Ok(CabPage {
        shell: visit.shell(Section::Cab, w::t("cab.cab")),
        more: waiting.len().saturating_sub(items.len()),
        items,
        costs,
        approvers,
        total,
        minutes,
        signs,
        votes,
    })
}

fn level(change: &Change) -> RiskLevel {
    change.risk.as_ref().map(|risk| risk.level).unwrap_or_default()
}

fn item(visit: &Visit, change: &Change, rules: &[RuleElectorate]) -> Result<Item, Problem> {
    let service = change.services.first();
    let place = service.and_then(|service| visit.place(service, &change.environment));
    let factors = change.risk.iter().flat_map(|risk| &risk.factors).filter(|it| it.points > 0);
    let mut factors: Vec<_> = factors.collect();
    factors.sort_by_key(|it| std::cmp::Reverse(it.points));
    let factors: Vec<&str> = factors.iter().take(3).map(|it| it.because.as_str()).collect();
    let open = rules.iter().filter(|rule| rule.missing() > 0);
    let services: Vec<&str> = change.services.iter().map(|it| it.as_str()).collect();
    let bad = change.evidence.iter().filter(|it| it.status == EvidenceStatus::Failed).count();
    let person = visit.caller.person.as_ref();
    let earlier = similar(visit, change)?.into_iter().take(EARLIER);
    Ok(Item {
        number: change.number.to_string(),
        title: change.title.clone(),
        place: format!("{} → {}", services.join(", "), change.environment),
        rejected: !against(change).is_empty(),
        kind: (change.kind.as_str() != "normal").then(|| marks::kind(change.kind.as_str())),
        risk: marks::risk(change.risk.as_ref().map_or("", |risk| risk.level.as_str())),
        score: change.risk.as_ref().map_or(0, |risk| risk.score),
        factors: factors.join("; "),
        waits: moment::span_of(visit.now.duration_since(change.opened_at)),
        since: visit.when(change.opened_at),
        rules: open.map(|rule| needed(visit, rule)).collect(),
        incidents: incidents(visit, change),
        strip: place.and_then(|place| strip(place)),
        failures: place.filter(|place| !place.recent.is_empty()).map(|place| {
            let good = DeploymentState::Succeeded;
            let failed = place.recent.iter().filter(|(_, state)| *state != good).count();
            w::ff("cab.of_the_last_failed", failed, place.recent.len())
        }),
        evidence: if change.evidence.is_empty() {
            marks::pill("wait", "doc", w::t("cab.no_evidence"))
        } else if bad > 0 {
            marks::pill("no", "x", &w::n("cab.one_piece_speaks_against_it", bad))
        } else {
            marks::pill("ok", "doc", &w::n("cab.one_piece_of_evidence", change.evidence.len()))
        },
        mine: person
            .is_some_and(|person| waits_for(&visit.standing, change, person, visit.now).is_some()),
        earlier: earlier.map(|it| (it.number, it.ended)).collect(),
    })
}

/// A rule that is not met: its name, how many are missing, and who could say yes.
fn needed(visit: &Visit, rule: &RuleElectorate) -> (String, Markup, String) {
    let mark = marks::pill("wait", "people", &w::n("cab.one_missing", rule.missing()));
    let could = rule.voters.iter().filter(|it| it.standing == VoterStanding::Could);
    let could: Vec<String> = could.take(5).map(|it| visit.name(&it.person)).collect();
    let who = if could.is_empty() {
        w::f("cab.nobody_of_them_may", visit.selectors(&rule.who))
    } else {
        could.join(", ")
    };
    (rule.rule.to_string(), mark, who)
}

/// The numbers of open incidents of the services of a change.
fn incidents(visit: &Visit, change: &Change) -> Vec<String> {
    let open = change.services.iter().flat_map(|service| open_of(visit, service));
    let mut numbers: Vec<String> = open.map(|incident| incident.number.to_string()).collect();
    numbers.sort();
    numbers.dedup();
    numbers.truncate(INCIDENTS);
    numbers
}

/// Hours that waiting changes have queued by now, by the rule that holds them.
fn costs(visit: &Visit, waiting: &[(Arc<Change>, Vec<RuleElectorate>)]) -> (Vec<Cost>, String) {
    let mut found: BTreeMap<String, (BTreeSet<String>, usize, SignedDuration)> = BTreeMap::new();
    let mut total = SignedDuration::ZERO;
    for (change, rules) in waiting {
        let queued = visit.now.duration_since(change.opened_at);
        total = total.saturating_add(queued);
        for rule in rules.iter().filter(|rule| rule.missing() > 0) {
            let entry = found.entry(rule.rule.to_string()).or_default();
            // The owners are others for each service.
            entry.0.insert(visit.selectors(&rule.who));
            entry.1 += 1;
            entry.2 = entry.2.saturating_add(queued);
        }
    }
    let mut costs: Vec<(SignedDuration, Cost)> = found
        .into_iter()
        .map(|(rule, (who, changes, sum))| {
            let who = who.into_iter().collect::<Vec<_>>().join(", ");
            (sum, Cost { rule, who, changes, queued: moment::span_of(sum) })
        })
        .collect();
    costs.sort_by_key(|(sum, _)| std::cmp::Reverse(*sum));
    (costs.into_iter().map(|(_, cost)| cost).collect(), moment::span_of(total))
}

/// Hours that waiting changes have queued by now, by whoever could say yes to them.
fn approvers(
    visit: &Visit,
    waiting: &[(Arc<Change>, Vec<RuleElectorate>)],
) -> Vec<(Markup, usize, String)> {
    let mut found: BTreeMap<&PersonId, (usize, SignedDuration)> = BTreeMap::new();
    for (change, rules) in waiting {
        let open = rules.iter().filter(|rule| rule.missing() > 0).flat_map(|rule| &rule.voters);
        let could = open.filter(|voter| voter.standing == VoterStanding::Could);
        let could: BTreeSet<&PersonId> = could.map(|voter| &voter.person).collect();
        for person in could {
            let entry = found.entry(person).or_default();
            entry.0 += 1;
            entry.1 = entry.1.saturating_add(visit.now.duration_since(change.opened_at));
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, (_, queued))| std::cmp::Reverse(*queued));
    let first = found.into_iter().take(SHOWN);
    first.map(|(who, (count, queued))| (visit.who(who), count, moment::span_of(queued))).collect()
}

/// The latest changes on which somebody said yes or no.
fn past(visit: &Visit) -> Result<Vec<Change>, Problem> {
    let (rows, _) = fill(
        &Seek::read(Some(PAST), None)?,
        |page| read(visit.readers().changes(&ChangeFilter::default(), page)),
        |row| row.number,
        // Most go by themselves: what nobody spoke on is passed over without being read.
        |row| {
            !row.body.contains(NOBODY_SPOKE)
                && visit.sees(row.services.iter().map(String::as_str), &row.environment)
        },
    )?;
    let changes = rows.into_iter().filter_map(|row| serde_json::from_str::<Change>(&row.body).ok());
    Ok(changes.filter(|change| !change.approvals.is_empty() && visit.sees_change(change)).collect())
}

/// How one person decided.
#[derive(Default)]
struct Habit {
    votes: usize,
    /// How long they took, where that is known.
    spans: Vec<i64>,
    quick: usize,
    silent: usize,
    /// Words on changes that brought evidence, and those of them before which none of it was opened.
    with_evidence: usize,
    unopened: usize,
    rejected: usize,
}

fn votes(visit: &Visit, past: &[Change]) -> (Vec<Minute>, Vec<Sign>, usize) {
    let mut minutes: Vec<Minute> = Vec::new();
    let mut habits: BTreeMap<PersonId, Habit> = BTreeMap::new();
    for change in past {
        for approval in &change.approvals {
            let rejected = approval.verdict == ApprovalVerdict::Reject;
            let habit = habits.entry(approval.person.clone()).or_default();
            habit.votes += 1;
            if let Some(took) = took(change, approval) {
                habit.spans.push(took.as_secs());
                habit.quick += usize::from(took < QUICK);
            }
            habit.silent += usize::from(approval.reason.trim().is_empty());
            if !change.evidence.is_empty() {
                habit.with_evidence += 1;
                habit.unopened += usize::from(!has_opened(change, approval));
            }
            habit.rejected += usize::from(rejected);
            minutes.push(Minute {
                number: change.number.to_string(),
                title: change.title.clone(),
                who: visit.who(&approval.person),
                mark: if rejected {
                    marks::pill("no", "x", w::t("cab.rejected"))
                } else {
                    marks::pill("ok", "check", w::t("cab.approved"))
                },
                reason: approval.reason.clone(),
                at: visit.when(approval.at),
                stamp: approval.at.as_microsecond(),
            });
        }
    }
    let votes = minutes.len();
    minutes.sort_by_key(|minute| std::cmp::Reverse(minute.stamp));
    minutes.truncate(SHOWN);
    let mut signs: Vec<Sign> = habits
        .into_iter()
        .map(|(person, mut habit)| {
            habit.spans.sort_unstable();
            let (votes, timed) = (habit.votes, habit.spans.len());
            let middle = habit.spans.get(timed / 2).copied();
            Sign {
                who: visit.who(&person),
                median: middle.map_or_else(
                    || "–".to_owned(),
                    |middle| moment::span_of(SignedDuration::from_secs(middle)),
                ),
                quick: w::ff("cab.of", habit.quick, timed),
                silent: habit.silent,
                unopened: w::ff("cab.of", habit.unopened, habit.with_evidence),
                rejected: habit.rejected,
                worrying: votes >= 5 && (habit.quick * 2 > timed || habit.silent * 2 > votes),
                votes,
            }
        })
        .collect();
    signs.sort_by_key(|sign| std::cmp::Reverse(sign.votes));
    signs.truncate(SHOWN);
    (minutes, signs, votes)
}

/// Whether somebody opened a piece of the evidence before they spoke of the same revision.
fn has_opened(change: &Change, approval: &Approval) -> bool {
    change.looks.iter().any(|look| {
        look.person == approval.person
            && look.revision == approval.revision
            && look.at <= approval.at
    })
}

/// How long somebody took, from when the change was opened. Of one that was revised it is not known when what they
/// decided on came about.
fn took(change: &Change, approval: &Approval) -> Option<SignedDuration> {
    (change.revision.counter == 1)
        .then(|| approval.at.duration_since(change.opened_at.min(approval.at)))
}
