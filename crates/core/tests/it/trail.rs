//! Who has a hand in what goes to production: everybody behind what was pushed since what runs there.

use std::collections::BTreeSet;

use sluice_core::change::{Change, Involvement};
use sluice_core::deployment::{
    self, DeploymentReport, DeploymentState, Rollback, StartReport, Strategy,
};
use sluice_core::housekeeping::{MergeSeen, PushSeen, SourceSeen};
use sluice_core::ids::{ChangeNumber, CommitId};
use sluice_core::signal::Listed::{self, All, Some as Part};

use crate::world::{Play, author, commit, production, question, service};

/// What happens, in its order. Commits, and the people who wrote them, are numbers; 0 is no commit.
#[derive(Debug, Clone, Copy)]
enum Do {
    /// A push to a branch: from, what it brings (the tip last), how much of it is listed. The author of each commit
    /// has its number.
    Push(&'static str, u8, &'static [u8], Listed),
    /// A proposal of a head with so many commits was merged by a commit into `main`.
    Merge(u8, u64, u8),
    /// A commit is deployed and runs.
    Runs(u8),
    /// A commit is deployed and fails.
    Fails(u8),
    /// The last deployment is undone, back to the version of a commit; 0 where that is not said.
    Undone(u8),
}
use Do::{Fails, Merge, Push, Runs, Undone};

const MAIN: &str = "main";

/// Case, history, commit that is asked for, whose hands are in it, and what keeps it from being known wholly.
type Case = (&'static str, &'static [Do], u8, &'static [u8], &'static [u8]);

