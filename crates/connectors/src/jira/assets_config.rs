//! Settings of a link to Assets.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_core::link::Authority;

use super::config::{Product, account};
use crate::connector::Problem;
use crate::kit::account::Account;
use crate::kit::settings::Settings;
use crate::kit::text::is_number;
use crate::tell::{Ask, Outlet, Pace, Verb};

/// What an object can say of a service beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Title,
    Owner,
    Tier,
}

const PARTS: [Part; 3] = [Part::Title, Part::Owner, Part::Tier];

impl Part {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Owner => "owner",
            Self::Tier => "tier",
        }
    }
}

/// Checked settings.
pub(super) struct Config {
    /// Base address of the workspace.
    pub(super) base: String,
    pub(super) account: Account,
    /// Id of the object type.
    pub(super) object_type: String,
    /// Name of the attribute that has our key.
    pub(super) key: String,
    /// Names of the attributes that say more.
    pub(super) attributes: BTreeMap<Part, String>,
    /// Who has the last word on what objects say.
    pub(super) authority: Authority,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        let url = settings.base_url("url", Some("https://api.atlassian.com"));
        let account = account(&mut settings, Product::Cloud, &url);
        let help = "the workspace's id, from `/rest/servicedeskapi/assets/workspace` of the site";
        let workspace = settings.needed("workspace", help);
        let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if workspace.len() > 64 || !workspace.bytes().all(sound) {
            settings.problem("workspace", "`workspace` is not the id of a workspace", help);
        }
        let help = "the number of the object type that services are, as in its address";
        let object_type = settings.needed("object_type", help);
        if !object_type.is_empty() && !is_number(&object_type) {
            settings.problem("object_type", "`object_type` is not a number", help);
        }
        let help = "the name of the attribute that has the service's name, such as `Sluice key`";
        let key = settings.text("key", help).unwrap_or_else(|| "Name".to_owned());
        if !is_name(&key) {
            settings.problem("key", "`key` is not the name of an attribute", help);
        }
        let attributes = attributes(&mut settings);
        let words = [
            ("foreign", Authority::Foreign),
            ("mirrored", Authority::Mirrored),
            ("native", Authority::Native),
        ];
        let authority = settings.choice("authority", &words).unwrap_or(Authority::Foreign);
        let urls = [url.clone()].into_iter().chain(account.tokens().map(str::to_owned));
        let outlet = Outlet { urls: urls.collect(), networks: settings.networks() };
        let pace = Pace {
            per_minute: settings.number("per_minute", 300, (1, 1_000)),
            settle_s: settings.number("settle_s", 60, (10, 3_600)),
        };
        let problems = settings.finish();
        let base = format!("{url}/jsm/assets/workspace/{workspace}/v1");
        let config = Self { base, account, object_type, key, attributes, authority, outlet, pace };
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Asks which attributes the object type has.
    pub(super) fn attributes_of_type(&self) -> Ask {
        let url = format!("{}/objecttype/{}/attributes", self.base, self.object_type);
        Ask::new("attributes", Verb::Get, url).header("accept", "application/json")
    }

    /// Searches for the objects of a key. Searches are sent by `POST`.
    pub(super) fn search(&self, key: &str) -> Ask {
        let query = format!("objectTypeId = {} AND \"{}\" = \"{key}\"", self.object_type, self.key);
        let url =
            format!("{}/object/aql?startAt=0&maxResults=50&includeAttributes=true", self.base);
        let ask = Ask::new("search", Verb::Post, url).header("accept", "application/json");
        ask.json(&json!({ "qlQuery": query })).only_reads()
    }

    /// Asks for an object.
    pub(super) fn object(&self, step: &'static str, id: &str) -> Ask {
        let url = format!("{}/object/{id}", self.base);
        Ask::new(step, Verb::Get, url).header("accept", "application/json")
    }

    /// Alters an object.
    pub(super) fn put(&self, step: &'static str, id: &str) -> Ask {
        let url = format!("{}/object/{id}", self.base);
        Ask::new(step, Verb::Put, url).header("accept", "application/json")
    }
}

/// It is written into a search, between quotes.
fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && !name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'))
}

fn attributes(settings: &mut Settings<'_>) -> BTreeMap<Part, String> {
    let help = "`title`, `owner` and `tier`, each with the name of an attribute over there";
    let mut attributes = BTreeMap::new();
    for (word, name) in settings.texts("attributes", help) {
        match PARTS.into_iter().find(|part| part.as_str() == word).filter(|_| is_name(&name)) {
            Some(part) => drop(attributes.insert(part, name)),
            None => settings.problem("attributes", "`attributes` has something else", help),
        }
    }
    attributes
}
