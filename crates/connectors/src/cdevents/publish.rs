//! Publishing: what is told goes to any HTTP sink as CloudEvents that hold CDEvents, signed by Standard Webhooks.

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::compose;
use crate::connector::Problem;
use crate::kit::answers::{self, not_understood};
use crate::kit::settings::Settings;
use crate::kit::signature::hmac_sha256;
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Trial,
    Trouble, Verb,
};

/// What stands before the base64 of a signing secret.
const WHSEC: &str = "whsec_";

/// Checked settings.
pub(super) struct Sink {
    url: String,
    /// The source of the events: a URI reference that stands for this installation.
    source: String,
    mode: Mode,
    outlet: Outlet,
    pace: Pace,
}

/// How a CloudEvent travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Structured,
    Binary,
}

impl Sink {
    /// Reads `sink` of a link's settings.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let Some(sink) = value.get("sink") else {
            return Err(vec![Problem {
                path: "/sink".to_owned(),
                message: "`sink` is missing: it says where events go".to_owned(),
                help: "write `sink: {url: https://events.acme.example/in}`".to_owned(),
            }]);
        };
        let mut settings = Settings::of(sink, "/sink");
        let url = settings.base_url("url", None);
        let help = "a URI that stands for this installation, such as `https://sluice.acme.example`";
        let source = settings.text("source", help).unwrap_or_else(|| "/sluice".to_owned());
        if source.contains(char::is_whitespace) || source.len() > 200 {
            settings.problem("source", "`source` is not a URI", help);
        }
        let modes = [("structured", Mode::Structured), ("binary", Mode::Binary)];
        let mode = settings.choice("mode", &modes).unwrap_or(Mode::Structured);
        let outlet = Outlet { urls: vec![url.clone()], networks: settings.networks() };
        let per_minute = settings.number("per_minute", 600, (1, 6_000));
        let problems = settings.finish();
        let sink = Self { url, source, mode, outlet, pace: Pace { per_minute, settle_s: 10 } };
        if problems.is_empty() { Ok(sink) } else { Err(problems) }
    }
}

impl Tell for Sink {
    fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    fn keeps_every_answer(&self) -> bool {
        true
    }

    fn credentials(&self) -> &[&'static str] {
        &["signing_secret"]
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    /// Every request is signed on its own; what shows who we are is the signing secret.
    fn authenticate(&self, _: &[Exchange], with: &Credentials, _: Timestamp) -> Step<Session> {
        match key(with) {
            Some(_) => Step::Done(Session::default()),
            None => Step::Retry(Trouble::new(
                Because::Auth,
                "the signing secret is not there, or not `whsec_` and base64",
            )),
        }
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        let event = compose::event(talk, &self.source);
        if let Some(sent) = talk.so_far.last() {
            return match taken(sent) {
                Ok(()) => Step::Done(compose::remembered(talk)),
                Err(step) => step,
            };
        }
        match self.ask("publish", &event, talk.credentials, talk.now) {
            Some(ask) => Step::Send(ask),
            None => Step::Retry(Trouble::new(Because::Auth, "the signing secret is not there")),
        }
    }

    /// A sink has no request that alters nothing: where events go is looked at with `OPTIONS`'s cousin, a read.
    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => Step::Send(Ask::new("test", Verb::Get, self.url.clone())),
            Some(exchange) => match answers::replied(exchange) {
                // Most sinks take `POST` alone; that somebody answers over a trusted connection is all there is to see.
                Ok(reply) if reply.status < 500 => Step::Done(
                    "the sink answers; whether it believes the signature shows the first event"
                        .to_owned(),
                ),
                Ok(_) => not_understood("the sink failed"),
                Err(step) => step,
            },
        }
    }
}

impl Sink {
    fn ask(
        &self,
        step: &'static str,
        event: &Value,
        with: &Credentials,
        now: Timestamp,
    ) -> Option<Ask> {
        let context = |name: &str| event["context"][name].as_str().unwrap_or_default().to_owned();
        let id = context("id");
        let attributes = [
            ("specversion", "1.0".to_owned()),
            ("id", id.clone()),
            ("source", context("source")),
            ("type", context("type")),
            ("subject", event["subject"]["id"].as_str().unwrap_or_default().to_owned()),
            ("time", context("timestamp")),
        ];
        let mut ask = Ask::new(step, Verb::Post, self.url.clone());
        let (media_type, body) = match self.mode {
            Mode::Structured => {
                let mut whole = json!({ "datacontenttype": "application/json", "data": event });
                for (name, value) in attributes {
                    whole[name] = json!(value);
                }
                ("application/cloudevents+json", whole.to_string())
            }
            Mode::Binary => {
                let names =
                    ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"];
                for (name, (_, value)) in names.into_iter().zip(attributes) {
                    ask = ask.header(name, value);
                }
                ("application/json", event.to_string())
            }
        };
        let at = now.as_second();
        let signed = format!("{id}.{at}.{body}");
        let signature = BASE64.encode(&hmac_sha256(&key(with)?, signed.as_bytes()));
        ask.body = Some((media_type, body.into_bytes()));
        Some(
            ask.header("webhook-id", id)
                .header("webhook-timestamp", at.to_string())
                .secret("webhook-signature", format!("v1,{signature}")),
        )
    }
}

/// Any 2xx is success, and nothing else (Standard Webhooks; CloudEvents web hooks, 2.2). A page is none: whoever shows one
/// is not a sink.
fn taken<T>(sent: &Exchange) -> Result<(), Step<T>> {
    let reply = answers::success(sent)?;
    let page =
        answers::header(reply, "content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if page { Err(not_understood("the answer is a page, not that of a sink")) } else { Ok(()) }
}

fn key(with: &Credentials) -> Option<Vec<u8>> {
    let secret = with.text("signing_secret")?;
    BASE64.decode(secret.strip_prefix(WHSEC)?.as_bytes()).ok().filter(|key| key.len() >= 16)
}
