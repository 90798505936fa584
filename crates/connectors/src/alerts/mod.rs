//! Alerts: messages to where people look first, for systems that only take them: Microsoft Teams, PagerDuty, Jira Service
//! Management, ntfy.
//!
//! They are one family, as the markers are: the conversation is the same, and each says what a message looks like over
//! there. Nothing is decided in them: what has to be decided leads to our page.

mod config;
mod jsm;
mod ntfy;
mod pagerduty;
mod teams;
mod tell;

use serde_json::Value;
use sluice_core::effect::Tell as Told;

use self::config::Config;
use self::tell::AlertLink;
use crate::connector::Problem;
use crate::kit::settings::Settings;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Teller, Telling};

/// How one system wants its messages.
pub(crate) trait Channel: Sync + Send {
    /// Its name in configuration.
    fn kind(&self) -> &'static str;

    /// One sentence on what it is told.
    fn about(&self) -> &'static str;

    /// Complete settings.
    fn example(&self) -> &'static str;

    /// Where it sends and who it is, and the members that are its own.
    fn settings(&self, settings: &mut Settings<'_>) -> Config;

    /// Whether it keeps alerts that open and end: what is older than what was said last would open one again.
    fn keeps_alerts(&self) -> bool {
        false
    }

    /// The request that says it; `None` where it is nothing for this channel.
    fn say(&self, config: &Config, talk: &Talk<'_>) -> Result<Option<Ask>, &'static str>;

    /// Whether the answer says that it was taken.
    fn said(&self, sent: &Exchange) -> Result<(), Step<()>>;

    /// A request that alters nothing.
    fn test(&self, config: &Config, session: &Session) -> Ask;
}

/// What an alert does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Opens,
    Ends,
}

/// Whether an alert opens or ends by something; most things are none.
pub(super) fn turn(tell: Told) -> Option<Turn> {
    match tell {
        Told::StopPulled | Told::IncidentOpened => Some(Turn::Opens),
        Told::StopLifted | Told::IncidentResolved => Some(Turn::Ends),
        Told::ChangeOpened
        | Told::ChangeMoved
        | Told::ChangeRevised
        | Told::ChangeEnded
        | Told::ApprovalWanted
        | Told::ApprovalGiven
        | Told::ApprovalRefused
        | Told::GateDecided
        | Told::DeploymentStarted
        | Told::DeploymentEnded
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::IntentAnswered
        | Told::ProposalJudged
        | Told::CalendarChanged => None,
    }
}

/// The connector for one system of the family.
pub(crate) struct Alerts(pub(crate) &'static dyn Channel);

/// Microsoft Teams.
pub(crate) const TEAMS: Alerts = Alerts(&teams::Teams);
/// PagerDuty.
pub(crate) const PAGERDUTY: Alerts = Alerts(&pagerduty::PagerDuty);
/// Jira Service Management.
pub(crate) const JSM: Alerts = Alerts(&jsm::Jsm);
/// ntfy.
pub(crate) const NTFY: Alerts = Alerts(&ntfy::Ntfy);

impl Teller for Alerts {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn about(&self) -> &'static str {
        self.0.about()
    }

    fn example(&self) -> &'static str {
        self.0.example()
    }

    fn family(&self) -> &'static str {
        "alerts"
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        let mut read = Settings::of(settings, "");
        let config = self.0.settings(&mut read).with_pace(&mut read);
        let problems = read.finish();
        if problems.is_empty() {
            Ok(Box::new(AlertLink { config, channel: self.0 }))
        } else {
            Err(problems)
        }
    }
}
