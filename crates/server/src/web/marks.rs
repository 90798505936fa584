//! Marks: how states, kinds, risks and answers look. Always a picture and a word, never colour alone.

use askama::filters::Safe;

use super::escape::escaped;
use super::{Markup, w};

/// A picture of the sprite in `templates/sprite.html`.
pub(crate) fn icon(name: &str) -> Markup {
    Safe(format!("<svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-{name}\"/></svg>"))
}

/// A word with a picture in a tone: `ok`, `wait`, `no`, `info`, `calm`, `high`.
pub(crate) fn pill(tone: &str, icon: &str, word: &str) -> Markup {
    Safe(format!(
        "<span class=\"pill {tone}\"><svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-{icon}\"/>\
         </svg>{}</span>",
        escaped(word)
    ))
}

/// Where a change stands.
pub(crate) fn state(state: &str) -> Markup {
    let (tone, icon) = match state {
        "new" | "assess" => ("calm", "dot"),
        "authorize" => ("wait", "people"),
        "scheduled" => ("info", "clock"),
        "implement" => ("info", "play"),
        "review" => ("wait", "eye"),
        "closed" => ("calm", "check"),
        _ => ("calm", "x"),
    };
    pill(tone, icon, &w::named("state", state))
}

/// Type of a change.
pub(crate) fn kind(kind: &str) -> Markup {
    let (tone, icon) = match kind {
        "emergency" => ("no", "bolt"),
        "standard" => ("calm", "repeat"),
        _ => ("calm", "change"),
    };
    pill(tone, icon, &w::named("kind", kind))
}

/// Level of a risk; nothing is said while it is not known.
pub(crate) fn risk(level: &str) -> Markup {
    let (tone, icon) = match level {
        "" => return Safe(format!("<span class=\"faint\">{}</span>", w::t("risk.unknown"))),
        "low" => ("ok", "bar1"),
        "medium" => ("wait", "bar2"),
        "high" => ("high", "bar3"),
        _ => ("no", "bar4"),
    };
    pill(tone, icon, &w::named("risk", level))
}

/// An answer of the gate.
pub(crate) fn answer(answer: &str) -> Markup {
    let (tone, icon) = match answer {
        "allow" => ("ok", "check"),
        "wait" => ("wait", "hourglass"),
        _ => ("no", "ban"),
    };
    pill(tone, icon, &w::named("answer", answer))
}

/// How a change ended.
pub(crate) fn outcome(outcome: &str) -> Markup {
    let (tone, icon) = match outcome {
        "successful" => ("ok", "check"),
        "successful_with_issues" => ("wait", "flag"),
        "rolled_back" => ("no", "undo"),
        _ => ("no", "x"),
    };
    pill(tone, icon, &w::named("outcome", outcome))
}

/// Where a deployment stands.
pub(crate) fn deployment(state: &str) -> Markup {
    let (tone, icon) = match state {
        "running" => ("info moving", "play"),
        "succeeded" => ("ok", "check"),
        "rolled_back" => ("no", "undo"),
        _ => ("no", "x"),
    };
    pill(tone, icon, &w::named("deployment", state))
}

/// Where an incident stands.
pub(crate) fn incident(state: &str) -> Markup {
    let (tone, icon) = match state {
        "new" => ("no", "alert"),
        "acknowledged" => ("wait", "eye"),
        "in_progress" => ("info", "tool"),
        "on_hold" => ("wait", "hourglass"),
        _ => ("ok", "check"),
    };
    pill(tone, icon, &w::named("incident_state", state))
}

/// Where a problem stands.
pub(crate) fn problem(state: &str) -> Markup {
    let (tone, icon) = match state {
        "new" => ("wait", "root"),
        "investigating" => ("info", "search"),
        "known_error" => ("high", "book"),
        "fix_in_progress" => ("info", "tool"),
        _ => ("ok", "check"),
    };
    pill(tone, icon, &w::named("problem_state", state))
}

/// How an incident ended.
pub(crate) fn resolution(how: &str) -> Markup {
    let (tone, icon) = match how {
        "fixed" | "recovered" => ("ok", "check"),
        "worked_around" => ("wait", "undo"),
        _ => ("calm", "x"),
    };
    pill(tone, icon, &w::named("resolution", how))
}

/// No mark.
pub(crate) fn none() -> Markup {
    Safe(String::new())
}

