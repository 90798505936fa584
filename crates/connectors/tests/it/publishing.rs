//! What is published is valid by the published schemas, linked, and signed so that our own ears believe it.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_connectors::tell::{Ask, Credentials, Step, Talk, Telling};
use sluice_connectors::{Delivery, Secret, find_teller};
use sluice_core::effect::Effect;

use crate::cdevents_schemas::{read, registry};
use crate::support::{link_with, now, shared};
use crate::telling::{effects, example, people, session};

const KEY: &[u8] = b"a signing key of 24 bytes";

fn secret() -> String {
    format!("whsec_{}", data_encoding::BASE64.encode(KEY))
}

fn published(telling: &Telling, effect: &Effect, opened: Option<&str>) -> Ask {
    let known: BTreeMap<String, String> =
        opened.map(|id| ("opened".to_owned(), id.to_owned())).into_iter().collect();
    let credentials = Credentials::new([("signing_secret".to_owned(), Secret::new(secret()))]);
    let step = telling.tell(&Talk {
        effect,
        so_far: &[],
        session: &session(),
        credentials: &credentials,
        linked: &BTreeMap::new(),
        known: &known,
        attempt: 1,
        now: now(),
        public_url: Some("https://sluice.example"),
        late: false,
        comparing: false,
        people: &people(),
        along: &[],
        waits: None,
    });
    match step {
        Step::Send(ask) => ask,
        other => panic!("{other:?}"),
    }
}

fn event_of(ask: &Ask) -> Value {
    let (_, body) = ask.body.as_ref().expect("a body");
    let whole: Value = serde_json::from_slice(body).expect("JSON");
    whole["data"].clone()
}

#[test]
fn every_event_is_valid_by_its_published_schema() {
    let Some(folder) = shared("cdevents") else { return };
    let registry = registry(&folder.join("schemas"));
    let telling = example(find_teller("cdevents").expect("a teller"));
    let mut kinds = Vec::new();
    for effect in effects() {
        let event = event_of(&published(&telling, &effect, Some("sluice-1:change.opened")));
        let kind = event["context"]["type"].as_str().expect("a type").to_owned();
        let path = match kind.starts_with("dev.cdeventsx.") {
            true => folder.join("custom/schema.json"),
            false => {
                let name: String = kind.split('.').skip(2).take(2).collect();
                folder.join("schemas").join(format!("{name}.json"))
            }
        };
        let schema = read(&path);
        let validator = jsonschema::options()
            .with_registry(&registry)
            .offline()
            .build(&schema)
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let errors: Vec<String> =
            validator.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{kind}: {errors:?} {event:#}");
        kinds.push(kind);
    }
    for wanted in [
        "dev.cdevents.ticket.created.0.2.0",
        "dev.cdevents.ticket.closed.0.2.0",
        "dev.cdevents.service.deployed.0.3.0",
        "dev.cdevents.incident.detected.0.3.0",
        "dev.cdeventsx.sluice-gate.decided.0.1.0",
    ] {
        assert!(kinds.iter().any(|kind| kind == wanted), "{wanted}: {kinds:?}");
    }
}

#[test]
fn events_of_one_change_are_a_chain_and_linked_to_the_one_that_opened_it() {
    let telling = example(find_teller("cdevents").expect("a teller"));
    for effect in effects().into_iter().filter(|effect| effect.change.is_some()) {
        let event = event_of(&published(&telling, &effect, Some("sluice-1:change.opened")));
        let context = &event["context"];
        assert_eq!(context["chainId"], "https://sluice.acme.example/changes/CHG0000042");
        let link = context["links"][0].to_string();
        assert!(link.contains("sluice-1:change.opened"), "{link}");
    }
}

#[test]
fn what_is_published_is_heard_again_and_its_signature_holds() {
    let link = link_with("cdevents", &[("verification", "signature".into())]);
    for mode in ["structured", "binary"] {
        let settings = serde_json::json!({
            "sink": { "url": "https://events.acme.example/in", "mode": mode },
        });
        let telling = find_teller("cdevents").expect("a teller").configure(&settings);
        let telling = telling.unwrap_or_else(|problems| panic!("{problems:?}"));
        for effect in effects() {
            let ask = published(&telling, &effect, None);
            let (media_type, body) = ask.body.clone().expect("a body");
            let mut delivery =
                Delivery::of_body(body, now()).with_header("content-type", media_type);
            for (name, value) in ask.headers.iter().chain(&ask.secret_headers) {
                delivery = delivery.with_header(name, value);
            }
            let verified = link.verify(&delivery, &[Secret::new(secret())]);
            assert!(verified.is_ok(), "{mode} {:?}: {verified:?}", effect.tell);
            assert!(link.hear(&delivery).is_ok(), "{mode} {:?}", effect.tell);
            assert!(!format!("{ask:?}").contains("v1,"), "the signature is not shown");
        }
    }
}