const CASES: &[Case] = &[
    (
        "what was pushed and never deployed goes along",
        &[Push(MAIN, 0, &[1], All), Runs(1), Push(MAIN, 1, &[2], All), Push(MAIN, 2, &[3], All)],
        3,
        &[2, 3],
        &[],
    ),
    (
        "what runs is no part of it, heard of or not",
        &[Runs(1), Push(MAIN, 1, &[2, 3], All)],
        3,
        &[2, 3],
        &[],
    ),
    (
        "a push that was not heard leaves it unknown",
        &[Runs(1), Push(MAIN, 1, &[2], All), Push(MAIN, 3, &[4], All)],
        4,
        &[4],
        &[3],
    ),
    (
        "so does one that does not list all it brought",
        &[Runs(1), Push(MAIN, 1, &[2], Part), Push(MAIN, 2, &[3], All)],
        3,
        &[2, 3],
        &[2],
    ),
    (
        "and a branch that began nobody knows where",
        &[Push(MAIN, 0, &[1], All), Runs(1), Push("hotfix", 0, &[2], All)],
        2,
        &[2],
        &[2],
    ),
    (
        "a branch made of what is there and then pushed to leads back",
        &[
            Push(MAIN, 0, &[1], All),
            Runs(1),
            Push(MAIN, 1, &[2], All),
            Push("release", 0, &[2], Listed::None),
            Push("release", 2, &[3], All),
        ],
        3,
        &[2, 3],
        &[],
    ),
    (
        "history that was rewritten hides nobody",
        // 3 was made of 1 and put in the place of 2; nothing says that it has nothing of 2.
        &[Push(MAIN, 0, &[1], All), Runs(1), Push(MAIN, 1, &[2], All), Push(MAIN, 2, &[3], All)],
        3,
        &[2, 3],
        &[],
    ),
    (
        "a branch set back to what runs brings nobody anew",
        &[
            Push(MAIN, 0, &[1], All),
            Runs(1),
            Push(MAIN, 1, &[2], All),
            Push(MAIN, 2, &[1], Listed::None),
        ],
        1,
        &[1],
        &[],
    ),
    (
        "what failed does not run",
        &[Runs(1), Push(MAIN, 1, &[2], All), Fails(2), Push(MAIN, 2, &[3], All)],
        3,
        &[2, 3],
        &[],
    ),
    (
        "nor does what was undone, told to which version or not",
        &[Runs(1), Push(MAIN, 1, &[2], All), Runs(2), Undone(1), Push(MAIN, 2, &[3], All)],
        3,
        &[2, 3],
        &[],
    ),
    (
        "told not",
        &[Runs(1), Push(MAIN, 1, &[2], All), Runs(2), Undone(0), Push(MAIN, 2, &[3], All)],
        3,
        &[2, 3],
        &[],
    ),
    (
        "undone to an unknown version, the oldest that is remembered may run",
        &[
            Runs(1),
            Push(MAIN, 1, &[2], All),
            Runs(2),
            Push(MAIN, 2, &[3], All),
            Runs(3),
            Undone(77),
            Push(MAIN, 3, &[4], All),
        ],
        4,
        &[2, 3, 4],
        &[],
    ),
    (
        "what ran before and runs again undoes what came between",
        &[
            Push(MAIN, 0, &[1], All),
            Runs(1),
            Push(MAIN, 1, &[2], All),
            Runs(2),
            Runs(1),
            Push(MAIN, 2, &[3], All),
        ],
        3,
        &[2, 3],
        &[],
    ),
    (
        "what ran before brings nobody anew",
        &[Push(MAIN, 0, &[1], All), Runs(1), Push(MAIN, 1, &[2], All), Runs(2)],
        1,
        &[1],
        &[],
    ),
    (
        "a fix from a branch of its own does not hide what ran before it",
        &[
            Push(MAIN, 0, &[1], All),
            Runs(1),
            Push("fix", 1, &[2], All),
            Runs(2),
            Push(MAIN, 1, &[3], All),
            Push(MAIN, 3, &[4], All),
        ],
        4,
        &[3, 4],
        &[],
    ),
    (
        "a squashed branch on the way is everybody who wrote it",
        &[
            Runs(1),
            Push("topic", 0, &[5], All),
            Push("topic", 5, &[6], All),
            Merge(6, 2, 7),
            Push(MAIN, 1, &[7], All),
            Push(MAIN, 7, &[8], All),
        ],
        8,
        &[5, 6, 7, 8],
        &[],
    ),
    (
        "one whose pushes were not all heard leaves it unknown",
        &[
            Runs(1),
            Push("topic", 5, &[6], All),
            Merge(6, 2, 7),
            Push(MAIN, 1, &[7], All),
            Push(MAIN, 7, &[8], All),
        ],
        8,
        &[6, 7, 8],
        &[7],
    ),
    (
        "so it is in the middle of a push to another branch",
        &[
            Runs(1),
            Push("topic", 0, &[5], All),
            Merge(5, 2, 7),
            Push(MAIN, 1, &[7], All),
            Push("release", 1, &[7, 8], All),
        ],
        8,
        &[5, 7, 8],
        &[8],
    ),
    (
        "a first deployment brings all that was heard",
        &[Push(MAIN, 9, &[1], All), Push(MAIN, 1, &[2], All), Push(MAIN, 2, &[3], All)],
        3,
        &[1, 2, 3],
        &[],
    ),
    (
        "what came after it does not go along",
        &[Push(MAIN, 9, &[1], All), Push(MAIN, 1, &[2], All), Push(MAIN, 2, &[3], All)],
        2,
        &[1, 2],
        &[],
    ),
    (
        "and a gap in what was heard is one",
        &[Push(MAIN, 9, &[1], All), Push(MAIN, 2, &[3], All)],
        3,
        &[3],
        &[2],
    ),
    (
        "a branch that began beside others may have begun at any commit of theirs",
        &[Push(MAIN, 9, &[1], All), Push("topic", 0, &[2], All), Push(MAIN, 1, &[3], All)],
        2,
        &[1, 2],
        &[],
    ),
];

#[test]
fn everybody_has_a_hand_in_it_who_pushed_since_what_runs() {
    for (case, history, asked, involved, unheard) in CASES {
        let mut play = Play::start();
        for event in *history {
            take(&mut play, *event);
        }
        let behind = play.standing.behind_change(&change(&play, *asked));
        let expected: BTreeSet<_> = involved.iter().map(|number| author(*number)).collect();
        assert_eq!(behind.involved, expected, "{case}");
        let expected: BTreeSet<_> = unheard.iter().map(|number| commit(*number)).collect();
        assert_eq!(behind.unheard, expected, "{case}");
        assert_eq!(behind.everybody, unheard.is_empty(), "{case}");
    }
}

#[test]
fn what_a_change_brought_it_brought_also_when_it_runs() {
    let mut play = Play::start();
    let history = [Runs(1), Push(MAIN, 1, &[2], All), Push(MAIN, 2, &[3], All)];
    history.into_iter().for_each(|event| take(&mut play, event));
    let before = play.standing.behind_change(&change(&play, 3));
    let number = play.ask(&question("shop", 3, 1), &crate::world::allow()).change;
    let same = |play: &Play| {
        let behind = play.standing.behind_change(play.change(number));
        behind.everybody && behind.involved == before.involved
    };
    assert!(same(&play));
    start_of(&mut play, Some(number), commit(3), "3");
    assert!(same(&play));
    end(&mut play, DeploymentState::Succeeded, None);
    assert!(same(&play));
    // More deployments than are remembered.
    for number in 10..20 {
        take(&mut play, Runs(number));
    }
    assert!(same(&play));
}

