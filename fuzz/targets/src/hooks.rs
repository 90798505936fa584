//! Deliveries: signatures, strict JSON, and what each connector makes of a body.
//!
//! An input is like a request: lines of headers, an empty line, the body.

use jiff::Timestamp;
use sluice_connectors::kit::{limits, strict_json as strict};
use sluice_connectors::{Delivery, Secret, find, registry};
use sluice_core::signal::Heard;

/// The most headers that are read from an input.
const HEADERS: usize = 20;

/// Bodies of github deliveries.
pub fn hook_github(data: &[u8]) {
    hear("github", data);
}

/// Bodies of gitlab deliveries.
pub fn hook_gitlab(data: &[u8]) {
    hear("gitlab", data);
}

/// Bodies of jenkins deliveries.
pub fn hook_jenkins(data: &[u8]) {
    hear("jenkins", data);
}

/// Bodies of cdevents deliveries.
pub fn hook_cdevents(data: &[u8]) {
    hear("cdevents", data);
}

/// Bodies of generic deliveries.
pub fn hook_generic(data: &[u8]) {
    hear("generic", data);
}

/// Nobody who does not know the secret is believed, whatever the headers say.
pub fn signature(data: &[u8]) {
    let delivery = delivery(data);
    let secrets = [Secret::new("2f0c1be5c1f95ca3a1c1e0d0a3a7b9d4"), Secret::new("7d1f6a9e0b")];
    for connector in registry() {
        let example = serde_json::from_str(connector.example()).expect("the example is JSON");
        let link = connector.configure(&example).expect("the example configures");
        assert!(link.verify(&delivery, &secrets).is_err(), "{} was fooled", connector.kind());
        assert!(link.verify(&delivery, &[]).is_err(), "{} needs no secret", connector.kind());
        let _ = connector.offline().verify(&delivery, &secrets);
    }
}

/// What the strict reader takes is JSON.
pub fn strict_json(data: &[u8]) {
    for limits in [limits::Limits::API, limits::Limits::HOOK] {
        if strict::check(data, &limits).is_ok() {
            let read: Result<serde_json::Value, _> = serde_json::from_slice(data);
            assert!(read.is_ok(), "taken, though it is no JSON: {read:?}");
        }
    }
}

fn hear(kind: &str, data: &[u8]) {
    let delivery = delivery(data);
    let connector = find(kind).expect("the connector exists");
    let example = serde_json::from_str(connector.example()).expect("the example is JSON");
    let configured = connector.configure(&example).expect("the example configures");
    for link in [configured, connector.offline()] {
        let _ = link.delivery_id(&delivery);
        let heard = link.hear(&delivery);
        assert_eq!(
            format!("{heard:?}"),
            format!("{:?}", link.hear(&delivery)),
            "the same delivery means the same"
        );
        if let Ok(Heard::Signals { signals }) = heard {
            assert!(signals.len() <= limits::SIGNALS_PER_DELIVERY, "too many signals");
            serde_json::to_vec(&signals).expect("signals are JSON");
        }
    }
}

fn delivery(data: &[u8]) -> Delivery {
    let split = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match split {
        Some(at) => (data.get(..at).unwrap_or_default(), data.get(at + 2..).unwrap_or_default()),
        None => (&[][..], data),
    };
    let received_at = Timestamp::from_second(1_790_000_000).expect("a time");
    let mut delivery = Delivery::of_body(body.to_vec(), received_at);
    for line in String::from_utf8_lossy(head).lines().take(HEADERS) {
        match line.split_once(':') {
            Some(("?", query)) => delivery.query = Some(query.trim().to_owned()),
            Some((name, value)) => delivery = delivery.with_header(name.trim(), value.trim()),
            None => {}
        }
    }
    delivery
}
