//! The one list of connectors: those that are heard, and those that are told.

use crate::connector::Connector;
use crate::tell::Teller;

/// Every kind of system that Sluice can hear, in alphabetical order.
pub fn registry() -> &'static [&'static dyn Connector] {
    &[
        &crate::cdevents::CdEvents,
        &crate::generic::Generic,
        &crate::github::GitHub,
        &crate::gitlab::GitLab,
        &crate::jenkins::Jenkins,
        &crate::jira::Jira,
        &crate::servicenow::ServiceNow,
        &crate::slack::Slack,
    ]
}

/// The connector called `kind`.
pub fn find(kind: &str) -> Option<&'static dyn Connector> {
    registry().iter().copied().find(|connector| connector.kind() == kind)
}

/// Every kind of system that Sluice can tell, in alphabetical order.
pub fn tellers() -> &'static [&'static dyn Teller] {
    &[
        &crate::cdevents::CdEvents,
        &crate::markers::DATADOG,
        &crate::markers::ELASTIC,
        &crate::github::GitHub,
        &crate::gitlab::GitLab,
        &crate::markers::GRAFANA,
        &crate::jenkins::Jenkins,
        &crate::jira::Jira,
        &crate::jira::JiraAssets,
        &crate::jira::JiraDeployments,
        &crate::alerts::JSM,
        &crate::mail::Mail,
        &crate::alerts::NTFY,
        &crate::markers::OTLP,
        &crate::alerts::PAGERDUTY,
        &crate::servicenow::ServiceNow,
        &crate::slack::Slack,
        &crate::markers::SPLUNK,
        &crate::alerts::TEAMS,
    ]
}

/// The teller called `kind`.
pub fn find_teller(kind: &str) -> Option<&'static dyn Teller> {
    tellers().iter().copied().find(|teller| teller.kind() == kind)
}
