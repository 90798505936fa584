//! Configuration of a generic link.

use serde_json::Value;

use crate::connector::Problem;
use crate::generic::mapping::{MAPPINGS, Mapping, Origin, origin};
use crate::kit::settings::Settings;
use crate::kit::signature::Encoding;

/// A checked configuration.
pub(crate) struct Config {
    /// Names of the link's secrets.
    pub(crate) secrets: Vec<String>,
    /// How deliveries are proved.
    pub(crate) verification: Verification,
    /// Where the sender's id of a delivery stands.
    pub(crate) delivery_id: Option<Origin>,
    /// What is put before `:` in account names that have none.
    pub(crate) realm: String,
    /// Every mapping whose conditions hold makes a signal.
    pub(crate) mappings: Vec<Mapping>,
}

/// How the sender proves that it knows the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verification {
    /// An HMAC of the body in a header.
    Hmac { header: String, prefix: String, encoding: Encoding },
    /// `Authorization: Bearer`.
    Bearer,
    /// The secret itself in a header.
    TokenHeader { header: String },
    /// Standard Webhooks.
    StandardWebhooks,
}

#[derive(Clone, Copy)]
enum Scheme {
    Hmac,
    Bearer,
    TokenHeader,
    StandardWebhooks,
}

impl Config {
    /// Reads a configuration and names all its problems.
    pub(crate) fn read(configuration: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(configuration, "");
        let secrets = settings.secrets();
        let realm = settings.realm("generic");
        let verification = verification(&mut settings);
        let delivery_id = delivery_id(&mut settings);
        let mappings = mappings(&mut settings);
        let problems = settings.finish();
        match verification {
            Some(verification) if problems.is_empty() => {
                Ok(Self { secrets, verification, delivery_id, realm, mappings })
            }
            _ => Err(problems),
        }
    }
}

fn verification(settings: &mut Settings<'_>) -> Option<Verification> {
    let Some(given) = settings.value("verification") else {
        let help = "`{ scheme: hmac_sha256, header: X-Signature-256, prefix: sha256=, encoding: hex }` or another scheme";
        settings.problem("verification", "`verification` is missing", help);
        return None;
    };
    let mut inner = Settings::of(given, "/verification");
    let schemes = [
        ("hmac_sha256", Scheme::Hmac),
        ("bearer", Scheme::Bearer),
        ("token_header", Scheme::TokenHeader),
        ("standard_webhooks", Scheme::StandardWebhooks),
    ];
    let verification = match inner.choice("scheme", &schemes) {
        Some(Scheme::Hmac) => header(&mut inner).map(|header| Verification::Hmac {
            header,
            prefix: inner.text("prefix", "what stands before the signature").unwrap_or_default(),
            encoding: inner
                .choice("encoding", &[("hex", Encoding::Hex), ("base64", Encoding::Base64)])
                .unwrap_or(Encoding::Hex),
        }),
        Some(Scheme::TokenHeader) => {
            header(&mut inner).map(|header| Verification::TokenHeader { header })
        }
        Some(Scheme::Bearer) => Some(Verification::Bearer),
        Some(Scheme::StandardWebhooks) => Some(Verification::StandardWebhooks),
        None => None,
    };
    settings.absorb(inner.finish());
    verification
}

fn header(settings: &mut Settings<'_>) -> Option<String> {
    let help = "the name of the header that carries it, such as `X-Signature-256`";
    let header = settings.text("header", help);
    if header.is_none() {
        settings.problem("header", "`header` is missing", help);
    }
    header.map(|header| header.to_ascii_lowercase())
}

fn delivery_id(settings: &mut Settings<'_>) -> Option<Origin> {
    let given = settings.value("delivery_id")?;
    let mut inner = Settings::of(given, "/delivery_id");
    let origin = origin(&mut inner);
    settings.absorb(inner.finish());
    origin
}

fn mappings(settings: &mut Settings<'_>) -> Vec<Mapping> {
    let given = settings.value("mappings").and_then(Value::as_array);
    let Some(given) = given.filter(|given| (1..=MAPPINGS).contains(&given.len())) else {
        let help = format!("1 to {MAPPINGS} of `{{ when: [...], signal: ..., fields: {{...}} }}`");
        settings.problem("mappings", "`mappings` must be a list of mappings", help);
        return Vec::new();
    };
    let mut mappings = Vec::new();
    for (index, mapping) in given.iter().enumerate() {
        match Mapping::read(mapping, format!("/mappings/{index}")) {
            Ok(mapping) => mappings.push(mapping),
            Err(problems) => settings.absorb(problems),
        }
    }
    mappings
}
