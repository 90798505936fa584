//! Messages: what, why, until when and what to do, as text and as HTML, in the thread of the change.

use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use sluice_core::effect::Effect;

use super::config::Config;
use crate::kit::answers::cut;
use crate::kit::words;
use crate::tell::Talk;

/// The longest subject.
const SUBJECT: usize = 150;
/// The most things that one message speaks of.
const MOST: usize = 100;

/// The message, or nothing where an address is none.
pub(super) fn message(config: &Config, talk: &Talk<'_>) -> Option<Vec<u8>> {
    let domain = config.from.domain();
    let id = |name: &str| format!("<{}@{domain}>", safe(name));
    let sections: Vec<Vec<String>> = std::iter::once(talk.effect)
        .chain(talk.along)
        .take(MOST)
        .map(|effect| words::plain(&Talk { effect, along: &[], ..*talk }))
        .collect();
    let mut builder = Message::builder()
        .from(Mailbox::new(Some("Sluice".to_owned()), config.from.clone()))
        .subject(subject(talk))
        .date(talk.effect.at.into())
        .message_id(Some(id(&format!("{}.{}", talk.effect.key, talk.along.len()))))
        .header(Automatic);
    for person in talk.people {
        builder = builder.to(Mailbox::new(person.name.clone(), person.address.parse().ok()?));
    }
    let records: std::collections::BTreeSet<&str> = std::iter::once(talk.effect)
        .chain(talk.along)
        .map(|effect| effect.entity.as_str())
        .collect();
    if records.len() == 1 {
        // Nobody has sent the thread's first message: all are answers to the record itself.
        let thread = id(&talk.effect.entity);
        builder = builder.in_reply_to(thread.clone()).references(thread);
    }
    let body = MultiPart::alternative_plain_html(text(&sections), html(&sections));
    Some(builder.multipart(body).ok()?.formatted())
}

/// The subject: of one record what happened to it, of several how many.
fn subject(talk: &Talk<'_>) -> String {
    let line = |effect: &Effect| cut(&effect.line, SUBJECT).replace('\n', " ");
    match talk.along.len() {
        0 => line(talk.effect),
        more => {
            format!("{} and {more} more", cut(&line(talk.effect), SUBJECT - 20))
        }
    }
}

fn text(sections: &[Vec<String>]) -> String {
    let sections: Vec<String> = sections.iter().map(|lines| lines.join("\n")).collect();
    format!("{}\n", sections.join("\n\n"))
}

fn html(sections: &[Vec<String>]) -> String {
    let mut body = String::from(
        "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif;max-width:40rem\">",
    );
    for lines in sections {
        let mut lines = lines.iter();
        if let Some(first) = lines.next() {
            body.push_str(&format!("<p><strong>{}</strong></p><ul>", escaped(first)));
        }
        for line in lines {
            match line.strip_prefix("https://") {
                Some(_) => {
                    let address = escaped(line);
                    body.push_str(&format!("<li><a href=\"{address}\">{address}</a></li>"));
                }
                None => {
                    body.push_str(&format!("<li>{}</li>", escaped(line.trim_start_matches("- "))))
                }
            }
        }
        body.push_str("</ul>");
    }
    body.push_str("</body></html>");
    body
}

/// Text that cannot be anything else in HTML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// What may stand in a message id before `@`.
fn safe(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' };
    text.chars().map(fits).take(200).collect()
}

/// RFC 3834: nobody's absence note answers it.
#[derive(Clone)]
struct Automatic;

impl Header for Automatic {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
