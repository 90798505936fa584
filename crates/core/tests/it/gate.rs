//! The gate's own rules: deciding, placing, redeeming.

use jiff::SignedDuration;
use serde_json::json;
use sluice_core::change::event::DebtSettled;
use sluice_core::change::{ChangeKind, ChangeState};
use sluice_core::deployment::event::DigestDenied;
use sluice_core::deployment::{self, StartReport, Strategy};
use sluice_core::facts::{ExceptionFact, GateFacts};
use sluice_core::gate::{Decision, Observed, Question, decide, pass_expiry, redeem};
use sluice_core::ids::{ChangeNumber, DeploymentNumber, PassId};
use sluice_core::risk::RiskLevel;
use sluice_core::verdict::{Check, Effect, PolicyFault, Reason, Verdict};

use crate::world::{
    Play, allow, at, commit, digest, facts, item, production, question, run, service, wants,
};

fn reason(check: Check, effect: Effect, rule: &str, until: Option<&str>) -> Reason {
    Reason {
        check,
        effect,
        rule: rule.into(),
        message: "why".into(),
        until: until.map(at),
        who: Vec::new(),
        pass_if: String::new(),
    }
}

fn plain() -> GateFacts {
    facts(&question("shop", 1, 1), at("2026-03-04T10:00:00Z"))
}

/// The start of a deployment of what has the number 1.
fn start(change: ChangeNumber, now: jiff::Timestamp) -> StartReport {
    StartReport {
        change: Some(change),
        service: service("shop"),
        environment: production(),
        version: None,
        commit: Some(commit(1)),
        artifacts: [digest(1)].into(),
        run: Some(run(1, 1)),
        pass: None,
        strategy: Strategy::default(),
        at: now,
    }
}

fn saying(allow: bool, reasons: Vec<Reason>) -> Result<Verdict, PolicyFault> {
    Ok(Verdict { allow, reasons, ..Verdict::default() })
}

#[test]
fn only_a_grant_without_anything_against_it_is_an_allow() {
    use Effect::{Deny, Note, Wait};
    let fault = PolicyFault { code: "policy_timeout".into(), message: "too slow".into() };
    let of = |effects: &[Effect]| {
        effects.iter().map(|effect| reason(Check::Order, *effect, "r", None)).collect()
    };
    for (verdict, wanted, rule) in [
        (saying(true, vec![]), Decision::Allow, None),
        (saying(true, of(&[Note])), Decision::Allow, None),
        (saying(true, of(&[Note, Wait])), Decision::Wait, None),
        (saying(true, of(&[Wait, Deny])), Decision::Deny, None),
        (saying(false, vec![]), Decision::Deny, Some("policy.no_grant")),
        (saying(false, of(&[Note])), Decision::Deny, Some("policy.no_grant")),
        (saying(false, of(&[Wait])), Decision::Wait, None),
        (Err(fault), Decision::Deny, Some("policy_timeout")),
        (wants(&["nowhere"], false), Decision::Deny, Some("approvals.unknown_rule")),
    ] {
        let judgement = decide(&plain(), &verdict);
        assert_eq!(judgement.decision, wanted, "{verdict:?}");
        if let Some(rule) = rule {
            assert!(judgement.reasons.iter().any(|reason| reason.rule == rule), "{rule}");
        }
    }
}

#[test]
fn what_no_policy_may_let_through_is_denied_whatever_it_says() {
    let mut stranger = plain();
    stranger.caller.in_scope = false;
    let mut late = plain();
    late.clock.trusted = false;
    for (facts, rule) in [(stranger, "identity.scope"), (late, "clock")] {
        let judgement = decide(&facts, &allow());
        assert_eq!(judgement.decision, Decision::Deny);
        assert_eq!(judgement.reasons[0].rule, rule);
    }
}

#[test]
fn reasons_come_in_the_order_of_the_contract_and_wait_for_the_nearest_time() {
    use Check::{
        Approvals, Conflicts, Evidence, Freeze, Identity, Order, Policy, Registration, Stop,
    };
    let order =
        [Identity, Registration, Stop, Freeze, Order, Evidence, Approvals, Conflicts, Policy];
    let mut shuffled = order;
    shuffled.reverse();
    let times = ["2026-03-04T13:00:00Z", "2026-03-04T11:00:00Z", "2026-03-04T12:00:00Z"];
    let reasons = shuffled
        .iter()
        .enumerate()
        .map(|(index, check)| reason(*check, Effect::Wait, "r", times.get(index).copied()))
        .collect();
    let judgement = decide(&plain(), &saying(true, reasons));
    assert_eq!(judgement.reasons.iter().map(|reason| reason.check).collect::<Vec<_>>(), order);
    assert_eq!(judgement.until, Some(at("2026-03-04T11:00:00Z")));
}

