//! One mapping: when it applies, which signal it makes, and where each value comes from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::connector::Problem;
use crate::generic::path::Path;
use crate::generic::targets::{Takes, VALUES, is_word_of, signal_names, targets_of};
use crate::kit::settings::Settings;

/// Mappings of one link, and conditions and fields of one mapping.
pub(crate) const MAPPINGS: usize = 100;
const CONDITIONS: usize = 20;
const FIELDS: usize = 80;
const WORDS: usize = 100;

/// A checked mapping.
pub(crate) struct Mapping {
    pub(crate) when: Vec<Condition>,
    pub(crate) signal: String,
    /// Member of the signal, what it takes, whether it must be there, and its source.
    pub(crate) fields: Vec<(String, Takes, bool, Source)>,
}

/// Something that must hold for a mapping to apply.
pub(crate) struct Condition {
    pub(crate) of: Origin,
    pub(crate) test: Test,
}

/// What must hold of a value.
pub(crate) enum Test {
    /// It is there, or is not.
    Exists(bool),
    /// It is one of these.
    OneOf(Vec<Value>),
    /// It is a text that begins so.
    StartsWith(String),
}

/// Where a value stands in a delivery.
pub(crate) enum Origin {
    Path(Path),
    /// Name in lower case.
    Header(String),
}

/// Where the value of a field comes from.
pub(crate) enum Source {
    /// Always this.
    Value(Value),
    /// From the delivery, translated, or else the default.
    From { of: Origin, words: BTreeMap<String, String>, default: Option<String> },
}

impl Mapping {
    /// Reads one mapping and names all its problems.
    pub(crate) fn read(value: &Value, path: String) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, path.clone());
        let when = conditions(&mut settings, &path);
        let help = format!("one of {}", signal_names());
        let signal = settings.text("signal", &help).unwrap_or_default();
        let Some(targets) = targets_of(&signal) else {
            settings.value("fields");
            settings.problem("signal", "`signal` names no signal", help);
            return Err(settings.finish());
        };
        let mut fields = Vec::new();
        let empty = Value::Object(serde_json::Map::new());
        let given = settings.value("fields").unwrap_or(&empty).as_object();
        if given.is_none_or(|given| given.len() > FIELDS) {
            settings.problem(
                "fields",
                "`fields` must be a mapping",
                format!("at most {FIELDS} lines"),
            );
        }
        let given = given.into_iter().flatten();
        for (name, source) in given.take(FIELDS) {
            let place = format!("{path}/fields/{}", name.replace('~', "~0").replace('/', "~1"));
            let free = signal == "noted" && name.starts_with(VALUES) && name.len() > VALUES.len();
            let target = targets.iter().find(|(target, _, _)| target == name);
            match (target, free) {
                (Some((_, takes, required)), _) => match source_of(source, *takes, &place) {
                    Ok(source) => fields.push((name.clone(), *takes, *required, source)),
                    Err(problems) => settings.absorb(problems),
                },
                (None, true) => match source_of(source, Takes::Text, &place) {
                    Ok(source) => fields.push((name.clone(), Takes::Text, false, source)),
                    Err(problems) => settings.absorb(problems),
                },
                (None, false) => settings.absorb(vec![unknown_field(&signal, targets, place)]),
            }
        }
        incomplete(&mut settings, targets, &fields);
        let problems = settings.finish();
        if problems.is_empty() { Ok(Self { when, signal, fields }) } else { Err(problems) }
    }
}

fn unknown_field(signal: &str, targets: &[(&str, Takes, bool)], path: String) -> Problem {
    let names: Vec<String> = targets.iter().map(|(name, _, _)| format!("`{name}`")).collect();
    let names = if signal == "noted" {
        "`name` and `values.` with any name".to_owned()
    } else {
        names.join(", ")
    };
    Problem {
        path,
        message: format!("a `{signal}` has no such field"),
        help: format!("known are {names}"),
    }
}

/// What must be there and is not; a run needs its system and its id, or nothing of it.
fn incomplete(
    settings: &mut Settings<'_>,
    targets: &[(&str, Takes, bool)],
    fields: &[(String, Takes, bool, Source)],
) {
    let has = |name: &str| fields.iter().any(|(field, _, _, _)| field == name);
    let some_of_run = fields.iter().any(|(field, _, _, _)| field.starts_with("run."));
    for (name, _, required) in targets {
        let of_run = some_of_run && ["run.system", "run.id"].contains(name);
        if (*required || of_run) && !has(name) {
            let message = format!("the field `{name}` is missing");
            settings.problem(
                "fields",
                message,
                "a path such as `$.deploy.id`, or `{ value: ... }`",
            );
        }
    }
}

