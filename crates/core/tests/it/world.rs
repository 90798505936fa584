//! A small organisation, and a standing that events are played on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sluice_core::approvals;
use sluice_core::calendar::{CalendarFacts, ReleaseState};
use sluice_core::change::{Change, Involvement, InvolvementRole};
use sluice_core::event::Event;
use sluice_core::facts::{
    ApprovalFacts, CallerFacts, ChangeFacts, ClockFacts, DebtFacts, EvidenceFacts, GateFacts,
    HistoryFacts, OrderFacts, RegistrationFacts,
};
use sluice_core::gate::{
    Decision, Ids, Judgement, Placement, Question, decide, pass_expiry, place, record,
};
use sluice_core::housekeeping::{PushSeen, SourceSeen};
use sluice_core::ids::{
    ChangeNumber, CommitId, DecisionId, Digest, EnvironmentName, IdentityKey, PassId, PersonId,
    ServiceName,
};
use sluice_core::organisation::Item;
use sluice_core::organisation::event::{ItemDeclared, ItemWithdrawn, PolicyActivated};
use sluice_core::risk::{RiskAssessment, RiskLevel};
use sluice_core::run::RunRef;
use sluice_core::signal::Listed;
use sluice_core::standing::{Actor, Recorded, Standing};
use sluice_core::verdict::{PolicyFault, Requirement, Verdict};

/// A standing, the time, and everything that was played on it.
#[derive(Default)]
pub(crate) struct Play {
    pub(crate) standing: Standing,
    pub(crate) now: Timestamp,
    pub(crate) recorded: Vec<Recorded>,
    drawn: u64,
}

/// What a question came to.
pub(crate) struct Asked {
    pub(crate) change: ChangeNumber,
    pub(crate) pass: Option<PassId>,
    pub(crate) judgement: Judgement,
}

impl Play {
    /// The organisation of [`items`], with a policy in force.
    pub(crate) fn start() -> Self {
        let mut play = Self { now: at("2026-03-04T10:00:00Z"), ..Self::default() };
        for item in items() {
            play.declare(item);
        }
        play.policy("policy");
        play
    }

    pub(crate) fn play(&mut self, events: impl IntoIterator<Item = Event>) {
        self.play_as(&Actor::Sluice, events);
    }

    pub(crate) fn play_as(&mut self, actor: &Actor, events: impl IntoIterator<Item = Event>) {
        for event in events {
            let index = self.standing.size;
            let recorded = Recorded { index, at: self.now, actor: actor.clone(), event };
            self.standing.apply(&recorded);
            self.recorded.push(recorded);
        }
    }

    pub(crate) fn declare(&mut self, item: Item) {
        self.play([ItemDeclared { item }.into()]);
    }

    pub(crate) fn withdraw(&mut self, item: &Item) {
        let event = ItemWithdrawn { kind: item.kind(), name: item.name().to_owned() };
        self.play([event.into()]);
    }

    pub(crate) fn policy(&mut self, text: &str) {
        let bundle = Digest::of(text.as_bytes());
        self.play([PolicyActivated { bundle, modules: BTreeMap::new(), replaces: None }.into()]);
    }