/// A severity in the word of whoever told of it; nothing where none was said.
pub(crate) fn severity(word: &str) -> Option<Markup> {
    let (tone, icon) = match word.to_lowercase().as_str() {
        "" => return None,
        "critical" | "emergency" | "fatal" | "1" => ("no", "bar4"),
        "high" | "major" | "error" | "2" => ("high", "bar3"),
        "warning" | "medium" | "moderate" | "3" => ("wait", "bar2"),
        "low" | "minor" | "info" | "4" | "5" => ("calm", "bar1"),
        _ => ("calm", "dot"),
    };
    Some(pill(tone, icon, word))
}

/// What a window means.
pub(crate) fn window(kind: &str) -> Markup {
    let (tone, icon) = match kind {
        "freeze" => ("freeze", "snow"),
        "maintenance" => ("wait", "tool"),
        _ => ("ok", "calendar"),
    };
    pill(tone, icon, &w::named("window", kind))
}

/// What evidence says.
pub(crate) fn evidence(status: &str) -> Markup {
    let (tone, icon) = match status {
        "passed" => ("ok", "check"),
        "failed" => ("no", "x"),
        _ => ("calm", "doc"),
    };
    pill(tone, icon, &w::named("evidence", status))
}

/// What a reason does to the answer.
pub(crate) fn effect(effect: &str) -> Markup {
    let (tone, icon) = match effect {
        "deny" => ("no", "ban"),
        "wait" => ("wait", "hourglass"),
        _ => ("calm", "info"),
    };
    pill(tone, icon, &w::named("effect", effect))
}

/// The first letters of a name in a round field, and the name.
pub(crate) fn person(name: &str, handle: &str) -> Markup {
    let initials: String =
        name.split_whitespace().filter_map(|part| part.chars().next()).take(2).collect();
    let hue = handle.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte)) % 6;
    Safe(format!(
        "<span class=\"who\"><span class=\"face f{hue}\" aria-hidden=\"true\">{}</span><bdi>{}</bdi></span>",
        escaped(&initials.to_uppercase()),
        escaped(name)
    ))
}

/// A sentence in which names stand between backticks.
pub(crate) fn prose(text: &str) -> Markup {
    let mut written = String::with_capacity(text.len() + 16);
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        // An opening mark without its end is a mark.
        if at % 2 == 1 && at < last {
            written.push_str(&format!("<code>{}</code>", escaped(part)));
        } else {
            if at % 2 == 1 {
                written.push('`');
            }
            written.push_str(&escaped(part));
        }
    }
    Safe(format!("<bdi>{written}</bdi>"))
}

/// The last outcomes of a place as a row of small marks, newest last.
pub(crate) fn strip(states: &[&str]) -> Markup {
    let width = states.len() * 7;
    let failed = states.iter().filter(|state| **state != "succeeded").count();
    let label = w::ff("marks.last_not_well", states.len(), failed);
    let mut written = format!(
        "<svg class=\"strip\" width=\"{width}\" height=\"14\" viewBox=\"0 0 {width} 14\" role=\"img\" aria-label=\"{label}\">"
    );
    // One path for each outcome: a list shows many of these pictures. What went badly is lower too: it is read without
    // colour.
    for (class, well, top, height) in [("ok", true, 1, 12), ("no", false, 7, 6)] {
        let marks = states.iter().enumerate().filter(|(_, state)| (**state == "succeeded") == well);
        let path: String =
            marks.map(|(at, _)| format!("M{} {top}h5v{height}h-5z", at * 7)).collect();
        if !path.is_empty() {
            written.push_str(&format!("<path class=\"{class}\" d=\"{path}\"/>"));
        }
    }
    written.push_str("</svg>");
    Safe(written)
}

/// A link that leaves; what is no web address stays text.
pub(crate) fn outward(address: &str, text: &str) -> Markup {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    if !is_web || address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Safe(format!("<span>{}</span>", escaped(text)));
    }
    Safe(format!(
        "<a href=\"{}\" rel=\"noopener noreferrer\" target=\"_blank\">{} <svg class=\"i\" aria-hidden=\"true\">\
         <use href=\"#i-out\"/></svg></a>",
        escaped(address),
        escaped(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_sentences_stand_out_and_stay_text() {
        assert_eq!(prose("`a<b` waits").0, "<bdi><code>a&lt;b</code> waits</bdi>");
        assert_eq!(prose("one ` alone").0, "<bdi>one ` alone</bdi>");
    }

    #[test]
    fn only_web_addresses_become_links() {
        for (address, is_link) in [
            ("https://example.org/a?b=c", true),
            ("http://example.org", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("https://a b", false),
            ("//example.org", false),
        ] {
            assert_eq!(outward(address, "x").0.starts_with("<a "), is_link, "{address}");
        }
        assert!(!outward("https://x/\"onclick=\"", "x").0.contains("\"onclick"));
    }
}
