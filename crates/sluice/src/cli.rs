//! The command line: the table of contents. Each command's own arguments stand in its file.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands as c;
use crate::settings::is_blank;

/// The gate between delivery pipelines and production.
///
/// Every deployment becomes a governed, evidenced change by itself, and every pipeline hears whether
/// it may go, why not, until when, and who can help.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads the command line, and the environment below it. A variable that is set to nothing counts as absent.
    pub(crate) fn read() -> Self {
        Self::of(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// The same of other words.
    pub(crate) fn of<T: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let matches = without_blanks(Self::command()).try_get_matches_from(words)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut Self::command()))
    }
}

fn without_blanks(command: clap::Command) -> clap::Command {
    let of_set = |arg: clap::Arg| match arg.get_env().and_then(|name| name.to_str()) {
        Some(name) if is_blank(name) => arg.env(Resettable::Reset),
        _ => arg,
    };
    command.mut_args(of_set).mut_subcommands(without_blanks)
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(c::serve::ServeArgs),
    /// Play the main job on a server of its own, and tell the story
    Demo(crate::demo::DemoArgs),
    /// Write a small commented organisation to start from
    Init(c::init::InitArgs),
    /// Name every problem of an organisation's folder
    Check(c::check::CheckArgs),
    /// Show what would change, then make the server's organisation so
    Apply(c::apply::ApplyArgs),
    /// Ask whether a deployment may go; the exit code is the answer
    Gate(Box<c::gate::GateArgs>),
    /// Verify or redeem a pass
    #[command(subcommand)]
    Pass(c::pass::PassCommand),
    /// Report how a deployment goes
    #[command(subcommand)]
    Deployment(c::deployment::DeploymentCommand),
    /// See changes, and decide on them
    #[command(subcommand)]
    Change(c::change::ChangeCommand),
    /// List what waits for you
    Waiting(c::waiting::WaitingArgs),
    /// Plans of `sluice apply` that wait for a second person
    #[command(subcommand)]
    Plan(c::waiting::PlanCommand),
    /// Incidents: what is broken, and how it ends
    #[command(subcommand)]
    Incident(c::incident::IncidentCommand),
    /// Problems: the causes behind incidents
    #[command(subcommand)]
    Problem(c::problem::ProblemCommand),
    /// Stop the line, and lift the stop
    Stop(c::stop::StopArgs),
    /// Grant, revoke and list exceptions
    #[command(subcommand)]
    Exception(c::exception::ExceptionCommand),
    /// Windows: what comes, and what a calendar file means
    #[command(subcommand)]
    Calendar(c::calendar::CalendarCommand),
    /// Check, test, evaluate, explain and lint policies
    #[command(subcommand)]
    Policy(c::policy::PolicyCommand),
    /// Links to other systems, and what their deliveries become
    #[command(subcommand)]
    Link(c::link::LinkCommand),
    /// Deliveries that arrived, and what became of them
    #[command(subcommand)]
    Inbox(c::inbox::InboxCommand),
    /// Log in as a person; the session is kept for the commands that follow
    Login(c::login::LoginArgs),
    /// End the session that is kept
    Logout(c::login::LogoutArgs),
    /// Accounts of people, passwords and second factors
    #[command(subcommand)]
    Account(c::account::AccountCommand),
    /// Roles: the table, and what two people grant
    #[command(subcommand)]
    Role(c::role::RoleCommand),
    /// The emergency path that two people open together
    #[command(subcommand)]
    BreakGlass(c::break_glass::BreakGlassCommand),
    /// What is known of people, and erasing it
    #[command(subcommand)]
    Person(c::person::PersonCommand),
    /// Who may do what, and why
    #[command(subcommand)]
    Access(c::access::AccessCommand),
    /// Create, revoke and list tokens
    #[command(subcommand)]
    Token(c::token::TokenCommand),
    /// Secrets that the server keeps for links and providers
    #[command(subcommand)]
    Secret(c::secret::SecretCommand),
    /// Read and prove the ledger
    #[command(subcommand)]
    Log(c::log::LogCommand),
    /// Verify a ledger with nothing but its public key
    Verify(c::verify::VerifyArgs),
    /// Rebuild all views of a stopped server from its entries and compare
    Fsck(c::fsck::FsckArgs),
    /// Print a completion script for a shell
    Completions(c::completions::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(c::man::ManArgs),
    /// Print the reference of all commands as Markdown
    #[command(hide = true)]
    Reference,
}
