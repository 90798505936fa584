//! Approvals, model-checked: every way in which four people, three roles, three revisions, delegation and changes of
//! roles can interleave, up to a depth, against what TRUST.md promises.
//!
//! The steps are the real rules (`change::approve`, `approvals::gather`, `approvals::weigh`); what has to hold is said
//! apart from them, from the history of the model alone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sluice_core::approvals::{ApprovalStanding, gather, weigh};
use sluice_core::change::command::Approve;
use sluice_core::change::{self, Approval, ApprovalVerdict, Change};
use sluice_core::organisation::event::ItemDeclared;
use sluice_core::risk::RiskLevel;
use sluice_core::standing::Standing;
use sluice_core::verdict::Requirement;
use stateright::{Checker, Model, Property};

use crate::world::{Play, at, author, item, person, question, service, wants};

const ROLES: [&str; 3] = ["manager", "security", "owner"];

/// Roles at the start, by person: the author (1) manages too.
const HELD: [&[&str]; 4] = [&["manager"], &["manager"], &["manager", "security"], &["owner"]];

/// Who may stand in for whom: (absent, delegate).
const DELEGATES: [(u8, u8); 3] = [(1, 3), (2, 4), (3, 1)];

/// Roles that come and go: (person, role).
const MOVING: [(u8, usize); 5] = [(2, 0), (3, 1), (4, 0), (4, 1), (1, 1)];

/// One word that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Word {
    by: u8,
    instead_of: Option<u8>,
    yes: bool,
    revision: usize,
}

/// A moment of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    revision: usize,
    moved: u8,
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Say { by: u8, instead_of: Option<u8>, yes: bool, revision: usize },
    Revise,
    Move(usize),
}

/// The change at each of its three revisions, and how deep the model goes.
struct Approvals {
    /// The organisation for each way in which roles can have moved.
    standings: Vec<Standing>,
    changes: Vec<Change>,
    words: usize,
    moves: u32,
}

impl Approvals {
    fn new(words: usize, moves: u32) -> Self {
        let mut play = Play::start();
        for (name, role, quorum) in
            [("managers", "manager", 2), ("security", "security", 1), ("owner", "owner", 1)]
        {
            let rule = json!({"name": name, "quorum": quorum, "approvers": {"roles": [role]}});
            play.declare(item("approval_rule", rule));
        }
        let mut changes = Vec::new();
        for number in 1..=3 {
            let verdict = wants(&["managers", "security"], false);
            let asked = play.ask(&question("shop", number, 1), &verdict);
            let mut change = play.change(asked.change).clone();
            change.involved = BTreeSet::from([author(1)]);
            changes.push(change);
        }
        let revisions: BTreeSet<_> =
            changes.iter().map(|one| one.revision.digest.clone()).collect();
        assert_eq!(revisions.len(), 3, "each commit is a revision of its own");
        let standings =
            (0..1 << MOVING.len()).map(|moved| moved_by(&play.standing, moved)).collect();
        Self { standings, changes, words, moves }
    }

    fn holds(state: &State, who: u8, role: usize) -> bool {
        holds(state.moved, who, role)
    }

    /// The organisation with the roles of this moment.
    fn standing(&self, state: &State) -> &Standing {
        &self.standings[usize::from(state.moved)]
    }

    /// The change of this moment, with every word that was taken.
    fn change(&self, state: &State) -> Change {
        let mut change = self.changes[state.revision].clone();
        change.approvals = state
            .words
            .iter()
            .enumerate()
            .map(|(index, word)| Approval {
                person: person(word.by),
                on_behalf_of: word.instead_of.map(person),
                verdict: verdict(word.yes),
                revision: self.changes[word.revision].revision.digest.clone(),
                reason: String::new(),
                at: moment(index),
                auth_time: None,
                role: None,
                groups: BTreeSet::new(),
            })
            .collect();
        change
    }