#[test]
fn a_thousand_pushes_are_followed_and_no_more() {
    for (pushes, everybody) in [(999_u32, true), (1_200, false)] {
        let id = |number: u32| CommitId::parse(&format!("{number:040x}")).unwrap();
        let mut play = Play::start();
        deployed(&mut play, id(1), "1");
        for number in 2..=pushes {
            let push = PushSeen {
                branch: MAIN.into(),
                listed: All,
                before: Some(id(number - 1)),
                created: false,
            };
            heard(&mut play, id(number), vec![id(number)], BTreeSet::new(), vec![push], None);
        }
        let mut change = change(&play, 1);
        change.origin.commits = vec![id(pushes)];
        assert_eq!(play.standing.behind_change(&change).everybody, everybody, "{pushes}");
    }
}

fn change(play: &Play, number: u8) -> Change {
    play.place(&question("shop", number, 1), None).change
}

fn take(play: &mut Play, event: Do) {
    match event {
        Push(branch, before, brings, listed) => {
            let tip = commit(*brings.last().unwrap());
            let push = PushSeen {
                branch: branch.into(),
                listed,
                before: (before != 0).then(|| commit(before)),
                created: before == 0,
            };
            let commits = brings.iter().map(|number| commit(*number)).collect();
            let listed = if listed == Listed::None { &[] } else { brings };
            let involved = listed.iter().map(|number| author(*number)).collect();
            heard(play, tip, commits, involved, vec![push], None);
        }
        Merge(head, count, by) => {
            let head = commit(head);
            let merge = MergeSeen { branch: MAIN.into(), head, commit_count: Some(count) };
            heard(play, commit(by), Vec::new(), BTreeSet::new(), Vec::new(), Some(merge));
        }
        Runs(number) => deployed(play, commit(number), &number.to_string()),
        Fails(number) => {
            start_of(play, None, commit(number), &number.to_string());
            end(play, DeploymentState::Failed, None);
        }
        Undone(to) => {
            let version = (to != 0).then(|| to.to_string());
            end(play, DeploymentState::RolledBack, version);
        }
    }
}

/// As `engine::correlate` takes it in: together with what was known of the tip.
fn heard(
    play: &mut Play,
    tip: CommitId,
    commits: Vec<CommitId>,
    involved: BTreeSet<Involvement>,
    pushes: Vec<PushSeen>,
    merge: Option<MergeSeen>,
) {
    let repository = "forge.example/acme/shop".to_owned();
    let commit = tip.clone();
    let mut seen = SourceSeen {
        repository,
        commit,
        commits,
        involved,
        paths: Vec::new(),
        pushes,
        merge,
        people_cut: false,
    };
    if let Some(known) = play.standing.sources.get(&tip) {
        seen.involved.extend(known.involved.iter().cloned());
        seen.commits.extend(known.commits.iter().cloned());
        seen.pushes.splice(..0, known.pushes.iter().cloned());
        seen.merge = seen.merge.or_else(|| known.merge.clone());
    }
    play.play([seen.into()]);
}

fn deployed(play: &mut Play, commit: CommitId, version: &str) {
    start_of(play, None, commit, version);
    end(play, DeploymentState::Succeeded, None);
}

fn start_of(play: &mut Play, change: Option<ChangeNumber>, commit: CommitId, version: &str) {
    let report = StartReport {
        change,
        service: service("shop"),
        environment: production(),
        version: Some(version.to_owned()),
        commit: Some(commit),
        artifacts: BTreeSet::new(),
        run: None,
        pass: None,
        strategy: Strategy::default(),
        at: play.now,
    };
    let (_, events) = deployment::start(&play.standing, report);
    play.play(events);
}

/// What a pipeline tells of an end; of a rollback, to which version.
pub(crate) fn told(state: DeploymentState, to_version: Option<String>) -> DeploymentReport {
    let rollback = (state == DeploymentState::RolledBack).then(|| Rollback {
        reason: "it broke".into(),
        to_version,
        started_at: None,
        ended_at: None,
        automatic: false,
    });
    DeploymentReport {
        state,
        started_at: None,
        ended_at: None,
        health: None,
        note: String::new(),
        rollback,
    }
}

/// The last deployment ends.
fn end(play: &mut Play, state: DeploymentState, to_version: Option<String>) {
    let (number, known) = play.standing.deployments.get_max().cloned().unwrap();
    let report = told(state, to_version);
    let events = deployment::end(&play.standing, number, Some(&known), report, play.now).unwrap();
    play.play(events);
}
