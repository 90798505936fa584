//! Approvals: who has to say yes, who did, and whether it counts.
//!
//! An approval counts only for the revision it was given for, only while it has not expired, only from
//! a person who may speak for the rule now, and not from somebody who had a hand in the change unless the
//! rule says so for that risk level. Persons are counted, not accounts, and each person once:
//! several rules are met by an assignment of persons to rules, which is found if there is one. A rule speaks only of the
//! services in its scope, and where it asks the owners of several, of each of them. Where it falls into parts because
//! nobody could be asked for all of it, somebody who may speak for all of them after all is counted in each. A no is heard
//! of everybody who may speak for any of those services.

mod ballot;
mod electorate;
mod matching;
mod seats;
mod share;
mod weigh;

pub(crate) use ballot::may_say;
pub use ballot::{gather, involvement, role_used};
pub use electorate::{
    RuleElectorate, Voter, VoterStanding, could_reject, could_speak, electorate, heeded_by, stands,
    waits_for,
};
pub use matching::assign;
pub(crate) use share::{Hands, told};
pub use weigh::{ApprovalStanding, Discounted, RuleStanding, weigh};