    fn weighed(&self, state: &State) -> ApprovalStanding {
        let (standing, change) = (self.standing(state), self.change(state));
        let target = standing.organisation.target(&service("shop"), &change.environment);
        let (rules, facts) = gather(standing, &change, &[target], RiskLevel::Low);
        let wanted = ["managers", "security"]
            .map(|rule| Requirement { rule: rule.parse().unwrap(), owed: false });
        weigh(&rules, &facts, &wanted, RiskLevel::Low, moment(50))
    }

    /// Whether the rules let it go.
    fn goes(&self, state: &State) -> bool {
        let weighed = self.weighed(state);
        weighed.rejected_by.is_empty() && weighed.rules.iter().all(|rule| rule.missing() == 0)
    }
}

fn holds(moved: u8, who: u8, role: usize) -> bool {
    let at_first = HELD[usize::from(who - 1)].contains(&ROLES[role]);
    let mut moving = MOVING.iter().enumerate();
    at_first != moving.any(|(bit, moves)| *moves == (who, role) && moved & (1 << bit) != 0)
}

fn moved_by(standing: &Standing, moved: u8) -> Standing {
    let mut standing = standing.clone();
    for who in 1..=4 {
        let roles = (0..3).filter(|role| holds(moved, who, *role));
        let roles: Vec<_> = roles.map(|role| json!({"role": ROLES[role]})).collect();
        let theirs = DELEGATES.iter().filter(|(absent, _)| *absent == who);
        let delegates: Vec<_> = theirs.map(|(_, delegate)| person(*delegate)).collect();
        let declared = item(
            "person",
            json!({"id": person(who), "identities": [crate::world::identity(who)],
                "roles": roles, "delegates": delegates}),
        );
        standing.organisation.declare(&ItemDeclared { item: declared });
    }
    standing
}

fn verdict(yes: bool) -> ApprovalVerdict {
    if yes { ApprovalVerdict::Approve } else { ApprovalVerdict::Reject }
}

fn moment(index: usize) -> Timestamp {
    at("2026-03-04T11:00:00Z") + SignedDuration::from_secs(i64::try_from(index).unwrap())
}

/// The last word of a person on the present revision.
fn last(state: &State, who: u8) -> Option<&Word> {
    state.words.iter().rfind(|word| word.by == who && word.revision == state.revision)
}

/// In whose name a counted person may have been counted for a role, by the history alone.
fn voice(state: &State, who: u8, role: usize) -> Option<u8> {
    let word = last(state, who).filter(|word| word.yes)?;
    let own = Approvals::holds(state, who, role).then_some(who);
    let absent = word.instead_of.filter(|absent| {
        DELEGATES.contains(&(*absent, who))
            && Approvals::holds(state, *absent, role)
            && last(state, *absent).is_none()
    });
    own.or(absent)
}

