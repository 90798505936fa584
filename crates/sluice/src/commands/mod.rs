//! The commands, one file each.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod apply;
pub(crate) mod break_glass;
pub(crate) mod calendar;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod deployment;
pub(crate) mod exception;
pub(crate) mod folder;
pub(crate) mod fsck;
pub(crate) mod gate;
pub(crate) mod inbox;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod man;
pub(crate) mod pass;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod policy;
pub(crate) mod problem;
pub(crate) mod reference;
pub(crate) mod role;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod steps;
pub(crate) mod stop;
pub(crate) mod talk;
pub(crate) mod token;
pub(crate) mod values;
pub(crate) mod verify;
pub(crate) mod waiting;
pub(crate) mod window;

use crate::cli::Command;
use crate::failure::Outcome;

/// Runs a command.
pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => crate::demo::run(arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Pass(command) => pass::run(&command),
        Command::Deployment(command) => deployment::run(&command),
        Command::Change(command) => change::run(&command),
        Command::Waiting(arguments) => waiting::waiting(&arguments),
        Command::Plan(command) => waiting::plan(&command),
        Command::Incident(command) => incident::run(&command),
        Command::Problem(command) => problem::run(&command),
        Command::Stop(arguments) => stop::run(&arguments),
        Command::Exception(command) => exception::run(&command),
        Command::Calendar(command) => calendar::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Link(command) => link::run(&command),
        Command::Inbox(command) => inbox::run(&command),
        Command::Login(arguments) => login::run(&arguments),
        Command::Logout(arguments) => login::out(&arguments),
        Command::Account(command) => account::run(&command),
        Command::Role(command) => role::run(&command),
        Command::Access(command) => access::run(&command),
        Command::BreakGlass(command) => break_glass::run(&command),
        Command::Person(command) => person::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Secret(command) => secret::run(&command),
        Command::Log(command) => log::run(&command),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Fsck(arguments) => fsck::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Reference => reference::run(),
    }
}
