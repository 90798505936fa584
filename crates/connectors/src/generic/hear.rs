//! Verifying deliveries and applying the mappings.

use serde_json::{Map, Value};
use sluice_core::signal::{Heard, Signal};

use crate::connector::{Hear, Unreadable};
use crate::generic::config::{Config, Verification};
use crate::generic::mapping::{Condition, Mapping, Origin, Source, Test};
use crate::generic::targets::{Takes, common_word};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, commit, is_zero};
use crate::kit::secret::Secret;
use crate::kit::signature::{
    SignatureProblem, Verified, bearer_token, verify_hmac_header, verify_standard_webhooks,
    verify_token,
};
use crate::kit::{repository, time};

/// A configured generic link.
pub(crate) struct GenericLink {
    pub(crate) config: Config,
}

impl Hear for GenericLink {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        match &self.config.verification {
            Verification::Hmac { header, prefix, encoding } => {
                verify_hmac_header(delivery, secrets, header, prefix, *encoding)
            }
            Verification::Bearer => verify_token(secrets, bearer_token(delivery)),
            Verification::TokenHeader { header } => verify_token(secrets, delivery.header(header)),
            Verification::StandardWebhooks => verify_standard_webhooks(delivery, secrets),
        }
    }

    fn delivery_id(&self, delivery: &Delivery) -> Option<String> {
        let id = match (&self.config.delivery_id, &self.config.verification) {
            (Some(Origin::Header(name)), _) => delivery.header(name).map(str::to_owned),
            (Some(Origin::Path(path)), _) => {
                check(&delivery.body, &Limits::HOOK).ok()?;
                let body: Value = serde_json::from_slice(&delivery.body).ok()?;
                text_of(path.find(&body)?)
            }
            (None, Verification::StandardWebhooks) => {
                delivery.header("webhook-id").map(str::to_owned)
            }
            (None, _) => None,
        };
        id.filter(|id| !id.is_empty() && id.len() <= 512)
    }

    fn proven_id(&self, delivery: &Delivery) -> Option<String> {
        match self.config.verification {
            Verification::StandardWebhooks => delivery.id_in("webhook-id"),
            Verification::Bearer | Verification::TokenHeader { .. } => self.delivery_id(delivery),
            Verification::Hmac { .. } => None,
        }
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }
}

impl GenericLink {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        check(&delivery.body, &Limits::HOOK)?;
        let body: Value = serde_json::from_slice(&delivery.body)
            .map_err(|_| unreadable("not_json", "the body is not JSON"))?;
        let given = Given { delivery, body: &body, realm: &self.config.realm };
        let signals: Vec<Signal> = self
            .config
            .mappings
            .iter()
            .filter(|mapping| mapping.when.iter().all(|condition| given.holds(condition)))
            .map(|mapping| given.signal(mapping))
            .collect::<Result<_, _>>()?;
        if signals.is_empty() {
            return Err(ignored("no_mapping", "the conditions of no mapping hold"));
        }
        Ok(signals)
    }
}

/// A delivery, ready to be asked for values.
struct Given<'a> {
    delivery: &'a Delivery,
    body: &'a Value,
    realm: &'a str,
}