#[test]
fn an_exception_makes_a_note_of_its_rule_and_counts_as_used_only_then() {
    let exception = ExceptionFact {
        id: "x-0001".parse().unwrap(),
        lifts: "rule:evidence.missing".into(),
        reason: "urgent".into(),
        until: at("2026-03-04T10:05:00Z"),
        by: None,
    };
    for (rule, decision, used) in
        [("evidence.missing", Decision::Allow, 1), ("evidence.failed", Decision::Deny, 0)]
    {
        let mut facts = plain();
        facts.exceptions = vec![exception.clone()];
        let verdict = saying(true, vec![reason(Check::Evidence, Effect::Deny, rule, None)]);
        let judgement = decide(&facts, &verdict);
        assert_eq!((judgement.decision, judgement.exceptions.len()), (decision, used), "{rule}");
        if used == 1 {
            assert_eq!(pass_expiry(&facts, &judgement, 15), exception.until);
        }
    }
}

#[test]
fn an_exception_to_a_rule_passes_neither_stops_nor_freezes() {
    for (check, rule) in [(Check::Stop, "stop.in_force"), (Check::Freeze, "freeze.in_force")] {
        let mut facts = plain();
        facts.exceptions = vec![ExceptionFact {
            id: "x-0001".parse().unwrap(),
            lifts: format!("rule:{rule}"),
            reason: "urgent".into(),
            until: at("2026-03-04T10:05:00Z"),
            by: None,
        }];
        let judgement =
            decide(&facts, &saying(true, vec![reason(check, Effect::Wait, rule, None)]));
        assert_eq!((judgement.decision, judgement.exceptions.len()), (Decision::Wait, 0), "{rule}");
    }
}

#[test]
fn a_pass_ends_with_the_first_thing_it_rests_on() {
    for (freeze, minutes, wanted) in [
        (None, 15, "2026-03-04T10:15:00Z"),
        (None, 5, "2026-03-04T10:05:00Z"),
        (None, 0, "2026-03-04T10:01:00Z"),
        (None, 600, "2026-03-04T10:15:00Z"),
        (Some("2026-03-04T10:02:00Z"), 15, "2026-03-04T10:02:00Z"),
        (Some("2026-03-05T10:02:00Z"), 15, "2026-03-04T10:15:00Z"),
    ] {
        let mut facts = plain();
        facts.calendar.next_freeze = freeze.map(at);
        let judgement = decide(&facts, &allow());
        assert_eq!(pass_expiry(&facts, &judgement, minutes), at(wanted), "{freeze:?} {minutes}");
    }
}

/// A second question against the change of a first.
fn second(alter: impl Fn(&mut Question)) -> (bool, bool) {
    let mut play = Play::start();
    let first = question("shop", 1, 1);
    let number = play.ask(&first, &allow()).change;
    let revision = play.change(number).revision.clone();
    let mut next = first;
    alter(&mut next);
    let placement = play.place(&next, None);
    let same = !placement.is_new && placement.change.number == number;
    (same, placement.change.revision == revision)
}

#[test]
fn a_question_finds_its_change_by_run_then_by_commit_and_digests() {
    for (name, alter, wanted) in [
        ("the same again", (|_| {}) as fn(&mut Question), (true, true)),
        ("another attempt", |next| next.run = run(1, 2), (true, true)),
        ("another run, the same digests", |next| next.run = run(2, 1), (true, true)),
        (
            "another run, other digests",
            |next| (next.run, next.artifacts) = (run(2, 1), [digest(9)].into()),
            (false, false),
        ),
        ("the same run, other digests", |next| next.artifacts = [digest(9)].into(), (true, false)),
        ("the same run, another commit", |next| next.commit = commit(2), (true, false)),
        (
            "another run and commit, the same digests",
            |next| (next.run, next.commit) = (run(2, 1), commit(2)),
            (false, false),
        ),
        (
            "another environment",
            |next| next.environment = "staging".parse().unwrap(),
            (false, false),
        ),
        ("another service", |next| next.service = service("pay"), (false, false)),
    ] {
        assert_eq!(second(alter), wanted, "{name}");
    }
}

