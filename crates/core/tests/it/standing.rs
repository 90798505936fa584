//! The fold: whatever happens, its look-ups are what a look at everything would give, and a snapshot is the same.

use std::collections::BTreeMap;

use imbl::{OrdMap, OrdSet};
use proptest::prelude::*;
use sluice_core::change::command::{Approve, Cancel, Close, Review};
use sluice_core::change::{self, ApprovalVerdict, ChangeOutcome};
use sluice_core::deployment::{self, DeploymentReport, DeploymentState, Health, StartReport};
use sluice_core::event::Event;
use sluice_core::gate::{Observed, redeem};
use sluice_core::housekeeping::{RunSeen, SourceSeen};
use sluice_core::ids::{ChangeNumber, DeploymentNumber};
use sluice_core::incident::event::{OpenedV1, ResolvedV1};
use sluice_core::organisation::event::ItemDeclared;
use sluice_core::organisation::{ItemKind, Organisation};
use sluice_core::scope::Scope;
use sluice_core::standing::Standing;
use sluice_core::stop::{self, Exception, Stop};

use crate::world::{
    Play, allow, author, commit, digest, items, person, question, run, service, shop, wants,
};

const SERVICES: [&str; 3] = ["shop", "pay", "stray"];

/// One step of a random history; what it means depends on what there is.
#[derive(Debug, Clone, Copy)]
struct Step(u8, u8, u8);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..14, any::<u8>(), any::<u8>()).prop_map(|(a, b, c)| Step(a, b, c));
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn look_ups_and_snapshots_are_true_after_whatever_happened(steps in steps()) {
        let mut play = Play::start();
        for step in &steps {
            take(&mut play, *step);
            consistent(&play.standing);
        }
        let text = serde_json::to_string(&play.standing).unwrap();
        let read: Standing = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &play.standing, "a snapshot is the standing");
        let mut again = Standing::default();
        for recorded in &play.recorded {
            again.apply(recorded);
        }
        prop_assert_eq!(&again, &play.standing, "the same prefix makes the same standing");
        for recorded in &play.recorded {
            let text = serde_json::value::to_raw_value(&recorded.event).unwrap();
            let read = Event::decode(recorded.event.name(), recorded.event.version(), &text).unwrap();
            prop_assert_eq!(read, sluice_core::event::Decoded::Known(recorded.event.clone()));
        }
    }
}

fn nth<K: Clone>(keys: impl Iterator<Item = K>, number: u8) -> Option<K> {
    let keys: Vec<K> = keys.collect();
    (!keys.is_empty()).then(|| keys[usize::from(number) % keys.len()].clone())
}

fn take(play: &mut Play, Step(kind, a, b): Step) {
    match kind {
        0..=2 => ask(play, a, b),
        3 => redeem_one(play, a),
        4 => end_one(play, a, b),
        5 => approve_one(play, a, b),
        6 => edit_one(play, a, b),
        7 => stop_or_lift(play, a, b),
        8 => redeclare(play, a, b),
        9 => see(play, a, b),
        10 => incident(play, a, b),
        11 => play.later(i64::from(a)),
        12 => look_at_deadlines(play, a),
        _ => play.policy(if a.is_multiple_of(2) { "policy" } else { "another" }),
    }
}

fn ask(play: &mut Play, a: u8, b: u8) {
    let mut asked = question(SERVICES[usize::from(a % 3)], a % 5, b % 4);
    asked.run = run(b % 4, u32::from(b / 128) + 1);
    asked.artifacts = [digest(a % 5 + b % 2)].into();
    if b.is_multiple_of(7) {
        asked.services = [service("shop"), service("pay")].into();
    }
    if a.is_multiple_of(11) {
        asked.emergency = Some("now".into());
    }
    let verdict = match b % 5 {
        0 => wants(&["owner"], false),
        1 => wants(&["owner"], true),
        2 => Ok(sluice_core::verdict::Verdict::default()),
        _ => allow(),
    };
    play.ask(&asked, &verdict);
}

fn redeem_one(play: &mut Play, a: u8) {
    let Some(pass) = nth(play.standing.passes.keys().cloned(), a) else { return };
    let claims = play.standing.passes[&pass].claims.clone();
    let observed = Observed { artifacts: claims.artifacts.clone(), ..Observed::default() };
    let Ok((_, events)) = redeem(&play.standing, &pass, &observed, play.now) else { return };
    let report = StartReport {
        change: claims.change,
        service: claims.service,
        environment: claims.environment,
        version: None,
        commit: Some(claims.commit),
        artifacts: claims.artifacts,
        run: Some(claims.run),
        pass: Some(pass),
        strategy: deployment::Strategy::default(),
        at: play.now,
    };
    let (_, started) = deployment::start(&play.standing, report);
    play.play(started);
    play.play(events);
}

