//! Messages as blocks: what, why, until when, and what to do.

use serde_json::{Value, json};
use sluice_core::effect::{ChangeCard, Effect};

use crate::kit::answers::cut;
use crate::tell::Talk;

/// The most reasons that are written out.
const REASONS: usize = 8;

/// The most characters of reasons in one text: Slack takes 3,000, with what stands around them.
const TEXT: usize = 2_800;

/// The button of those who would approve.
pub(super) const APPROVE: &str = "sluice.approve";
/// The button of those who would not.
pub(super) const REJECT: &str = "sluice.reject";

/// The first message of a change's thread.
pub(super) fn of_change(talk: &Talk<'_>, card: &ChangeCard) -> Vec<Value> {
    let services: Vec<&str> = card.services.iter().map(|service| service.as_str()).collect();
    let title = format!("{}: {}", card.number, card.title);
    let mut fields = vec![
        field("State", card.state.as_str()),
        field("Services", &services.join(", ")),
        field("Environment", card.environment.as_str()),
        field("Type", card.kind.as_str()),
    ];
    if let Some(risk) = card.risk {
        fields.push(field("Risk", risk.as_str()));
    }
    if let Some(version) = &card.version {
        fields.push(field("Version", version));
    }
    if let Some(outcome) = card.outcome {
        fields.push(field("Outcome", outcome.as_str()));
    }
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&title, 150) } }),
        json!({ "type": "section", "fields": fields }),
    ];
    blocks.extend(button(talk, "Open"));
    blocks
}

/// One thing that happened.
pub(super) fn of_effect(talk: &Talk<'_>, buttons: bool) -> Vec<Value> {
    let mut text = format!("*{}*", escaped(&talk.effect.line, 500));
    if let Some(decision) = &talk.effect.decision {
        for (told, reason) in decision.reasons.iter().enumerate() {
            let mut line = format!("\n• {}", escaped(&reason.message, 200));
            if !reason.pass_if.is_empty() {
                line.push_str(&format!(" _Would pass if {}_", escaped(&reason.pass_if, 200)));
            }
            if told >= REASONS || text.chars().count() + line.chars().count() > TEXT {
                let left = decision.reasons.len() - told;
                text.push_str(&format!("\n_and {left} more_"));
                break;
            }
            text.push_str(&line);
        }
        if let Some(until) = decision.until {
            let fallback = until.strftime("%Y-%m-%d %H:%M UTC");
            text.push_str(&format!(
                "\nUntil <!date^{}^{{date_short_pretty}} {{time}}|{fallback}>",
                until.as_second()
            ));
        }
    }
    let mut blocks = vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })];
    if is_asking(talk.effect) {
        let wishes = talk.effect.change.as_ref().filter(|_| buttons).map(wishes);
        blocks.extend(wishes.or_else(|| button(talk, "Look and decide")));
    }
    blocks
}

fn is_asking(effect: &Effect) -> bool {
    effect.tell == sluice_core::effect::Tell::ApprovalWanted
}

/// A button that leads to our page. It decides nothing by itself.
fn button(talk: &Talk<'_>, label: &str) -> Option<Value> {
    let page = talk.page()?;
    Some(json!({ "type": "actions", "elements": [
        { "type": "button", "text": { "type": "plain_text", "text": label }, "url": page, "action_id": "open" }
    ] }))
}

/// Buttons for those who would decide: they say so, and are shown the way to the page where it counts.
fn wishes(card: &ChangeCard) -> Value {
    let value = format!("{} {}", card.number, card.revision);
    let button = |label: &str, action: &str, style: &str| {
        json!({
            "type": "button", "text": { "type": "plain_text", "text": label },
            "action_id": action, "value": value, "style": style,
        })
    };
    json!({ "type": "actions", "block_id": "sluice.decide", "elements": [
        button("Approve\u{2026}", APPROVE, "primary"),
        button("Reject\u{2026}", REJECT, "danger"),
    ] })
}

fn field(name: &str, value: &str) -> Value {
    json!({ "type": "mrkdwn", "text": format!("*{name}*\n{}", escaped(value, 500)) })
}

/// Text that cannot make a link or a mention.
pub(super) fn escaped(text: &str, most: usize) -> String {
    cut(text, most).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