fn conditions(settings: &mut Settings<'_>, path: &str) -> Vec<Condition> {
    let Some(given) = settings.value("when") else { return Vec::new() };
    let Some(given) = given.as_array().filter(|given| given.len() <= CONDITIONS) else {
        let help = format!("at most {CONDITIONS} conditions, all of which must hold");
        settings.problem("when", "`when` must be a list of conditions", help);
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for (index, condition) in given.iter().enumerate() {
        match condition_of(condition, format!("{path}/when/{index}")) {
            Ok(condition) => conditions.push(condition),
            Err(problems) => settings.absorb(problems),
        }
    }
    conditions
}

fn condition_of(value: &Value, path: String) -> Result<Condition, Vec<Problem>> {
    let mut settings = Settings::of(value, path);
    let of = origin(&mut settings);
    let equals = settings.value("equals").map(|value| Test::OneOf(vec![value.clone()]));
    let one_of =
        settings.value("one_of").and_then(Value::as_array).map(|of| Test::OneOf(of.clone()));
    let exists = settings.value("exists").and_then(Value::as_bool).map(Test::Exists);
    let starts = settings.text("starts_with", "a text").map(Test::StartsWith);
    let mut tests: Vec<Test> = [equals, one_of, exists, starts].into_iter().flatten().collect();
    let test = tests.pop().filter(|_| tests.is_empty());
    if test.is_none() {
        let help =
            "one of `equals: value`, `one_of: [values]`, `exists: true`, `starts_with: text`";
        settings.problem("", "a condition asks exactly one thing", help);
    }
    let problems = settings.finish();
    match (of, test) {
        (Some(of), Some(test)) if problems.is_empty() => Ok(Condition { of, test }),
        _ => Err(problems),
    }
}

/// The member `path` or `header`, one of them.
pub(crate) fn origin(settings: &mut Settings<'_>) -> Option<Origin> {
    let path_help = "`$.deploy.targets[0]['name']` or `/deploy/targets/0/name`";
    let path = settings.text("path", path_help);
    let header = settings.text("header", "the name of a header");
    match (path, header) {
        (Some(path), None) => {
            let parsed = Path::parse(&path);
            if parsed.is_none() {
                settings.problem("path", "`path` is not a path to one value", path_help);
            }
            parsed.map(Origin::Path)
        }
        (None, Some(header)) => Some(Origin::Header(header.to_ascii_lowercase())),
        _ => {
            settings.problem("", "either `path` or `header` must say where to look", path_help);
            None
        }
    }
}

fn source_of(value: &Value, takes: Takes, path: &str) -> Result<Source, Vec<Problem>> {
    if let Some(text) = value.as_str() {
        let plain = serde_json::json!({ "path": text });
        let shortened = |mut problems: Vec<Problem>| {
            problems.iter_mut().for_each(|problem| problem.path = path.to_owned());
            problems
        };
        return source_of(&plain, takes, path).map_err(shortened);
    }
    let mut settings = Settings::of(value, path);
    if let Some(constant) = settings.value("value") {
        let text = match constant {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(constant.to_string()),
            _ => None,
        };
        if !text.is_some_and(|text| is_word_of(takes, &text)) {
            settings.problem(
                "value",
                "`value` is nothing that this field takes",
                "see the list of words in the documentation",
            );
        }
        let constant = constant.clone();
        let problems = settings.finish();
        return if problems.is_empty() { Ok(Source::Value(constant)) } else { Err(problems) };
    }
    let of = origin(&mut settings);
    let words = words(&mut settings, takes);
    let default = settings.text("default", "a text");
    if default.as_deref().is_some_and(|word| !is_word_of(takes, word)) {
        settings.problem(
            "default",
            "`default` is nothing that this field takes",
            "one of our words",
        );
    }
    let problems = settings.finish();
    match of {
        Some(of) if problems.is_empty() => Ok(Source::From { of, words, default }),
        _ => Err(problems),
    }
}

fn words(settings: &mut Settings<'_>, takes: Takes) -> BTreeMap<String, String> {
    let Some(given) = settings.value("words") else { return BTreeMap::new() };
    let read: Option<BTreeMap<String, String>> = given.as_object().and_then(|given| {
        given.iter().map(|(from, to)| Some((from.clone(), to.as_str()?.to_owned()))).collect()
    });
    let Some(read) = read.filter(|read| read.len() <= WORDS) else {
        let help = "lines such as `OK: succeeded`";
        settings.problem("words", "`words` must map words to words", help);
        return BTreeMap::new();
    };
    if let Some(wrong) = read.values().find(|word| !is_word_of(takes, word)) {
        let message = format!("`{}` is nothing that this field takes", wrong.escape_debug());
        settings.problem("words", message, "one of the words of ours that the documentation lists");
    }
    read
}