fn end_one(play: &mut Play, a: u8, b: u8) {
    let Some(number) = nth(play.standing.deployments.keys().copied(), a) else { return };
    let report = DeploymentReport {
        state: [DeploymentState::Succeeded, DeploymentState::Failed, DeploymentState::RolledBack]
            [usize::from(b % 3)],
        started_at: None,
        ended_at: None,
        health: [None, Some(Health::Healthy), Some(Health::Unhealthy)][usize::from(b / 3 % 3)],
        note: String::new(),
        rollback: None,
    };
    let known = play.standing.deployments.get(&number).cloned();
    let ended = deployment::end(&play.standing, number, known.as_deref(), report, play.now);
    play.play(ended.unwrap_or_default());
}

fn approve_one(play: &mut Play, a: u8, b: u8) {
    let Some(number) = nth(play.standing.changes.keys().copied(), a) else { return };
    let change = play.change(number).clone();
    let command = Approve {
        change: number,
        person: person(b % 5 + 1),
        on_behalf_of: (b % 5 == 4).then(|| person(1)),
        verdict: if b.is_multiple_of(9) {
            ApprovalVerdict::Reject
        } else {
            ApprovalVerdict::Approve
        },
        revision: change.revision.digest.clone(),
        reason: String::new(),
        auth_time: None,
        login: None,
        given_at: None,
    };
    match change::approve(&change, &play.standing.organisation, &command, play.now) {
        Ok(events) => play.play(events),
        Err((_, event)) => play.play(event.map(|event| *event)),
    }
}

fn edit_one(play: &mut Play, a: u8, b: u8) {
    let Some(number) = nth(play.standing.changes.keys().copied(), a) else { return };
    let change = play.change(number).clone();
    let events = match b % 3 {
        0 => change::cancel(&change, &Cancel { change: number, because: "no".into() }),
        1 => {
            let (outcome, note) = (ChangeOutcome::Unsuccessful, String::new());
            change::close(&change, &Close { change: number, outcome, note })
        }
        _ => {
            let command = Review { change: number, person: person(5), finding: "fine".into() };
            change::review(&change, &play.standing.organisation, &command)
        }
    };
    play.play(events.unwrap_or_default());
}

fn stop_or_lift(play: &mut Play, a: u8, b: u8) {
    let (scope, reason, since) = (Scope::default(), "why".to_owned(), play.now);
    let events = match a % 4 {
        0 => stop::pull(Stop {
            id: format!("s-{b:04}").parse().unwrap(),
            scope,
            reason,
            by: None,
            since,
        }),
        1 => match nth(play.standing.stops.keys().cloned(), b) {
            Some(id) => stop::lift(&play.standing, &id, "over"),
            None => Ok(Vec::new()),
        },
        2 => {
            let until = play.now + jiff::SignedDuration::from_mins(i64::from(b) + 1);
            let (id, lifts) = (format!("x-{b:04}").parse().unwrap(), "rule:r".to_owned());
            let exception =
                Exception { id, lifts, scope, reason, by: None, agreed_by: None, since, until };
            stop::grant(&play.standing, exception, play.now)
        }
        _ => match nth(play.standing.exceptions.keys().cloned(), b) {
            Some(id) => stop::revoke(&play.standing, &id, "over"),
            None => Ok(Vec::new()),
        },
    };
    play.play(events.unwrap_or_default());
}

fn redeclare(play: &mut Play, a: u8, b: u8) {
    match a % 4 {
        0 => play.declare(shop(if b.is_multiple_of(2) { "web" } else { "money" })),
        1 => play.withdraw(&shop("web")),
        2 => {
            let all = items();
            play.withdraw(&all[usize::from(b) % all.len()]);
        }
        _ => {
            let all = items();
            play.declare(all[usize::from(b) % all.len()].clone());
        }
    }
}

fn see(play: &mut Play, a: u8, b: u8) {
    let involved = [author(b % 6)].into();
    let event: Event = if a.is_multiple_of(2) {
        let (repository, paths) = ("github.com/acme/shop".to_owned(), Vec::new());
        SourceSeen {
            repository,
            commit: commit(b % 5),
            commits: vec![commit(b % 5)],
            involved,
            paths,
            pushes: Vec::new(),
            merge: None,
            people_cut: false,
        }
        .into()
    } else {
        RunSeen { run: run(b % 4, 1), commit: None, involved }.into()
    };
    play.play([event]);
}

fn incident(play: &mut Play, a: u8, b: u8) {
    let id = format!("pager:{}", b % 4);
    let event: Event = if a.is_multiple_of(2) {
        let (service, title) = (service("shop"), "slow".to_owned());
        OpenedV1 { id, service, environment: None, title, severity: String::new() }.into()
    } else {
        ResolvedV1 { id }.into()
    };
    play.play([event]);
}

