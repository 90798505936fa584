//! Settings of a Jira link; hearing and telling read the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sluice_core::change::{ChangeKind, ChangeOutcome, ChangeState};

use crate::connector::Problem;
use crate::kit::account::{self, Account, TokenForm};
use crate::kit::settings::Settings;
use crate::kit::text::is_number;
use crate::tell::{Outlet, Pace};

/// Where Atlassian gives out tokens.
const ATLASSIAN_TOKENS: &str = "https://auth.atlassian.com/oauth/token";

/// Checked settings.
pub(super) struct Config {
    /// Base address: the site, the gateway with the cloud's id, or a Data Center.
    pub(super) url: String,
    pub(super) product: Product,
    pub(super) account: Account,
    /// Key of the project.
    pub(super) project: String,
    pub(super) shape: Shape,
    pub(super) statuses: Statuses,
    /// Whether Jira says when a change is authorized.
    pub(super) theirs: bool,
    /// What stands before our number in the label.
    pub(super) prefix: String,
    /// Further fields of a new record.
    pub(super) fields: Map<String, Value>,
    /// Whether comments are for agents only.
    pub(super) internal: bool,
    /// Names of the webhook's secrets.
    pub(super) secrets: Vec<String>,
    pub(super) verification: Verification,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

/// Which Jira.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    /// REST version 3, documents as ADF.
    Cloud,
    /// REST version 2, documents as wiki text.
    DataCenter,
}

/// What a record is over there.
pub(super) enum Shape {
    /// An issue, of a type for each type of change.
    Issue(BTreeMap<String, String>),
    /// A request of a service desk.
    Request { desk: String, request_type: String },
}

/// How a webhook is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verification {
    /// `X-Hub-Signature: sha256=...` over the body.
    Signature,
    /// The secret itself, in `X-Sluice-Token`: rules of Automation sign nothing.
    Token,
}

#[derive(Clone, Copy)]
enum Way {
    ApiToken,
    Bearer,
    OAuth,
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
        let mut settings = Settings::of(&Value::Null, "");
        Self { statuses: Statuses::our_words(), ..Self::read(&mut settings) }
    }

    fn read(settings: &mut Settings<'_>) -> Self {
        let url = settings.base_url("url", None);
        let products = [("cloud", Product::Cloud), ("data_center", Product::DataCenter)];
        let product = settings.choice("product", &products).unwrap_or(Product::Cloud);
        let account = account(settings, product, &url);
        let project = project(settings);
        let shape = shape(settings, product);
        let statuses = Statuses::read(settings);
        let theirs =
            settings.choice("authority", &[("sluice", false), ("jira", true)]).unwrap_or(false);
        if theirs && statuses.hide_the_yes() {
            let message = "`statuses` has one status before and after `authorize`, so that nobody could say yes there";
            let help = "give what comes after `authorize` a status of its own, or leave `authority` to `sluice`";
            settings.problem("statuses", message, help);
        }
        let prefix = settings.short_word("correlation_prefix", "sluice");
        let fields = fields(settings);
        let internal = settings.flag("internal_comments", matches!(shape, Shape::Request { .. }));
        let ways = [("signature", Verification::Signature), ("token", Verification::Token)];
        let verification =
            settings.choice("verification", &ways).unwrap_or(Verification::Signature);
        let urls = [url.clone()].into_iter().chain(account.tokens().map(str::to_owned));
        let outlet = Outlet { urls: urls.collect(), networks: settings.networks() };
        let pace = Pace {
            per_minute: settings.number("per_minute", 300, (1, 6_000)),
            settle_s: settings.number("settle_s", 60, (10, 3_600)),
        };
        Self {
            url,
            product,
            account,
            project,
            shape,
            statuses,
            theirs,
            prefix,
            fields,
            internal,
            secrets: Vec::new(),
            verification,
            outlet,
            pace,
        }
    }

    /// The label of one of our records.
    pub(super) fn label(&self, entity: &str) -> String {
        format!("{}-{entity}", self.prefix)
    }

    /// Our record behind a label.
    pub(super) fn entity<'a>(&self, label: &'a str) -> Option<&'a str> {
        label
            .strip_prefix(&self.prefix)?
            .strip_prefix('-')
            .filter(|entity| entity.starts_with("CHG"))
    }
}

pub(super) fn account(settings: &mut Settings<'_>, product: Product, url: &str) -> Account {
    let ways = [("api_token", Way::ApiToken), ("bearer", Way::Bearer), ("oauth", Way::OAuth)];
    match settings.choice("auth", &ways).unwrap_or(Way::ApiToken) {
        Way::ApiToken => account::basic(settings, "api_token"),
        Way::Bearer => Account::bearer("api_token"),
        Way::OAuth => {
            let (tokens, form) = match product {
                Product::Cloud => {
                    let form = TokenForm::Json { audience: "api.atlassian.com" };
                    (settings.base_url("token_url", Some(ATLASSIAN_TOKENS)), form)
                }
                Product::DataCenter => (format!("{url}/rest/oauth2/latest/token"), TokenForm::Form),
            };
            account::client(settings, tokens, form)
        }
    }
}

fn project(settings: &mut Settings<'_>) -> String {
    let help = "the key of the project, such as `CHG`";
    let project = settings.needed("project", help);
    let sound = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if project.len() > 64 || !project.bytes().all(sound) {
        settings.problem("project", "`project` is not the key of a project", help);
    }
    project
}

