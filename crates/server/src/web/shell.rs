//! What stands around every page: navigation, search, who looks, what is stopped, as of which entry.

use sluice_core::permission::Permission;
use sluice_core::permission::Permission::{
    CalendarEdit, CalendarRead, ChangeRead, ExceptionGrant, InboxRead, IncidentCreate,
    IncidentRead, LedgerRead, OrganisationRead, PolicyRead, ProblemEdit, StopPull, TokenManage,
};

use super::assets::{self, Addresses};
use super::pages::proposals::place;
use super::visit::Visit;
use super::{Markup, marks, w};

/// The sections of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Flow,
    Changes,
    Cab,
    Incidents,
    Problems,
    Calendar,
    Services,
    Numbers,
    Audit,
    Policies,
    Admin,
    Elsewhere,
}

/// One line of the navigation.
pub(crate) struct NavItem {
    pub(crate) address: &'static str,
    pub(crate) icon: Markup,
    pub(crate) word: &'static str,
    pub(crate) key: &'static str,
    pub(crate) here: bool,
    pub(crate) group: bool,
}

/// A stop in force, for the banner.
pub(crate) struct StopBanner {
    pub(crate) scope: String,
    pub(crate) reason: String,
    pub(crate) since: Markup,
}

/// An emergency path that is open, for the banner: everybody sees it.
pub(crate) struct EmergencyBanner {
    pub(crate) place: String,
    pub(crate) by: Markup,
    pub(crate) until: Markup,
}

/// What stands around a page.
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) organisation: String,
    pub(crate) nav: Vec<NavItem>,
    /// What can be begun from every page, by the command palette: address and word.
    pub(crate) commands: Vec<(&'static str, &'static str)>,
    pub(crate) me: Option<Markup>,
    pub(crate) as_of: u64,
    pub(crate) proven: bool,
    pub(crate) stops: Vec<StopBanner>,
    pub(crate) emergencies: Vec<EmergencyBanner>,
    pub(crate) notice: Option<&'static str>,
    pub(crate) assets: &'static Addresses,
    pub(crate) csrf: String,
    pub(crate) live: bool,
    pub(crate) now: String,
}