    pub(crate) fn later(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// A push with the commit is heard, unless one was.
    pub(crate) fn hear(&mut self, commit: &CommitId) {
        if !self.standing.sources.contains_key(commit) {
            let (commit, commits) = (commit.clone(), vec![commit.clone()]);
            let repository = "forge.example/acme/shop".to_owned();
            let (involved, paths) = (BTreeSet::new(), Vec::new());
            let branch = "topic".to_owned();
            let push = PushSeen { branch, listed: Listed::All, before: None, created: true };
            let pushes = vec![push];
            let merge = None;
            self.play([SourceSeen {
                repository,
                commit,
                commits,
                involved,
                paths,
                pushes,
                merge,
                people_cut: false,
            }
            .into()]);
        }
    }

    pub(crate) fn change(&self, number: ChangeNumber) -> &Change {
        &self.standing.changes[&number]
    }

    pub(crate) fn place(&self, question: &Question, risk: Option<RiskLevel>) -> Placement {
        let policy = self.standing.policy.as_ref().unwrap().bundle.clone();
        let environment = &question.environment;
        let involved = BTreeSet::new();
        place(&self.standing, question, environment, &involved, &policy, risk, self.now)
    }

    /// Facts of a question as an engine would gather them, without calendar, order, evidence and conflicts.
    pub(crate) fn facts(&self, question: &Question, placement: &Placement) -> GateFacts {
        let change = &placement.change;
        let organisation = &self.standing.organisation;
        let mut facts = facts(question, self.now);
        facts.policy = self.standing.policy.as_ref().unwrap().bundle.clone();
        facts.change.revision = change.revision.digest.clone();
        facts.change.emergency_reason = change.emergency_reason.clone();
        facts.target = organisation.target(&question.service, &change.environment);
        let targets: Vec<_> = change
            .services
            .iter()
            .map(|name| organisation.target(name, &change.environment))
            .collect();
        (facts.approval_rules, facts.approvals) =
            approvals::gather(&self.standing, change, &targets, facts.risk.level);
        facts
    }

    /// Asks with a verdict, and records the decision.
    pub(crate) fn ask(
        &mut self,
        question: &Question,
        verdict: &Result<Verdict, PolicyFault>,
    ) -> Asked {
        self.hear(&question.commit);
        let placement = self.place(question, None);
        let facts = self.facts(question, &placement);
        let judgement = decide(&facts, verdict);
        self.drawn += 1;
        let ids = Ids {
            decision: DecisionId::parse(&format!("d-{:06}", self.drawn)).unwrap(),
            pass: PassId::parse(&format!("p-{:06}", self.drawn)).unwrap(),
            input: Digest::of(b"input"),
        };
        let settings = self.standing.organisation.settings.clone();
        self.play(record(Some(&placement), &facts, &judgement, &settings, &ids));
        let pass = (judgement.decision == Decision::Allow).then_some(ids.pass);
        if let Some(pass) = &pass {
            let claims = &self.standing.passes[pass].claims;
            assert_eq!(claims.expires_at, pass_expiry(&facts, &judgement, settings.pass_minutes));
        }
        Asked { change: placement.change.number, pass, judgement }
    }
}

pub(crate) fn allow() -> Result<Verdict, PolicyFault> {
    Ok(Verdict { allow: true, ..Verdict::default() })
}

/// A grant that wants these rules met.
pub(crate) fn wants(rules: &[&str], owed: bool) -> Result<Verdict, PolicyFault> {
    let require = rules.iter().map(|rule| Requirement { rule: rule.parse().unwrap(), owed });
    Ok(Verdict { allow: true, require: require.collect(), ..Verdict::default() })
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn person(number: u8) -> PersonId {
    PersonId::parse(&format!("person/{number:0>26}")).unwrap()
}

pub(crate) fn identity(number: u8) -> IdentityKey {
    IdentityKey::parse(&format!("identity/{number:0>26}")).unwrap()
}

pub(crate) fn author(number: u8) -> Involvement {
    Involvement { role: InvolvementRole::Author, identity: identity(number) }
}

pub(crate) fn commit(number: u8) -> CommitId {
    CommitId::parse(&format!("{number:02x}").repeat(20)).unwrap()
}

pub(crate) fn digest(number: u8) -> Digest {
    Digest::of(&[number])
}

pub(crate) fn service(name: &str) -> ServiceName {
    name.parse().unwrap()
}

pub(crate) fn run(id: u8, attempt: u32) -> RunRef {
    RunRef { system: "ci:test".into(), id: id.to_string(), attempt, url: None }
}

/// Deploying `service` of `commit` by `run`; what is built of a commit has its number for a digest.
pub(crate) fn question(name: &str, number: u8, by: u8) -> Question {
    Question {
        service: service(name),
        environment: production(),
        services: BTreeSet::new(),
        version: None,
        repository: None,
        commit: commit(number),
        artifacts: [digest(number)].into(),
        run: run(by, 1),
        evidence: Vec::new(),
        emergency: None,
        lines_changed: None,
        paths: Vec::new(),
        authors: BTreeSet::new(),
    }
}

pub(crate) fn production() -> EnvironmentName {
    "production".parse().unwrap()
}

pub(crate) fn item(kind: &str, spec: serde_json::Value) -> Item {
    serde_json::from_value(json!({"kind": kind, "spec": spec})).unwrap()
}

pub(crate) fn shop(owner: &str) -> Item {
    item(
        "service",
        json!({"name": "shop", "owner": owner, "depends_on": ["pay"], "controlled": true}),
    )
}

/// Two teams with a service each; persons 1 and 2 own `shop`, 3 owns `pay`, 4 manages changes, 5 does nothing. Person
/// 1 has named 5 as delegate. Everybody has the identity of their number.
pub(crate) fn items() -> Vec<Item> {
    let mut items = vec![
        item(
            "environment",
            json!({"name": "production", "tier": "production", "controlled": true}),
        ),
        item("team", json!({"name": "web", "members": [person(1), person(2)]})),
        item("team", json!({"name": "money", "members": [person(3)]})),
        shop("web"),
        item("service", json!({"name": "pay", "owner": "money", "controlled": true})),
        item("approval_rule", json!({"name": "owner", "approvers": {"teams": ["@owner"]}})),
        item(
            "approval_rule",
            json!({"name": "manager", "min_risk": "high", "expires_hours": 1,
            "approvers": {"roles": ["manager"]}}),
        ),
    ];
    items.extend((1..=5).map(|number| {
        let roles = if number == 4 { json!([{"role": "manager"}]) } else { json!([]) };
        let delegates = if number == 1 { json!([person(5)]) } else { json!([]) };
        item(
            "person",
            json!({"id": person(number), "identities": [identity(number)],
            "roles": roles, "delegates": delegates}),
        )
    }));
    items
}

/// Facts that speak neither for nor against.
pub(crate) fn facts(question: &Question, now: Timestamp) -> GateFacts {
    GateFacts {
        now,
        policy: Digest::of(b"policy"),
        question: question.clone(),
        caller: CallerFacts { kind: "pipeline".into(), person: None, in_scope: true },
        target: sluice_core::scope::Target::default(),
        registration: RegistrationFacts::default(),
        stops: Vec::new(),
        calendar: CalendarFacts {
            freezes: Vec::new(),
            frozen_until: None,
            excepted: Vec::new(),
            maintenance: Vec::new(),
            release: ReleaseState::NoneApply,
            next_freeze: None,
        },
        exceptions: Vec::new(),
        own_exceptions: Vec::new(),
        order: OrderFacts::default(),
        evidence: EvidenceFacts::default(),
        change: ChangeFacts {
            number: None,
            kind: sluice_core::change::ChangeKind::Normal,
            state: None,
            under_way: false,
            model: None,
            revision: Digest::of(b"revision"),
            services: BTreeSet::new(),
            emergency_reason: None,
        },
        risk: RiskAssessment::default(),
        approval_rules: Vec::new(),
        approvals: ApprovalFacts::default(),
        conflicts: Vec::new(),
        incidents: Vec::new(),
        denied_digests: Vec::new(),
        debt: DebtFacts::default(),
        history: HistoryFacts::default(),
        clock: ClockFacts { skew_ms: 0, trusted: true },
    }
}
