//! Points: which fault, at which call of which kind, when.

use std::fmt;

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9`.
    Kill,
    /// The call fails once with EIO.
    Fails,
    /// This call and all later ones fail with ENOSPC, until space is back.
    Full,
}

/// When counting begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// With the process, on an empty folder.
    Start,
    /// When the server is ready and the company is declared.
    Work,
}

/// Calls of one kind that one thread makes on the server's files.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) phase: Phase,
    pub(crate) call: String,
    pub(crate) most: usize,
}

/// A fault at the `at`th call of a thread.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) fault: Fault,
    pub(crate) phase: Phase,
    pub(crate) call: String,
    pub(crate) at: usize,
}

/// The calls on files.
pub(crate) const CALLS: &str =
    "openat,pwrite64,write,fsync,fdatasync,ftruncate,renameat,unlink,fcntl";

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, phase, call, at } = self;
        write!(f, "{fault:?} at {call} {at} ({phase:?})")
    }
}

impl Point {
    /// As `strace -e inject=` takes it.
    pub(crate) fn inject(&self) -> String {
        let (call, at) = (&self.call, self.at);
        match (self.fault, self.phase) {
            (Fault::Kill, _) => format!("inject={call}:signal=KILL:when={at}"),
            (Fault::Fails, _) => format!("inject={call}:error=EIO:when={at}"),
            (Fault::Full, Phase::Start) => format!("inject={call}:error=ENOSPC:when={at}"),
            (Fault::Full, Phase::Work) => format!("inject={call}:error=ENOSPC:when={at}+"),
        }
    }
}

/// Spreads `count` points: two thirds kill, the rest are halved between failing and full disks.
pub(crate) fn choose(counted: &[Counted], count: usize) -> Vec<Point> {
    let kills = spread(counted, Fault::Kill, |_| true, count - 2 * (count / 6));
    let fails = |one: &Counted| ["fsync", "fdatasync", "pwrite64"].contains(&one.call.as_str());
    let fills = |one: &Counted| one.call == "pwrite64";
    let mut points = kills;
    points.extend(spread(counted, Fault::Fails, fails, count / 6));
    points.extend(spread(counted, Fault::Full, fills, count / 6));
    points
}

/// Every kind of call gets its share; the points of a kind lie evenly from its first call to its last.
fn spread(
    counted: &[Counted],
    fault: Fault,
    fits: impl Fn(&Counted) -> bool,
    count: usize,
) -> Vec<Point> {
    let mut shares: Vec<(&Counted, usize)> =
        counted.iter().filter(|one| fits(one) && one.most > 0).map(|one| (one, 0)).collect();
    // Where there are few points, the calls under load come first.
    shares.sort_by_key(|(one, _)| std::cmp::Reverse(one.phase));
    let mut left = count;
    loop {
        let mut given = false;
        for (one, share) in &mut shares {
            if left > 0 && *share < one.most {
                (*share, left, given) = (*share + 1, left - 1, true);
            }
        }
        if !given {
            break;
        }
    }
    let mut points = Vec::new();
    for (one, share) in shares {
        for number in 0..share {
            // Two runs never make exactly the same calls: the last tenth may not be reached.
            let last = (one.most * 9 / 10).max(1);
            let at =
                if share == 1 { last.div_ceil(2) } else { 1 + number * (last - 1) / (share - 1) };
            points.push(Point { fault, phase: one.phase, call: one.call.clone(), at });
        }
    }
    points
}