fn look_at_deadlines(play: &mut Play, a: u8) {
    play.later(i64::from(a) * 60);
    let changes: Vec<_> = play.standing.changes.values().cloned().collect();
    for change in changes {
        let events = change::overdue(&change, &play.standing.organisation, &[], play.now);
        play.play(events);
    }
}

/// Every look-up, made anew from what it is a look-up of.
fn consistent(standing: &Standing) {
    let mut of_service: BTreeMap<_, OrdSet<ChangeNumber>> = BTreeMap::new();
    let mut of_commit: BTreeMap<_, OrdSet<ChangeNumber>> = BTreeMap::new();
    let mut of_run: BTreeMap<_, OrdSet<ChangeNumber>> = BTreeMap::new();
    let mut owing: BTreeMap<_, OrdSet<ChangeNumber>> = BTreeMap::new();
    for change in standing.changes.values() {
        assert!(change.is_open());
        for name in &change.services {
            of_service.entry(name.clone()).or_default().insert(change.number);
            let owner =
                standing.organisation.services.get(name).map(|service| service.owner.clone());
            if let Some(owner) = owner.filter(|_| change.owed().next().is_some()) {
                owing.entry(owner).or_default().insert(change.number);
            }
        }
        for commit in &change.origin.commits {
            of_commit.entry(commit.clone()).or_default().insert(change.number);
        }
        for run in &change.runs {
            of_run.entry(run.key()).or_default().insert(change.number);
        }
    }
    assert_eq!(standing.changes_of_service, of_service.into_iter().collect::<OrdMap<_, _>>());
    assert_eq!(standing.changes_of_commit, of_commit.into_iter().collect::<OrdMap<_, _>>());
    assert_eq!(standing.changes_of_run, of_run.into_iter().collect::<OrdMap<_, _>>());
    assert_eq!(standing.owing, owing.into_iter().collect::<OrdMap<_, _>>());
    assert_eq!(standing.organisation, rebuilt(&standing.organisation));
    assert!(standing.passes_of.keys().all(|number| standing.changes.contains_key(number)));
    let over = |number: &ChangeNumber| {
        standing.changes.get(number).is_none_or(|change| change.state.is_over())
    };
    for number in standing.passes_of.keys() {
        assert!(!over(number), "no pass of {number} is waited for once it is over");
    }
    for deployment in standing.deployments.values() {
        let place = standing.place(&deployment.service, &deployment.environment);
        let last = place.and_then(|place| place.recent.last()).map(|(number, _)| *number);
        let open = deployment.change.is_some_and(|number| standing.changes.contains_key(&number));
        let kept =
            open || deployment.state == DeploymentState::Running || last == Some(deployment.number);
        assert!(kept, "{} is remembered for nothing", deployment.number);
    }
    assert!(standing.denied_order.len() == standing.denied_digests.len());
}

/// The organisation made of its items in their order.
fn rebuilt(organisation: &Organisation) -> Organisation {
    let mut again = Organisation::default();
    for (kind, name) in organisation.names() {
        let item = organisation.item(kind, &name).unwrap();
        again.declare(&ItemDeclared { item });
    }
    again
}

#[test]
fn every_kind_of_item_is_found_again_under_its_name() {
    let organisation = Play::start().standing.organisation;
    let kinds: Vec<ItemKind> = organisation.names().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.len(), items().len());
    assert_eq!(rebuilt(&organisation), organisation);
}

#[test]
fn a_debt_moves_with_its_service_to_the_new_owner() {
    let mut play = Play::start();
    let mut asked = question("shop", 1, 1);
    asked.emergency = Some("now".into());
    play.ask(&asked, &allow());
    let owing =
        |play: &Play| play.standing.owing.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(owing(&play), ["web"]);
    play.declare(shop("money"));
    assert_eq!(owing(&play), ["money"]);
    play.withdraw(&shop("money"));
    assert_eq!(owing(&play), [""; 0]);
    play.declare(shop("web"));
    assert_eq!(owing(&play), ["web"]);
}

#[test]
fn what_is_remembered_of_failures_and_incidents_is_bounded() {
    let mut play = Play::start();
    for batch in 0..51_u32 {
        let digests = (0..1_000_u32)
            .map(|number| sluice_core::ids::Digest::of(&(batch * 1_000 + number).to_be_bytes()));
        let (service, reason) = (service("shop"), String::new());
        let deployment = DeploymentNumber(u64::from(batch));
        let digests = digests.collect();
        play.play(
            [deployment::event::DigestDenied { digests, service, deployment, reason }.into()],
        );
    }
    assert_eq!(play.standing.denied_digests.len(), 50_000);
    for number in 0..10_001 {
        let (id, title) = (format!("pager:{number}"), String::new());
        let service = service("shop");
        play.play([
            OpenedV1 { id, service, environment: None, title, severity: String::new() }.into()
        ]);
    }
    assert_eq!(play.standing.incidents.len(), 10_000);
}