impl Given<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        let value = self.value(&condition.of);
        match (&condition.test, value) {
            (Test::Exists(wanted), value) => value.is_some() == *wanted,
            (Test::OneOf(wanted), Some(value)) => wanted.contains(&value),
            (Test::StartsWith(prefix), Some(Value::String(text))) => text.starts_with(prefix),
            (Test::OneOf(_) | Test::StartsWith(_), _) => false,
        }
    }

    fn value(&self, origin: &Origin) -> Option<Value> {
        match origin {
            Origin::Path(path) => path.find(self.body).cloned(),
            Origin::Header(name) => {
                self.delivery.header(name).map(|text| Value::String(text.to_owned()))
            }
        }
    }

    /// Fills the members of a signal in, as its JSON form has them, and reads that.
    fn signal(&self, mapping: &Mapping) -> Result<Signal, Halt> {
        let mut members = Map::new();
        members.insert("signal".to_owned(), Value::String(mapping.signal.clone()));
        for (name, value) in empty_members(&mapping.signal) {
            members.insert((*name).to_owned(), value.clone());
        }
        for (field, takes, required, source) in &mapping.fields {
            match self.field(field, *takes, source)? {
                Some(value) => insert(&mut members, field, value),
                None if *required => {
                    let reason = format!("nothing was found for the field `{field}`");
                    return Err(unreadable("field_missing", reason));
                }
                None => {}
            }
        }
        drop_incomplete_run(&mut members);
        serde_json::from_value(Value::Object(members)).map_err(|_| {
            let reason = format!("the values do not make a `{}`", mapping.signal);
            unreadable("unexpected_shape", reason)
        })
    }

    fn field(&self, field: &str, takes: Takes, source: &Source) -> Result<Option<Value>, Halt> {
        let text = match source {
            Source::Value(value) => text_of(value),
            Source::From { of, words, default } => {
                let found = match self.value(of) {
                    Some(value) => Some(text_of(&value).ok_or_else(|| {
                        let reason = format!("the value for `{field}` is a list or an object");
                        unreadable("unexpected_shape", reason)
                    })?),
                    None => None,
                };
                let found = found.map(|text| words.get(&text).cloned().unwrap_or(text));
                found.filter(|text| !text.trim().is_empty()).or_else(|| default.clone())
            }
        };
        let Some(text) = text else { return Ok(None) };
        converted(text.trim(), takes, self.realm).map_err(|reason| {
            unreadable("unexpected_shape", format!("the value for `{field}` is not {reason}"))
        })
    }
}

/// The text of a plain value.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The JSON form of a text for a member, or what it should have been.
fn converted(given: &str, takes: Takes, realm: &str) -> Result<Option<Value>, &'static str> {
    let value = match takes {
        Takes::Text => Value::String(given.to_owned()),
        Takes::Repository => Value::String(
            repository::from_address(given)
                .unwrap_or_else(|| given.trim_matches('/').to_lowercase()),
        ),
        Takes::Account if given.contains(':') => Value::String(given.to_lowercase()),
        Takes::Account => Value::String(format!("{realm}:{}", given.to_lowercase())),
        Takes::Commit if is_zero(given) => return Ok(None),
        Takes::Commit => {
            Value::String(commit(Some(given)).ok_or("a full commit id")?.as_str().to_owned())
        }
        Takes::Digest => Value::String(given.to_ascii_lowercase()),
        Takes::Outcome | Takes::State => {
            Value::String(common_word(takes, given).ok_or("one of the known words")?.to_owned())
        }
        Takes::Time => Value::String(time::read(given).ok_or("a time")?.to_string()),
        Takes::Flag => Value::Bool(given.parse().map_err(|_| "true or false")?),
        Takes::Number => Value::from(given.parse::<u32>().map_err(|_| "a whole number")?),
    };
    Ok(Some(value))
}

/// Members that a signal must have and that a mapping may leave out.
fn empty_members(signal: &str) -> Vec<(&'static str, Value)> {
    let nobody = || Value::Object(Map::new());
    match signal {
        "commits_pushed" => vec![
            ("commits", Value::Array(Vec::new())),
            ("forced", Value::Bool(false)),
            ("pusher", nobody()),
        ],
        "proposal_merged" => vec![("author", nobody())],
        "proposal_updated" => vec![("actor", nobody())],
        "noted" => vec![("values", nobody())],
        _ => Vec::new(),
    }
}

/// Puts `actor.account` into the member `account` of the member `actor`.
fn insert(members: &mut Map<String, Value>, field: &str, value: Value) {
    let Some((outer, inner)) = field.split_once('.') else {
        members.insert(field.to_owned(), value);
        return;
    };
    let outer = members.entry(outer).or_insert_with(|| Value::Object(Map::new()));
    if let Some(outer) = outer.as_object_mut() {
        outer.insert(inner.to_owned(), value);
    }
}

/// A run without system or id is none.
fn drop_incomplete_run(members: &mut Map<String, Value>) {
    let complete = members.get("run").is_none_or(|run| {
        ["system", "id"].iter().all(|member| run.get(member).is_some_and(Value::is_string))
    });
    if !complete {
        members.remove("run");
    }
}
