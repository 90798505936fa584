//! The one list of connectors.

use crate::connector::Connector;

/// Every kind of system that Sluice can hear, in alphabetical order.
pub fn registry() -> &'static [&'static dyn Connector] {
    &[
        &crate::cdevents::CdEvents,
        &crate::generic::Generic,
        &crate::github::GitHub,
        &crate::gitlab::GitLab,
        &crate::jenkins::Jenkins,
    ]
}

/// The connector called `kind`.
pub fn find(kind: &str) -> Option<&'static dyn Connector> {
    registry().iter().copied().find(|connector| connector.kind() == kind)
}