fn shape(settings: &mut Settings<'_>, product: Product) -> Shape {
    let help = "`{id: \"4\", request_type: \"21\"}`, the numbers in the addresses of the portal";
    let desk = settings.texts("service_desk", help);
    if !desk.is_empty() {
        let number = |name: &str| desk.get(name).filter(|id| is_number(id)).cloned();
        let known = desk.keys().all(|key| key == "id" || key == "request_type");
        if let (Some(desk), Some(request_type), true) =
            (number("id"), number("request_type"), known)
        {
            if product == Product::DataCenter {
                let message = "requests are made in the cloud only; a Data Center gets issues";
                settings.problem("service_desk", message, "leave `service_desk` out");
            }
            return Shape::Request { desk, request_type };
        }
        settings.problem("service_desk", "`service_desk` is not a desk and a request type", help);
    }
    let mut types =
        settings.texts("issue_types", "`standard`, `normal`, `emergency`, each with a name");
    if types.keys().any(|kind| !["standard", "normal", "emergency"].contains(&kind.as_str())) {
        settings.problem(
            "issue_types",
            "`issue_types` names no type of change",
            "`standard`, `normal` or `emergency`",
        );
    }
    let usual = settings.text("issue_type", "the name of an issue type").unwrap_or("Change".into());
    for kind in [ChangeKind::Standard, ChangeKind::Normal, ChangeKind::Emergency] {
        types.entry(kind.as_str().to_owned()).or_insert_with(|| usual.clone());
    }
    Shape::Issue(types)
}

/// Fields that are ours to write are not theirs to set.
const OURS: [&str; 6] = ["project", "issuetype", "summary", "description", "labels", "status"];

fn fields(settings: &mut Settings<'_>) -> Map<String, Value> {
    let help = "names of fields with their values, such as `customfield_10010: {id: \"10201\"}`";
    match settings.value("fields") {
        None => Map::new(),
        Some(Value::Object(members))
            if !members.keys().any(|name| OURS.contains(&name.as_str())) =>
        {
            members.clone()
        }
        Some(_) => {
            settings.problem("fields", "`fields` sets something that it cannot", help);
            Map::new()
        }
    }
}

/// Our states and their statuses.
pub(super) struct Statuses {
    named: BTreeMap<ChangeState, String>,
    unsuccessful: Option<String>,
}

/// Whether two names are of the same status: case says nothing.
pub(super) fn is_same(name: &str, other: &str) -> bool {
    name.to_lowercase() == other.to_lowercase()
}

/// Every state with its word.
const STATES: [ChangeState; 8] = [
    ChangeState::New,
    ChangeState::Assess,
    ChangeState::Authorize,
    ChangeState::Scheduled,
    ChangeState::Implement,
    ChangeState::Review,
    ChangeState::Closed,
    ChangeState::Canceled,
];

impl Statuses {
    fn read(settings: &mut Settings<'_>) -> Self {
        let help = "our states and their statuses, such as `new: Open`; `new`, `closed` and `canceled` are needed";
        let given = settings.texts("statuses", help);
        let mut statuses = Self { named: BTreeMap::new(), unsuccessful: None };
        for (word, name) in given {
            match STATES.into_iter().find(|state| state.as_str() == word) {
                Some(state) => drop(statuses.named.insert(state, name)),
                None if word == "unsuccessful" => statuses.unsuccessful = Some(name),
                None => settings.problem("statuses", "`statuses` names no state of ours", help),
            }
        }
        let needed = [ChangeState::New, ChangeState::Closed, ChangeState::Canceled];
        if needed.iter().any(|state| !statuses.named.contains_key(state)) {
            settings.problem("statuses", "`statuses` does not say enough", help);
        }
        statuses
    }

    /// Whether a status stands for a change that waits for its approval and for one that has it.
    fn hide_the_yes(&self) -> bool {
        let (before, after): (Vec<_>, Vec<_>) =
            self.named.iter().partition(|(state, _)| **state <= ChangeState::Authorize);
        before.iter().any(|(_, name)| after.iter().any(|(_, other)| is_same(name, other)))
    }

    fn our_words() -> Self {
        let named = STATES.into_iter().map(|state| (state, state.as_str().to_owned())).collect();
        Self { named, unsuccessful: None }
    }

    /// Our state behind a status. Of several that it stands for it is the first: nothing is said that is not sure.
    pub(super) fn state_of(&self, status: &str) -> Option<ChangeState> {
        let same = |name: &str| is_same(name, status);
        if self.unsuccessful.as_deref().is_some_and(same) {
            return Some(ChangeState::Closed);
        }
        self.named.iter().find(|(_, name)| same(name)).map(|(state, _)| *state)
    }

    /// Their status for a state.
    pub(super) fn of(&self, state: ChangeState, outcome: Option<ChangeOutcome>) -> Option<&str> {
        let failed =
            matches!(outcome, Some(ChangeOutcome::Unsuccessful | ChangeOutcome::RolledBack));
        let unsuccessful = self.unsuccessful.as_deref();
        match (state, unsuccessful) {
            (ChangeState::Closed, Some(unsuccessful)) if failed => Some(unsuccessful),
            _ => self.named.get(&state).map(String::as_str),
        }
    }

    /// The states that have a status of their own, without `canceled`, in order.
    pub(super) fn path(&self) -> Vec<ChangeState> {
        self.named.keys().copied().filter(|state| *state != ChangeState::Canceled).collect()
    }
}
