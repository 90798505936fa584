//! The corpus: no address in it is connected to, and each is refused for its reason.

use sluice_outbound::{Failure, Method, Net, Reach, Request};
use url::Url;

use crate::world::{Fake, corpus_names};

struct Case {
    line: usize,
    reason: &'static str,
    url: String,
}

#[tokio::test]
async fn no_hostile_address_is_reached_by_a_link_that_lists_one_host() {
    let (client, seen) = Fake::new(corpus_names()).client();
    let reach = Reach::new().host("itsm.example").unwrap();
    for case in corpus() {
        let outcome = client.send(&reach, Request::new(Method::Get, &case.url)).await;
        assert!(matches!(outcome, Err(Failure::Blocked(_))), "line {}: {outcome:?}", case.line);
    }
    assert!(seen.lock().unwrap().connected.is_empty());
}

#[tokio::test]
async fn no_hostile_address_is_reached_by_a_link_that_lists_every_host() {
    let (client, seen) = Fake::new(corpus_names()).client();
    let mut wrong = Vec::new();
    for case in corpus() {
        let reach = listing_it(&case);
        let outcome = client.send(&reach, Request::new(Method::Get, &case.url)).await;
        let told = match outcome {
            Err(Failure::Blocked(why)) => why.code().to_owned(),
            other => format!("{other:?}"),
        };
        if told != case.reason {
            wrong.push(format!("line {}: {} {}: {told}", case.line, case.reason, case.url));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.lock().unwrap().connected.is_empty());
}

#[test]
fn the_corpus_is_large() {
    assert!(corpus().len() >= 400);
}

/// A link whose author wanted it to reach the address: its host is listed for both schemes, unless
/// that is what the case is about.
fn listing_it(case: &Case) -> Reach {
    let mut reach = Reach::new().host("itsm.example").unwrap();
    let parsed = Url::parse(&case.url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default();
    if case.reason != "host" {
        reach = reach.clone().host(host).unwrap_or(reach);
        if case.reason != "scheme" {
            reach = reach.clone().plain_host(host).unwrap_or(reach);
        }
    }
    reach
}

fn corpus() -> Vec<Case> {
    let lines = (1..).zip(include_str!("corpus/urls.txt").lines());
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| {
            let (reason, url) = text.split_once('\t').unwrap();
            Case { line, reason, url: unescaped(url) }
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('\\') {
            plain.push('\\');
            rest = after;
        } else {
            let (digits, after) = after.strip_prefix("u{").unwrap().split_once('}').unwrap();
            plain.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
            rest = after;
        }
    }
    plain + rest
}
