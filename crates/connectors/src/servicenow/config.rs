//! Settings of a ServiceNow link.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_core::link::Authority;

use super::schedules;
use super::wire::is_sys_id;
use crate::connector::Problem;
use crate::kit::account::{self, Account, TokenForm};
use crate::kit::settings::Settings;
use crate::tell::{Outlet, Pace};

/// Checked settings.
pub(super) struct Config {
    /// Base address of the instance.
    pub(super) url: String,
    /// How it is told who we are.
    pub(super) account: Account,
    /// Name of the account's user: what another one has made is none of ours.
    pub(super) user: Option<String>,
    /// Who has the last word, for each kind of record.
    pub(super) authority: Authorities,
    /// What stands before our number in the correlation id.
    pub(super) prefix: String,
    /// Template of standard changes; without one they are made as normal ones.
    pub(super) standard_template: Option<String>,
    /// Further fields of a new record.
    pub(super) fields: BTreeMap<String, String>,
    /// How blackout and maintenance schedules are read, where they are.
    pub(super) schedules: Option<schedules::Reading>,
    /// Further fields of a new incident.
    pub(super) incident_fields: BTreeMap<String, String>,
    /// Further fields of a new problem.
    pub(super) problem_fields: BTreeMap<String, String>,
    /// Their word for how an incident was solved.
    pub(super) close_code: String,
    /// Class of the items that services are.
    pub(super) item_class: String,
    /// Their word for where items come from.
    pub(super) discovery_source: String,
    /// Whether decisions are attached to their change request, with what they rest on.
    pub(super) attach_decisions: bool,
    /// Whether conflicts that the instance finds are read.
    pub(super) read_conflicts: bool,
    /// Names of the secrets that the business rule signs with.
    pub(super) secrets: Vec<String>,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

/// Who has the last word on how records of a kind stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authorities {
    /// Foreign: a change request is never moved from `authorize` to `scheduled` by us. Unless it is native, approvals
    /// and cancellations over there count.
    pub(super) changes: Authority,
    /// None: this link keeps no incidents.
    pub(super) incidents: Option<Authority>,
    /// None: this link keeps no problems.
    pub(super) problems: Option<Authority>,
    /// None: this link knows no items.
    pub(super) items: Option<Authority>,
}

#[derive(Clone, Copy)]
enum Way {
    Basic,
    OAuth,
    ApiKey,
}

impl Config {
    /// As it is told.
    pub(super) fn told(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        settings.leave("secret");
        let config = Self::read(&mut settings);
        let problems = settings.finish();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// As it is heard: not without a secret.
    pub(super) fn heard(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        let secrets = settings.secrets();
        let config = Self { secrets, ..Self::read(&mut settings) };
        let problems = settings.finish();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// For reading a file at the desk.
    pub(super) fn offline() -> Self {
        let mut config = Self::read(&mut Settings::of(&Value::Null, ""));
        let foreign = Some(Authority::Foreign);
        config.authority = Authorities {
            changes: Authority::Foreign,
            incidents: foreign,
            problems: foreign,
            items: foreign,
        };
        config
    }

    fn read(settings: &mut Settings<'_>) -> Self {
        let url = settings.base_url("url", None);
        let ways = [("basic", Way::Basic), ("oauth", Way::OAuth), ("api_key", Way::ApiKey)];
        let account = account(settings, &ways, &url);
        let user = match &account {
            Account::Basic { user, .. } => Some(user.clone()),
            _ => settings.text("user", "the name of the user that the account acts as"),
        };
        let authority = authorities(settings);
        let prefix = settings.short_word("correlation_prefix", "sluice");
        let help = "the sys_id of a record of `std_change_record_producer`, 32 hexadecimal digits";
        let standard_template = settings.text("standard_template", help);
        if standard_template.as_deref().is_some_and(|id| !is_sys_id(id)) {
            settings.problem("standard_template", "`standard_template` is not a sys_id", help);
        }
        let fields = fields(settings, "fields");
        let incident_fields = self::fields(settings, "incident_fields");
        let problem_fields = self::fields(settings, "problem_fields");
        let help = "a choice of `close_code` of incidents, such as `Solution provided`";
        let close_code =
            settings.text("close_code", help).unwrap_or_else(|| "Solution provided".to_owned());
        let item_class = settings.short_word("item_class", "cmdb_ci_service");
        let help = "a choice of `discovery_source` of items, such as `ServiceNow`";
        let discovery_source =
            settings.text("discovery_source", help).unwrap_or_else(|| "ServiceNow".to_owned());
        let attach_decisions = settings.flag("attach_decisions", false);
        let read_conflicts = settings.flag("read_conflicts", false);
        let schedules = schedules::reading(settings);
        let networks = settings.networks();
        let pace = Pace {
            per_minute: settings.number("per_minute", 120, (1, 6_000)),
            settle_s: settings.number("settle_s", 90, (10, 3_600)),
        };
        let outlet = Outlet { urls: vec![url.clone()], networks };
        Self {
            url,
            account,
            user,
            authority,
            prefix,
            standard_template,
            fields,
            schedules,
            incident_fields,
            problem_fields,
            close_code,
            item_class,
            discovery_source,
            attach_decisions,
            read_conflicts,
            secrets: Vec::new(),
            outlet,
            pace,
        }
    }

    /// The correlation id of one of our records.
    pub(super) fn correlation(&self, entity: &str) -> String {
        format!("{}-{entity}", self.prefix)
    }

    /// Whether the account has made a record. Everybody who may make one can write our number into it.
    pub(super) fn is_made_by_us(&self, created_by: &str) -> bool {
        self.user.as_deref().is_none_or(|user| user.eq_ignore_ascii_case(created_by))
    }

    /// Our record behind a correlation id.
    pub(super) fn entity<'a>(&self, correlation: &'a str) -> Option<&'a str> {
        correlation.strip_prefix(&self.prefix)?.strip_prefix('-')
    }
}