impl Model for Approvals {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State { revision: 0, moved: 0, words: Vec::new() }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.words.len() < self.words {
            let revisions = [Some(state.revision), state.revision.checked_sub(1)];
            for revision in revisions.into_iter().flatten() {
                for by in 1..=4 {
                    steps.push(Step::Say { by, instead_of: None, yes: true, revision });
                }
                for by in [2, 4] {
                    steps.push(Step::Say { by, instead_of: None, yes: false, revision });
                }
            }
            // Delegates, and somebody whom nobody has named.
            for (absent, by) in DELEGATES.into_iter().chain([(3, 4)]) {
                let (instead_of, revision) = (Some(absent), state.revision);
                steps.push(Step::Say { by, instead_of, yes: true, revision });
            }
        }
        if state.revision < 2 {
            steps.push(Step::Revise);
        }
        if state.moved.count_ones() < self.moves {
            steps.extend(
                (0..MOVING.len()).filter(|bit| state.moved & (1 << bit) == 0).map(Step::Move),
            );
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Revise => state.revision += 1,
            Step::Move(bit) => state.moved |= 1 << bit,
            Step::Say { by, instead_of, yes, revision } => {
                let (standing, change) = (self.standing(before), self.change(before));
                let command = Approve {
                    change: change.number,
                    person: person(by),
                    on_behalf_of: instead_of.map(person),
                    verdict: verdict(yes),
                    revision: self.changes[revision].revision.digest.clone(),
                    reason: String::new(),
                    auth_time: None,
                    login: None,
                    given_at: None,
                };
                let now = moment(before.words.len());
                change::approve(&change, &standing.organisation, &command, now).ok()?;
                state.words.push(Word { by, instead_of, yes, revision });
            }
        }
        Some(state)
    }

    #[expect(clippy::too_many_lines, reason = "the list of what has to hold")]
    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "a word is only taken for the revision that stands",
                |_, state: &State| state.words.iter().all(|word| word.revision <= state.revision),
            ),
            Property::always(
                "nobody who had a hand in it is counted",
                |model: &Self, state: &State| {
                    let weighed = model.weighed(state);
                    let author = person(1);
                    let counted = weighed.rules.iter().flat_map(|rule| &rule.met_by);
                    counted.into_iter().all(|who| {
                        let number = (1..=4).find(|number| person(*number) == *who);
                        let behalf = number.and_then(|number| last(state, number)?.instead_of);
                        *who != author && behalf != Some(1)
                    })
                },
            ),
            Property::always(
                "whoever is counted has a voice for that very rule now",
                |model: &Self, state: &State| {
                    let weighed = model.weighed(state);
                    weighed.rules.iter().all(|rule| {
                        let role = if rule.rule.as_str() == "managers" { 0 } else { 1 };
                        let people =
                            (1..=4).filter(|number| rule.met_by.contains(&person(*number)));
                        people.into_iter().all(|who| voice(state, who, role).is_some())
                    })
                },
            ),
            Property::always(
                "no voice is heard twice, and no quorum shrinks",
                |model: &Self, state: &State| {
                    if !model.goes(state) {
                        return true;
                    }
                    let weighed = model.weighed(state);
                    let counted: Vec<_> =
                        weighed.rules.iter().flat_map(|rule| &rule.met_by).collect();
                    let different: BTreeSet<_> = counted.iter().collect();
                    different.len() == counted.len() && counted.len() == 3
                },
            ),
            Property::always(
                "a no of whoever may speak holds it up",
                |model: &Self, state: &State| {
                    let no = (1..=4).any(|who| {
                        let said_no = last(state, who).is_some_and(|word| !word.yes);
                        said_no && (0..3).any(|role| Self::holds(state, who, role))
                    });
                    !(no && model.goes(state))
                },
            ),
            Property::always(
                "what was said of an older revision is worth nothing",
                |model: &Self, state: &State| {
                    let fresh = State {
                        words: state
                            .words
                            .iter()
                            .filter(|w| w.revision == state.revision)
                            .cloned()
                            .collect(),
                        ..state.clone()
                    };
                    model.goes(state) == model.goes(&fresh)
                },
            ),
            Property::sometimes("it can go", |model: &Self, state| model.goes(state)),
            Property::sometimes("it can go by a delegate", |model: &Self, state: &State| {
                model.goes(state) && state.words.iter().any(|word| word.instead_of.is_some())
            }),
            Property::sometimes(
                "it can go after a role has moved",
                |model: &Self, state: &State| model.goes(state) && state.moved != 0,
            ),
            Property::sometimes(
                "it can go at the third revision",
                |model: &Self, state: &State| model.goes(state) && state.revision == 2,
            ),
        ]
    }
}

fn check(words: usize, moves: u32) {
    let checker = Approvals::new(words, moves).checker().threads(2).spawn_bfs().join();
    assert!(checker.unique_state_count() > 1_000, "the model goes somewhere");
    checker.assert_properties();
}

#[test]
fn approvals_hold_in_every_order_of_three_words() {
    check(3, 1);
}

#[test]
#[ignore = "minutes; run with --release"]
fn approvals_hold_in_every_order_of_four_words() {
    check(4, 3);
}