/// Section, permissions of which one is enough, address, picture, word, key.
type SectionRow<'a> =
    (Section, &'a [Permission], &'static str, &'a str, &'static str, &'static str);

impl Visit {
    /// The shell of a page.
    pub(crate) fn shell(&self, section: Section, title: impl Into<String>) -> Shell {
        let stops = self.standing.stops.values();
        let stops = stops.filter(|stop| {
            self.caller.grants.iter().any(|grant| grant.scope.overlaps(&stop.scope))
        });
        Shell {
            title: title.into(),
            organisation: self.standing.organisation.settings.title.clone(),
            nav: self.nav(section),
            commands: self.commands(),
            me: Some(self.me()),
            as_of: self.standing.size,
            proven: self.may(LedgerRead),
            stops: stops
                .map(|stop| StopBanner {
                    scope: stop.scope.to_string(),
                    reason: stop.reason.clone(),
                    since: self.when(stop.since),
                })
                .collect(),
            emergencies: self.emergencies(),
            notice: None,
            assets: assets::addresses(),
            csrf: self.csrf.clone(),
            live: self.live,
            now: self.now.to_string(),
        }
    }

    fn emergencies(&self) -> Vec<EmergencyBanner> {
        let glasses = self.standing.access.glasses.values();
        let open = glasses.filter(|glass| glass.is_open(self.now));
        let banner = open.filter_map(|glass| {
            let until = glass.opened.as_ref()?.until;
            let (place, by) = (place(&glass.asked.question), self.who(&glass.asked.by));
            Some(EmergencyBanner { place, by, until: self.when(until) })
        });
        banner.collect()
    }

    pub(crate) fn me(&self) -> Markup {
        match &self.caller.person {
            Some(person) => self.who(person),
            None => {
                let standing = self.standing.tokens.get(&self.caller.token);
                let label = standing.map_or_else(String::new, |it| it.token.label.clone());
                marks::pill("calm", "key", &label)
            }
        }
    }

    fn commands(&self) -> Vec<(&'static str, &'static str)> {
        let all = [
            (IncidentCreate, "/incidents/new", w::t("incident_form.open_an_incident")),
            (ProblemEdit, "/problems/new", w::t("problem_form.open_a_problem")),
            (StopPull, "/stops/new", w::t("halts.stop_the_line")),
            (ExceptionGrant, "/exceptions/new", w::t("calendar.grant_an_exception")),
            (CalendarEdit, "/calendar/windows/new", w::t("window.new_window")),
        ];
        let may = all.into_iter().filter(|(needed, ..)| self.may(*needed));
        may.map(|(_, address, word)| (address, word)).collect()
    }

    fn nav(&self, section: Section) -> Vec<NavItem> {
        let any = |wanted: &[Permission]| wanted.iter().any(|permission| self.may(*permission));
        let rows: [SectionRow<'_>; 11] = [
            (Section::Flow, &[ChangeRead], "/", "flow", w::t("nav.flow"), "f"),
            (Section::Changes, &[ChangeRead], "/changes", "change", w::t("nav.changes"), "c"),
            (Section::Cab, &[ChangeRead], "/cab", "people", w::t("nav.cab"), "b"),
            (
                Section::Incidents,
                &[IncidentRead],
                "/incidents",
                "alert",
                w::t("nav.incidents"),
                "i",
            ),
            (Section::Problems, &[IncidentRead], "/problems", "root", w::t("nav.problems"), "o"),
            (
                Section::Calendar,
                &[CalendarRead],
                "/calendar",
                "calendar",
                w::t("nav.calendar"),
                "l",
            ),
            (
                Section::Services,
                &[OrganisationRead],
                "/services",
                "boxes",
                w::t("nav.services"),
                "s",
            ),
            (Section::Numbers, &[ChangeRead], "/numbers", "chart", w::t("nav.numbers"), "n"),
            (Section::Audit, &[LedgerRead], "/audit", "book", w::t("nav.audit"), "a"),
            (Section::Policies, &[PolicyRead], "/policies", "scroll", w::t("nav.policies"), "p"),
            (
                Section::Admin,
                &[OrganisationRead, InboxRead, TokenManage],
                "/admin",
                "gear",
                w::t("nav.admin"),
                "m",
            ),
        ];
        rows.into_iter()
            .filter(|(_, needed, ..)| any(needed))
            .map(|(each, _, address, icon, word, key)| NavItem {
                address,
                icon: marks::icon(icon),
                word,
                key,
                here: each == section,
                group: matches!(each, Section::Calendar | Section::Audit),
            })
            .collect()
    }
}

/// The sentence that a page says after a form, by the word in its address.
pub(crate) fn notice(done: Option<&str>) -> Option<&'static str> {
    Some(match done? {
        "approved" => w::t("done.approved"),
        "rejected" => w::t("done.rejected"),
        "canceled" => w::t("done.canceled"),
        "closed" => w::t("done.closed"),
        "reviewed" => w::t("done.reviewed"),
        "deployment_ended" => w::t("done.deployment_ended"),
        "proposed" => w::t("done.proposed"),
        "confirmed" => w::t("done.confirmed"),
        "refused" => w::t("done.refused"),
        "role_taken_back" => w::t("done.role_taken_back"),
        "glass_opened" => w::t("done.glass_opened"),
        "commented" => w::t("done.commented"),
        "replayed" => w::t("done.replayed"),
        "resumed" => w::t("done.resumed"),
        "paused" => w::t("done.paused"),
        "stopped" => w::t("done.stopped"),
        "lifted" => w::t("done.lifted"),
        "window_set" => w::t("done.window_set"),
        "window_ended" => w::t("done.window_ended"),
        "granted" => w::t("done.granted"),
        "revoked" => w::t("done.revoked"),
        "incident_opened" => w::t("done.incident_opened"),
        "incident_moved" => w::t("done.incident_moved"),
        "incident_resolved" => w::t("done.incident_resolved"),
        "problem_opened" => w::t("done.problem_opened"),
        "problem_moved" => w::t("done.problem_moved"),
        "problem_resolved" => w::t("done.problem_resolved"),
        "linked" => w::t("done.linked"),
        "token_revoked" => w::t("done.token_revoked"),
        _ => return None,
    })
}
