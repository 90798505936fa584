//! One entry with its receipt, and the page where any receipt is checked.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_engine::envelope::Envelope;

use super::{Head, head};
use crate::api::no_such;
use crate::problem::Problem;
use crate::query::id;
use crate::status;
use crate::web::page::{Looker, page};
use crate::web::shell::{Section, Shell};
use crate::web::visit::{read, time};
use crate::web::{Markup, moment, w};

#[derive(Template)]
#[template(path = "pages/entry.html")]
struct EntryPage {
    shell: Shell,
    index: u64,
    event: String,
    word: String,
    version: u32,
    stream: String,
    stream_version: u64,
    actor: Markup,
    at: Markup,
    leaf: String,
    text: String,
    bytes: String,
    receipt: String,
    head: Head,
    before: Option<u64>,
    after: Option<u64>,
}

pub(crate) async fn show(looker: Looker, Path(index): Path<String>) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let index: u64 = id(&index)?;
        let entry = read(visit.readers().entry(index))?;
        let entry = entry.ok_or_else(|| no_such(format!("entry {index}")))?;
        let receipt = read(visit.readers().receipt(index))?;
        let damaged = |error: serde_json::Error| {
            Problem::of(&status::DAMAGED, "the answer is withheld").logged(error)
        };
        let envelope = Envelope::parse(&entry.bytes).map_err(damaged)?;
        let text = String::from_utf8_lossy(&entry.bytes);
        Ok(EntryPage {
            shell: visit.shell(Section::Audit, w::f("entry.entry", index)),
            index,
            word: w::named("event", &entry.name.replace('.', "_")),
            event: entry.name.clone(),
            version: envelope.version,
            stream: entry.stream.clone(),
            stream_version: entry.version,
            actor: visit.actor(&envelope.actor),
            at: moment::at(time(entry.time_us)),
            leaf: entry.leaf_hash.to_base64(),
            text: indented(&text),
            bytes: STANDARD.encode(&entry.bytes),
            receipt: serde_json::to_string_pretty(&receipt).map_err(damaged)?,
            head: head(visit),
            before: index.checked_sub(1),
            after: Some(index + 1).filter(|next| *next < visit.readers().head().size),
        })
    })
    .await
}

#[derive(Template)]
#[template(path = "pages/check.html")]
struct CheckPage {
    shell: Shell,
    head: Head,
}

/// Where any receipt is checked.
pub(crate) async fn check(looker: Looker) -> Result<Response, Problem> {
    page(looker, |visit| {
        Ok(CheckPage {
            shell: visit.shell(Section::Audit, w::t("entry.check_a_receipt")),
            head: head(visit),
        })
    })
    .await
}

/// JSON with line ends and indents, its members in the order in which they stand.
fn indented(json: &str) -> String {
    let (mut text, mut depth, mut inside, mut escaped) = (String::new(), 0_usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(found) = rest.next() {
        text.push(found);
        if inside {
            inside = escaped || found != '"';
            escaped = !escaped && found == '\\';
            if inside {
                continue;
            }
        } else if found == '"' {
            inside = true;
            continue;
        }
        match found {
            '{' | '[' if !matches!(rest.peek(), Some('}' | ']')) => {
                depth += 1;
                line(&mut text, depth);
            }
            ',' => line(&mut text, depth),
            ':' => text.push(' '),
            _ => {}
        }
        if matches!(rest.peek(), Some('}' | ']')) && !matches!(found, '{' | '[') {
            depth = depth.saturating_sub(1);
            line(&mut text, depth);
        }
    }
    text
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_says_the_same() {
        for json in
            [r#"{"a":1,"b":[1,2,{"c":"x,{}\"[\\"}],"d":{},"e":[]}"#, "[]", r#"{"z":"\\","y":null}"#]
        {
            let text = indented(json);
            let (one, two): (serde_json::Value, serde_json::Value) = (
                serde_json::from_str(json).expect("json"),
                serde_json::from_str(&text).expect(&text),
            );
            assert_eq!(one, two, "{text}");
        }
        assert_eq!(indented(r#"{"a":[1],"b":{}}"#), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
        assert_eq!(indented(r#"{"a":{"b":"}"}}"#), "{\n  \"a\": {\n    \"b\": \"}\"\n  }\n}");
    }
}
