//! Settings of a ServiceNow link.

use std::collections::BTreeMap;

use serde_json::Value;

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
    /// Who says when a change is authorized.
    pub(super) authority: Authority,
    /// What stands before our number in the correlation id.
    pub(super) prefix: String,
    /// Template of standard changes; without one they are made as normal ones.
    pub(super) standard_template: Option<String>,
    /// Further fields of a new record.
    pub(super) fields: BTreeMap<String, String>,
    /// How blackout and maintenance schedules are read, where they are.
    pub(super) schedules: Option<schedules::Reading>,
    /// Names of the secrets that the business rule signs with.
    pub(super) secrets: Vec<String>,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

/// Who says when a change is authorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    /// Sluice does; the record follows.
    Sluice,
    /// ServiceNow does: the record is never moved from `authorize` to `scheduled` by us.
    ServiceNow,
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
        Self { authority: Authority::ServiceNow, ..Self::read(&mut Settings::of(&Value::Null, "")) }
    }

    fn read(settings: &mut Settings<'_>) -> Self {
        let url = settings.base_url("url", None);
        let ways = [("basic", Way::Basic), ("oauth", Way::OAuth), ("api_key", Way::ApiKey)];
        let account = account(settings, &ways, &url);
        let user = match &account {
            Account::Basic { user, .. } => Some(user.clone()),
            _ => settings.text("user", "the name of the user that the account acts as"),
        };
        let words = [("sluice", Authority::Sluice), ("servicenow", Authority::ServiceNow)];
        let authority = settings.choice("authority", &words).unwrap_or(Authority::Sluice);
        let prefix = settings.short_word("correlation_prefix", "sluice");
        let help = "the sys_id of a record of `std_change_record_producer`, 32 hexadecimal digits";
        let standard_template = settings.text("standard_template", help);
        if standard_template.as_deref().is_some_and(|id| !is_sys_id(id)) {
            settings.problem("standard_template", "`standard_template` is not a sys_id", help);
        }
        let fields = fields(settings);
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

fn account(settings: &mut Settings<'_>, ways: &[(&str, Way)], url: &str) -> Account {
    match settings.choice("auth", ways).unwrap_or(Way::Basic) {
        Way::Basic => account::basic(settings, "password"),
        Way::OAuth => account::client(settings, format!("{url}/oauth_token.do"), TokenForm::Form),
        Way::ApiKey => Account::header("x-sn-apikey", "api_key"),
    }
}

/// Fields that are ours to write are not theirs to set.
const OURS: [&str; 8] = [
    "correlation_id",
    "correlation_display",
    "state",
    "short_description",
    "description",
    "work_notes",
    "close_code",
    "close_notes",
];

fn fields(settings: &mut Settings<'_>) -> BTreeMap<String, String> {
    let help = "names of fields with texts, such as `assignment_group: <sys_id>`";
    let mut fields = BTreeMap::new();
    match settings.value("fields") {
        None => {}
        Some(Value::Object(members)) => {
            for (name, value) in members {
                let sound =
                    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
                match value.as_str() {
                    Some(text) if sound && !OURS.contains(&name.as_str()) => {
                        fields.insert(name.clone(), text.to_owned());
                    }
                    _ => settings.problem("fields", "`fields` sets something that it cannot", help),
                }
            }
        }
        Some(_) => settings.problem("fields", "`fields` must be a mapping", help),
    }
    fields
}
