//! The two tables: their names, their states, and our words for them.

use sluice_core::link::Authority;
use sluice_core::signal::TaskKind;

use crate::servicenow::config::Config;

/// The states of a problem, in their order.
const WAY: [i64; 6] = [101, 102, 103, 104, 106, 107];

/// A table of records beside changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::servicenow) enum Desk {
    Incident,
    Problem,
}

impl Desk {
    /// Those that a link keeps.
    pub(in crate::servicenow) fn kept(config: &Config) -> impl Iterator<Item = Self> + '_ {
        let all = [Self::Incident, Self::Problem].into_iter();
        all.filter(|desk| desk.authority(config).is_some())
    }

    pub(in crate::servicenow) fn table(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Problem => "problem",
        }
    }

    /// The desk behind a table.
    pub(in crate::servicenow) fn of_table(table: &str) -> Option<Self> {
        [Self::Incident, Self::Problem].into_iter().find(|desk| desk.table() == table)
    }

    pub(in crate::servicenow) fn kind(self) -> TaskKind {
        match self {
            Self::Incident => TaskKind::Incident,
            Self::Problem => TaskKind::Problem,
        }
    }

    /// Who has the last word; none where this link does not keep them.
    pub(in crate::servicenow) fn authority(self, config: &Config) -> Option<Authority> {
        match self {
            Self::Incident => config.authority.incidents,
            Self::Problem => config.authority.problems,
        }
    }

    /// The fields that are asked for.
    pub(super) fn fields(self) -> &'static str {
        match self {
            Self::Incident => {
                "sys_id,number,state,correlation_id,sys_created_on,sys_created_by,\
                 sys_updated_on,sys_mod_count,cmdb_ci,caused_by,problem_id"
            }
            Self::Problem => {
                "sys_id,number,state,correlation_id,sys_created_on,sys_created_by,\
                 sys_updated_on,sys_mod_count,cmdb_ci"
            }
        }
    }

    /// Their number for our word.
    pub(super) fn number(self, word: &str) -> i64 {
        match (self, word) {
            (Self::Incident, "acknowledged" | "in_progress") => 2,
            (Self::Incident, "on_hold") => 3,
            (Self::Incident, "resolved") => 6,
            (Self::Incident, _) => 1,
            (Self::Problem, "investigating") => 102,
            (Self::Problem, "known_error") => 103,
            (Self::Problem, "fix_in_progress") => 104,
            (Self::Problem, "resolved") => 106,
            (Self::Problem, _) => 101,
        }
    }

    /// Our word for their number; none for a state of their own.
    pub(in crate::servicenow) fn word(self, number: i64) -> Option<&'static str> {
        Some(match (self, number) {
            (Self::Incident, 1) | (Self::Problem, 101) => "new",
            (Self::Incident, 2) => "in_progress",
            (Self::Incident, 3) => "on_hold",
            (Self::Incident, 6) | (Self::Problem, 106) => "resolved",
            (Self::Incident, 7) | (Self::Problem, 107) => "closed",
            (Self::Incident, 8) => "canceled",
            (Self::Problem, 102 | 103) => "investigating",
            (Self::Problem, 104) => "fix_in_progress",
            _ => return None,
        })
    }

    /// Whether a state is the end of it over there.
    pub(in crate::servicenow) fn is_over(self, number: i64) -> bool {
        match self {
            Self::Incident => number >= 6,
            Self::Problem => number >= 106,
        }
    }

    /// Whether nobody may write to a record any more: one that is resolved can still be linked.
    pub(super) fn is_closed(self, number: i64) -> bool {
        match self {
            Self::Incident => number >= 7,
            Self::Problem => number >= 107,
        }
    }

    /// The state of a record that was given up; problems have none of their own.
    pub(super) fn given_up(self) -> i64 {
        match self {
            Self::Incident => 8,
            Self::Problem => 107,
        }
    }

    /// Our words for the states on the way to one, with it.
    pub(super) fn on_the_way(self, to: i64) -> Vec<&'static str> {
        let passed = WAY.into_iter().filter(|state| self == Self::Problem && *state < to);
        let mut words: Vec<&str> =
            passed.chain([to]).filter_map(|state| self.word(state)).collect();
        words.dedup();
        words
    }

    /// The next step on the way: incidents go anywhere at once, problems from one state to the next.
    pub(super) fn step(self, from: i64, to: i64) -> i64 {
        match self {
            Self::Incident => to,
            Self::Problem => {
                let next = WAY.into_iter().find(|state| *state > from);
                next.filter(|next| *next <= to).unwrap_or(to)
            }
        }
    }
}
