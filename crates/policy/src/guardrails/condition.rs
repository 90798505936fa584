//! Phrases that stand for expressions over the facts, so that a guardrail can be read aloud.
//!
//! Whatever is no phrase is taken as an expression of Rego.

use super::Rigour;

/// Fields that are compared with numbers, by the words for them.
const NUMBERS: &[(&str, &str)] = &[
    ("risk score", "input.risk.score"),
    ("lines changed", "input.question.lines_changed"),
    ("dependents", "input.history.dependents"),
    ("failures", "input.history.failures"),
    ("deployments", "input.history.deployments"),
    ("open incidents", "count(input.incidents)"),
    ("conflicts", "count(input.conflicts)"),
    ("owed reviews", "input.debt.owed"),
];

/// Fields that are compared with words.
const WORDS: &[(&str, &str)] = &[
    ("service tier", "input.target.service_tier"),
    ("environment tier", "input.target.environment_tier"),
    ("service", "input.target.service"),
    ("environment", "input.target.environment"),
    ("team", "input.target.team"),
    ("change", "input.change.kind"),
    ("risk", "input.risk.level"),
    ("caller", "input.caller.kind"),
];

/// Fields that have no other words.
const CLOSED: &[(&str, &[&str])] = &[
    ("environment tier", &["development", "test", "staging", "production"]),
    ("change", &["standard", "normal", "emergency"]),
    ("risk", LEVELS),
    ("caller", &["pipeline", "person", "link"]),
];

const LEVELS: &[&str] = &["low", "medium", "high", "critical"];

/// Phrases that stand for themselves.
const WHOLE: &[(&str, &str)] = &[
    ("business hours", "input.history.business_hours == true"),
    ("outside business hours", "input.history.business_hours == false"),
    ("emergency", "input.change.kind == \"emergency\""),
    ("open incidents", "count(input.incidents) > 0"),
    ("no open incidents", "count(input.incidents) == 0"),
    ("maintenance window", "count(input.calendar.maintenance) > 0"),
];

/// The expression that a phrase stands for; `None` where it is no phrase.
///
/// # Errors
///
/// A phrase about a word that its field never has: it would hold never, or always. Of what was recorded it does.
pub(super) fn translate(text: &str, rigour: Rigour) -> Result<Option<String>, String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if rigour == Rigour::New {
        unknown(&text).map_or(Ok(()), Err)?;
    }
    if let Some((_, expression)) = WHOLE.iter().find(|(phrase, _)| *phrase == text) {
        return Ok(Some((*expression).to_owned()));
    }
    Ok(levels(&text)
        .or_else(|| numbers(&text))
        .or_else(|| evidence(&text))
        .or_else(|| label(&text))
        .or_else(|| words(&text)))
}

/// What is wrong with a phrase about a field that has only certain words.
fn unknown(text: &str) -> Option<String> {
    let (field, known, rest) = CLOSED.iter().find_map(|(field, known)| {
        Some((field, known, text.strip_prefix(field)?.strip_prefix(" is ")?))
    })?;
    let beginnings: &[&str] = if *field == "risk" { &["at least ", "below "] } else { &[] };
    let said = beginnings.iter().find_map(|beginning| rest.strip_prefix(beginning));
    let said = said.or_else(|| rest.strip_prefix("not ")).unwrap_or(rest);
    let all = || known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    (!known.contains(&said)).then(|| format!("`{text}`: {field} is one of {}", all()))
}

/// `risk is at least high`, `risk is below medium`.
fn levels(text: &str) -> Option<String> {
    let (level, wanted): (&str, fn(usize, usize) -> bool) =
        if let Some(level) = text.strip_prefix("risk is at least ") {
            (level, |at, than| at >= than)
        } else {
            (text.strip_prefix("risk is below ")?, |at, than| at < than)
        };
    let than = LEVELS.iter().position(|known| *known == level)?;
    let names: Vec<String> = LEVELS
        .iter()
        .enumerate()
        .filter(|(at, _)| wanted(*at, than))
        .map(|(_, name)| format!("\"{name}\""))
        .collect();
    // The empty braces of Rego are an object; nothing is in either.
    Some(format!("input.risk.level in {{{}}}", names.join(", ")))
}