#[test]
fn jobs_of_one_run_are_one_change_and_a_change_that_is_over_is_not_found() {
    let mut play = Play::start();
    let both = |name: &str| {
        let mut question = question(name, 1, 1);
        question.services = [service("shop"), service("pay")].into();
        question
    };
    let first = play.ask(&both("shop"), &allow());
    let second = play.ask(&both("pay"), &allow());
    assert_eq!(first.change, second.change);
    assert_eq!(play.change(first.change).artifacts.len(), 2);
    let because = String::new();
    play.play([sluice_core::change::event::Canceled { change: first.change, because }.into()]);
    assert_ne!(play.ask(&both("shop"), &allow()).change, first.change);
}

#[test]
fn an_emergency_keeps_its_reason_on_the_record() {
    let mut play = Play::start();
    let mut asked = question("shop", 1, 1);
    let number = play.ask(&asked, &allow()).change;
    asked.emergency = Some("all is down".into());
    play.ask(&asked, &allow());
    assert_eq!(play.change(number).kind, ChangeKind::Emergency);
    assert_eq!(play.change(number).emergency_reason.as_deref(), Some("all is down"));
}

#[test]
fn a_change_model_is_for_its_own_risk_and_below() {
    let mut play = Play::start();
    play.declare(item(
        "change_model",
        json!({"name": "routine", "scope": {"services": ["shop"]}, "max_risk": "medium"}),
    ));
    for (risk, kind) in [
        (None, ChangeKind::Standard),
        (Some(RiskLevel::Low), ChangeKind::Standard),
        (Some(RiskLevel::Medium), ChangeKind::Standard),
        (Some(RiskLevel::High), ChangeKind::Normal),
        (Some(RiskLevel::Critical), ChangeKind::Normal),
    ] {
        assert_eq!(play.place(&question("shop", 1, 1), risk).change.kind, kind, "{risk:?}");
    }
}

#[test]
fn a_change_under_way_loses_a_model_that_does_not_fit_and_gains_none() {
    let mut play = Play::start();
    let routine = json!({"name": "routine", "scope": {"services": ["shop"]}, "max_risk": "medium"});
    play.declare(item("change_model", routine.clone()));
    let asked = question("shop", 1, 1);
    let first = play.ask(&asked, &allow());
    let observed = Observed { artifacts: asked.artifacts.clone(), ..Observed::default() };
    let (_, taken) = redeem(&play.standing, &first.pass.unwrap(), &observed, play.now).unwrap();
    play.play(taken);
    let (_, started) = deployment::start(&play.standing, start(first.change, play.now));
    play.play(started);
    assert_eq!(play.change(first.change).state, ChangeState::Implement);
    for (risk, kind) in [
        (RiskLevel::Medium, ChangeKind::Standard),
        (RiskLevel::High, ChangeKind::Normal),
        (RiskLevel::Medium, ChangeKind::Standard),
    ] {
        assert_eq!(play.place(&asked, Some(risk)).change.kind, kind, "{risk:?}");
    }
    let lost = play.place(&asked, Some(RiskLevel::High)).events;
    play.play(lost);
    let again = play.place(&asked, Some(RiskLevel::Low)).change.kind;
    assert_eq!(again, ChangeKind::Normal, "while it is under way");
}

#[test]
fn what_was_paid_for_one_revision_is_owed_again_for_the_next() {
    let mut play = Play::start();
    let mut asked = question("shop", 1, 1);
    asked.emergency = Some("all is down".into());
    let number = play.ask(&asked, &wants(&["owner"], true)).change;
    let owed =
        |play: &Play| play.change(number).owed().map(|debt| debt.of.clone()).collect::<Vec<_>>();
    assert_eq!(owed(&play), ["owner", "emergency"]);
    play.ask(&asked, &wants(&["owner"], true));
    assert_eq!(owed(&play).len(), 2, "nothing is owed twice at a time");
    for debt in play.change(number).debts.clone() {
        let (by, finding) = (None, String::new());
        let settled = DebtSettled { change: number, kind: debt.kind, of: debt.of, by, finding };
        play.play([settled.into()]);
    }
    assert_eq!(owed(&play), Vec::<String>::new());
    asked.artifacts = [digest(2)].into();
    play.ask(&asked, &wants(&["owner"], true));
    assert_eq!(owed(&play), ["owner", "emergency"]);
}