/// One word for changes, or a word for each kind of record.
fn authorities(settings: &mut Settings<'_>) -> Authorities {
    let alone = |changes| Authorities { changes, incidents: None, problems: None, items: None };
    let help = "`sluice`, `servicenow`, or a mapping of `changes`, `incidents`, `problems` and \
                `items` to `native`, `mirrored` or `foreign`";
    let given = match settings.value("authority") {
        None => return alone(Authority::Native),
        Some(Value::String(word)) if word == "sluice" => return alone(Authority::Native),
        Some(Value::String(word)) if word == "servicenow" => return alone(Authority::Foreign),
        Some(Value::Object(given)) => given,
        Some(_) => {
            settings.problem("authority", "`authority` is none of the known words", help);
            return alone(Authority::Native);
        }
    };
    let mut kinds: BTreeMap<&str, Authority> = BTreeMap::new();
    for (kind, word) in given {
        let known = match word.as_str() {
            Some("native") => Some(Authority::Native),
            Some("mirrored") => Some(Authority::Mirrored),
            Some("foreign") => Some(Authority::Foreign),
            _ => None,
        };
        match known.filter(|_| KINDS.contains(&kind.as_str())) {
            Some(authority) => drop(kinds.insert(kind, authority)),
            None => settings.problem("authority", "`authority` has an unknown word", help),
        }
    }
    let of = |kind: &str| kinds.get(kind).copied();
    Authorities {
        changes: of("changes").unwrap_or(Authority::Native),
        incidents: of("incidents"),
        problems: of("problems"),
        items: of("items"),
    }
}

const KINDS: [&str; 4] = ["changes", "incidents", "problems", "items"];

fn account(settings: &mut Settings<'_>, ways: &[(&str, Way)], url: &str) -> Account {
    match settings.choice("auth", ways).unwrap_or(Way::Basic) {
        Way::Basic => account::basic(settings, "password"),
        Way::OAuth => account::client(settings, format!("{url}/oauth_token.do"), TokenForm::Form),
        Way::ApiKey => Account::header("x-sn-apikey", "api_key"),
    }
}

/// Fields that are ours to write are not theirs to set.
const OURS: [&str; 10] = [
    "caused_by",
    "problem_id",
    "correlation_id",
    "correlation_display",
    "state",
    "short_description",
    "description",
    "work_notes",
    "close_code",
    "close_notes",
];

fn fields(settings: &mut Settings<'_>, member: &'static str) -> BTreeMap<String, String> {
    let help = "names of fields with texts, such as `assignment_group: <sys_id>`";
    let mut fields = BTreeMap::new();
    match settings.value(member) {
        None => {}
        Some(Value::Object(members)) => {
            for (name, value) in members {
                let sound =
                    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
                match value.as_str() {
                    Some(text) if sound && !OURS.contains(&name.as_str()) => {
                        fields.insert(name.clone(), text.to_owned());
                    }
                    _ => settings.problem(
                        member,
                        format!("`{member}` sets something that it cannot"),
                        help,
                    ),
                }
            }
        }
        Some(_) => settings.problem(member, format!("`{member}` must be a mapping"), help),
    }
    fields
}
