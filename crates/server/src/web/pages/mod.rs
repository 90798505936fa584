//! The pages, one file each (a folder where a page has parts).

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod cab;
pub(crate) mod calendar;
pub(crate) mod change;
pub(crate) mod changes;
pub(crate) mod disturbed;
pub(crate) mod factor;
pub(crate) mod flow;
pub(crate) mod incidents;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod notifications;
pub(crate) mod numbers;
pub(crate) mod policies;
pub(crate) mod problems;
pub(crate) mod proof;
pub(crate) mod proposals;
pub(crate) mod search;
pub(crate) mod services;
pub(crate) mod together;