#[test]
fn a_pass_is_taken_once_for_what_it_is_bound_to_and_as_long_as_that_stands() {
    type Alter = fn(&mut Play, &mut Observed, &PassId);
    let cases: [(&str, Alter); 12] = [
        ("", |_, _, _| {}),
        ("", |_, observed, _| (observed.commit, observed.run) = (Some(commit(1)), Some(run(1, 1)))),
        ("pass_expired", |play, _, _| play.later(15)),
        ("pass_not_yet", |play, _, _| play.later(-1)),
        ("commit_mismatch", |_, observed, _| observed.commit = Some(commit(2))),
        ("digest_mismatch", |_, observed, _| observed.artifacts = [digest(2)].into()),
        ("digest_mismatch", |_, observed, _| observed.artifacts.clear()),
        ("run_mismatch", |_, observed, _| observed.run = Some(run(1, 2))),
        ("pass_redeemed", |play, _, pass| {
            let change = play.standing.passes[pass].claims.change;
            play.play([
                sluice_core::gate::event::PassRedeemed { pass: pass.clone(), change }.into()
            ]);
        }),
        ("change_over", |play, _, pass| {
            let change = play.standing.passes[pass].claims.change.unwrap();
            let because = String::new();
            play.play([sluice_core::change::event::Canceled { change, because }.into()]);
        }),
        ("policy_changed", |play, _, _| play.policy("another")),
        ("digest_denied", |play, _, _| {
            let (digests, service, reason) = ([digest(1)].into(), service("shop"), String::new());
            play.play([
                DigestDenied { digests, service, deployment: DeploymentNumber(1), reason }.into()
            ]);
        }),
    ];
    for (wanted, alter) in cases {
        let mut play = Play::start();
        let pass = play.ask(&question("shop", 1, 1), &allow()).pass.unwrap();
        let mut observed = Observed { artifacts: [digest(1)].into(), ..Observed::default() };
        alter(&mut play, &mut observed, &pass);
        let result = redeem(&play.standing, &pass, &observed, play.now);
        let code = result.map_or_else(|(refusal, _)| refusal.code, |_| String::new());
        assert_eq!(code, wanted);
    }
    let mut play = Play::start();
    let asked = play.ask(&question("shop", 1, 1), &allow());
    let mut other = question("shop", 1, 1);
    other.artifacts = [digest(2)].into();
    play.ask(&other, &allow());
    let observed = Observed { artifacts: [digest(1)].into(), ..Observed::default() };
    let refused = redeem(&play.standing, &asked.pass.unwrap(), &observed, play.now).unwrap_err();
    assert_eq!(refused.0.code, "pass_superseded");
    assert!(refused.1.is_some(), "what an auditor would ask about is recorded");
    let unknown = redeem(&play.standing, &"p-nobody".parse().unwrap(), &observed, play.now);
    assert_eq!(unknown.unwrap_err().0.code, "pass_unknown");
}

#[test]
fn an_allow_passes_the_states_in_one_decision_and_a_pass_touches_whoever_looks_at_the_service() {
    let mut play = Play::start();
    let first = play.ask(&question("shop", 1, 1), &allow());
    assert_eq!(play.change(first.change).state, ChangeState::Scheduled);
    let names: Vec<_> =
        play.recorded.iter().rev().take(4).map(|recorded| recorded.event.name()).collect();
    assert_eq!(names, ["gate.decided", "change.scheduled", "change.authorized", "change.assessed"]);
    // A second pass of a change that is scheduled already: nothing but the decision is recorded, and it is seen.
    let size = play.standing.size;
    play.later(20);
    play.ask(&question("shop", 1, 1), &allow());
    assert_eq!(play.standing.size, size + 1);
    let topic = sluice_core::standing::Topic::Service(service("shop"));
    assert!(!play.standing.untouched_since([&topic], size));
    assert_eq!(SignedDuration::from_mins(20), play.now.duration_since(at("2026-03-04T10:00:00Z")));
}
