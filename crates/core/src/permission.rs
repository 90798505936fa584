//! Permissions: what a token may allow. Every route names one; there is none to bypass the gate.

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($variant:ident = $name:literal, $about:literal;)*) => {
        /// What a token may allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Permission {
            $(#[doc = $about] #[serde(rename = $name)] $variant,)*
        }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name, `gate.evaluate`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it allows, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// Reads a name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

permissions! {
    GateEvaluate = "gate.evaluate", "Ask at the gate.";
    GateRedeem = "gate.redeem", "Redeem a pass and start a deployment.";
    DeploymentReport = "deployment.report", "Report how a deployment ended.";
    ChangeRead = "change.read", "See changes, deployments and decisions.";
    ChangeApprove = "change.approve", "Approve, reject and review changes; for people only.";
    ChangeEdit = "change.edit", "Cancel and close changes.";
    StopPull = "stop.pull", "Stop the line.";
    StopLift = "stop.lift", "Lift a stop.";
    ExceptionGrant = "exception.grant", "Grant and revoke exceptions; for people only.";
    IncidentRead = "incident.read", "See incidents and problems.";
    IncidentCreate = "incident.create", "Open an incident.";
    IncidentEdit = "incident.edit", "Work on incidents and resolve them.";
    ProblemEdit = "problem.edit", "Open problems, link incidents and changes to them, and resolve them.";
    CalendarRead = "calendar.read", "See windows.";
    CalendarEdit = "calendar.edit", "Make, alter and end windows on the calendar, and agree to those of others; for people only.";
    OrganisationRead = "organisation.read", "See what is declared.";
    OrganisationApply = "organisation.apply", "Declare and withdraw services, windows, rules, policy and links.";
    PolicyRead = "policy.read", "See the policy and evaluate it.";
    LedgerRead = "ledger.read", "See ledger entries and prove them.";
    EventRead = "event.read", "Follow events as they happen.";
    InboxRead = "inbox.read", "See deliveries and what became of them.";
    TokenManage = "token.manage", "Create and revoke tokens.";
    AccountManage = "account.manage", "Create, reset and close accounts of people, and end their sessions.";
    RoleGrant = "role.grant", "Propose, confirm and revoke roles of other people; for people only.";
    PolicyActivate = "policy.activate", "Confirm what another person wants to change in policy, rules, windows or roles; for people only.";
    AccessExplain = "access.explain", "See who may do what, and why.";
    SecretWrite = "secret.write", "Set and remove secrets of links, and put them under another master key; nobody can read them.";
    PersonErase = "person.erase", "Erase name and addresses of a person.";
    PeopleProvision = "people.provision", "Keep people and groups as a provider of identities has them (SCIM); by a token that two people agreed on.";
    BreakGlass = "break_glass.use", "Open the emergency path together with a second person; for people only.";
}

impl Permission {
    /// Whether only a person can have it, never a machine.
    pub fn is_for_people(self) -> bool {
        self.is_of_decisions() || matches!(self, Self::RoleGrant | Self::CalendarEdit)
    }

    /// Whether it lets a person take part in what is decided about a change.
    pub fn is_of_decisions(self) -> bool {
        matches!(
            self,
            Self::ChangeApprove | Self::ExceptionGrant | Self::PolicyActivate | Self::BreakGlass
        )
    }

    /// Whether it lets nothing be changed.
    pub fn is_of_reading(self) -> bool {
        matches!(
            self,
            Self::ChangeRead
                | Self::IncidentRead
                | Self::CalendarRead
                | Self::OrganisationRead
                | Self::PolicyRead
                | Self::LedgerRead
                | Self::EventRead
                | Self::InboxRead
                | Self::AccessExplain
        )
    }

    /// Whether it shows or alters what concerns every service at once. Whoever has it for some services only must not
    /// see or do more by way of it.
    pub fn is_of_the_whole(self) -> bool {
        matches!(
            self,
            Self::OrganisationApply
                | Self::LedgerRead
                | Self::EventRead
                | Self::InboxRead
                | Self::TokenManage
                | Self::AccountManage
                | Self::SecretWrite
                | Self::RoleGrant
                | Self::PolicyActivate
                | Self::AccessExplain
                | Self::PersonErase
                | Self::PeopleProvision
        )
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
