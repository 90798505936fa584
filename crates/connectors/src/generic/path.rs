//! Paths into JSON: the part of JSONPath (RFC 9535) that names one value, and JSON pointers
//! (RFC 6901).

use serde_json::Value;

/// Steps of one path.
const STEPS: usize = 32;

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    /// A pointer's number is a position in an array and a name in an object.
    Either(String, usize),
}

impl Path {
    /// Reads `$.deploy.targets[0]['name']` or `/deploy/targets/0/name`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let steps = match text.strip_prefix('$') {
            Some(rest) => json_path(rest)?,
            None => pointer(text)?,
        };
        (steps.len() <= STEPS).then_some(Self { steps })
    }

    /// The value there; `null` counts as none.
    pub(crate) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        let found = self.steps.iter().try_fold(value, |value, step| match step {
            Step::Name(name) => value.as_object()?.get(name),
            Step::Index(index) => value.as_array()?.get(*index),
            Step::Either(name, index) => match value {
                Value::Array(items) => items.get(*index),
                other => other.as_object()?.get(name),
            },
        })?;
        (!found.is_null()).then_some(found)
    }
}

fn json_path(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            let plain = !name.is_empty()
                && name
                    .chars()
                    .all(|character| character.is_alphanumeric() || "_-".contains(character));
            steps.push(plain.then(|| Step::Name(name.to_owned()))?);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("['") {
            let (name, behind) = behind.split_once("']")?;
            steps.push(Step::Name(name.to_owned()));
            rest = behind;
        } else {
            let (index, behind) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(position(index)?));
            rest = behind;
        }
    }
    Some(steps)
}

fn pointer(text: &str) -> Option<Vec<Step>> {
    let tokens = text.strip_prefix('/')?.split('/');
    let steps = tokens.map(|token| {
        let name = token.replace("~1", "/").replace("~0", "~");
        match position(&name) {
            Some(index) => Step::Either(name, index),
            None => Step::Name(name),
        }
    });
    Some(steps.collect())
}

fn position(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