/// `lines changed > 500`.
fn numbers(text: &str) -> Option<String> {
    let (_, field, rest) = NUMBERS.iter().find_map(|(words, field)| {
        Some((words, field, text.strip_prefix(words)?.strip_prefix(' ')?))
    })?;
    let (operator, number) = rest.split_once(' ')?;
    let known = ["<", "<=", ">", ">=", "==", "!="].contains(&operator);
    let number: i64 = number.parse().ok()?;
    known.then(|| format!("{field} {operator} {number}"))
}

/// `evidence scan is present`, `evidence scan has passed`.
fn evidence(text: &str) -> Option<String> {
    let rest = text.strip_prefix("evidence ")?;
    if let Some(kind) = rest.strip_suffix(" is present").and_then(word) {
        return Some(format!(
            "count([item | some item in input.evidence.present; item.type == \"{kind}\"]) > 0"
        ));
    }
    let kind = rest.strip_suffix(" has passed").and_then(word)?;
    Some(format!(
        "count([item | some item in input.evidence.present; item.type == \"{kind}\"; item.status == \"passed\"]) > 0"
    ))
}

/// `label pci is yes`.
fn label(text: &str) -> Option<String> {
    let (key, value) = text.strip_prefix("label ")?.split_once(" is ")?;
    Some(format!("input.target.labels[\"{}\"] == \"{}\"", word(key)?, word(value)?))
}

/// `service is payments`, `service tier is not tier-1`.
fn words(text: &str) -> Option<String> {
    let (_, field, rest) = WORDS.iter().find_map(|(words, field)| {
        Some((words, field, text.strip_prefix(words)?.strip_prefix(" is ")?))
    })?;
    match rest.strip_prefix("not ") {
        Some(other) => Some(format!("{field} != \"{}\"", word(other)?)),
        None => Some(format!("{field} == \"{}\"", word(rest)?)),
    }
}

/// A plain word, which needs no quoting.
fn word(text: &str) -> Option<&str> {
    let plain =
        |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '/' | ':');
    (!text.is_empty() && text.chars().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_become_expressions() {
        for (phrase, expression) in [
            ("business  hours", Some("input.history.business_hours == true")),
            ("risk is at least high", Some("input.risk.level in {\"high\", \"critical\"}")),
            ("lines changed > 500", Some("input.question.lines_changed > 500")),
            ("service tier is tier-1", Some("input.target.service_tier == \"tier-1\"")),
            ("change is not emergency", Some("input.change.kind != \"emergency\"")),
            ("label pci is yes", Some("input.target.labels[\"pci\"] == \"yes\"")),
            ("service is \"; true", None),
            ("input.risk.score < 30", None),
        ] {
            assert_eq!(translate(phrase, Rigour::New).unwrap().as_deref(), expression, "{phrase}");
        }
    }

    #[test]
    fn a_word_that_a_field_never_has_is_a_problem() {
        for (phrase, known) in [
            ("risk is hihg", false),
            ("risk is not High", false),
            ("risk is at least hihg", false),
            ("risk is below mediun", false),
            ("risk is not critical", true),
            ("risk is below low", true),
            ("environment tier is prod", false),
            ("environment tier is not production", true),
            ("change is emergancy", false),
            ("change is standard", true),
            ("caller is robot", false),
            ("caller is person", true),
            ("service is paymnts", true),
        ] {
            assert_eq!(
                translate(phrase, Rigour::New).is_ok(),
                known,
                "{phrase}: {:?}",
                translate(phrase, Rigour::New)
            );
        }
    }
}
